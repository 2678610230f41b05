"""Leases on a member: only the leader counts down, and it ends what has expired through Raft (etcd server/lease/lessor.go).

A new leader does not know how much of each lease had passed, so all of them begin anew.
"""

from __future__ import annotations

from contextlib import suppress

from k8s_tutor.etcd.admin import (
    LeaseGrant,
    LeaseKeepAlive,
    LeaseKeepAliveResult,
    LeaseRevoke,
    LeaseTimeToLive,
    LeaseTimeToLiveResult,
)
from k8s_tutor.etcd.base import MemberBase, Proposal, encode
from k8s_tutor.etcd.config import RETRY
from k8s_tutor.raft import ProposalDropped
from k8s_tutor.sim import SECOND, Context

REVOKE_RETRY = 3 * SECOND
"""When the end of a lease is proposed again (expiredLeaseRetryInterval)."""
REVOKE_RATE = 500
"""Leases that may be ended at a time (leaseRevokeRate is 1,000 a second)."""
MAX_ID = 1 << 62


class Leases(MemberBase):
    """The part of a member that keeps leases alive and lets them expire."""

    def prepared(self, ctx: Context, ask: LeaseGrant) -> LeaseGrant:
        """A grant with an id and a time that is long enough."""
        ident = ask.id
        while not ident or (not ask.id and ident in self.store.leases):
            ident = ctx.draw("lease", MAX_ID) + 1
        return LeaseGrant(max(ask.ttl, self.config.min_ttl), ident)

    def begin_counting(self, ctx: Context) -> None:
        """This member leads now: every lease gets its whole time, and an election timeout on top (Promote); and it begins to
        hear of the others."""
        extend = ctx.now + self.config.election_timeout
        self.deadlines = {ident: extend + ttl * SECOND for ident, ttl in self.store.leases.items()}
        self.revoking.clear()
        self.leads_since = ctx.now
        self.heard.clear()

    def stop_counting(self) -> None:
        """Another one leads (Demote)."""
        self.deadlines.clear()
        self.revoking.clear()

    def granted(self, ctx: Context, ident: int, ttl: int) -> None:
        """A lease was granted: the leader's clock for it runs."""
        if self.leads:
            self.deadlines[ident] = ctx.now + ttl * SECOND

    def gone(self, ident: int) -> None:
        """A lease has ended."""
        self.deadlines.pop(ident, None)
        self.revoking.pop(ident, None)

    def sweep(self, ctx: Context) -> None:
        """Proposes the end of what has expired."""
        self.next_sweep = ctx.now + RETRY
        expired = [ident for ident, deadline in self.deadlines.items() if deadline <= ctx.now][:REVOKE_RATE]
        for ident in expired:
            if self.revoking.get(ident, 0) > ctx.now:
                continue
            ctx.decide()
            ctx.note("etcd.lease.expired", lease=ident, keys=len(self.store.leased(ident)))
            self.revoking[ident] = ctx.now + REVOKE_RETRY
            with suppress(ProposalDropped):
                self.node.propose(encode(Proposal(self.id, 0, LeaseRevoke(ident, expired=True))))

    def renew(self, ctx: Context, ask: LeaseKeepAlive) -> LeaseKeepAliveResult:
        """Asked of the leader. A lease that has expired cannot be saved any more."""
        if self.deadlines.get(ask.id, 0) <= ctx.now:
            return LeaseKeepAliveResult(ask.id, 0)
        ttl = self.store.leases[ask.id]
        self.deadlines[ask.id] = ctx.now + ttl * SECOND
        return LeaseKeepAliveResult(ask.id, ttl)

    def time_to_live(self, ctx: Context, ask: LeaseTimeToLive) -> LeaseTimeToLiveResult:
        """Asked of the leader, who alone knows."""
        granted = self.store.leases.get(ask.id)
        if granted is None:
            return LeaseTimeToLiveResult(ask.id, -1)
        left = max(0, self.deadlines.get(ask.id, ctx.now) - ctx.now) // SECOND
        return LeaseTimeToLiveResult(ask.id, left, granted, tuple(self.store.leased(ask.id)) if ask.keys else ())
