"""How etcdctl prints: keys and values, tables, JSON, fields, sizes and durations (etcdctl/ctlv3/command/printer*.go)."""

from __future__ import annotations

import base64
import json
from typing import Any

from k8s_tutor.etcd import admin, wire
from k8s_tutor.kubectl.etcdctl.asking import BAD_FEATURE, Refused, first
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking
from k8s_tutor.kubectl.session import Session

FORMATS = ("simple", "json", "table", "fields")
Tree = dict[str, Any]


def format_of(words: Words, *absent: str) -> str:
    """The output format. Raises etcdctl's error for one that there is not, or that this command has not."""
    chosen = words.text("write-out", "simple")
    if chosen not in FORMATS:
        raise Refused("unsupported output format", BAD_FEATURE)
    if chosen in absent:
        raise Refused(f"{chosen} is not supported as output format", BAD_FEATURE)
    return chosen


def header(words: Words, revision: int = 0) -> Asking[Tree]:
    """The header of a response. It is asked for with a request of its own, and only where it is printed."""
    status: admin.StatusResult = yield from first(words, admin.Status())
    return {"cluster_id": status.cluster_id, "member_id": status.id, "revision": revision or status.revision,
            "raft_term": status.term}  # fmt: skip


def say_json(session: Session, tree: Any) -> None:
    """One line of JSON as Go writes it."""
    text = json.dumps(tree, separators=(",", ":"), ensure_ascii=False)
    session.say(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def say_header(session: Session, head: Tree) -> None:
    """The header in the format ``fields``."""
    names = {"cluster_id": "ClusterID", "member_id": "MemberID", "revision": "Revision", "raft_term": "RaftTerm"}
    for key, name in names.items():
        session.say(f'"{name}" : {head[key]}')


def text_of(value: bytes) -> str:
    """Bytes for the screen."""
    return value.decode("utf-8", "backslashreplace")


def quoted(text: str) -> str:
    """Go's ``%q``."""
    return json.dumps(text, ensure_ascii=False)


def say_pair(session: Session, words: Words, pair: wire.KeyValue) -> None:
    """A key and its value, a line each."""
    key, value = pair.key, text_of(pair.value)
    if words.on("hex"):
        key, value = _hex(key.encode()), _hex(pair.value)
    if not words.on("print-value-only"):
        session.say(key)
    session.say(value)


def _hex(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def say_fields(session: Session, pair: wire.KeyValue, prefix: str = "") -> None:
    """A key in the format ``fields``."""
    session.say(f'"{prefix}Key" : {quoted(pair.key)}')
    session.say(f'"{prefix}CreateRevision" : {pair.create_revision}')
    session.say(f'"{prefix}ModRevision" : {pair.mod_revision}')
    session.say(f'"{prefix}Version" : {pair.version}')
    session.say(f'"{prefix}Value" : {quoted(text_of(pair.value))}')
    session.say(f'"{prefix}Lease" : {pair.lease}')


def tree_of(pair: wire.KeyValue) -> Tree:
    """A key in the format ``json``: what is zero or empty is left out."""
    tree = {
        "key": base64.b64encode(pair.key.encode()).decode(), "create_revision": pair.create_revision,
        "mod_revision": pair.mod_revision, "version": pair.version, "value": base64.b64encode(pair.value).decode(),
        "lease": pair.lease,
    }  # fmt: skip
    return {key: value for key, value in tree.items() if value}


def say_rows(session: Session, words: Words, head: list[str], rows: list[list[str]]) -> None:
    """``simple``: comma separated; ``table``: boxes, cells to the right."""
    if words.text("write-out") != "table":
        for row in rows:
            session.say(", ".join(row))
        return
    head = [cell.upper() for cell in head]
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    edge = "+" + "+".join("-" * (width + 2) for width in widths) + "+"
    session.say(edge)
    session.say("|" + "|".join(f" {cell:^{width}} " for cell, width in zip(head, widths, strict=True)) + "|")
    session.say(edge)
    for row in rows:
        session.say("|" + "|".join(f" {cell:>{width}} " for cell, width in zip(row, widths, strict=True)) + "|")
    session.say(edge)


def human(size: int) -> str:
    """``20 kB``: two digits at least, in powers of 1,000 (dustin/go-humanize)."""
    if size < 10:
        return f"{size} B"
    unit = 0
    while size >= 1000 ** (unit + 1):
        unit += 1
    tenths = (size * 10 + 1000**unit // 2) // 1000**unit
    whole, rest = divmod(tenths, 10)
    if tenths >= 100:  # then no decimals, and halves go to the even number, as Go rounds
        number = str(whole + (rest > 5 or (rest == 5 and whole % 2 == 1)))
    else:
        number = f"{whole}.{rest}"
    return f"{number} {['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'][unit]}"


def took(duration: int) -> str:
    """A duration in µs as Go writes it: ``850µs``, ``2.1ms``, ``1.0205s``."""
    if duration < 1_000:
        return f"{duration}µs" if duration else "0s"
    unit, name = (1_000, "ms") if duration < 1_000_000 else (1_000_000, "s")
    whole, rest = divmod(duration, unit)
    digits = str(rest).zfill(len(str(unit)) - 1).rstrip("0")
    return f"{whole}.{digits}{name}" if digits else f"{whole}{name}"
