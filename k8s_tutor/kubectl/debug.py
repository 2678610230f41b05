"""``kubectl debug``: an ephemeral container in a pod, a copy of a pod, or a pod on a node (kubectl pkg/cmd/debug)."""

from __future__ import annotations

from k8s_tutor.kubectl import generators
from k8s_tutor.kubectl.errors import Failure, Refused
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.pods import pod_of
from k8s_tutor.kubectl.program import Asking, Clock, Tree
from k8s_tutor.kubectl.resources import NODES, PODS, Info
from k8s_tutor.kubectl.session import STRATEGIC_PATCH, Session

FLAGS = (
    "image container:c target stdin:i! tty:t! attach! quiet:q! env@ copy-to profile replace! same-node! share-processes! "
    "set-image* image-pull-policy arguments-only! keep-annotations! keep-labels! keep-liveness! keep-readiness! keep-startup! "
    "keep-init-containers! filename:f* custom"
)
LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def run(session: Session, words: Words) -> Asking[int]:
    """Dispatch on what is to be debugged."""
    if not words.positional:
        raise Failure("NAME is required for debug")
    if not words.text("image") and not words.text("copy-to"):
        raise Failure("you must specify --image when not using --copy-to.")
    if words.text("image") and words.many("set-image"):
        raise Failure("you may only specify --image when using --set-image")
    now: int = yield Clock()
    suffix = "".join(LETTERS[(now // 1000 // len(LETTERS) ** place) % len(LETTERS)] for place in range(5))
    first = words.positional[0]
    target = first if "/" in first else "/".join(words.positional[:2])
    kind, _, name = target.rpartition("/")
    if kind in ("node", "nodes", "no"):
        yield from _node(session, words, name, suffix)
        return 0
    info = yield from pod_of(session, target)
    if words.text("copy-to"):
        yield from _copy(session, words, info, suffix)
    else:
        yield from _ephemeral(session, words, info, suffix)
    return 0


def _container(words: Words, suffix: str) -> Tree:
    name = words.text("container") or f"debugger-{suffix}"
    container: Tree = {"image": words.text("image"), "name": name, "resources": {}, "terminationMessagePolicy": "File"}
    if words.many("env"):
        container["env"] = [dict(zip(("name", "value"), pair.partition("=")[::2], strict=True)) for pair in words.many("env")]
    if words.rest:
        container["args" if words.on("arguments-only") else "command"] = list(words.rest)
    for flag, field in (("stdin", "stdin"), ("tty", "tty")):
        if words.on(flag):
            container[field] = True
    policy = words.text("image-pull-policy")
    return {**container, **({"imagePullPolicy": policy} if policy else {})}


def _ephemeral(session: Session, words: Words, info: Info, suffix: str) -> Asking[None]:
    container = _container(words, suffix)
    if words.text("target"):
        container["targetContainerName"] = words.text("target")
        session.say(f'Targeting container "{words.text("target")}". If you don\'t see processes from this container it may be '
                    "because the container runtime doesn't support this feature.")  # fmt: skip
    if not words.on("quiet") and not words.text("container"):
        session.say(f"Defaulting debug container name to {container['name']}.")
    patch = {"spec": {"ephemeralContainers": [container]}}
    path = PODS.path(info.namespace, info.name, "ephemeralcontainers")
    try:
        yield from session.ask("PATCH", path, (), patch, STRATEGIC_PATCH)
    except Refused as refused:
        if refused.reason == "NotFound" and refused.missing_type:
            raise Failure("ephemeral containers are disabled for this cluster (error from server: "
                          f'"{refused.said}").') from None  # fmt: skip
        raise


def _copy(session: Session, words: Words, info: Info, suffix: str) -> Asking[None]:
    spec = {key: value for key, value in (info.tree.get("spec") or {}).items() if key != "ephemeralContainers"}
    if not words.on("same-node"):
        spec.pop("nodeName", None)
    drop = tuple(field for flag, field in (("keep-liveness", "livenessProbe"), ("keep-readiness", "readinessProbe"),
                                           ("keep-startup", "startupProbe")) if not words.on(flag))  # fmt: skip
    containers = [{key: value for key, value in one.items() if key not in drop} for one in spec.get("containers") or ()]
    images = dict(pair.partition("=")[::2] for pair in words.many("set-image"))
    containers = [{**one, "image": images.get(one["name"], images.get("*", one["image"]))} for one in containers]
    if words.text("image"):
        chosen = words.text("container")
        if any(one["name"] == chosen for one in containers):
            extra = _container(words, suffix)
            containers = [{**one, **extra, "resources": one.get("resources", {})} if one["name"] == chosen else one
                          for one in containers]  # fmt: skip
        else:
            containers.append(_container(words, suffix))
            if not chosen and not words.on("quiet"):
                session.say(f"Defaulting debug container name to {containers[-1]['name']}.")
    elif words.rest:
        name = words.text("container") or containers[0]["name"]
        containers = [{**one, "command": list(words.rest)} if one["name"] == name else one for one in containers]
    spec["containers"] = containers
    if words.text("share-processes", "true") == "true":
        spec["shareProcessNamespace"] = True
    metadata = generators.metadata(words.text("copy-to"))
    had = info.tree.get("metadata") or {}
    metadata |= {"labels": had["labels"]} if words.on("keep-labels") and had.get("labels") else {}
    metadata |= {"annotations": had["annotations"]} if words.on("keep-annotations") and had.get("annotations") else {}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    yield from session.ask("POST", PODS.path(info.namespace), (), body)
    if words.on("replace"):
        yield from session.ask("DELETE", info.path)


def _node(session: Session, words: Words, node: str, suffix: str) -> Asking[None]:
    """A pod in the node's own namespaces, with its disk at /host."""
    yield from session.fetch(NODES, node)
    name = f"node-debugger-{node}-{suffix}"
    session.say(f"Creating debugging pod {name} with container debugger on node {node}.")
    container = {**_container(words, suffix), "name": words.text("container", "debugger"),
                 "volumeMounts": [{"mountPath": "/host", "name": "host-root"}]}  # fmt: skip
    spec = {"containers": [container], "hostIPC": True, "hostNetwork": True, "hostPID": True, "nodeName": node,
            "restartPolicy": "Never", "tolerations": [{"operator": "Exists"}],
            "volumes": [{"name": "host-root", "hostPath": {"path": "/"}}]}  # fmt: skip
    metadata = generators.metadata(name, {"app.kubernetes.io/managed-by": "kubectl-debug"})
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {}}
    yield from session.ask("POST", PODS.path(session.namespace), (), body)
