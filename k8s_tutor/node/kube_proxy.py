"""kube-proxy: it watches Services and EndpointSlices and writes them into the kernel of its node as iptables rules.

No packet goes through kube-proxy. Its rules stay in the kernel when it crashes, so they are in the durable part here (after a
crash of the whole machine the real ones are gone; ours stay until the first sync, when no pod runs there anyway).
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.component import Access, Component
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.node import iptables
from k8s_tutor.node.iptables import Rule
from k8s_tutor.node.tasks import WriteRules
from k8s_tutor.sim import SECOND, Body, Context, State

MIN_SYNC_PERIOD = 1 * SECOND
SERVICE_LABEL = "kubernetes.io/service-name"


class KubeProxyConfig(Access, kw_only=True):
    """A kube-proxy, its node, and the process that stands for the node's kernel."""

    node: str
    kernel: str = ""


class Kernel(State):
    """The rules as the node's kernel holds them."""

    def __init__(self) -> None:
        self.rules: tuple[Rule, ...] = ()


class Rewrite(Body):
    """kube-proxy's own timer: the kernel has lost its rules; write them again."""


class SyncRules(Body):
    """kube-proxy's own timer: write the rules."""


class KubeProxy(Component):
    """The process ``kube-proxy-i``. Config: `KubeProxyConfig`; disk: `Kernel`."""

    config: KubeProxyConfig
    disk: Kernel

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk if disk is not None else Kernel())
        self.services = Informer("Service")
        self.slices = Informer("EndpointSlice", label_selector="!service.kubernetes.io/headless")
        self.synced_at = -MIN_SYNC_PERIOD
        self.waiting = False
        """Whether a sync is already on its way."""

    @property
    def agent(self) -> str:
        return "kube-proxy"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of this node."""
        return self.disk.rules

    def ready(self, ctx: Context) -> None:
        self._soon(ctx)
        if self.disk.rules:
            self._write(ctx)

    def changed(self, ctx: Context, change: Change) -> None:
        if self.synced:
            self._soon(ctx)

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, SyncRules):
            self.waiting = False
            self._sync(ctx)
        elif isinstance(body, Rewrite):
            self._write(ctx)

    def _soon(self, ctx: Context) -> None:
        """Writes the rules, not more often than once a second (minSyncPeriod)."""
        if not self.waiting:
            self.waiting = True
            ctx.after(max(0, self.synced_at + MIN_SYNC_PERIOD - ctx.now), SyncRules())

    def _sync(self, ctx: Context) -> None:
        self.synced_at = ctx.now
        by_service: dict[str, list[bytes]] = {}
        for key in sorted(self.slices.objects):
            found = self.slices.objects[key].metadata
            owner = f"{found.namespace}/{(found.labels or {}).get(SERVICE_LABEL, '')}"
            by_service.setdefault(owner, []).append(self.slices.data[key])
        rules = iptables.rules(
            (self.services.data[key], tuple(by_service.get(key, ()))) for key in sorted(self.services.objects)
        )
        if rules != self.disk.rules:
            ctx.decide()
            self.disk.rules = rules
            services = sum(1 for rule in rules if rule.chain == "KUBE-SERVICES")
            ctx.note("proxy.rules", node=self.config.node, rules=len(rules), services=services)
            self._write(ctx)

    def _write(self, ctx: Context) -> None:
        """``iptables-restore``."""
        if self.config.kernel:
            ctx.stream(self.config.kernel, WriteRules(self.disk.rules))

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        if peer == self.config.kernel and reason == "reset":
            ctx.after(MIN_SYNC_PERIOD, Rewrite(), work=False)
