"""The lesson format, version 1. What stands here is a promise: other people's lessons use it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from k8s_tutor.lessons.actions import Action, Model
from k8s_tutor.lessons.errors import did_you_mean
from k8s_tutor.lessons.values import Condition, Conditions, Duration, Range
from k8s_tutor.sim import SECOND

FORMAT_VERSION = 1
PANELS = (
    "committee", "control_plane", "workers", "wire", "rooms", "log", "stage_map", "service", "timeline", "console",
    "verdicts", "queues", "desired", "inspector", "trace", "walk", "storage",
)  # fmt: skip
"""Panels that a step may ask for with ``show``."""

Actions = list[Action]


class Step(Model):
    """What every step takes beside its own keys."""

    KIND: ClassVar[str] = ""
    title: str = ""
    show: list[str] = Field(default_factory=list, description=f"Panels to show: {', '.join(PANELS)}")
    walk: list[str] = Field(default_factory=list, description="Packets to follow, two at most: `client shop:80`")
    notes: str = Field(default="", description="Speaker notes")
    truth: str = Field(default="", description="Where the picture of this step breaks, and what is true")
    lens: str = Field(default="", description="A lens for this step and those after it")

    @field_validator("show")
    @classmethod
    def _panels(cls, value: list[str]) -> list[str]:
        for name in value:
            if name not in PANELS:
                raise ValueError(f"there is no panel {name!r}{did_you_mean(name, PANELS)}")
        return value

    @field_validator("walk")
    @classmethod
    def _walks(cls, value: list[str]) -> list[str]:
        if len(value) > 2 or any(len(one.split()) != 2 for one in value):
            raise ValueError("walk takes one or two packets, each as FROM TO, e.g. `client shop:80`")
        return value

    @property
    def text(self) -> str:
        """The words of the step's own key."""
        value = getattr(self, self.KIND)
        return value if isinstance(value, str) else ""


class Say(Step):
    """Text to read (Markdown). The cluster runs on beside it."""

    KIND = "say"
    beside: bool = Field(default=False, description="Stay in the worlds of the `compare` step before")
    say: str


class Do(Step):
    """A demonstration: actions, one after the other, then until a condition holds or, without one, until all is quiet."""

    KIND = "do"
    do: Actions
    say: str = ""
    until: Condition = ""
    limit: Duration = 60 * SECOND

    @property
    def text(self) -> str:
        return self.say


class WaitFor(Step):
    """Waits for something to happen in the model, never for a clock."""

    KIND = "wait"
    wait: str
    until: Condition
    limit: Duration = 60 * SECOND


class Imagine(Model):
    """The world in which an answer would have been true. ``quorum``: how many members must agree; or changes to the spec."""

    cluster: dict[str, Any] = Field(default_factory=dict)
    quorum: int | None = Field(default=None, ge=1, le=9)
    say: str = ""

    @model_validator(mode="after")
    def _something(self) -> Imagine:
        if not self.cluster and self.quorum is None:
            raise ValueError("imagine names a world: give `quorum` or `cluster`")
        return self


class Option(Model):
    """One answer to choose. ``because`` explains it, right or wrong."""

    text: str
    because: str
    correct: bool = False
    imagine: Imagine | None = None


class Computed(Model):
    """An answer that the engine computes: a CEL expression."""

    compute: str


def _one_right(options: list[Option]) -> list[Option]:
    if options and len(options) < 2:
        raise ValueError("a question needs two or more options")
    if options and sum(option.correct for option in options) != 1:
        raise ValueError("mark exactly one option with `correct: true`")
    texts = [option.text for option in options]
    if len(set(texts)) < len(texts):
        raise ValueError("two options say the same")
    return options


class Predict(Step):
    """A question before a demonstration: the answer is committed, then it runs, then it is compared."""

    KIND = "predict"
    beside: bool = Field(default=False, description="Stay in the worlds of the `compare` step before")
    predict: str
    options: list[Option]
    then: Actions
    until: Condition = ""
    limit: Duration = 60 * SECOND
    say: str = Field(default="", description="What to say once the outcome is there")

    @field_validator("options")
    @classmethod
    def _options(cls, value: list[Option]) -> list[Option]:
        if not value:
            raise ValueError("a prediction needs two or more options")
        return _one_right(value)


class Question(Model):
    """What `Ask` and the items of a review share: options, or an answer in words or numbers.

    ``vary`` gives names of the question their values, drawn anew by each seed: ``{n}`` in the text, ``n`` in ``compute``.
    ``accept``: other answers that count as right.
    """

    ask: str
    options: list[Option] = Field(default_factory=list)
    answer: int | str | Computed | None = None
    accept: list[str] = Field(default_factory=list)
    because: str = ""
    vary: dict[str, list[int | str]] = Field(default_factory=dict)

    @field_validator("options")
    @classmethod
    def _options(cls, value: list[Option]) -> list[Option]:
        return _one_right(value)

    @model_validator(mode="after")
    def _answerable(self) -> Question:
        if bool(self.options) == (self.answer is not None):
            raise ValueError("a question has either `options` or an `answer`")
        if self.answer is not None and not self.because:
            raise ValueError("an `answer` needs a `because`: feedback never stops at right or wrong")
        if any(not values for values in self.vary.values()):
            raise ValueError("`vary` needs at least one value for each name")
        return self


