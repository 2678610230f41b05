"""The weather: faults, changes and clients around a group, all from one seed; then calm, in which it must recover."""

from __future__ import annotations

import msgspec

from ..node import RaftNode
from ..types import ProposalDropped, ReadOnly
from ..variants import Node
from .dice import Dice
from .group import Broken, Group, Setup
from .machine import Command

PATIENCE = 15
"""Rounds after which a client gives an operation up."""
CLIENTS, KEYS = 4, ("x", "y")


class Weather(msgspec.Struct, frozen=True, kw_only=True):
    """Chances in a hundred: a round, but for loss, delay and doubling, which are a message's."""

    crash: int
    torn: int
    restart: int
    cut: int
    heal: int
    loss: int
    delay: int
    double: int
    change: int
    compact: int
    transfer: int
    skew: bool
    client: int = 50


def forecast(dice: Dice, lease: bool) -> Weather:
    """A seed's weather: some have much of one thing and nothing of another. Clocks run evenly where reads trust them."""
    return Weather(
        crash=dice.one_of((0, 2, 6)), torn=dice.one_of((0, 2, 8)), restart=dice.one_of((8, 40)),
        cut=dice.one_of((0, 4, 12)), heal=dice.one_of((2, 5, 20)),
        loss=dice.one_of((0, 2, 12)), delay=dice.one_of((5, 20, 50)), double=dice.one_of((0, 3, 10)),
        change=dice.one_of((0, 2, 6)), compact=dice.one_of((0, 3, 10)), transfer=dice.one_of((0, 1, 3)),
        skew=not lease and dice.percent(50),
    )  # fmt: skip


