"""The sentences of field errors (apimachinery util/validation/field/errors.go)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from k8s_tutor.api.status import Cause

_encode = msgspec.json.Encoder().encode


def shown(value: Any) -> str:
    """A value inside a message: quoted text, plain numbers, JSON for the rest."""
    return _encode(value).decode()


def _text(head: str, detail: str) -> str:
    return f"{head}: {detail}" if detail else head


def required(field: str, detail: str = "") -> Cause:
    """``Required value``."""
    return Cause("FieldValueRequired", field, _text("Required value", detail))


def invalid(field: str, value: Any, detail: str = "") -> Cause:
    """``Invalid value: -1: must be greater than or equal to 0``."""
    return Cause("FieldValueInvalid", field, _text(f"Invalid value: {shown(value)}", detail))


def omitted(field: str, detail: str) -> Cause:
    """``Invalid value: specifying one of ...``, where the value itself would say nothing."""
    return Cause("FieldValueInvalid", field, f"Invalid value: {detail}")


def too_many(field: str, count: int, limit: int) -> Cause:
    """``Too many: 21: must have at most 20 items``."""
    return Cause("FieldValueTooMany", field, f"Too many: {count}: must have at most {limit} items")


def not_supported(field: str, value: Any, supported: Iterable[str]) -> Cause:
    """``Unsupported value: "x": supported values: "A", "B"``."""
    options = ", ".join(f'"{option}"' for option in supported)
    return Cause("FieldValueNotSupported", field, f"Unsupported value: {shown(value)}: supported values: {options}")


def duplicate(field: str, value: Any, detail: str = "") -> Cause:
    """``Duplicate value: "c"``."""
    return Cause("FieldValueDuplicate", field, _text(f"Duplicate value: {shown(value)}", detail))


def not_found(field: str, value: Any) -> Cause:
    """``Not found: "data"``."""
    return Cause("FieldValueNotFound", field, f"Not found: {shown(value)}")


def forbidden(field: str, detail: str) -> Cause:
    """``Forbidden: field is immutable when `immutable` is set``."""
    return Cause("FieldValueForbidden", field, _text("Forbidden", detail))


def too_long(field: str, limit: int) -> Cause:
    """``Too long: may not be more than 253 bytes``."""
    return Cause("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


IMMUTABLE = "field is immutable"
NEGATIVE = "must be greater than or equal to 0"
PORT_RANGE = "must be between 1 and 65535, inclusive"


def immutable(field: str, new: Any) -> Cause:
    """``Invalid value: ...: field is immutable``."""
    return invalid(field, new, IMMUTABLE)


def non_negative(found: list[Cause], field: str, value: int | None) -> None:
    """Adds a cause for a number below zero."""
    if value is not None and value < 0:
        found.append(invalid(field, value, NEGATIVE))


def port(found: list[Cause], field: str, value: int) -> None:
    """Adds a cause for a number that is no port."""
    if not 1 <= value <= 65_535:
        found.append(invalid(field, value, PORT_RANGE))
