"""The process of one operator: it watches what its rules name, and works while it holds its own Lease."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.api.informer import Change, Informer
from k8s_tutor.api.wire import Response
from k8s_tutor.controllers.base import Controller
from k8s_tutor.controllers.objects import Clock, controller_of
from k8s_tutor.controllers.operators.reconcile import Child, reconcile
from k8s_tutor.controllers.operators.rules import OWNER, Kind, Rules
from k8s_tutor.controllers.requests import NOTHING, Decision, Write
from k8s_tutor.controllers.runner import Runner, succeeded
from k8s_tutor.sim import CallFailed, Context


class RuleController(Controller):
    """Keys are objects of the kind that the rules are about."""

    workers = 1

    def __init__(self, rules: Rules) -> None:
        super().__init__()
        self.name = rules.name
        self.rules = rules
        self.applied: dict[str, bytes] = {}
        """What was applied last, by `Child.key`. A new leader knows nothing, and applies all once more."""

    def begin(self, stores: Any, clock: Clock) -> list[str]:
        return sorted(stores[self.rules.watched.name].objects)

    def keys(self, stores: Any, change: Change, clock: Clock) -> list[str]:
        found = [change.key] if change.kind == self.rules.watched.name else []
        return [*found, *dict.fromkeys(self._owners(change))]

    def _owners(self, change: Change) -> list[str]:
        """For whom the object was made that has changed."""
        watched, keys = self.rules.watched, []
        for struct in (change.old, change.new):
            if struct is None:
                continue
            ref = controller_of(struct)
            if ref is not None and (ref.kind, ref.apiVersion.rpartition("/")[0]) == (watched.kind, watched.group):
                keys.append(f"{struct.metadata.namespace}/{ref.name}" if watched.namespaced else ref.name)
            elif OWNER in (struct.metadata.annotations or {}):
                keys.append(struct.metadata.annotations[OWNER])
        return keys

    def sync(self, stores: Any, key: str, clock: Clock) -> Decision:
        data = stores[self.rules.watched.name].data.get(key)
        if data is None:
            return NOTHING
        actual: dict[str, Child] = {}
        for kind in self.rules.kinds():
            children = [Child(kind, scheme.tree(found)) for found in stores[kind.name].data.values()]
            actual.update({child.key: child for child in children})
        return reconcile(self.rules, scheme.tree(data), actual, self.applied, clock)

    def answered(self, key: str, write: Write, answer: Response | CallFailed, clock: Clock) -> None:
        place = f"{_kind(self.rules, write).name}/{write.namespace}/{write.name}"
        if write.method == "DELETE":
            self.applied.pop(place, None)
        elif write.content_type.startswith("application/apply") and succeeded(write, answer):
            self.applied[place] = msgspec.json.encode(write.tree)


def _kind(rules: Rules, write: Write) -> Kind:
    return next(kind for kind in rules.kinds() if write.root == kind.collection(write.namespace))


class Operator(Runner):
    """One replica; config: `OperatorConfig`. Of several one works, by the Lease that has the operator's name. It reaches the
    API server as its own service account, so it may do what RBAC lets it do."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk, config.rules.name)
        for kind in config.rules.kinds():
            setattr(self, kind.name, kind.informer())
        self.fresh()

    def fresh(self) -> None:
        super().fresh()
        self.rules = RuleController(self.config.rules)

    def controllers(self) -> list[Controller]:
        return [self.rules]

    @property
    def stores(self) -> dict[str, Informer]:
        """By name of the kind."""
        return {informer.kind: informer for informer in self.informers()}

    @property
    def agent(self) -> str:
        return str(self.config.rules.name)

    def ready(self, ctx: Context) -> None:
        self.begin(ctx)

    def leading(self, ctx: Context) -> None:
        self.begin(ctx)

    def changed(self, ctx: Context, change: Change) -> None:
        if self.working:
            for key in self.rules.keys(self.stores, change, self._clock(ctx)):
                self._add(ctx, self.rules, key)
