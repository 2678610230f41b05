"""Whether a task's goal is reached: checked after every message, forgetful of what a rewind has undone."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.lessons.cel import condition
from k8s_tutor.lessons.models import Goal
from k8s_tutor.lessons.reader import Reader, Watch
from k8s_tutor.lessons.values import in_words


class Fact(NamedTuple):
    """Something that happened once. ``events``: after how many messages; ``at``: µs."""

    events: int
    at: int
    text: str


class Check(NamedTuple):
    """One condition of a goal. ``kind``: ``now``, ``eventually``, ``always``, ``never``."""

    kind: str
    words: str
    watch: Watch

    @property
    def text(self) -> str:
        """What the condition says, in words if the lesson has some."""
        if self.words:
            return self.words
        source = self.watch.expression.source
        return {"now": source, "eventually": f"once: {source}", "always": f"always: {source}", "never": f"never: {source}"}[
            self.kind
        ]


class Line(NamedTuple):
    """How one condition stands: ``met``, ``open`` or ``broken``."""

    text: str
    state: str


class GoalCheck:
    """A goal over one run, from the moment at which its task opened."""

    def __init__(self, goal: Goal, reader: Reader) -> None:
        self.goal = goal
        self.reader = reader
        self.opened = reader.cluster.now
        self.checks = [
            Check(kind, words, Watch(condition(source)))
            for kind in ("now", "eventually", "always", "never")
            for words, source in getattr(goal, kind).items()
        ]
        self._guards = [check for check in self.checks if check.kind in ("always", "never")]
        self._once = [index for index, check in enumerate(self.checks) if check.kind == "eventually"]
        self._wanted = [index for index, check in enumerate(self.checks) if check.kind in ("now", "eventually")]
        self._happened: dict[int, Fact] = {}
        self.broken: Fact | None = None
        self.reached: Fact | None = None

    def update(self) -> bool:
        """Looks at this moment. Says whether something was decided: the goal reached, or lost."""
        cluster, reader = self.reader.cluster, self.reader
        if self.broken or self.reached or self._happened:
            self._forget(cluster.events, cluster.now)
            if self.broken or self.reached:
                return True
        for check in self._guards:
            if check.watch.holds(reader) is (check.kind == "never"):
                self.broken = Fact(cluster.events, cluster.now, _broken(check))
        for index in self._once:
            if index not in self._happened and self.checks[index].watch.holds(reader):
                self._happened[index] = Fact(cluster.events, cluster.now, self.checks[index].text)
        if self.goal.within and not self.broken and cluster.now > self.opened + self.goal.within:
            self.broken = Fact(cluster.events, cluster.now, f"it took longer than {in_words(self.goal.within)}")
        if not self.broken and self._all_met():
            self.reached = Fact(cluster.events, cluster.now, "")
        return bool(self.broken or self.reached)

    def _all_met(self) -> bool:
        return all(map(self._met, self._wanted))

    def _met(self, index: int) -> bool:
        check = self.checks[index]
        return index in self._happened if check.kind == "eventually" else check.watch.holds(self.reader)

    def _forget(self, events: int, now: int) -> None:
        """Going back in time takes back what had happened later."""

        def later(fact: Fact | None) -> bool:
            return fact is not None and (fact.events, fact.at) > (events, now)

        if later(self.broken):
            self.broken = None
        if later(self.reached):
            self.reached = None
        self._happened = {index: fact for index, fact in self._happened.items() if not later(fact)}

    def lines(self) -> tuple[Line, ...]:
        """How each condition stands; while the goal is open the first ``open`` one is what to work on."""
        out = []
        for index, check in enumerate(self.checks):
            if check.kind in ("now", "eventually"):
                met = bool(self.reached) or self._met(index)
                out.append(Line(check.text, "met" if met else "open"))
            else:
                mine = self.broken is not None and self.broken.text == _broken(check)
                out.append(Line(check.text, "broken" if mine else "met" if self.reached else "open"))
        return tuple(out)


def _broken(check: Check) -> str:
    """What is said when a condition that guards the way does not hold."""
    happened = "always hold, and it did not" if check.kind == "always" else "never happen, and it did"
    return f"{check.words or check.watch.expression.source}: this must {happened}"
