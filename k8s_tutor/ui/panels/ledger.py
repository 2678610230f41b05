"""The ledger: the members' notebooks side by side, a row an entry, so that one sees what is decided and who has it."""

from __future__ import annotations

from k8s_tutor.cluster.views import EntryView, MemberView
from k8s_tutor.ui.draw import Canvas, ending, shorten
from k8s_tutor.ui.panels.panel import member_name, picked
from k8s_tutor.ui.scene import Scene

LEAST = 4
"""Rows below which a ledger says too little."""


def draw_ledger(canvas: Canvas, scene: Scene, top: int, rows: int) -> None:
    """A head and the newest entries, newest first; ``Scene.scroll`` goes back to older ones."""
    if rows < LEAST:
        return
    members = scene.view.raft.members
    names = [member_name(scene.lens, member) for member in members]
    wide = max(3, min(9, max(map(len, names)) + 2))
    if canvas.width - wide * len(members) < 20:
        wide = 3
    text = max(0, min(72, canvas.width - 8 - wide * len(members)))
    canvas.put(top, 0, "entry", "dim")
    for number, (member, name) in enumerate(zip(members, names, strict=True)):
        column = 8 + text + number * wide
        short = name if len(name) < wide else name[:1] + name[-1:] if name[-1:].isdigit() else name[: wide - 1]
        canvas.put(top, column, short, picked(scene, member.machine, "dim"))
        canvas.spot(top, column, len(short), member.machine)
    found = _entries(members)
    order = sorted(found, reverse=True)
    start = min(scene.scroll, max(0, len(order) - rows + 1))
    for offset, index in enumerate(order[start : start + rows - 1], 1):
        entry = found[index]
        canvas.put(top + offset, 0, str(index).rjust(5), "bright" if entry.committed else "warn")
        said = entry.text.replace("/registry/", "")
        cut = ending(said, text - 2, said.find(" ") + 1) if said else shorten("a leader begins its term", text - 2)
        canvas.put(top + offset, 8, cut, "text" if said else "dim")
        for number, member in enumerate(members):
            glyph, role = _mark(member, entry)
            canvas.put(top + offset, 8 + text + number * wide, glyph, role)


def _entries(members: tuple[MemberView, ...]) -> dict[int, EntryView]:
    """The entries of all, one for each index: a decided one rather than an open one, else that of the latest term."""
    found: dict[int, EntryView] = {}
    for member in members:
        for entry in member.entries:
            known = found.get(entry.index)
            if known is None or (entry.committed, entry.term) > (known.committed, known.term):
                found[entry.index] = entry
    return found


def _mark(member: MemberView, entry: EntryView) -> tuple[str, str]:
    """``✓`` decided, as far as it knows; ``?`` written down; ``≠`` it holds something else; ``·`` it has nothing there."""
    own = next((one for one in member.entries if one.index == entry.index), None)
    if own is None:
        older = bool(member.entries) and entry.index < member.entries[0].index
        return ("✓", "dim") if older else ("·", "line")
    if own.term != entry.term or own.text != entry.text:
        return "≠", "fail"
    if not member.up:
        return ("✓" if own.committed else "?"), "dim"
    return ("✓", "ok") if own.committed else ("?", "warn")
