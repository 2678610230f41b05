"""Drawing on cells: a canvas of characters with roles, boxes, bars, gauges, sparklines, ASCII instead of all that.

Everything here is pure and total: what does not fit is left out, nothing raises.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

from rich.cells import cell_len

from k8s_tutor.ui.rows import Row, Span
from k8s_tutor.ui.rows import width as cells_of
from k8s_tutor.ui.scene import Picture, Spot

EIGHTHS = "▁▂▃▄▅▆▇█"

_ASCII = str.maketrans(
    {
        **dict.fromkeys("─━╌┄╴╶╸╺", "-"),
        **dict.fromkeys("│┃┆┊╵╷╹╻╎", "|"),
        **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼┿┝┥┯┷╁╀╋╂", "+"),
        **dict.fromkeys("▶→►▸›", ">"),
        **dict.fromkeys("◀←◂‹", "<"),
        **dict.fromkeys("▲↑", "^"),
        **dict.fromkeys("▼↓", "v"),
        **dict.fromkeys("█▇▆▰■▓", "#"),
        **dict.fromkeys("▅▄▃▪", "="),
        **dict.fromkeys("▂▁▱░", "."),
        **dict.fromkeys("▒", ":"),
        "●": "*",
        "○": "o",
        "◆": "&",
        "◇": "$",
        **dict.fromkeys("◌◐◍", "~"),
        **dict.fromkeys("✗╳×", "x"),
        **dict.fromkeys("·", "."),
        **dict.fromkeys("‖", "="),
        **dict.fromkeys("–—", "-"),
        **dict.fromkeys("♥⊘▢", "o"),
        **dict.fromkeys("•∙", "."),
        "▿": "v",
        "◢": "/",
        "▤": "=",
        "✎": "*",
        "★": "@",
        "☆": "0",
        "☾": "z",
        "▣": "#",
        "✓": "+",
        "✂": "%",
        "♪": "d",
        "…": "~",
        "≠": "!",
        "⎈": "*",
        "±": "~",
        "µ": "u",
        "’": "'",
        "“": '"',
        "”": '"',
    }
)


def plain(text: str) -> str:
    """Text without control characters: a tab or a line break would tear a row apart."""
    return text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)


def to_ascii(text: str) -> str:
    """The same cells in ASCII only; what has no counterpart becomes ``?``."""
    if text.isascii():
        return text
    mapped = text.translate(_ASCII)
    return mapped if mapped.isascii() else "".join(char if char.isascii() else "?" * cell_len(char) for char in mapped)


@lru_cache(maxsize=4096)
def narrow(text: str) -> bool:
    """Whether every character takes one cell."""
    return text.isascii() or all(cell_len(char) == 1 for char in text)


def shorten(text: str, cells: int) -> str:
    """At most ``cells`` cells: the text itself, or its beginning with an ellipsis, cut at a word's end where that is near."""
    text = plain(text)
    if cell_len(text) <= cells:
        return text
    if cells <= 1:
        return "…"[: max(0, cells)]
    kept, left = "", cells - 1
    for char in text:
        left -= cell_len(char)
        if left < 0:
            break
        kept += char
    space = kept.rfind(" ")
    if space > len(kept) - 9 and space > 3:
        kept = kept[:space]
    return kept.rstrip() + "…"


