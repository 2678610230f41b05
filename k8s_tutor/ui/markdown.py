"""A little Markdown as rows: paragraphs, **bold**, *emphasis*, `code`, lists, quotes and fenced code. Pure."""

from __future__ import annotations

import re

from rich.cells import cell_len

from k8s_tutor.ui.rows import Row, Span

_INLINE = re.compile(
    r"\*\*(.+?)\*\*|`([^`]+)`"
    r"|(?<![\w*])\*(?!\*)(\S(?:.*?\S)??)(?<!\*)\*(?![\w*])|(?<!\w)_(\S(?:.*?\S)??)_(?!\w)",
    re.DOTALL,
)
_ITEM = re.compile(r"^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$")


def spans(text: str, role: str = "text", strong: str = "leader+bold", code: str = "you") -> Row:
    """Inline Markdown as spans."""
    out: list[Span] = []
    end = 0
    for match in _INLINE.finditer(text):
        if match.start() > end:
            out.append((text[end : match.start()], role))
        bold, mono, *slanted = match.groups()
        if bold is not None:
            out.append((bold.replace("`", ""), strong))
        elif mono is not None:
            out.append((mono, code))
        else:
            within = slanted[0] or slanted[1] or ""
            out += spans(within, f"{role}+italic", strong, code) if "**" in within else [(within, f"{role}+italic")]
        end = match.end()
    if end < len(text):
        out.append((text[end:], role))
    return tuple(out)


def wrap(row: Row, cells: int, indent: str = "") -> tuple[Row, ...]:
    """A row as rows of at most ``cells`` cells, broken at blanks; rows after the first begin with ``indent``."""
    cells = max(cells, cell_len(indent) + 1)
    rows: list[Row] = []
    line: list[Span] = []
    used = 0
    for word in _words(row):
        size = sum(cell_len(text) for text, _ in word)
        broken = size > cells - cell_len(indent)
        for text, role in word:
            for piece in _pieces(text, cells - cell_len(indent)) if broken else (text,):
                size = cell_len(piece) if broken else size
                if used + size > cells and used:
                    rows.append(_trimmed(line))
                    line, used = ([(indent, "text")], cell_len(indent)) if indent else ([], 0)
                if piece.isspace() and rows and (not line or line == [(indent, "text")]):
                    continue
                line.append((piece, role))
                used += cell_len(piece)
                size -= cell_len(piece)
    if line or not rows:
        rows.append(_trimmed(line))
    return tuple(rows)


def _words(row: Row) -> list[list[Span]]:
    """Words and blanks as spans: a full stop behind a word in code belongs to that word."""
    words: list[list[Span]] = []
    for text, role in row:
        for part in re.split(r"([ \t\n]+)", text):
            if part and words and not part.isspace() and not words[-1][-1][0].isspace():
                words[-1].append((part, role))
            elif part:
                words.append([(part, role)])
    return words


def _pieces(word: str, cells: int) -> list[str]:
    """A word as pieces that fit a row; nearly always just the word."""
    if word.strip(" ") == "" or cell_len(word) <= cells:
        return [word]
    pieces, piece = [], ""
    for character in word:
        if cell_len(piece + character) > cells:
            pieces.append(piece)
            piece = ""
        piece += character
    return [*pieces, piece]


def _trimmed(line: list[Span]) -> Row:
    """Without blanks at the end, neighbours of one role joined."""
    while line and line[-1][0].isspace():
        line.pop()
    out: list[Span] = []
    for text, role in line:
        if out and out[-1][1] == role:
            out[-1] = (out[-1][0] + text, role)
        else:
            out.append((text, role))
    return tuple(out)


def render(text: str, cells: int, role: str = "text") -> tuple[Row, ...]:
    """Markdown as rows; paragraphs are set apart by one empty row."""
    rows: list[Row] = []
    for kind, lines in _blocks(text):
        if rows and kind != "next-item":
            rows.append(())
        if kind == "code":
            rows += [((line, "you"),) for line in lines]
        elif kind in ("item", "next-item"):
            mark, body = lines
            rows += wrap(((mark, "dim"), *spans(body, role)), cells, " " * cell_len(mark))
        elif kind == "quote":
            rows += [(("│ ", "line"), *row) for row in wrap(spans(lines[0], "dim"), cells - 2)]
        elif kind == "heading":
            rows += wrap(((lines[0], "bright"),), cells)
        else:
            rows += wrap(spans(lines[0], role), cells)
    return tuple(rows)


def _blocks(text: str) -> list[tuple[str, list[str]]]:
    """Paragraphs, headings, items, quotes and fences, each with its lines (a paragraph's joined to one)."""
    out: list[tuple[str, list[str]]] = []
    paragraph: list[str] = []
    fence: list[str] | None = None

    def close() -> None:
        if paragraph:
            out.append(("text", [" ".join(paragraph)]))
            paragraph.clear()

    for line in text.strip("\n").splitlines():
        if fence is not None:
            if line.strip().startswith("```"):
                out.append(("code", fence))
                fence = None
            else:
                fence.append(line)
        elif line.strip().startswith("```"):
            close()
            fence = []
        elif not line.strip():
            close()
            out.append(("gap", []))
        elif line.startswith("#"):
            close()
            out.append(("heading", [line.lstrip("# ").strip()]))
        elif line.startswith("> "):
            close()
            out.append(("quote", [line[2:].strip()]))
        elif item := _ITEM.match(line):
            close()
            mark = f"{item[1]}. " if item[1] else "• "
            follows = bool(out) and out[-1][0] in ("item", "next-item")
            out.append(("next-item" if follows else "item", [mark, item[2].strip()]))
        elif out and out[-1][0] in ("item", "next-item") and line.startswith("  ") and not paragraph:
            out[-1][1][1] += " " + line.strip()
        else:
            paragraph.append(line.strip())
    if fence is not None:
        out.append(("code", fence))
    close()
    return [block for block in out if block[0] != "gap"]
