"""What one look at a Deployment decides, while it is being put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from k8s_tutor.controllers import objects
from k8s_tutor.controllers.deployment import maths, replicasets
from k8s_tutor.controllers.deployment.status import Conditions
from k8s_tutor.controllers.objects import Clock, Tree
from k8s_tutor.controllers.requests import Event, Write, update


class Plan:
    """The ReplicaSets with the sizes that they get, and the requests for that, in order. Made and dropped within one look."""

    def __init__(self, deployment: Any, owned: Sequence[Any], clock: Clock) -> None:
        self.deployment = deployment
        self.clock = clock
        self.want = maths.wanted(deployment)
        self.new = replicasets.find_new(deployment, owned)
        """The ReplicaSet of the current template, or None; None also while it is only being created."""
        self.old = sorted((rs for rs in owned if rs is not self.new), key=replicasets.age_order)
        self.sizes: dict[str, int] = {rs.metadata.name: maths.size(rs) for rs in owned}
        """``spec.replicas`` by name, as decided so far."""
        self.trees: dict[str, Tree] = {}
        """Trees of ReplicaSets that this plan has changed."""
        self.writes: list[Write] = []
        self.conditions = Conditions(deployment, clock)
        self.collided = False
        """Whether its name is taken by a ReplicaSet that is none of ours."""
        self.outdated = False
        """Whether a ReplicaSet reports more pods than it was last told to have: look again when it has caught up."""
        self.revision = ""
        """The Deployment's revision annotation if it changes."""

    @property
    def all(self) -> list[Any]:
        """All ReplicaSets that exist, old ones first."""
        return [*self.old, self.new] if self.new is not None else list(self.old)

    def size(self, rs: Any) -> int:
        """``spec.replicas`` as decided so far."""
        return self.sizes[rs.metadata.name]

    def sum(self, sets: Iterable[Any]) -> int:
        """Sizes together."""
        return sum(self.size(rs) for rs in sets)

    def active(self, sets: Iterable[Any]) -> list[Any]:
        """Those that are to have pods."""
        return [rs for rs in sets if self.size(rs) > 0]

    def event(self, reason: str, text: str, warning: bool = False) -> Event:
        """An event about the Deployment."""
        return Event(objects.reference(self.deployment), reason, text, warning)

    def scale(self, rs: Any, size: int) -> bool:
        """Gives a ReplicaSet a size and notes the Deployment's in its annotations (scaleReplicaSet). True if it changed
        its size."""
        before = self.size(rs)
        current = self._annotations(rs)
        fresh = replicasets.with_sizes(self.deployment, current)
        if before == size and fresh == current:
            return False
        done = None
        if before != size:
            way = "up" if size > before else "down"
            text = f"Scaled {way} replica set {rs.metadata.name} from {before} to {size}"
            done = self.event("ScalingReplicaSet", text)
        self._change(rs, {"replicas": size}, fresh, done)
        self.sizes[rs.metadata.name] = size
        return before != size

    def adopt_revision(self, rs: Any, fresh: dict[str, str]) -> None:
        """Brings annotations and minReadySeconds of the new ReplicaSet up to date."""
        wait = self.deployment.spec.minReadySeconds or 0
        if fresh != self._annotations(rs) or wait != (rs.spec.minReadySeconds or 0):
            self._change(rs, {"minReadySeconds": wait}, fresh, None)

    def _annotations(self, rs: Any) -> dict[str, str]:
        tree = self.trees.get(rs.metadata.name)
        found = tree["metadata"].get("annotations", {}) if tree else rs.metadata.annotations
        return dict(found or {})

    def _change(self, rs: Any, spec: Tree, annotations: dict[str, str], done: Event | None) -> None:
        tree = self.trees.get(rs.metadata.name) or objects.tree_of(rs)
        tree = {
            **tree, "metadata": {**tree["metadata"], "annotations": annotations}, "spec": {**tree["spec"], **spec},
        }  # fmt: skip
        self.trees[rs.metadata.name] = tree
        self.writes.append(update(tree, done=done))