def squeeze(name: str, cells: int) -> str:
    """A name in at most ``cells`` cells: its middle goes first, for the end tells pods apart."""
    name = plain(name)
    if cell_len(name) <= cells:
        return name
    if cells < 5 or cell_len(name) != len(name):
        return shorten(name, cells)
    tail = min(5, (cells - 1) // 2)
    return f"{name[: cells - 1 - tail]}…{name[-tail:]}"


def ending(text: str, cells: int, head: int = 0) -> str:
    """A path in at most ``cells`` cells: its first ``head`` characters, an ellipsis, and its end, which tells most."""
    text = plain(text)
    if cell_len(text) <= cells or cell_len(text) != len(text):
        return shorten(text, cells)
    tail = cells - head - 1
    if tail < 4:
        return shorten(text, cells)
    kept = text[-tail:]
    slash = kept.find("/")
    return f"{text[:head]}…{kept[slash:] if 0 < slash < len(kept) - 8 else kept}"


def wrap(text: str, cells: int) -> list[str]:
    """Words in lines of at most ``cells`` cells; a longer word is broken."""
    lines: list[str] = []
    line = ""
    for word in plain(text).split():
        while cell_len(word) > cells:
            if line:
                lines.append(line)
                line = ""
            lines.append(word[: max(1, cells)])
            word = word[max(1, cells) :]
        if not line:
            line = word
        elif cell_len(line) + 1 + cell_len(word) <= cells:
            line += " " + word
        else:
            lines.append(line)
            line = word
    return [*lines, line] if line else lines


# ------------------------------------------------------------------------------------------------------- bars


def gauge(value: int, total: int, cells: int) -> str:
    """``▰▰▰▱▱``: how much of ``total`` is there."""
    full = 0 if total <= 0 else max(0, min(cells, (value * cells + total // 2) // total))
    return "▰" * full + "▱" * (max(0, cells) - full)


def load(value: int, total: int, cells: int) -> str:
    """``▇▇▅▁▁``: a bar of use; the last cell tells eighths. More than everything is simply full."""
    if total <= 0 or cells <= 0:
        return "▁" * max(0, cells)
    eighths = max(0, min(cells * 8, value * cells * 8 // total))
    full, part = divmod(eighths, 8)
    text = "▇" * full
    if part and full < cells:
        text += EIGHTHS[max(1, part - 1)]
    return text + "▁" * (cells - len(text))


def spark(values: Sequence[int], cells: int) -> str:
    """A row of little columns; the values are spread over ``cells`` and the highest fills its cell."""
    if not values or cells <= 0:
        return "▁" * max(0, cells)
    top = max(values)
    picked = (values[min(len(values) - 1, at * len(values) // cells)] for at in range(cells))
    return "".join(EIGHTHS[min(6, (value * 6 + top - 1) // top)] if top > 0 and value > 0 else "▁" for value in picked)


# ------------------------------------------------------------------------------------------------------- canvas


class Canvas:
    """A field of cells to draw on: later drawing covers earlier. Whatever lies outside is left out."""

    def __init__(self, width: int, height: int) -> None:
        self.width = max(0, width)
        self.height = max(0, height)
        self._chars = [[" "] * self.width for _ in range(self.height)]
        self._roles = [["text"] * self.width for _ in range(self.height)]
        self._spots: list[Spot] = []
        self._wide = False
        """Somewhere a character of two cells was written."""

    def put(self, row: int, column: int, text: str, role: str = "text") -> int:
        """Writes; returns the column after it."""
        if not text.isprintable():
            text = plain(text)
        if not 0 <= row < self.height:
            return column + cell_len(text)
        chars, roles = self._chars[row], self._roles[row]
        if not self._wide and (text.isascii() or narrow(text)):
            end = column + len(text)
            first, last = max(0, column), min(self.width, end)
            if first < last:
                chars[first:last] = text[first - column : last - column]
                roles[first:last] = [role] * (last - first)
            return end
        self._wide = True
        for char in text:
            size = 1 if char.isascii() else cell_len(char)
            if size and column >= 0 and column + size <= self.width:
                self._clear(chars, column, size)
                chars[column] = char
                roles[column] = role
                if size == 2:
                    chars[column + 1] = ""
                    roles[column + 1] = role
            column += size
        return column

    @staticmethod
    def _clear(chars: list[str], column: int, size: int) -> None:
        """No half of a wide character stays behind."""
        if chars[column] == "" and column:
            chars[column - 1] = " "
        after = column + size
        if after < len(chars) and chars[after] == "":
            chars[after] = " "

    def row(self, row: int, column: int, spans: Iterable[Span]) -> int:
        """Writes spans; returns the column after them."""
        for text, role in spans:
            column = self.put(row, column, text, role)
        return column

    def right(self, row: int, spans: Row, margin: int = 0) -> int:
        """Writes spans so that they end at the right edge; returns their first column."""
        column = self.width - margin - cells_of(spans)
        self.row(row, column, spans)
        return column

    def across(self, row: int, first: int, last: int, role: str = "line", char: str = "─") -> None:
        """A horizontal line, both ends included."""
        self.put(row, min(first, last), char * (abs(last - first) + 1), role)

    def down(self, column: int, first: int, last: int, role: str = "line", char: str = "│") -> None:
        """A vertical line, both ends included."""
        for row in range(first, last + 1):
            self.put(row, column, char, role)

    def box(self, row: int, column: int, width: int, height: int, role: str = "line", left: Row = (), right: Row = ()) -> None:
        """A rounded frame with words in its upper edge, the right ones only when they fit beside the left ones."""
        if width < 2 or height < 2:
            return
        self.put(row, column, "╭" + "─" * (width - 2) + "╮", role)
        for line in range(row + 1, row + height - 1):
            self.put(line, column, "│", role)
            self.put(line, column + width - 1, "│", role)
        self.put(row + height - 1, column, "╰" + "─" * (width - 2) + "╯", role)
        room = width - 6
        if left and cells_of(left) <= room:
            self.row(row, column + 2, ((" ", role), *left, (" ", role)))
            room -= cells_of(left) + 3
        if right and cells_of(right) <= room:
            self.row(row, column + width - 4 - cells_of(right), ((" ", role), *right, (" ", role)))

    def fill(self, row: int, column: int, width: int, height: int, role: str) -> None:
        """A ground: blanks in a role."""
        for line in range(row, row + height):
            self.put(line, column, " " * max(0, width), role)

    def at(self, row: int, column: int) -> str:
        """The character that stands there; blank outside."""
        return self._chars[row][column] if 0 <= row < self.height and 0 <= column < self.width else " "

    def spot(self, row: int, column: int, width: int, target: str, height: int = 1) -> None:
        """Something that can be selected stands here; what lies outside the canvas is cut off."""
        first, last = max(0, column), min(self.width, column + width)
        top, bottom = max(0, row), min(self.height, row + height)
        if first < last and top < bottom:
            self._spots.append(Spot(top, first, last - first, target, bottom - top))

    def rows(self) -> tuple[Row, ...]:
        """What was drawn, neighbours of one role joined."""
        return tuple(self._join(chars, roles) for chars, roles in zip(self._chars, self._roles, strict=True))

    @staticmethod
    def _join(chars: list[str], roles: list[str]) -> Row:
        spans: list[Span] = []
        start = 0
        for role, run in groupby(roles):
            end = start + len(list(run))
            spans.append(("".join(chars[start:end]), role))
            start = end
        return tuple(spans)

    def _blank(self, row: int) -> bool:
        """Nothing is written there, and no ground is laid."""
        return all(char == " " for char in self._chars[row]) and all(role == "text" for role in self._roles[row])

    def picture(self, title: str, status: Row = ()) -> Picture:
        """The drawing as a picture, with empty rows at its foot left out."""
        rows = self.rows()
        used = len(rows)
        while used > 1 and self._blank(used - 1):
            used -= 1
        return Picture(title, status, rows[:used], tuple(spot for spot in self._spots if spot.row < used))
