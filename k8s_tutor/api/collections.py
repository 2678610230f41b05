"""DELETE of a collection: every object that the selectors take is deleted, one after the other (apiserver
registry/generic/registry/store.go DeleteCollection)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import bodies, deletion, paging, presenting, scheme
from k8s_tutor.api.base import ETCD_TIMEOUT, Op
from k8s_tutor.api.customs import Customs
from k8s_tutor.api.plans import Planner
from k8s_tutor.api.reads import scope_of
from k8s_tutor.api.status import Refusal
from k8s_tutor.api.watchcache import Item
from k8s_tutor.etcd.wire import Compare, DeleteRange, Put, Range, RangeResult, Txn, prefix_end
from k8s_tutor.sim import Context

Victim = tuple[str, Item]
"""Key and what etcd holds."""


class Collections(Customs):
    """The part of the API server that deletes many objects at once."""

    def delete_collection(self, ctx: Context, op: Op) -> None:
        """Begins with a list. Raises a Refusal."""
        scope = scope_of(op)
        deletion.options(bodies.filled(bodies.DELETE_OPTIONS, op.request.body), dict(op.request.query))
        page = paging.page_of(op.request)
        self.note_request(ctx, op, "read …")
        ask = Range(page.start or scope.prefix, prefix_end(scope.prefix), page.revision, page.limit if scope.whole else 0)
        self.ask(ctx, self.config.etcd, ask, "gathered", (op,), ETCD_TIMEOUT)

    def gathered(self, ctx: Context, answer: Any, op: Op) -> None:
        """What is there; the first one goes."""
        if self.unanswered(ctx, op, answer):
            return
        result: RangeResult = answer
        scope = scope_of(op)
        victims: list[Victim] = []
        for pair in result.kvs:
            data = scheme.with_revision(op.row, pair.value, pair.mod_revision)
            if scope.whole or scope.selects(scheme.tree(data)):
                victims.append((pair.key, Item(pair.value, pair.mod_revision)))
        self._next_victim(ctx, op, tuple(victims), 0, result.revision)

    def _next_victim(self, ctx: Context, op: Op, victims: tuple[Victim, ...], at: int, revision: int) -> None:
        while at < len(victims):
            key, item = victims[at]
            try:
                plan = Planner(op, item, self.setting(ctx), self.caches).plan()
            except Refusal as refusal:
                self.refuse(ctx, op, refusal)
                return
            if not plan.dry and (plan.data is not None or plan.remove):
                action = DeleteRange(key) if plan.data is None else Put(key, plan.data)
                txn = Txn((Compare(key, "mod", "=", item.revision),), (action,), (Range(key),))
                args = (op, victims, at, revision, plan.remove and plan.data is not None)
                self.ask(ctx, self.config.etcd, txn, "felled", args, ETCD_TIMEOUT)
                return
            at += 1
        items = [scheme.with_revision(op.row, item.data, item.revision, op.request.managed) for _, item in victims]
        metadata = {"resourceVersion": str(revision)}
        self.answer(ctx, op, 200, presenting.many(op.row, op.request, items, metadata, self.moment(ctx)))

    def felled(
        self, ctx: Context, answer: Any, op: Op, victims: tuple[Victim, ...], at: int, revision: int, twice: bool
    ) -> None:
        """One is deleted, or has changed in between and is looked at again, or is gone already."""
        if self.unanswered(ctx, op, answer):
            return
        key = victims[at][0]
        if not answer.succeeded:
            found = answer.responses[0]
            if isinstance(found, RangeResult) and found.kvs:
                fresh = Item(found.kvs[0].value, found.kvs[0].mod_revision)
                victims = (*victims[:at], (key, fresh), *victims[at + 1 :])
                self._next_victim(ctx, op, victims, at, revision)
                return
        elif twice:
            txn = Txn((Compare(key, "mod", "=", answer.revision),), (DeleteRange(key),), (Range(key),))
            self.ask(ctx, self.config.etcd, txn, "felled", (op, victims, at, revision, False), ETCD_TIMEOUT)
            return
        self._next_victim(ctx, op, victims, at + 1, revision)
