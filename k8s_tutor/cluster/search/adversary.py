"""Somebody who wishes a cluster ill: makes plans up, all from one seed, by watching a run and striking when something happens.

A fault at a random moment hits nothing most of the time. So the adversary looks at the members after every instant, and is
likely to act when one of them has just won an election, voted, written an entry or learned of a commit. Each seed has its own
ground (how many members, how slow the cables) and a *style*: what it waits for, and what it does then. Many seeds with few
kinds of fault each find more than one seed with all kinds (swarm testing: Groce et al. 2012).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.cluster import Cluster
from k8s_tutor.cluster.search.plan import Hold, Move, Plan, breach, give
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.etcd.member import Member
from k8s_tutor.raft import Message, MessageType, Role
from k8s_tutor.sim import MS, SECOND, Chance

MOVES = 24
"""Moves of one plan, at most."""
STORM = 25 * SECOND
"""How long the adversary acts."""
CALM = 35 * SECOND
"""How long a group that is whole again may stay without a leader before the plan ends: longer than progress may take."""
_HELD = (MessageType.VOTE, MessageType.VOTE_RESPONSE, MessageType.APPEND, MessageType.APPEND_RESPONSE, MessageType.PRE_VOTE)
_TRIGGERS = ("leads", "stands", "votes", "writes", "learns")
_TASTES = ("turn", "isolate", "part", "one way", "heal", "crash", "restart", "bounce", "blackout", "put", "hold", "slow disks")


class Style(NamedTuple):
    """What an adversary waits for (see `Adversary._changed`), and what it does (see `Adversary._strike`)."""

    triggers: tuple[str, ...]
    tastes: tuple[str, ...]


STYLES = (
    Style(("leads", "learns"), ("turn",)),  # whoever has just won or decided is left alone
    Style(("leads", "learns"), ("turn", "put", "heal")),
    Style(("votes", "stands"), ("bounce", "hold")),  # whoever has just promised something falls, and comes back
    Style(("learns", "votes"), ("slow disks", "blackout", "bounce", "put")),  # what was only just written is lost
    Style(_TRIGGERS, _TASTES),
)
_NOTHING = dict.fromkeys(_TRIGGERS, 0)


def ground(variant: str, seed: int) -> ClusterSpec:
    """The cluster on which a seed's plan is played."""
    chance = Chance(seed)
    return ClusterSpec.model_validate({
        "managers": (3, 3, 5)[chance.draw("managers", 3)], "workers": 0, "components": "etcd", "consensus": variant,
        "latency": (1 * MS, 20 * MS, 80 * MS)[chance.draw("latency", 3)], "settle": chance.draw("settle", 2) == 0, "seed": seed,
    })  # fmt: skip


