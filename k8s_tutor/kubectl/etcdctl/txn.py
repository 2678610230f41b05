"""txn and watch (etcdctl/ctlv3/command/{txn,watch}_command.go).

What the real txn reads from its standard input, ours takes as arguments: one a line, an empty one between compares, requests
for success and requests for failure.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from k8s_tutor.etcd import wire
from k8s_tutor.kubectl.etcdctl import keys
from k8s_tutor.kubectl.etcdctl.asking import INTERRUPTED, INVALID_INPUT, USAGE, Refused, first
from k8s_tutor.kubectl.etcdctl.printing import (
    format_of,
    header,
    say_fields,
    say_header,
    say_json,
    say_pair,
    tree_of,
)
from k8s_tutor.kubectl.line import Words, read, split
from k8s_tutor.kubectl.program import Asking, Listen
from k8s_tutor.kubectl.session import Session
from k8s_tutor.sim import CallFailed

WATCH_FLAGS = "prefix! rev# prev-kv! progress-notify!"
_COMPARE = re.compile(r'(\w+)\("((?:[^"\\]|\\.)*)"\)\s*(\S+)\s*"((?:[^"\\]|\\.)*)"')
_TARGETS = {
    "ver": "version", "version": "version", "c": "create", "create": "create", "m": "mod", "mod": "mod", "val": "value",
    "value": "value", "lease": "lease",
}  # fmt: skip
_REQUESTS: dict[str, tuple[str, Callable[[Words], wire.Operation]]] = {
    "put": (keys.PUT_FLAGS, keys.put_of), "get": (keys.GET_FLAGS, keys.get_of), "del": (keys.DEL_FLAGS, keys.del_of),
}  # fmt: skip


# ---------------------------------------------------------------------- txn


def txn(session: Session, words: Words) -> Asking[None]:
    """etcdctl txn 'mod("key1") > "0"' '' 'put key1 new' '' 'put key1 created'"""
    chosen = format_of(words, "table")
    compares, success, failure = _parts(words.positional)
    ask = wire.Txn(tuple(map(_compare, compares)), tuple(map(_request, success)), tuple(map(_request, failure)))
    answer: wire.TxnResult = yield from first(words, ask)
    if chosen == "json":
        head = yield from header(words, answer.revision)
        tree = {"header": head, "succeeded": answer.succeeded, "responses": list(map(_tree, answer.responses))}
        say_json(session, {key: value for key, value in tree.items() if value})
        return
    if chosen == "fields":
        say_header(session, (yield from header(words, answer.revision)))
        session.say(f'"Succeeded" : {str(answer.succeeded).lower()}')
        return
    session.say("SUCCESS" if answer.succeeded else "FAILURE")
    for response in answer.responses:
        session.say("")
        if isinstance(response, wire.PutResult):
            keys.say_put(session, words, response)
        elif isinstance(response, wire.DeleteResult):
            keys.say_delete(session, words, response)
        elif isinstance(response, wire.RangeResult):
            for pair in response.kvs:
                say_pair(session, words, pair)


def _parts(lines: tuple[str, ...]) -> tuple[list[str], list[str], list[str]]:
    parts: list[list[str]] = [[], [], []]
    place = 0
    for line in lines:
        if line.strip():
            parts[place].append(line.strip())
        elif place < 2:
            place += 1
    return parts[0], parts[1], parts[2]


def _compare(line: str) -> wire.Compare:
    found = _COMPARE.fullmatch(line)
    if found is None:
        raise Refused(f"malformed comparison: {line}", INVALID_INPUT)
    name, key, op, value = found.groups()
    if name not in _TARGETS:
        raise Refused(f"malformed comparison: {line} (unknown target {name})", INVALID_INPUT)
    if op not in ("=", "!=", "<", ">"):
        raise Refused(f"malformed comparison: {line} (unknown op {op})", INVALID_INPUT)
    target = _TARGETS[name]
    if target == "value":
        return wire.Compare(key, target, op, value.encode())
    try:
        return wire.Compare(key, target, op, int(value, 16 if target == "lease" else 10))
    except ValueError:
        text = f'strconv.ParseInt: parsing "{value}": invalid syntax'
        raise Refused(f"invalid txn compare request: {line} ({text})", INVALID_INPUT) from None


def _request(line: str) -> wire.Operation:
    words = split(line)
    if len(words) < 2 or words[0] not in _REQUESTS:
        raise Refused(f"invalid txn request: {line}", INVALID_INPUT)
    flags, make = _REQUESTS[words[0]]
    return make(read(words[1:], f"etcdctl {words[0]}", flags))


def _tree(response: wire.Response) -> Any:
    head = {"revision": response.revision}
    if isinstance(response, wire.PutResult):
        return {"Response": {"response_put": {"header": head}}}
    if isinstance(response, wire.DeleteResult):
        return {"Response": {"response_delete_range": {"header": head, "deleted": response.deleted}}}
    if isinstance(response, wire.RangeResult):
        pairs = [tree_of(pair) for pair in response.kvs]
        return {"Response": {"response_range": {"header": head, "kvs": pairs, "count": response.count}}}
    return {"Response": {"response_txn": {"header": head, "succeeded": response.succeeded}}}


# ---------------------------------------------------------------------- watch


def watch(session: Session, words: Words) -> Asking[None]:
    """etcdctl watch <key> [range_end]: tells events until something else is typed. When its member is gone it goes on with
    the next one, from where it was."""
    chosen = format_of(words, "table")
    if not words.positional or words.rest is not None:
        raise Refused("bad number of arguments", USAGE)
    if len(words.positional) == 2 and words.on("prefix"):
        raise Refused("`range_end` and `--prefix` are mutually exclusive", USAGE)
    key, end = keys.span(words, words.positional[:2])
    revision = words.number("rev")
    while True:
        yield from first(words, wire.WatchCreate(key, end, revision, words.on("prev-kv"), words.on("progress-notify")))
        while True:
            frame = yield Listen()
            if isinstance(frame, CallFailed):
                break
            if isinstance(frame, wire.WatchCanceled):
                session.warn(f"watch was canceled ({frame.reason})")
                raise Refused("watch is canceled by the server", INTERRUPTED)
            _say(session, words, chosen, frame)
            revision = frame.revision + 1
        if frame.reason == "interrupted":
            return


def _say(session: Session, words: Words, chosen: str, frame: wire.WatchEvents) -> None:
    if not frame.events:
        session.say(f"progress notify: {frame.revision}")
    elif chosen == "json":
        events = [
            {"type": event.type, "kv": tree_of(event.kv), **({"prev_kv": tree_of(event.previous)} if event.previous else {})}
            for event in frame.events
        ]  # fmt: skip
        say_json(session, {"Header": {"revision": frame.revision}, "Events": events})
    else:
        for event in frame.events:
            session.say(event.type if chosen == "simple" else f'"Type" : {event.type}')
            if event.previous is not None:
                _say_pair(session, words, chosen, event.previous, "Prev")
            _say_pair(session, words, chosen, event.kv, "")


def _say_pair(session: Session, words: Words, chosen: str, pair: wire.KeyValue, prefix: str) -> None:
    if chosen == "simple":
        say_pair(session, words, pair)
    else:
        say_fields(session, pair, prefix)
