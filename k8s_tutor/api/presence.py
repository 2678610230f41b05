"""Where the API servers are: the endpoints of the Service ``kubernetes``, which the servers write themselves.

Each keeps a key below ``/registry/masterleases/`` alive; whoever finds that the endpoints differ from the keys writes them. So
the address of a server that is gone leaves after 15 s. Source: pkg/controlplane/reconcilers/lease.go.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import names, scheme
from k8s_tutor.api.scheme import Resource, Tree
from k8s_tutor.api.writes import Writes
from k8s_tutor.etcd.admin import LeaseGrant, LeaseGrantResult, LeaseKeepAlive, LeaseKeepAliveResult
from k8s_tutor.etcd.wire import Compare, Put, PutResult, Range, RangeResult, Txn, prefix_end
from k8s_tutor.sim import SECOND, Body, Context

LEASES = "/registry/masterleases/"
TTL = 15
"""Seconds for which an address stays without a sign of life."""
EVERY = 10 * SECOND
PORT = 6443
_ROWS = (scheme.resource("Endpoints"), scheme.resource("EndpointSlice"))
_SKIP = "endpointslice.kubernetes.io/skip-mirror"
_TIMEOUT = 5 * SECOND


class ShowUp(Body):
    """A timer: tell the others that this server is alive."""


class Presence(Writes):
    """The part of the API server that says where it is."""

    def __init__(self, name: str, config: Any, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.lease = 0
        """The lease of this server's key, or 0."""
        self.showing = False
        """Whether a `ShowUp` is on its way."""

    def begin_showing(self, ctx: Context) -> None:
        """From now on this server takes requests."""
        if self.config.address and not self.showing:
            self.show_up(ctx)

    def show_up(self, ctx: Context) -> None:
        """Keeps the own key alive, then looks at those of all."""
        self.showing = True
        ctx.after(EVERY, ShowUp(), work=False)
        if self.lease:
            self.ask(ctx, self.config.etcd, LeaseKeepAlive(self.lease), "kept_alive", timeout=_TIMEOUT)
        else:
            self.ask(ctx, self.config.etcd, LeaseGrant(TTL), "leased", timeout=_TIMEOUT)

    def kept_alive(self, ctx: Context, answer: Any) -> None:
        """The lease lives on, or has ended meanwhile."""
        if isinstance(answer, LeaseKeepAliveResult) and answer.ttl:
            self._look(ctx)
        elif isinstance(answer, LeaseKeepAliveResult):
            self.lease = 0
            self.ask(ctx, self.config.etcd, LeaseGrant(TTL), "leased", timeout=_TIMEOUT)

    def leased(self, ctx: Context, answer: Any) -> None:
        """The key can be written."""
        if isinstance(answer, LeaseGrantResult):
            self.lease = answer.id
            put = Put(LEASES + self.config.address, b"{}", answer.id)
            self.ask(ctx, self.config.etcd, put, "shown", timeout=_TIMEOUT)

    def shown(self, ctx: Context, answer: Any) -> None:
        """The key is there."""
        if isinstance(answer, PutResult):
            self._look(ctx)

    def _look(self, ctx: Context) -> None:
        there = Range(LEASES, prefix_end(LEASES), serializable=True)
        self.ask(ctx, self.config.etcd, there, "seen", timeout=_TIMEOUT)

    def seen(self, ctx: Context, answer: Any) -> None:
        """Writes the endpoints if they are not those of the keys."""
        if not isinstance(answer, RangeResult):
            return
        addresses = sorted({*(kv.key.removeprefix(LEASES) for kv in answer.kvs), self.config.address})
        for row, wanted in zip(_ROWS, (_subsets(addresses), _endpoints(addresses)), strict=True):
            self._write(ctx, row, wanted)

    def _write(self, ctx: Context, row: Resource, wanted: Tree) -> None:
        """One object, as long as nobody else has written it meanwhile."""
        key = row.key("default", "kubernetes")
        if row.cache not in self.caches.kinds:
            return
        item = self.caches.get(row, key)
        if item is None:
            setting = self.setting(ctx)
            label = {_SKIP: "true"} if row.kind == "Endpoints" else {"kubernetes.io/service-name": "kubernetes"}
            own = {"name": "kubernetes", "namespace": "default", "uid": names.uid(setting.draw),
                   "creationTimestamp": setting.stamp, "labels": label,
                   **({"generation": 1} if row.generation else {})}  # fmt: skip
            tree, compare = {"metadata": own, **wanted}, Compare(key, "create", "=", 0)
        else:
            tree, compare = {**scheme.tree(item.data), **wanted}, Compare(key, "mod", "=", item.revision)
            if tree == scheme.tree(item.data):
                return
        ctx.decide()
        txn = Txn((compare,), (Put(key, scheme.encode(row, tree)),))
        self.ask(ctx, self.config.etcd, txn, "noted", timeout=_TIMEOUT)

    def noted(self, ctx: Context, answer: Any) -> None:
        """Whoever lost the race looks again in 10 s."""


def _ports() -> list[Tree]:
    return [{"name": "https", "port": PORT, "protocol": "TCP"}]


def _subsets(addresses: list[str]) -> Tree:
    return {"subsets": [{"addresses": [{"ip": one} for one in addresses], "ports": _ports()}]}


def _endpoints(addresses: list[str]) -> Tree:
    rows = [{"addresses": [one], "conditions": {"ready": True}} for one in addresses]
    return {"addressType": "IPv4", "endpoints": rows, "ports": _ports()}
