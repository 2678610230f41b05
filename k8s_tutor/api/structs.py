"""Questions about typed structs that are asked only once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

REMEMBERED = 32_768
"""So many answers of one question are remembered."""

Question = TypeVar("Question", bound=Callable[..., Any])


def once(question: Question) -> Question:
    """Asks a question about typed structs (`scheme.typed`) only once: a struct is one revision of an object, is shared by all
    who read it, and never changes. The answer is shared too: never write to it."""
    known: dict[tuple[int, ...], tuple[Any, Any]] = {}

    @wraps(question)
    def asked(*structs: Any) -> Any:
        place = tuple(map(id, structs))
        found = known.get(place)
        if found is None:
            if len(known) >= REMEMBERED:
                known.clear()
            # Remembering the structs keeps their ids theirs.
            found = known[place] = structs, question(*structs)
        return found[1]

    return asked  # type: ignore[return-value]
