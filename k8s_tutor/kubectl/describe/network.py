"""``kubectl describe`` of services, endpoints, ingresses, ingress classes and network policies."""

from __future__ import annotations

from typing import Any

from k8s_tutor.kubectl.describe.writer import Writer, labels_line, lower, selector
from k8s_tutor.kubectl.program import Tree


def service(tree: Tree, slices: list[Tree], events: list[Tree] | None, now: int) -> str:
    """``slices``: its EndpointSlices."""
    spec, status = tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.head(tree.get("metadata") or {})
    writer.line(0, f"Selector:\t{labels_line(spec.get('selector'))}")
    writer.line(0, f"Type:\t{spec.get('type', '')}")
    if spec.get("ipFamilyPolicy"):
        writer.line(0, f"IP Family Policy:\t{spec['ipFamilyPolicy']}")
    writer.line(0, f"IP Families:\t{','.join(spec.get('ipFamilies') or ()) or '<none>'}")
    writer.line(0, f"IP:\t{spec.get('clusterIP', '')}")
    writer.line(0, f"IPs:\t{','.join(spec.get('clusterIPs') or ()) or '<none>'}")
    if spec.get("externalIPs"):
        writer.line(0, f"External IPs:\t{','.join(spec['externalIPs'])}")
    if spec.get("loadBalancerIP"):
        writer.line(0, f"Desired LoadBalancer IP:\t{spec['loadBalancerIP']}")
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
                         ("trafficDistribution", "Traffic Distribution"),
                         ("healthCheckNodePort", "HealthCheck NodePort")):  # fmt: skip
        if spec.get(field):
            writer.line(0, f"{title}:\t{spec[field]}")
    if spec.get("loadBalancerSourceRanges"):
        writer.line(0, f"LoadBalancer Source Ranges:\t{','.join(spec['loadBalancerSourceRanges'])}")
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


def old_endpoints(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One Endpoints object."""
    writer = Writer()
    writer.head(tree.get("metadata") or {})
    writer.line(0, "Subsets:")
    for subset in tree.get("subsets") or ():
        for field, title in (("addresses", "Addresses"), ("notReadyAddresses", "NotReadyAddresses")):
            addresses = ",".join(one.get("ip", "") for one in subset.get(field) or ()) or "<none>"
            writer.line(1, f"{title}:\t{addresses}")
        if subset.get("ports"):
            writer.line(1, "Ports:")
            writer.line(2, "Name\tPort\tProtocol")
            writer.line(2, "----\t----\t--------")
            for port in subset["ports"]:
                writer.line(2, f"{port.get('name') or '<unset>'}\t{port.get('port')}\t{port.get('protocol', 'TCP')}")
        writer.line(0, "")
    writer.events(events, now)
    return writer.text()


def endpoint_slice(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One EndpointSlice."""
    writer = Writer()
    writer.head(tree.get("metadata") or {})
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


# ---------------------------------------------------------------------- ingresses


def backends(tree: Tree) -> list[Tree]:
    """The backends of an Ingress, the default one first."""
    spec = tree.get("spec") or {}
    found = [spec["defaultBackend"]] if spec.get("defaultBackend") else []
    for rule in spec.get("rules") or ():
        found += [path.get("backend") or {} for path in (rule.get("http") or {}).get("paths") or ()]
    return found


def ingress(tree: Tree, known: dict[str, str], events: list[Tree] | None, now: int) -> str:
    """One Ingress. ``known``: for each ``name:port`` of a backend what stands behind it in brackets."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    addresses = [one.get("ip") or one.get("hostname", "") for one in (status.get("loadBalancer") or {}).get("ingress") or ()]
    writer.line(0, f"Address:\t{','.join(addresses)}")
    writer.line(0, f"Ingress Class:\t{spec.get('ingressClassName') or '<none>'}")
    default = spec.get("defaultBackend")
    writer.line(0, f"Default backend:\t{_backend(default, known) if default else '<default>'}")
    if spec.get("tls"):
        writer.line(0, "TLS:")
        for one in spec["tls"]:
            hosts = ",".join(one.get("hosts") or ())
            writer.line(1, f"{one['secretName']} terminates {hosts}" if one.get("secretName") else f"SNI routes {hosts}")
    writer.line(0, "Rules:")
    writer.line(1, "Host\tPath\tBackends")
    writer.line(1, "----\t----\t--------")
    count = 0
    for rule in spec.get("rules") or ():
        if rule.get("http") is None:
            continue
        count += 1
        writer.line(1, f"{rule.get('host') or '*'}\t")
        for path in rule["http"].get("paths") or ():
            writer.line(2, f"\t{path.get('path', '')} \t{_backend(path.get('backend') or {}, known)}")
    if not count:
        writer.line(1, f"*\t*\t{_backend(default, known) if default else '<default>'}")
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.events(events, now)
    return writer.text()


def name_of(backend: Tree) -> str:
    """``web:80`` of a backend that is a service, or nothing."""
    target = backend.get("service")
    if not target:
        return ""
    port = target.get("port") or {}
    return f"{target.get('name')}:{port.get('name') or port.get('number', '')}"


def _backend(backend: Tree, known: dict[str, str]) -> str:
    name = name_of(backend)
    if name:
        return f"{name} ({known.get(name, '')})"
    resource = backend.get("resource") or {}
    return f"APIGroup: {resource.get('apiGroup') or '<none>'}, Kind: {resource.get('kind')}, Name: {resource.get('name')}"


def ingress_class(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One IngressClass."""
    metadata, spec = tree.get("metadata") or {}, tree.get("spec") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"Controller:\t{spec.get('controller', '')}")
    parameters = spec.get("parameters")
    if parameters:
        writer.line(0, "Parameters:")
        if parameters.get("apiGroup"):
            writer.line(1, f"APIGroup:\t{parameters['apiGroup']}")
        writer.line(1, f"Kind:\t{parameters.get('kind')}")
        writer.line(1, f"Name:\t{parameters.get('name')}")
    writer.events(events, now)
    return writer.text()


