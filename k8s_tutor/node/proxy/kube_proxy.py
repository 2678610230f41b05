"""kube-proxy: it watches Services and EndpointSlices and writes them into the kernel of its node.

No packet goes through kube-proxy. Its rules stay in the kernel when it crashes; what it has written last is kept on its disk
here, so that a kernel that has lost all gets it back at once.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.component import Access, Component
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.node.proxy.iptables import CLUSTER_CIDR
from k8s_tutor.node.proxy.packets import Piece
from k8s_tutor.node.proxy.ruleset import MAKERS, Ruleset, WriteRules
from k8s_tutor.node.proxy.services import differs_by_node
from k8s_tutor.sim import SECOND, Body, Context, State

MIN_SYNC_PERIOD = 1 * SECOND
SERVICE_LABEL = "kubernetes.io/service-name"


class KubeProxyConfig(Access, kw_only=True):
    """A kube-proxy, its mode, its node and the node's addresses, and the process that stands for the node's kernel."""

    node: str
    kernel: str = ""
    mode: str = "iptables"
    addresses: tuple[str, ...] = ()
    cluster_cidr: str = CLUSTER_CIDR


class Written(State):
    """What kube-proxy has written into its node's kernel."""

    def __init__(self) -> None:
        self.rules = Ruleset()


class Rewrite(Body):
    """kube-proxy's own timer: the kernel has lost its rules; write them again."""


class SyncRules(Body):
    """kube-proxy's own timer: write the rules."""


class KubeProxy(Component):
    """The process ``kube-proxy-i``. Config: `KubeProxyConfig`; disk: `Written`."""

    config: KubeProxyConfig
    disk: Written

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk if disk is not None else Written())
        self.services = Informer("Service")
        self.slices = Informer("EndpointSlice", label_selector="!service.kubernetes.io/headless")
        self.slices_of: dict[str, tuple[str, ...]] = {}
        """Service → its EndpointSlices."""
        self.pending: dict[str, None] = {}
        """Services that have changed since the last sync."""
        self.complete = False
        """Whether a sync has looked at all Services."""
        self.synced_at = -MIN_SYNC_PERIOD
        self.waiting = False
        """Whether a sync is already on its way."""

    @property
    def agent(self) -> str:
        return "kube-proxy"

    @property
    def rules(self) -> Ruleset:
        """The rules of this node."""
        return self.disk.rules

    def ready(self, ctx: Context) -> None:
        self._soon(ctx)
        if self.disk.rules.pieces:
            self._write(ctx, self._whole())

    def changed(self, ctx: Context, change: Change) -> None:
        service = change.key
        if change.kind == "EndpointSlice":
            service = self._index(change)
        self.pending[service] = None
        if self.synced:
            self._soon(ctx)

    def _index(self, change: Change) -> str:
        """Keeps account of which slices a Service has; returns the Service."""
        service = _owner(change.new if change.new is not None else change.old)
        known = [key for key in self.slices_of.get(service, ()) if key != change.key]
        if change.new is not None:
            known.append(change.key)
        if known:
            self.slices_of[service] = tuple(sorted(known))
        else:
            self.slices_of.pop(service, None)
        return service

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, SyncRules):
            self.waiting = False
            self._sync(ctx)
        elif isinstance(body, Rewrite):
            self._write(ctx, self._whole())

    def _soon(self, ctx: Context) -> None:
        """Writes the rules, not more often than once a second (minSyncPeriod)."""
        if not self.waiting:
            self.waiting = True
            ctx.after(max(0, self.synced_at + MIN_SYNC_PERIOD - ctx.now), SyncRules())

    def _sync(self, ctx: Context) -> None:
        """Looks at the Services that have changed; after a start or a new list at all of them."""
        self.synced_at = ctx.now
        wanted = sorted(self.pending)
        if not self.complete:
            wanted, self.complete = sorted({*self.services.objects, *self.disk.rules.pieces}), True
        self.pending = {}
        pieces = [piece for key in wanted if (piece := self._piece(key)) is not None and piece.rules]
        have = {piece.service for piece in pieces}
        gone = tuple(key for key in wanted if key not in have and key in self.disk.rules.pieces)
        fresh = tuple(piece for piece in pieces if self.disk.rules.pieces.get(piece.service) != piece)
        change = WriteRules(self.config.mode, fresh, gone, cluster_cidr=self.config.cluster_cidr)
        if fresh or gone:
            ctx.decide()
            self.disk.rules.write(change)
            ctx.note("proxy.rules", node=self.config.node, rules=self.disk.rules.count, services=len(self.disk.rules.pieces))
            self._write(ctx, change)

    def _piece(self, key: str) -> Piece | None:
        """The rules of one Service, or None if it is gone."""
        service = self.services.data.get(key)
        if service is None:
            return None
        config = self.config
        slices = tuple(self.slices.data[one] for one in self.slices_of.get(key, ()) if one in self.slices.data)
        node, addresses = (config.node, config.addresses) if differs_by_node(service) else ("", ())
        return MAKERS[config.mode](key, service, slices, node, addresses, config.cluster_cidr)

    def _whole(self) -> WriteRules:
        config = self.config
        return WriteRules(config.mode, tuple(self.disk.rules.ordered), whole=True, cluster_cidr=config.cluster_cidr)

    def _write(self, ctx: Context, change: WriteRules) -> None:
        """``iptables-restore``, ``nft -f``, or netlink messages."""
        if self.config.kernel:
            ctx.stream(self.config.kernel, change)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        if peer == self.config.kernel and reason == "reset":
            ctx.after(MIN_SYNC_PERIOD, Rewrite(), work=False)


def _owner(row: Any) -> str:
    return f"{row.metadata.namespace}/{(row.metadata.labels or {}).get(SERVICE_LABEL, '')}"
