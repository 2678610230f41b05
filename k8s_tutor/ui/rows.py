"""Rows: what every panel is made of, whatever draws it.

A panel is a pure function from a view to rows. A row is a tuple of spans, a span is (text, role). Roles are semantic
(``text``, ``dim``, ``bright``, ``leader``, ``ok``, ``fail``, ``other``, ``you``, ``peer``, ``key`` ...); a theme turns them
into colours, so a panel never names one. The same rows serve the screen, text goldens and printing.
"""

from __future__ import annotations

from rich.cells import cell_len

Span = tuple[str, str]
Row = tuple[Span, ...]


def text_of(row: Row) -> str:
    """The plain text of a row."""
    return "".join(text for text, _ in row)


def width(row: Row) -> int:
    """Cells that a row takes."""
    return sum(cell_len(text) for text, _ in row)


def fit(row: Row, cells: int) -> Row:
    """The row in exactly ``cells`` cells: cut with an ellipsis, or filled with blanks."""
    used = width(row)
    if used <= cells:
        return (*row, (" " * (cells - used), "text")) if used < cells else row
    out: list[Span] = []
    left = cells - 1
    for text, role in row:
        kept = ""
        for character in text:
            if cell_len(character) > left:
                out.append((kept + "…", role))
                missing = cells - sum(cell_len(part) for part, _ in out)
                return (*out, (" " * missing, "text")) if missing > 0 else tuple(out)
            kept += character
            left -= cell_len(character)
        out.append((kept, role))
    return tuple(out)
