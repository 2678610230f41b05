"""What a request makes of an object that is there: decided purely, stored by `writes`."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.api import (
    admission,
    allocation,
    bodies,
    deletion,
    eviction,
    options,
    owners,
    patch,
    preparing,
    scheme,
    status,
    strategy,
)
from k8s_tutor.api import defaults as filling
from k8s_tutor.api import warnings as advice
from k8s_tutor.api.base import Op
from k8s_tutor.api.crd import definition
from k8s_tutor.api.resources import NEED_REVISION
from k8s_tutor.api.scheme import Resource, Tree
from k8s_tutor.api.status import Subject
from k8s_tutor.api.strategy import Setting, subject
from k8s_tutor.api.subresources import SCALE_TYPE, check_scale, scale_of, with_replicas
from k8s_tutor.api.validation import causes
from k8s_tutor.api.watchcache import Caches, Item


class Also(NamedTuple):
    """Another object that the same transaction writes, if it still is at this revision."""

    key: str
    data: bytes
    revision: int


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
    also: Also | None = None


class Planner:
    """Plans one request; ``caches`` are what the server knows of everything else."""

    def __init__(self, op: Op, item: Item, setting: Setting, caches: Caches) -> None:
        self.op, self.item, self.setting, self.caches = op, item, setting, caches
        self.row = op.row
        self.old = scheme.tree(scheme.with_revision(op.row.home, item.data, item.revision))

    def plan(self) -> Plan:
        """Raises a Refusal."""
        self.setting.enter("decode")
        match self.op.target.subresource:
            case "binding":
                return self._bind()
            case "eviction":
                return self._evict()
            case "scale":
                return self._scale()
        if self.op.verb in ("delete", "deletecollection"):
            return self._delete()
        return self._update()

    def _encode(self, tree: Tree) -> bytes:
        return scheme.encode(self.row.home, tree, self.item.managed)

    def _bind(self) -> Plan:
        binding = bodies.filled(bodies.BINDING, self.op.request.body)
        self.setting.enter("validate")
        strategy.check_binding(binding, self.op.target.name)
        made = strategy.bind(self.old, binding, self.setting)
        return Plan(self._encode(made), code=201, body="status")

    def _delete(self) -> Plan:
        row, op = self.row, self.op
        name = self.old["metadata"]["name"]
        wanted = deletion.options(bodies.filled(bodies.DELETE_OPTIONS, op.request.body), dict(op.request.query))
        self.setting.enter("mutate")
        if row.kind == "Namespace" and name in admission.PROTECTED_NAMESPACES:
            raise admission.protected_namespace(name)
        admission.restrict(row, None, self.old, self.setting.gate)
        self.setting.enter("admit")
        admission.validate_delete(row.home, self.old, self.setting.gate)
        self._check_preconditions(wanted)
        old = self.old
        if row.kind == "CustomResourceDefinition" and not old["metadata"].get("deletionTimestamp"):
            finalizers = old["metadata"].get("finalizers", [])
            if definition.CLEANUP not in finalizers:
                old = {**old, "metadata": {**old["metadata"], "finalizers": [*finalizers, definition.CLEANUP]}}
        outcome = deletion.delete(row, old, wanted, self.setting)
        data = None if outcome.write is None else self._encode(outcome.write)
        return Plan(data, outcome.remove, body="gone", dry=wanted.dry_run)

    def _check_preconditions(self, wanted: deletion.Options) -> None:
        if wanted.uid or wanted.resource_version:
            self.setting.enter("version")
            deletion.check_preconditions(self.row, self.old, wanted, self.item.revision)

    def _expect(self, revision: str) -> None:
        """The client means this version of the object (empty or 0: whichever there is). Raises a Refusal (500) for what is no
        number."""
        if not (revision or "0").isdecimal():
            raise status.internal_error(f'strconv.ParseUint: parsing "{revision}": invalid syntax')
        if revision and int(revision) not in (0, self.item.revision):
            self.setting = self.setting._replace(outdated=status.conflict(subject(self.row, self.op.target.name)))

    def _evict(self) -> Plan:
        body = bodies.filled(bodies.EVICTION, self.op.request.body)
        wanted = deletion.options(body.get("deleteOptions") or {}, dict(self.op.request.query))
        name = body.get("metadata", {}).get("name", "")
        if name and name != self.op.target.name:
            raise status.bad_request("name in URL does not match name in Eviction object")
        self.setting.enter("mutate")
        admission.restrict(self.row, None, self.old, self.setting.gate)
        self._check_preconditions(wanted)
        also = None
        budget = None if eviction.free(self.old) else self._budget()
        if budget is not None:
            self.setting.enter("budget")
            row = scheme.resource("PodDisruptionBudget")
            key = row.key(self.op.target.namespace, budget.tree["metadata"]["name"])
            left = eviction.take(budget.tree, self.op.target.name, self.setting.stamp)
            also = Also(key, scheme.encode(row, left, budget.item.managed), budget.item.revision)
        outcome = deletion.delete(self.row, self.old, wanted, self.setting)
        data = None
        if outcome.write is not None:
            data = self._encode(eviction.told(outcome.write, self.setting.stamp))
        return Plan(data, outcome.remove, code=201, body="status", dry=wanted.dry_run, also=also)

    def _budget(self) -> eviction.Budget | None:
        row = scheme.resource("PodDisruptionBudget")
        prefix = f"{row.prefix}{self.op.target.namespace}/"
        items = self.caches.of(row).items
        known = [eviction.Budget(scheme.tree(items[key].data), items[key]) for key in sorted(items) if key.startswith(prefix)]
        return eviction.covering(self.old, known)

    def _scale(self) -> Plan:
        op = self.op
        before = scale_of(self.row, self.old)
        if op.verb == "patch":
            scale, _ = bodies.patched(op.request, before, SCALE_TYPE)
        else:
            scale = bodies.filled(bodies.SCALE, op.request.body)
        strategy.check_place(self.row, scale, op.target.namespace, op.target.name)
        self._expect(scale.get("metadata", {}).get("resourceVersion", ""))
        self.setting.enter("validate")
        replicas = check_scale(scale, op.target.name)
        fresh = fresh_copy(self.row.home, with_replicas(self.row, self.old, replicas))
        filling.apply(self.row.home, fresh)
        return self._finish(strategy.update(self.row.home, fresh, self.old, self.setting), "scale", ())

    # ------------------------------------------------------------------ updates

    def _update(self) -> Plan:
        op, row, item = self.op, self.row, self.item
        if op.verb == "patch" and op.request.content_type.startswith(patch.APPLY):
            return self._apply()
        if op.verb == "patch":
            whole = b"managedFields" in op.request.body
            shown = scheme.with_revision(row, item.data, item.revision, whole)
            seen = scheme.whole(shown) if whole else scheme.tree(shown) if row.stored_as else self.old
            new, warnings = bodies.patched(op.request, seen, "" if row.custom else row.type_name, row)
        else:
            new, warnings = bodies.decode(row, op.request)
        strategy.check_place(row, new, op.target.namespace, op.target.name)
        given = new["metadata"].get("resourceVersion")
        self._expect(given or "")
        if op.verb == "update":
            strategy.check_uid(row, new, self.old, op.key)
            if not given and (row.kind in NEED_REVISION or row.custom):
                cause = causes.invalid("metadata.resourceVersion", 0, "must be specified for an update")
                raise status.invalid(Subject(row.group, row.kind, op.target.name), [cause])
        managed = owners.given(new, item.managed) if not op.target.subresource else item.managed
        made = self._next(new)
        return self._finish(made, "object", (*warnings, *advice.of_update(row.kind, made, self.old)), managed)

    def _next(self, new: Tree) -> Tree:
        """The state that a client's new object leads to. Raises a Refusal."""
        row, old = self.row, self.old
        match self.op.target.subresource:
            case "status":
                return strategy.update_status(row.home, strategy.stored_form(row, new)[1], old, self.setting)
            case "finalize":
                self.setting.check_version()
                return strategy.finalize(new, old)
            case "approval":
                approved = {**new, "status": preparing.approve(new, old, self.setting.stamp)}
                return strategy.update_status(row, approved, old, self.setting)
            case "ephemeralcontainers":
                spec = {**old["spec"], "ephemeralContainers": new.get("spec", {}).get("ephemeralContainers", [])}
                new = fresh_copy(row, {**old, "spec": spec})
            case "resize":
                new = fresh_copy(row, {**old, "spec": _resized(old["spec"], new.get("spec", {}))})
        made = strategy.update(row, new, old, self.setting, self.op.target.subresource)
        if row.kind == "Service":
            self.setting.enter("allocate")
            services = (scheme.tree(held.data) for held in self.caches.of(row).items.values())
            made = allocation.allocate(row, made, old, allocation.taken(services, old["metadata"]["uid"]), self.setting.draw)
        return made

    def _apply(self) -> Plan:
        """Server-side apply to an object that is there."""
        op, row, item = self.op, self.row, self.item
        config, warnings = bodies.configuration(row, op.request)
        strategy.check_place(row, config, op.target.namespace, op.target.name)
        self._expect(config["metadata"].get("resourceVersion") or "")
        uid = config["metadata"].get("uid")
        if uid and uid != self.old["metadata"]["uid"]:
            strategy.check_uid(row, config, self.old, op.key)
        live = scheme.tree(scheme.with_revision(row, item.data, item.revision)) if row.stored_as else self.old
        self.setting.enter("apply")
        merged, managed = owners.applied(
            row, live, item.managed, config, op.request, self.setting.stamp, op.target.subresource
        )
        made = self._next(owners.normal(row, merged))
        dry = options.check(op.request, "PatchOptions")
        if deletion.finished(row, made):
            return Plan(None, True, 200, warnings, "object", dry, scheme.encode(row.home, made, managed))
        if strategy.same(made, self.old) and managed == item.managed:
            return Plan(None, body="object", warnings=warnings)
        return Plan(scheme.encode(row.home, made, managed), body="object", warnings=warnings, dry=dry)

    def _finish(self, made: Tree, body: str, warnings: tuple[str, ...], managed: bytes | None = None) -> Plan:
        """A new state is written, unless it is the old one, or the last thing that held a deleted object is gone."""
        op, home = self.op, self.row.home
        dry = options.check(op.request, "PatchOptions" if op.verb == "patch" else "UpdateOptions")
        stored = self.item.managed
        before = stored if managed is None else managed
        unchanged = strategy.same(made, self.old) and before == stored
        if unchanged and not deletion.finished(home, made):
            return Plan(None, body=body, warnings=warnings)
        entries = owners.updated(home, before, self.old, made, op.request, self.setting.stamp, op.target.subresource)
        data = scheme.encode(home, made, entries)
        if deletion.finished(home, made):
            return Plan(None, True, 200, warnings, body, dry, data)
        return Plan(data, body=body, warnings=warnings, dry=dry)


def fresh_copy(row: Resource, tree: Tree) -> Tree:
    """A tree of one's own with the same content."""
    return scheme.decode(scheme.encode(row, tree))


def _resized(old: Tree, new: Tree) -> Tree:
    """A pod's spec with other resources; nothing else of it may change here."""
    found = dict(old)
    for kind in ("containers", "initContainers"):
        wanted = {one["name"]: one for one in new.get(kind, ())}
        if kind in old:
            found[kind] = [_with_resources(one, wanted.get(one["name"], one)) for one in old[kind]]
    return found


def _with_resources(container: Tree, wanted: Tree) -> Tree:
    found = {**container, "resources": wanted.get("resources", {})}
    if "resizePolicy" in wanted:
        found["resizePolicy"] = wanted["resizePolicy"]
    return found
