"""Plays a transcript: the commands, and how what happens is written down (README.md beside it is for its readers)."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from raft_harness import Group

from k8s_tutor.raft import ConfChange, Entry, EntryType, Message, MessageType, ProposalDropped, Role, Snapshot

T = MessageType


# ---- the file


@dataclass
class Block:
    """Some lines of comment, a command and what it prints."""

    comment: list[str]
    command: str
    output: list[str]
    line: int

    def __str__(self) -> str:
        return "\n".join([*self.comment, f"> {self.command}", *self.output])


def read(text: str) -> Iterator[Block]:
    """The blocks of a transcript; an empty line ends each, and a comment without a command is one of its own."""
    for paragraph, line in _paragraphs(text):
        comment = [each for each in paragraph if each.startswith("#")]
        commands = [each for each in paragraph if each.startswith("> ")]
        if len(commands) > 1 or paragraph[: len(comment)] != comment:
            raise ValueError(f"line {line}: a block is a comment, one command and its output")
        output = paragraph[len(comment) + 1 :]
        yield Block(comment, commands[0][2:] if commands else "", output if commands else [], line)


def _paragraphs(text: str) -> Iterator[tuple[list[str], int]]:
    lines: list[str] = []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if line.strip():
            lines.append(line.rstrip())
        elif lines:
            yield lines, number - len(lines)
            lines = []


def play(text: str) -> str:
    """The whole transcript with the outputs of today."""
    stage = Stage()
    played = []
    for block in read(text):
        if block.command:
            try:
                block.output = stage.run(block.command)
            except Exception as error:
                raise AssertionError(f"line {block.line}: {block.command}: {error!r}") from error
            played.append(str(block))
        else:
            played.append("\n".join(block.comment))
    return "\n\n".join(played) + "\n"


# ---- how things are written


def entry_text(entry: Entry) -> str:
    """``#3/1 "a"``: index 3, term 1. A leader's empty entry is ``-``."""
    return f"#{entry.index}/{entry.term} {content(entry)}"


def content(entry: Entry) -> str:
    if entry.type is EntryType.CONF_CHANGE:
        change = ConfChange.decode(entry.data)
        if change.leaves_joint:
            return "leave-joint"
        words = [f"+{member}" for member in change.add_voters] + [f"~{member}" for member in change.add_learners]
        return ",".join([*words, *(f"-{member}" for member in change.remove)])
    return f'"{entry.data.decode()}"' if entry.data else "-"


def entries_text(entries: Iterable[Entry]) -> str:
    return ", ".join(entry_text(entry) for entry in entries)


def members_text(members: Iterable[int]) -> str:
    return " ".join(str(member) for member in members)


def snapshot_text(snapshot: Snapshot) -> str:
    return f"snapshot up to #{snapshot.index}/{snapshot.term}"


def message_text(m: Message) -> str:
    """One line: who to whom, what, and the fields that mean something in it."""
    text = f"{m.sender} to {m.to}: {m.type.name}"
    if m.term:
        text += f" term {m.term}"
    return text + _details(m)


def _details(m: Message) -> str:
    if m.type in (T.VOTE, T.PRE_VOTE):
        why = ", by transfer" if m.context else ""
        return f", log ends with #{m.index}/{m.log_term}{why}"
    if m.type in (T.VOTE_RESPONSE, T.PRE_VOTE_RESPONSE):
        return f", no: {m.context.decode()}" if m.reject else ", yes"
    if m.type is T.APPEND:
        what = entries_text(m.entries) or "nothing"
        return f", after #{m.index}/{m.log_term}: {what}, committed {m.commit}"
    if m.type is T.APPEND_RESPONSE:
        if m.reject and m.context:
            return f", refused: {m.context.decode()}"
        if m.reject:
            return f", refused after #{m.index}, try after #{m.reject_hint}/{m.log_term}"
        return f", has all up to #{m.index}"
    if m.type is T.HEARTBEAT:
        return f", committed {m.commit}" + (f", round {m.context.decode()}" if m.context else "")
    if m.type is T.HEARTBEAT_RESPONSE:
        return f", round {m.context.decode()}" if m.context else ""
    if m.type is T.PROPOSE:
        return " " + ", ".join(content(entry) for entry in m.entries)
    if m.type is T.READ_INDEX:
        return f' "{m.context.decode()}"'
    if m.type is T.READ_INDEX_RESPONSE:
        return f', "{m.context.decode()}" is true at #{m.index}'
    if m.type is T.SNAPSHOT and m.snapshot is not None:
        return f", {snapshot_text(m.snapshot)}"
    if m.type is T.TRANSFER_LEADER:
        return f", hand over to {m.index}"
    return ""


