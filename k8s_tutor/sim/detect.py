"""For tests and proofs: finds stored values that were changed in place, and steps that changed somebody else."""

from __future__ import annotations

from typing import Any

from k8s_tutor.sim.encode import encode
from k8s_tutor.sim.world import World

_PLAIN = (int, str, bytes, bool, type(None))


class ChangedInPlace(AssertionError):
    """A value that is stored somewhere was changed instead of replaced; the text names who was being stepped."""


class Detector:
    """Steps a world and, after each step, encodes again every value that any actor stores."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._known: dict[int, tuple[Any, bytes, str]] = {}
        self._learn()

    def step(self) -> bool:
        """One step of the world. Raises `ChangedInPlace` when a stored value is not what it was."""
        message = self.world.step()
        if message is None:
            return False
        for value, before, owner in self._known.values():
            if encode(value) != before:
                raise ChangedInPlace(f"{message[3]} was stepped and changed a value that {owner} stores: {before[:200]!r}")
        self._learn()
        return True

    def _learn(self) -> None:
        """Remembers the values that actors store now; those that nobody stores any more are forgotten."""
        known: dict[int, tuple[Any, bytes, str]] = {}
        for name, actor in (*self.world.running.items(), *self.world.paused.items()):
            for value in _stored(actor):
                if id(value) not in known:
                    old = self._known.get(id(value))
                    known[id(value)] = old if old is not None and old[0] is value else (value, encode(value), name)
        self._known = known


def _stored(part: Any) -> list[Any]:
    """All values that must never change: the items of the containers of a part, and of its parts."""
    found: list[Any] = []
    for value in part.__dict__.values():
        if isinstance(value, dict):
            found.extend(item for item in value.values() if not isinstance(item, _PLAIN))
        elif isinstance(value, (list, tuple)) or type(value).__name__ == "deque":
            found.extend(item for item in value if not isinstance(item, _PLAIN))
        elif hasattr(value, "__dict__") and hasattr(value, "copy"):
            found.extend(_stored(value))
    return [value for value in found if not hasattr(value, "copy") or isinstance(value, (dict, list))]