class Storm:
    """One seed's run. ``group.history`` is what the clients have seen."""

    def __init__(self, seed: int, variant: str = "raft", rounds: int = 250) -> None:
        self._dice = dice = Dice(seed)
        check_quorum = dice.percent(65)
        lease = check_quorum and variant == "raft" and dice.percent(25)
        self.setup = Setup(
            variant=variant, seed=seed, size=dice.one_of((3, 3, 5)), election_tick=dice.one_of((6, 10)),
            pre_vote=dice.percent(75), check_quorum=check_quorum, max_size_per_message=dice.one_of((0, 1 << 20)),
            max_inflight=dice.one_of((1, 2, 64)), read_only=ReadOnly.LEASE if lease else ReadOnly.SAFE,
        )  # fmt: skip
        self.weather = forecast(dice, lease)
        self.group = Group(self.setup)
        self._rounds = rounds
        self._members = self.setup.size + 2
        """Ids that may belong to the group in the course of the run."""
        self._rates: dict[int, int] = {}
        self._clocks: dict[int, int] = {}
        self._open: dict[str, tuple[bytes, int]] = {}
        self._numbers = [0] * CLIENTS

    def run(self) -> None:
        """Storm and calm. Raises `Broken`, and AssertionError from within a node."""
        for number in range(self._rounds):
            self._round(number)
        self._calm()
        for mark in list(self.group.asked):
            self.group.give_up(mark)

    def _round(self, number: int) -> None:
        weather, dice, group = self.weather, self._dice, self.group
        self._break_something()
        if dice.percent(weather.change):
            self._change()
        if dice.percent(weather.transfer):
            self._transfer()
        if group.nodes and dice.percent(weather.compact):
            group.compact(dice.one_of(list(group.nodes)), dice.below(4))
        self._clients(number)
        self._tick()
        self._deliver()

    # ------------------------------------------------------------------ what goes wrong

    def _break_something(self) -> None:
        weather, dice, group = self.weather, self._dice, self.group
        if group.nodes and dice.percent(weather.crash):
            group.crash(dice.one_of(list(group.nodes)))
        if group.nodes and dice.percent(weather.torn):
            group.torn[dice.one_of(list(group.nodes))] = dice.below(4)
        down = [member for member in group.configs if member not in group.nodes]
        if down and dice.percent(weather.restart):
            group.restart(dice.one_of(down))
        if dice.percent(weather.cut):
            self._cut()
        elif group.blocked and dice.percent(weather.heal):
            group.blocked.clear()
            group.tell("all cables are mended")

    def _cut(self) -> None:
        members = list(self.group.configs)
        self._dice.shuffle(members)
        middle = 1 + self._dice.below(len(members) - 1)
        here, there = members[:middle], members[middle:]
        self.group.blocked.update((a, b) for a in here for b in there)
        both = self._dice.percent(50)
        if both:
            self.group.blocked.update((b, a) for a in here for b in there)
        self.group.figures.cuts += 1
        self.group.tell("cut {} {} {}", here, "|" if both else "→ nothing reaches", there)

    def _tick(self) -> None:
        """Every clock goes on by one, or, where they are skewed, by its own rate."""
        group = self.group
        for member in list(group.nodes):
            rate = 100
            if self.weather.skew:
                rate = self._rates.setdefault(member, self._dice.one_of((50, 80, 100, 130, 200)))
            self._clocks[member] = clock = self._clocks.get(member, 0) + rate
            while clock >= 100 and member in group.nodes:
                clock -= 100
                self._clocks[member] = clock
                group.nodes[member].tick()
                group.serve(member)

    def _deliver(self) -> None:
        weather, dice, group = self.weather, self._dice, self.group
        arriving, group.wire = group.wire, []
        dice.shuffle(arriving)
        for message in arriving:
            fate = dice.below(100)
            if fate < weather.delay:
                group.wire.append(message)
                continue
            if dice.percent(weather.loss):
                group.figures.lost += 1
                continue
            if dice.percent(weather.double):
                group.figures.doubled += 1
                group.wire.append(message)
            group.deliver(message)

    # ------------------------------------------------------------------ what is asked for

    def _change(self) -> None:
        """Somebody asks for other members: one, or several at once; newcomers are started first."""
        group, dice = self.group, self._dice
        node = group.leader() if dice.percent(80) else None
        if node is None:
            if not group.nodes:
                return
            node = dice.one_of(list(group.nodes.values()))
        if not isinstance(node, RaftNode):
            return
        status = node.status()
        ids = list(range(1, self._members + 1))
        dice.shuffle(ids)
        voters: list[int] = []
        learners: list[int] = []
        removed: list[int] = []
        for member in ids[: dice.one_of((1, 1, 2, 3))]:
            if member not in (*status.voters, *status.learners):
                (voters if dice.percent(60) else learners).append(member)
            elif member in status.learners:
                (voters if dice.percent(70) else removed).append(member)
            elif len(status.voters) - len(removed) > 2:
                (removed if dice.percent(70) else learners).append(member)
        if not (voters or learners or removed):
            return
        for member in (*voters, *learners):
            if member not in group.configs:
                group.create(member, tuple(status.voters))
        self._ask_for_change(node, voters, learners, removed)

    def _ask_for_change(self, node: RaftNode, voters: list[int], learners: list[int], removed: list[int]) -> None:
        try:
            node.propose_conf_change(voters, learners, removed)
        except ProposalDropped:
            return
        self.group.tell("node {} is asked to add {} {} and remove {}", node.id, voters, learners, removed)
        self.group.serve(node.id)

    def _transfer(self) -> None:
        node = self.group.leader()
        if isinstance(node, RaftNode):
            node.transfer_leadership(self._dice.one_of(list(self.group.configs)))
            self.group.figures.transfers += 1
            self.group.serve(node.id)

    def _clients(self, number: int) -> None:
        """Each client has one operation open at a time, and gives up after a while."""
        group, dice = self.group, self._dice
        for place in range(CLIENTS):
            client = f"c{place}"
            mark, since = self._open.get(client, (b"", 0))
            if mark in group.asked and number - since < PATIENCE:
                continue
            group.give_up(mark)
            self._open.pop(client, None)
            if not group.nodes or not dice.percent(self.weather.client):
                continue
            member, key = dice.one_of(list(group.nodes)), dice.one_of(KEYS)
            self._numbers[place] = count = self._numbers[place] + 1
            if dice.percent(50):
                mark = b"read %d.%d" % (place, count)
                group.read(member, client, key, mark)
            else:
                command = Command(client, count, key, f"{place}.{count}")
                mark = command.encode()
                group.write(member, command)
            self._open[client] = mark, number

    # ------------------------------------------------------------------ afterwards

    def _calm(self) -> None:
        """All faults end: within a bounded time there must be a leader, and something new applied by all its voters."""
        group, limit = self.group, 60 * self.setup.election_tick
        group.blocked.clear()
        group.torn.clear()
        for member in list(group.configs):
            if member not in group.nodes:
                group.restart(member)
        group.tell("calm: the network is whole, all are up")
        goal = Command("calm", 1, "calm", "1")
        for ticks in range(limit):
            for member in list(group.nodes):
                group.nodes[member].tick()
                group.serve(member)
            self._settle()
            leader = group.leader()
            if leader is None or leader.log.term(leader.log.committed) != leader.term:
                continue
            members = leader.status().voters
            if all(group.machines[member].registers.get("calm") for member in members):
                return
            if ticks % 5 == 0:
                self._send_strangers_home(leader)
                group.write(leader.id, goal)
        raise Broken(f"no progress within {limit} ticks although all are up and the network is whole")

    def _send_strangers_home(self, leader: Node) -> None:
        """Who was removed, as the leader knows it, is switched off, as an operator does."""
        status = leader.status()
        known = (*status.voters, *status.voters_outgoing, *status.learners)
        for member in [member for member in self.group.nodes if member not in known]:
            del self.group.nodes[member]

    def _settle(self) -> None:
        """Delivers everything that is on its way, and what follows from it."""
        group = self.group
        for _ in range(200):
            if not group.wire:
                return
            arriving, group.wire = group.wire, []
            for message in arriving:
                group.deliver(message)
        raise Broken("messages go on for ever although no clock ticks")
