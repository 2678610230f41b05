"""The lab's own instruments: the checker of histories, and what a torn write leaves on a disk."""

from __future__ import annotations

import pytest

from k8s_tutor.raft import Entry, HardState, Ready, Snapshot
from k8s_tutor.raft.lab import Operation, linearizable
from k8s_tutor.raft.lab.history import FOREVER
from k8s_tutor.raft.lab.machine import Command, Disk, Machine


def w(value: str, begin: int, end: int = FOREVER, client: str = "a", key: str = "x") -> Operation:
    return Operation(client, key, True, value, begin, end)


def r(value: str, begin: int, end: int, client: str = "b", key: str = "x") -> Operation:
    return Operation(client, key, False, value, begin, end)


GOOD = {
    "nothing at all": [],
    "a read of what was written": [w("1", 0, 1), r("1", 2, 3)],
    "a read of nothing before the first write": [r("", 0, 1), w("1", 2, 3)],
    "a read during a write may see either": [w("1", 0, 1), w("2", 2, 5), r("1", 3, 4), r("2", 6, 7)],
    "two writes at once end in some order": [w("1", 0, 5), w("2", 1, 4, "b"), r("1", 6, 7)],
    "a write without an answer may have happened": [w("1", 0), r("1", 1, 2)],
    "a write without an answer may never happen": [w("1", 0), r("", 1, 2)],
    "a write without an answer may happen late": [w("1", 0, 1), w("2", 2), r("1", 3, 4), r("2", 5, 6)],
    "registers are independent": [w("1", 0, 1), r("", 2, 3, key="y")],
}
BAD = {
    "a stale read": [w("1", 0, 1), w("2", 2, 3), r("1", 4, 5)],
    "a lost write": [w("1", 0, 1), r("", 2, 3)],
    "a value out of nowhere": [r("7", 0, 1)],
    "two readers who disagree about the order": [w("1", 0, 9), w("2", 0, 9, "b"), r("1", 1, 2), r("2", 3, 4), r("1", 5, 6)],
    "a read that goes back in time": [w("1", 0, 1), w("2", 2, 9), r("2", 3, 4), r("1", 5, 6, "c")],
    "a write that happens twice": [w("1", 0, 1), w("2", 2, 3), r("2", 4, 5), r("1", 6, 7)],
}


@pytest.mark.parametrize("name", GOOD)
def test_histories_that_some_order_explains(name: str) -> None:
    assert linearizable(GOOD[name]) is True


@pytest.mark.parametrize("name", BAD)
def test_histories_that_no_order_explains(name: str) -> None:
    assert linearizable(BAD[name]) is False


def test_a_history_that_takes_too_long_is_left_undecided() -> None:
    crowd = [w(str(number), 0, 100, client=str(number)) for number in range(20)]
    assert linearizable([*crowd, r("nowhere", 101, 102)], bound=1_000) is None


def test_a_torn_write_leaves_a_beginning() -> None:
    disk = Disk()
    disk.save(Ready(HardState(1, 1, 0), (Entry(1, 1), Entry(2, 1), Entry(3, 1))))
    disk.save_some(Ready(HardState(2, 0, 0), (Entry(2, 2), Entry(3, 2))), entries=1)
    assert disk.entries == [Entry(1, 1), Entry(2, 2)]
    assert disk.hard_state == HardState(1, 1, 0)
    assert disk.holds(Entry(2, 2)) and not disk.holds(Entry(2, 1)) and not disk.holds(Entry(3, 2))


def test_a_disk_that_was_compacted_holds_the_rest() -> None:
    disk = Disk()
    disk.save(Ready(None, tuple(Entry(index, 1) for index in range(1, 6))))
    disk.compact(Snapshot(4, 1), before=3)
    assert [entry.index for entry in disk.entries] == [4, 5]
    disk.save(Ready(None, (Entry(5, 2), Entry(6, 2))))
    assert [(entry.index, entry.term) for entry in disk.entries] == [(4, 1), (5, 2), (6, 2)]


def test_a_machine_counts_a_doubled_command_once_and_survives_a_snapshot() -> None:
    machine = Machine()
    machine.apply(Command("a", 1, "x", "1"))
    machine.apply(Command("b", 1, "x", "2"))
    machine.apply(Command("a", 1, "x", "1"))
    assert machine.registers == {"x": "2"}
    again = Machine(Snapshot(9, 1, machine.dump()))
    assert (again.applied, again.registers, again.sessions) == (9, {"x": "2"}, {"a": 1, "b": 1})
    assert Command.decode(Command("a", 1, "x", "1").encode()) == Command("a", 1, "x", "1")
