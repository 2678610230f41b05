"""From a variant to a story: seeds are tried until one breaks a promise, its plan is shrunk, and the rest is a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.cluster import Cluster
from k8s_tutor.cluster.search.adversary import Adversary
from k8s_tutor.cluster.search.plan import Plan, breach, play
from k8s_tutor.cluster.search.shrink import Shrinker
from k8s_tutor.cluster.views import LampView
from k8s_tutor.raft import BROKEN_RULES
from k8s_tutor.sim import SECOND, Note

LONG = 28
"""Lines of a story beyond which its middle is left out."""


class Story(NamedTuple):
    """A run that breaks a promise, and nothing else that it could do without. Moves and events (those delivered up to the
    breach) are counted before and after shrinking."""

    variant: str
    seed: int
    lamp: LampView
    plan: Plan
    moves_before: int
    events_before: int
    session: dict[str, Any]

    def text(self) -> str:
        """The story in words."""
        moves, events = len(self.session["inputs"]), self.lamp.broken_at_event
        return "\n".join((
            f"{self.variant} breaks {self.lamp.property}: {self.lamp.promise}",
            f"the broken rule: {BROKEN_RULES[self.variant] or 'none'}",
            f"seed {self.seed}: inputs {self.moves_before} → {moves}, events {self.events_before} → {events}",
            *tell(self.session),
        ))  # fmt: skip


def tell(session: dict[str, Any]) -> list[str]:
    """A saved story line by line: the ground, the inputs in order with what members did, the breach."""
    story = session["story"]
    lines = [f"{_clock(at)}  {words}" for at, words in story["told"]]
    if len(lines) > LONG:
        lines[LONG // 2 : 2 - LONG // 2] = [f"     ...  {len(lines) + 2 - LONG} more of the same kind"]
    return [story["ground"], *lines]


def hunt(
    variant: str, seeds: Iterable[int], look: Callable[[int], None] = lambda seed: None, among: int = 1, wanted: str = ""
) -> Story | None:
    """The story with the fewest events among those of the first ``among`` seeds that break a promise (``wanted``, or any), or
    None. ``look`` hears of each seed before it is tried."""
    found: list[Story] = []
    for seed in seeds:
        look(seed)
        adversary = Adversary(variant, seed, wanted)
        plan = adversary.plan()
        lamp = breach(adversary.cluster, wanted)
        if lamp is not None:
            found.append(_story(variant, seed, plan, lamp))
            if len(found) == among:
                break
    return min(found, key=lambda story: story.lamp.broken_at_event, default=None)


def _story(variant: str, seed: int, plan: Plan, found: LampView) -> Story:
    shrinker = Shrinker(plan, found.property)
    smallest = shrinker.run()
    cluster = play(smallest, found.property)
    lamp = breach(cluster, found.property)
    assert lamp is not None
    session = cluster.save()
    session["story"] = {
        "variant": variant,
        "rule": BROKEN_RULES[variant],
        "property": lamp.property,
        "promise": lamp.promise,
        "sentence": lamp.sentence,
        "broken_at_event": lamp.broken_at_event,
        "message": lamp.message,
        "shrunk": {
            "inputs": [len(plan.moves), len(session["inputs"])],
            "events": [found.broken_at_event, lamp.broken_at_event],
        },
        "ground": _ground(cluster),
        "told": _told(cluster, lamp),
    }
    return Story(variant, seed, lamp, smallest, len(plan.moves), found.broken_at_event, session)


def _ground(cluster: Cluster) -> str:
    spec = cluster.spec
    begin = "come to rest before it begins" if spec.settle else "switched on as it begins"
    return f"{spec.managers} members, cables of {spec.latency // 1000} ms, {begin}"


def _told(cluster: Cluster, lamp: LampView) -> list[tuple[int, str]]:
    """(instant, words): inputs and what members noted about roles and commits, in order, and the breach."""
    told: list[tuple[int, str]] = []
    for note in cluster.world.log.records():
        if isinstance(note, Note) and note.kind in _NOTES:
            told.append((note.at, _NOTES[note.kind].format(actor=note.actor, **note.fields)))
    told += [(given.at, inputs.in_words(given.input)) for given in cluster.timeline.branch.inputs[: cluster.timeline.taken]]
    told.sort(key=lambda line: line[0])
    return [*told, (lamp.broken_at, f"{lamp.property} is broken: {lamp.sentence}")]


_NOTES = {
    "raft.leader": "  {actor} becomes leader of term {term}",
    "raft.campaign": "  {actor} stands for election in term {term}",
    "raft.commit": "  {actor} commits entry {index} of term {term}",
    "panic": "  {actor} panics: {text}",
}


def _clock(at: int) -> str:
    return f"{at // SECOND:3d}.{at % SECOND // 1000:03d} s"