class Ask(Question, Step):
    """A question with options, or with an answer in words or numbers that the engine may compute."""

    KIND = "ask"


class Goal(Model):
    """When a task is done. ``now``: holds at this moment. ``eventually``: has held once since it opened. ``always``: holds at
    every moment. ``never``: holds at no moment. ``within``: all of it no later than this after the task opened.

    Each is a CEL expression, or a mapping from words to expressions, which the learner sees as a list to tick off."""

    now: Conditions = Field(default_factory=dict)
    eventually: Conditions = Field(default_factory=dict)
    always: Conditions = Field(default_factory=dict)
    never: Conditions = Field(default_factory=dict)
    within: Duration = 0

    @model_validator(mode="after")
    def _reachable(self) -> Goal:
        if not (self.now or self.eventually):
            raise ValueError("a goal needs `now` or `eventually`: with only `always` or `never` doing nothing would pass")
        return self


class Hint(Model):
    """A hint. With ``when`` it is offered first while that condition holds."""

    say: str
    when: Condition = ""


class Task(Step):
    """Something to do with one's own hands, checked by its goal and proved by four runs."""

    KIND = "task"
    task: str
    goal: Goal
    deadline: Duration = 60 * SECOND
    hints: list[Hint] = Field(default_factory=list)
    solution: Actions
    alternatives: list[Actions]
    fake_fixes: list[Actions]
    say: str = Field(default="", description="What to say once the goal is reached")


class World(Model):
    """One of the worlds of a comparison: the lesson's cluster with these changes."""

    title: str
    cluster: dict[str, Any] = Field(default_factory=dict)
    until: Condition = ""


class Compare(Step):
    """Two or three worlds on one clock, given the same inputs. Without ``worlds``: those of the ``compare`` step before."""

    KIND = "compare"
    compare: str
    worlds: list[World] = Field(default_factory=list, max_length=3)
    do: Actions
    until: Condition = ""
    limit: Duration = 60 * SECOND
    say: str = Field(default="", description="What to say once all worlds are done")

    @field_validator("worlds")
    @classmethod
    def _two(cls, value: list[World]) -> list[World]:
        if len(value) == 1:
            raise ValueError("a comparison needs two or three worlds")
        return value


class Measure(Model):
    """``members``: how many, one row each. ``lost``: how many crash, one column each. ``limit``: how long a write may take."""

    members: Range
    lost: Range
    limit: Duration = 10 * SECOND

    @model_validator(mode="after")
    def _sizes(self) -> Measure:
        if self.members[0] < 1 or self.members[1] > 9:
            raise ValueError("`members` must lie within 1..9")
        return self


class Table(Step):
    """The table of quorums, measured: each cell is a run of n etcd members of which f crash before one write."""

    KIND = "table"
    table: str
    measure: Measure
    say: str = Field(default="", description="What to say once the table is full")


class Debrief(Step):
    """What the learner did and what the system did, from the run itself."""

    KIND = "debrief"
    debrief: str | Literal[True]


class Review(Step):
    """Questions to recall what was learned; the engine varies and answers them."""

    KIND = "review"
    review: str | Literal[True]
    items: list[Question]


KINDS: tuple[type[Step], ...] = (Do, WaitFor, Predict, Ask, Task, Compare, Table, Debrief, Review, Say)
_ORDER = ("compare", "predict", "ask", "task", "table", "wait", "debrief", "review", "do", "say")
"""Which key decides the kind of a step: several kinds take ``say`` beside their own."""
_CLASSES = {kind.KIND: kind.__name__ for kind in KINDS}


def _checked(value: Any) -> Any:
    if isinstance(value, Step):
        return value
    if not isinstance(value, dict):
        raise ValueError("a step is a mapping, e.g. `- say: ...`")
    if not any(key in value for key in _ORDER):
        word = str(next(iter(value), ""))
        raise ValueError(f"{word!r} begins no step{did_you_mean(word, _ORDER)}")
    return value


def _tag(value: Any) -> str:
    if isinstance(value, Step):
        return f"<{type(value).__name__}>"
    return f"<{_CLASSES[next(key for key in _ORDER if key in value)]}>"


AnyStep = Annotated[
    Annotated[Say, Tag("<Say>")]
    | Annotated[Do, Tag("<Do>")]
    | Annotated[WaitFor, Tag("<WaitFor>")]
    | Annotated[Predict, Tag("<Predict>")]
    | Annotated[Ask, Tag("<Ask>")]
    | Annotated[Task, Tag("<Task>")]
    | Annotated[Compare, Tag("<Compare>")]
    | Annotated[Table, Tag("<Table>")]
    | Annotated[Debrief, Tag("<Debrief>")]
    | Annotated[Review, Tag("<Review>")],
    Discriminator(_tag),
    BeforeValidator(_checked),
]


class Minutes(Model):
    """How long it takes alone, and in class."""

    self: int = Field(ge=1)
    class_: int = Field(ge=1, alias="class")


class Lesson(Model):
    """A whole lesson."""

    format_version: Literal[1]
    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    track: str
    about: str = Field(default="", description="One or two sentences for the home screen: the question that it answers")
    requires: list[str] = Field(default_factory=list)
    teaches: list[str] = Field(default_factory=list)
    minutes: Minutes
    cluster: dict[str, Any] = Field(default_factory=dict, description="A cluster spec")
    lens: str = "kubernetes"
    steps: list[AnyStep] = Field(min_length=1)
