"""What a lesson looks like at one moment: frozen, ready to draw, without any idea of a screen."""

from __future__ import annotations

import msgspec


class Block(msgspec.Struct, frozen=True):
    """One piece of the lesson panel, from top to bottom.

    ``kind``: ``text`` (Markdown), ``question``, ``option`` (``mark`` is its number), ``table`` (``rows``, the first is the
    header), ``goal``, ``hint``, ``feedback``, ``imagine``, ``caption`` (an action of a demonstration or solution), ``timeline``
    (one line of a debrief), ``truth`` (where the picture breaks), ``warning``.
    ``state``: empty, ``chosen``, ``right``, ``wrong``, ``met``, ``open``, ``broken``, ``done``, ``now``.
    """

    kind: str
    text: str = ""
    mark: str = ""
    state: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


class Key(msgspec.Struct, frozen=True):
    """Something to do now. ``action``: ``next``, ``answer``, ``hint``, ``solve``, ``reset``, ``imagine``, ``skip``."""

    action: str
    words: str


class WorldTitle(msgspec.Struct, frozen=True):
    """One of the worlds that run side by side. ``state``: ``running`` or ``done``."""

    title: str
    state: str


class LessonView(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson at one moment."""

    id: str
    title: str
    track: str
    index: int
    """Step, from 0."""
    total: int
    kind: str
    """``say``, ``do``, ``wait``, ``predict``, ``ask``, ``task``, ``compare``, ``table``, ``debrief``, ``review``; ``end`` after
    the last."""
    step_title: str
    phase: str
    """``reading``, ``asking`` (an answer is wanted), ``running`` (the system is at work), ``working`` (the learner is),
    ``showing`` (the solution plays), ``failed`` (a must-not happened, or the deadline is over), ``done``."""
    blocks: tuple[Block, ...]
    keys: tuple[Key, ...]
    holds: bool
    """The clock must not run now: an answer comes first."""
    panels: tuple[str, ...]
    """Which panels this step asks for; empty: whatever is there stays."""
    walks: tuple[tuple[str, str], ...]
    """(from, to) of the packets that it follows."""
    lens: str
    notes: str
    """Speaker notes."""
    truth: str
    """Where the picture of this step breaks; empty: see the lens."""
    worlds: tuple[WorldTitle, ...]
    """Of a ``compare`` step; empty otherwise."""
    deadline: int
    """Instant (µs) at which an open task ends; 0: none."""
    upcoming: str
    """First words of the next step, for a presenter."""
