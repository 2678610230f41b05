"""compaction, defrag, alarm, snapshot, and etcdutl's part of it (etcdctl/ctlv3/command, etcdutl/etcdutl)."""

from __future__ import annotations

import shlex

from k8s_tutor.etcd import admin, wire
from k8s_tutor.etcd.backend import checksum, load
from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.etcdctl.asking import INTERRUPTED, USAGE, Refused, clock, endpoints, first, need, number, trouble
from k8s_tutor.kubectl.etcdctl.endpoint import STORAGE_VERSION, VERSION
from k8s_tutor.kubectl.etcdctl.printing import format_of, header, human, say_header, say_json, say_rows, took
from k8s_tutor.kubectl.line import Words, read
from k8s_tutor.kubectl.program import Asking, At, Load, Save
from k8s_tutor.kubectl.session import Session

RESTORE_FLAGS = (
    "data-dir name initial-cluster initial-cluster-token initial-advertise-peer-urls bump-revision# mark-compacted! "
    "skip-hash-check!"
)


def compact(session: Session, words: Words) -> Asking[None]:
    """etcdctl compaction <revision> [--physical]"""
    args = need(words, 1, 1, "compaction command needs 1 argument")
    revision = number(args[0], "{}")
    yield from first(words, wire.Compact(revision, words.on("physical")))
    session.say(f"compacted revision {revision}")


def defrag(session: Session, words: Words) -> Asking[None]:
    """etcdctl defrag [--cluster]"""
    failures = 0
    for shown, name in (yield from endpoints(words)):
        begun = yield from clock()
        answer = yield At(name, admin.Defragment())
        time = took((yield from clock()) - begun)
        wrong = trouble(answer)
        if wrong:
            failures += 1
            session.warn(f"Failed to defragment etcd member[{shown}]. took {time}. ({wrong})")
        else:
            session.say(f"Finished defragmenting etcd member[{shown}]. took {time}")
    if failures:
        session.code = 1


# ---------------------------------------------------------------------- alarms


def alarms(session: Session, words: Words) -> Asking[None]:
    """etcdctl alarm list"""
    yield from _alarm(session, words, admin.Alarm("get"))


def disarm(session: Session, words: Words) -> Asking[None]:
    """etcdctl alarm disarm"""
    yield from _alarm(session, words, admin.Alarm("deactivate"))


def _alarm(session: Session, words: Words, ask: admin.Alarm) -> Asking[None]:
    if words.positional:
        raise Refused(f"alarm {'list' if ask.action == 'get' else 'disarm'} command accepts no arguments", USAGE)
    chosen = format_of(words, "table")
    answer: admin.AlarmResult = yield from first(words, ask)
    if chosen == "json":
        found = [{"memberID": member, "alarm": 1 if alarm == admin.NOSPACE else 2} for member, alarm in answer.alarms]
        say_json(session, {"header": (yield from header(words)), **({"alarms": found} if found else {})})
    elif chosen == "fields":
        say_header(session, (yield from header(words)))
        for member, alarm in answer.alarms:
            session.say(f'"MemberID" : {member}\n"AlarmType" : {alarm}\n')
    else:
        for member, alarm in answer.alarms:
            session.say(f"memberID:{member} alarm:{alarm} ")


# ---------------------------------------------------------------------- snapshots


def save(session: Session, words: Words) -> Asking[None]:
    """etcdctl snapshot save <filename>"""
    args = need(words, 1, 1, "snapshot save expects one argument")
    answer: admin.SnapshotBlob = yield from first(words, admin.SnapshotRequest(), INTERRUPTED)
    yield Save(args[0], answer.data)
    session.say(f"Snapshot saved at {args[0]}")
    session.say(f"Server version {VERSION}")


def status(session: Session, words: Words) -> Asking[None]:
    """etcdutl snapshot status <filename>"""
    args = need(words, 1, 1, "snapshot status requires exactly one argument")
    data = yield from _read(args[0])
    try:
        backend = load(data)
    except ValueError:
        raise Refused("invalid database") from None
    store = backend.store
    older = [kv for kv in store.as_of(max(1, store.compacted), "\0", wire.LAST).values() if kv.mod_revision < store.compacted]
    keys, size = len(store.history) + len(older), backend.size
    if format_of(words, "fields") == "json":
        say_json(session, {"hash": checksum(data), "revision": store.revision, "totalKey": keys, "totalSize": size,
                           "version": STORAGE_VERSION})  # fmt: skip
        return
    head = ["hash", "revision", "total keys", "total size", "storage version"]
    say_rows(session, words, head, [[f"{checksum(data):x}", str(store.revision), str(keys), human(size), STORAGE_VERSION]])


def _read(name: str) -> Asking[bytes]:
    data = yield Load(name)
    if not isinstance(data, bytes):
        raise Refused(f"stat {name}: no such file or directory")
    return data


def restore(session: Session, words: Words) -> Asking[None]:
    """etcdutl snapshot restore <filename>: whoever carries out the line puts the data on the managers' disks."""
    args = need(words, 1, 1, "snapshot restore requires exactly one argument")
    if words.on("mark-compacted") and not words.number("bump-revision"):
        raise Refused("--mark-compacted required --bump-revision to be set", USAGE)
    data = yield from _read(args[0])
    try:
        load(data)
    except ValueError:
        raise Refused("snapshot missing hash but --skip-hash-check=false") from None
    session.warn(f'info\tsnapshot/v3_snapshot.go\trestored snapshot\t{{"path": "{args[0]}", "data-dir": "/var/lib/etcd"}}')


def restore_asked(line: str) -> tuple[str, int, bool] | None:
    """(file, revisions to add, whether to mark all as compacted) of a line that restores a backup; None for all others."""
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    if words[:3] != ["etcdutl", "snapshot", "restore"]:
        return None
    try:
        given = read(words[3:], "etcdutl snapshot restore", RESTORE_FLAGS)
    except Failure:
        return None
    if len(given.positional) != 1 or (given.on("mark-compacted") and not given.number("bump-revision")):
        return None
    return given.positional[0], given.number("bump-revision"), given.on("mark-compacted")