class Adversary:
    """One seed's plan in the making. ``moves`` are those that meant something when they were made."""

    def __init__(self, variant: str, seed: int, wanted: str = "") -> None:
        self._wanted = wanted
        self._chance = Chance(seed)
        self.cluster = Cluster(ground(variant, seed))
        self.moves: list[Move] = []
        self._members = [f"etcd-{number}" for number in range(1, self.cluster.spec.managers + 1)]
        self._style = self._one_of(STYLES)
        self._eager = (25, 50, 90)[self._draw("eager", 3)]
        """Chance in a hundred to act when a trigger has just happened."""
        self._seen: dict[str, dict[str, int]] = {}

    def _draw(self, what: str, bound: int) -> int:
        return self._chance.draw(f"adversary/{what}", bound)

    def _one_of(self, things: Any) -> Any:
        return things[self._draw("choice", len(things))]

    def plan(self) -> Plan:
        """Plays, strikes, and writes down what it did; up to the first breach, or some time after all has been mended."""
        cluster = self.cluster
        step, world = cluster.timeline.step, cluster.world
        storm = cluster.now + STORM
        while breach(cluster, self._wanted) is None and cluster.now < storm and len(self.moves) < MOVES and step(storm):
            if world.queue and world.queue[0][0] > world.now:
                changed = self._changed()
                if self._draw("act", 100 if changed else 1_000) < (self._eager if changed else 4):
                    self._strike(changed)
        self._mend()
        end = cluster.now + CALM
        while breach(cluster, self._wanted) is None and not self._led() and step(end):
            pass
        return Plan(cluster.spec, tuple(self.moves), max(cluster.now, 1))

    def _led(self) -> bool:
        return bool(cluster_leaders(self.cluster))

    def _changed(self) -> list[str]:
        """Members to whom a trigger has happened since they were last looked at."""
        found = []
        for name in self._members:
            actor = self.cluster.world.running.get(name)
            before, now = self._seen.get(name, _NOTHING), _NOTHING
            if isinstance(actor, Member):
                node = actor.node
                now = {
                    "leads": node.term if node.role is Role.LEADER else 0,
                    "stands": node.term if node.role is Role.CANDIDATE else 0,
                    "writes": node.log.last,
                    "learns": node.log.committed,
                    "votes": node.vote,
                }
                self._seen[name] = now
            if any(now[trigger] not in (0, before[trigger]) for trigger in self._style.triggers):
                found.append(name)
        return found

    # ------------------------------------------------------------------ moves

    def _do(self, act: inputs.Input | Hold) -> None:
        if give(self.cluster, act):
            self.moves.append(Move(self.cluster.now, act))

    def _mend(self) -> None:
        world = self.cluster.world
        if breach(self.cluster, self._wanted) is not None:
            return
        if world.network.cuts:
            self._do(inputs.Heal())
        for name in list(world.down):
            self._do(inputs.Restart(name))

    def _strike(self, changed: list[str]) -> None:
        """One move, most likely against somebody who has just done something."""
        whom = self._one_of(changed) if changed and self._draw("near", 4) else self._one_of(self._members)
        other = self._one_of([name for name in self._members if name != whom])
        down = list(self.cluster.world.down)
        machine, others = _machine(whom), tuple(_machine(name) for name in self._members if name != whom)
        match self._one_of(self._style.tastes):
            case "turn":  # another one is alone now
                self._do(inputs.Heal())
                self._do(inputs.Cut(((machine,), others)))
            case "isolate":
                self._do(inputs.Cut(((machine,), others)))
            case "part":
                self._do(inputs.Cut(((machine,), (_machine(other),))))
            case "one way":
                self._do(inputs.Cut(((machine,), (_machine(other),)), one_way=True))
            case "heal" if self.cluster.world.network.cuts:
                self._do(inputs.Heal(self._one_of([(), ((machine,), others), ((machine,), (_machine(other),))])))
            case "crash" if whom not in down and len(down) + 1 < len(self._members):
                self._do(inputs.Crash(whom))
            case "restart" if down:
                self._do(inputs.Restart(self._one_of(down)))
            case "bounce":
                self._bounce(whom)
            case "put":
                self._do(inputs.Kubectl(f"etcdctl put topping {self._one_of(('olives', 'mushrooms', 'ham'))}"))
            case "hold":
                self._hold()
            case "slow disks":
                latency = self._one_of((10 * MS, 100 * MS, 500 * MS))
                for name in self._members:
                    self._do(inputs.SlowDisk(_machine(name), latency))
            case "blackout":
                for name in self._members:
                    self._bounce(name)

    def _bounce(self, member: str) -> None:
        if member not in self.cluster.world.down:
            self._do(inputs.Crash(member))
            self._do(inputs.Restart(member))

    def _hold(self) -> None:
        flying = [
            (src, dst, body.type)
            for _, _, src, dst, body, _, _, _ in self.cluster.world.flying()
            if isinstance(body, Message) and body.type in _HELD
        ]
        if flying:
            src, dst, kind = self._one_of(flying)
            self._do(Hold(src, dst, kind, self._one_of((100 * MS, 500 * MS, 2 * SECOND, 5 * SECOND))))


def cluster_leaders(cluster: Cluster) -> list[str]:
    """Members that take themselves for the leader."""
    running = cluster.world.running.items()
    return [name for name, actor in running if isinstance(actor, Member) and actor.node.role is Role.LEADER]


def _machine(member: str) -> str:
    return member.replace("etcd-", "cp-")
