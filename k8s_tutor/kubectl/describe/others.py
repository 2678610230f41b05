"""``kubectl describe`` of services, endpoint slices, config maps, namespaces, and of kinds without a describer."""

from __future__ import annotations

from typing import Any

from k8s_tutor.kubectl.describe.writer import Writer, lower
from k8s_tutor.kubectl.program import Tree


def _labels(labels: dict[str, str] | None) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or "<none>"


def _head(writer: Writer, tree: Tree, namespaced: bool = True) -> None:
    metadata = tree.get("metadata") or {}
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    if namespaced:
        writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))


def service(tree: Tree, slices: list[Tree], events: list[Tree] | None, now: int) -> str:
    """``slices``: its EndpointSlices."""
    spec, status = tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    _head(writer, tree)
    writer.line(0, f"Selector:\t{_labels(spec.get('selector'))}")
    writer.line(0, f"Type:\t{spec.get('type', '')}")
    if spec.get("ipFamilyPolicy"):
        writer.line(0, f"IP Family Policy:\t{spec['ipFamilyPolicy']}")
    writer.line(0, f"IP Families:\t{','.join(spec.get('ipFamilies') or ()) or '<none>'}")
    writer.line(0, f"IP:\t{spec.get('clusterIP', '')}")
    writer.line(0, f"IPs:\t{','.join(spec.get('clusterIPs') or ()) or '<none>'}")
    if spec.get("externalIPs"):
        writer.line(0, f"External IPs:\t{','.join(spec['externalIPs'])}")
    if spec.get("externalName"):
        writer.line(0, f"External Name:\t{spec['externalName']}")
    ingress = (status.get("loadBalancer") or {}).get("ingress")
    if ingress:
        writer.line(0, f"LoadBalancer Ingress:\t{', '.join(one.get('ip') or one.get('hostname', '') for one in ingress)}")
    for port in spec.get("ports") or ():
        _port(writer, port, slices)
    writer.line(0, f"Session Affinity:\t{spec.get('sessionAffinity', '')}")
    for field, title in (("externalTrafficPolicy", "External Traffic Policy"),
                         ("internalTrafficPolicy", "Internal Traffic Policy"),
                         ("healthCheckNodePort", "HealthCheck NodePort"),
                         ("trafficDistribution", "Traffic Distribution")):  # fmt: skip
        if spec.get(field):
            writer.line(0, f"{title}:\t{spec[field]}")
    writer.events(events, now)
    return writer.text()


def _port(writer: Writer, port: Tree, slices: list[Tree]) -> None:
    name, protocol = port.get("name") or "<unset>", port.get("protocol", "TCP")
    writer.line(0, f"Port:\t{name}\t{port.get('port')}/{protocol}")
    writer.line(0, f"TargetPort:\t{port.get('targetPort', 0)}/{protocol}")
    if port.get("appProtocol"):
        writer.line(0, f"AppProtocol:\t{port['appProtocol']}")
    if port.get("nodePort"):
        writer.line(0, f"NodePort:\t{name}\t{port['nodePort']}/{protocol}")
    writer.line(0, f"Endpoints:\t{endpoints(slices, port.get('name') or '')}")


def endpoints(slices: list[Tree], port_name: str) -> str:
    """The ready addresses behind one port, three of them in full."""
    if not slices:
        return "<none>"
    found: list[str] = []
    for one in slices:
        ready = [point for point in one.get("endpoints") or () if (point.get("conditions") or {}).get("ready") is not False]
        ports: list[Any] = [port.get("port") for port in one.get("ports") or () if (port.get("name") or "") == port_name]
        if not one.get("ports"):
            ports = [None]
        for port in ports:
            found += [f"{point['addresses'][0]}:{port}" if port else point["addresses"][0] for point in ready]
    text = ",".join(found[:3])
    return f"{text} + {len(found) - 3} more..." if len(found) > 3 else text


