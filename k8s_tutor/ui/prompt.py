"""The line at the foot of the stage: kubectl, a ``:`` command, a search, or the answer to a question."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from textual import events

from k8s_tutor.ui.line import Complete, LineEdit
from k8s_tutor.ui.rows import Row, fit, width
from k8s_tutor.ui.widgets import RowsView

Mode = Literal["kubectl", "command", "find", "answer"]

_HEADS: dict[Mode, str] = {"kubectl": "kubectl ▸ ", "command": ": ", "find": "/ ", "answer": "your answer ▸ "}


class Prompt(RowsView):
    """Takes keys only while it has the focus; Enter hands the line over, Esc gives the focus back."""

    can_focus = True

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, ground="sunk")
        self.mode: Mode = "kubectl"
        self.head = ""
        """Instead of ``kubectl`` where another client or tool is at the console."""
        self.edits: dict[Mode, LineEdit] = {mode: LineEdit() for mode in _HEADS}
        self.aside: Row = ()
        """What stands at its right end."""
        self.notice: Row = ()
        """One line that stands there instead until the next key."""
        self.entered: Callable[[Mode, str], None] = lambda mode, text: None
        """What is done with a line."""
        self.left: Callable[[], None] = lambda: None
        """What is done when the line is left without entering it."""
        self.changed: Callable[[Mode, str], None] = lambda mode, text: None
        """What is done when something was typed."""

    def completes(self, mode: Mode, complete: Complete) -> None:
        """Gives a mode its completion."""
        self.edits[mode]._complete = complete

    @property
    def edit(self) -> LineEdit:
        """The line of the present mode."""
        return self.edits[self.mode]

    def open(self, mode: Mode, text: str = "") -> None:
        """Take the keys, in this mode."""
        self.mode = mode
        self.notice = ()
        if text or mode != "kubectl":
            self.edit.set(text)
        self.can_focus = True
        self.screen.set_focus(self)
        self.draw()

    def say(self, row: Row) -> None:
        """Show one line until something else is to be shown."""
        self.notice = row
        self.draw()

    def draw(self) -> None:
        """Show what is there now."""
        cells = self.box.width
        row = self._offers() or (self.notice if self.notice and not self.has_focus else self._line(cells))
        self.show((fit(row, cells),))

    def _line(self, cells: int) -> Row:
        head = f" {self.head} ▸ " if self.mode == "kubectl" and self.head else f" {_HEADS[self.mode]}"
        edit = self.edit
        if not self.has_focus:
            idle: Row = ((head, "you"), (edit.text or "k to type", "dim"))
            return self._with_aside(idle, cells)
        room = max(8, cells - len(head) - 2)
        start = max(0, edit.cursor - room + 1)
        text = edit.text[start : start + room]
        place = edit.cursor - start
        under = text[place] if place < len(text) else " "
        row: Row = ((head, "you+bold"), (text[:place], "bright"), (under, "on-ok"), (text[place + 1 :], "bright"))
        return self._with_aside(row, cells, (("Esc leaves ", "dim"),))

    def _with_aside(self, row: Row, cells: int, instead: Row = ()) -> Row:
        """What the console is busy with at the right end, or ``instead``."""
        aside = self.aside or instead
        room = cells - width(row) - width(aside) - 1
        return (*row, (" " * room, "text"), *aside) if aside and room > 0 else row

    def _offers(self) -> Row:
        """What Tab offers, in the place of the line's right side."""
        edit = self.edit
        if not self.has_focus or not edit.offers:
            return ()
        row: list[tuple[str, str]] = [(f" {edit.text}", "bright"), ("█  ", "you")]
        for offer in edit.offers:
            row += [(offer, "you"), ("  ", "text")]
        return tuple(row)

    def watch_has_focus(self, has_focus: bool) -> None:
        """Drawn otherwise with the focus than without; left alone it is the console's line again."""
        super().watch_has_focus(has_focus)
        if not has_focus and self.screen.focused is not self:  # it may have been opened again meanwhile
            self.edit.offers = ()
            self.mode = "kubectl"
        self.draw()

    def on_paste(self, event: events.Paste) -> None:
        event.stop()
        self.edit.insert(event.text)
        self.draw()

    def take(self, event: events.Key) -> bool:
        """Does what a key says; False for keys that mean nothing here. Called in the order in which the keys were pressed."""
        mode = self.mode
        self.notice = ()
        if event.key == "enter":
            self.entered(mode, self.edit.take())
        elif event.key == "escape" or (event.key == "backspace" and not self.edit.text and mode in ("command", "find")):
            if mode != "kubectl":
                self.edit.set("")
            self.left()
        elif self.edit.key(event.key, event.character):
            self.changed(mode, self.edit.text)
        else:
            return False
        self.draw()
        return True


def command_words(names: Sequence[str]) -> Complete:
    """Completion of ``:`` commands by their names."""

    def complete(before: str) -> Sequence[str]:
        return tuple(names) if " " not in before.lstrip() else ()

    return complete
