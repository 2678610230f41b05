"""The event log as lines of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from k8s_tutor.cluster import inputs, words
from k8s_tutor.sim import TIMER, Given, Lost, Note, World


def lines(world: World) -> Iterator[str]:
    """One JSON object a record, oldest first: ``type`` is ``delivery``, ``lost``, ``note`` or ``input``; ``at`` in µs."""
    for record in world.log.records():
        yield msgspec.json.encode(_tree(record)).decode()


def _tree(record: Any) -> dict[str, Any]:
    if isinstance(record, Note):
        return {"type": "note", "at": record.at, "actor": record.actor, "kind": record.kind, "cause": record.cause,
                "fields": record.fields}  # fmt: skip
    if isinstance(record, Given):
        return {"type": "input", "at": record.at, "id": record.id, "text": inputs.in_words(record.input)}
    if isinstance(record, Lost):
        return {**_message(record.envelope), "type": "lost", "at": record.at, "reason": record.reason}
    return {"type": "delivery", **_message(record)}


def _message(message: Any) -> dict[str, Any]:
    due, ident, src, dst, body, cause, sent_at, kind = message
    name, text = words.describe(body)
    return {"at": due, "id": ident, "src": src, "dst": dst, "kind": name, "text": text, "cause": cause, "sent_at": sent_at,
            "timer": bool(kind & TIMER)}  # fmt: skip