def endpoint_slice(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One EndpointSlice."""
    writer = Writer()
    _head(writer, tree)
    writer.line(0, f"AddressType:\t{tree.get('addressType', '')}")
    if tree.get("ports"):
        writer.line(0, "Ports:")
        writer.line(1, "Name\tPort\tProtocol")
        writer.line(1, "----\t----\t--------")
        for port in tree["ports"]:
            name, number = port.get("name") or "<unset>", port.get("port")
            writer.line(1, f"{name}\t{'<unset>' if number is None else number}\t{port.get('protocol')}")
    else:
        writer.line(0, "Ports: <unset>")
    writer.line(0, "Endpoints:" if tree.get("endpoints") else "Endpoints: <none>")
    for point in tree.get("endpoints") or ():
        ready = (point.get("conditions") or {}).get("ready")
        writer.line(1, f"- Addresses:\t{', '.join(point.get('addresses') or ()) or '<none>'}")
        writer.line(2, "Conditions:")
        writer.line(3, f"Ready:\t{'<unset>' if ready is None else lower(ready)}")
        writer.line(2, f"Hostname:\t{point.get('hostname') or '<unset>'}")
        if point.get("targetRef"):
            writer.line(2, f"TargetRef:\t{point['targetRef'].get('kind')}/{point['targetRef'].get('name')}")
        writer.line(2, f"NodeName:\t{point.get('nodeName') or '<unset>'}")
        writer.line(2, f"Zone:\t{point.get('zone') or '<unset>'}")
    writer.events(events, now)
    return writer.text()


def config_map(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One ConfigMap, its data in full."""
    writer = Writer()
    _head(writer, tree)
    writer.line(0, "\nData\n====")
    for key, value in sorted((tree.get("data") or {}).items()):
        writer.line(0, f"{key}:\n----\n{value}\n")
    writer.line(0, "\nBinaryData\n====")
    for key, value in sorted((tree.get("binaryData") or {}).items()):
        writer.line(0, f"{key}: {_decoded(value)} bytes")
    writer.line(0, "")
    writer.events(events, now)
    return writer.text()


def _decoded(text: str) -> int:
    return len(text) * 3 // 4 - text.count("=")


def namespace(tree: Tree, quotas: list[Tree], limits: list[Tree]) -> str:
    """One Namespace. Quotas and limit ranges are named only."""
    writer = Writer()
    _head(writer, tree, namespaced=False)
    status = tree.get("status") or {}
    writer.line(0, f"Status:\t{status.get('phase', '')}")
    if status.get("conditions"):
        writer.line(0, "Conditions:")
        writer.line(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage")
        writer.line(1, "----\t------\t------------------\t------\t-------")
        for one in status["conditions"]:
            row = (one["type"], one.get("status"), one.get("lastTransitionTime"), one.get("reason", ""), one.get("message", ""))
            writer.line(1, "\t".join(str(cell) for cell in row))
    for items, title, empty in ((quotas, "Resource Quotas", "No resource quota."),
                                (limits, "Resource Limits", "No LimitRange resource.")):  # fmt: skip
        writer.line(0, "")
        if not items:
            writer.line(0, empty)
            continue
        writer.line(0, title)
        for item in items:
            writer.line(1, f"Name:\t{item['metadata']['name']}")
    return writer.text()


def generic(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """Any object: its head, then its fields as a tree of titles (kubectl's describer for unknown kinds)."""
    metadata = tree.get("metadata") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    skip = ("managedFields", "name", "namespace", "labels", "annotations")
    shown = {"apiVersion": tree.get("apiVersion"), "kind": tree.get("kind")}
    shown["metadata"] = {key: value for key, value in metadata.items() if key not in skip}
    shown.update({key: value for key, value in tree.items() if key not in shown})
    _fields(writer, 0, {_title(key) if key != "apiVersion" else "API Version": value for key, value in shown.items()})
    writer.events(events, now)
    return writer.text()


def _fields(writer: Writer, level: int, fields: Tree) -> None:
    names = sorted(fields)
    for name in names:
        value = fields[name]
        if isinstance(value, dict):
            writer.line(level, f"{name}:")
            _fields(writer, level + 1, {_title(key): inner for key, inner in value.items()})
        elif isinstance(value, list):
            writer.line(level, f"{name}:")
            for item in value:
                if isinstance(item, dict):
                    _fields(writer, level + 1, {_title(key): inner for key, inner in item.items()})
                else:
                    writer.line(level + 1, str(item))
        else:
            text = lower(value) if isinstance(value, bool) else "<nil>" if value is None else str(value)
            writer.line(level, f"{name}:\t{text}")


def _title(name: str) -> str:
    """``holderIdentity`` → ``Holder Identity`` (kubectl's smartLabelFor)."""
    if "/" in name or "." in name:
        return name
    words, word = [], ""
    for sign in name:
        if sign.isupper() and word and not word[-1].isupper():
            words.append(word)
            word = ""
        word += sign
    words.append(word)
    acronyms = {"api", "url", "uid", "osb", "guid"}
    return " ".join(one.upper() if one.lower() in acronyms else one[:1].upper() + one[1:] for one in words)
