"""What the home screen knows: lessons by track, how far the learner has come, and how that is drawn. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from k8s_tutor.ui import markdown
from k8s_tutor.ui.layout import Box, share
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
        lesson = min(self.lesson, most) if dx else self.lesson + dy
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


def track_picture(shelf: Shelf, number: int, cells: int, high: int) -> Picture:
    """One track: its lessons with ● ◐ ○, the chosen one on a raised ground."""
    name, lessons = shelf.tracks[number]
    finished = sum(shelf.progress(entry.id).finished for entry in lessons)
    gap = 2 if len(lessons) * 2 <= high else 1
    rows: list[Row] = [()] * (len(lessons) * gap + (1 if gap == 2 else 0))
    spots: list[Spot] = []
    for place, entry in enumerate(lessons):
        y = place * gap + (1 if gap == 2 else 0)
        here = shelf.chosen is entry
        glyph, role = _mark(shelf.progress(entry.id))
        words = (f"{entry.title}", "bright" if here else "text")
        row: Row = ((f"{glyph} ", role), words)
        if here:
            row = tuple((text, f"{span}+selected") for text, span in fit(row, cells))
        rows[y] = row
        spots.append(Spot(y, 0, cells, entry.id))
    return Picture(
        title(name), ((f"{finished}/{len(lessons)}", "ok" if finished == len(lessons) else "dim"),), tuple(rows), tuple(spots)
    )


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
    room = high - len(facts) - len(keys) - 3
    rows: list[Row] = [(), *about[: max(0, room)], (), *facts]
    rows += [()] * max(1, min(high - len(rows) - len(keys), 1)) + keys
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
    tracks: tuple[Box, ...]
    detail: Box
    other: Box


def plan(width_: int, height: int, sizes: Sequence[int]) -> Plan:
    """``sizes``: lessons of each track. Tracks in columns, the chosen lesson below, what else there is beside it."""
    side = 2 if width_ >= 100 else 0
    inner = width_ - 2 * side
    greeting = Box(side, 2 if height >= 30 else 1, inner, 3 if height >= 30 else 2)
    top = greeting.y + greeting.height
    rest = height - top - 1
    count = max(1, len(sizes))
    columns = max(1, min(count, inner // 26))
    rows = -(-count // columns)
    per_row = [max((*sizes[row * columns : (row + 1) * columns], 1)) for row in range(rows)]
    least = [size + 2 for size in per_row]
    most = [size * 2 + 3 for size in per_row]
    roomy = [max(size * 2 + 3, 9) for size in per_row] if rows == 1 and height >= 40 else most
    detail_high = max(9, min(14, rest * 45 // 100))
    heights = share(max(sum(least), min(sum(roomy), rest - detail_high)), least, [99] * rows, [1] * rows)
    boxes: list[Box] = []
    spare = rest - sum(heights) - 1 - 14
    if spare > 2:
        greeting = greeting._replace(y=greeting.y + spare // 3)
        top += spare // 3
    y = top
    for row, high in enumerate(heights):
        here = min(columns, count - row * columns)
        for place in range(here):
            left, right = side + inner * place // columns, side + inner * (place + 1) // columns
            boxes.append(Box(left, y, right - left - (1 if place + 1 < columns else 0), high))
        y += high
    gap = 1 if rest - (y - top) > detail_high else 0
    below = Box(side, y + gap, inner, max(3, min(height - 1 - y - gap, 14)))
    if inner < 100:
        return Plan(greeting, tuple(boxes[: len(sizes)]), below, Box(0, 0, 0, 0))
    half = inner // 2
    detail = Box(below.x, below.y, half - 1, below.height)
    return Plan(greeting, tuple(boxes[: len(sizes)]), detail, Box(below.x + half, below.y, inner - half, below.height))
