"""Who may join, leave or be promoted: the strict checks that keep a group from losing its quorum by being changed
(etcd server/etcdserver/server.go mayAddMember, mayRemoveMember, mayPromote; api/membership/cluster.go).

Pure: each function returns etcd's error text, or an empty one.
"""

from __future__ import annotations

from collections.abc import Mapping

from k8s_tutor.etcd import errors
from k8s_tutor.etcd.admin import MemberInfo

MAX_LEARNERS = 1
"""etcd --max-learners."""
READY_PERCENT = 90
"""How much of the leader's log a learner must hold to be promoted (readyPercentThreshold)."""

Members = Mapping[int, MemberInfo]


def addresses(urls: tuple[str, ...]) -> str:
    """Whether peer addresses can be addresses at all."""
    good = all(url.partition("://")[0] in ("http", "https") and host_of(url) and url.count(":") == 2 for url in urls)
    return "" if urls and good else errors.ERR_BAD_URLS


def host_of(url: str) -> str:
    """``cp-4`` of ``https://cp-4:2380``."""
    return url.partition("://")[2].partition(":")[0].partition("/")[0]


def process_at(url: str) -> str:
    """The etcd process that listens at a peer address: that of a machine ``cp-4`` is ``etcd-4``; processes have addresses of
    their own, too."""
    host = host_of(url)
    return f"etcd-{host[3:]}" if host.startswith("cp-") else host


def _voters(members: Members) -> list[MemberInfo]:
    return [member for member in members.values() if not member.learner]


def may_add(members: Members, urls: tuple[str, ...], learner: bool, all_connected: bool) -> str:
    """``all_connected``: all voters have been in touch for some time."""
    if not learner:
        voters = _voters(members)
        started = sum(member.started for member in voters)
        size = len(voters) + 1
        alone = started == 1 and size == 2  # a second member may always come to a first one
        if not alone and started < size // 2 + 1:
            return errors.ERR_NOT_ENOUGH_STARTED
    if not all_connected:
        return errors.ERR_UNHEALTHY
    if taken(members, urls):
        return errors.ERR_PEER_URL_EXISTS
    if learner and sum(member.learner for member in members.values()) >= MAX_LEARNERS:
        return errors.ERR_TOO_MANY_LEARNERS
    return ""


def taken(members: Members, urls: tuple[str, ...], but: int = 0) -> bool:
    """Whether another member has one of these addresses."""
    return any(url in member.peer_urls for member in members.values() if member.id != but for url in urls)


def may_remove(members: Members, ident: int, self_id: int, active: Mapping[int, bool]) -> str:
    """``active``: for each voter, whether it has been in touch for some time; one that is not there at all is absent."""
    member = members.get(ident)
    if member is None:
        return errors.ERR_MEMBER_NOT_FOUND
    if member.learner:
        return ""
    others = [other for other in _voters(members) if other.id != ident]
    if not others or sum(other.started for other in others) < len(others) // 2 + 1:
        return errors.ERR_NOT_ENOUGH_STARTED
    if ident != self_id and ident not in active:
        return ""  # who is down is no part of the active quorum
    if sum(active.values()) - 1 < 1 + len(others) // 2:
        return errors.ERR_UNHEALTHY
    return ""


def may_promote(members: Members, ident: int, match: int | None, leader_match: int) -> str:
    """``match``: the last entry that the learner is known to hold; None: the leader does not know it."""
    member = members.get(ident)
    if member is None or match is None:
        return errors.ERR_MEMBER_NOT_FOUND
    if not member.learner:
        return errors.ERR_NOT_A_LEARNER
    if match * 100 < leader_match * READY_PERCENT:
        return errors.ERR_LEARNER_NOT_READY
    voters = _voters(members)
    started = sum(voter.started for voter in voters) + 1
    if started < (len(voters) + 1) // 2 + 1:
        return errors.ERR_NOT_ENOUGH_STARTED
    return ""
