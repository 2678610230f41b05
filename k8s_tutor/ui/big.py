"""Numerals and a few letters of five rows, for the back of a room."""

from __future__ import annotations

from k8s_tutor.ui.draw import Canvas

ROWS = 5

_SHAPES: dict[str, str] = {
    "0": "111 101 101 101 111",
    "1": "010 110 010 010 111",
    "2": "111 001 111 100 111",
    "3": "111 001 111 001 111",
    "4": "101 101 111 001 001",
    "5": "111 100 111 001 111",
    "6": "111 100 111 101 111",
    "7": "111 001 001 001 001",
    "8": "111 101 111 101 111",
    "9": "111 101 111 001 111",
    "/": "001 001 010 100 100",
    "-": "000 000 111 000 000",
    ":": "0 1 0 1 0",
    ".": "0 0 0 0 1",
    " ": "0 0 0 0 0",
}


def big(text: str) -> tuple[str, ...]:
    """Five rows of ``█``; every dot is two cells wide, so that numerals look square. Unknown characters are blanks."""
    shapes = [_SHAPES.get(char, _SHAPES[" "]).split() for char in text]
    return tuple(
        "  ".join("".join("██" if dot == "1" else "  " for dot in shape[row]) for shape in shapes) for row in range(ROWS)
    )


def big_width(text: str) -> int:
    """Cells that ``big(text)`` is wide."""
    return len(big(text)[0]) if text else 0


def put_big(canvas: Canvas, row: int, column: int, text: str, role: str, scale: int = 1) -> int:
    """Writes large, ``scale`` times as large in both directions; returns the column after it."""
    for offset, line in enumerate(big(text)):
        for at, char in enumerate(line):
            if char != " ":
                for part in range(scale):
                    canvas.put(row + offset * scale + part, column + at * scale, char * scale, role)
    return column + big_width(text) * scale
