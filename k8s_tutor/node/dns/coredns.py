"""CoreDNS: the program in the pods of the Deployment ``coredns``. It answers from what it has watched at the API server, keeps
answers of the world outside for a while, and asks the name server of its machine for the others.

Its container is this process (`images.Program.process`): it starts and ends with it.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.component import Access, Component
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.node.dns.message import SERVFAIL, Query, Reply
from k8s_tutor.node.dns.zone import DOMAIN, Zone, answer, hosts_of
from k8s_tutor.sim import SECOND, Body, Call, CallFailed, Context
from k8s_tutor.sim import Reply as Answer

SERVICE_LABEL = "kubernetes.io/service-name"
CACHE = 30 * SECOND
"""``cache 30``: for how long an answer from outside is kept."""
FORWARD_TIMEOUT = 5 * SECOND
COREDNS_USER = "system:serviceaccount:kube-system:coredns"


class CoreDnsConfig(Access, kw_only=True):
    """``upstream``: the process that answers for names outside the cluster."""

    upstream: str


class Ready(Body):
    """Has it listed everything (the plugin ``ready``)?"""


class CoreDns(Component):
    """A process ``coredns-i``. Config: `CoreDnsConfig`."""

    config: CoreDnsConfig

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.services = Informer("Service")
        self.slices = Informer("EndpointSlice")
        self.namespaces = Informer("Namespace")
        self.slices_of: dict[str, tuple[str, ...]] = {}
        """Service → its EndpointSlices."""
        self.kept: dict[tuple[str, str], tuple[int, Reply]] = {}
        """(name, type) → until when, and what the world outside has answered."""

    @property
    def agent(self) -> str:
        return "coredns"

    def changed(self, ctx: Context, change: Change) -> None:
        if change.kind != "EndpointSlice":
            return
        row = change.new if change.new is not None else change.old
        service = f"{row.metadata.namespace}/{(row.metadata.labels or {}).get(SERVICE_LABEL, '')}"
        known = [key for key in self.slices_of.get(service, ()) if key != change.key]
        if change.new is not None:
            known.append(change.key)
        self.slices_of[service] = tuple(sorted(known))

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Call) and isinstance(body.body, Query):
            self._asked(ctx, src, body.id, body.body)

    def _asked(self, ctx: Context, client: str, call: int, query: Query) -> None:
        found: Reply | None
        if not self.synced:
            found = Reply(SERVFAIL)
        else:
            found = self._own(query)
        if found is not None:
            ctx.note("dns.answered", name=query.name, type=query.type, code=found.code, answers=len(found.records))
            ctx.reply(client, Answer(call, found))
            return
        until, kept = self.kept.get((query.name, query.type), (0, None))
        if kept is not None and until > ctx.now:
            ctx.reply(client, Answer(call, kept))
            return
        self.ask(ctx, self.config.upstream, query, "_forwarded", (client, call, query), FORWARD_TIMEOUT)

    def _own(self, query: Query) -> Reply | None:
        """The answer from the cluster's own names; None for those outside."""
        name = query.name.lower()
        if not (name == DOMAIN or name.endswith((f".{DOMAIN}", ".in-addr.arpa"))):
            return None
        zone = Zone(self.services.objects, self._slices, self.namespaces.objects, self._hosts)
        return answer(zone, query)

    def _slices(self, service: str) -> list[Any]:
        return [self.slices.objects[key] for key in self.slices_of.get(service, ()) if key in self.slices.objects]

    def _hosts(self, address: str) -> list[str]:
        """The names of an address."""
        for key in sorted(self.services.objects):
            if (spec := self.services.objects[key].spec) is not None and spec.clusterIP == address:
                namespace, _, name = key.partition("/")
                return [f"{name}.{namespace}.svc.{DOMAIN}"]
        found = []
        for key in sorted(self.slices_of):
            namespace, _, name = key.partition("/")
            labels = [host.label for host in hosts_of(self._slices(key)) if host.address == address]
            found += [f"{label}.{name}.{namespace}.svc.{DOMAIN}" for label in labels]
        return found

    def _forwarded(self, ctx: Context, found: Reply | CallFailed, client: str, call: int, query: Query) -> None:
        reply = found if isinstance(found, Reply) else Reply(SERVFAIL)
        if isinstance(found, Reply):
            self.kept[query.name, query.type] = ctx.now + CACHE, reply
        ctx.note("dns.forwarded", name=query.name, type=query.type, code=reply.code)
        ctx.reply(client, Answer(call, reply))
