"""A whole walk: what a name costs, the way itself, and what an ingress controller sends on, each a connection of its own."""

from __future__ import annotations

from k8s_tutor.cluster.walking import End, NoEnd, Objects, Walker, own_address, short
from k8s_tutor.cluster.walkviews import LegView, WalkView
from k8s_tutor.net.walk import NOWHERE, Walk
from k8s_tutor.node.datapath import DELIVERED
from k8s_tutor.node.dns.message import PORT as DNS_PORT
from k8s_tutor.node.ingress.controller import KIND, TITLES, Asked, IngressController
from k8s_tutor.node.naming import is_address
from k8s_tutor.sim import World

SEEN = {
    "delivered": "{target} answers",
    "refused": "connection refused: nobody listens on port {port} there",
    "rejected": "connection refused: the node rejects it",
    "dropped": "a timeout: the packet is dropped, and nobody says so",
    "no route": "no route to host",
}
"""What a client gets to see."""
CONTROLLER = "ingress-nginx/ingress-nginx-controller"
NAME_SERVER = "kube-system/kube-dns"
DOMAIN = "cluster.local"


def look(world: World, objects: Objects, origin: str, target: str, port: int = 0, lots: int = 0) -> WalkView:
    """The walk from one end to another, both as people name them: see `Cluster.walk`."""
    walker = Walker(world, objects, lots)
    if port and ":" not in target:
        target = f"{target}:{port}"
    try:
        start = walker.origin(origin)
        host, slash, path = target.partition("/")
        if "." in host and not is_address(host.partition(":")[0]) and (slash or _is_ingress(objects, host)):
            return _through_ingress(walker, start, origin, host, "/" + path)
        if "." in host and not is_address(host.partition(":")[0]) and not slash:
            return _by_name(walker, start, origin, target)
        return _straight(walker, start, walker.target(target), origin)
    except NoEnd as error:
        return WalkView(origin=origin, target=target, verdict="unknown", told=str(error))


def _straight(walker: Walker, start: End, end: End, origin: str, before: tuple[LegView, ...] = ()) -> WalkView:
    if start.machine == NOWHERE:
        name = end.name if "/" in end.name else f"default/{end.name}"
        end = end._replace(address=walker.balanced(name) or end.address)
    leg, there = walker.leg(f"{start.name} → {end.name}:{end.port}", start, end.address, end.port)
    said = SEEN[leg.verdict].format(target=f"{end.name}:{end.port}", port=there.packet.port)
    return WalkView(origin=origin, target=f"{end.name}:{end.port}", verdict=leg.verdict, told=said, legs=(*before, leg))


# ---------------------------------------------------------------------------------------------------- names


def _by_name(walker: Walker, start: End, origin: str, target: str) -> WalkView:
    """First the question to the name server, then the way to what the name stands for."""
    name, _, port = target.partition(":")
    server = walker.service(NAME_SERVER)
    if server is None:
        told = f"the name {name} is not resolved: the cluster has no name server (kube-dns)"
        return WalkView(origin=origin, target=target, verdict="no name", told=told)
    leg, _ = walker.leg(f"{name}? asks kube-dns", start, server.address, DNS_PORT, "udp")
    if leg.verdict != DELIVERED:
        told = f"the name {name} is not resolved: {SEEN[leg.verdict].format(target='', port=DNS_PORT)}"
        return WalkView(origin=origin, target=target, verdict="no name", told=told, legs=(leg,))
    labels = name.rstrip(".").removesuffix(f".svc.{DOMAIN}").removesuffix(".svc").split(".")
    end = walker.service(f"{labels[1]}/{labels[0]}") if len(labels) == 2 else None
    if end is None:
        told = f"the name server knows no {name}: NXDOMAIN"
        return WalkView(origin=origin, target=target, verdict="no name", told=told, legs=(leg,))
    return _straight(walker, start, end._replace(port=int(port) if port.isdigit() else end.port), origin, (leg,))


# ---------------------------------------------------------------------------------------------------- Ingress


def _is_ingress(objects: Objects, host: str) -> bool:
    name = host.partition(":")[0]
    rules = [rule for tree in objects["Ingress"].values() for rule in tree["spec"].get("rules", ())]
    return any(rule.get("host") in (name, "*." + name.partition(".")[2]) for rule in rules)


def _through_ingress(walker: Walker, start: End, origin: str, host: str, path: str) -> WalkView:
    """To the controller, by a node's port from outside; there the rules of Ingresses; and on to an endpoint."""
    asked = f"{host}{path}"
    leg, there = _to_controller(walker, start, asked)
    if leg.verdict != DELIVERED:
        told = SEEN[leg.verdict].format(target=asked, port=there.packet.port)
        return WalkView(origin=origin, target=asked, verdict=leg.verdict, told=told, legs=(leg,))
    controller = walker.world.actor(f"{KIND}-{there.machine}")
    kernel = walker.kernels[there.machine]
    if not isinstance(controller, IngressController):
        raise NoEnd(f"nobody in {kernel.namespaces.get(there.netns, kernel.node)} passes requests on")
    route = controller.route(Asked(host, path), keep=False)
    if not route.endpoint:
        why = {404: "no rule of an Ingress is for this host and path", 503: "the Service has no endpoint that is ready"}
        told = f"{TITLES[route.code]}: {why.get(route.code, route.location)}"
        verdict = {404: "no rule", 503: "no backend"}.get(route.code, "redirected")
        return WalkView(origin=origin, target=asked, verdict=verdict, told=told, legs=(leg,))
    address, _, port = route.endpoint.rpartition(":")
    own = End(short(kernel.namespaces[there.netns]), own_address(kernel, there.netns), there.machine, there.netns)
    onward, _ = walker.leg(f"{asked} by {short(route.ingress)} → {route.endpoint}", own, address, int(port))
    told = {"delivered": f"{asked} answers", "dropped": TITLES[504]}.get(onward.verdict, TITLES[502])
    return WalkView(origin=origin, target=asked, verdict=onward.verdict, told=told, legs=(leg, onward))


def _to_controller(walker: Walker, start: End, asked: str) -> tuple[LegView, Walk]:
    tree = walker.objects["Service"].get(CONTROLLER)
    service = walker.service(CONTROLLER)
    if tree is None or service is None:
        raise NoEnd("there is no ingress controller: a cluster has one with `ingress: true`")
    address, port = service.address, service.port
    if start.machine == NOWHERE:
        node = next((one for one in sorted(walker.kernels) if walker.kernels[one].node.startswith("node-")), None)
        if node is None:
            raise NoEnd("no node is up")
        address, port = walker.kernels[node].address, tree["spec"]["ports"][0].get("nodePort", 0)
    return walker.leg(f"{start.name} → the ingress controller, {address}:{port}", start, address, port)
