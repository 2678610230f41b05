"""``kubectl run`` and ``kubectl expose``: one pod from an image, a service from what is there."""

from __future__ import annotations

import json
import re

from k8s_tutor.kubectl import generators, printers, targets
from k8s_tutor.kubectl.create import COMMON, create
from k8s_tutor.kubectl.errors import Failure, Usage, raise_all
from k8s_tutor.kubectl.line import Words, need
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import PODS, SERVICES, Info
from k8s_tutor.kubectl.session import Session

RUN_FLAGS = COMMON + (
    "image port# env@ labels:l restart command! overrides override-type annotations@ image-pull-policy expose! "
    "stdin:i! tty:t! rm! attach! quiet:q! privileged!"
)
EXPOSE_FLAGS = COMMON + (
    "port target-port name type protocol selector labels:l cluster-ip external-ip load-balancer-ip session-affinity "
    "overrides override-type filename:f* recursive:R!"
)
NAME_RULE = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def run(session: Session, words: Words) -> Asking[int]:
    """``kubectl run NAME --image=IMAGE``."""
    need(words, "image")
    printers.check(words.text("output"))
    for flag in ("stdin", "tty", "attach", "rm"):
        if words.on(flag):
            raise Failure(f"--{flag} is not available: this console has no terminal inside a container")
    if not words.positional:
        raise Usage("NAME is required for run", "kubectl run")
    name, *extra = words.positional
    if not NAME_RULE.fullmatch(name):
        raise Failure(f'invalid pod name "{name}": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric '
                      "characters, '-' or '.', and must start and end with an alphanumeric character")  # fmt: skip
    arguments = (*extra, *(words.rest or ()))
    restart = words.text("restart", "Always")
    if restart not in ("Always", "OnFailure", "Never"):
        raise Failure(f"invalid restart policy: {restart}")
    tree = generators.pod(name, words.text("image"), _labels(words.text("labels")), restart)
    tree = _filled(tree, words, arguments)
    if words.text("overrides"):
        tree = _override(tree, words.text("overrides"))
    yield from create(session, words, PODS, tree, "", "kubectl-run")
    if words.on("expose"):
        if not words.number("port"):
            raise Failure("--port must be set when exposing a service")
        port = words.number("port")
        spec = {"ports": [{"port": port, "protocol": "TCP", "targetPort": port}], "selector": tree["metadata"]["labels"]}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": generators.metadata(name), "spec": spec,
                   "status": {"loadBalancer": {}}}  # fmt: skip
        yield from create(session, words, SERVICES, service, "", "kubectl-run")
    return 0


def _filled(tree: Tree, words: Words, arguments: tuple[str, ...]) -> Tree:
    """The pod with ports, environment, command and so on."""
    container = dict(tree["spec"]["containers"][0])
    if words.number("port"):
        container["ports"] = [{"containerPort": words.number("port")}]
    if words.many("env"):
        pairs = [pair.partition("=") for pair in words.many("env")]
        if not all(key and equals for key, equals, _ in pairs):
            raise Failure(f"invalid env: {next(pair for pair in words.many('env') if '=' not in pair[1:])}")
        container["env"] = [{"name": key, "value": value} for key, _, value in pairs]
    if arguments:
        container["command" if words.on("command") else "args"] = list(arguments)
    if words.text("image-pull-policy"):
        container["imagePullPolicy"] = words.text("image-pull-policy")
    if words.on("privileged"):
        container["securityContext"] = {"privileged": True}
    metadata = dict(tree["metadata"])
    if words.many("annotations"):
        metadata["annotations"] = {pair.partition("=")[0]: pair.partition("=")[2] for pair in words.many("annotations")}
    return {**tree, "metadata": metadata, "spec": {**tree["spec"], "containers": [container]}}


