"""Members that come, listen, are promoted, go; and what is refused so that no quorum is lost by changing it."""

from __future__ import annotations

import msgspec
import pytest

from k8s_tutor.etcd import errors
from k8s_tutor.etcd.admin import (
    MemberAdd,
    MemberChanged,
    MemberInfo,
    MemberList,
    MemberPromote,
    MemberRemove,
    MemberUpdate,
    MoveLeader,
    MoveLeaderResult,
    Status,
)
from k8s_tutor.etcd.config import CLUSTER_ID, MemberConfig
from k8s_tutor.etcd.member import Member
from k8s_tutor.etcd.wire import EtcdError, Put, PutResult, Range
from k8s_tutor.sim import MS, SECOND, CallFailed
from tests.etcd.clients import Group


def url(name: str) -> str:
    return f"https://{name}:2380"


def opened(size: int, **fields: object) -> Group:
    """A group that has been in touch for long enough to be changed."""
    group = Group(size, **fields)  # type: ignore[arg-type]
    group.elect()
    group.run(7 * SECOND)
    return group


def newcomer(group: Group, number: int) -> str:
    """A process that waits to be let in."""
    peers = tuple(enumerate(group.names, 1))
    name = f"etcd-{number}"
    first = group.world.processes[group.names[0]].config
    config = msgspec.structs.replace(first, id=100 + number, peers=peers, join=True, first=False)
    assert isinstance(config, MemberConfig)
    group.world.add(Member, name, config)
    return name


def joined(group: Group, number: int, learner: bool = False) -> MemberInfo:
    answer = group.ask(group.names[0], MemberAdd((url(f"etcd-{number}"),), learner))
    assert isinstance(answer, MemberChanged), answer
    name = newcomer(group, number)
    group.run(3 * SECOND)
    group.names.append(name)
    return answer.member


@pytest.mark.parametrize("asked", [0, 1, 2])
def test_a_member_is_added_starts_and_has_everything(asked: int) -> None:
    group = opened(3)
    group.ask("etcd-1", Put("a", b"1"))
    answer = group.ask(group.names[asked], MemberAdd((url("etcd-4"),)))
    assert answer.member == MemberInfo(4, "", (url("etcd-4"),))
    assert answer.cluster_id == CLUSTER_ID
    newcomer(group, 4)
    group.run(3 * SECOND)
    assert group.ask("etcd-4", Range("a")).kvs[0].value == b"1"
    listed = group.ask("etcd-4", MemberList())
    assert [(one.id, one.name) for one in listed.members] == [(i, f"etcd-{i}") for i in range(1, 5)]
    assert listed.members[3].client_urls == ("https://etcd-4:2379",)
    assert group.member("etcd-4").node.voters == (1, 2, 3, 4)
    group.names.append("etcd-4")
    group.assert_same_stores()


def test_a_group_of_one_grows_to_five_and_shrinks_to_two() -> None:
    group = opened(1)
    for number in range(2, 6):
        joined(group, number)
        group.run(6 * SECOND)
        group.ask(f"etcd-{number}", Put(f"k{number}", b""))
    assert group.member("etcd-3").node.voters == (1, 2, 3, 4, 5)
    for number in (1, 3, 5):
        assert isinstance(group.ask("etcd-2", MemberRemove(number)), MemberChanged)
        group.names.remove(f"etcd-{number}")
        group.run(7 * SECOND)
    assert group.member("etcd-2").node.voters == (2, 4)
    assert isinstance(group.ask("etcd-4", Put("last", b"")), PutResult)
    group.run(SECOND)
    group.assert_same_stores()
    assert len(group.member("etcd-4").store.keys) == 5


def test_a_removed_member_ends_and_never_comes_back() -> None:
    group = opened(3)
    leader = group.elect()
    gone = next(name for name in group.names if name != leader)
    ident = group.member(gone).id
    group.ask(leader, MemberRemove(ident))
    group.run(3 * SECOND)
    assert group.world.actor(gone) is None
    group.world.restart(gone)
    group.run(SECOND)
    assert group.world.actor(gone) is None
    assert group.ask(leader, MemberRemove(ident)) == EtcdError(errors.ERR_MEMBER_NOT_FOUND)


def test_a_member_that_was_away_when_it_was_removed_ends_when_it_returns() -> None:
    group = opened(3)
    leader = group.elect()
    gone = next(name for name in group.names if name != leader)
    ident = group.member(gone).id
    group.world.pause(gone)
    group.run(3 * SECOND)
    assert isinstance(group.ask(leader, MemberRemove(ident)), MemberChanged), "who is away is no part of the active quorum"
    group.world.resume(gone)
    group.run(10 * SECOND)
    assert group.world.actor(gone) is None


def test_the_leader_can_be_removed() -> None:
    group = opened(3)
    leader = group.elect()
    assert isinstance(group.ask(leader, MemberRemove(group.member(leader).id)), MemberChanged)
    group.names.remove(leader)
    group.run(5 * SECOND)
    assert group.world.actor(leader) is None
    assert isinstance(group.ask(group.names[0], Put("a", b"")), PutResult)


