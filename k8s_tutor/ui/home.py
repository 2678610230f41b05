"""The home screen: lessons by track with progress, the chosen one in detail, and a cluster of one's own.

It paints before anything heavy is imported; the list of lessons follows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from textual import events, on
from textual.app import ComposeResult

from k8s_tutor.ui import actions, chrome, keys
from k8s_tutor.ui import layout as layouts
from k8s_tutor.ui.edge import EdgedScreen
from k8s_tutor.ui.layout import Box
from k8s_tutor.ui.placing import place, polite_rows
from k8s_tutor.ui.prompt import Mode, Prompt
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.shelf import TRACK, Plan, Shelf, detail_picture, lessons_picture, other_picture, plan, tracks_picture
from k8s_tutor.ui.widgets import PanelView, RowsView

if TYPE_CHECKING:
    from k8s_tutor.ui.app import Tutor

GREETING: tuple[Row, ...] = (
    (("  Watch a cluster think.", "bright"),),
    (("  Nothing here can break your machine. Everything here can be broken.", "dim"),),
)


class Home(EdgedScreen):
    """Choose what to play."""

    PLACE = "home"
    BINDINGS = keys.bindings("home")
    CSS = "Home { background: $tutor-ground; }"

    def __init__(self, shelf: Shelf | None = None) -> None:
        super().__init__()
        self.shelf = shelf or Shelf()
        self.head = RowsView(id="head", ground="sunk")
        self.greeting = RowsView(id="greeting")
        self.detail = PanelView("detail", id="detail")
        self.other = PanelView("other", id="other")
        self.foot = RowsView(id="foot", ground="sunk")
        self.prompt: Prompt = Prompt(id="prompt")
        self.polite = RowsView(id="polite")
        self.tracks = PanelView("tracks", id="tracks")
        self.lessons = PanelView("lessons", id="lessons")

    @property
    def tutor(self) -> Tutor:
        """The app."""
        from k8s_tutor.ui.app import Tutor

        assert isinstance(self.app, Tutor)
        return self.app

    def compose(self) -> ComposeResult:
        yield from (*self._parts(), self.polite)

    def _parts(self) -> tuple[Prompt | PanelView | RowsView, ...]:
        """Everything but the polite sentence of a terminal that is too small."""
        return self.head, self.greeting, self.tracks, self.lessons, self.detail, self.other, self.prompt, self.foot

    def on_mount(self) -> None:
        self.prompt.completes("command", keys.command_completion("home"))
        self.prompt.entered, self.prompt.left = self._entered, self._left
        self.rearrange()

    def on_resize(self, event: events.Resize) -> None:
        self.rearrange()

    def on_screen_resume(self) -> None:
        self.rearrange()

    def put(self, shelf: Shelf) -> None:
        """Show another list, or another choice."""
        again = len(shelf.tracks) != len(self.shelf.tracks) or shelf.loaded != self.shelf.loaded
        self.shelf = shelf
        if again:
            self.rearrange()
        else:
            self.draw()

    def rearrange(self) -> None:
        """Places every part, then draws."""
        width, height = self.size
        if not width or not height or not self.is_attached:
            return
        sentence = layouts.too_small(width, height)
        place(self.polite, Box(0, 0, width, height) if sentence else layouts.NOWHERE)
        if sentence:
            for widget in self._parts():
                place(widget, layouts.NOWHERE)
            self.polite.show(polite_rows(sentence, width, height))
            return
        self._place(plan(width, height, max((len(lessons) for _, lessons in self.shelf.tracks), default=0)), width, height)
        self.draw()

    def _place(self, where: Plan, width: int, height: int) -> None:
        place(self.head, Box(0, 0, width, 1))
        place(self.greeting, where.greeting)
        place(self.tracks, where.tracks)
        place(self.lessons, where.lessons)
        place(self.detail, where.detail)
        place(self.other, where.other)
        place(self.foot, Box(0, height - 1, width, 1))
        place(self.prompt, Box(0, height - 1, width, 1) if self.prompt.has_focus or self.prompt.notice else layouts.NOWHERE)

    def draw(self) -> None:
        """Draws what has changed."""
        width, height = self.size
        if layouts.too_small(width, height) or not self.is_attached:
            return
        self.head.show((self._head(width),))
        self.greeting.show(GREETING)
        shelf = self.shelf
        self.tracks.show_picture(tracks_picture(shelf, *self.tracks.room), False)
        self.lessons.show_picture(lessons_picture(shelf, *self.lessons.room), True)
        self.detail.show_picture(detail_picture(shelf, *self.detail.room), False)
        if self.other.display:
            self.other.show_picture(other_picture(self.other.room[0]), False)
        self.foot.show((self._foot(width),))
        self.prompt.draw()

    def _head(self, width: int) -> Row:
        finished = sum(self.shelf.progress(entry.id).finished for _, lessons in self.shelf.tracks for entry in lessons)
        total = sum(len(lessons) for _, lessons in self.shelf.tracks)
        right = f"{finished} of {total} lessons done " if total else ""
        left = f" {chrome.MARK}"
        return ((left, "accent"), (" " * max(0, width - len(left) - len(right)), "text"), (right, "dim"))

    def _foot(self, width: int) -> Row:
        choose: Row = ((" ↑↓", "key"), (" lesson  ", "dim"), ("←→", "key"), (" track  ", "dim"))
        return (*choose, *chrome.footer(actions.footer("home"), width - 22))

    def say(self, text: str, role: str = "warn") -> None:
        """One line for a person, in the footer's place until the next key."""
        self.prompt.say(chrome.notice(text, self.size.width, role) if text else ())
        self.rearrange()

    # ------------------------------------------------------------------ keys and mouse

    def action_do(self, name: str, argument: str = "") -> None:
        """Carries out an action of the registry."""
        if self.prompt.notice:
            self.prompt.notice = ()
            self.rearrange()
        refused = keys.carry_out(lambda: HOME_DEEDS[name](self, argument)) if name in HOME_DEEDS else ""
        if refused:
            self.say(refused, "fail")

    def move(self, dx: int, dy: int) -> None:
        """Choose a neighbour."""
        track, lesson = self.shelf.move(dx, dy)
        self.put(replace(self.shelf, track=track, lesson=lesson))

    def open(self, lesson: str, again: bool = False) -> None:
        """Open a lesson by its id, or the chosen one."""
        chosen = self.shelf.chosen
        name = lesson or (chosen.id if chosen is not None else "")
        if not name:
            raise LookupError("no lesson is chosen")
        self.tutor.open_lesson(name, again=again)

    def present(self) -> None:
        """The chosen lesson on the projector."""
        chosen = self.shelf.chosen
        if chosen is None:
            raise LookupError("no lesson is chosen")
        self.tutor.open_lesson(chosen.id, again=True, projector=True)

    def ask(self, mode: str, text: str = "") -> None:
        """Open the prompt."""
        place(self.prompt, Box(0, self.size.height - 1, self.size.width, 1))
        self.prompt.open("command" if mode == "command" else "find", text)

    def find(self, text: str) -> None:
        """Choose the first lesson whose title, track or subjects contain the text."""
        wanted = text.casefold()
        for number, (track, lessons) in enumerate(self.shelf.tracks):
            for spot, entry in enumerate(lessons):
                if wanted in " ".join((entry.title, entry.id, track, *entry.teaches)).casefold():
                    self.put(replace(self.shelf, track=number, lesson=spot))
                    return
        raise LookupError(f"no lesson is about {text!r}")

    def toggle_ascii(self) -> None:
        """ASCII only, or all characters."""
        self.tutor.toggle_ascii()

    @on(PanelView.Selected)
    def _selected(self, message: PanelView.Selected) -> None:
        self.set_focus(None)
        for number, (name, lessons) in enumerate(self.shelf.tracks):
            if message.target == f"{TRACK}{name}":
                self.put(replace(self.shelf, track=number, lesson=0))
            for spot, entry in enumerate(lessons):
                if entry.id == message.target:
                    if self.shelf.chosen is entry:
                        self.action_do("open")
                    self.put(replace(self.shelf, track=number, lesson=spot))

    def take_key(self, event: events.Key) -> bool:
        """The line at the foot takes keys while it is open."""
        return self.focused is self.prompt and self.prompt.take(event)

    def _entered(self, mode: Mode, text: str) -> None:
        self.set_focus(None)
        self.rearrange()
        if not text:
            return

        def submit() -> None:
            if mode == "find":
                self.find(text)
                return
            action, argument = actions.parse(text, "home")
            HOME_DEEDS[action.id](self, argument)

        refused = keys.carry_out(submit)
        if refused:
            self.say(refused, "fail")

    def _left(self) -> None:
        self.set_focus(None)
        self.rearrange()


HOME_DEEDS: dict[str, keys.Deed[Home]] = {
    "up": lambda home, _: home.move(0, -1),
    "down": lambda home, _: home.move(0, 1),
    "left": lambda home, _: home.move(-1, 0),
    "right": lambda home, _: home.move(1, 0),
    "open": lambda home, name: home.open(name),
    "again": lambda home, name: home.open(name, again=True),
    "sandbox": lambda home, _: home.tutor.open_sandbox(),
    "rooms": lambda home, _: home.tutor.design(),
    "projector": lambda home, _: home.present(),
    "find": lambda home, text: home.find(text) if text else home.ask("find"),
    "command": lambda home, text: home.ask("command", text),
    "help": lambda home, _: home.tutor.show_help("home"),
    "palette": lambda home, _: home.app.action_command_palette(),
    "theme": lambda home, name: home.tutor.change_theme(name),
    "ascii": lambda home, _: home.toggle_ascii(),
    "motion": lambda home, _: home.tutor.toggle_motion(),
    "leave": lambda home, _: home.tutor.leave(),
    "quit": lambda home, _: home.tutor.leave(),
    "interrupt": lambda home, _: home.tutor.leave(),
}
"""Every action of the home screen, by id."""
