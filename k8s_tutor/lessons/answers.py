"""Questions with an answer: varied by the seed, computed by the engine, checked with tolerance."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from k8s_tutor.lessons.cel import CelError
from k8s_tutor.lessons.lens import Lens, fill
from k8s_tutor.lessons.models import Computed, Question
from k8s_tutor.lessons.reader import Reader
from k8s_tutor.sim.chance import Chance

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Asked(NamedTuple):
    """A question as it is put this time. ``right``: the answer in words; ``correct``: number of the right option, or -1."""

    text: str
    because: str
    options: tuple[str, ...]
    right: str
    correct: int
    accept: tuple[str, ...]


def put(question: Question, reader: Reader, seed: int, stream: str) -> Asked:
    """The question with its varied values drawn and its answer computed. Raises `CelError` when that fails."""
    drawn = draw(question.vary, seed, stream)
    reader.extra = drawn
    right, index = "", -1
    if isinstance(question.answer, Computed):
        right = in_words(reader.compute(question.answer.compute))
    elif question.answer is not None:
        right = fill(question.answer, drawn) if drawn and isinstance(question.answer, str) else str(question.answer)
    else:
        index = next(number for number, option in enumerate(question.options) if option.correct)
        right = question.options[index].text
    known = {**drawn, "answer": right}
    words = (lambda text: fill(text, known)) if drawn else str
    because = fill(question.because, known) if drawn or "{answer}" in question.because else question.because
    return Asked(
        words(question.ask), because, tuple(words(o.text) for o in question.options), right, index, tuple(question.accept)
    )


def draw(vary: Mapping[str, list[int | str]], seed: int, stream: str) -> dict[str, Any]:
    """One value for each name, by the seed."""
    chance = Chance(seed)
    return {name: values[chance.draw(f"lesson/{stream}/{name}", len(values))] for name, values in vary.items()}


def in_words(value: Any) -> str:
    """A computed value as somebody would write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list):
        return ", ".join(in_words(item) for item in value)
    return str(value)


def is_right(given: str, asked: Asked, lens: Lens) -> bool:
    """Whether an answer in words or numbers is right: case, blanks, articles, number words and a lens' names do not matter."""
    wanted = {_plain(text, lens) for text in (asked.right, *asked.accept)}
    plain = _plain(given, lens)
    return plain in wanted or (plain.replace(" and ", " ") in {text.replace(" and ", " ") for text in wanted})


def _plain(text: str, lens: Lens) -> str:
    words = re.sub(r"[\s,;]+", " ", text.strip().strip(".!?\"'`").casefold()).split(" ")
    words = [word for word in words if word not in ("the", "a", "an")]
    named = [lens.component(word) for word in words]
    counted = [str(NUMBERS.index(word)) if word in NUMBERS else word for word in named]
    aliases = {"true": "yes", "false": "no", "y": "yes", "n": "no"}
    plain = [re.sub(r"^etcd-(\d+)$", r"cp-\1", aliases.get(word, word)) for word in counted]
    if len(plain) > 1 and all(re.fullmatch(r"(cp|node)-\d+|and", word) for word in plain):
        return " ".join(sorted(word for word in plain if word != "and"))
    number = " ".join(plain)
    return str(int(number)) if re.fullmatch(r"0*\d+", number) else number


__all__ = ["Asked", "CelError", "draw", "in_words", "is_right", "put"]


def chosen(choice: int | str, options: list[str]) -> int:
    """The number (from 0) of the option that is meant: a number from 0, or its text, number from 1 or letter as typed.

    Raises ValueError: there is no such option.
    """
    if isinstance(choice, int):
        if 0 <= choice < len(options):
            return choice
        raise ValueError(f"there is no option {choice + 1}; there are {len(options)}")
    wanted = choice.strip().casefold()
    for index, text in enumerate(options):
        if wanted in (text.casefold(), str(index + 1), chr(ord("a") + index)):
            return index
    raise ValueError(f"there is no option {choice!r}; answer with a number from 1 to {len(options)}")
