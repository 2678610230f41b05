"""The room designer: a dialog in which a committee is put together, by keys or by dragging managers from room to room."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult
from textual.screen import ModalScreen

from k8s_tutor.ui import actions, keys
from k8s_tutor.ui.design import Design, picture
from k8s_tutor.ui.frame import MARGIN
from k8s_tutor.ui.layout import Box
from k8s_tutor.ui.placing import place
from k8s_tutor.ui.scene import Picture
from k8s_tutor.ui.widgets import PanelView, neighbour

if TYPE_CHECKING:
    from k8s_tutor.ui.app import Tutor
    from k8s_tutor.ui.scene import Lens


class Designer(ModalScreen[None]):
    """Puts a committee together; Enter starts it."""

    PLACE = "design"
    BINDINGS = keys.bindings("design")
    CSS = "Designer { background: $tutor-ground 60%; }"

    def __init__(self, design: Design, lens: Lens) -> None:
        super().__init__()
        self.design = design
        self.lens = lens
        self.panel = PanelView("design", id="design")

    @property
    def tutor(self) -> Tutor:
        """The app."""
        from k8s_tutor.ui.app import Tutor

        assert isinstance(self.app, Tutor)
        return self.app

    def compose(self) -> ComposeResult:
        yield self.panel

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()

    def draw(self) -> None:
        """Draws the design; the keys stand at its foot."""
        whole_width, whole_height = self.size
        wide = min(110, whole_width - 4)
        width, most = wide - 2 * MARGIN, whole_height - 4
        foot = _keys(width)
        drawn = picture(self.design, self.lens, width, most - len(foot) - 1)
        rows = (*drawn.rows, (), *foot)
        high = len(rows) + 2
        place(self.panel, Box((whole_width - wide) // 2, (whole_height - high) // 2, wide, high))
        self.panel.show_picture(Picture(drawn.title, drawn.status, rows, drawn.spots), True, self.tutor.ascii)

    def change(self, design: Design) -> None:
        """Goes on with another design."""
        self.design = design
        self.draw()

    def close(self) -> None:
        """Puts the design away."""
        self.dismiss()

    def start(self) -> None:
        """The cluster that was designed takes the stage."""
        spec = self.design.spec()
        self.close()
        self.tutor.call_after_refresh(self.tutor.open_sandbox, spec=spec)

    # ------------------------------------------------------------------ keys and mouse

    def action_do(self, name: str, argument: str = "") -> None:
        """Carries out an action of the registry."""
        if name in DESIGN_DEEDS:
            DESIGN_DEEDS[name](self, argument)

    def on_key(self, event: events.Key) -> None:
        """A digit: so many managers."""
        if event.character is not None and event.character in "123456789":
            event.stop()
            self.change(self.design.resized(int(event.character)))

    def choose(self, dx: int, dy: int) -> None:
        """Takes hold of the neighbour in a direction."""
        spots = tuple(spot for spot in self.panel.picture.spots if spot.target.startswith("manager "))
        target = neighbour(spots, f"manager {self.design.chosen}", dx, dy)
        self._take(target)

    def _take(self, target: str) -> None:
        kind, _, number = target.partition(" ")
        if kind == "manager":
            self.change(replace(self.design, chosen=int(number)))

    @on(PanelView.Selected)
    def _selected(self, message: PanelView.Selected) -> None:
        self._take(message.target)

    @on(PanelView.Dragged)
    def _dragged(self, message: PanelView.Dragged) -> None:
        kind, _, number = message.source.partition(" ")
        if kind == "manager":
            room = room_of(self.design, message.target)
            if room >= 0:
                self.change(self.design.moved(int(number), room))


def room_of(design: Design, target: str) -> int:
    """The room that a spot of the picture lies in; -1: none."""
    kind, _, number = target.partition(" ")
    if kind == "room":
        return int(number)
    return design.seats[int(number)] if kind == "manager" else -1


def _keys(width: int) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The keys of the dialog, in as many rows as they need."""
    rows: list[tuple[tuple[str, str], ...]] = []
    row: list[tuple[str, str]] = []
    used = 0
    for action in sorted((one for one in actions.at("design") if one.rank), key=lambda one: one.rank):
        key = "/".join(actions.shown(key) for key in action.keys[:1])
        size = len(key) + len(action.label) + 4
        if used + size > width and row:
            rows.append(tuple(row))
            row, used = [], 0
        row += [(key, "key"), (f" {action.label}   ", "dim")]
        used += size
    more = (("1-9", "key"), (" so many   ", "dim"), ("mouse", "key"), (" drags", "dim"))
    if used + 24 <= width:
        return (*rows, (*row, *more))
    return (*rows, tuple(row), more)


def _toggled(design: Design) -> Design:
    return replace(design, whole=not design.whole)


DESIGN_DEEDS: dict[str, keys.Deed[Designer]] = {
    "design_start": lambda screen, _: screen.start(),
    "move": lambda screen, _: screen.change(
        screen.design.moved(screen.design.chosen, screen.design.seats[screen.design.chosen] + 1)
    ),
    "design_more": lambda screen, _: screen.change(screen.design.resized(screen.design.size + 1)),
    "design_fewer": lambda screen, _: screen.change(screen.design.resized(screen.design.size - 1)),
    "design_divide": lambda screen, _: screen.change(screen.design.divided(screen.design.rooms + 1)),
    "design_join": lambda screen, _: screen.change(screen.design.divided(screen.design.rooms - 1)),
    "design_rule": lambda screen, _: screen.change(screen.design.next_rule()),
    "design_whole": lambda screen, _: screen.change(_toggled(screen.design)),
    "up": lambda screen, _: screen.choose(0, -1),
    "down": lambda screen, _: screen.choose(0, 1),
    "left": lambda screen, _: screen.choose(-1, 0),
    "right": lambda screen, _: screen.choose(1, 0),
    "leave": lambda screen, _: screen.close(),
    "quit": lambda screen, _: screen.tutor.leave(),
    "interrupt": lambda screen, _: screen.tutor.leave(),
}
"""Every action of the designer, by id."""
