"""What goes into a panel and what comes out of it.

A panel is a total, pure function ``render(scene, width, height) -> Picture``: it never raises, and its rows are exactly
``width`` cells wide and at most ``height`` many. It draws what stands inside a frame; the frame itself, with the picture's
title at its left and its status at its right end, is drawn by whoever shows the picture.

Names of what can be selected (``Scene.selected``, ``Spot.target``), all as the views name them:

========================= ==========================
``cp-3``, ``node-1``      a machine
``etcd-3``, ``kubelet-1`` a process
``default/web-x``         a pod
``message 812``           a message (``FlightView.id``)
``request 7``             a request at an API server
``deployment default/x``  a deployment
``service default/x``     a service
``verdict default/web-x`` the scheduler's verdict on a pod; with a node behind it, on that node
``entry 57``              an entry of the log
``lamp log matching``     a promise of consensus
``step 4``                a step of the trace
``hop 4``                 a place on a packet's walk
``rule pods reach pods``  a rule of the network
``room A``                a room
``cable A B``             the cable between two rooms or machines
``answer 3``              a typed line with its answer
``branch main``           a branch of the timeline
========================= ==========================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from k8s_tutor.ui.rows import Row

if TYPE_CHECKING:  # the home screen draws pictures before the engine is imported
    from k8s_tutor.cluster.views import ClusterView, FlightView, NoteView, TimelineView, TraceView
    from k8s_tutor.cluster.walkviews import RuleView, WalkView

Mode = Literal["stage", "projector"]


class Lens(Protocol):
    """How a picture of the same world is told: names, words, glyphs and sentences."""

    @property
    def id(self) -> str:
        """``kubernetes``, ``committee``, ``orchestra`` ..."""

    @property
    def title(self) -> str:
        """For the screen's first line."""

    @property
    def breaks(self) -> str:
        """Where the picture breaks; empty for Kubernetes itself."""

    def name(self, machine: str) -> str:
        """What a machine, or a process on it, is called: ``cp-1`` → ``Alice``; unknown names stay as they are."""

    def word(self, key: str, default: str = "") -> str:
        """The word for a role or a thing (``leader`` → ``chair``); else ``default``, else the key itself."""

    def glyph(self, key: str, default: str = "·") -> str:
        """The lens's own mark for a role or a thing; ``default`` when it has none."""

    def message(self, flight: FlightView) -> str:
        """What a message says, as a sentence of this picture; its own text when the lens has none for its kind."""

    def note(self, note: NoteView) -> str:
        """What has happened, as a sentence of this picture; empty when the lens has none for its kind."""


class PlainLens:
    """Kubernetes' own words: no analogy, so nothing that breaks."""

    @property
    def id(self) -> str:
        """The plain lens is Kubernetes' own."""
        return "kubernetes"

    @property
    def title(self) -> str:
        """As it stands on the screen's first line."""
        return "Kubernetes"

    @property
    def breaks(self) -> str:
        """Nothing breaks: it is no picture."""
        return ""

    def name(self, machine: str) -> str:
        """The name itself."""
        return machine

    def word(self, key: str, default: str = "") -> str:
        """The plain word."""
        return default or key

    def glyph(self, key: str, default: str = "·") -> str:
        """None of its own."""
        return default

    def message(self, flight: FlightView) -> str:
        """The message's own text."""
        return flight.text or flight.kind

    def note(self, note: NoteView) -> str:
        """None of its own: the kind and the fields of the note say it."""
        return ""


class Cause(Protocol):
    """One link of a chain of causes, oldest first."""

    @property
    def at(self) -> int:
        """Instant, µs since the world began."""

    @property
    def words(self) -> str:
        """What happened, in one line."""

    @property
    def target(self) -> str:
        """What is selected there, e.g. ``message 812``, or nothing."""


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to a question that the room votes on."""

    key: str
    text: str
    votes: int = 0


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a panel may know."""

    view: ClusterView
    timeline: TimelineView
    lens: Lens = field(default_factory=PlainLens)
    selected: str = ""
    """What is selected (see the table above), or empty."""
    mode: Mode = "stage"
    ascii: bool = False
    """Only ASCII characters."""
    why: tuple[Cause, ...] = ()
    """Chain of causes of what is selected, oldest first (the inspector)."""
    details: tuple[str, ...] = ()
    """Lines of text about what is selected, e.g. its YAML (the inspector); empty: what the view tells."""
    line: str = ""
    """What stands on the console's line so far."""
    cursor: int = -1
    """Place of the cursor in ``line``; -1: no cursor (the line has no focus)."""
    client: str = "you"
    """Whose console it is; it chooses the answers shown."""
    scroll: int = 0
    """Rows scrolled back from the newest (log, wire, console) or down from the top (inspector, workers, verdicts)."""
    advanced: bool = False
    """The leader's books are open: how far each follower is (committee)."""
    trace: TraceView | None = None
    """What the line typed last has led to (trace)."""
    walks: tuple[WalkView, ...] = ()
    """The walks of packets that are looked at; the last two can be compared (walk)."""
    rules: tuple[RuleView, ...] = ()
    """The rules of the network as they are kept now (walk, service)."""
    question: str = ""
    """What the room is asked (projector)."""
    options: tuple[Option, ...] = ()
    """What the room may answer, with the votes so far (projector)."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place of a picture that can be selected: ``row`` and ``column`` from 0, inside the frame."""

    row: int
    column: int
    width: int
    target: str
    height: int = 1


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn panel. ``status`` stands at the right end of the frame's title and says how things are."""

    title: str
    status: Row
    rows: tuple[Row, ...]
    spots: tuple[Spot, ...] = ()


Render = Callable[[Scene, int, int], Picture]
"""A panel: (scene, width, height) inside the frame, in cells."""
