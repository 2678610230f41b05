"""What the learner did and what the system did, told from the run itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from textwrap import shorten
from typing import NamedTuple

from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.views import NoteView
from k8s_tutor.lessons.lens import Lens
from k8s_tutor.lessons.values import clock

CHATTY = (
    "raft.commit", "raft.prevote", "api.", "etcd.timeout", "etcd.join", "console.", "runtime.", "cni.", "image.", "lb.",
    "proxy.", "kubelet.", "container.created", "scheduler.decided", "node.registered",
)  # fmt: skip
"""Notes that are left out of a debrief: too many, or said by another one."""
MOST = 40
LONGEST = 90
"""Letters of a typed line that is told whole; of a longer one half as many are."""


class Line(NamedTuple):
    """One line of the story. ``who``: ``you`` or ``system``."""

    at: int
    who: str
    text: str


class Story:
    """Collects each step's inputs and notes as the step closes."""

    def __init__(self) -> None:
        self._steps: list[tuple[bool, tuple[tuple[int, inputs.Input], ...], tuple[NoteView, ...]]] = []

    def close(self, own: bool, given: Sequence[tuple[int, inputs.Input]], notes: Iterable[NoteView]) -> None:
        """A step is over. ``own``: its inputs were the learner's."""
        kept = tuple(note for note in notes if not note.kind.startswith(CHATTY))
        if given or kept:
            self._steps.append((own, tuple(given), kept))

    def lines(self, lens: Lens) -> list[Line]:
        """The whole story in order of time, at most `MOST` lines: what the learner did, and what the system made of it.

        When there is too much, what the system did in demonstrations goes first.
        """
        mine = [line for own, given, notes in self._steps if own for line in _told(given, notes, lens, "you", 2)]
        shown = [line for own, given, notes in self._steps if not own for line in _told(given, notes, lens, "lesson", 1)]
        room = max(0, MOST - len(mine))
        picked = [*mine[-MOST:], *sorted(shown, key=lambda line: line.who == "system")[:room]]
        return sorted(picked, key=lambda line: line.at)


def _told(given: Sequence[tuple[int, inputs.Input]], notes: Sequence[NoteView], lens: Lens, who: str, most: int) -> list[Line]:
    """One step: its inputs, the same one many times as one, and of each kind of note the first ``most``; the last of these says
    how many more there were."""
    typed = [Line(at, who, _whose(entry) + words(entry, lens)) for at, entry in given]
    again = [list(group) for _, group in groupby(typed, key=lambda line: line.text)]
    lines = [_more(same[0], len(same) - 1) for same in again]
    found: dict[str, list[Line]] = {}
    for note in notes:
        if text := lens.note(note):
            found.setdefault(note.kind, []).append(Line(note.at, "system", text))
    for same in found.values():
        *before, last = same[:most]
        lines += [*before, _more(last, len(same) - most)]
    return sorted(lines, key=lambda line: line.at)


def _more(line: Line, count: int) -> Line:
    return line._replace(text=f"{line.text} (and {count} more)") if count > 0 else line


def _whose(given: inputs.Input) -> str:
    """Whose console a line was typed at, where it was not the learner's own."""
    return f"{given.client}: " if isinstance(given, inputs.Kubectl) and given.client != "you" else ""


def words(given: inputs.Input, lens: Lens, longest: int = LONGEST) -> str:
    """An input in a lens' names; a console line of more than ``longest`` letters is told by its beginning."""
    if isinstance(given, inputs.Kubectl):
        line = given.line if given.line.startswith(("etcdctl", "etcdutl", "ssh ")) else f"kubectl {given.line}"
        return line if len(line) <= longest else shorten(line, longest // 2, placeholder=" …", break_on_hyphens=False)
    return " ".join(_named(word, lens) for word in inputs.in_words(given).split(" "))


def _named(word: str, lens: Lens) -> str:
    """A word in a lens' names, be it who comes (``+cp-4``) or goes."""
    return word[0] + lens.name(word[1:]) if word[:1] in ("+", "-") else lens.name(word)


def told(line: Line) -> str:
    """A line as text: ``00:03.214  you     crash Carol``."""
    return f"{clock(line.at)}  {line.who:<6}  {line.text}"