def test_a_learner_listens_and_is_promoted_when_it_is_in_sync() -> None:
    group = opened(3)
    for i in range(30):
        group.ask("etcd-1", Put(f"k{i}", b""))
    answer = group.ask("etcd-1", MemberAdd((url("etcd-4"),), learner=True))
    assert answer.member == MemberInfo(4, "", (url("etcd-4"),), (), True)
    assert group.ask("etcd-1", MemberAdd((url("etcd-5"),), learner=True)) == EtcdError(errors.ERR_TOO_MANY_LEARNERS)
    assert group.ask("etcd-1", MemberPromote(4)) == EtcdError(errors.ERR_LEARNER_NOT_READY)
    assert group.ask("etcd-1", MemberPromote(3)) == EtcdError(errors.ERR_NOT_A_LEARNER)
    newcomer(group, 4)
    group.run(3 * SECOND)
    assert group.ask("etcd-4", Range("k1", serializable=True)).count == 1
    assert group.ask("etcd-4", Range("k1")) == EtcdError(errors.ERR_LEARNER)
    assert group.ask("etcd-4", Put("a", b"")) == EtcdError(errors.ERR_LEARNER)
    assert group.ask("etcd-4", Status()).learner
    assert isinstance(group.ask("etcd-2", MemberPromote(4)), MemberChanged)
    group.run(SECOND)
    assert group.ask("etcd-4", Range("k1")).count == 1
    assert group.member("etcd-1").node.voters == (1, 2, 3, 4)


def test_what_is_refused() -> None:
    group = opened(3)
    ask = lambda body: group.ask("etcd-1", body).message  # noqa: E731
    assert ask(MemberAdd((url("etcd-2"),))) == errors.ERR_PEER_URL_EXISTS
    assert ask(MemberAdd(("nonsense",))) == errors.ERR_BAD_URLS
    assert ask(MemberRemove(77)) == errors.ERR_MEMBER_NOT_FOUND
    assert ask(MemberPromote(77)) == errors.ERR_MEMBER_NOT_FOUND
    assert ask(MemberUpdate(77, (url("x"),))) == errors.ERR_MEMBER_NOT_FOUND
    assert ask(MemberUpdate(1, (url("etcd-2"),))) == errors.ERR_PEER_URL_EXISTS
    assert isinstance(group.ask("etcd-1", MemberAdd((url("etcd-4"),))), MemberChanged)
    assert ask(MemberAdd((url("etcd-5"),))) == errors.ERR_UNHEALTHY, "the fourth is not there yet"


def test_the_last_started_member_of_two_is_not_removed() -> None:
    group = opened(1)
    group.ask("etcd-1", MemberAdd((url("etcd-2"),), learner=True))
    assert group.ask("etcd-1", MemberRemove(1)).message == errors.ERR_NOT_ENOUGH_STARTED


def test_a_healthy_member_is_not_removed_while_another_is_away() -> None:
    group = opened(3)
    leader = group.elect()
    here, away = [name for name in group.names if name != leader]
    group.world.crash(away)
    group.run(6 * SECOND)
    assert group.ask(leader, MemberRemove(group.member(here).id)).message == errors.ERR_UNHEALTHY
    assert isinstance(group.ask(leader, MemberRemove(int(away[-1]))), MemberChanged)


def test_a_second_member_that_never_starts_takes_the_quorum_with_it() -> None:
    group = opened(1)
    assert isinstance(group.ask("etcd-1", MemberAdd((url("nobody"),))), MemberChanged)
    assert group.ask("etcd-1", Put("a", b"")).message == errors.ERR_TIMEOUT


def test_an_address_is_changed() -> None:
    group = opened(3)
    answer = group.ask("etcd-1", MemberUpdate(2, ("https://cp-2:2380",)))
    assert answer.member.peer_urls == ("https://cp-2:2380",)


def test_leadership_is_handed_over_on_request() -> None:
    group = opened(3)
    leader = group.elect()
    other = next(name for name in group.names if name != leader)
    assert group.ask(other, MoveLeader(1)).message == errors.ERR_NOT_LEADER
    assert group.ask(leader, MoveLeader(9)).message == errors.ERR_BAD_TRANSFEREE
    before = group.world.now
    assert group.ask(leader, MoveLeader(group.member(other).id)) == MoveLeaderResult()
    assert group.world.now - before < 100 * MS
    assert group.leaders() == [other]


def test_a_newcomer_that_nobody_has_let_in_waits() -> None:
    group = opened(3)
    newcomer(group, 4)
    group.run(5 * SECOND)
    assert group.member("etcd-4").id == 0
    assert group.ask("etcd-4", Put("a", b"")) == CallFailed("disconnected")
    group.ask("etcd-1", MemberAdd((url("etcd-4"),)))
    group.run(3 * SECOND)
    assert not isinstance(group.ask("etcd-4", Put("a", b"")), (EtcdError, CallFailed))
