"""``kubectl exec``, ``attach`` and ``top`` (kubectl pkg/cmd/exec, attach, top)."""

from __future__ import annotations

from k8s_tutor.api import selectors
from k8s_tutor.kubectl import streaming, targets
from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import PODS, Info
from k8s_tutor.kubectl.session import Session

EXEC_FLAGS = "container:c stdin:i! tty:t! quiet:q! filename:f* pod-running-timeout~"
ATTACH_FLAGS = "container:c stdin:i! tty:t! quiet:q! pod-running-timeout~"
SHELLS = ("sh", "bash", "ash", "dash", "zsh")


def pod_of(session: Session, word: str) -> Asking[Info]:
    """The pod that ``web-1``, ``pod/web-1``, ``deploy/web`` or ``svc/web`` means: of several, the first that is ready."""
    kind, slash, name = word.rpartition("/")
    resource = targets.known(session, kind) if slash else PODS
    tree = yield from session.fetch(resource, name)
    if resource == PODS:
        return Info(PODS, session.namespace, name, tree)
    spec = tree.get("spec") or {}
    selector = spec.get("selector")
    if not selector:
        raise Failure(f"cannot attach to *{resource.version}.{resource.kind}: selector for {resource.kind} not implemented")
    plain = resource.kind in ("Service", "ReplicationController")
    text = str(selectors.from_map(selector) if plain else selectors.from_object(selector))
    found = yield from session.listed(PODS, session.namespace, (("labelSelector", text),))
    if not found:
        raise Failure("timed out waiting for the condition")
    found.sort(key=lambda pod: (not _ready(pod), pod["metadata"].get("creationTimestamp", ""), pod["metadata"]["name"]))
    return targets.info_of(PODS, found[0])


def _ready(pod: Tree) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def container_of(session: Session, words: Words, pod: Tree) -> str:
    """The container that ``-c`` names, or the first. Raises kubectl's error for one that does not exist."""
    spec = pod.get("spec") or {}
    fields = ("containers", "initContainers", "ephemeralContainers")
    names = [one["name"] for field in fields for one in spec.get(field) or ()]
    name = pod["metadata"]["name"]
    if words.text("container"):
        if words.text("container") not in names:
            raise Failure(f"container {words.text('container')} is not valid for pod {name}")
        return words.text("container")
    default = ((pod.get("metadata") or {}).get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
    if default in names:
        return str(default)
    if len(names) > 1 and not words.on("quiet"):
        kinds = [f"{one['name']}{suffix}" for field, suffix in zip(fields, ("", " (init)", " (ephem)"), strict=True)
                 for one in spec.get(field) or ()]  # fmt: skip
        session.warn(f'Defaulted container "{names[0]}" out of: {", ".join(kinds)}')
    return str(names[0])


def exec_(session: Session, words: Words) -> Asking[int]:
    """``exec POD -- COMMAND``."""
    if not words.positional and not words.many("filename"):
        raise Failure("pod, type/name or --filename must be specified")
    if not words.rest:
        if len(words.positional) > 1:
            raise Failure("exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\n"
                          "See 'kubectl exec -h' for help and examples")  # fmt: skip
        raise Failure("you must specify at least one command for the container")
    info = yield from pod_of(session, words.positional[0])
    phase = (info.tree.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise Failure(f"cannot exec into a container in a completed pod; current phase is {phase}")
    container = container_of(session, words, info.tree)
    query: list[tuple[str, str]] = [("command", word) for word in words.rest]
    query += [("container", container), ("stdout", "true"), ("stderr", "true")]
    if words.on("tty") and words.rest[0].rsplit("/", 1)[-1] in SHELLS and len(words.rest) == 1:
        raise Failure(f"this console has no terminal to talk to a shell in; give it a line at a time: kubectl exec "
                      f"{info.name} -- "
                      f"{words.rest[0]} -c '...'")  # fmt: skip
    return (yield from streaming.run(session, PODS.path(info.namespace, info.name, "exec"), tuple(query), words.on("quiet")))


def attach(session: Session, words: Words) -> Asking[int]:
    """``attach POD``."""
    if not words.positional:
        raise Failure("at least 1 argument is required for attach")
    if len(words.positional) > 2:
        raise Failure(f"expected POD, TYPE/NAME, or TYPE NAME, (at most 2 arguments) saw {len(words.positional)}: "
                      f"{' '.join(words.positional)}")  # fmt: skip
    info = yield from pod_of(session, "/".join(words.positional))
    phase = (info.tree.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        raise Failure(f"cannot attach a container in a completed pod; current phase is {phase}")
    container = container_of(session, words, info.tree)
    query = (("container", container), ("stdout", "true"), ("stderr", "true"))
    return (yield from streaming.run(session, PODS.path(info.namespace, info.name, "attach"), query, words.on("quiet")))
