"""The ledger: the members' notebooks side by side, a row an entry, so that one sees what is decided and who has it."""

from __future__ import annotations

from k8s_tutor.ui.draw import Canvas, ending, shorten
from k8s_tutor.ui.glyphs import term_mark
from k8s_tutor.ui.panels.books import Books
from k8s_tutor.ui.panels.panel import member_name, picked
from k8s_tutor.ui.scene import Scene

LEAST = 4
"""Rows below which a ledger says too little."""


def draw_ledger(canvas: Canvas, scene: Scene, books: Books, top: int, rows: int) -> None:
    """A head and the newest entries, newest first; ``Scene.scroll`` goes back to older ones, down to the first."""
    if rows < LEAST:
        return
    members = scene.view.raft.members
    names = [member_name(scene.lens, member) for member in members]
    wide = max(3, min(9, max(map(len, names)) + 2))
    if canvas.width - wide * len(members) < 30:
        wide = 3
    start = 14 if canvas.width - wide * len(members) >= 34 else 8
    text = max(0, min(72, canvas.width - start - wide * len(members)))
    canvas.put(top, 0, "entry", "dim")
    if start > 8:
        canvas.put(top, 8, scene.lens.word("term"), "dim")
    for number, (member, name) in enumerate(zip(members, names, strict=True)):
        column = start + text + number * wide
        short = name if len(name) < wide else name[:1] + name[-1:] if name[-1:].isdigit() else name[: wide - 1]
        canvas.put(top, column, short, picked(scene, member.machine, "dim"))
        canvas.spot(top, column, len(short), member.machine)
    oldest = min((member.snapshot for member in members), default=0)
    row = top + 1
    for index in range(books.top, max(oldest, books.top - rows + 1), -1):
        _entry(canvas, scene, books, row, index, start, text, wide)
        row += 1
    if oldest and row < top + rows:
        canvas.put(row, 0, f"1..{oldest} in a snapshot", "dim")
        for number in range(len(members)):
            canvas.put(row, start + text + number * wide, "▤", "dim")


def _entry(canvas: Canvas, scene: Scene, books: Books, row: int, index: int, start: int, text: int, wide: int) -> None:
    entry = books.entry(index)
    committed = entry is not None and entry.committed
    target = f"entry {index}"
    canvas.put(row, 0, str(index).rjust(5), picked(scene, target, "bright" if committed else "warn"))
    canvas.spot(row, 0, start + text - 2, target)
    if entry is not None and start > 8:
        mark = term_mark(entry.term)
        canvas.put(row, 8, f"{mark.glyph} {mark.word}", mark.role)
    said = entry.text.replace("/registry/", "") if entry is not None else ""
    cut = ending(said, text - 2, said.find(" ") + 1) if said else shorten("a leader begins its term", text - 2)
    canvas.put(row, start, cut, "text" if said else "dim")
    for number, member in enumerate(books.members):
        canvas.put(row, start + text + number * wide, *books.mark(member, index))