ROLES = {Role.FOLLOWER: "follower", Role.PRE_CANDIDATE: "pre-candidate", Role.CANDIDATE: "candidate", Role.LEADER: "leader"}


class Witness(Group):
    """A group that says what happens in it."""

    def __init__(self, size: int, lines: list[str], **config: Any) -> None:
        self.lines = lines
        self.known: dict[int, tuple[Any, ...]] = {}
        self.to_crash: dict[int, str] = {}
        self.quiet = False  # heartbeats that change nothing are not mentioned
        super().__init__(size, **config)
        for node in self.nodes.values():
            self.known[node.id] = self._aspect(node)

    def say(self, text: str) -> None:
        self.lines.append(text)

    def serve(self, member: int, crash_at: str = "") -> None:
        if member in self.to_crash and self.nodes[member].has_ready():
            crash_at = self.to_crash.pop(member)
            super().serve(member, crash_at)
            self.say(f"  {member} crashes before it {'writes' if crash_at == 'persist' else 'sends'} anything")
        else:
            super().serve(member, crash_at)

    @staticmethod
    def _aspect(node: Any) -> tuple[Any, ...]:
        return node.role, node.term, node.leader, node.vote, node.membership, node.transferee

    def check(self, node: Any) -> None:
        """After each step of a node: what is new about it."""
        super().check(node)
        new = self._aspect(node)
        old = self.known.get(node.id, (Role.FOLLOWER, 0, 0, 0, node.membership, 0))
        self.known[node.id] = new
        role, term, leader, vote, membership, transferee = new
        if (role, term, leader) != old[:3]:
            if role is Role.FOLLOWER:
                whom = f"follows {leader}" if leader else "is a follower without a leader"
            else:
                whom = f"is the {ROLES[role]}" if role is Role.LEADER else f"is a {ROLES[role]}"
            self.say(f"  {node.id} {whom} in term {term}")
        if vote != old[3] and vote and vote != node.id:
            self.say(f"  {node.id} votes for {vote}")
        if membership != old[4]:
            self.say(f"  {node.id} now counts {configuration(node)}")
        if transferee != old[5]:
            self.say(f"  {node.id} {f'hands over to {transferee}' if transferee else 'hands over no more'}")

    def _persist(self, member: int, ready: Any) -> None:
        if ready.snapshot is not None:
            self.say(f"  {member} stores the {snapshot_text(ready.snapshot)} in place of its log")
        disk = self.disks[member]
        if ready.entries:
            first, last = ready.entries[0].index, disk.base + len(disk.entries)
            if first <= last:
                self.say(f"  {member} drops {entries_text(disk.entries[first - disk.base - 1 :])}")
            self.say(f"  {member} writes {entries_text(ready.entries)}")
        super()._persist(member, ready)

    def _apply(self, member: int, ready: Any) -> None:
        if ready.committed:
            self.say(f"  {member} applies {entries_text(ready.committed)}")
        for state in ready.read_states:
            self.say(f'  {member} may answer "{state.context.decode()}" once #{state.index} is applied')
        super()._apply(member, ready)

    def deliver(self, message: Message) -> None:
        before = len(self.lines)
        if (message.sender, message.to) in self.blocked or message.to not in self.nodes:
            self.say(f"lost: {message_text(message)}")
        else:
            self.say(message_text(message))
            super().deliver(message)
        if self.quiet and len(self.lines) == before + 1 and message.type in (T.HEARTBEAT, T.HEARTBEAT_RESPONSE):
            self.lines.pop()


def configuration(node: Any) -> str:
    status = node.status()
    text = f"voters {members_text(status.voters)}"
    if status.voters_outgoing:
        text += f" and voters {members_text(status.voters_outgoing)}"
    if status.learners:
        text += f", learners {members_text(status.learners)}"
    if status.learners_next:
        text += f", later learners {members_text(status.learners_next)}"
    return text


