"""The store: revisions, ranges, the past, transactions, compaction; and all of it against a naive model."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8s_tutor.etcd.admin import LeaseGrant
from k8s_tutor.etcd.errors import ERR_KEY_NOT_FOUND, ERR_LEASE_NOT_FOUND, ERR_LEASE_PROVIDED, ERR_VALUE_PROVIDED
from k8s_tutor.etcd.store import MAX_OPS, RECORD, TOMBSTONE, Store
from k8s_tutor.etcd.wire import (
    ERR_COMPACTED,
    ERR_DUPLICATE_KEY,
    ERR_EMPTY_KEY,
    ERR_FUTURE,
    ERR_TOO_MANY_OPS,
    Compact,
    CompactResult,
    Compare,
    DeleteRange,
    DeleteResult,
    EtcdError,
    KeyValue,
    Operation,
    Put,
    PutResult,
    Range,
    RangeResult,
    Txn,
    TxnResult,
    prefix_end,
)


def filled(*keys: str) -> Store:
    """A store with one revision for each key."""
    store = Store()
    for key in keys:
        store.apply(Put(key, key.encode()))
    return store


def names(answer: Any) -> list[str]:
    assert isinstance(answer, RangeResult)
    return [kv.key for kv in answer.kvs]


def one(store: Store, key: str) -> KeyValue:
    answer = store.range(Range(key))
    assert isinstance(answer, RangeResult)
    return answer.kvs[0]


# ---------------------------------------------------------------------------------------------------- revisions


def test_a_fresh_store_stands_at_revision_1_and_each_write_is_one_more() -> None:
    store = Store()
    assert store.revision == 1
    assert store.apply(Put("a", b"1")) == PutResult(2, None)
    assert store.apply(Put("b", b"1")) == PutResult(3, None)
    assert store.apply(DeleteRange("a", "c")).revision == 4  # type: ignore[union-attr]
    assert store.revision == 4


def test_create_and_mod_revision_and_version_of_a_key() -> None:
    store = filled("x", "a")
    assert one(store, "a") == KeyValue("a", b"a", 3, 3, 1)
    before = one(store, "a")
    assert store.apply(Put("a", b"2", prev_kv=True)) == PutResult(4, before)
    assert one(store, "a") == KeyValue("a", b"2", 3, 4, 2)
    store.apply(DeleteRange("a"))
    store.apply(Put("a", b"3"))
    assert one(store, "a") == KeyValue("a", b"3", 6, 6, 1)


def test_what_changes_nothing_makes_no_revision() -> None:
    store = filled("a")
    assert store.apply(DeleteRange("b")) == DeleteResult(2, 0)
    assert store.apply(DeleteRange("b", "c")) == DeleteResult(2, 0)
    assert store.apply(Txn((), (Range("a"),))).revision == 2  # type: ignore[union-attr]
    assert store.apply(Txn((), ())).revision == 2  # type: ignore[union-attr]
    assert store.revision == 2


def test_a_copy_goes_its_own_way() -> None:
    store = filled("a")
    twin = store.copy()
    twin.apply(Put("b", b""))
    store.apply(DeleteRange("a"))
    assert names(store.range(Range("a", "z"))) == []
    assert names(twin.range(Range("a", "z"))) == ["a", "b"]
    assert [event.type for event in twin.events_since(1)] == ["PUT", "PUT"]


# ---------------------------------------------------------------------------------------------------- ranges


def test_a_range_is_half_open_and_in_order_of_keys() -> None:
    store = filled("b", "d", "a", "c")
    assert names(store.range(Range("b", "d"))) == ["b", "c"]
    assert names(store.range(Range("b"))) == ["b"]
    assert names(store.range(Range("bb"))) == []
    assert names(store.range(Range("d", "a"))) == []
    assert names(store.range(Range("b", prefix_end("")))) == ["b", "c", "d"]


def test_a_prefix_ends_where_the_next_one_begins() -> None:
    store = filled("/pods/a", "/pods/b", "/pods0", "/pod")
    assert names(store.range(Range("/pods/", prefix_end("/pods/")))) == ["/pods/a", "/pods/b"]


def test_limit_count_and_more() -> None:
    store = filled("a", "b", "c")
    answer = store.range(Range("a", "z", limit=2))
    assert names(answer) == ["a", "b"]
    assert (answer.count, answer.more) == (3, True)  # type: ignore[union-attr]
    answer = store.range(Range("a", "z", limit=3))
    assert (answer.count, answer.more) == (3, False)  # type: ignore[union-attr]
    assert store.range(Range("a", "z", count_only=True)) == RangeResult(4, (), 3)


def test_keys_only_leaves_the_values_out() -> None:
    assert filled("a").range(Range("a", "z", keys_only=True)) == RangeResult(2, (KeyValue("a", b"", 2, 2, 1),), 1)


def test_no_key_is_an_error() -> None:
    store = Store()
    refused = Range(""), Put("", b""), DeleteRange(""), Txn((Compare("", "mod", "=", 0),), ()), Txn((), (Put("", b""),))
    for operation in refused:
        assert store.apply(operation) == EtcdError(ERR_EMPTY_KEY)
    assert store.revision == 1


# ---------------------------------------------------------------------------------------------------- the past


def test_an_old_revision_is_read_as_it_was() -> None:
    store = filled("a", "b")
    store.apply(Put("a", b"new"))
    store.apply(DeleteRange("b"))
    assert store.range(Range("a", "z", revision=2)) == RangeResult(5, (KeyValue("a", b"a", 2, 2, 1),), 1)
    assert names(store.range(Range("a", "z", revision=3))) == ["a", "b"]
    assert names(store.range(Range("a", "z", revision=4))) == ["a", "b"]
    assert names(store.range(Range("a", "z", revision=5))) == ["a"]
    assert names(store.range(Range("a", "z", revision=1))) == []
    assert store.range(Range("b", revision=3)).count == 1  # type: ignore[union-attr]


def test_a_deletion_is_an_event_with_the_key_the_revision_and_what_was_there() -> None:
    store = filled("a", "b", "c")
    old = [one(store, key) for key in "ab"]
    assert store.apply(DeleteRange("a", "c", prev_kv=True)) == DeleteResult(5, 2, tuple(old))
    events = store.events_since(5)
    assert [(event.type, event.kv) for event in events] == [
        ("DELETE", KeyValue("a", b"", 0, 5, 0)), ("DELETE", KeyValue("b", b"", 0, 5, 0)),
    ]  # fmt: skip
    assert [event.previous for event in events] == old


def test_the_future_is_an_error() -> None:
    store = filled("a")
    assert store.range(Range("a", revision=3)) == EtcdError(ERR_FUTURE)
    assert store.apply(Compact(3)) == EtcdError(ERR_FUTURE)


def test_events_since_a_revision_are_all_of_it_and_later() -> None:
    store = filled("a", "b")
    store.apply(Txn((), (Put("c", b""), Put("d", b""))))
    assert [event.kv.key for event in store.events_since(3)] == ["b", "c", "d"]
    assert [event.kv.key for event in store.events_since(4)] == ["c", "d"]
    assert store.events_since(5) == []
    assert len(store.events_since(0)) == 4


def test_compaction_forgets_what_is_older_than_its_revision() -> None:
    store = filled("a", "b", "c")
    assert store.apply(Compact(3)) == CompactResult(4)
    assert store.range(Range("a", revision=2)) == EtcdError(ERR_COMPACTED)
    assert names(store.range(Range("a", "z", revision=3))) == ["a", "b"]
    assert names(store.range(Range("a", "z"))) == ["a", "b", "c"]
    assert store.apply(Compact(3)) == EtcdError(ERR_COMPACTED)
    assert store.apply(Compact(2)) == EtcdError(ERR_COMPACTED)
    assert store.apply(Compact(4)) == CompactResult(4)


# ---------------------------------------------------------------------------------------------------- transactions

HELD = {"version": 2, "create": 3, "mod": 4, "value": b"m"}
LESS = {"version": 1, "create": 2, "mod": 3, "value": b"a"}
MORE = {"version": 3, "create": 4, "mod": 5, "value": b"z"}


@pytest.mark.parametrize("target", ["version", "create", "mod", "value"])
@pytest.mark.parametrize(
    ("op", "holds"),
    [("=", (False, True, False)), ("!=", (True, False, True)), ("<", (False, False, True)), (">", (True, False, False))],
)
def test_every_compare(target: str, op: str, holds: tuple[bool, ...]) -> None:
    store = filled("x", "k")
    store.apply(Put("k", b"m"))
    for operand, expected in zip((LESS[target], HELD[target], MORE[target]), holds, strict=True):
        answer = store.apply(Txn((Compare("k", target, op, operand),), ()))
        assert isinstance(answer, TxnResult)
        assert answer.succeeded is expected


@pytest.mark.parametrize("target", ["version", "create", "mod"])
def test_an_absent_key_compares_as_zero(target: str) -> None:
    for op, operand, expected in (("=", 0, True), ("!=", 0, False), ("<", 1, True), (">", 0, False)):
        answer = Store().apply(Txn((Compare("k", target, op, operand),), ()))
        assert answer.succeeded is expected  # type: ignore[union-attr]


@pytest.mark.parametrize("op", ["=", "!=", "<", ">"])
def test_the_value_of_an_absent_key_compares_as_nothing(op: str) -> None:
    assert not Store().apply(Txn((Compare("k", "value", op, b""),), ())).succeeded  # type: ignore[union-attr]


def test_several_operations_are_one_revision() -> None:
    store = filled("a", "b")
    answer = store.apply(Txn((), (Put("c", b"1"), DeleteRange("a", "c"), Range("a", "z"), Put("d", b"2"))))
    assert isinstance(answer, TxnResult)
    assert (answer.revision, store.revision) == (4, 4)
    assert names(answer.responses[2]) == ["c"], "a range sees what was written before it"
    assert answer.responses[2].revision == 4
    assert [(event.type, event.kv.key, event.kv.mod_revision) for event in store.events_since(4)] == [
        ("PUT", "c", 4), ("DELETE", "a", 4), ("DELETE", "b", 4), ("PUT", "d", 4),
    ]  # fmt: skip
    assert names(store.range(Range("a", "z", revision=3))) == ["a", "b"]


def test_a_range_in_a_transaction_can_read_the_revision_before_it() -> None:
    store = filled("a")
    answer = store.apply(Txn((), (Put("a", b"new"), Range("a", revision=2))))
    assert answer.responses[1].kvs[0].value == b"a"  # type: ignore[union-attr]


def test_compares_that_fail_take_the_other_branch() -> None:
    store = filled("a")
    txn = Txn((Compare("a", "mod", "=", 2), Compare("a", "value", "=", b"x")), (Put("a", b"1"),), (Range("a"),))
    answer = store.apply(txn)
    assert isinstance(answer, TxnResult)
    assert (answer.succeeded, names(answer.responses[0]), store.revision) == (False, ["a"], 2)


@pytest.mark.parametrize(
    "branch",
    [
        (Put("a", b"1"), Put("b", b""), Put("a", b"2")),
        (Put("a", b"1"), DeleteRange("a")),
        (DeleteRange("a", "c"), Put("b", b"1")),
    ],
)
def test_a_key_may_be_written_once_a_transaction(branch: tuple[Operation, ...]) -> None:
    store = filled("a")
    for txn in (Txn((), branch), Txn((), (), branch)):
        assert store.apply(txn) == EtcdError(ERR_DUPLICATE_KEY)
    assert store.revision == 2
    assert store.apply(Txn((), (DeleteRange("a"), DeleteRange("a", "c"), Put("c", b"")))).revision == 3  # type: ignore[union-attr]


def test_too_many_operations() -> None:
    store = Store()
    puts = tuple(Put(f"k{i}", b"") for i in range(MAX_OPS + 1))
    compares = tuple(Compare(f"k{i}", "mod", "=", 0) for i in range(MAX_OPS + 1))
    assert store.apply(Txn((), puts)) == EtcdError(ERR_TOO_MANY_OPS)
    assert store.apply(Txn((), (), puts)) == EtcdError(ERR_TOO_MANY_OPS)
    assert store.apply(Txn(compares, ())) == EtcdError(ERR_TOO_MANY_OPS)
    assert store.apply(Txn(compares[1:], puts[1:])).revision == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(("revision", "text"), [(99, ERR_FUTURE), (2, ERR_COMPACTED)])
def test_a_transaction_that_cannot_read_writes_nothing(revision: int, text: str) -> None:
    store = filled("a", "b")
    store.apply(Compact(3))
    assert store.apply(Txn((), (Put("c", b""), Range("a", revision=revision)))) == EtcdError(text)
    assert names(store.range(Range("a", "z"))) == ["a", "b"]
    assert (store.revision, len(store.history)) == (3, 1)


def test_a_nested_transaction_decides_before_anything_is_written() -> None:
    store = filled("a")
    inner = Txn((Compare("a", "value", "=", b"a"),), (Put("b", b"then"),), (Put("b", b"else"),))
    answer = store.apply(Txn((), (Put("a", b"new"), inner, Range("b"))))
    assert isinstance(answer, TxnResult)
    assert isinstance(answer.responses[1], TxnResult)
    assert answer.responses[1].succeeded, "it compared with what was there before"
    assert one(store, "b").value == b"then"
    assert store.revision == 3


@pytest.mark.parametrize(("branch", "fine"), [
    ((Put("a", b""), Txn((), (Put("a", b""),))), False),
    ((Txn((), (Put("a", b""),), (Put("a", b""),)), Put("b", b"")), True),
    ((Txn((), (Put("a", b""),)), Txn((), (), (Put("a", b""),))), False),
    ((DeleteRange("a", "c"), Txn((), (Put("b", b""),))), False),
    ((Put("b", b""), Txn((), (DeleteRange("a", "c"),))), False),
])  # fmt: skip
def test_keys_are_written_once_across_nested_transactions(branch: tuple[Operation, ...], fine: bool) -> None:
    answer = Store().apply(Txn((), branch))
    assert (answer != EtcdError(ERR_DUPLICATE_KEY)) is fine


def test_nested_transactions_share_the_limit() -> None:
    inner = Txn((), tuple(Put(f"k{i}", b"") for i in range(127)))
    assert Store().apply(Txn((), (inner,))).revision == 2  # type: ignore[union-attr]
    assert Store().apply(Txn((), (inner, Put("x", b"")))) == EtcdError(ERR_TOO_MANY_OPS)


def test_a_compare_of_a_range_holds_for_all_its_keys() -> None:
    store = filled("a", "b", "c")
    for end, op, value, expected in (("c", "<", 4, True), ("d", "<", 4, False), ("z", ">", 1, True)):
        answer = store.apply(Txn((Compare("a", "mod", op, value, end),), ()))
        assert answer.succeeded is expected  # type: ignore[union-attr]
    nothing = Txn((Compare("x", "version", "=", 0, "z"),), ())
    assert store.apply(nothing).succeeded  # type: ignore[union-attr]
    assert not store.apply(Txn((Compare("x", "value", "!=", b"v", "z"),), ())).succeeded  # type: ignore[union-attr]


def test_what_is_ignored_is_kept() -> None:
    store = filled("a")
    store.apply(LeaseGrant(60, 7))
    store.apply(Put("a", b"1", lease=7))
    store.apply(Put("a", b"", ignore_value=True, lease=0))
    assert (one(store, "a").value, one(store, "a").lease) == (b"1", 0)
    assert store.apply(Put("x", b"", ignore_value=True)) == EtcdError(ERR_KEY_NOT_FOUND)
    assert store.apply(Put("a", b"2", ignore_value=True)) == EtcdError(ERR_VALUE_PROVIDED)
    assert store.apply(Put("a", b"", lease=7, ignore_lease=True)) == EtcdError(ERR_LEASE_PROVIDED)
    assert store.apply(Txn((), (Put("b", b""), Put("a", b"", lease=9)))) == EtcdError(ERR_LEASE_NOT_FOUND)
    assert names(store.range(Range("b"))) == []


# ---------------------------------------------------------------------------------------------------- order and bounds


@pytest.mark.parametrize(("target", "order", "expected"), [
    ("key", "descend", "dcba"), ("key", "", "abcd"), ("create", "ascend", "bdac"), ("create", "descend", "cadb"),
    ("mod", "", "dacb"), ("version", "descend", "bacd"), ("value", "ascend", "cadb"),
])  # fmt: skip
def test_results_are_sorted(target: str, order: str, expected: str) -> None:
    store = Store()
    for key, value in (("b", b"0"), ("d", b"3"), ("a", b"2"), ("c", b"1"), ("b", b"4")):
        store.apply(Put(key, value))
    assert "".join(names(store.range(Range("a", "z", sort_target=target, sort_order=order)))) == expected
    assert "".join(names(store.range(Range("a", "z", sort_target=target, sort_order=order, limit=2)))) == expected[:2]


def test_bounds_take_keys_away_and_leave_the_count() -> None:
    store = filled("a", "b", "c", "d")
    answer = store.range(Range("a", "z", min_mod=3, max_mod=4))
    assert (names(answer), answer.count) == (["b", "c"], 4)  # type: ignore[union-attr]
    assert names(store.range(Range("a", "z", min_create=4))) == ["c", "d"]
    assert names(store.range(Range("a", "z", max_create=3, limit=1))) == ["a"]


# ---------------------------------------------------------------------------------------------------- the model


class Naive:
    """The same, with a full snapshot for each revision."""

    def __init__(self) -> None:
        self.snapshots: list[dict[str, KeyValue]] = [{}, {}]
        self.events: list[tuple[str, str, int]] = []

    def write(self, operations: tuple[Operation, ...]) -> None:
        state, revision, changed = dict(self.snapshots[-1]), len(self.snapshots), False
        for operation in operations:
            if isinstance(operation, Put):
                old = state.get(operation.key)
                created, version = (old.create_revision, old.version + 1) if old else (revision, 1)
                state[operation.key] = KeyValue(operation.key, operation.value, created, revision, version)
                self.events.append(("PUT", operation.key, revision))
                changed = True
            elif isinstance(operation, DeleteRange):
                for key in sorted(state):
                    if operation.key <= key < operation.end or (not operation.end and key == operation.key):
                        del state[key]
                        self.events.append(("DELETE", key, revision))
                        changed = True
        if changed:
            self.snapshots.append(state)

    def range(self, key: str, end: str, revision: int) -> list[KeyValue]:
        state = self.snapshots[revision]
        return [state[k] for k in sorted(state) if (key <= k < end if end else k == key)]


class Ask(NamedTuple):
    key: str
    end: str
    revision: int
    limit: int


KEYS = st.sampled_from(["a", "aa", "b", "c", "d"])
ENDS = st.sampled_from(["", "", "aa", "b", "c", "e"])
WRITES = st.one_of(st.builds(Put, KEYS, st.binary(max_size=2)), st.builds(DeleteRange, KEYS, ENDS))
TXNS = st.builds(
    Txn,
    st.lists(st.builds(Compare, KEYS, st.sampled_from(["mod", "create", "version"]), st.sampled_from("=<>"), st.integers(0, 4)),
             max_size=1).map(tuple),
    st.lists(WRITES, max_size=3).map(tuple), st.lists(WRITES, max_size=3).map(tuple),
)  # fmt: skip
COMPACTIONS = st.builds(Compact, st.integers(1, 15))
ASKS = st.builds(Ask, KEYS, ENDS, st.integers(0, 30), st.integers(0, 3))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(WRITES, TXNS, COMPACTIONS), max_size=25), st.lists(ASKS, min_size=1, max_size=10), st.integers(0, 30))
def test_the_store_is_the_naive_model(operations: list[Any], asks: list[Ask], since: int) -> None:
    store, model = Store(), Naive()
    for operation in operations:
        result = store.apply(operation)
        if isinstance(operation, Compact):
            good = store.compacted == operation.revision and isinstance(result, CompactResult)
            assert good or result in (EtcdError(ERR_COMPACTED), EtcdError(ERR_FUTURE))
        elif isinstance(result, EtcdError):
            assert result.message == ERR_DUPLICATE_KEY
        elif isinstance(operation, Txn):
            assert isinstance(result, TxnResult)
            model.write(operation.success if result.succeeded else operation.failure)
        else:
            model.write((operation,))
        assert store.revision == len(model.snapshots) - 1
    assert store.keys == sorted(store.latest) == sorted(model.snapshots[-1])
    for ask in asks:
        answer = store.range(Range(ask.key, ask.end, ask.revision, ask.limit))
        if ask.revision > store.revision:
            assert answer == EtcdError(ERR_FUTURE)
            continue
        if 0 < ask.revision < store.compacted:
            assert answer == EtcdError(ERR_COMPACTED)
            continue
        expected = model.range(ask.key, ask.end, ask.revision or store.revision)
        shown = tuple(expected[: ask.limit] if ask.limit else expected)
        assert answer == RangeResult(store.revision, shown, len(expected), len(shown) < len(expected))
    told = [(event.type, event.kv.key, event.kv.mod_revision) for event in store.events_since(since)]
    assert told == [event for event in model.events if event[2] >= max(since, store.compacted)]
    oldest = store.as_of(max(1, store.compacted), "", "z").values()
    kept = {(kv.key, kv.mod_revision): len(kv.key) + len(kv.value) + RECORD for kv in oldest}
    for event in store.history:
        kv = event.kv
        kept[kv.key, kv.mod_revision] = len(kv.key) + (len(kv.value) + RECORD if event.type == "PUT" else TOMBSTONE)
    assert store.used == sum(kept.values()), "what is measured is what is kept"
