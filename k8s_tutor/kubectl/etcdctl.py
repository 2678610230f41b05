"""``etcdctl``: put, get, del, endpoint status and health, member list (etcdctl v3, output ``simple``).

A program yields bodies of `etcd.wire` instead of HTTP requests; whoever runs it sends them to a member.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from k8s_tutor.etcd import admin, wire
from k8s_tutor.kubectl.errors import Failure, Worded
from k8s_tutor.kubectl.line import Words, read
from k8s_tutor.kubectl.program import Asking
from k8s_tutor.kubectl.session import Session
from k8s_tutor.sim import Body, CallFailed

USAGE = 128
"""Exit status for wrong arguments."""
VERSION = "3.6.0"
FIRST_KEY = "\0"
"""The smallest key there is: what etcdctl asks for when it is given an empty one with --prefix or --from-key."""
_RANGE = "{} command needs one argument as key and an optional argument as range_end"
COMMON = "write-out:w endpoints* command-timeout~ hex! "
FLAGS = {
    "put": COMMON + "prev-kv! ignore-value! lease",
    "get": COMMON + "prefix! keys-only! print-value-only! limit# rev# consistency from-key! count-only! order sort-by",
    "del": COMMON + "prefix! prev-kv! from-key!",
    "endpoint status": COMMON + "cluster!",
    "endpoint health": COMMON + "cluster!",
    "member list": COMMON,
    "version": COMMON,
}
HELP = """NAME:
	etcdctl - A simple command line client for etcd3.

USAGE:
	etcdctl [flags]

COMMANDS:
	del			Removes the specified key or range of keys [key, range_end)
	endpoint health		Checks the healthiness of endpoints specified in `--endpoints` flag
	endpoint status		Prints out the status of endpoints specified in `--endpoints` flag
	get			Gets the key or a range of keys
	member list		Lists all members in the cluster
	put			Puts the given key into the store
	version			Prints the version of etcdctl"""


def run(session: Session, words: list[str]) -> Asking[int]:
    """``words``: the line without ``etcdctl``."""
    name = " ".join(words[:2]) if words[:1] in (["endpoint"], ["member"]) else "".join(words[:1])
    if name in ("", "help", "--help", "-h"):
        session.say(HELP)
        return 0
    if name not in FLAGS:
        raise Worded(f'Error: unknown command "{name}" for "etcdctl"\nRun \'etcdctl --help\' for usage.')
    given = read(words[len(name.split()):], f"etcdctl {name}", FLAGS[name])
    verbs = {"put": _put, "get": _get, "del": _delete, "member list": _members}
    if name == "version":
        session.say(f"etcdctl version: {VERSION}\nAPI version: 3.6")
        return 0
    if name in verbs:
        yield from verbs[name](session, given)
    else:
        yield from _endpoint(session, given, name.endswith("health"))
    return 0


def _ask(body: Body) -> Asking[Any]:
    """One request; raises etcdctl's error for a refusal or silence."""
    answer = yield body
    if isinstance(answer, CallFailed):
        raise Worded("Error: context deadline exceeded" if answer.reason == "timeout" else _no_connection())
    if isinstance(answer, wire.EtcdError):
        raise Worded(f"Error: {answer.message}")
    return answer


def _no_connection() -> str:
    return 'Error: rpc error: code = Unavailable desc = connection error: desc = "transport: connection refused"'


def _need(words: Words, least: int, most: int, text: str) -> tuple[str, ...]:
    if not least <= len(words.positional) <= most:
        raise _Arguments(text)
    return words.positional


class _Arguments(Failure):
    def __init__(self, text: str) -> None:
        super().__init__(f"Error: {text}", USAGE)

    def alone(self) -> str:
        return self.message


def _put(session: Session, words: Words) -> Asking[None]:
    key, value = _need(words, 2, 2, "put command needs 1 argument and input from stdin or 2 arguments")
    answer: wire.PutResult = yield from _ask(wire.Put(key, value.encode(), prev_kv=words.on("prev-kv")))
    if words.text("write-out") == "json":
        session.say(json.dumps({"header": {"revision": answer.revision}}, separators=(",", ":")))
        return
    session.say("OK")
    if words.on("prev-kv") and answer.previous is not None:
        _print_pair(session, words, answer.previous)


def _span(words: Words, args: tuple[str, ...]) -> tuple[str, str]:
    """(key, end of the range) of the arguments and ``--prefix`` or ``--from-key``."""
    key = args[0] if args else ""
    if words.on("prefix") and words.on("from-key"):
        raise _Arguments("`--prefix` and `--from-key` cannot be set at the same time, choose one")
    if len(args) == 2 and (words.on("prefix") or words.on("from-key")):
        raise _Arguments("too many arguments, only accept one argument when `--prefix` or `--from-key` is set")
    if words.on("prefix"):
        return key or FIRST_KEY, wire.prefix_end(key)
    if words.on("from-key"):
        return key or FIRST_KEY, wire.prefix_end("")
    return key, args[1] if len(args) == 2 else ""


