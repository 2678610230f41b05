"""Tables of Services, what stands behind them and what leads to them."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.printing import AGE, NAME, NONE, UNSET, Column, Moment, Rows, created, labels, name, selector, some

Tree = dict[str, Any]


def _external_address(spec: Tree, status: Tree) -> str:
    external: list[str] = list(spec.get("externalIPs", ()))
    match spec.get("type"):
        case "ExternalName":
            return str(spec.get("externalName", NONE))
        case "LoadBalancer":
            ingress = status.get("loadBalancer", {}).get("ingress", ())
            external = [item.get("ip") or item.get("hostname", "") for item in ingress] + external
            return ",".join(external) or "<pending>"
    return ",".join(external) or NONE


def _service(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    ports = [
        f"{port['port']}{':' + str(port['nodePort']) if port.get('nodePort') else ''}/{port.get('protocol', 'TCP')}"
        for port in spec.get("ports", ())
    ]
    return [
        name(tree), spec.get("type", "ClusterIP"), spec.get("clusterIP") or NONE,
        _external_address(spec, tree.get("status", {})), ",".join(ports) or NONE, created(tree, at),
        labels(spec.get("selector")),
    ]  # fmt: skip


def _endpoints(tree: Tree, at: Moment) -> list[Any]:
    found = []
    for subset in tree.get("subsets", ()):
        for address in subset.get("addresses", ()):
            ports = subset.get("ports", ())
            found += [f"{address['ip']}:{port['port']}" for port in ports] if ports else [address["ip"]]
    return [name(tree), some(found, NONE), created(tree, at)]


def _endpoint_slice(tree: Tree, at: Moment) -> list[Any]:
    ports = [str(port["port"]) if "port" in port else "*" for port in tree.get("ports") or ()]
    addresses = [address for item in tree.get("endpoints") or () for address in item.get("addresses", ())]
    return [
        name(tree), tree.get("addressType", ""), some(ports, UNSET), some(addresses, UNSET), created(tree, at),
    ]  # fmt: skip


def _ingress(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    hosts = [rule["host"] for rule in spec.get("rules", ()) if rule.get("host")]
    ingress = tree.get("status", {}).get("loadBalancer", {}).get("ingress", ())
    addresses = [item.get("ip") or item.get("hostname", "") for item in ingress]
    return [
        name(tree), spec.get("ingressClassName", NONE), some(hosts, "*"), ",".join(addresses),
        "80, 443" if spec.get("tls") else "80", created(tree, at),
    ]  # fmt: skip


def _ingress_class(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    given, shown = spec.get("parameters"), NONE
    if given is not None:
        group = given.get("apiGroup")
        shown = f"{given.get('kind')}{'.' + group if group else ''}/{given.get('name')}"
    return [name(tree), spec.get("controller", ""), shown, created(tree, at)]


def _network_policy(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), selector(tree["spec"].get("podSelector")), created(tree, at)]


def _service_cidr(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), ",".join(tree["spec"].get("cidrs") or ()), created(tree, at)]


def _ip_address(tree: Tree, at: Moment) -> list[Any]:
    parent = tree["spec"].get("parentRef", {})
    parts = [f"{parent['resource']}.{parent['group']}" if parent.get("group") else parent.get("resource", "")]
    parts += [text for text in (parent.get("namespace"), parent.get("name")) if text]
    return [name(tree), "/".join(parts), created(tree, at)]


ROWS: Rows = {
    "Service": (_service, (
        NAME,
        Column("Type", "type determines how the Service is exposed."),
        Column("Cluster-IP", "clusterIP is the IP address of the service."),
        Column("External-IP", "Addresses at which traffic from outside is accepted."),
        Column("Port(s)", "The list of ports that are exposed by this service."),
        AGE,
        Column("Selector", "Route service traffic to pods with label keys and values matching this selector.", wide=True),
    )),
    "EndpointSlice": (_endpoint_slice, (
        NAME,
        Column("AddressType", "addressType specifies the type of address carried by this EndpointSlice."),
        Column("Ports", "ports specifies the list of network ports exposed by each endpoint in this slice."),
        Column("Endpoints", "endpoints is a list of unique endpoints in this slice."),
        AGE,
    )),
    "Endpoints": (_endpoints, (NAME, Column("Endpoints", "The set of all endpoints is the union of all subsets."), AGE)),
    "Ingress": (_ingress, (
        NAME, Column("Class", "The name of the IngressClass resource that should be used for additional configuration"),
        Column("Hosts", "Hosts that incoming requests are matched against before the ingress rule"),
        Column("Address", "Address is a list containing ingress points for the load-balancer"),
        Column("Ports", "Ports of TLS configurations that open"), AGE,
    )),
    "IngressClass": (_ingress_class, (
        NAME, Column("Controller", "Controller that is responsible for handling this class"),
        Column("Parameters", "A reference to a resource with additional parameters"), AGE,
    )),
    "NetworkPolicy": (_network_policy, (
        NAME, Column("Pod-Selector", "The pods to which this NetworkPolicy applies."), AGE,
    )),
    "ServiceCIDR": (_service_cidr, (NAME, Column("CIDRs", "The ranges from which cluster addresses are taken."), AGE)),
    "IPAddress": (_ip_address, (NAME, Column("ParentRef", "The resource that the address is attached to."), AGE)),
}  # fmt: skip
