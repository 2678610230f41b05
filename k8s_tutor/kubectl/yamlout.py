"""YAML as kubectl prints it: sorted keys, two blanks, lists not indented, quotes only where they are needed.

The rules are those of the emitter that kubectl uses (sigs.k8s.io/yaml, a libyaml port, 80 columns): a text is written
plain when it would be read back as the same text, else in double quotes when a plain one would be another type, else in
single quotes, and as a literal block when it has line breaks.
"""

from __future__ import annotations

import json
import re
from functools import cmp_to_key
from typing import Any, NamedTuple

WIDTH = 80

_OTHER_TYPE = re.compile(
    r"""(?:
    ~ | null | Null | NULL | true | True | TRUE | false | False | FALSE
  | y | Y | yes | Yes | YES | n | N | no | No | NO | on | On | ON | off | Off | OFF
  | [-+]?\.(?:inf|Inf|INF) | \.(?:nan|NaN|NAN)
  | [-+]?0b[01_]+ | [-+]?0o[0-7_]+ | [-+]?0x[0-9a-fA-F_]+
  | [-+]?[0-9][0-9_]*
  | [-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?
  | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
  | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}
    (?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9:]+))?)?
    )""",
    re.VERBOSE,
)
_ESCAPES = {"\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\x1b": "e",
            '"': '"', "\\": "\\", "\x85": "N", "\xa0": "_", "\u2028": "L", "\u2029": "P"}  # fmt: skip


def dump(tree: Any) -> str:
    """A tree of JSON values as one YAML document, ended by a line break."""
    lines = _block(tree, 0)
    return "\n".join(lines) + "\n"


def _block(value: Any, indent: int) -> list[str]:
    """Lines of a value that stands on lines of its own at ``indent``."""
    pad = " " * indent
    if isinstance(value, dict) and value:
        lines = []
        for key in sorted(value, key=cmp_to_key(_order)):
            head = f"{pad}{_scalar(str(key), indent, 0, key=True)}:"
            lines += _entry(head, value[key], indent, indent)
        return lines
    if isinstance(value, list | tuple) and value:
        lines = []
        for item in value:
            if isinstance(item, dict | list | tuple) and item:
                inner = _block(item, indent + 2)
                lines += [f"{pad}- {inner[0][indent + 2:]}", *inner[1:]]
            else:
                lines += _entry(f"{pad}-", item, indent, indent + 2)
        return lines
    return (pad + _scalar(value, indent, indent)).split("\n")


def _entry(head: str, value: Any, indent: int, inside: int) -> list[str]:
    if isinstance(value, dict) and value:
        return [head, *_block(value, indent + 2)]
    if isinstance(value, list | tuple) and value:
        return [head, *_block(value, inside)]
    return f"{head} {_scalar(value, indent, len(head) + 1)}".split("\n")


def _order(left: str, right: str) -> int:
    """Keys in the emitter's natural order: ``a2`` before ``a10``, letters after other signs."""
    digits = False
    for place, (a, b) in enumerate(zip(left, right, strict=False)):
        if a == b:
            digits = a.isdigit()
            continue
        if a.isalpha() or b.isalpha():
            if a.isalpha() and b.isalpha():
                return -1 if a < b else 1
            first = a.isalpha() if digits else b.isalpha()
            return -1 if first else 1
        one, two = _number(left, place), _number(right, place)
        if one != two:
            return -1 if one < two else 1
        return -1 if a < b else 1
    return len(left) - len(right)


def _number(text: str, place: int) -> tuple[int, int]:
    found = re.match(r"[0-9]*", text[place:])
    digits = found[0] if found else ""
    return int(digits or 0), len(digits)


class _Allowed(NamedTuple):
    plain: bool
    single: bool
    block: bool


def _scalar(value: Any, indent: int, column: int, key: bool = False) -> str:
    """A scalar (or an empty collection) that starts at ``column``; further lines are indented by ``indent`` + 2."""
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    if not isinstance(value, str):
        return "null" if value is None else json.dumps(value)
    allowed = _analyse(value)
    pad = " " * (indent + 2)
    if "\n" in value:
        return _literal(value, pad) if allowed.block and not key else _double(value, pad, column, key)
    if value == "" or _OTHER_TYPE.fullmatch(value):
        return _double(value, pad, column, key)
    if allowed.plain:
        return value if key else _fold(value, pad, column)
    if allowed.single:
        body = value.replace("'", "''")
        return f"'{body if key else _fold(body, pad, column + 1)}'"
    return _double(value, pad, column, key)


def _printable(sign: str) -> bool:
    return sign == "\n" or " " <= sign <= "~" or sign == "\x85" or (
        "\xa0" <= sign <= "\ufffd" and sign != "\ufeff" and not "\ud800" <= sign <= "\udfff"
    )


def _analyse(text: str) -> _Allowed:
    indicators = text.startswith(("---", "..."))
    for place, sign in enumerate(text):
        after = text[place + 1] if place + 1 < len(text) else " "
        blank_after = after in " \t\n\r"
        if place == 0:
            indicators |= sign in "#,[]{}&*!|>'\"%@`" or (sign in "?:-" and blank_after)
        else:
            indicators |= (sign == ":" and blank_after) or (sign == "#" and text[place - 1] in " \t\n\r")
    special = not all(_printable(sign) for sign in text)
    plain = not (indicators or special or "\n" in text or text[:1] == " " or text[-1:] == " ")
    broken = special or " \n" in text
    return _Allowed(plain, not broken and "\n " not in text, not broken and text[-1:] != " ")


def _fold(text: str, pad: str, column: int) -> str:
    """Break a long plain or quoted text at single blanks beyond column 80."""
    lines, line = [], ""
    for place, sign in enumerate(text):
        alone = sign == " " and 0 < place < len(text) - 1 and text[place + 1] != " " and text[place - 1] != " "
        if alone and column + len(line) > WIDTH:
            lines.append(line)
            line, column = "", len(pad)
        else:
            line += sign
    return f"\n{pad}".join([*lines, line])


def _double(text: str, pad: str, column: int, key: bool) -> str:
    lines, line = [], '"'
    previous_blank = False
    for place, sign in enumerate(text):
        if sign == " " and not key and not previous_blank and 0 < place < len(text) - 1 and column + len(line) > WIDTH:
            lines.append(line)
            line, column = "\\" if text[place + 1] == " " else "", len(pad)
            previous_blank = True
            continue
        previous_blank = sign == " "
        if sign in '"\\' or not _printable(sign) or sign == "\n":
            line += "\\" + (_ESCAPES.get(sign) or _code(sign))
        else:
            line += sign
    return f"\n{pad}".join([*lines, line + '"'])


def _code(sign: str) -> str:
    number = ord(sign)
    return f"x{number:02X}" if number <= 0xFF else f"u{number:04X}" if number <= 0xFFFF else f"U{number:08X}"


def _literal(text: str, pad: str) -> str:
    hint = "2" if text[0] in " \n" else ""
    if not text.endswith("\n"):
        chomp = "-"
    else:
        chomp = "+" if text == "\n" or text.endswith("\n\n") else ""
    body = text if not text.endswith("\n") else text[:-1]
    return "\n".join([f"|{hint}{chomp}", *(pad + line if line else "" for line in body.split("\n"))])
