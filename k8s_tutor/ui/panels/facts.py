"""What a view tells about one selected thing, as (label, value, role); empty when it is not there."""

from __future__ import annotations

from k8s_tutor.cluster.views import MachineView, MemberView, NodeView, PodView, ProcessView, RequestView
from k8s_tutor.ui.glyphs import flight_mark, member_mark, node_mark, pod_mark, process_mark, term_mark
from k8s_tutor.ui.panels import gates
from k8s_tutor.ui.panels.books import MARKS, Books
from k8s_tutor.ui.panels.lamps import lamp_at
from k8s_tutor.ui.panels.members import called
from k8s_tutor.ui.panels.panel import flights, member_name, named
from k8s_tutor.ui.scene import Scene
from k8s_tutor.ui.words import age, cores, memory, stamp

Fact = tuple[str, str, str]


def facts(scene: Scene) -> list[Fact]:
    """Facts about ``scene.selected``; whatever it is, the first fact says what kind of thing."""
    selected = scene.selected
    word, _, rest = selected.partition(" ")
    if rest:
        finder = _NAMED.get(word)
        return [fact for fact in finder(scene, rest) if fact[1]] if finder else []
    view = scene.view
    for pod in view.workload.pods:
        if f"{pod.namespace}/{pod.name}" == selected:
            return _pod(scene, pod)
    for node in view.workload.nodes:
        if node.name == selected:
            return _node(scene, node)
    for machine in view.control_plane.machines:
        if machine.name == selected:
            return _manager(scene, machine)
    for member in view.raft.members:
        if selected in (member.name, member.machine):
            return _member(scene, member)
    processes = [one for machine in view.control_plane.machines for one in machine.processes]
    processes += [one for node in view.workload.nodes for one in node.processes]
    for process in processes:
        if process.name == selected:
            return _process(scene, process)
    return []


def _manager(scene: Scene, machine: MachineView) -> list[Fact]:
    found: list[Fact] = [("manager", scene.lens.name(machine.name), "bright"), ("room", machine.room, "text")]
    found += [_alive(process) for process in machine.processes]
    for member in scene.view.raft.members:
        if member.machine == machine.name:
            found += _member(scene, member)[1:]
    return [fact for fact in found if fact[1]]


def _alive(process: ProcessView) -> Fact:
    mark = process_mark(process)
    return process.kind, f"{mark.glyph} {mark.word} {process.doing}".rstrip(), mark.role


def _member(scene: Scene, member: MemberView) -> list[Fact]:
    mark = member_mark(member, scene.view.raft, scene.lens)
    found: list[Fact] = [
        ("member", member.name, "bright"),
        ("is", f"{mark.glyph} {mark.word}", mark.role),
        ("term", str(member.term), "text"),
        ("voted for", called(scene, member.vote) if member.vote else "", "text"),
        ("follows", called(scene, member.leader) if member.leader else "", "text"),
        ("log", f"{member.last_index} entries, {member.commit} committed, {member.applied} applied", "text"),
        ("revision", str(member.revision), "text"),
        ("lost", f"{member.lost} committed entries thrown away" if member.lost else "", "fail"),
    ]
    if not member.up and member.down_since:
        found.append(("down for", age(scene.view.now - member.down_since), "fail"))
    for peer in member.peers:
        found.append((f"· {called(scene, peer.name)}", f"match {peer.match}, next {peer.next}, {peer.state}", "dim"))
    for entry in member.entries[-6:]:
        said = entry.text or "(the leader's first entry)"
        done = "✓" if entry.committed else "?"
        found.append((f"{entry.index} {done}", f"term {entry.term}  {said}", "ok" if entry.committed else "warn"))
    return [fact for fact in found if fact[1]]


def _process(scene: Scene, process: ProcessView) -> list[Fact]:
    mark = process_mark(process)
    found: list[Fact] = [
        ("process", process.name, "bright"),
        ("on", scene.lens.name(process.machine), "text"),
        ("is", f"{mark.glyph} {mark.word}", mark.role),
        ("last", process.doing, "text"),
    ]
    found += [("queue" if not number else "", key, "warn") for number, key in enumerate(process.queue)]
    return [fact for fact in found if fact[1]]


