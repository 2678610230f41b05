"""The editor of ``kubectl edit``: the whole screen for one text.

What is done with the text is for others to say: the screen gives it back when it closes, unchanged when nothing was saved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.style import Style
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.strip import Strip
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from k8s_tutor.lessons.manifests import place_of, trouble
from k8s_tutor.ui import theme
from k8s_tutor.ui.chrome import MARK
from k8s_tutor.ui.edge import EdgedScreen, edged
from k8s_tutor.ui.layout import Box
from k8s_tutor.ui.placing import place
from k8s_tutor.ui.rows import Row, fit, width
from k8s_tutor.ui.widgets import RowsView

ASKING = "Leave without saving? y leaves, s saves, every other key goes on editing"
KEYS = (("Ctrl-S", "save"), ("Esc", "leave"), ("Ctrl-Z", "undo"), ("Ctrl-Y", "redo"), ("Ctrl-A", "all"), ("Ctrl-K", "cut line"))
REFUSED = re.compile(r"^# .* was not valid:?$")
"""How the reasons begin with which a text is handed out again."""
CAUSE = re.compile(r"^# \* (?P<field>[^:\s]+): (?P<words>.*)$")

_KEY = re.compile(r"""^(?P<lead>\s*(?:-\s+)*)(?P<key>"[^"]*"|'[^']*'|[^\s#:'"][^:#]*?)(?P<colon>:)(?=\s|$)""")
_VALUES = (
    (re.compile(r"""(?P<hit>"(?:[^"\\]|\\.)*"|'[^']*')"""), "ok"),
    (re.compile(r"(?:^|[\s\[{,])(?P<hit>[-+]?\d[\d_.]*|true|false|null|~)(?=[\s,\]}]|$)"), "leader"),
    (re.compile(r"(?:^|\s)(?P<hit>[|>][-+]?|[&*]\w+)(?=\s|$)"), "other"),
    (re.compile(r"(?:^|\s)(?P<hit>#.*)$"), "dim"),
)


def spans(line: str) -> Iterator[tuple[int, int, str]]:
    """(from, to, role) of the words of a line of YAML, as far as one can tell without the lines before it."""
    if line.startswith("#"):
        yield 0, len(line), "fail" if REFUSED.match(line) or CAUSE.match(line) else "dim"
        return
    key = _KEY.match(line)
    start = 0
    if key is not None:
        yield key.start("key"), key.end("key"), "you"
        yield key.start("colon"), key.end("colon"), "dim"
        start = key.end("colon")
    yield from ((hit.start(), hit.end(), "dim") for hit in re.finditer(r"(?<=^)\s*-(?=\s|$)", line))
    for pattern, role in _VALUES:
        for hit in pattern.finditer(line, start):
            yield hit.start("hit"), hit.end("hit"), role


def opening(text: str) -> tuple[tuple[int, int], str]:
    """Where the cursor stands when a text is opened, (line, column) from 0, and what is said about it: what is wrong, if it was
    refused; else the first line that is no comment."""
    lines = text.splitlines()
    refused = any(REFUSED.match(line) for line in lines)
    if refused and (wrong := trouble(text)) is not None:
        line, column, problem = wrong
        return (line, column), f"line {line + 1}, column {column + 1}: {problem}"
    causes = [cause for line in lines if (cause := CAUSE.match(line))] if refused else []
    for cause in causes:
        found = place_of(text, cause["field"])
        if found is not None:
            return found, f"{cause['field']}: {cause['words']}"
    first = next((number for number, line in enumerate(lines) if not line.startswith("#")), 0)
    return (first, 0), f"{causes[0]['field']}: {causes[0]['words']}" if causes else ""


class YamlArea(TextArea):
    """The text, coloured as YAML. Enter keeps the indentation."""

    BINDINGS = [Binding("ctrl+y,ctrl+r", "redo", show=False), Binding("ctrl+k", "delete_line", show=False)]

    def __init__(self, text: str) -> None:
        super().__init__(text, soft_wrap=False, show_line_numbers=True, tab_behavior="indent", compact=True, id="text")
        self.indent_type = "spaces"
        self.indent_width = 2
        self.cursor_blink = False

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        for start, end, role in spans(line.plain):
            line.stylize(Style(color=theme.style(self.app.theme, role, "panel").color), start, end)
        return line

    def render_line(self, y: int) -> Strip:
        return edged(super().render_line(y).crop(0, self.size.width))

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            row, column = self.cursor_location
            before = self.document.get_line(row)[:column]
            self.insert("\n" + before[: len(before) - len(before.lstrip())], maintain_selection_offset=False)
            return
        await super()._on_key(event)


def area_theme(name: str) -> TextAreaTheme:
    """Our colours for the text."""
    colours = theme.palette(name)
    ground = colours.panel
    return TextAreaTheme(
        name=name,
        base_style=Style(color=colours.text, bgcolor=ground),
        gutter_style=Style(color=colours.dim, bgcolor=ground),
        cursor_style=Style(color=colours.ink if not colours.ansi else "black", bgcolor=colours.teal),
        cursor_line_style=Style(bgcolor=colours.ground),
        cursor_line_gutter_style=Style(color=colours.bright, bgcolor=colours.ground, bold=True),
        selection_style=Style(bgcolor=colours.raised),
    )


class Editor(EdgedScreen):
    """Gives the text back when it is saved, the text as it was when it is left."""

    BINDINGS = [
        Binding("ctrl+s,f2", "save", "save", priority=True),
        Binding("escape,ctrl+q", "leave", "leave", priority=True),
        Binding("ctrl+c", "copy", "copy", priority=True),
    ]
    CSS = """
    Editor { background: $tutor-panel; }
    Editor #text { position: absolute; border: none; padding: 0; background: $tutor-panel; scrollbar-size: 0 0; }
    """

    def __init__(self, title: str, text: str) -> None:
        super().__init__()
        self.name_ = title
        self.first = text
        self.area = YamlArea(text)
        self.head = RowsView(ground="sunk")
        self.says = RowsView(ground="sunk")
        self.foot = RowsView(ground="sunk")
        self.asking = False
        cursor, self.words = opening(text)
        self.area.move_cursor(cursor)

    def compose(self) -> ComposeResult:
        yield from (self.head, self.area, self.says, self.foot)

    def on_mount(self) -> None:
        self.forget()
        self.rearrange()
        self.area.focus()
        self.call_after_refresh(self.area.scroll_cursor_visible, center=True)

    def on_resize(self) -> None:
        self.rearrange()

    def forget(self) -> None:
        """The theme has changed."""
        name = self.app.theme
        self.area.register_theme(area_theme(name))
        self.area.theme = name

    def rearrange(self) -> None:
        """Places everything, then draws."""
        wide, high = self.size
        place(self.head, Box(0, 0, wide, 1))
        place(self.says, Box(0, high - 2, wide, 1))
        place(self.foot, Box(0, high - 1, wide, 1))
        styles = self.area.styles
        styles.width, styles.height, styles.offset = wide, max(1, high - 3), (0, 1)
        self.draw()

    def draw(self) -> None:
        """The lines around the text."""
        wide = self.size.width
        row, column = self.area.cursor_location
        right: Row = (("● changed   " if self.changed else "", "warn"), (f"{row + 1}:{column + 1} ", "dim"))
        left: Row = ((f" {MARK}", "accent"), ("  ›  ", "line"), ("kubectl edit  ", "dim"), (self.name_, "bright"))
        left = left if width(left) + width(right) < wide else ((" edit ", "dim"), (self.name_, "bright"))
        left = fit(left, wide - width(right) - 1)
        self.head.show(((*left, (" " * (wide - width(left) - width(right)), "text"), *right),))
        said: Row = ((f" {ASKING}", "warn"),) if self.asking else ((f" ✗ {self.words}" if self.words else "", "fail"),)
        self.says.show((fit(said, wide),))
        keys: list[tuple[str, str]] = [(" ", "text")]
        for key, word in KEYS:
            if width(tuple(keys)) + len(key) + len(word) + 4 <= wide:
                keys += [(key, "key"), (f" {word}   ", "dim")]
        self.foot.show((tuple(keys),))

    @property
    def changed(self) -> bool:
        """Whether somebody has changed the text."""
        return self.area.text != self.first

    @on(TextArea.Changed)
    @on(TextArea.SelectionChanged)
    def _moved(self) -> None:
        self.draw()

    def action_save(self) -> None:
        """Give back what is there now."""
        self.dismiss(self.area.text)

    def action_leave(self) -> None:
        """Give back what was there, after a question if that is something else."""
        if self.asking or not self.changed:
            self.asking = False
            self.area.focus()
            if not self.changed:
                self.dismiss(self.first)
        else:
            self.asking = True
            self.set_focus(None)
        self.draw()

    def action_copy(self) -> None:
        """The selected text to the clipboard, as in every editor."""
        self.area.action_copy()

    def on_key(self, event: events.Key) -> None:
        """The answer to the question."""
        if not self.asking:
            return
        event.stop()
        event.prevent_default()
        self.asking = False
        if event.key in ("y", "Y"):
            self.dismiss(self.first)
        elif event.key in ("s", "S"):
            self.action_save()
        else:
            self.area.focus()
        self.draw()
