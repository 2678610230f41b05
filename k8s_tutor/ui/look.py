"""What the person in front of the screen has arranged: panels, focus, selection, what they are about to say. No engine here."""

from __future__ import annotations

from dataclasses import dataclass, field

from k8s_tutor.ui.lesson_panel import Hand

LESSON = "lesson"
"""The lesson's column among the things that can have the focus."""

WHOLE = ("committee", "control_plane", "workers", "wire", "log")
"""Panels of a whole cluster when nobody asked for others."""
ETCD_ONLY = ("committee", "wire", "log")
"""Panels of a cluster that is nothing but etcd."""


@dataclass(slots=True)
class Look:
    """The arrangement of one stage."""

    panels: tuple[str, ...] = WHOLE
    opened: tuple[str, ...] = ()
    """Panels that were opened by hand, newest last; Esc closes them again."""
    focus: str = LESSON
    before: str = ""
    """What had the focus before something was opened."""
    zoom: bool = False
    selected: str = ""
    projector: bool = False
    black: bool = False
    ascii: bool = False
    details: tuple[str, ...] = ()
    why: bool = False
    """The inspector shows the chain of causes."""
    why_of: str = ""
    """Of what; it stays while its links are selected one by one."""
    books: bool = False
    """The committee shows what its leader's books say: next and match index, and how each follower is sent to."""
    client: str = "you"
    walks: tuple[tuple[str, str], ...] = ()
    """(from, to) of the packets that are followed, the newest last; two at most."""
    hand: Hand = field(default_factory=Hand)
    steps: tuple[tuple[int, int], ...] = ()
    """(event, instant) at which the single steps so far began."""
    scrolls: dict[str, int] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[str, ...]:
        """All panels, those that were opened by hand included."""
        return self.panels + tuple(panel for panel in self.opened if panel not in self.panels)

    def open(self, panel: str) -> None:
        """Bring a panel and give it the focus."""
        if panel not in self.panels and panel not in self.opened:
            self.opened += (panel,)
        if self.focus not in self.opened:
            self.before = self.focus
        self.focus = panel

    def close(self) -> bool:
        """Close what was opened last, or the zoom. False when there was nothing to close."""
        if self.zoom:
            self.zoom = False
        elif self.opened:
            closed, self.opened = self.opened[-1], self.opened[:-1]
            self.scrolls.pop(closed, None)
            if closed == "inspector":
                self.why, self.details = False, ()
            if self.focus == closed:
                self.focus = self.before or LESSON
        else:
            return False
        return True

    def toggle(self, panel: str) -> None:
        """Show a panel, or put it away."""
        if panel in self.opened:
            self.opened = tuple(one for one in self.opened if one != panel)
        elif panel in self.panels and len(self.shown) > 1:
            self.panels = tuple(one for one in self.panels if one != panel)
        else:
            self.open(panel)
            return
        if self.focus == panel:
            self.focus = LESSON

    def move_focus(self, by: int, lesson: bool) -> None:
        """To the next thing that can have the focus."""
        ring = ((LESSON,) if lesson else ()) + self.shown
        place = ring.index(self.focus) if self.focus in ring else -1 if by > 0 else 0
        self.focus = ring[(place + by) % len(ring)]

    def scroll(self, panel: str, rows: int) -> None:
        """Scroll a panel; never past its newest row."""
        self.scrolls[panel] = max(0, self.scrolls.get(panel, 0) + rows)
