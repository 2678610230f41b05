"""Typed inputs: the only way into a cluster. Each is logged, so that every session replays.

Names of machines, processes and rooms are as in the views (``cp-3``, ``etcd-3``, ``node-1``); names of a lens (Alice) are
translated by whoever makes the input.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from k8s_tutor.api.wire import Request
from k8s_tutor.sim import Body


class Kubectl(Body):
    """A line typed at a client's console. ``files``: (name, JSON array of the documents of that manifest)."""

    line: str
    files: tuple[tuple[str, str], ...] = ()
    client: str = "you"


class Saved(Body):
    """The editor that a command at a client's console has opened is closed. ``session``: its number (`EditorView.session`),
    ``text``: what stands in it at the end, ``documents``: JSON array of its YAML documents, or a JSON string that says why
    there are none. A text that nobody has changed cancels the edit."""

    session: int
    text: str
    documents: str = "[]"
    client: str = "you"


class Crash(Body):
    """A process ends, or a machine loses power."""

    target: str


class Restart(Body):
    """A process or machine starts again from what is on its disk."""

    target: str


class Pause(Body):
    """A process or machine stops where it is."""

    target: str


class Resume(Body):
    """A paused process or machine goes on."""

    target: str


class Kill(Body):
    """A container's process dies (exit code 137). ``pod``: ``name`` or ``namespace/name``; no ``container``: its first one."""

    pod: str
    container: str = ""


class Cut(Body):
    """Cuts every cable between members of different groups; a member is a machine, a process or a room."""

    groups: tuple[tuple[str, ...], ...]
    one_way: bool = False


class Heal(Body):
    """Mends the cables between the groups, or all of them."""

    groups: tuple[tuple[str, ...], ...] = ()


class Latency(Body):
    """Sets the latency (µs) of the cable between two machines, both ways."""

    a: str
    b: str
    latency: int


class Drop(Body):
    """Loses a message in flight."""

    message: int


class Delay(Body):
    """Lets a message in flight arrive ``by`` µs later; 0 or less: now."""

    message: int
    by: int


class AddManager(Body):
    """A new control-plane machine is brought, into a room or none. Its etcd waits until ``etcdctl member add`` lets it in."""

    room: str = ""


class RemoveManager(Body):
    """A control-plane machine is thrown away, disks and all."""

    machine: str