# ---------------------------------------------------------------------- network policies


def policy(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One NetworkPolicy."""
    metadata, spec = tree.get("metadata") or {}, tree.get("spec") or {}
    stamp = str(metadata.get("creationTimestamp", "")).replace("T", " ").replace("Z", " +0000 UTC")
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.line(0, f"Created on:\t{stamp}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, "Spec:")
    chosen = selector(spec.get("podSelector"))
    everybody = " (Allowing the specific traffic to all pods in this namespace)" if chosen == "<none>" else ""
    writer.line(1, f"PodSelector:     {chosen}{everybody}")
    types = spec.get("policyTypes") or ()
    for kind, field, peers in (("Ingress", "ingress", "from"), ("Egress", "egress", "to")):
        if kind in types:
            writer.line(1, f"Allowing {kind.lower()} traffic:")
            _rules(writer, spec.get(field) or (), peers, kind.lower())
        else:
            writer.line(1, f"Not affecting {kind.lower()} traffic")
    writer.line(1, f"Policy Types: {', '.join(types)}")
    return writer.text()


def _rules(writer: Writer, rules: Any, peers: str, direction: str) -> None:
    if not rules:
        writer.line(2, f"<none> (Selected pods are isolated for {direction} connectivity)")
    for place, rule in enumerate(rules):
        for port in rule.get("ports") or ():
            proto = port.get("protocol", "TCP")
            if port.get("endPort") is not None:
                writer.line(2, f"To Port Range: {port.get('port')}-{port['endPort']}/{proto}")
            else:
                writer.line(2, f"To Port: {port.get('port', '<any>')}/{proto}")
        if not rule.get("ports"):
            writer.line(2, "To Port: <any> (traffic allowed to all ports)")
        title = peers.capitalize()
        if not rule.get(peers):
            what = "source" if peers == "from" else "destination"
            writer.line(2, f"{title}: <any> (traffic not restricted by {what})")
        for peer in rule.get(peers) or ():
            writer.line(2, f"{title}:")
            _peer(writer, peer)
        if place + 1 < len(rules):
            writer.line(2, "----------")


def _peer(writer: Writer, peer: Tree) -> None:
    for field, title in (("namespaceSelector", "NamespaceSelector"), ("podSelector", "PodSelector")):
        if peer.get(field) is not None:
            writer.line(3, f"{title}: {selector(peer[field])}")
    block = peer.get("ipBlock")
    if block:
        writer.line(3, "IPBlock:")
        writer.line(4, f"CIDR: {block.get('cidr')}")
        writer.line(4, f"Except: {', '.join(block.get('except') or ())}")