def _pod(scene: Scene, pod: PodView) -> list[Fact]:
    mark = pod_mark(pod, scene.lens)
    found: list[Fact] = [
        ("pod", f"{pod.namespace}/{pod.name}", "bright"),
        ("status", f"{mark.glyph} {pod.status}", mark.role),
        ("node", pod.node or "none yet", "text" if pod.node else "warn"),
        ("ip", pod.ip, "text"),
        ("owner", pod.owner, "text"),
        ("labels", ", ".join(f"{key}={value}" for key, value in pod.labels.items()), "text"),
        ("asks for", f"{cores(pod.cpu)} cpu, {memory(pod.memory)}", "text"),
        ("age", age(scene.view.now - pod.created), "text"),
    ]
    for box in pod.containers:
        state = box.state + (f" ({box.reason})" if box.reason else "")
        differs = pod.differs and box.actual != box.state
        found.append((f"· {box.name}", f"{box.image}  {state}, {box.restarts} restarts", "text"))
        if differs:
            found.append(("  in truth", f"≠ {box.actual or 'gone'}", "fail"))
    return [fact for fact in found if fact[1]]


def _node(scene: Scene, node: NodeView) -> list[Fact]:
    mark = node_mark(node, scene.lens)
    found: list[Fact] = [
        ("node", node.name, "bright"),
        ("status", f"{mark.glyph} {mark.word}", mark.role),
        ("machine", "has power" if node.up else "✗ has no power", "text" if node.up else "fail"),
        ("room", node.room, "text"),
        ("taints", ", ".join(node.taints), "warn"),
        ("cpu", f"{cores(node.cpu_requested)} asked for of {cores(node.cpu)}", "text"),
        ("memory", f"{memory(node.memory_requested)} asked for of {memory(node.memory)}", "text"),
        ("pods", f"{len(node.pods)} of {node.pod_limit}", "text"),
        ("in truth", f"{node.actual_containers} containers run", "text"),
    ]
    return [fact for fact in found + [_alive(process) for process in node.processes] if fact[1]]


def _message(scene: Scene, rest: str) -> list[Fact]:
    for flight in flights(scene.view):
        if str(flight.id) == rest:
            mark = flight_mark(flight)
            left = flight.due - scene.view.now
            due = f"in {age(left)}" if left > 0 and flight.outcome == "flying" else stamp(flight.due)
            return [
                ("message", f"{named(scene, flight.src)} → {named(scene, flight.dst)}", "bright"),
                ("kind", flight.kind, "text"),
                ("says", flight.text or "nothing more", "text"),
                ("told as", scene.lens.message(flight) if scene.lens.id != "kubernetes" else "", "you"),
                ("state", f"{mark.glyph} {mark.word}", mark.role),
                ("sent", stamp(flight.sent_at), "text"),
                ("arrives", due, "text"),
            ]
    return []


def _request(scene: Scene, rest: str) -> list[Fact]:
    for one in scene.view.control_plane.requests:
        if str(one.id) == rest:
            return [
                ("request", f"{one.verb} {one.path}", "bright"),
                ("by", one.user, "text"),
                ("at", f"{one.server}, {stamp(one.at)}", "text"),
                *(("gates" if not number else "", gates.told(stage, one.message), gates.role_of(stage))
                  for number, stage in enumerate(one.stages)),
                ("answer", _answered(one), "ok" if 0 < one.code < 400 else "fail" if one.code else "warn"),
            ]
    return []


def _answered(one: RequestView) -> str:
    """Its code, and why it was refused if no gate says so already."""
    if not one.code:
        return "none yet"
    return str(one.code) if not one.message or gates.is_refused(one.stages) else f"{one.code}: {one.message}"


def _deployment(scene: Scene, rest: str) -> list[Fact]:
    for one in scene.view.workload.deployments:
        if f"{one.namespace}/{one.name}" == rest:
            role = "ok" if one.ready == one.desired else "warn"
            return [
                ("deployment", rest, "bright"),
                ("image", one.image, "text"),
                ("wanted", str(one.desired), "text"),
                ("ready", str(one.ready), role),
                ("up to date", str(one.updated), "text"),
                ("available", str(one.available), "text"),
                ("age", age(scene.view.now - one.created), "text"),
            ]
    return []


