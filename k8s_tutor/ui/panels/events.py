"""Notes of the event log in Kubernetes', etcd's and Raft's own words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k8s_tutor.cluster.views import NoteView
from k8s_tutor.ui.panels import gates
from k8s_tutor.ui.words import count

_KNOWN: dict[str, str] = {
    "raft.leader": "{actor} became leader of term {term}",
    "raft.campaign": "{actor} starts an election for term {term}",
    "raft.prevote": "{actor} asks for pre-votes, term {term}",
    "raft.follower": "{actor} steps down to follower, term {term}",
    "raft.commit": "entry {index} committed",
    "raft.truncated": "{actor} drops {entries} entries from {index} on",
    "raft.reset": "{actor} replaced its log, {lost} committed entries lost",
    "raft.reset 0": "{actor} takes over a snapshot at index {index}",
    "raft.snapshot.sent": "{actor} sends a snapshot at index {index} to {to}",
    "raft.compacted": "{actor} compacted its log at index {index}",
    "etcd.member": "{actor}: {action} member {url}",
    "raft.joint": "joint configuration begins: the old and the new group must both agree",
    "raft.joint.left": "joint configuration ends: the new group decides alone",
    "etcd.refused": "{actor} takes no change of members: {text}",
    "etcd.join": "{actor} joined the cluster",
    "etcd.removed": "{actor} was removed from the cluster",
    "etcd.lease.expired": "lease {lease} expired, {keys} keys revoked",
    "etcd.nospace": "{actor}: etcdserver: mvcc: database space exceeded",
    "etcd.defragmented": "{actor} defragmented its database",
    "etcd.timeout": "etcdserver: request timed out",
    "api.request": "{verb} {path}",
    "api.answer": "{verb} {path}: {code}",
    "api.retry": "retry {path}",
    "api.queued": "{user} waits for a seat in {level}",
    "api.rejected": "no room in {level}: {user} is told to come again",
    "api.panic": "{actor} panics: {error} at {place}",
    "api.synced": "watch cache synced at revision {revision}",
    "scheduler.decided": "{pod}: {node}, score {score}, {feasible} feasible",
    "scheduler.waits": "{pod} keeps its place on {node} and waits for {plugin}",
    "scheduler.bound": "bound {pod} to {node}, score {score}",
    "scheduler.unschedulable": "{pod}: {message}",
    "scheduler.refused": "{pod} refused by {node}: {reason}",
    "runtime.sandbox": "sandbox of {pod}, IP {ip}",
    "runtime.sandbox.stopped": "sandbox of {pod} stopped",
    "cni.add": "CNI ADD {pod}: {ip}",
    "cni.del": "CNI DEL {ip}",
    "cni.agent": "{plugin} on {node}: {routes} routes written",
    "cni.block": "{node} claims the block {block}",
    "cni.bgp": "{node} learns by BGP what {peer} has: {prefixes}",
    "cni.mesh": "{node} hears of {peer}, whose share is {share}",
    "cni.eni": "{node} has {enis} network interfaces, {addresses} addresses are free",
    "runtime.network": "the configuration of {plugin} is there",
    "image.pulling": "Pulling image {image}",
    "image.pulled": "Pulled image {image}",
    "image.failed": "Failed to pull {image}: {error}",
    "container.created": "Created container {container} of {pod}",
    "container.started": "Started container {container} of {pod}",
    "container.died": "Container {container} of {pod} exited, code {exit_code}",
    "kubelet.runtime": "container runtime answers: {up}",
    "kubelet.sync": "syncPod {pod}: {next}",
    "lb.up": "{server} passes its health check",
    "lb.down": "{server} fails its health check: {reason}",
    "lb.connected": "{client} is sent to {server}",
    "lb.reset": "connection of {client} to {server} reset",
    "lb.refused": "no API server is ready for {client}",
    "controller.decided": "{controller} {key}: {requests}",
    "kubelet.backoff": "{pod}: back-off before the next try",
    "kubelet.collect": "{pod}: removes what is left of it",
    "pod.collected": "{pod} deleted: node {node} is gone",
    "object.collected": "garbage collector deletes {kind} {key}",
    "namespace.emptied": "namespace {namespace} is empty",
    "node.silent": "{node}: no Lease renewed in time, NotReady",
    "pod.evicted": "Marking for deletion {pod} on {node}",
    "pod.ready": "{pod} is Ready, {ip}",
    "pod.removed": "{pod} removed from {node}",
    "proxy.rules": "{node}: {rules} rules for {services} services",
    "runtime.ready": "runtime up, {tasks} tasks found",
    "lease.acquired": "{actor} became leader of {lease}",
    "lease.lost": "{actor} lost {lease} to {holder}",
    "lease.lost itself": "{actor} could not renew {lease} in time and no longer leads",
    "node.registered": "Registered node {node}",
    "console.typed": "$ {line}",
    "console.answered": "{line}: exit status {code}",
}

FAILING = (
    "failed", "died", "unschedulable", "refused", "timeout", "lost", "truncated", "raft.reset", "evicted", "silent", "down",
)  # fmt: skip
CHOOSING = ("leader", "acquired", "bound", "scaled", "deleted")
ASKING = ("campaign", "prevote", "retry")


def words(note: NoteView) -> str:
    """What happened, as those who run clusters would put it; kinds without a sentence tell their fields."""
    fields = {name: _short(value) for name, value in note.fields.items()}
    if refused(note):
        fields["gate"] = gates.name_of(note.fields["stages"][-1])
        fields["user"] = fields.get("user") or "somebody unknown"
        return "{user}: {verb} {path} refused at {gate}".format_map(fields)
    case = "itself" if fields.get("holder") == note.actor else fields.get("lost", "")
    template = _KNOWN.get(f"{note.kind} {case}") or _KNOWN.get(note.kind)
    if template is not None:
        try:
            return template.format_map({**fields, "actor": note.actor})
        except (KeyError, IndexError, ValueError):
            pass
    told = " ".join(f"{name.rstrip('_')}={value}" for name, value in fields.items() if value != "")
    return f"{note.kind} {told}".strip()


def _short(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        return ", ".join(_short(part) for part in value)
    text = str(value)
    return text.removeprefix("default/")


_HASHED = re.compile(r"\b([a-z0-9-]+?)-[a-z0-9]{8,10}-([a-z0-9]{5})\b")


def briefly(text: str) -> str:
    """The same with pods named as on the workers panel: ``web-x7k2p`` for ``web-5d9c6b7f4-x7k2p``."""
    return _HASHED.sub(r"\1-\2", text)


def role_of(note: NoteView) -> str:
    """The role in which a note is told: failing, choosing, asking, or plain."""
    if refused(note):
        return "fail"
    harmless = note.kind == "raft.reset" and not note.fields.get("lost")
    if not harmless and any(word in note.kind for word in FAILING):
        return "fail"
    if note.kind.startswith("console."):
        return "you"
    if any(word in note.kind for word in CHOOSING):
        return "leader"
    if any(word in note.kind for word in ASKING):
        return "other"
    return "text"


_QUIET = ("api.", "lb.connected", "lb.reset", "kubelet.sync", "kubelet.runtime", "runtime.ready", "scheduler.decided")


FLOODING = {"lb.refused": "client"}
"""Kinds of notes that come again and again from many, and the field that says from whom."""


def folded(notes: Sequence[NoteView]) -> list[tuple[NoteView, str]]:
    """Notes with what is to be said behind each: those that repeat each other are one, the latest, with how many there were."""
    found: list[tuple[NoteView, list[NoteView]]] = []
    for note in notes:
        last = found[-1][1] if found else []
        again = bool(last) and last[0].kind == note.kind and (note.kind in FLOODING or last[0].fields == note.fields)
        if again and last[0].actor == note.actor:
            found[-1] = (note, [*last, note])
        else:
            found.append((note, [note]))
    return [(note, _more(run)) for note, run in found]


def _more(run: list[NoteView]) -> str:
    """``, and for 3 others (×14)``; nothing for a single note."""
    if len(run) == 1:
        return ""
    field = FLOODING.get(run[0].kind, "")
    others = len({str(note.fields.get(field)) for note in run}) - 1 if field else 0
    return (f" and {count(others, 'other')}" if others else "") + f" (×{len(run)})"


def quiet(note: NoteView) -> bool:
    """Notes that only say that something was asked, answered or looked at: left out of the log."""
    return note.kind.startswith(_QUIET) and not refused(note)


def refused(note: NoteView) -> bool:
    """Whether a request has failed at a gate of an API server."""
    return note.kind == "api.request" and gates.is_refused(note.fields.get("stages", ()))
