"""Leader election by a Lease (client-go tools/leaderelection): one of several replicas works, the others wait.

A candidate trusts only its own clock: a lease counts as free when its record has not changed for the lease's duration since
this candidate last saw it change.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import times
from k8s_tutor.api.component import Component
from k8s_tutor.api.wire import Response
from k8s_tutor.sim import SECOND, Body, CallFailed, Context, State

LEASE_DURATION = 15 * SECOND
RENEW_DEADLINE = 10 * SECOND
RETRY_PERIOD = 2 * SECOND


class Elect(Body):
    """The elector's own timer."""


class Election(State):
    """What a candidate knows of the lease."""

    def __init__(self, lease: str) -> None:
        self.lease = lease
        self.holder = ""
        self.record = ""
        """The record as it was last seen: holder and renew time."""
        self.seen_at = 0
        """When the record was last seen to change, µs."""
        self.renewed_at = 0
        """When this candidate last wrote the lease, µs."""
        self.leading = False


class Elected(Component):
    """A component that works only while it holds its lease in ``kube-system``. Subclasses make ``self.election``."""

    election: Election

    def start(self, ctx: Context) -> None:
        super().start(ctx)
        ctx.after(ctx.draw("elect", RETRY_PERIOD), Elect(), work=False)

    def leading(self, ctx: Context) -> None:
        """Called when the lease was won."""

    def lost(self, ctx: Context) -> None:
        """Called when the lease could not be kept: stop working at once."""

    def event(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Elect):
            self._try(ctx)

    @property
    def _path(self) -> str:
        return "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"

    def _try(self, ctx: Context) -> None:
        election = self.election
        ctx.after(RETRY_PERIOD, Elect(), work=False)
        if election.leading and ctx.now - election.renewed_at > RENEW_DEADLINE:
            ctx.decide()
            election.leading = False
            ctx.note("lease.lost", lease=election.lease, holder=self.name)
            self.lost(ctx)
        self.request(ctx, "GET", f"{self._path}/{election.lease}", None, "_lease_read")

    def _lease_read(self, ctx: Context, answer: Response | CallFailed) -> None:
        if not isinstance(answer, Response):
            return
        if answer.code == 404:
            self._write(ctx, None)
        elif answer.code == 200:
            self._consider(ctx, msgspec.json.decode(answer.body))

    def _consider(self, ctx: Context, lease: dict[str, Any]) -> None:
        election, spec = self.election, lease.get("spec", {})
        holder, record = spec.get("holderIdentity", ""), f"{spec.get('holderIdentity')} {spec.get('renewTime')}"
        if record != election.record:
            election.record, election.holder, election.seen_at = record, holder, ctx.now
        if holder and holder != self.name and ctx.now - election.seen_at < LEASE_DURATION:
            if election.leading:
                ctx.decide()
                election.leading = False
                ctx.note("lease.lost", lease=election.lease, holder=holder)
                self.lost(ctx)
            return
        self._write(ctx, lease)

    def _write(self, ctx: Context, lease: dict[str, Any] | None) -> None:
        now = times.micro_time(ctx.now, self.config.epoch)
        old = (lease or {}).get("spec", {})
        taking = old.get("holderIdentity") != self.name
        spec = {
            "holderIdentity": self.name,
            "leaseDurationSeconds": LEASE_DURATION // SECOND,
            "acquireTime": now if taking else old.get("acquireTime", now),
            "renewTime": now,
            "leaseTransitions": old.get("leaseTransitions", 0) + (1 if taking and lease else 0),
        }
        metadata = lease["metadata"] if lease else {"name": self.election.lease, "namespace": "kube-system"}
        tree = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
        if lease is None:
            self.request(ctx, "POST", self._path, tree, "_lease_written", (ctx.now,))
        else:
            self.request(ctx, "PUT", f"{self._path}/{self.election.lease}", tree, "_lease_written", (ctx.now,))

    def _lease_written(self, ctx: Context, answer: Response | CallFailed, at: int) -> None:
        election = self.election
        if not isinstance(answer, Response) or answer.code not in (200, 201):
            return
        spec = msgspec.json.decode(answer.body)["spec"]
        election.record, election.holder, election.seen_at = f"{self.name} {spec['renewTime']}", self.name, ctx.now
        election.renewed_at = at
        if not election.leading:
            ctx.decide()
            election.leading = True
            ctx.note("lease.acquired", lease=election.lease, holder=self.name)
            self.leading(ctx)
