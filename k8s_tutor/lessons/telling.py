"""What happens in a world, told as lines: work only, and at a density that a person can follow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.wireview import flight
from k8s_tutor.lessons.debrief import words
from k8s_tutor.lessons.lens import Lens
from k8s_tutor.lessons.stage import Stage
from k8s_tutor.sim import TIMER, WORK, Given, Lost, Note

CONSENSUS_ONLY = (
    "AppendEntries", "AppendEntriesReply", "Propose", "PreVoteReply", "ReadIndex", "ReadIndexReply", "Heartbeat",
    "HeartbeatReply",
)  # fmt: skip
"""Kinds that are told only where etcd is all there is."""
TOLD_KINDS = frozenset((*CONSENSUS_ONLY, "RequestVote", "Vote", "PreVote", "POST", "PUT", "PATCH", "DELETE"))
"""Kinds of messages that are told; of the others a note says the same, or they say little."""
LEFT_OUT = ("/status", "/events", "/binding")
"""Ends of paths that are not told: reports and what a note says better."""
SAID_BY_OTHERS = (
    "console.", "api.", "scheduler.decided", "kubelet.", "runtime.ready", "cni.del", "lb.connected", "lb.reset", "lb.refused",
    "proxy.",
)  # fmt: skip
"""Notes that are left out."""
LONGEST_TYPED = 320
"""Letters of a typed line that is told as it was typed: whoever reads along wants to type it, too."""
SHOWN, WHOLE = 12, 200
"""Lines of an answer that are told: of one that is shown, of one that somebody works with."""
REPEATS = 3
"""Lines of one kind in a row before the rest is summed up."""


class Teller:
    """Follows one stage's log."""

    def __init__(self, stage: Stage, lens: Lens, stages: Sequence[Stage], most: int = SHOWN) -> None:
        """``most``: lines of one answer that are told."""
        self.stage = stage
        self._most = most
        self.lens = lens
        self._prefix = f"{stage.title}: " if len(stages) > 1 else ""
        self._consensus = stage.cluster.spec.components == "etcd" or stage.cluster.spec.workers == 0
        self._next = stage.reader.since.record
        self._told = 0
        self._bookkeeping: tuple[str, ...] = ()
        """The latest writes over an object, each told once: a controller keeps its counts with many of them."""
        self._said = {answer.id: len((answer.stdout + answer.stderr).strip()) for answer in stage.lines()}
        """How many letters of a line's answer have been told."""
        new = {answer.id for answer in stage.reader.since.lines(stage.cluster)}
        self._answered: set[int] = {answer.id for answer in stage.lines() if answer.code != -1} - new

    def lines(self) -> list[tuple[int, int, str]]:
        """(instant, order, text) of all that is new."""
        records = self.stage.cluster.world.log.records()
        out: list[tuple[int, int, str]] = []
        last, count = "", 0
        for index in range(self._next, len(records)):
            found = self._line(records[index])
            if found is None:
                continue
            at, kind, text = found
            count = count + 1 if kind == last else 1
            last = kind
            if kind == "PUT" and text in self._bookkeeping:
                continue
            self._bookkeeping = (*self._bookkeeping[-3:], text) if kind == "PUT" else self._bookkeeping
            if count <= REPEATS or not kind.startswith("Append"):
                self._told += 1
                out.append((at, self._told, self._prefix + text))
        self._next = len(records)
        return out + self._answers()

    def _line(self, record: Any) -> tuple[int, str, str] | None:
        if isinstance(record, Given):
            who = f"{record.input.client}: " if isinstance(record.input, inputs.Kubectl) else ""
            return record.at, "given", f"{who}{words(record.input, self.lens, LONGEST_TYPED)}"
        if isinstance(record, Note):
            return self._note(record)
        if isinstance(record, Lost):
            return self._message(record.envelope, record.at, record.reason)
        if record[7] & WORK and not record[7] & TIMER and record[2] != record[3]:
            return self._message(record, record[0], "")
        return None

    def _message(self, message: Any, at: int, reason: str) -> tuple[int, str, str] | None:
        seen = flight(self.stage.cluster.world, message, reason or "arrived")
        if seen.kind not in TOLD_KINDS or not message[7] & WORK or (not self._consensus and seen.kind in CONSENSUS_ONLY):
            return None
        if seen.src == "lb" or seen.text.endswith(LEFT_OUT) or "/events/" in seen.text:
            return None
        ending = {"": "", "down": "  (nobody there)", "cut": "  (the cable is cut)"}.get(reason, f"  ({reason})")
        said = self.lens.message(seen) if seen.kind in self.lens.messages else f"{seen.kind} {seen.text}".strip()
        return at, seen.kind, f"{self.lens.name(seen.src)} → {self.lens.name(seen.dst)}  {said}{ending}"

    def _note(self, note: Note) -> tuple[int, str, str] | None:
        from k8s_tutor.cluster.why import note_view

        if note.kind.startswith(SAID_BY_OTHERS) or (note.kind == "raft.commit" and not self._consensus):
            return None
        text = self.lens.note(note_view(self.stage.cluster.world, note))
        return (note.at, note.kind, text) if text else None

    def _answers(self) -> list[tuple[int, int, str]]:
        """What the console answered, as far as it has come: a watch answers again and again."""
        out = []
        for answer in self.stage.lines():
            if answer.id in self._answered:
                continue
            text = (answer.stdout + answer.stderr).strip()
            if answer.code != -1:
                self._answered.add(answer.id)
            said = self._said.get(answer.id, 0)
            self._said[answer.id] = len(text)
            heard = [line for line in text[said:].splitlines() if line.strip()]
            more = [f"… ({len(heard) - self._most} more lines)"] if len(heard) > self._most else []
            for line in heard[: self._most] + more:
                self._told += 1
                at = self.stage.cluster.now if answer.code == -1 else answer.done_at
                out.append((at, self._told, f"{self._prefix}{answer.client} reads: {line}"))
        return out
