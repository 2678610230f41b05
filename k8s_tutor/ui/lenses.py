"""Lenses for the screen: by id, in order, Kubernetes' own words when there is nothing else."""

from __future__ import annotations

from k8s_tutor.lessons import lens as data
from k8s_tutor.ui.scene import Lens, PlainLens


def names() -> tuple[str, ...]:
    """Ids of all lenses."""
    return data.names() or ("kubernetes",)


def lens(name: str) -> Lens:
    """A lens; plain words for an id that is not there."""
    if name in data.names():
        return data.lens(name)
    return PlainLens()


def after(name: str) -> str:
    """The lens after this one."""
    ring = names()
    return ring[(ring.index(name) + 1) % len(ring)] if name in ring else ring[0]


def component(lens: Lens, name: str) -> str:
    """The machine or process that a name means in a lens: Alice → ``cp-1``."""
    translate = getattr(lens, "component", None)
    return str(translate(name)) if translate is not None else name
