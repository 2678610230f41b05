"""A cloud's load balancers: Services of type LoadBalancer get an address of the world, and what arrives there goes to the
nodes, one connection after the other.

It is what a cloud controller manager and the machines that it hires are together. A packet keeps its destination (as with
load balancers that pass packets through), so that the nodes' rules see the load balancer's address. Where only local endpoints
may answer, nodes without one are left out, as their health checks would.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.component import Access
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.wire import Response
from k8s_tutor.node.addresses import dotted, machine_of, number, shim_of, subnet
from k8s_tutor.node.recorder import Recorder, Subject
from k8s_tutor.node.sockets import Arrive, Connected
from k8s_tutor.sim import SECOND, Call, CallFailed, Context, Reply

NAME = "cloud"
USER = "system:kube-controller-manager"
VIPS = "203.0.113.0/26"
"""The addresses that it gives away."""
PATIENCE = 10 * SECOND
_SERVICE_LABEL = "kubernetes.io/service-name"
_CONTENT = "application/merge-patch+json"


class Cloud(Recorder):
    """The process ``cloud``. Config: `Access`."""

    config: Access

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.services = Informer("Service")
        self.nodes = Informer("Node")
        self.slices = Informer("EndpointSlice", label_selector="!service.kubernetes.io/headless")
        self.given: dict[str, str] = {}
        """Service → its address."""
        self.turns: dict[str, int] = {}
        """Address → how many connections have come."""

    @property
    def agent(self) -> str:
        return "service-controller"

    # ------------------------------------------------------------------ addresses

    def changed(self, ctx: Context, change: Change) -> None:
        if change.kind != "Service" or not self.services.synced:
            return
        if change.new is None or change.new.spec.type != "LoadBalancer":
            self.given.pop(change.key, None)
            if change.new is not None and _address(change.new):
                self._status(ctx, change.key, {"loadBalancer": {"ingress": None}}, "")
        elif change.new.spec.loadBalancerClass is None:
            self._ensure(ctx, change.key, change.new)

    def _ensure(self, ctx: Context, key: str, service: Any) -> None:
        have = _address(service)
        if have:
            self.given[key] = have
            return
        if key in self.given:
            return
        address = self._free(service.spec.loadBalancerIP or "")
        if not address:
            text = "Error syncing load balancer: failed to ensure load balancer: no address is free"
            self.record(ctx, _subject(service), "Warning", "SyncLoadBalancerFailed", text)
            return
        ctx.decide()
        self.given[key] = address
        self.record(ctx, _subject(service), "Normal", "EnsuringLoadBalancer", "Ensuring load balancer")
        status = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
        self._status(ctx, key, status, address)

    def _free(self, wanted: str) -> str:
        """The address that a Service wants, or the first that nobody has."""
        base, size, _ = subnet(VIPS)
        taken = set(self.given.values())
        every = [wanted] if wanted else [dotted(base + place) for place in range(1, size - 1)]
        return next((one for one in every if one not in taken and base < number(one) < base + size), "")

    def _status(self, ctx: Context, key: str, status: Any, address: str) -> None:
        namespace, _, name = key.partition("/")
        path = f"/api/v1/namespaces/{namespace}/services/{name}/status"
        self.request(ctx, "PATCH", path, {"status": status}, "ensured", (key, address), content_type=_CONTENT)

    def ensured(self, ctx: Context, answer: Response | CallFailed, key: str, address: str) -> None:
        """The Service has its address."""
        if isinstance(answer, Response) and answer.code == 200:
            service = self.services.objects.get(key)
            if address and service is not None:
                self.record(ctx, _subject(service), "Normal", "EnsuredLoadBalancer", "Ensured load balancer")
        elif self.given.get(key) == address:
            del self.given[key]

    # ------------------------------------------------------------------ packets

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Call) and isinstance(body.body, Arrive):
            self._arrive(ctx, src, body.id, body.body)

    def _arrive(self, ctx: Context, client: str, call: int, asked: Arrive) -> None:
        """A connection from outside goes to the next node."""
        address = asked.packet.destination
        key = next((service for service, given in self.given.items() if given == address), "")
        service = self.services.objects.get(key)
        ports = [port.port for port in service.spec.ports or ()] if service is not None else []
        machines = self._backends(key, service) if asked.packet.port in ports else []
        if not machines:
            return
        turn = self.turns[address] = self.turns.get(address, -1) + 1
        self.ask(ctx, shim_of(machines[turn % len(machines)]), asked, "passed", (client, call), PATIENCE)

    def passed(self, ctx: Context, answer: Connected | CallFailed, client: str, call: int) -> None:
        """A node has answered."""
        if isinstance(answer, Connected):
            ctx.reply(client, Reply(call, answer))
        elif answer.reason != "timeout":
            ctx.reply(client, Reply(call, Connected("refused")))

    def next_machines(self) -> dict[str, int]:
        """Address → the machine that gets the next connection to it."""
        found = {}
        for key, address in self.given.items():
            service = self.services.objects.get(key)
            machines = self._backends(key, service) if service is not None else []
            if machines:
                found[address] = machines[(self.turns.get(address, -1) + 1) % len(machines)]
        return found

    def _backends(self, key: str, service: Any) -> list[int]:
        """The machines that get connections for a Service: ready nodes, and of them those that say they can answer."""
        wanted = None
        if service.spec.externalTrafficPolicy == "Local":
            wanted = {
                one.nodeName for row in self.slices if _owner(row) == key for one in row.endpoints or ()
                if one.conditions is None or one.conditions.ready is not False
            }  # fmt: skip
        found = []
        for node in self.nodes:
            addresses = [one.address for one in node.status.addresses or () if one.type == "InternalIP"] if node.status else []
            if addresses and _ready(node) and (wanted is None or node.metadata.name in wanted):
                found.append(machine_of(addresses[0]))
        return found


def _owner(row: Any) -> str:
    return f"{row.metadata.namespace}/{(row.metadata.labels or {}).get(_SERVICE_LABEL, '')}"


def _ready(node: Any) -> bool:
    labels = node.metadata.labels or {}
    if "node.kubernetes.io/exclude-from-external-load-balancers" in labels:
        return False
    return any(one.type == "Ready" and one.status == "True" for one in node.status.conditions or ())


def _address(service: Any) -> str:
    """The address that a Service has, or empty."""
    balancer = service.status.loadBalancer if service.status is not None else None
    ingress = balancer.ingress if balancer is not None else None
    return ingress[0].ip or "" if ingress else ""


def _subject(service: Any) -> Subject:
    about = service.metadata
    return Subject("Service", about.namespace, about.name, about.uid, about.resourceVersion or "")
