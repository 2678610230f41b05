"""What a message says, in a few words: its kind, and a short text in Kubernetes', etcd's and Raft's own terms."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import wire as http
from k8s_tutor.etcd import admin, base, wire
from k8s_tutor.etcd.backend import Exchange, Reconfigure
from k8s_tutor.etcd.membership import process_at
from k8s_tutor.kubectl.console import Typed
from k8s_tutor.raft import Entry, EntryType, Message, MessageType
from k8s_tutor.sim import Call, Reply
from k8s_tutor.sim.message import Closed

_RAFT = {
    "PROPOSE": "Propose", "APPEND": "AppendEntries", "APPEND_RESPONSE": "AppendEntriesReply", "HEARTBEAT": "Heartbeat",
    "HEARTBEAT_RESPONSE": "HeartbeatReply", "VOTE": "RequestVote", "VOTE_RESPONSE": "Vote", "PRE_VOTE": "PreVote",
    "PRE_VOTE_RESPONSE": "PreVoteReply", "READ_INDEX": "ReadIndex", "READ_INDEX_RESPONSE": "ReadIndexReply",
    "SNAPSHOT": "InstallSnapshot", "TRANSFER_LEADER": "TransferLeader", "TIMEOUT_NOW": "TimeoutNow",
}  # fmt: skip


SHORT = 16
"""Letters of a stored value that may be told with its key."""


def entry_text(entry: Entry) -> str:
    """What a log entry asks for; empty for a leader's empty entry."""
    if entry.type is EntryType.CONF_CHANGE and not entry.data:
        return "leave the joint configuration"
    operation = base.operation_of(entry)
    return "" if operation is None else operation_text(operation)


def _short(value: bytes) -> str:
    """A value that somebody typed, if it is a word or two; objects are told by their keys alone."""
    text = value.decode("utf-8", "replace")
    return text if len(text) <= SHORT and text.isprintable() and not text.startswith("{") else ""


def _first(key: str) -> str:
    """The smallest key, from which a range over all of them begins, cannot be printed."""
    return key.lstrip("\0")


def operation_text(operation: Any) -> str:
    """``put /registry/pods/default/web``."""
    match operation:
        case wire.Put(key=key, value=value):
            return f"put {key} {_short(value)}".rstrip()
        case wire.DeleteRange(key=key, end=end):
            return f"delete {_first(key)}{'*' if end else ''}"
        case wire.Range(key=key, end=end):
            return f"get {_first(key)}{'*' if end else ''}"
        case wire.Txn(success=success):
            writes = [part for part in success if not isinstance(part, wire.Range)]
            return operation_text(writes[0]) if writes else "txn"
        case wire.Compact(revision=revision):
            return f"compact {revision}"
    return _administration(operation)


def _administration(operation: Any) -> str:
    """``add etcd-4 as learner``, ``grant lease 7``: what is asked of the group or of the store as a whole."""
    match operation:
        case Reconfigure(action=action, member=changed):
            name = changed.name or process_at(changed.peer_urls[0])
            return f"{action} {name}{' as learner' if action == 'add' and changed.learner else ''}"
        case Exchange(come=come, leave=leave):
            signed = [("+", one) for one in come] + [("-", one) for one in leave]
            return " ".join(("joint:", *(f"{sign}{one.name or process_at(one.peer_urls[0])}" for sign, one in signed)))
        case admin.MemberPublish(name=name):
            return f"{name} tells where it is reached"
        case admin.MemberUpdate(id=ident):
            return f"other address of member {ident:x}"
        case admin.LeaseGrant(id=ident, ttl=ttl):
            return f"grant lease {ident:x} for {ttl} s"
        case admin.LeaseRevoke(id=ident):
            return f"revoke lease {ident:x}"
        case admin.Alarm(action=action):
            return f"alarm {action}"
    return ""


