"""Creates, updates, patches and deletes: prepared purely, stored by one etcd transaction, tried again when it lost a race.

Optimistic concurrency as in apiserver storage/etcd3 GuaranteedUpdate: the first try starts from what the watch cache holds;
whatever goes wrong with that is tried once more on what etcd holds.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import admission, allocation, bodies, deletion, scheme, stamping, status, strategy
from k8s_tutor.api import warnings as advice
from k8s_tutor.api.base import ETCD_TIMEOUT, Op
from k8s_tutor.api.reads import Reads
from k8s_tutor.api.scheme import Resource, Tree
from k8s_tutor.api.status import Refusal, Subject
from k8s_tutor.api.strategy import Setting, subject
from k8s_tutor.api.subresources import SCALE_TYPE, check_scale, scale_of
from k8s_tutor.api.validation import causes
from k8s_tutor.api.watchcache import Item
from k8s_tutor.etcd.wire import Compare, DeleteRange, Put, Range, RangeResult, Txn, TxnResult
from k8s_tutor.sim import Context

TRIES = 16
"""Races that one request may lose."""

VALID = ("admit ✓", "default ✓", "validate ✓")
INVALID = ("admit ✓", "default ✓", "validate ✗")
NOT_ADMITTED = ("admit ✗",)


class Plan(NamedTuple):
    """What a write wants: new bytes (None: none), whether the object goes, and what the answer is."""

    data: bytes | None
    remove: bool = False
    code: int = 200
    warnings: tuple[str, ...] = ()
    body: str = "object"
    """What the answer carries: ``object``, ``status`` (of success), ``gone`` (what a DELETE gives) or ``scale``."""
    dry: bool = False
    shown: bytes | None = None
    """What the answer shows when it is not what is stored."""


class Writes(Reads):
    """The part of the API server that changes things."""

    # ------------------------------------------------------------------ create

    def create(self, ctx: Context, op: Op) -> None:
        """POST to a collection, or PUT to a name that is free where that creates."""
        tree, warnings = self._body(op)
        bodies.dry_run(op.request, "CreateOptions")
        if op.row.namespaced:
            namespaces = scheme.resource("Namespace")
            item = self.caches.get(namespaces, namespaces.key("", op.target.namespace)) if self.caches.ready else None
            if item is None:
                key = namespaces.key("", op.target.namespace)
                self.ask(ctx, self.config.etcd, Range(key), "namespace_read", (op,), ETCD_TIMEOUT)
                return
            self._admit(op, tree, scheme.tree(item.data))
        self._create(ctx, op, tree, warnings)

    def _body(self, op: Op) -> tuple[Tree | stamping.Mould, tuple[str, ...]]:
        """A fresh tree, or the mould of a pod of which there are many."""
        if stamping.suits(op.row.kind, op.request):
            try:
                found = stamping.mould(op.request, op.target.namespace)
            except Refusal:
                pass  # said again below, at the stage where it belongs
            else:
                return found, found.warnings
        tree, warnings = bodies.decode(op.row, op.request)
        strategy.check_place(op.row, tree, op.target.namespace, op.target.name)
        return tree, warnings

    def namespace_read(self, ctx: Context, answer: Any, op: Op) -> None:
        """The watch cache knew nothing of the namespace: etcd has the last word."""
        if self.unanswered(ctx, op, answer):
            return
        try:
            tree, warnings = self._body(op)
            self._admit(op, tree, scheme.tree(answer.kvs[0].value) if answer.kvs else None)
            self._create(ctx, op, tree, warnings)
        except Refusal as refusal:
            self.refuse(ctx, op, refusal, *NOT_ADMITTED)

    def _admit(self, op: Op, found: Tree | stamping.Mould, namespace: Tree | None) -> None:
        name = "" if isinstance(found, stamping.Mould) else found["metadata"].get("name", "")
        problem = admission.namespace_problem(op.row, op.target.namespace, name, namespace)
        if problem is not None:
            raise problem

    def _create(self, ctx: Context, op: Op, found: Tree | stamping.Mould, warnings: tuple[str, ...]) -> None:
        setting = self.setting(ctx)
        try:
            if isinstance(found, stamping.Mould):
                made = stamping.stamp(found, setting)
            else:
                made = strategy.create(op.row, found, setting)
                warnings = (*warnings, *advice.of(op.row.kind, made))
            if op.row.kind == "Service":
                made = allocation.allocate(op.row, made, None, self._taken(), setting.draw)
        except Refusal as refusal:
            self.refuse(ctx, op, refusal, *INVALID)
            return
        data = scheme.encode(op.row.home, made)
        key = op.row.key(op.target.namespace, made["metadata"]["name"])
        dry = bodies.dry_run(op.request, "CreateOptions")
        self.note_request(ctx, op, *VALID, "store …")
        store = () if dry else (Put(key, data),)
        txn = Txn((Compare(key, "create", "=", 0),), store, ())
        plan = Plan(data, code=201, warnings=warnings, dry=dry)
        self.ask(ctx, self.config.etcd, txn, "created", (op, plan, made["metadata"]["name"]), ETCD_TIMEOUT)

    def _taken(self, but: str = "") -> allocation.Taken:
        services = self.caches.kinds["Service"].items.values()
        return allocation.taken((scheme.tree(item.data) for item in services), but)

    def created(self, ctx: Context, answer: Any, op: Op, plan: Plan, name: str) -> None:
        """The object is stored, or its name was taken."""
        if self.unanswered(ctx, op, answer):
            return
        if not answer.succeeded:
            self.refuse(ctx, op, status.already_exists(subject(op.row, name)))
            return
        assert plan.data is not None
        data = scheme.with_revision(op.row, plan.data, 0 if plan.dry else answer.revision)
        self.answer(ctx, op, plan.code, data, plan.warnings)

    # ------------------------------------------------------------------ all other writes

    def change(self, ctx: Context, op: Op) -> None:
        """PUT, PATCH, DELETE, and POST to a subresource: from the cache first."""
        item = self.caches.get(op.row, op.key) if self.caches.ready else None
        if item is None:
            self._fetch(ctx, op)
        else:
            self._try(ctx, op, item, live=False)

    def _fetch(self, ctx: Context, op: Op) -> None:
        self.ask(ctx, self.config.etcd, Range(op.key), "fetched", (op,), ETCD_TIMEOUT)

    def fetched(self, ctx: Context, answer: Any, op: Op) -> None:
        """What etcd holds now."""
        if not self.unanswered(ctx, op, answer):
            self._go_on(ctx, op, answer)

    def _go_on(self, ctx: Context, op: Op, found: RangeResult) -> None:
        item = Item(found.kvs[0].value, found.kvs[0].mod_revision) if found.kvs else None
        self._try(ctx, op, item, live=True)

    def _try(self, ctx: Context, op: Op, item: Item | None, live: bool) -> None:
        if item is None:
            if op.verb == "update" and op.row.create_on_update and not op.target.subresource:
                try:
                    self.create(ctx, op)
                except Refusal as refusal:
                    self.refuse(ctx, op, refusal, *NOT_ADMITTED)
                return
            self.refuse(ctx, op, status.not_found(subject(op.row, op.target.name)), "read ✗")
            return
        try:
            plan = self._plan(ctx, op, item)
        except Refusal as refusal:
            if live:
                self.refuse(ctx, op, refusal, *(NOT_ADMITTED if refusal.code in (400, 403) else INVALID))
            else:
                self._fetch(ctx, op)
            return
        if plan.data is None and not plan.remove:
            if live:
                self.note_request(ctx, op, *VALID, "no change")
                self._done(ctx, op, plan, item.data, item.revision)
            else:
                self._fetch(ctx, op)
            return
        if not op.tries:
            self.note_request(ctx, op, *VALID, "store …")
        elif ctx.work:
            ctx.note("api.retry", id=op.hop.call, path=op.request.path, tries=op.tries)
        self._store(ctx, op, plan, item)

    def _store(self, ctx: Context, op: Op, plan: Plan, item: Item) -> None:
        if plan.dry:
            self._done(ctx, op, plan, plan.data or item.data, item.revision)
            return
        action = DeleteRange(op.key) if plan.data is None else Put(op.key, plan.data)
        txn = Txn((Compare(op.key, "mod", "=", item.revision),), (action,), (Range(op.key),))
        self.ask(ctx, self.config.etcd, txn, "stored", (op, plan, item), ETCD_TIMEOUT)

    def stored(self, ctx: Context, answer: Any, op: Op, plan: Plan, item: Item) -> None:
        """The write is done; or somebody else was faster, and it is tried again on what they left."""
        if self.unanswered(ctx, op, answer):
            return
        result: TxnResult = answer
        if not result.succeeded:
            if op.tries >= TRIES:
                self.refuse(ctx, op, status.conflict(subject(op.row, op.target.name)))
                return
            found = result.responses[0]
            assert isinstance(found, RangeResult)
            self._go_on(ctx, op._replace(tries=op.tries + 1), found)
            return
        if plan.data is not None and plan.remove:
            self._store(ctx, op, plan._replace(data=None), Item(plan.data, result.revision))
            return
        self._done(ctx, op, plan, plan.data or item.data, result.revision)

    def _done(self, ctx: Context, op: Op, plan: Plan, data: bytes, revision: int) -> None:
        found = scheme.with_revision(op.row, plan.shown or data, revision)
        if plan.body == "status":
            tree: Tree = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": plan.code}
            self.answer_tree(ctx, op, plan.code, tree)
        elif plan.body == "gone" and plan.remove and op.row.kind not in deletion.RETURNS_OBJECT:
            uid = scheme.tree(found)["metadata"]["uid"]
            self.answer_tree(ctx, op, plan.code, status.success(subject(op.row, op.target.name), uid))
        elif plan.body == "scale":
            self.answer_tree(ctx, op, plan.code, scale_of(scheme.tree(found)))
        else:
            self.answer(ctx, op, plan.code, self.object_body(ctx, op, found), plan.warnings)

    # ------------------------------------------------------------------ plans

    def _plan(self, ctx: Context, op: Op, item: Item) -> Plan:
        """What a request makes of an object. Raises a Refusal."""
        setting = self.setting(ctx)
        old = scheme.tree(scheme.with_revision(op.row.home, item.data, item.revision))
        match op.target.subresource:
            case "binding":
                binding = bodies.raw(op.request.body)
                strategy.check_binding(binding, op.target.name)
                return Plan(scheme.encode(op.row, strategy.bind(old, binding, setting)), code=201, body="status")
            case "eviction":
                return self._plan_eviction(op, item, old, setting)
            case "scale":
                return self._plan_scale(op, old, setting)
        if op.verb == "delete":
            return self._plan_delete(op, item, old, setting)
        return self._plan_update(op, item, old, setting)

    def _plan_delete(self, op: Op, item: Item, old: Tree, setting: Setting) -> Plan:
        if op.row.kind == "Namespace" and op.target.name in admission.PROTECTED_NAMESPACES:
            raise admission.protected_namespace(op.target.name)
        wanted = deletion.options(bodies.raw(op.request.body), dict(op.request.query))
        deletion.check_preconditions(op.row, old, wanted, item.revision)
        outcome = deletion.delete(op.row, old, wanted, setting)
        data = None if outcome.write is None else scheme.encode(op.row.home, outcome.write)
        return Plan(data, outcome.remove, body="gone", dry=wanted.dry_run)

    def _plan_eviction(self, op: Op, item: Item, old: Tree, setting: Setting) -> Plan:
        wanted = deletion.options(bodies.raw(op.request.body).get("deleteOptions") or {}, {})
        deletion.check_preconditions(op.row, old, wanted, item.revision)
        outcome = deletion.delete(op.row, old, wanted, setting)
        data = None if outcome.write is None else scheme.encode(op.row.home, outcome.write)
        return Plan(data, outcome.remove, code=201, body="status")

    def _plan_scale(self, op: Op, old: Tree, setting: Setting) -> Plan:
        before = scale_of(old)
        if op.verb == "patch":
            scale, _ = bodies.patched(op.request, before, SCALE_TYPE)
        else:
            scale = bodies.raw(op.request.body)
        given = scale.get("metadata", {}).get("resourceVersion")
        if given and given != before["metadata"]["resourceVersion"]:
            raise status.conflict(subject(op.row, op.target.name))
        replicas = check_scale(scale, op.target.name)
        fresh = fresh_copy(op.row, {**old, "spec": {**old["spec"], "replicas": replicas}})
        return self._finish(op, strategy.update(op.row, fresh, old, setting), old, "scale", ())

    def _plan_update(self, op: Op, item: Item, old: Tree, setting: Setting) -> Plan:
        row = op.row
        if op.verb == "patch":
            seen = scheme.tree(scheme.with_revision(row, item.data, item.revision)) if row.stored_as else old
            new, warnings = bodies.patched(op.request, seen, row.type_name)
        else:
            new, warnings = bodies.decode(row, op.request)
        strategy.check_place(row, new, op.target.namespace, op.target.name)
        given = new["metadata"].get("resourceVersion")
        if given and given != str(item.revision):
            raise status.conflict(subject(row, op.target.name))
        if op.verb == "update":
            strategy.check_uid(row, new, old, op.key)
            if not given and row.kind == "Lease":
                cause = causes.invalid("metadata.resourceVersion", 0, "must be specified for an update")
                raise status.invalid(Subject(row.group, row.kind, op.target.name), [cause])
        if op.target.subresource == "status":
            made = strategy.update_status(row, new, old)
        elif op.target.subresource == "finalize":
            made = strategy.finalize(new, old)
        else:
            made = strategy.update(row, new, old, setting)
            if row.kind == "Service":
                held = self._taken(old["metadata"]["uid"])
                made = allocation.allocate(row, made, old, held, setting.draw)
        return self._finish(op, made, old, "object", warnings)

    def _finish(self, op: Op, made: Tree, old: Tree, body: str, warnings: tuple[str, ...]) -> Plan:
        """A new state is written, unless it is the old one, or the last thing that held a deleted object is gone."""
        dry = bodies.dry_run(op.request, "PatchOptions" if op.verb == "patch" else "UpdateOptions")
        if deletion.finished(op.row, made):
            return Plan(None, True, 200, warnings, body, dry, scheme.encode(op.row.home, made))
        if strategy.same(made, old):
            return Plan(None, body=body, warnings=warnings)
        return Plan(scheme.encode(op.row.home, made), body=body, warnings=warnings, dry=dry)


def fresh_copy(row: Resource, tree: Tree) -> Tree:
    """A tree of one's own with the same content."""
    return scheme.decode(scheme.encode(row, tree))
