"""From the registry of actions to Textual's bindings, completion, and one-line refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from textual.binding import Binding, BindingType

from k8s_tutor.ui.actions import ACTIONS, Place, at
from k8s_tutor.ui.line import Complete
from k8s_tutor.ui.prompt import command_words

T = TypeVar("T")
Deed = Callable[[T, str], None]
"""What an action does to a screen: (screen, argument of the command)."""


def bindings(place: Place) -> list[BindingType]:
    """Every key of a place, bound to ``do(<id>)``."""
    return [
        Binding(
            ",".join(action.keys),
            f"do('{action.id}')",
            action.label,
            tooltip=action.help,
            id=f"{place}.{action.id}",
            priority=action.id in ("quit", "interrupt"),
        )
        for action in ACTIONS
        if place in action.places and action.keys
    ]


def command_completion(place: Place) -> Complete:
    """Completion of ``:`` commands."""
    return command_words(sorted({name for action in at(place, _EVERYTHING) for name in (action.name, *action.aliases)}))


_EVERYTHING = ("lesson", "sandbox", "selected", "projector", "cluster")


def carry_out(deed: Callable[[], None]) -> str:
    """Does something; a refusal comes back as one line, nothing at all as an empty one."""
    try:
        deed()
    except refusals() as error:
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def refusals() -> tuple[type[Exception], ...]:
    """What the engine and the lessons raise for what cannot be done."""
    from k8s_tutor.cluster import InputError, SessionError
    from k8s_tutor.lessons.errors import LessonError

    return (InputError, SessionError, LessonError, LookupError, ValueError)
