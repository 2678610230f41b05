"""What is on the stage: a lesson being played, or a cluster of one's own; one to three worlds on one clock.

The screen talks to this and to nothing else of the engine. Everything that may be refused raises `InputError` with one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from k8s_tutor.ui.membership import DONE, REFUSED, Errand
from k8s_tutor.ui.pace import Film

if TYPE_CHECKING:
    from k8s_tutor.cluster import Cluster
    from k8s_tutor.cluster.inputs import Input, Kubectl
    from k8s_tutor.cluster.views import CauseView, ClusterView, NoteView, TimelineView, TraceView
    from k8s_tutor.cluster.walkviews import RuleView, WalkView
    from k8s_tutor.lessons.player import Player
    from k8s_tutor.lessons.view import LessonView
    from k8s_tutor.ui.records import Recorder
    from k8s_tutor.ui.scene import Lens

FAR = 60_000_000
"""µs within which the next message surely is due: members tick ten times a second."""


@dataclass(frozen=True, slots=True)
class CauseLine:
    """One link of a chain of causes, in words."""

    at: int
    words: str
    target: str = ""
    """What can be selected there: the message that brought it about."""


class Session:
    """One thing that is played. Exactly one of ``player`` and ``cluster`` is given."""

    def __init__(
        self, *, player: Player | None = None, cluster: Cluster | None = None, recorder: Recorder | None = None
    ) -> None:
        if (player is None) == (cluster is None):
            raise ValueError("a session plays a lesson or a cluster")
        self.player = player
        self._cluster = cluster
        self._recorder = recorder
        self._lens = "kubernetes"
        self._lesson: LessonView | None = None
        self.traced = 0
        """Which typed line is followed, from 1; 0: always the last."""
        self.errands: list[tuple[Errand, str, int]] = []
        """What is to be done when a line has succeeded, and the branch and number of inputs that it hangs on."""

    # ------------------------------------------------------------------ what there is

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """The worlds that stand side by side; nearly always one."""
        if self.player is not None:
            return self.player.clusters
        assert self._cluster is not None
        return (self._cluster,)

    @property
    def cluster(self) -> Cluster:
        """The first world."""
        return self.clusters[0]

    @property
    def lesson(self) -> LessonView | None:
        """The lesson at this moment; the same object until `changed` is called."""
        if self._lesson is None and self.player is not None:
            self._lesson = self.player.view()
        return self._lesson

    def changed(self) -> None:
        """Something was done: the lesson is to be read anew."""
        self._lesson = None

    @property
    def lens(self) -> str:
        """Id of the lens that is on."""
        return self.player.shown_lens if self.player is not None else self._lens

    def set_lens(self, name: str) -> None:
        """Look through another lens."""
        if self.player is not None:
            self.player.set_lens(name)
        self._lens = name
        self.changed()

    @property
    def now(self) -> int:
        """µs since the world began."""
        return self.cluster.now

    @property
    def holds(self) -> bool:
        """The clock must not run: an answer comes first."""
        return self.player is not None and self.player.holds

    @property
    def past(self) -> bool:
        """Whether the moment on the screen has a future already."""
        timeline = self.cluster.timeline_view()
        return timeline.events < timeline.head

    # ------------------------------------------------------------------ time

    def film_target(self, film: Film, wall: float) -> int:
        """Where cinema pace goes in a frame of ``wall`` seconds: no world is overtaken."""
        from k8s_tutor.lessons.parts import part

        clusters = self.clusters
        flying = [flight for cluster in clusters for flight in part(cluster, "wire").flying if flight.outcome == "flying"]
        dues = [due for cluster in clusters if (due := cluster.next_work()) is not None]
        lesson = self.lesson
        awaited = (lesson is not None and lesson.phase in ("running", "showing")) or any(
            part(cluster, "console").busy for cluster in clusters
        )
        quiet = all(cluster.quiet for cluster in clusters)
        step = (lesson.index, lesson.phase) if lesson is not None else ()
        scene = (*(cluster.timeline.taken for cluster in clusters), *step)
        return film.target(clusters[0].now, wall, flying, min(dues, default=None), quiet, awaited, scene)

    def works_before(self, to: int) -> bool:
        """Whether a piece of work is due before an instant (µs)."""
        return any((due := cluster.next_work()) is not None and due < to for cluster in self.clusters)

    def advance(self, to: int, budget: int) -> bool:
        """Runs up to an instant (µs), at most ``budget`` messages. True when it was reached."""
        if self.player is None:
            return self.cluster.advance(to, budget)
        return self.player.advance(to, budget)

    def tick(self) -> None:
        """Between two slices: the lesson looks at the moment."""
        if self.player is not None:
            self.player.tick()
        self.changed()

    def measure(self) -> bool:
        """A table that the lesson measures goes on while the clock stands. True when it did."""
        lesson = self.lesson
        if lesson is None or lesson.kind != "table" or lesson.phase != "running":
            return False
        self.tick()
        return True

    def step(self) -> bool:
        """Delivers one message. False when nothing is left."""
        if self.player is None:
            return self.cluster.step()
        before = self.cluster.events
        self.player.advance(self.now + FAR, 1)
        self.changed()
        return self.cluster.events > before

    def replay_to(self, index: int) -> None:
        """Begins the lesson again and brings it to a step (from 0), everything before it done."""
        from k8s_tutor.lessons.player import Player

        if self.player is not None:
            lens = self.player.shown_lens
            if self._recorder is not None:
                self._recorder.on = False
            self.player = Player(self.player.lesson, self.player.seed, self._recorder)
            self.player.skip_to(max(0, index))
            self.player.set_lens(lens)
            if self._recorder is not None:
                self._recorder.on = True
        self.changed()

    def jump(self) -> bool:
        """Goes on to the next piece of work and delivers it. False when nothing is due."""
        due = self.cluster.next_work()
        if due is None:
            return False
        for _ in range(1_000):
            if self.advance(due, 200) or self.holds:
                return True
        return True

    def back(self) -> bool:
        """Undoes the last delivery. False at the beginning."""
        moved = [cluster.back() for cluster in self.clusters]
        self.tick()
        return all(moved)

    def goto(self, at: int) -> None:
        """Goes to an instant (µs), backwards or forwards as far as it is known."""
        for cluster in self.clusters:
            cluster.goto_time(max(at, beginning(cluster)))
        self.tick()

    def goto_event(self, events: int) -> None:
        """Goes to the moment after that many deliveries of the first world, the others to the same instant."""
        first, *others = self.clusters
        first.goto(events)
        for cluster in others:
            cluster.goto_time(first.now)
        self.tick()

    def undo(self) -> str:
        """Goes to just before the last thing that was given; its words, or nothing."""
        from k8s_tutor.cluster.inputs import in_words

        words = ""
        for cluster in self.clusters:
            timeline = cluster.timeline
            if timeline.taken:
                last = timeline.branch.inputs[timeline.taken - 1]
                timeline.goto(last.events, timeline.taken - 1, last.at)
                words = in_words(last.input)
        self.tick()
        return words

    def redo(self) -> str:
        """Goes to just after the next thing that had been given; its words, or nothing."""
        from k8s_tutor.cluster.inputs import in_words

        words = ""
        for cluster in self.clusters:
            timeline = cluster.timeline
            if timeline.taken < len(timeline.branch.inputs):
                following = timeline.branch.inputs[timeline.taken]
                timeline.goto(following.events, timeline.taken + 1, following.at)
                words = in_words(following.input)
        self.tick()
        return words

    # ------------------------------------------------------------------ hands

    def give(self, given: Input) -> None:
        """Gives an input to the world (to each of them). Raises `InputError`."""
        if self.player is not None:
            self.player.give(given)
        else:
            self.cluster.give(given)
        self.changed()

    def give_then(self, line: Kubectl, then: Input) -> None:
        """Types a line, and does something as soon as it has succeeded. Raises `InputError`."""
        self.give(line)
        timeline = self.cluster.timeline
        self.errands.append((Errand(line, self.now, then), timeline.branch.name, timeline.taken))

    def run_errands(self) -> list[Input]:
        """Does what has become due; what hangs on a line that failed or was undone is forgotten. Returns what was done."""
        done: list[Input] = []
        for waiting in list(self.errands):
            errand, branch, taken = waiting
            timeline = self.cluster.timeline
            undone = timeline.branch.name != branch or timeline.taken < taken
            fate = REFUSED if undone else errand.fate(self.view().console.answers)
            if fate in (DONE, REFUSED):
                self.errands.remove(waiting)
            if fate == DONE:
                self.give(errand.then)
                done.append(errand.then)
        return done

    # ------------------------------------------------------------------ looking

    def view(self, world: int = 0) -> ClusterView:
        """What is to be seen of a world."""
        return self.clusters[world].view()

    def timeline(self, world: int = 0) -> TimelineView:
        """Pasts and futures of a world."""
        return self.clusters[world].timeline_view()

    def trace(self, world: int = 0) -> TraceView | None:
        """What the line that is followed has led to; None: nobody typed anything."""
        return self.clusters[world].trace(self.traced)

    def walk(self, origin: str, target: str, world: int = 0) -> WalkView:
        """The way of a packet as it would go now."""
        return self.clusters[world].walk(origin, target)

    def rules(self, world: int = 0) -> tuple[RuleView, ...]:
        """The rules of the network as they are kept now."""
        return self.clusters[world].rules()

    def titles(self) -> tuple[str, ...]:
        """What the worlds are called; empty for a single one."""
        lesson = self.lesson
        return tuple(world.title for world in lesson.worlds) if lesson is not None else ()

    def why(self, target: str, lens: Lens) -> tuple[CauseLine, ...]:
        """The chain of causes of a selected thing, oldest first; empty when nothing is known."""
        message = cause_of(self.view(), target)
        if not message:
            return ()
        return links(self.cluster.why(message), lens)


def links(chain: tuple[CauseView, ...], lens: Lens) -> tuple[CauseLine, ...]:
    """A chain of causes in words; a clock that only ticked, again and again, is told once."""
    out: list[CauseLine] = []
    ticks = 0
    for link in chain:
        ticks = ticks + 1 if link.timer and not link.notes and not link.input else 0
        words = cause_words(link, lens)
        if ticks > 1:
            out.pop()
            words = f"{lens.name(link.dst)}: its clock ticks, {ticks} times"
        out.append(CauseLine(link.at, words, "" if link.input else f"message {link.id}"))
    return tuple(out)


def beginning(cluster: Cluster) -> int:
    """The instant (µs) at which a cluster had come to rest and its story begins."""
    return cluster.timeline.branches[0].checkpoints[0].world.now


def cause_of(view: ClusterView, target: str) -> int:
    """The message that made a selected thing what it is: itself, or what led to the latest note about it. 0: unknown."""
    kind, _, rest = target.partition(" ")
    if kind == "message" and rest.isdigit():
        return int(rest)
    if kind == "request":
        return next((note.cause for note in reversed(view.log.notes) if str(note.fields.get("id", "")) == rest), 0)
    if kind == "lamp":
        return next((lamp.message for lamp in view.raft.invariants if lamp.property == rest), 0)
    if kind == "entry":
        commits = (note for note in view.log.notes if note.kind == "raft.commit" and str(note.fields.get("index")) == rest)
        return next((note.cause for note in commits), 0)
    key = rest.partition(" ")[0] if kind == "verdict" else rest or target
    name = key.rpartition("/")[2]
    for note in reversed(view.log.notes):
        if target in (note.actor, note.machine) or any(_mentions(value, key, name) for value in note.fields.values()):
            return note.cause
    return 0


def _mentions(value: object, key: str, name: str) -> bool:
    if isinstance(value, tuple):
        return any(_mentions(item, key, name) for item in value)
    return isinstance(value, str) and value in (key, name)


def cause_words(link: CauseView, lens: Lens) -> str:
    """``Alice → Carol  AppendEntries 5: olives``, or what was typed, and what the receiver noted."""
    if link.input:
        return link.text
    said = [words for note in link.notes if (words := note_words(note, lens))]
    if said:
        return f"{lens.name(link.dst)}: {'; '.join(said)}"
    way = lens.name(link.dst) if link.timer else f"{lens.name(link.src)} → {lens.name(link.dst)}"
    return f"{way}  {link.kind} {link.text}".rstrip()


def note_words(note: NoteView, lens: Lens) -> str:
    """A note as the lens says it, else as those who run clusters would put it."""
    from k8s_tutor.ui.panels import events

    return lens.note(note) or events.words(note)
