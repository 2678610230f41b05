"""The help screen: every action with its keys, its command and one sentence. Made from the registry."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from k8s_tutor.ui.actions import ACTIONS, Place, shown
from k8s_tutor.ui.layout import Box
from k8s_tutor.ui.markdown import wrap
from k8s_tutor.ui.panels.books import MARKS
from k8s_tutor.ui.placing import place
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture
from k8s_tutor.ui.widgets import PanelView

GLYPHS: tuple[tuple[str, str, str], ...] = (
    ("★", "leader", "leads, chosen"),
    ("●", "ok", "healthy, committed"),
    ("◌", "warn", "not yet"),
    ("✗", "fail", "failing, lost"),
    ("☾", "fail", "down"),
    ("✂", "fail", "cut"),
    ("▣", "ok", "a pod"),
    ("◇", "other", "another future"),
    ("■3", "term-1", "a term of the committee: its number, a shape and a colour"),
    *((glyph, "text", f"an entry in a notebook: {words}") for glyph, words in MARKS.items()),
)
"""Glyphs that mean the same on every panel."""


def rows(place: Place, cells: int) -> tuple[Row, ...]:
    """The whole help, ``cells`` wide: this place's actions by heading, then the glyphs."""
    out: list[Row] = []
    heading = ""
    for action in ACTIONS:
        if place not in action.places:
            continue
        if action.group != heading:
            heading = action.group
            out += [(), ((heading, "you+bold"),)] if out else [((heading, "you+bold"),)]
        keys = " ".join(shown(key) for key in action.keys[:2])
        command = f":{action.name}" + (f" {action.argument}" if action.argument else "")
        out += wrap(
            (
                (f"{keys:<15}".replace(" ", "\u00a0"), "key"),
                (f"{command:<21}".replace(" ", "\u00a0") + " ", "you"),
                (action.help, "text"),
            ),
            cells,
            " " * 37,
        )
    out += [(), (("What the marks say", "you+bold"),)]
    out += [((f"{glyph:<15}", role), (words, "text")) for glyph, role, words in GLYPHS]
    return tuple(tuple((text.replace("\u00a0", " "), role) for text, role in row) for row in out)


class Help(ModalScreen[None]):
    """Rows that scroll; Esc, q, ? and Enter close them."""

    BINDINGS = [
        Binding("escape,q,question_mark,f1,enter", "dismiss", "close"),
        Binding("down,j", "scroll(1)", "down"),
        Binding("up,k", "scroll(-1)", "up"),
        Binding("pagedown,space", "scroll(10)", "page down"),
        Binding("pageup,b", "scroll(-10)", "page up"),
        Binding("home,g", "scroll(-10000)", "top"),
        Binding("end,G", "scroll(10000)", "end"),
    ]
    CSS = "Help { background: $tutor-ground 60%; }"

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place: Place = place
        self.panel = PanelView("help", id="help")
        self.top = 0

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def on_panel_view_scrolled(self, message: PanelView.Scrolled) -> None:
        self.action_scroll(-message.rows)

    def action_scroll(self, by: int) -> None:
        """Scroll by some rows."""
        self.top += by
        self.draw()

    def draw(self) -> None:
        """Show the rows from the present one on."""
        whole_width, whole_height = self.size
        wide, high = min(104, whole_width - 4), whole_height - 4
        if wide < 20 or high < 5:
            wide, high = whole_width, whole_height
        place(self.panel, Box((whole_width - wide) // 2, (whole_height - high) // 2, wide, high))
        width, height = self.panel.room
        all_rows = rows(self.place, width)
        self.top = max(0, min(self.top, len(all_rows) - height))
        more = len(all_rows) > height
        status: Row = (("↑↓ scroll · Esc close" if more else "Esc close", "dim"),)
        self.panel.show_picture(Picture("Keys and commands", status, all_rows[self.top : self.top + height]), lit=True)
