"""The widget that draws rows: one Line-API widget, strips cached, only changed lines refreshed."""

from __future__ import annotations

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from k8s_tutor.ui import theme
from k8s_tutor.ui.draw import to_ascii
from k8s_tutor.ui.edge import edged
from k8s_tutor.ui.frame import MARGIN, frame, inside
from k8s_tutor.ui.layout import NOWHERE
from k8s_tutor.ui.rows import Row, text_of
from k8s_tutor.ui.scene import Picture, Spot


class RowsView(Widget):
    """Rows of spans on the screen, nothing around them. ``show(rows)`` refreshes the lines that differ."""

    ground: theme.Ground = "ground"

    def __init__(self, *, id: str | None = None, ground: theme.Ground = "ground") -> None:
        super().__init__(id=id)
        self.ground = ground
        self.rows: tuple[Row, ...] = ()
        self.box = NOWHERE
        """Where it was placed; known before Textual has laid anything out."""
        self._strips: dict[int, Strip] = {}

    def show(self, rows: tuple[Row, ...]) -> None:
        """Draw these rows from now on."""
        old = self.rows
        if rows is old:
            return
        self.rows = rows
        changed = [y for y in range(max(len(rows), len(old))) if _at(rows, y) != _at(old, y)]
        if not changed:
            return
        for y in changed:
            self._strips.pop(y, None)
        self.refresh(*(Region(0, y, max(1, self.box.width), 1) for y in changed))

    def stand_on(self, ground: theme.Ground) -> None:
        """Change what its words stand on."""
        if self.ground != ground:
            self.ground = ground
            self.forget()

    def forget(self) -> None:
        """Drop cached strips: the theme, the size or the focus has changed."""
        self._strips.clear()
        self.refresh()

    def on_resize(self, event: events.Resize) -> None:
        self.forget()

    def render_line(self, y: int) -> Strip:
        """One line of the screen, from the cache where it has not changed."""
        strip = self._strips.get(y)
        if strip is None:
            strip = self._strips[y] = self._draw(_at(self.rows, y))
        return strip

    def _draw(self, row: Row) -> Strip:
        name = self.app.theme
        ground = self.ground
        blank = theme.style(name, "text", ground)
        if getattr(self.app, "ascii", False):
            row = tuple((to_ascii(text), role) for text, role in row)
        segments = [Segment(text, theme.style(name, role, ground)) for text, role in row]
        strip = Strip(segments).adjust_cell_length(self.size.width, blank)
        return edged(strip) if self.box.x + self.box.width >= self.app.size.width else strip


