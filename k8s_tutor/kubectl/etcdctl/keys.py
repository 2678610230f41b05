"""put, get and del (etcdctl/ctlv3/command/{put,get,del}_command.go)."""

from __future__ import annotations

from k8s_tutor.etcd import wire
from k8s_tutor.kubectl.etcdctl.asking import BAD_FEATURE, USAGE, Refused, first, need, number
from k8s_tutor.kubectl.etcdctl.printing import (
    format_of,
    header,
    say_fields,
    say_header,
    say_json,
    say_pair,
    tree_of,
)
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking
from k8s_tutor.kubectl.session import Session

FIRST_KEY = "\0"
"""The smallest key there is: what etcdctl asks for when it is given an empty one with --prefix or --from-key."""
_RANGE = "{} command needs one argument as key and an optional argument as range_end"
PUT_FLAGS = "prev-kv! ignore-value! ignore-lease! lease"
GET_FLAGS = "prefix! from-key! limit# rev# order sort-by consistency keys-only! count-only! print-value-only!"
DEL_FLAGS = "prefix! from-key! range! prev-kv!"
_ORDERS = {"": "", "ASCEND": "ascend", "DESCEND": "descend"}
_TARGETS = {"": "key", "KEY": "key", "CREATE": "create", "MODIFY": "mod", "VALUE": "value", "VERSION": "version"}


# ---------------------------------------------------------------------- what the words mean


def put_of(words: Words) -> wire.Put:
    """The request of a put."""
    most = 1 if words.on("ignore-value") else 2
    least = 1 if words.on("ignore-value") else 2
    args = need(words, least, most, "put command needs 1 argument and input from stdin or 2 arguments")
    lease = number(words.text("lease", "0"), "bad lease ID ({}), expecting ID in Hex", 16)
    value = "" if words.on("ignore-value") else args[1]
    return wire.Put(args[0], value.encode(), lease, words.on("prev-kv"), words.on("ignore-value"), words.on("ignore-lease"))


def get_of(words: Words) -> wire.Range:
    """The request of a get."""
    args = need(words, 1, 2, _RANGE.format("get"))
    if words.on("keys-only") and words.on("count-only"):
        raise Refused("`--keys-only` and `--count-only` cannot be set at the same time, choose one", USAGE)
    consistency = words.text("consistency", "l")
    if consistency not in ("l", "s"):
        raise Refused(f'unknown consistency flag "{consistency}"', BAD_FEATURE)
    order, target = words.text("order").upper(), words.text("sort-by").upper()
    if order not in _ORDERS:
        raise Refused(f"bad sort order {words.text('order')}", BAD_FEATURE)
    if target not in _TARGETS:
        raise Refused(f"bad sort target {words.text('sort-by')}", BAD_FEATURE)
    key, end = span(words, args)
    return wire.Range(
        key, end, max(0, words.number("rev")), words.number("limit"), consistency == "s", words.on("count-only"),
        words.on("keys-only"), _ORDERS[order], _TARGETS[target],
    )  # fmt: skip


def del_of(words: Words) -> wire.DeleteRange:
    """The request of a del."""
    args = need(words, 1, 2, _RANGE.format("del"))
    return wire.DeleteRange(*span(words, args), words.on("prev-kv"))


def span(words: Words, args: tuple[str, ...]) -> tuple[str, str]:
    """(key, end of the range) of the arguments and ``--prefix`` or ``--from-key``."""
    key = args[0]
    if words.on("prefix") and words.on("from-key"):
        raise Refused("`--prefix` and `--from-key` cannot be set at the same time, choose one", USAGE)
    if len(args) == 2 and (words.on("prefix") or words.on("from-key")):
        raise Refused("too many arguments, only accept one argument when `--prefix` or `--from-key` is set", USAGE)
    if words.on("prefix"):
        return key or FIRST_KEY, wire.prefix_end(key)
    if words.on("from-key"):
        return key or FIRST_KEY, wire.LAST
    return key, args[1] if len(args) == 2 else ""


# ---------------------------------------------------------------------- commands


def put(session: Session, words: Words) -> Asking[None]:
    """etcdctl put <key> <value>"""
    chosen = format_of(words, "table")
    answer: wire.PutResult = yield from first(words, put_of(words))
    if chosen == "json":
        tree = {"header": (yield from header(words, answer.revision))}
        if answer.previous is not None:
            tree["prev_kv"] = tree_of(answer.previous)
        say_json(session, tree)
    elif chosen == "fields":
        say_header(session, (yield from header(words, answer.revision)))
        if answer.previous is not None:
            say_fields(session, answer.previous, "Prev")
    else:
        say_put(session, words, answer)


def say_put(session: Session, words: Words, answer: wire.PutResult) -> None:
    """A put in the format ``simple``."""
    session.say("OK")
    if answer.previous is not None:
        say_pair(session, words, answer.previous)


def get(session: Session, words: Words) -> Asking[None]:
    """etcdctl get <key> [range_end]"""
    chosen = format_of(words, "table")
    answer: wire.RangeResult = yield from first(words, get_of(words))
    if words.on("count-only") and chosen != "fields":
        raise Refused("--count-only is only for `--write-out=fields`", USAGE)
    if words.on("print-value-only") and chosen != "simple":
        raise Refused("print-value-only is only for `--write-out=simple`", USAGE)
    if chosen == "json":
        tree = {"header": (yield from header(words, answer.revision)), "kvs": [tree_of(pair) for pair in answer.kvs],
                "more": answer.more, "count": answer.count}  # fmt: skip
        say_json(session, {key: value for key, value in tree.items() if value})
    elif chosen == "fields":
        say_header(session, (yield from header(words, answer.revision)))
        for pair in answer.kvs:
            say_fields(session, pair)
        session.say(f'"More" : {str(answer.more).lower()}\n"Count" : {answer.count}')
    else:
        for pair in answer.kvs:
            say_pair(session, words, pair)


def delete(session: Session, words: Words) -> Asking[None]:
    """etcdctl del <key> [range_end]"""
    chosen = format_of(words, "table")
    answer: wire.DeleteResult = yield from first(words, del_of(words))
    if chosen == "json":
        tree = {"header": (yield from header(words, answer.revision)), "deleted": answer.deleted,
                "prev_kvs": [tree_of(pair) for pair in answer.previous]}  # fmt: skip
        say_json(session, {key: value for key, value in tree.items() if value})
    elif chosen == "fields":
        say_header(session, (yield from header(words, answer.revision)))
        session.say(f'"Deleted" : {answer.deleted}')
        for pair in answer.previous:
            say_fields(session, pair, "Prev")
    else:
        say_delete(session, words, answer)


def say_delete(session: Session, words: Words, answer: wire.DeleteResult) -> None:
    """A del in the format ``simple``."""
    session.say(str(answer.deleted))
    for pair in answer.previous:
        say_pair(session, words, pair)
