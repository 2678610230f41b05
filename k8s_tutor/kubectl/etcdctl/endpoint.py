"""endpoint status, health and hashkv (etcdctl/ctlv3/command/ep_command.go)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.etcd import admin, wire
from k8s_tutor.kubectl.etcdctl.asking import Refused, clock, endpoints, trouble
from k8s_tutor.kubectl.etcdctl.printing import format_of, human, quoted, say_header, say_json, say_rows, took
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, At
from k8s_tutor.kubectl.session import Session

VERSION, STORAGE_VERSION = "3.6.0", "3.6.0"
HEAD = [
    "endpoint", "ID", "version", "storage version", "db size", "in use", "percentage not in use", "quota", "is leader",
    "is learner", "raft term", "raft index", "raft applied index", "errors", "downgrade target version", "downgrade enabled",
]  # fmt: skip


def status(session: Session, words: Words) -> Asking[None]:
    """etcdctl endpoint status"""
    found, failed = yield from _each(session, words, admin.Status(), "Failed to get the status of endpoint {} ({})")
    chosen = format_of(words)
    if chosen == "json":
        say_json(session, [{"Endpoint": shown, "Status": _tree(one)} for shown, one in found])
    elif chosen == "fields":
        for shown, one in found:
            _say_fields(session, shown, one)
    else:
        say_rows(session, words, HEAD, [_row(shown, one) for shown, one in found])
    if failed:
        raise Refused(failed)


def _each(session: Session, words: Words, body: Any, complaint: str) -> Asking[tuple[list[tuple[str, Any]], str]]:
    """(endpoint, answer) of those that answer, and the last failure. The others are told on stderr."""
    known, found, failed = (yield from endpoints(words)), [], ""
    for shown, name in known:
        answer = yield At(name, body)
        wrong = trouble(answer)
        if wrong:
            session.warn(complaint.format(shown, wrong))
            failed = wrong
        else:
            found.append((shown, answer))
    return found, failed


def _row(shown: str, one: admin.StatusResult) -> list[str]:
    unused = 100 - one.in_use * 100 // one.db_size if one.db_size else 0
    return [
        shown, f"{one.id:x}", VERSION, STORAGE_VERSION, human(one.db_size), human(one.in_use), f"{unused}%", human(one.quota),
        _bool(one.leader == one.id), _bool(one.learner), str(one.term), str(one.index), str(one.applied),
        ", ".join(one.errors), "", "false",
    ]  # fmt: skip


def _bool(value: bool) -> str:
    return str(value).lower()


def _tree(one: admin.StatusResult) -> dict[str, Any]:
    head = {"cluster_id": one.cluster_id, "member_id": one.id, "revision": one.revision, "raft_term": one.term}
    tree = {
        "header": head, "version": VERSION, "dbSize": one.db_size, "leader": one.leader, "raftIndex": one.index,
        "raftTerm": one.term, "raftAppliedIndex": one.applied, "errors": list(one.errors), "dbSizeInUse": one.in_use,
        "isLearner": one.learner, "storageVersion": STORAGE_VERSION, "dbSizeQuota": one.quota,
    }  # fmt: skip
    return {key: value for key, value in tree.items() if value}


def _say_fields(session: Session, shown: str, one: admin.StatusResult) -> None:
    say_header(session, _tree(one)["header"])
    for name, value in (
        ("Version", quoted(VERSION)), ("StorageVersion", quoted(STORAGE_VERSION)), ("DBSize", one.db_size),
        ("DBSizeInUse", one.in_use), ("DBSizeQuota", one.quota), ("Leader", one.leader), ("IsLearner", _bool(one.learner)),
        ("RaftIndex", one.index), ("RaftTerm", one.term), ("RaftAppliedIndex", one.applied),
        ("Errors", f"[{' '.join(one.errors)}]"), ("Endpoint", quoted(shown)),
    ):  # fmt: skip
        session.say(f'"{name}" : {value}')
    session.say("")


def health(session: Session, words: Words) -> Asking[None]:
    """etcdctl endpoint health: a linearizable read, and no alarm."""
    found = []
    for shown, name in (yield from endpoints(words)):
        begun = yield from clock()
        wrong = trouble((yield At(name, wire.Range("health"))))
        time = (yield from clock()) - begun
        if not wrong:
            alarms = yield At(name, admin.Alarm("get"))
            if trouble(alarms):
                wrong = "Unable to fetch the alarm list"
            elif alarms.alarms:
                wrong = "Active Alarm(s): " + "".join(f"{alarm} " for _, alarm in alarms.alarms)
        found.append((shown, wrong, took(time)))
    _say_health(session, words, found)
    if any(wrong for _, wrong, _ in found):
        raise Refused("unhealthy cluster")


def _say_health(session: Session, words: Words, found: list[tuple[str, str, str]]) -> None:
    chosen = format_of(words)
    if chosen == "json":
        say_json(session, [
            {"endpoint": shown, "health": not wrong, "took": time, **({"error": wrong} if wrong else {})}
            for shown, wrong, time in found
        ])  # fmt: skip
    elif chosen == "table":
        rows = [[shown, _bool(not wrong), time, wrong] for shown, wrong, time in found]
        say_rows(session, words, ["endpoint", "health", "took", "error"], rows)
    elif chosen == "fields":
        for shown, wrong, time in found:
            session.say(f'"Endpoint" : {quoted(shown)}\n"Health" : {_bool(not wrong)}\n"Took" : {time}\n"Error" : {wrong}\n')
    else:
        for shown, wrong, time in found:
            if wrong:
                session.warn(f"{shown} is unhealthy: failed to commit proposal: {wrong}")
            else:
                session.say(f"{shown} is healthy: successfully committed proposal: took = {time}")


def hash_kv(session: Session, words: Words) -> Asking[None]:
    """etcdctl endpoint hashkv [--rev N]"""
    body = admin.HashKV(words.number("rev"))
    found, failed = yield from _each(session, words, body, "Failed to get the hash of endpoint {} ({})")
    if format_of(words, "fields") == "json":
        say_json(session, [
            {"Endpoint": shown, "HashKV": {"hash": one.hash, "compact_revision": one.compact_revision,
                                           "hash_revision": one.hash_revision}}
            for shown, one in found
        ])  # fmt: skip
    else:
        rows = [[shown, str(one.hash), str(one.hash_revision)] for shown, one in found]
        say_rows(session, words, ["endpoint", "hash", "hash_revision"], rows)
    if failed:
        raise Refused(failed)
