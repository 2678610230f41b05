"""The members' notebooks: which entry stands in which of them, and how it stands there. Logs may be of any length.

========== ======== =====================================================
``✓``      ok       applied: decided, and carried out by this member
``○``      ok       decided, and not carried out here yet
``✎``      warn     written down just now
``?``      warn     written down, not decided as far as this member knows
``≠``      fail     it holds something else than what stands elsewhere
``▤``      dim      given up for a snapshot
``·``      line     it has nothing there
========== ======== =====================================================
"""

from __future__ import annotations

from k8s_tutor.cluster.views import EntryView, MemberView
from k8s_tutor.ui.panels.panel import flights
from k8s_tutor.ui.rows import Row, Span
from k8s_tutor.ui.scene import Scene

MARKS = {
    "✓": "applied",
    "○": "decided, not applied yet",
    "✎": "written down just now",
    "?": "written down",
    "≠": "holds another entry",
    "▤": "in its snapshot",
    "·": "nothing there",
}
"""What the glyphs say."""
FRESH = 400_000
"""µs for which an entry that has just come counts as new."""


def entry_at(member: MemberView, index: int) -> EntryView | None:
    """The entry that a member holds at an index; None: none, or only in its snapshot."""
    book = member.book or member.entries
    place = index - book[0].index if book else -1
    return book[place] if 0 <= place < len(book) else None


class Books:
    """All notebooks at one moment, read from the newest entry back, or ``Scene.scroll`` entries before it."""

    def __init__(self, scene: Scene) -> None:
        self.members = scene.view.raft.members
        newest = max((member.last_index for member in self.members), default=0)
        self.top = max(1, newest - scene.scroll) if newest else 0
        """The newest index that is shown."""
        self._fresh = _fresh(scene)
        self._known: dict[int, EntryView | None] = {}
        self._clashes: set[int] = set()
        """Indexes at which two members call different entries decided."""

    def entry(self, index: int) -> EntryView | None:
        """What stands at an index: what was decided there, else the entry of the latest term."""
        if index not in self._known:
            found = [entry for member in self.members if (entry := entry_at(member, index)) is not None]
            self._known[index] = max(found, key=lambda entry: (entry.committed, entry.term), default=None)
            if len({(entry.term, entry.text) for entry in found if entry.committed}) > 1:
                self._clashes.add(index)
        return self._known[index]

    def mark(self, member: MemberView, index: int) -> tuple[str, str]:
        """(glyph, role) of an index in a member's notebook; see the table above."""
        own = entry_at(member, index)
        if own is None:
            return ("▤", "dim") if index <= member.snapshot else ("·", "line")
        stands = self.entry(index)
        if stands is not None and (index in self._clashes or (own.term, own.text) != (stands.term, stands.text)):
            return "≠", "fail"
        if not member.up:
            return ("✓" if own.committed else "?"), "dim"
        if own.committed:
            return ("✓" if index <= member.applied else "○"), "ok"
        return ("✎" if index in self._fresh.get(member.name, ()) else "?"), "warn"

    def notebook(self, member: MemberView, cells: int, compact: bool = False) -> Row:
        """The newest lines of a notebook that fit, oldest first; what is older is ``…``, what a snapshot holds ``▤50``."""
        newest = min(member.last_index, self.top)
        book = member.book or member.entries
        first = book[0].index if book else newest + 1
        stub = f"▤{member.snapshot} " if member.snapshot else ""
        chips: list[tuple[Span, ...]] = []
        left = cells
        for index in range(newest, first - 1, -1):
            chip = _chip(index, *self.mark(member, index), compact)
            size = sum(len(text) for text, _ in chip)
            more = 2 if index > first else len(stub)
            if size + more > left + 1:
                break
            chips.append(chip)
            left -= size
        shown = newest - len(chips) + 1
        if not chips:
            empty = f"{member.last_index} entries" if member.last_index else "empty"
            return (((f"{stub}in a snapshot" if stub and first > newest else empty)[:cells], "dim"),)
        older: Row = ()
        if shown > first or (shown > 1 and not stub):
            older = (("… ", "dim"),) if left >= 1 else ()
        elif stub and left >= len(stub) - 1:
            older = ((stub, "dim"),)
        return (*older, *(span for chip in reversed(chips) for span in chip))


def _chip(index: int, glyph: str, role: str, compact: bool) -> tuple[Span, ...]:
    if compact:
        return ((f"{index}{glyph} ", role),)
    ground = "on-dim" if role in ("dim", "line") else f"on-{role}"
    return ((f" {index} ", ground), (f"{glyph} ", role))


def _fresh(scene: Scene) -> dict[str, frozenset[int]]:
    """Member → indexes that it has written down just now: they have just arrived, or are still on their way to the others."""
    found: dict[str, frozenset[int]] = {}
    now = scene.view.now
    for flight in flights(scene.view):
        if flight.kind != "AppendEntries" or not flight.text[:1].isdigit():
            continue
        if flight.outcome == "flying":
            name = flight.src
        elif flight.outcome == "arrived" and flight.due >= now - FRESH:
            name = flight.dst
        else:
            continue
        first, _, last = flight.text.split(" ", 1)[0].rstrip(":").partition("-")
        if first.isdigit():
            end = int(last) if last.isdigit() else int(first)
            found[name] = found.get(name, frozenset()) | frozenset(range(int(first), end + 1))
    return found
