"""Actors: the processes of a world, and the parts that their state is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from k8s_tutor.sim.context import Context

_SHARED: set[type] = set()
"""Types without a ``copy``: their values are immutable. Filled as types are met."""


class State:
    """A part of an actor's state. Its attributes hold an immutable value, one container (dict, list, deque) of immutable
    values, or another part; so a shallow copy of each attribute is a full copy."""

    def copy(self) -> Self:
        """An independent part with the same content."""
        new = object.__new__(type(self))
        own = new.__dict__ = self.__dict__.copy()
        for name, value in own.items():
            if value.__class__ not in _SHARED:
                if hasattr(value, "copy"):
                    own[name] = value.copy()
                else:
                    _SHARED.add(value.__class__)
        return new


class Panic(Exception):
    """What an actor raises that finds itself in a state that must not be: its process ends there, as by a crash."""


class Actor(State):
    """One process. It reacts to one message at a time, and changes only itself.

    ``config`` never changes. ``disk`` is the durable part (a `State` or None). All else on the actor is volatile: a crash
    throws the whole instance away, and a restart builds a new one from ``name``, ``config`` and ``disk``.
    """

    version: int = 0
    """Raised whenever the actor is stepped; same version, same state. Kept by the world."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        self.name = name
        self.config = config
        self.disk = disk

    def start(self, ctx: Context) -> None:
        """Called at the first boot and after every restart."""

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        """Called for each message, and for each timer (then ``src`` is the own name)."""
        raise NotImplementedError

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        """Called when the connection to ``peer`` is gone: ``reset``, ``refused`` or ``timeout``."""