def _labels(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in text.split(",") if text else ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise Failure(f"unexpected label spec: {pair}" if not equals else f"invalid label spec: {pair}")
        found[key] = value
    return found


def _override(tree: Tree, text: str) -> Tree:
    try:
        change = json.loads(text)
    except ValueError:
        raise Failure(f"Invalid JSON Patch: {text}") from None
    merged: Tree = generators.merge(tree, change)
    containers = ((change.get("spec") or {}) if isinstance(change, dict) else {}).get("containers")
    if not containers:
        merged = {**merged, "spec": {**merged["spec"], "containers": tree["spec"]["containers"]}}
    return merged


def expose(session: Session, words: Words) -> Asking[int]:
    """``kubectl expose TYPE NAME``: a service whose selector is that of the object."""
    printers.check(words.text("output"))
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    for info in infos:
        service = _service_for(info, words)
        if words.text("overrides"):
            service = generators.merge(service, json.loads(words.text("overrides")))
        yield from create(session, words, SERVICES, service, "", "kubectl-expose", "exposed")
    raise_all(failures)
    return 0


def _service_for(info: Info, words: Words) -> Tree:
    selector = _labels(words.text("selector")) if words.text("selector") else _selector(info)
    ports = _ports(info, words)
    if not ports and words.text("cluster-ip") != "None":
        raise Usage("couldn't find port via --port flag or introspection", "kubectl expose")
    metadata = info.tree.get("metadata") or {}
    labels = _labels(words.text("labels")) if words.given("labels") else dict(metadata.get("labels") or {})
    body: Tree = {"selector": selector}
    if ports:
        body["ports"] = ports
    for flag, field in (("type", "type"), ("cluster-ip", "clusterIP"), ("session-affinity", "sessionAffinity"),
                        ("load-balancer-ip", "loadBalancerIP")):  # fmt: skip
        if words.text(flag):
            body[field] = words.text(flag)
    if words.text("external-ip"):
        body["externalIPs"] = [words.text("external-ip")]
    name = words.text("name") or info.name[:63]
    return {"apiVersion": "v1", "kind": "Service", "metadata": generators.metadata(name, labels), "spec": body,
            "status": {"loadBalancer": {}}}  # fmt: skip


def _selector(info: Info) -> dict[str, str]:
    kind, spec = info.resource.kind, info.tree.get("spec") or {}
    if kind == "Pod":
        labels = (info.tree.get("metadata") or {}).get("labels")
        if not labels:
            raise Failure("the pod has no labels and cannot be exposed")
        return dict(labels)
    if kind == "Service":
        if not spec.get("selector"):
            raise Failure("the service has no pod selector set")
        return dict(spec["selector"])
    if kind in ("Deployment", "ReplicaSet"):
        selector = spec.get("selector") or {}
        if selector.get("matchExpressions"):
            raise Failure(f"couldn't convert expressions - \"{selector['matchExpressions']}\" to map-based selector format")
        return dict(selector.get("matchLabels") or {})
    raise Failure(f"cannot expose a {kind}")


def _ports(info: Info, words: Words) -> list[Tree]:
    protocol = words.text("protocol") or "TCP"
    spec = info.tree.get("spec") or {}
    if words.text("port"):
        found = [(generators.parse_port(port), protocol) for port in words.text("port").split(",")]
    elif info.resource.kind == "Service":
        found = [(port["port"], words.text("protocol") or port.get("protocol", "TCP")) for port in spec.get("ports") or ()]
    else:
        pod = spec if info.resource.kind == "Pod" else (spec.get("template") or {}).get("spec") or {}
        found = [
            (port["containerPort"], words.text("protocol") or port.get("protocol", "TCP"))
            for container in pod.get("containers") or ()
            for port in container.get("ports") or ()
        ]
    ports: list[Tree] = []
    for place, (number, proto) in enumerate(found):
        target = words.text("target-port")
        entry: Tree = {"port": number, "protocol": proto, "targetPort": generators.target_port(target) if target else number}
        ports.append({"name": f"port-{place + 1}", **entry} if len(found) > 1 else entry)
    return ports
