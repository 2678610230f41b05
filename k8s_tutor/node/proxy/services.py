"""What kube-proxy reads in a Service and its EndpointSlices: one `ServicePort` for each port, with everybody behind it.

Sources: pkg/proxy/serviceport.go, endpoint.go, endpointslicecache.go.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from k8s_tutor.api import scheme
from k8s_tutor.sim import Body


class Endpoint(Body):
    """One address behind a Service port."""

    address: str
    port: int
    node: str = ""
    ready: bool = True
    serving: bool = True
    terminating: bool = False

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


class ServicePort(Body):
    """One port of a Service."""

    namespace: str
    service: str
    port_name: str
    protocol: str
    """``tcp``, ``udp`` or ``sctp``."""
    cluster_ip: str
    port: int
    node_port: int = 0
    external_ips: tuple[str, ...] = ()
    balancer_ips: tuple[str, ...] = ()
    """Ingress addresses of its load balancer."""
    source_ranges: tuple[str, ...] = ()
    """Who may come over them; empty: everybody."""
    affinity: int = 0
    """Seconds for which a client stays with an endpoint; 0: no affinity."""
    internal_local: bool = False
    external_local: bool = False
    """Traffic policies: to endpoints of the same node only."""
    health_port: int = 0
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def name(self) -> str:
        """``namespace/name:port``, as rules and comments name it."""
        return f"{self.namespace}/{self.service}" + (f":{self.port_name}" if self.port_name else "")

    @property
    def external(self) -> bool:
        """Whether it is reached from outside the cluster at all."""
        return bool(self.node_port or self.balancer_ips or self.external_ips)

    @property
    def uses_cluster(self) -> bool:
        """Whether it needs endpoints of all nodes (serviceport.go UsesClusterEndpoints)."""
        return not self.internal_local or self.external

    @property
    def uses_local(self) -> bool:
        """Whether its rules differ from node to node (UsesLocalEndpoints)."""
        return self.internal_local or (self.external_local and self.external)


class Choice(Body):
    """Who gets the traffic that enters at one node (see `choose`)."""

    cluster: tuple[Endpoint, ...]
    local: tuple[Endpoint, ...]
    any: bool
    """Whether somebody could take traffic anywhere in the cluster."""

    @property
    def reachable(self) -> tuple[Endpoint, ...]:
        """All of them, each once."""
        return (*self.cluster, *(one for one in self.local if one not in self.cluster))


def choose(port: ServicePort, node: str) -> Choice:
    """Ready endpoints; where there is none, those that end but still serve. The policies ``Cluster`` and ``Local`` choose apart
    (pkg/proxy/topology.go CategorizeEndpoints)."""
    usable = _usable(port.endpoints)
    cluster = usable if port.uses_cluster else ()
    local = _usable(tuple(one for one in port.endpoints if one.node == node)) if port.uses_local else ()
    return Choice(cluster, local, bool(usable))


def _usable(endpoints: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
    ready = tuple(one for one in endpoints if one.ready)
    return ready or tuple(one for one in endpoints if one.serving and one.terminating)


@lru_cache(maxsize=4096)
def service_ports(service: bytes, slices: tuple[bytes, ...]) -> tuple[ServicePort, ...]:
    """The ports of one Service, from its own bytes and those of its EndpointSlices. Every node sees the same ones, so they are
    read once. Headless Services and those that are only names have none."""
    typed = scheme.typed(service)
    spec = typed.spec
    if spec is None or spec.clusterIP in (None, "", "None") or spec.type == "ExternalName":
        return ()
    decoded = [scheme.typed(data) for data in slices]
    return tuple(_port(typed, port, _endpoints(decoded, port.name or "")) for port in spec.ports or ())


@lru_cache(maxsize=4096)
def differs_by_node(service: bytes) -> bool:
    """Whether the rules for a Service depend on the node."""
    return any(port.uses_local for port in service_ports(service, ()))


def _port(typed: Any, port: Any, endpoints: tuple[Endpoint, ...]) -> ServicePort:
    spec = typed.spec
    balancer = typed.status.loadBalancer if typed.status is not None else None
    given = (balancer.ingress if balancer is not None else None) or ()
    ingress = tuple(one.ip for one in given if one.ip and one.ipMode != "Proxy")
    sticky = spec.sessionAffinity == "ClientIP"
    config = spec.sessionAffinityConfig
    seconds = config.clientIP.timeoutSeconds if config is not None and config.clientIP is not None else None
    return ServicePort(
        typed.metadata.namespace, typed.metadata.name, port.name or "", (port.protocol or "TCP").lower(), spec.clusterIP,
        port.port, port.nodePort or 0, tuple(spec.externalIPs or ()), ingress if spec.type == "LoadBalancer" else (),
        tuple(spec.loadBalancerSourceRanges or ()) if spec.type == "LoadBalancer" else (), (seconds or 10_800) if sticky else 0,
        spec.internalTrafficPolicy == "Local", spec.externalTrafficPolicy == "Local", spec.healthCheckNodePort or 0, endpoints,
    )  # fmt: skip


def _endpoints(slices: list[Any], port_name: str) -> tuple[Endpoint, ...]:
    """Who is behind a port, in order of the addresses; what two slices tell of one address counts once."""
    found: dict[tuple[str, int], Endpoint] = {}
    for row in slices:
        number = next((port.port for port in row.ports or () if (port.name or "") == port_name), None)
        if number is None:
            continue
        for one in row.endpoints or ():
            state = one.conditions
            ready = state is None or state.ready is not False
            serving = ready if state is None or state.serving is None else state.serving
            ending = bool(state is not None and state.terminating)
            found[one.addresses[0], number] = Endpoint(one.addresses[0], number, one.nodeName or "", ready, serving, ending)
    return tuple(found[key] for key in sorted(found, key=lambda key: f"{key[0]}:{key[1]}"))
