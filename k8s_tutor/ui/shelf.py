"""What the home screen knows: lessons by track, how far the learner has come, and how that is drawn. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from k8s_tutor.ui import markdown
from k8s_tutor.ui.layout import Box
from k8s_tutor.ui.rows import Row, fit, width
from k8s_tutor.ui.scene import Picture, Spot


class Entry(Protocol):
    """One lesson of the list, as `k8s_tutor.lessons.index` gives it."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def track(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def minutes(self) -> int: ...
    @property
    def requires(self) -> tuple[str, ...]: ...
    @property
    def teaches(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Done:
    """How far a lesson has been played. ``step`` counts from 0."""

    step: int = 0
    total: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """Lessons by track, and which one is chosen."""

    tracks: tuple[tuple[str, tuple[Entry, ...]], ...] = ()
    done: tuple[tuple[str, Done], ...] = ()
    track: int = 0
    lesson: int = 0
    loaded: bool = False

    @property
    def chosen(self) -> Entry | None:
        """The chosen lesson."""
        if not self.tracks:
            return None
        lessons = self.tracks[min(self.track, len(self.tracks) - 1)][1]
        return lessons[min(self.lesson, len(lessons) - 1)] if lessons else None

    def progress(self, lesson: str) -> Done:
        """How far a lesson has been played."""
        return dict(self.done).get(lesson, Done())

    def move(self, dx: int, dy: int) -> tuple[int, int]:
        """(track, lesson) after an arrow."""
        if not self.tracks:
            return 0, 0
        track = max(0, min(len(self.tracks) - 1, self.track + dx))
        most = len(self.tracks[track][1]) - 1
        lesson = (0 if track != self.track else self.lesson) if dx else self.lesson + dy
        if lesson > most:
            return (track + 1, 0) if track + 1 < len(self.tracks) else (track, most)
        if lesson < 0:
            return (track - 1, len(self.tracks[track - 1][1]) - 1) if track else (track, 0)
        return track, lesson


def by_track(entries: Sequence[Entry]) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    """Entries in the order in which they come, grouped."""
    tracks: dict[str, list[Entry]] = {}
    for entry in entries:
        tracks.setdefault(entry.track, []).append(entry)
    return tuple((track, tuple(lessons)) for track, lessons in tracks.items())


def title(track: str) -> str:
    """``control-plane`` → ``Control plane``."""
    words = track.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


TRACK = "track "
"""What a track's row selects: this and its name."""
BAR = 8
"""Cells of a track's bar of progress."""


def tracks_picture(shelf: Shelf, cells: int, high: int) -> Picture:
    """All tracks, each with how much of it is done; the chosen one on a raised ground."""
    gap = 2 if len(shelf.tracks) * 2 < high else 1
    rows: list[Row] = [()] * (gap - 1)
    spots: list[Spot] = []
    for number, (name, lessons) in enumerate(shelf.tracks):
        finished = sum(shelf.progress(entry.id).finished for entry in lessons)
        here = number == shelf.track
        tally = f" {finished}/{len(lessons)}".rjust(6)
        role = "ok" if finished == len(lessons) else "leader" if finished else "dim"
        bar = _bar(finished, len(lessons), role) if cells >= 24 + BAR else ()
        words = fit(((title(name), "bright" if here else "text"),), cells - len(tally) - (BAR if bar else 0))
        row: Row = (*words, *bar, (tally, role))
        spots.append(Spot(len(rows), 0, cells, f"{TRACK}{name}"))
        rows.append(tuple((text, f"{span}+selected") for text, span in row) if here else row)
        rows += [()] * (gap - 1)
    return Picture("Tracks", (), tuple(rows), tuple(spots))


def _bar(part: int, whole: int, role: str) -> Row:
    full = part * BAR // max(1, whole)
    return (("━" * full, role), ("─" * (BAR - full), "line"))


def lessons_picture(shelf: Shelf, cells: int, high: int) -> Picture:
    """The lessons of the chosen track with ● ◐ ○ and their minutes; the chosen one on a raised ground, always to be seen."""
    if not shelf.tracks:
        return Picture("", (), ())
    name, lessons = shelf.tracks[min(shelf.track, len(shelf.tracks) - 1)]
    gap = 2 if len(lessons) * 2 <= high else 1
    fits = max(1, high // gap) if gap == 1 else len(lessons)
    first = max(0, min(shelf.lesson - fits // 2, len(lessons) - fits))
    rows: list[Row] = [()] * (gap - 1)
    spots: list[Spot] = []
    for entry in lessons[first : first + fits]:
        here = shelf.chosen is entry
        glyph, role = _mark(shelf.progress(entry.id))
        minutes = f" {entry.minutes} min".rjust(8)
        words = fit(((f"{glyph} ", role), (entry.title, "bright" if here else "text")), cells - len(minutes))
        row: Row = (*words, (minutes, "dim"))
        spots.append(Spot(len(rows), 0, cells, entry.id))
        rows.append(tuple((text, f"{span}+selected") for text, span in row) if here else row)
        rows += [()] * (gap - 1)
    shown = f"{first + 1} to {first + fits} of {len(lessons)}" if fits < len(lessons) else f"{len(lessons)} lessons"
    return Picture(title(name), ((shown if len(lessons) > 1 else "1 lesson", "dim"),), tuple(rows), tuple(spots))


def _mark(done: Done) -> tuple[str, str]:
    if done.finished:
        return "●", "ok"
    return ("◐", "leader") if done.step else ("○", "dim")


def detail_picture(shelf: Shelf, cells: int, high: int) -> Picture:
    """The chosen lesson: what it asks, what it teaches, what should come before, and the keys."""
    entry = shelf.chosen
    if entry is None:
        words = "No lessons were found." if shelf.loaded else "Loading the lessons …"
        return Picture("", (), ((), ((words, "dim"),)))
    done = shelf.progress(entry.id)
    status = f"{entry.minutes} min"
    if done.finished:
        status += " · done"
    elif done.step:
        status += f" · step {done.step + 1} of {done.total}"
    begin = f"go on at step {done.step + 1}" if done.step and not done.finished else "begin"
    keys: list[Row] = [(("Enter ", "key"), (begin, "text"))]
    if done.step and not done.finished:
        keys = [(*keys[0], ("     r ", "key"), ("from the start", "text"))]
    facts: list[Row] = []
    if entry.teaches:
        facts.append((("teaches   ", "dim"), (", ".join(word.replace("-", " ") for word in entry.teaches), "text")))
    for name in entry.requires:
        before = next((one for _, lessons in shelf.tracks for one in lessons if one.id == name), None)
        met = shelf.progress(name).finished
        facts.append(
            (("before    ", "dim"), ((before.title if before else name) + (" ✓" if met else ""), "ok" if met else "text"))
        )
    about = list(markdown.render(entry.about, min(cells, 72)))
    air: list[Row] = [()] if high >= 9 else []
    room = max(0, high - len(facts) - len(keys) - 3 * len(air))
    rows: list[Row] = [*air, *about[:room], *air, *facts, *air, *keys]
    return Picture(entry.title, ((status, "dim"),), tuple(rows[-high:] if len(rows) > high else rows))


def other_picture(cells: int) -> Picture:
    """What there is beside lessons."""
    choices = (
        ("s", "Sandbox", "a cluster of your own, kubectl and all"),
        ("M", "Rooms", "design a committee: up to nine managers in rooms"),
        ("p", "Present", "this lesson on a projector"),
        ("T", "Colours", "dark, light, high contrast, sixteen"),
        ("?", "Help", "all keys and commands"),
    )
    rows: list[Row] = [()]
    for key, name, words in choices:
        rows += [((f"{key}   ", "key"), (f"{name:<10}", "bright"), (words, "dim")), ()]
    return Picture("or", (), tuple(fit(row, cells) if width(row) > cells else row for row in rows))


@dataclass(frozen=True, slots=True)
class Plan:
    """Where the home screen's parts stand."""

    greeting: Box
    tracks: Box
    lessons: Box
    detail: Box
    other: Box


def plan(width_: int, height: int, most: int) -> Plan:
    """``most``: lessons of the longest track. Tracks, their lessons beside them, the chosen one in detail: on the right where
    there is room, else below."""
    side = 2 if width_ >= 100 else 0
    inner = width_ - 2 * side
    greeting = Box(side, 2 if height >= 30 else 1, inner, 3 if height >= 30 else 2)
    top = greeting.y + greeting.height
    rest = height - top - 1
    if inner >= 110:
        names, titles = max(26, inner * 22 // 100), max(46, inner * 38 // 100)
        high = min(rest, max(2 * most + 3, 24))
        right = Box(side + names + titles, top, inner - names - titles, min(high, max(14, high * 45 // 100)))
        other = right._replace(y=right.y + right.height, height=high - right.height)
        return Plan(greeting, Box(side, top, names - 1, high), Box(side + names, top, titles - 1, high), right, other)
    names = max(24, inner * 32 // 100)
    detail = max(6, min(12, rest * 40 // 100))
    high = rest - detail
    return Plan(
        greeting, Box(side, top, names, high), Box(side + names, top, inner - names, high),
        Box(side, top + high, inner, detail), Box(0, 0, 0, 0),
    )  # fmt: skip
