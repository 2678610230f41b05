"""member list, add, remove, promote, update, and move-leader (etcdctl/ctlv3/command/{member,move_leader}_command.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.etcd import admin
from k8s_tutor.kubectl.etcdctl.asking import USAGE, Refused, endpoints, first, need, number, trouble
from k8s_tutor.kubectl.etcdctl.printing import format_of, header, quoted, say_header, say_json, say_rows
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, At
from k8s_tutor.kubectl.session import Session

HEAD = ["ID", "Status", "Name", "Peer Addrs", "Client Addrs", "Is Learner"]
_BAD_ID = "bad member ID arg ({}), expecting ID in Hex"


def listing(session: Session, words: Words) -> Asking[None]:
    """etcdctl member list"""
    chosen = format_of(words)
    answer: admin.MemberListResult = yield from first(words, admin.MemberList(words.text("consistency", "l") == "l"))
    if chosen == "json":
        say_json(session, {"header": (yield from header(words)), "members": [_tree(one) for one in answer.members]})
    elif chosen == "fields":
        say_header(session, (yield from header(words)))
        for one in answer.members:
            session.say(f'"ID" : {one.id}\n"Name" : {quoted(one.name)}')
            for url in one.peer_urls:
                session.say(f'"PeerURL" : {quoted(url)}')
            for url in one.client_urls:
                session.say(f'"ClientURL" : {quoted(url)}')
            session.say(f'"IsLearner" : {str(one.learner).lower()}\n')
    else:
        say_rows(session, words, HEAD, [_row(one) for one in answer.members])


def _row(one: admin.MemberInfo) -> list[str]:
    status = "started" if one.started else "unstarted"
    return [f"{one.id:x}", status, one.name, ",".join(one.peer_urls), ",".join(one.client_urls), str(one.learner).lower()]


def _tree(one: admin.MemberInfo) -> dict[str, Any]:
    tree = {"ID": one.id, "name": one.name, "peerURLs": list(one.peer_urls), "clientURLs": list(one.client_urls),
            "isLearner": one.learner}  # fmt: skip
    return {key: value for key, value in tree.items() if value}


def add(session: Session, words: Words) -> Asking[None]:
    """etcdctl member add <memberName> --peer-urls=https://cp-4:2380 [--learner]"""
    if not words.positional:
        raise Refused("member name not provided", USAGE)
    if len(words.positional) > 1:
        urls = [f", did you mean --peer-urls={word}" for word in words.positional if word.lower().startswith("http")]
        raise Refused("too many arguments" + "".join(urls), USAGE)
    urls_given = _urls(words)
    answer: admin.MemberChanged = yield from first(words, admin.MemberAdd(urls_given, words.on("learner")))
    if format_of(words, "table", "fields") == "json":
        members = [_tree(one) for one in answer.members]
        say_json(session, {"header": (yield from header(words)), "member": _tree(answer.member), "members": members})
        return
    name, new = words.positional[0], answer.member
    session.say(f"Member {new.id:16x} added to cluster {answer.cluster_id:16x}\n")
    group = [f"{name if one.id == new.id else one.name}={url}" for one in answer.members for url in one.peer_urls]
    session.say(f'ETCD_NAME="{name}"')
    session.say(f'ETCD_INITIAL_CLUSTER="{",".join(group)}"')
    session.say(f'ETCD_INITIAL_ADVERTISE_PEER_URLS="{",".join(urls_given)}"')
    session.say('ETCD_INITIAL_CLUSTER_STATE="existing"')


def _urls(words: Words) -> tuple[str, ...]:
    if not words.text("peer-urls"):
        raise Refused("member peer urls not provided", USAGE)
    return tuple(words.text("peer-urls").split(","))


def _id(words: Words) -> int:
    return number(need(words, 1, 1, "member ID is not provided")[0], _BAD_ID, 16)


def remove(session: Session, words: Words) -> Asking[None]:
    """etcdctl member remove <memberID>"""
    yield from _change(session, words, admin.MemberRemove(_id(words)), "removed from")


def promote(session: Session, words: Words) -> Asking[None]:
    """etcdctl member promote <memberID>"""
    yield from _change(session, words, admin.MemberPromote(_id(words)), "promoted in")


def update(session: Session, words: Words) -> Asking[None]:
    """etcdctl member update <memberID> --peer-urls=..."""
    yield from _change(session, words, admin.MemberUpdate(_id(words), _urls(words)), "updated in")


def _change(session: Session, words: Words, ask: admin.MemberRemove | admin.MemberPromote | admin.MemberUpdate,
            done: str) -> Asking[None]:  # fmt: skip
    answer: admin.MemberChanged = yield from first(words, ask)
    if format_of(words, "table", "fields") == "json":
        say_json(session, {"header": (yield from header(words)), "members": [_tree(one) for one in answer.members]})
    else:
        session.say(f"Member {ask.id:16x} {done} cluster {answer.cluster_id:16x}")


def move_leader(session: Session, words: Words) -> Asking[None]:
    """etcdctl move-leader <transferee-member-id>: looks for the leader among the endpoints and asks it."""
    args = need(words, 1, 1, "move-leader command needs 1 argument")
    target = number(args[0], "{}", 16)
    known = yield from endpoints(words)
    for _, name in known:
        status = yield At(name, admin.Status())
        if isinstance(status, admin.StatusResult) and status.leader == status.id:
            answer = yield At(name, admin.MoveLeader(target))
            if trouble(answer):
                raise Refused(trouble(answer))
            session.say(f"Leadership transferred from {status.id:x} to {target:x}")
            return
    raise Refused(f"no leader endpoint given at [{' '.join(shown for shown, _ in known)}]", USAGE)
