"""lease grant, revoke, timetolive, keep-alive, list (etcdctl/ctlv3/command/lease_command.go)."""

from __future__ import annotations

import base64
from typing import Any

from k8s_tutor.etcd import admin
from k8s_tutor.etcd.errors import ERR_LEASE_NOT_FOUND
from k8s_tutor.kubectl.etcdctl.asking import BAD_CONNECTION, Refused, first, need, number
from k8s_tutor.kubectl.etcdctl.printing import format_of, header, quoted, say_header, say_json
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking
from k8s_tutor.kubectl.session import Session
from k8s_tutor.sim import SECOND

_BAD_ID = "bad lease ID arg ({}), expecting ID in Hex"


def grant(session: Session, words: Words) -> Asking[None]:
    """etcdctl lease grant <ttl>"""
    args = need(words, 1, 1, "lease grant command needs TTL argument")
    ask = admin.LeaseGrant(number(args[0], "bad TTL ({})"))
    answer: admin.LeaseGrantResult = yield from first(words, ask, wrap="failed to grant lease ({})\n")
    fields = {"ID": answer.id, "TTL": answer.ttl}
    simple = f"lease {answer.id:016x} granted with TTL({answer.ttl}s)"
    yield from _say(session, words, simple, {**fields, "Error": ""}, fields, answer.revision)


def revoke(session: Session, words: Words) -> Asking[None]:
    """etcdctl lease revoke <leaseID>"""
    args = need(words, 1, 1, "lease revoke command needs 1 argument")
    ident = number(args[0], _BAD_ID, 16)
    answer = yield from first(words, admin.LeaseRevoke(ident), wrap="failed to revoke lease ({})\n")
    if format_of(words, "table") == "json":
        say_json(session, {"header": (yield from header(words, answer.revision))})
    elif format_of(words) == "fields":
        say_header(session, (yield from header(words, answer.revision)))
    else:
        session.say(f"lease {ident:016x} revoked")


def time_to_live(session: Session, words: Words) -> Asking[None]:
    """etcdctl lease timetolive <leaseID> [--keys]"""
    args = need(words, 1, 1, "lease timetolive command needs lease ID as argument")
    ask = admin.LeaseTimeToLive(number(args[0], _BAD_ID, 16), words.on("keys"))
    answer: admin.LeaseTimeToLiveResult = yield from first(words, ask, BAD_CONNECTION)
    if answer.ttl == -1 and answer.granted == 0:
        simple = f"lease {answer.id:016x} already expired"
    else:
        simple = f"lease {answer.id:016x} granted with TTL({answer.granted}s), remaining({answer.ttl}s)"
        if words.on("keys"):
            simple += f", attached keys([{' '.join(answer.keys)}])"
    keys = [base64.b64encode(key.encode()).decode() for key in answer.keys] or None
    tree = {"id": answer.id, "ttl": answer.ttl, "granted-ttl": answer.granted, "keys": keys}
    fields: dict[str, Any] = {"ID": answer.id, "TTL": answer.ttl, "GrantedTTL": answer.granted}
    yield from _say(session, words, simple, tree, fields, 0, [("Key", key) for key in answer.keys])


def keep_alive(session: Session, words: Words) -> Asking[None]:
    """etcdctl lease keep-alive <leaseID> [--once]: without ``--once`` until Ctrl-C, three times in each lifetime."""
    args = need(words, 1, 1, "lease keep-alive command needs lease ID as argument")
    ident = number(args[0], _BAD_ID, 16)
    while True:
        answer: admin.LeaseKeepAliveResult = yield from first(words, admin.LeaseKeepAlive(ident), BAD_CONNECTION)
        if answer.ttl <= 0:
            if words.on("once"):
                raise Refused(ERR_LEASE_NOT_FOUND, BAD_CONNECTION)
            session.say(f"lease {ident:016x} expired or revoked.")
            return
        simple = f"lease {ident:016x} keepalived with TTL({answer.ttl})"
        tree = {"ID": ident, "TTL": answer.ttl}
        yield from _say(session, words, simple, tree, tree, 0)
        if words.on("once"):
            return
        yield from session.pause(answer.ttl * SECOND // 3)


def leases(session: Session, words: Words) -> Asking[None]:
    """etcdctl lease list"""
    answer: admin.LeaseLeasesResult = yield from first(words, admin.LeaseLeases())
    simple = "\n".join([f"found {len(answer.ids)} leases", *(f"{ident:016x}" for ident in answer.ids)])
    tree = {"leases": [{"id": ident} for ident in answer.ids]}
    yield from _say(session, words, simple, tree, {}, 0, [("ID", ident) for ident in answer.ids])


def _say(session: Session, words: Words, simple: str, tree: dict[str, Any], fields: dict[str, Any], revision: int,
         more: list[tuple[str, Any]] | None = None) -> Asking[None]:  # fmt: skip
    """A response whose header is part of it."""
    chosen = format_of(words, "table")
    if chosen == "simple":
        session.say(simple)
        return
    head = yield from header(words, revision)
    if chosen == "json":
        say_json(session, {**head, **tree})
        return
    say_header(session, head)
    for name, value in [*fields.items(), *(more or [])]:
        session.say(f'"{name}" : {quoted(value) if isinstance(value, str) else value}')