class PanelView(RowsView):
    """A picture in its frame. Clicks on a spot of the picture select what stands there."""

    can_focus = True

    class Selected(Message):
        """Somebody has chosen a spot of a panel."""

        def __init__(self, panel: PanelView, target: str) -> None:
            super().__init__()
            self.panel = panel
            self.target = target

        @property
        def control(self) -> PanelView:
            """The panel that was clicked."""
            return self.panel

    class Dragged(Message):
        """Something was dragged from its spot and dropped on another."""

        def __init__(self, panel: PanelView, source: str, target: str) -> None:
            super().__init__()
            self.panel = panel
            self.source = source
            self.target = target

    class Scrolled(Message):
        """The wheel was turned over a panel: ``rows`` to scroll, up is positive."""

        def __init__(self, panel: PanelView, rows: int) -> None:
            super().__init__()
            self.panel = panel
            self.rows = rows

    def __init__(self, panel: str = "", *, id: str | None = None, world: int = 0) -> None:
        super().__init__(id=id, ground="panel")
        self.panel = panel
        """Which panel it shows."""
        self.world = world
        """Which of the worlds that stand side by side it shows."""
        self.picture = Picture("", (), ())
        self.lit = False
        self.ascii_only = False
        self._held = ""
        """What the mouse took hold of."""
        self._dropped = False

    def show_picture(self, picture: Picture, lit: bool = False, ascii_only: bool = False) -> None:
        """Draw this picture from now on; ``lit``: with a brighter frame."""
        self.picture, self.lit, self.ascii_only = picture, lit, ascii_only
        self.show(frame(picture, self.box.width, self.box.height, lit, ascii_only))

    def show_bare(self, picture: Picture, ascii_only: bool = False) -> None:
        """Draw the picture without a frame, where its frame would leave it."""
        self.picture, self.lit, self.ascii_only = picture, False, ascii_only
        self.show(tuple(((" " * MARGIN, "text"), *row) for row in ((), *picture.rows)))

    @property
    def room(self) -> tuple[int, int]:
        """Width and height of the picture that fits its frame."""
        return inside(self.box.width, self.box.height)

    def spot_at(self, x: int, y: int) -> Spot | None:
        """The spot under a cell of the widget; the smallest one when they lie in each other."""
        column, row = x - MARGIN, y - 1
        hits = [
            spot
            for spot in self.picture.spots
            if spot.row <= row < spot.row + spot.height and spot.column <= column < spot.column + spot.width
        ]
        return min(hits, key=lambda spot: spot.width * spot.height) if hits else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        spot = self.spot_at(event.x, event.y)
        self._held = spot.target if spot else ""

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """Dropping something elsewhere is no click."""
        spot = self.spot_at(event.x, event.y)
        held, self._held = self._held, ""
        self._dropped = bool(held) and spot is not None and spot.target != held
        if self._dropped and spot is not None:
            self.post_message(self.Dragged(self, held, spot.target))

    def on_click(self, event: events.Click) -> None:
        if self._dropped:
            self._dropped = False
            return
        spot = self.spot_at(event.x, event.y)
        self.post_message(self.Selected(self, spot.target if spot else ""))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.post_message(self.Scrolled(self, 3))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.post_message(self.Scrolled(self, -3))


class TimeStrip(RowsView):
    """The timeline's rows. A click on the rail goes to that moment."""

    RAIL = frozenset("━╌●○◆✂✗╳┯-=*&oxX%.")

    class Scrubbed(Message):
        """The rail was clicked; ``share``: 0 at its beginning, 1 at its end."""

        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

    def on_click(self, event: events.Click) -> None:
        rows = [text_of(row) for row in self.rows]
        rail = next((row for row in rows if row.strip()[:1] in ("◀", "<", "━")), "")
        start = next((x for x, character in enumerate(rail) if character in self.RAIL), 0)
        end = start
        while end + 1 < len(rail) and rail[end + 1] in self.RAIL:
            end += 1
        if rail and start < end and event.x <= end:
            self.post_message(self.Scrubbed(max(0, event.x - start) / (end - start)))


def _at(rows: tuple[Row, ...], y: int) -> Row:
    return rows[y] if y < len(rows) else ()


def neighbour(spots: tuple[Spot, ...], selected: str, dx: int, dy: int) -> str:
    """The target that the arrow (dx, dy) leads to from the selected one; the first spot when nothing is selected.

    Nearest in the direction of the arrow, with sideways distance counted double, as eyes do.
    """
    if not spots:
        return selected
    here = next((spot for spot in spots if spot.target == selected), None)
    if here is None:
        return spots[0].target
    x, y = _centre(here)
    best, best_cost = selected, -1
    for spot in spots:
        if spot.target == selected:
            continue
        sx, sy = _centre(spot)
        along = (sx - x) * dx + (sy - y) * 2 * dy
        aside = abs((sx - x) * dy) + abs((sy - y) * 2 * dx)
        if along <= 0:
            continue
        cost = along + 2 * aside
        if best_cost < 0 or cost < best_cost:
            best, best_cost = spot.target, cost
    return best


def _centre(spot: Spot) -> tuple[int, int]:
    return spot.column + spot.width // 2, spot.row + spot.height // 2
