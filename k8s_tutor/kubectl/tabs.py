"""Elastic tab stops, as Go's text/tabwriter: the layout of everything that kubectl prints in columns.

A cell is text ended by a tab; a column is a block of neighbouring lines that have a cell there; its width is that of its
widest cell plus the padding.
"""

from __future__ import annotations


def align(text: str, minimum: int = 0, padding: int = 2) -> str:
    """Replace tabs by blanks. ``minimum``: the least width of a column, its padding included."""
    lines = [line.split("\t") for line in text.split("\n")]
    out: list[str] = []
    _format(lines, 0, len(lines), [], out, minimum, padding)
    return "\n".join(out)


def _format(lines: list[list[str]], first: int, last: int, widths: list[int], out: list[str], minimum: int,
            padding: int) -> None:  # fmt: skip
    column = len(widths)
    at = first
    while at < last:
        if column >= len(lines[at]) - 1:
            at += 1
            continue
        _write(lines, first, at, widths, out)
        end = at
        while end < last and column < len(lines[end]) - 1:
            end += 1
        width = max(minimum, *(len(line[column]) + padding for line in lines[at:end]))
        _format(lines, at, end, [*widths, width], out, minimum, padding)
        first = at = end
    _write(lines, first, last, widths, out)


def _write(lines: list[list[str]], first: int, last: int, widths: list[int], out: list[str]) -> None:
    for line in lines[first:last]:
        cells = [cell.ljust(widths[place]) if place < len(widths) else cell for place, cell in enumerate(line)]
        out.append("".join(cells))


def widths(rows: list[list[str]], before: list[int]) -> list[tuple[int, int]]:
    """For each column (its width so far, the width of its widest cell in these rows), at least three."""
    count = max([len(before), *(len(row) for row in rows)], default=0)
    now = [max([3, *(len(row[place]) for row in rows if place < len(row))]) for place in range(count)]
    return list(zip([*before, *[0] * (count - len(before))], now, strict=True))


def table(rows: list[list[str]]) -> str:
    """Rows of cells as ``kubectl get`` prints them: three blanks between, columns at least six wide."""
    return align("\n".join("\t".join(row) for row in rows), minimum=6, padding=3)