class Reconfigure(Body):
    """Several managers join and leave in one change (Raft's joint consensus); the leader proposes it. etcd itself offers
    changes of one member at a time, typed at a console. ``add`` and ``remove`` are machines; new ones must be there."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


class MoveToRoom(Body):
    """A machine is carried into another room (empty: out of all rooms), and shares its cables from then on."""

    machine: str
    room: str = ""


class SlowDisk(Body):
    """The disk of a machine takes ``latency`` µs to write something down for good; 0: no time."""

    target: str
    latency: int


class FailDisk(Body):
    """A disk of a worker fails (``node-1``, ``sdb``): every read and write ends in an error. Not ``failed``: it is well again,
    with what was on it."""

    machine: str
    disk: str
    failed: bool = True


class ClockSkew(Body):
    """The clock of a machine runs by so many percent fast, or slow if negative."""

    machine: str
    percent: int


class Restore(Body):
    """Every etcd starts again from a backup that a client has saved: a new cluster with the old keys. ``bump`` raises its
    revision; ``mark_compacted`` ends all watches that would begin in the past."""

    file: str
    client: str = "you"
    bump: int = 0
    mark_compacted: bool = False


class Together(Body):
    """Several inputs that somebody gives with one movement of the hand: undone together, and called ``words``."""

    parts: tuple[Input, ...]
    words: str


class Install(Body):
    """An operator is installed, or gets new rules. ``operator``: JSON of an `operators.spec.OperatorSpec`. What it is allowed
    to do is applied at the console of ``client``."""

    operator: str
    client: str = "you"


class ApiCall(Body):
    """A request that came over a connection from outside the world. ``id`` names it there."""

    client: str
    id: int
    request: Request


class StreamInput(Body):
    """Bytes that a client from outside sends into a stream that its request ``id`` has opened (`api.wire.StreamData`)."""

    client: str
    id: int
    channel: int
    data: bytes


class HangUp(Body):
    """A client from outside waits no longer for some of its requests, or (``closed``) has closed its connection."""

    client: str
    ids: tuple[int, ...]
    closed: bool = False


Input = (
    Kubectl | Saved | Crash | Restart | Pause | Resume | Kill | Cut | Heal | Latency | Drop | Delay | ApiCall | StreamInput
    | HangUp | AddManager | RemoveManager | Reconfigure | MoveToRoom | Together | SlowDisk | ClockSkew | Restore
    | Install | FailDisk
)  # fmt: skip


def comings(words: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """``+Dave``, ``-Carol`` → who comes, and who leaves. Raises ValueError."""
    signed = [(word[:1], word[1:]) for word in words]
    if not signed or any(sign not in "+-" or not name for sign, name in signed):
        raise ValueError("say who comes and who leaves: +Dave +Erin -Carol")
    return tuple(name for sign, name in signed if sign == "+"), tuple(name for sign, name in signed if sign == "-")


def line_of(given: Input) -> Kubectl | None:
    """The line that an input types, be it with something else; words for an editor that is closed. None for all others."""
    if isinstance(given, Saved):
        return Kubectl(in_words(given), (), given.client)
    if isinstance(given, Together):
        return next((line for part in given.parts if (line := line_of(part)) is not None), None)
    return given if isinstance(given, Kubectl) else None


def rooms_of(given: Input) -> tuple[str, ...]:
    """The rooms into which an input carries somebody."""
    if isinstance(given, Together):
        return tuple(room for part in given.parts for room in rooms_of(part))
    return (given.room,) if isinstance(given, (AddManager, MoveToRoom)) and given.room else ()


def in_words(given: Input) -> str:
    """An input in a few words, for marks on the timeline and names of branches."""
    match given:
        case Kubectl(line=line):
            return line
        case Saved():
            return "edit: the editor is closed"
        case Install(operator=text):
            return f"install the operator {msgspec.json.decode(text).get('name', '')}"
        case ApiCall(client=client, request=request):
            return f"{request.user or client}: {request.method} {request.path}"
        case StreamInput(client=client):
            return f"{client} types"
        case HangUp(client=client):
            return f"{client} hangs up"
        case Cut(groups=groups):
            return "cut " + " | ".join(" ".join(group) for group in groups)
        case Heal(groups=groups):
            return "heal " + " | ".join(" ".join(group) for group in groups) if groups else "heal"
        case Kill(pod=pod):
            return f"kill {pod}"
        case AddManager(room=room):
            return f"add a manager in {room}" if room else "add a manager"
        case RemoveManager(machine=machine):
            return f"throw {machine} away"
        case Reconfigure(add=add, remove=remove):
            return " ".join(("reconfigure", *(f"+{name}" for name in add), *(f"-{name}" for name in remove)))
        case Together(words=words):
            return words
        case MoveToRoom(machine=machine, room=room):
            return f"move {machine} to {room}" if room else f"move {machine} out"
        case SlowDisk(target=target, latency=latency):
            return f"slow disk {target} {_length(latency)}"
        case FailDisk(machine=machine, disk=disk, failed=failed):
            return f"{'fail' if failed else 'mend'} disk {machine}/{disk}"
        case ClockSkew(machine=machine, percent=percent):
            return f"clock of {machine} {percent:+} %"
        case Restore(file=file):
            return f"restore {file}"
        case Latency(a=a, b=b, latency=latency):
            return f"latency {a} {b} {_length(latency)}"
        case Drop(message=message) | Delay(message=message):
            return f"{type(given).__name__.lower()} message {message}"
        case Crash(target=target) | Restart(target=target) | Pause(target=target) | Resume(target=target):
            return f"{type(given).__name__.lower()} {target}"


def _length(us: int) -> str:
    """``250 µs``, ``1 ms``, ``1.5 s``: µs in the unit that suits them."""
    for size, unit in ((1_000_000, "s"), (1_000, "ms")):
        if us >= size:
            return f"{us / size:.3f}".rstrip("0").rstrip(".") + f" {unit}"
    return f"{us} µs"