def _service(scene: Scene, rest: str) -> list[Fact]:
    for one in scene.view.workload.services:
        if f"{one.namespace}/{one.name}" == rest:
            ends = [
                (f"· {end.pod}", end.address if end.ready else f"{end.address} not ready", "text" if end.ready else "warn")
                for end in one.endpoints
            ]
            return [
                ("service", rest, "bright"),
                ("type", one.type, "text"),
                ("address", f"{one.cluster_ip} {', '.join(one.ports)}", "text"),
                ("selects", ", ".join(f"{key}={value}" for key, value in one.selector.items()) or "nothing", "text"),
                *ends,
            ]
    return []


def _room(scene: Scene, rest: str) -> list[Fact]:
    for room in scene.view.network.rooms:
        if room.name == rest:
            here = ", ".join(scene.lens.name(machine) for machine in room.machines)
            return [("room", rest, "bright"), ("here", here, "text")]
    return []


def _cable(scene: Scene, rest: str) -> list[Fact]:
    cuts = {frozenset(pair) for pair in scene.view.network.cuts}
    one, _, other = rest.partition(" ")
    rooms = {room.name: room.machines for room in scene.view.network.rooms}
    pairs = [(a, b) for a in rooms.get(one, (one,)) for b in rooms.get(other, (other,))]
    cut = sum(frozenset(pair) in cuts for pair in pairs)
    words = "✂ cut" if cut == len(pairs) else f"✂ {cut} of {len(pairs)} cut" if cut else "● whole"
    return [("cable", f"{one} and {other}", "bright"), ("state", words, "fail" if cut else "ok")]


def _answer(scene: Scene, rest: str) -> list[Fact]:
    for one in scene.view.console.answers:
        if str(one.id) == rest:
            took = age((one.done_at or scene.view.now) - one.at)
            end = f"still running, {took}" if one.code == -1 else f"{one.code} after {took}"
            return [
                ("line", one.line, "bright"),
                ("typed by", f"{one.client} at {stamp(one.at)}", "text"),
                ("exit", end, "warn" if one.code else "ok"),
            ]
    return []


def _branch(scene: Scene, rest: str) -> list[Fact]:
    for one in scene.timeline.branches:
        if one.name == rest:
            return [
                ("branch", rest, "bright"),
                ("leaves", f"{one.parent} at event {one.fork}" if one.parent else "the beginning", "text"),
                ("reaches", f"event {one.head}, {stamp(one.head_at)}", "text"),
                ("here", "yes" if one.current else "no", "text"),
            ]
    return []


def _entry(scene: Scene, rest: str) -> list[Fact]:
    """What an entry asks for, of which term it is, and how it stands in each notebook."""
    index = int(rest) if rest.isdigit() else 0
    books = Books(scene)
    entry = books.entry(index)
    if entry is None:
        return []
    mark = term_mark(entry.term)
    found: list[Fact] = [
        ("entry", rest, "bright"),
        ("term", f"{mark.glyph} {mark.word}", mark.role),
        ("says", entry.text or "a leader begins its term", "text"),
        ("stands", "decided" if entry.committed else "not decided yet", "ok" if entry.committed else "warn"),
    ]
    for member in books.members:
        glyph, role = books.mark(member, index)
        found.append((f"· {member_name(scene.lens, member)}", f"{glyph} {MARKS[glyph]}", role))
    return found


def _lamp(scene: Scene, rest: str) -> list[Fact]:
    """What is promised, and how it broke."""
    lamp = lamp_at(scene, f"lamp {rest}")
    if lamp is None:
        return []
    found: list[Fact] = [("promise", lamp.property, "bright"), ("says", lamp.promise, "text")]
    if lamp.ok:
        return [*found, ("so far", "● kept", "ok")]
    return [
        *found,
        ("broken", f"✗ {lamp.sentence}", "fail"),
        ("at", f"{stamp(lamp.broken_at)}; f goes there, w tells why", "text"),
    ]


_NAMED = {
    "entry": _entry,
    "lamp": _lamp,
    "message": _message,
    "request": _request,
    "deployment": _deployment,
    "service": _service,
    "room": _room,
    "cable": _cable,
    "answer": _answer,
    "branch": _branch,
}