def describe(body: Any) -> tuple[str, str]:
    """(kind, text) of any message body."""
    match body:
        case Call(body=inner) | Reply(body=inner):
            return _request(inner)
        case http.Relayed(frame=frame):
            return describe(frame)
        case Message():
            return _raft(body)
        case Typed(line=line):
            return "type", line
        case http.WatchFrame(type=kind, object=data):
            return "watch", f"{kind} {_object_name(data)}"
        case http.WatchEnd():
            return "watch", "ended"
        case wire.WatchEvents(events=events, revision=revision):
            changed = ", ".join(f"{event.type} {event.kv.key}" for event in events[:2])
            return "etcd watch", f"{changed} @{revision}" if changed else f"progress {revision}"
        case wire.WatchCanceled(reason=reason):
            return "etcd watch", f"canceled: {reason}"
    return _other(body)


def _other(body: Any) -> tuple[str, str]:
    """Everything else: the type's name and its short fields."""
    if isinstance(body, Closed):
        return "Closed", {"reset": "connection reset", "refused": "connection refused"}.get(body.reason, "connection timed out")
    fields = getattr(type(body), "__struct_fields__", ())
    shown = [str(getattr(body, field)) for field in fields if isinstance(getattr(body, field), (str, int))]
    return type(body).__name__, " ".join(text for text in shown if len(text) < 40)[:80]


def _request(inner: Any) -> tuple[str, str]:
    match inner:
        case http.Request(method=method, path=path):
            if inner.parameter("watch") == "true":
                return "WATCH", path
            return method, path
        case http.Response(code=code):
            return "answer", str(code)
        case wire.Put() | wire.DeleteRange() | wire.Txn() | wire.Range() | wire.Compact():
            return "etcd", operation_text(inner)
        case wire.WatchCreate(key=key):
            return "etcd watch", f"from {inner.start_revision} {key}"
        case wire.RangeResult(count=count, revision=revision):
            return "etcd answer", f"{count} keys @{revision}"
        case wire.PutResult(revision=revision) | wire.DeleteResult(revision=revision):
            return "etcd answer", f"stored @{revision}"
        case wire.TxnResult(revision=revision, succeeded=succeeded):
            return "etcd answer", f"stored @{revision}" if succeeded else "conflict"
        case wire.EtcdError(message=message):
            return "etcd answer", message
        case admin.Status():
            return "etcd", "status"
        case admin.StatusResult():
            return "etcd answer", "status"
        case admin.MemberAdd(peer_urls=urls):
            return "etcd", f"add {process_at(urls[0])}" if urls else "add a member"
        case admin.MemberRemove(id=ident):
            return "etcd", f"remove member {ident:x}"
        case admin.MemberPromote(id=ident):
            return "etcd", f"promote member {ident:x}"
        case admin.MembersChange(add=add, remove=remove):
            return "etcd", " ".join(("change", *(f"+{process_at(url)}" for url in add), *(f"-{ident:x}" for ident in remove)))
        case admin.MemberList():
            return "etcd", "member list"
        case admin.MemberChanged(members=members) | admin.MemberListResult(members=members):
            return "etcd answer", f"{len(members)} members"
        case admin.LeaseGrant() | admin.LeaseRevoke() | admin.MemberUpdate() | admin.Alarm():
            return "etcd", _administration(inner)
    return _other(inner)


def _raft(message: Message) -> tuple[str, str]:
    kind = _RAFT[MessageType(message.type).name]
    if message.entries:
        last = message.entries[-1]
        text = entry_text(last) or ("leader's first entry" if last.index else "")
        count = f"{last.index}" if len(message.entries) == 1 else f"{message.entries[0].index}-{last.index}"
        return kind, f"{count} {text}".strip() if last.index else text
    if message.snapshot is not None:
        return kind, f"1..{message.snapshot.index}"
    if message.reject and kind == "AppendEntriesReply" and not (message.log_term or message.reject_hint):
        return kind, f"later term {message.term}"
    if message.reject:
        why = message.context.decode(errors="replace")
        return kind, f"no: {why}" if why else "no"
    if kind in ("Vote", "PreVoteReply"):
        return kind, f"yes, term {message.term}"
    if kind == "ReadIndexReply":
        return kind, f"up to {message.index}"
    if kind == "AppendEntriesReply":
        return kind, f"have {message.index}"
    return kind, f"term {message.term}"


def _object_name(data: bytes) -> str:
    from k8s_tutor.api import scheme

    kind, namespace, name, _ = scheme.split_revision(data)
    return f"{kind.lower()} {name}" if namespace in ("", "default") else f"{kind.lower()} {namespace}/{name}"