def _get(session: Session, words: Words) -> Asking[None]:
    empty_allowed = words.on("prefix") or words.on("from-key")
    args = _need(words, 0 if empty_allowed else 1, 2, _RANGE.format("get"))
    if words.on("keys-only") and words.on("print-value-only"):
        raise _Arguments("keys-only and print-value-only cannot be set at the same time, choose one")
    consistency = words.text("consistency", "l")
    if consistency not in ("l", "s"):
        raise _Arguments(f'unknown consistency flag "{consistency}"')
    key, end = _span(words, args)
    answer: wire.RangeResult = yield from _ask(
        wire.Range(key, end, words.number("rev"), words.number("limit"), consistency == "s", words.on("count-only"),
                   words.on("keys-only"))
    )  # fmt: skip
    if words.text("write-out") == "json":
        session.say(_json(answer))
        return
    if words.text("write-out") == "fields" or words.on("count-only"):
        session.say(f'"Revision" : {answer.revision}')
        for pair in answer.kvs:
            session.say(f'"Key" : "{pair.key}"\n"CreateRevision" : {pair.create_revision}\n"ModRevision" : {pair.mod_revision}')
            session.say(f'"Version" : {pair.version}\n"Value" : "{_text(pair.value)}"')
        session.say(f'"More" : {str(answer.more).lower()}\n"Count" : {answer.count}')
        return
    for pair in answer.kvs:
        _print_pair(session, words, pair)


def _json(answer: wire.RangeResult) -> str:
    pairs = [
        {"key": base64.b64encode(pair.key.encode()).decode(), "create_revision": pair.create_revision,
         "mod_revision": pair.mod_revision, "version": pair.version, "value": base64.b64encode(pair.value).decode()}
        for pair in answer.kvs
    ]  # fmt: skip
    return json.dumps({"header": {"revision": answer.revision}, "kvs": pairs, "count": answer.count}, separators=(",", ":"))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def _print_pair(session: Session, words: Words, pair: wire.KeyValue) -> None:
    if not words.on("print-value-only"):
        session.say(pair.key)
    session.say("" if words.on("keys-only") else _text(pair.value))


def _delete(session: Session, words: Words) -> Asking[None]:
    empty_allowed = words.on("prefix") or words.on("from-key")
    args = _need(words, 0 if empty_allowed else 1, 2, _RANGE.format("del"))
    key, end = _span(words, args)
    answer: wire.DeleteResult = yield from _ask(wire.DeleteRange(key, end, words.on("prev-kv")))
    session.say(str(answer.deleted))
    if words.on("prev-kv"):
        for pair in answer.previous:
            _print_pair(session, words, pair)


def _members(session: Session, words: Words) -> Asking[None]:
    answer: admin.MemberListResult = yield from _ask(admin.MemberList())
    rows = [
        [f"{one.id:x}", "started", one.name, f"https://{one.name}:2380", f"https://{one.name}:2379", "false"]
        for one in answer.members
    ]
    head = ["ID", "STATUS", "NAME", "PEER ADDRS", "CLIENT ADDRS", "IS LEARNER"]
    _print_rows(session, words, head, rows)


def _endpoint(session: Session, words: Words, health: bool) -> Asking[None]:
    if health:
        # Health is a read with a quorum, as etcdctl does it.
        yield from _ask(wire.Range("health"))
        status: admin.StatusResult = yield from _ask(admin.Status())
        session.say(f"{status.name}:2379 is healthy: successfully committed proposal")
        return
    status = yield from _ask(admin.Status())
    leads = status.leader == status.id
    row = [f"{status.name}:2379", f"{status.id:x}", VERSION, str(leads).lower(), "false", str(status.term),
           str(status.index), str(status.applied), "" if status.leader else "etcdserver: no leader"]  # fmt: skip
    head = ["ENDPOINT", "ID", "VERSION", "IS LEADER", "IS LEARNER", "RAFT TERM", "RAFT INDEX", "RAFT APPLIED INDEX", "ERRORS"]
    _print_rows(session, words, head, [row])


def _print_rows(session: Session, words: Words, head: list[str], rows: list[list[str]]) -> None:
    """``simple``: comma separated; ``table``: boxes."""
    if words.text("write-out") != "table":
        for row in rows:
            session.say(", ".join(row))
        return
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    edge = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    session.say(edge)
    session.say("|" + "|".join(f" {cell:^{width}} " for cell, width in zip(head, widths, strict=True)) + "|")
    session.say(edge)
    for row in rows:
        session.say("|" + "|".join(f" {cell:>{width}} " for cell, width in zip(row, widths, strict=True)) + "|")
    session.say(edge)
