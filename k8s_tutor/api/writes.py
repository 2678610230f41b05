"""Creates, updates, patches and deletes: prepared purely, stored by one etcd transaction, tried again when it lost a race.

Optimistic concurrency as in apiserver storage/etcd3 GuaranteedUpdate: the first try starts from what the watch cache holds;
whatever goes wrong with that is tried once more on what etcd holds.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import (
    admission,
    allocation,
    bodies,
    defaults,
    deletion,
    options,
    owners,
    patch,
    scheme,
    stamping,
    status,
    strategy,
)
from k8s_tutor.api import warnings as advice
from k8s_tutor.api.admission import Gate
from k8s_tutor.api.base import ETCD_TIMEOUT, Op
from k8s_tutor.api.plans import Plan, Planner
from k8s_tutor.api.reads import Reads
from k8s_tutor.api.scheme import Tree
from k8s_tutor.api.status import Refusal
from k8s_tutor.api.strategy import Setting, subject
from k8s_tutor.api.subresources import scale_of
from k8s_tutor.api.watchcache import Item
from k8s_tutor.etcd.wire import Compare, DeleteRange, Put, Range, RangeResult, Txn, TxnResult
from k8s_tutor.sim import Context

TRIES = 16
"""Races that one request may lose."""
NAME_TRIES = 7
"""How often another name is made up for an object whose first one was taken (feature RetryGenerateName)."""

_MOULDED = ("decode", "default", "mutate", "validate", "admit")
"""What a pod has passed whose like has come through here already."""


class Writes(Reads):
    """The part of the API server that changes things."""

    # ------------------------------------------------------------------ create

    def create(self, ctx: Context, op: Op, namespace: RangeResult | None = None) -> None:
        """POST to a collection, or PUT to a name that is free where that creates. ``namespace``: what etcd holds of it, if that
        had to be asked."""
        gate = self.gate(op, "CREATE")
        try:
            self._create(ctx, op, gate, namespace)
        except Refusal as refusal:
            self.refuse(ctx, op, refusal, *gate.way("✗"))

    def _body(self, op: Op, gate: Gate) -> tuple[Tree | stamping.Mould, tuple[str, ...]]:
        """A fresh tree, or the mould of a pod of which there are many."""
        gate.enter("decode")
        options.check(op.request, "PatchOptions" if op.verb == "patch" else "CreateOptions")
        if stamping.suits(op.row.kind, op.request):
            try:
                found = stamping.mould(op.request, op.target.namespace)
            except Refusal:
                pass  # said again below, at the stage where it belongs
            else:
                if admission.is_plain(gate, found.tree["spec"]["serviceAccountName"]):
                    return found, found.warnings
        if op.verb == "patch":
            tree, warnings = bodies.configuration(op.row, op.request)
        else:
            tree, warnings = bodies.decode(op.row, op.request)
        strategy.check_place(op.row, tree, op.target.namespace, op.target.name)
        return tree, warnings

    def namespace_read(self, ctx: Context, answer: Any, op: Op) -> None:
        """The watch cache knew nothing of the namespace: etcd has the last word."""
        if self.unanswered(ctx, op, answer):
            return
        self.create(ctx, op, answer)

    def _home(self, op: Op) -> Item | None:
        """The namespace in which something is to be made, as far as it is known here."""
        namespaces = scheme.resource("Namespace")
        return self.caches.get(namespaces, namespaces.key("", op.target.namespace)) if self.caches.ready else None

    def _check_home(self, op: Op, name: str, home: Item | None, asked: RangeResult | None) -> None:
        """Raises a Refusal for a namespace in which nothing can be made."""
        data = home.data if home is not None else asked.kvs[0].value if asked is not None and asked.kvs else None
        found = None if data is None else scheme.tree(data)
        problem = admission.namespace_problem(op.row, op.target.namespace, name, found)
        if problem is not None:
            raise problem

    def _create(self, ctx: Context, op: Op, gate: Gate, namespace: RangeResult | None) -> None:
        found, warnings = self._body(op, gate)
        home = self._home(op) if op.row.namespaced else None
        if op.row.namespaced and home is None and namespace is None:
            key = scheme.resource("Namespace").key("", op.target.namespace)
            self.ask(ctx, self.config.etcd, Range(key), "namespace_read", (op,), ETCD_TIMEOUT)
            return
        setting = self.setting(ctx, gate)
        if isinstance(found, stamping.Mould):
            self._check_home(op, "", home, namespace)
            made = stamping.stamp(found, setting)
            managed = owners.later(found.managed, setting.stamp)
            gate.stages.extend(_MOULDED[1:])
        else:
            tree, managed = self._owned(op, found, setting)
            gate.enter("mutate")
            if op.row.namespaced:
                self._check_home(op, tree["metadata"].get("name", ""), home, namespace)
            made = strategy.create(op.row, tree, setting)
            warnings = (*warnings, *advice.of(op.row.kind, made), *gate.warnings)
        if op.row.kind == "Service":
            gate.enter("allocate")
            made = allocation.allocate(op.row, made, None, self._taken(), setting.draw)
        self._note_way(ctx, op, gate, "store …")
        plan = Plan(scheme.encode(op.row.home, made, managed), code=201, warnings=warnings, dry=gate.dry)
        name = made["metadata"]["name"]
        if gate.charges:
            self.ask(ctx, self.config.etcd, _charge(gate), "charged", (op, plan, name), ETCD_TIMEOUT)
        else:
            self._store_new(ctx, op, plan, name)

    def _note_way(self, ctx: Context, op: Op, gate: Gate, last: str) -> None:
        """Says which stages a write has passed; another try says only that it is one."""
        if not op.tries:
            self.note_request(ctx, op, *gate.way("✓"), last)
        elif ctx.work:
            ctx.note("api.retry", id=op.hop.call, path=op.request.path, tries=op.tries)

    def _store_new(self, ctx: Context, op: Op, plan: Plan, name: str) -> None:
        key = op.row.key(op.target.namespace, name)
        assert plan.data is not None
        txn = Txn((Compare(key, "create", "=", 0),), () if plan.dry else (Put(key, plan.data),), ())
        self.ask(ctx, self.config.etcd, txn, "created", (op, plan, name), ETCD_TIMEOUT)

    def charged(self, ctx: Context, answer: Any, op: Op, plan: Plan, name: str) -> None:
        """The quotas are charged, and the object is stored; or somebody else has charged them, and all begins again."""
        if self.unanswered(ctx, op, answer):
            return
        if answer.succeeded:
            self._store_new(ctx, op, plan, name)
        elif op.tries >= TRIES:
            self.refuse(ctx, op, status.conflict(subject(op.row, name)))
        else:
            self.create(ctx, op._replace(tries=op.tries + 1))

    def _owned(self, op: Op, tree: Tree, setting: Setting) -> tuple[Tree, bytes]:
        """A new object with its defaults, and whose its fields are. Raises a Refusal."""
        if op.verb == "patch":
            setting.enter("apply")
            tree, managed = owners.applied(op.row, {}, b"", tree, op.request, setting.stamp, "")
            tree = owners.normal(op.row, tree)
            setting.enter("default")
            defaults.apply(op.row, tree)
            return tree, managed
        setting.enter("default")
        defaults.apply(op.row, tree)
        return tree, owners.created(op.row, tree, op.request, setting.stamp)

    def _taken(self, but: str = "") -> allocation.Taken:
        services = self.caches.kinds["Service"].items.values()
        return allocation.taken((scheme.tree(item.data) for item in services), but)

    def created(self, ctx: Context, answer: Any, op: Op, plan: Plan, name: str) -> None:
        """The object is stored, or its name was taken."""
        if self.unanswered(ctx, op, answer):
            return
        if not answer.succeeded:
            generated = b'"generateName"' in op.request.body and f'"{name}"'.encode() not in op.request.body
            if not generated or op.tries >= NAME_TRIES:
                why = ", the server was not able to generate a unique name for the object" if generated else ""
                self.refuse(ctx, op, status.already_exists(subject(op.row, name), why))
                return
            self.create(ctx, op._replace(tries=op.tries + 1))
            return
        assert plan.data is not None
        data = scheme.with_revision(op.row, plan.data, 0 if plan.dry else answer.revision, op.request.managed)
        self.answer(ctx, op, plan.code, self.object_body(ctx, op, data), plan.warnings)

    # ------------------------------------------------------------------ all other writes

    def change(self, ctx: Context, op: Op) -> None:
        """PUT, PATCH, DELETE, and POST to a subresource: from the cache first. Raises a Refusal for what is wrong with the
        request itself, whatever it is about."""
        self._check_request(op)
        item = self.caches.get(op.row, op.key) if self.caches.ready else None
        if item is None:
            self._fetch(ctx, op)
        else:
            self._try(ctx, op, item, live=False)

    def _check_request(self, op: Op) -> None:
        if op.verb == "delete":
            deletion.options(bodies.filled(bodies.DELETE_OPTIONS, op.request.body), dict(op.request.query))
        elif op.verb == "patch":
            bodies.check_patch(op.row, op.request)
            options.check(op.request, "PatchOptions")
        elif op.verb == "update":
            options.check(op.request, "UpdateOptions")

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
            try:
                if op.verb == "update" and b'"uid"' in op.request.body:
                    strategy.check_uid(op.row, bodies.decode(op.row, op.request)[0], {"metadata": {"uid": ""}}, op.key)
            except Refusal as refusal:
                self.refuse(ctx, op, refusal, "version ✗")
                return
            applied = op.verb == "patch" and op.request.content_type.startswith(patch.APPLY)
            if (applied or (op.verb == "update" and op.row.create_on_update)) and not op.target.subresource:
                self.create(ctx, op)
                return
            about = subject(op.row, op.target.name)
            if op.target.subresource == "scale" and not op.row.custom:
                about = about._replace(resource=f"{about.resource}/scale")
            self.refuse(ctx, op, status.not_found(about), "read ✗")
            return
        gate = self.gate(op, "DELETE" if op.verb in ("delete", "deletecollection") else "UPDATE")
        try:
            plan = Planner(op, item, self.setting(ctx, gate), self.caches).plan()
            if gate.warnings:
                plan = plan._replace(warnings=(*plan.warnings, *gate.warnings))
        except Refusal as refusal:
            if live:
                self.refuse(ctx, op, refusal, *gate.way("✗"))
            else:
                self._fetch(ctx, op)
            return
        if plan.data is None and not plan.remove:
            if live:
                self.note_request(ctx, op, *gate.way("✓"), "no change")
                self._done(ctx, op, plan, item.data, item.revision)
            else:
                self._fetch(ctx, op)
            return
        self._note_way(ctx, op, gate, "store …")
        if gate.charges:
            self.ask(ctx, self.config.etcd, _charge(gate), "charged_more", (op, plan, item), ETCD_TIMEOUT)
        else:
            self._store(ctx, op, plan, item)

    def charged_more(self, ctx: Context, answer: Any, op: Op, plan: Plan, item: Item) -> None:
        """What an update costs is charged; or somebody else has written a quota, and all begins again."""
        if self.unanswered(ctx, op, answer):
            return
        if answer.succeeded:
            self._store(ctx, op, plan, item)
        elif op.tries >= TRIES:
            self.refuse(ctx, op, status.conflict(subject(op.row, op.target.name)))
        else:
            self._fetch(ctx, op._replace(tries=op.tries + 1))

    def _store(self, ctx: Context, op: Op, plan: Plan, item: Item) -> None:
        if plan.dry:
            self._done(ctx, op, plan, plan.data or item.data, item.revision)
            return
        compares: tuple[Compare, ...] = (Compare(op.key, "mod", "=", item.revision),)
        actions: tuple[Put | DeleteRange, ...] = (DeleteRange(op.key) if plan.data is None else Put(op.key, plan.data),)
        if plan.also is not None:
            compares = (*compares, Compare(plan.also.key, "mod", "=", plan.also.revision))
            actions = (Put(plan.also.key, plan.also.data), *actions)
        txn = Txn(compares, actions, (Range(op.key),))
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
            self._store(ctx, op, plan._replace(data=None, also=None), Item(plan.data, result.revision))
            return
        self._done(ctx, op, plan, plan.data or item.data, result.revision)

    def _done(self, ctx: Context, op: Op, plan: Plan, data: bytes, revision: int) -> None:
        found = scheme.with_revision(op.row, plan.shown or data, revision, op.request.managed)
        if plan.body == "status":
            tree: Tree = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": plan.code}
            self.answer_tree(ctx, op, plan.code, tree)
        elif plan.body == "gone" and plan.remove and op.row.kind not in deletion.RETURNS_OBJECT:
            uid = scheme.tree(found)["metadata"]["uid"]
            self.answer_tree(ctx, op, plan.code, status.success(subject(op.row, op.target.name), uid))
        elif plan.body == "scale":
            self.answer_tree(ctx, op, plan.code, scale_of(op.row, scheme.tree(found)))
        else:
            self.answer(ctx, op, plan.code, self.object_body(ctx, op, found), plan.warnings)


def _charge(gate: Gate) -> Txn:
    """Writes what a request costs into the quotas, if nobody else has written them since."""
    compares = tuple(Compare(charge.key, "mod", "=", charge.revision) for charge in gate.charges)
    return Txn(compares, tuple(Put(charge.key, charge.data) for charge in gate.charges))