# ---- the commands


class Stage:
    """One transcript's group. Each command is a method; words with ``=`` are its keywords."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.group: Any = None

    def run(self, command: str) -> list[str]:
        """Runs one command; what it printed."""
        name, *words = shlex.split(command)
        options = dict(word.split("=", 1) for word in words if "=" in word)
        arguments = [word for word in words if "=" not in word]
        method: Callable[..., None] = getattr(self, f"do_{name.replace('-', '_')}")
        self.lines.clear()
        try:
            method(*arguments, **options)
        except ProposalDropped as dropped:
            self.lines.append(f"dropped: {dropped}")
        except ValueError as error:
            self.lines.append(f"error: {error}")
        return list(self.lines) or ["ok"]

    def do_group(self, size: str, learners: str = "", **config: str) -> None:
        """Members 1 to ``size``, and learners; other keywords are `Config`'s."""
        values: dict[str, Any] = {key: _value(text) for key, text in config.items()}
        seed = values.pop("seed", 1)
        self.group = Witness(int(size), self.lines, seed=seed, learners=_ids(learners), **values)

    def do_join(self, member: str) -> None:
        """Starts a newcomer, who knows the group's voters and has an empty log."""
        leader = next(iter(self.group.leaders()), 1)
        self.group.join(int(member), self.group.nodes[leader].voters)
        self.group.known[int(member)] = self.group._aspect(self.group.nodes[int(member)])

    def do_campaign(self, member: str) -> None:
        self.group.campaign(int(member))

    def do_elect(self, member: str) -> None:
        """As ``campaign`` and ``settle``, in one line."""
        self.group.elect(int(member))
        self.lines[:] = [f"  {member} leads term {self.group.nodes[int(member)].term}"]

    def do_timeouts(self) -> None:
        """How many ticks each member waits for a leader before it stands for election itself."""
        for member, node in self.group.nodes.items():
            status = node.status()
            self.lines.append(f"{member}  {status.election_elapsed} of {status.election_timeout}")

    def do_propose(self, member: str, *data: str) -> None:
        for each in data:
            self.group.nodes[int(member)].propose(each.encode())
            self.group.serve(int(member))

    def do_change(self, member: str, add: str = "", learn: str = "", remove: str = "") -> None:
        """``add`` voters, ``learn`` (learners), ``remove``."""
        self.group.nodes[int(member)].propose_conf_change(_ids(add), _ids(learn), _ids(remove))
        self.group.serve(int(member))

    def do_transfer(self, member: str, to: str) -> None:
        self.group.transfer(int(member), int(to))

    def do_read(self, member: str, mark: str) -> None:
        self.group.read(int(member), mark.encode())

    def do_forget_leader(self, member: str) -> None:
        node = self.group.nodes[int(member)]
        node.forget_leader()
        self.group.serve(int(member))

    def do_compact(self, member: str, index: str = "0", keep: str = "0") -> None:
        self.group.compact(int(member), int(index), int(keep))
        self.lines.append(f"  {member} has a {snapshot_text(self.group.nodes[int(member)].snapshot)}")

    def do_tick(self, count: str, *members: str) -> None:
        """Time passes for some members (or all); messages wait."""
        for _ in range(int(count)):
            for member in [int(word) for word in members] or list(self.group.nodes):
                if member in self.group.nodes:
                    self.group.nodes[member].tick()
                    self.group.serve(member)

    def do_run(self, count: str, *members: str) -> None:
        """Time passes and all messages arrive; heartbeats that change nothing are not mentioned."""
        self.group.quiet = True
        for _ in range(int(count)):
            self.do_tick("1", *members)
            self.do_settle()
        self.group.quiet = False

    def do_settle(self, *members: str) -> None:
        """Messages arrive, and their answers, until nobody has any; with ids only those among these members."""
        among = [int(word) for word in members]
        for _ in range(10_000):
            place = next((i for i, m in enumerate(self.group.wire) if not among or {m.sender, m.to} <= {*among}), None)
            if place is None:
                return
            self.group.deliver(self.group.wire.pop(place))
        raise AssertionError("the group does not settle")

    def do_deliver(self, *links: str) -> None:
        """What waits on the links (``1-2``: from 1 to 2, ``1-``: from 1) arrives; the answers wait."""
        for message in self._take(links):
            self.group.deliver(message)

    def do_lose(self, *links: str) -> None:
        """What waits on the links is lost; several heartbeats are told in one line."""
        taken = self._take(links)
        heartbeats = [message for message in taken if message.type is T.HEARTBEAT]
        if len(heartbeats) > 2:
            self.lines.append(f"lost: {len(heartbeats)} heartbeats")
            taken = [message for message in taken if message not in heartbeats]
        self.lines.extend(f"lost: {message_text(message)}" for message in taken)

    def do_double(self, *links: str) -> None:
        """What waits on the links will come twice."""
        for message in [m for m in self.group.wire if _on(m, links)]:
            self.group.wire.append(message)

    def do_wire(self) -> None:
        """What is under way."""
        self.lines.extend(message_text(message) for message in self.group.wire)

    def _take(self, links: tuple[str, ...]) -> list[Message]:
        taken = [message for message in self.group.wire if _on(message, links)]
        self.group.wire = [message for message in self.group.wire if not _on(message, links)]
        return taken

    def do_cut(self, *rooms: str) -> None:
        """Members in different rooms (``1,2 3,4,5``) cannot reach each other."""
        self.group.cut(*(_ids(room) for room in rooms))

    def do_heal(self) -> None:
        self.group.heal()

    def do_crash(self, *members: str) -> None:
        for member in members:
            self.group.crash(int(member))

    def do_restart(self, *members: str) -> None:
        for member in members:
            self.group.known.pop(int(member), None)
            self.group.restart(int(member))

    def do_crash_before(self, what: str, member: str) -> None:
        """At its next step the member crashes before it can ``write``, or between writing and ``send``."""
        self.group.to_crash[int(member)] = {"write": "persist", "send": "send"}[what]

    def do_state(self) -> None:
        """Role, term and leader of everybody."""
        for member in self.group.configs:
            node = self.group.nodes.get(member)
            if node is None:
                self.lines.append(f"{member}  is down")
                continue
            leader = f"leader {node.leader}" if node.leader else "no leader"
            self.lines.append(f"{member}  {ROLES[node.role]:<13} term {node.term}, {leader}")

    def do_logs(self, *members: str) -> None:
        """All logs: ``term:content``, with ``|`` after what the member knows to be committed."""
        for member in [int(word) for word in members] or self.group.configs:
            node = self.group.nodes.get(member)
            self.lines.append(f"{member}  {_log_text(node)}" if node else f"{member}  is down")

    def do_members(self, *members: str) -> None:
        """Whom each member counts."""
        for member in [int(word) for word in members] or sorted(self.group.nodes):
            self.lines.append(f"{member}  {configuration(self.group.nodes[member])}")

    def do_progress(self, member: str) -> None:
        """What a leader knows of the others."""
        for other, progress in self.group.nodes[int(member)].status().progress.items():
            text = f"{other}  {progress.state.name.lower():<10} has #{progress.match}, next #{progress.next}"
            self.lines.append(text + (f", {progress.inflight} under way" if progress.inflight else ""))

    def do_ballots(self, member: str) -> None:
        """The answers to a member's latest campaign."""
        for ballot in self.group.nodes[int(member)].status().ballots:
            self.lines.append(f"{ballot.voter}  {'yes' if ballot.granted else 'no: ' + ballot.reason}")


def _log_text(node: Any) -> str:
    log = node.log
    words = [f"[snapshot #{node.snapshot.index}]"] if node.snapshot is not None else []
    for index in range(log.offset, log.last + 1):
        if index > log.offset:
            entry = log.entry(index)
            words.append(f"{entry.term}:{content(entry).strip(chr(34))}")
        if index == log.committed:
            words.append("|")
    return " ".join(words)


def _on(m: Message, links: tuple[str, ...]) -> bool:
    if not links:
        return True
    for link in links:
        sender, to = link.split("-")
        if (not sender or m.sender == int(sender)) and (not to or m.to == int(to)):
            return True
    return False


def _ids(text: str) -> tuple[int, ...]:
    return tuple(int(word) for word in text.split(",") if word)


def _value(text: str) -> Any:
    if text in ("yes", "no"):
        return text == "yes"
    return int(text) if text.isdigit() else text
