"""How fast a size may change: recommendations of the recent past, limits of each step, and the rules that the object has of its
own (``spec.behavior``). Times are µs."""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.api import quantity
from k8s_tutor.controllers.autoscaling.replicas import Tolerance
from k8s_tutor.sim import SECOND

STABILIZATION = 300 * SECOND
"""--horizontal-pod-autoscaler-downscale-stabilization."""
_MANY = 1 << 31
_LOWER = "recent recommendations were lower than current one, applying the lowest recent recommendation"
_HIGHER = "recent recommendations were higher than current one, applying the highest recent recommendation"
_WITHIN = ("DesiredWithinRange", "the desired count is within the acceptable range")
_MOST = ("TooManyReplicas", "the desired replica count is more than the maximum replica count")
_LEAST = ("TooFewReplicas", "the desired replica count is less than the minimum replica count")
_UP = ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate")
_DOWN = ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate")

Dated = tuple[tuple[int, int], ...]
"""(number, when) in order of time."""


class Memory(NamedTuple):
    """What the controller remembers of an autoscaler: sizes that were recommended, pods added, pods removed. It is lost with
    the process, as in reality."""

    recommended: Dated = ()
    added: Dated = ()
    removed: Dated = ()

    def after(self, current: int, size: int, now: int) -> Memory:
        """With a change of size that was asked for."""
        if size > current:
            return self._replace(added=(*self.added, (size - current, now)))
        return self._replace(removed=(*self.removed, (current - size, now)))


class Wish(NamedTuple):
    """The size of today, the size that metrics want, and its bounds."""

    current: int
    desired: int
    least: int
    most: int


class Outcome(NamedTuple):
    """The size that may be asked for, and the conditions AbleToScale and ScalingLimited: (status,) reason and message."""

    size: int
    able: tuple[str, str]
    limited: tuple[bool, str, str]
    memory: Memory


def paced(wish: Wish, behavior: Any, memory: Memory, now: int) -> Outcome:
    """Brings a wish into what is allowed now. ``behavior``: ``spec.behavior`` (typed), or None."""
    if behavior is None:
        steady = max([wish.desired, *[size for size, at in memory.recommended if at >= now - STABILIZATION]])
        words = ("ScaleDownStabilized", _HIGHER)
    else:
        steady = _steady(wish, behavior, memory, now)
        words = ("ScaleUpStabilized", _LOWER) if wish.desired >= wish.current else ("ScaleDownStabilized", _HIGHER)
    able = words if steady != wish.desired else ("ReadyForNewScale", "recommended size matches current size")
    size, why = _step(wish._replace(desired=steady), behavior, memory, now)
    kept = max(STABILIZATION, *_windows(behavior))
    recommended = (*[one for one in memory.recommended if one[1] >= now - kept], (wish.desired, now))
    longest = _longest(behavior)
    added = tuple(one for one in memory.added if one[1] > now - longest)
    removed = tuple(one for one in memory.removed if one[1] > now - longest)
    return Outcome(size, able, (size != steady, *why), Memory(recommended, added, removed))


def tolerance_of(behavior: Any) -> Tolerance:
    """How far from its target usage may be, as the object or the controller has it."""
    def of(rules: Any, default: int) -> int:
        given = getattr(rules, "tolerance", None) if rules is not None else None
        return quantity.milli(given) if given is not None else default

    standard = Tolerance()
    if behavior is None:
        return standard
    return Tolerance(of(behavior.scaleDown, standard.down), of(behavior.scaleUp, standard.up))


def _windows(behavior: Any) -> tuple[int, int]:
    """For how long past recommendations hold back growing, and shrinking."""
    if behavior is None:
        return 0, STABILIZATION
    up, down = behavior.scaleUp.stabilizationWindowSeconds, behavior.scaleDown.stabilizationWindowSeconds
    return (up or 0) * SECOND, down * SECOND if down is not None else STABILIZATION


def _longest(behavior: Any) -> int:
    if behavior is None:
        return 0
    rules = (*(behavior.scaleUp.policies or ()), *(behavior.scaleDown.policies or ()))
    return max((policy.periodSeconds for policy in rules), default=0) * SECOND


def _steady(wish: Wish, behavior: Any, memory: Memory, now: int) -> int:
    up, down = _windows(behavior)
    lowest = min([wish.desired, *[size for size, at in memory.recommended if at > now - up]])
    highest = max([wish.desired, *[size for size, at in memory.recommended if at > now - down]])
    return min(max(wish.current, lowest), highest)


def _step(wish: Wish, behavior: Any, memory: Memory, now: int) -> tuple[int, tuple[str, str]]:
    if behavior is None:
        limit = max(2 * wish.current, 4)
        most, why = (limit, _UP) if wish.most > limit else (wish.most, _MOST)
        if wish.desired < wish.least:
            return wish.least, _LEAST
        return (most, why) if wish.desired > most else (wish.desired, _WITHIN)
    if wish.desired > wish.current:
        limit = max(_highest(wish.current, behavior.scaleUp, memory, now), wish.current)
        most, why = (limit, _UP) if wish.most > limit else (wish.most, _MOST)
        return (most, why) if wish.desired > most else (wish.desired, _WITHIN)
    if wish.desired < wish.current:
        limit = min(_lowest(wish.current, behavior.scaleDown, memory, now), wish.current)
        least, why = (limit, _DOWN) if wish.least < limit else (wish.least, _LEAST)
        return (least, why) if wish.desired < least else (wish.desired, _WITHIN)
    return wish.desired, _WITHIN


def _began(current: int, period: int, memory: Memory, now: int) -> int:
    """The size at the beginning of a policy's period."""
    since = now - period * SECOND
    added = sum(count for count, at in memory.added if at > since)
    removed = sum(count for count, at in memory.removed if at > since)
    return current - added + removed


def _highest(current: int, rules: Any, memory: Memory, now: int) -> int:
    if rules.selectPolicy == "Disabled":
        return current
    sizes: list[int] = []
    for policy in rules.policies or ():
        began = _began(current, policy.periodSeconds, memory, now)
        grown = began + policy.value if policy.type == "Pods" else -(-began * (100 + policy.value) // 100)
        sizes.append(grown)
    return min([_MANY, *sizes]) if rules.selectPolicy == "Min" else max([-_MANY, *sizes])


def _lowest(current: int, rules: Any, memory: Memory, now: int) -> int:
    if rules.selectPolicy == "Disabled":
        return current
    sizes: list[int] = []
    for policy in rules.policies or ():
        began = _began(current, policy.periodSeconds, memory, now)
        sizes.append(began - policy.value if policy.type == "Pods" else began * (100 - policy.value) // 100)
    return max([-_MANY, *sizes]) if rules.selectPolicy == "Min" else min([_MANY, *sizes])
