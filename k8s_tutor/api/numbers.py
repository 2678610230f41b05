"""Whole numbers in texts, as Go's strconv reads them: ASCII digits only, and no more than fit into 64 bits."""

from __future__ import annotations

_MOST_DIGITS = 20
"""Digits of 2⁶⁴."""


def unsigned(text: str) -> int | None:
    """``strconv.ParseUint(text, 10, 64)``; None for what is none, or too large."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        return None
    number = int(text)
    return number if number < 2**64 else None


def signed(text: str) -> int | None:
    """``strconv.ParseInt(text, 10, 64)``; None for what is none, or too large."""
    number = unsigned(text[1:] if text[:1] in ("-", "+") else text)
    if number is None:
        return None
    number = -number if text[0] == "-" else number
    return number if -(2**63) <= number < 2**63 else None


def problem(function: str, text: str) -> str:
    """The words of strconv for a text that ``function`` (``ParseInt``, ``ParseUint``, ``Atoi``) does not take."""
    digits = text[1:] if function != "ParseUint" and text[:1] in ("-", "+") else text
    why = "value out of range" if digits.isascii() and digits.isdigit() else "invalid syntax"
    return f'strconv.{function}: parsing "{text}": {why}'
