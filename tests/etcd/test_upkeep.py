"""Size, quota and alarm; compaction and defragmentation; hashes; copies of the whole database."""

from __future__ import annotations

import pytest

from k8s_tutor.etcd import errors
from k8s_tutor.etcd.admin import (
    NOSPACE,
    Alarm,
    AlarmResult,
    Defragment,
    DefragmentResult,
    HashKV,
    LeaseGrant,
    MemberInfo,
    SnapshotRequest,
    Status,
)
from k8s_tutor.etcd.backend import Backend, dump, load, restored
from k8s_tutor.etcd.wire import Compact, DeleteRange, DeleteResult, EtcdError, Put, PutResult, Range, Txn
from k8s_tutor.sim import SECOND
from tests.etcd.clients import Group

KIB = 1 << 10


def fill(group: Group, key: str = "a") -> int:
    """Puts until there is no space. Returns how many puts there was space for."""
    for count in range(100):
        answer = group.ask("etcd-1", Put(key, b"x" * 8 * KIB))
        if answer == EtcdError(errors.ERR_NO_SPACE):
            return count
        assert isinstance(answer, PutResult)
    raise AssertionError("the quota is not kept")


def test_a_fresh_database_takes_20_kb_of_which_16_are_in_use() -> None:
    status = Group(1).ask("etcd-1", Status())
    assert (status.db_size, status.in_use, status.quota) == (20 * KIB, 16 * KIB, 2 << 30)


def test_a_full_database_refuses_puts_until_it_is_compacted_defragmented_and_disarmed() -> None:
    group = Group(3, quota=200 * KIB)
    group.elect()
    assert 15 <= fill(group) <= 25
    group.run(SECOND)
    assert group.ask("etcd-2", Put("tiny", b"")) == EtcdError(errors.ERR_NO_SPACE), "the alarm holds for all members"
    assert group.ask("etcd-2", LeaseGrant(10)) == EtcdError(errors.ERR_NO_SPACE)
    assert group.ask("etcd-2", Txn((), (Put("tiny", b""),))) == EtcdError(errors.ERR_NO_SPACE)
    assert isinstance(group.ask("etcd-2", Txn((), (DeleteRange("none"),))).responses[0], DeleteResult)
    assert group.ask("etcd-3", Alarm("get")) == AlarmResult(((1, NOSPACE),))
    assert group.ask("etcd-2", Status()).errors == ("memberID:1 alarm:NOSPACE ",)
    revision = group.ask("etcd-1", Range("a")).revision
    group.ask("etcd-1", Compact(revision))
    before = group.ask("etcd-1", Status())
    assert before.db_size > 190 * KIB > 50 * KIB > before.in_use, "pages are free, the file is as large as it was"
    for name in group.names:
        freed = group.ask(name, Defragment())
        assert isinstance(freed, DefragmentResult)
        assert freed.after < 50 * KIB < freed.before
    assert group.ask("etcd-1", Put("tiny", b"")) == EtcdError(errors.ERR_NO_SPACE), "the alarm is still on"
    assert group.ask("etcd-1", Alarm("deactivate")) == AlarmResult(((1, NOSPACE),))
    assert isinstance(group.ask("etcd-1", Put("tiny", b"")), PutResult)
    group.assert_same_stores()


def test_what_is_allowed_while_there_is_no_space() -> None:
    group = Group(1, quota=100 * KIB)
    fill(group)
    assert group.ask("etcd-1", Range("a")).count == 1
    assert group.ask("etcd-1", DeleteRange("a")).deleted == 1
    assert not isinstance(group.ask("etcd-1", Compact(3)), EtcdError)


def test_a_request_that_is_too_large() -> None:
    group = Group(1)
    assert group.ask("etcd-1", Put("a", b"x" * (3 << 19))) == EtcdError(errors.ERR_TOO_LARGE)
    assert isinstance(group.ask("etcd-1", Put("a", b"x" * (1 << 20))), PutResult)


def test_members_that_agree_have_the_same_hash() -> None:
    group = Group(3)
    for i in range(20):
        group.ask("etcd-1", Put(f"k{i % 4}", b"%d" % i))
    group.ask("etcd-1", DeleteRange("k1"))
    group.run(SECOND)
    hashes = {group.ask(name, HashKV(15)).hash for name in group.names}
    assert len(hashes) == 1
    assert group.ask("etcd-1", HashKV(14)).hash not in hashes
    assert group.ask("etcd-1", HashKV(99)) == EtcdError(errors.ERR_FUTURE)


def test_a_copy_of_the_database_is_the_database() -> None:
    group = Group(3)
    group.ask("etcd-1", LeaseGrant(100, 7))
    for i in range(10):
        group.ask("etcd-1", Put(f"k{i % 4}", b"%d" % i, lease=7 * (i % 2)))
    group.ask("etcd-1", Compact(5))
    backend = group.member("etcd-1").backend
    blob = group.ask("etcd-1", SnapshotRequest()).data
    assert list(load(blob).store.history) == list(backend.store.history)
    assert load(blob).store.latest == backend.store.latest
    assert dump(load(blob)) == blob
    for data in (b"", b"nonsense", blob[:-20]):
        with pytest.raises(ValueError, match="no database"):
            load(data)


def test_a_restored_database_has_the_keys_and_a_new_group() -> None:
    backend = Backend(1, (MemberInfo(1, "a", ()),), (1,))
    for i in range(5):
        backend.apply(Put("a", b"%d" % i))
    backend.index, backend.alarms = 40, {(1, NOSPACE): None}
    new = restored(dump(backend), (MemberInfo(8, "b", ()),), 99, bump=1000, compacted=True)
    assert (new.cluster_id, new.index, new.founders, new.alarms) == (99, 0, (8,), {})
    assert new.store.latest == backend.store.latest
    assert (new.store.revision, new.store.compacted) == (1006, 1006)
