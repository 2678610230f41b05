"""``kubectl expose``: a Service for what is there (kubectl pkg/cmd/expose)."""

from __future__ import annotations

import json

from k8s_tutor.kubectl import generators, printers, targets
from k8s_tutor.kubectl.create import COMMON, create
from k8s_tutor.kubectl.errors import Failure, Usage, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import SERVICES, Info
from k8s_tutor.kubectl.run_pod import labels_of
from k8s_tutor.kubectl.session import Session

FLAGS = COMMON + (
    "port target-port name type protocol selector labels:l cluster-ip external-ip load-balancer-ip session-affinity "
    "overrides override-type filename:f* recursive:R! kustomize:k"
)


def run(session: Session, words: Words) -> Asking[int]:
    """``kubectl expose TYPE NAME``: a service whose selector is that of the object."""
    printers.check(printers.chosen(session, words))
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
    selector = labels_of(words.text("selector")) if words.text("selector") else _selector(info)
    ports = _ports(info, words)
    if not ports and words.text("cluster-ip") != "None":
        raise Usage("couldn't find port via --port flag or introspection", "kubectl expose")
    metadata = info.tree.get("metadata") or {}
    labels = labels_of(words.text("labels")) if words.given("labels") else dict(metadata.get("labels") or {})
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
