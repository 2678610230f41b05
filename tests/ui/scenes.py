"""Views made by hand for tests of panels: factories with sensible defaults, and the scenes that the goldens draw."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec import structs

from k8s_tutor.cluster import views
from k8s_tutor.lessons.lens import Lens
from k8s_tutor.ui.scene import Option, Scene

MS = 1_000
SECOND = 1_000_000
NAMES = ("Alice", "Bob", "Carol", "Dave", "Erin", "Frank", "Grace", "Heidi", "Ivan")

COMMITTEE = Lens(
    id="committee",
    title="Committee",
    about="A committee with notebooks.",
    machines={f"cp-{number}": name for number, name in enumerate(NAMES, 1)},
    processes={"api": "{machine}'s desk", "etcd": "{machine}"},
    words={"leader": "chair", "down": "at lunch", "notebook": "notebook"},
    messages={"AppendEntries": "write down {text}", "RequestVote": "may I be the chair?"},
    notes={"raft.leader": "{actor} becomes chair of term {term}", "raft.commit": "entry {index} is decided"},
    breaks="A hungry committee would order anyway. Raft would rather stop than disagree.",
)
ORCHESTRA = Lens(
    id="orchestra",
    title="Orchestra",
    about="An orchestra.",
    words={"pod": "musician", "node": "desk", "Running": "playing", "CrashLoopBackOff": "off key", "Pending": "no seat yet"},
    notes={"scheduler.bound": "finds {pod} a seat at {node}", "container.started": "{pod} begins to play"},
    breaks="A real conductor would notice at once.",
)


def entry(index: int, term: int = 1, text: str = "", committed: bool = True) -> views.EntryView:
    return views.EntryView(index=index, term=term, text=text, committed=committed)


def member(number: int, **given: Any) -> views.MemberView:
    size = given.pop("log", 4)
    open_from = given.pop("open_from", size + 1)
    entries = tuple(
        entry(index, text=f"put /registry/configmaps/default/note-{index}" if index > 1 else "", committed=index < open_from)
        for index in range(max(1, size - 23), size + 1)
    )
    fields: dict[str, Any] = {
        "name": f"etcd-{number}",
        "machine": f"cp-{number}",
        "room": "A",
        "up": True,
        "paused": False,
        "role": "follower",
        "term": 3,
        "vote": "",
        "leader": "etcd-1",
        "commit": min(size, open_from - 1),
        "applied": min(size, open_from - 1),
        "last_index": size,
        "entries": entries,
        "granted": (),
        "refused": (),
        "ticks_left": 8,
        "timeout_ticks": 14,
        "peers": (),
        "has_majority": False,
        "revision": size,
        "lost": 0,
        "down_since": 0,
    }
    if given.get("role") == "leader":
        fields.update(ticks_left=0, has_majority=True)
    return views.MemberView(**{**fields, **given})


def peer(number: int, match: int = 4) -> views.PeerView:
    return views.PeerView(name=f"etcd-{number}", match=match, next=match + 1, state="replicate")


def raft(members: tuple[views.MemberView, ...], **given: Any) -> views.RaftView:
    size = len(members)
    up = sum(one.up for one in members)
    reach = given.pop("reach", up)
    quorum = size // 2 + 1
    fields: dict[str, Any] = {
        "variant": "raft",
        "wrong": "",
        "members": members,
        "size": size,
        "quorum": quorum,
        "up": up,
        "reach": reach,
        "tolerates": max(0, size - quorum),
        "may_lose": max(0, reach - quorum),
        "has_quorum": size > 0 and reach >= quorum,
        "leaders": tuple(one.name for one in members if one.up and one.role == "leader"),
        "term": max((one.term for one in members if one.up), default=0),
        "commit": max((one.commit for one in members if one.up), default=0),
        "lost": 0,
        "breaches": (),
    }
    return views.RaftView(**{**fields, **given})


def flight(number: int, src: str, dst: str, kind: str = "AppendEntries", text: str = "", **given: Any) -> views.FlightView:
    def machine(name: str) -> str:
        part, _, tail = name.rpartition("-")
        if part in ("etcd", "api", "scheduler", "controller-manager"):
            return f"cp-{tail}"
        return f"node-{tail}" if part in ("kubelet", "kube-proxy", "containerd", "cni") else name

    fields: dict[str, Any] = {
        "id": number,
        "src": src,
        "dst": dst,
        "src_machine": machine(src),
        "dst_machine": machine(dst),
        "kind": kind,
        "text": text,
        "sent_at": 3_210 * MS,
        "due": 3_216 * MS,
        "cause": 0,
        "work": True,
        "outcome": "flying",
    }
    return views.FlightView(**{**fields, **given})


def process(name: str, machine: str, kind: str, **given: Any) -> views.ProcessView:
    fields: dict[str, Any] = {"up": True, "paused": False, "leading": False, "queue": (), "doing": ""}
    return views.ProcessView(name=name, machine=machine, kind=kind, **{**fields, **given})


def manager(
    number: int, up: bool = True, leads: tuple[str, ...] = (), room: str = "A", **queues: tuple[str, ...]
) -> views.MachineView:
    name = f"cp-{number}"
    parts = tuple(
        process(
            f"{kind}-{number}",
            name,
            kind,
            up=up,
            leading=kind in leads,
            queue=queues.get(kind.replace("-", "_"), ()),
            doing="reconciles web" if kind in leads and kind == "controller-manager" else "",
        )
        for kind in ("etcd", "api", "scheduler", "controller-manager")
    )
    return views.MachineView(name=name, room=room, up=up, processes=parts)


def pod(name: str, node: str = "node-1", status: str = "Running", **given: Any) -> views.PodView:
    running = status == "Running"
    owner = name.rsplit("-", 1)[0] if "-" in name else ""
    actual = given.pop("actual", "running" if running else "")
    fields: dict[str, Any] = {
        "namespace": "default",
        "uid": f"uid-{name}",
        "phase": "Running" if running or status == "CrashLoopBackOff" else "Pending",
        "ready": running,
        "ip": "10.244.1.3" if running else "",
        "labels": {"app": name.split("-")[0]},
        "owner": f"ReplicaSet/{owner}" if owner else "",
        "restarts": 0,
        "deleting": False,
        "created": 2 * SECOND,
        "containers": (
            views.ContainerView(
                name="main", image="web:1.0", state="running" if running else "waiting", reason="" if running else status,
                ready=running, restarts=0, actual=actual,
            ),
        ),
        "differs": False,
        "cpu": 250,
        "memory": 64 << 20,
    }  # fmt: skip
    return views.PodView(name=name, node=node, status=status, **{**fields, **given})


def node(number: int, pods: tuple[views.PodView, ...] = (), **given: Any) -> views.NodeView:
    name = f"node-{number}"
    mine = tuple(one for one in pods if one.node == name)
    up = given.get("up", True)
    kinds = (("kubelet", "kubelet"), ("runtime", "containerd"), ("cni", "cni"), ("proxy", "kube-proxy"))
    fields: dict[str, Any] = {
        "name": name,
        "room": "A",
        "registered": True,
        "ready": "True",
        "unschedulable": False,
        "taints": (),
        "up": True,
        "processes": tuple(process(f"{called}-{number}", name, kind, up=up) for kind, called in kinds),
        "cpu": 2000,
        "memory": 4 << 30,
        "cpu_requested": sum(one.cpu for one in mine),
        "memory_requested": sum(one.memory for one in mine),
        "pods": tuple(f"{one.namespace}/{one.name}" for one in mine),
        "pod_limit": 110,
        "actual_containers": sum(one.containers[0].actual == "running" for one in mine),
    }
    return views.NodeView(**{**fields, **given})


def deployment(name: str, desired: int, ready: int, **given: Any) -> views.DeploymentView:
    fields: dict[str, Any] = {
        "namespace": "default",
        "current": desired,
        "updated": desired,
        "available": ready,
        "image": f"{name}:1.0",
        "created": SECOND,
    }
    return views.DeploymentView(name=name, desired=desired, ready=ready, **{**fields, **given})


def note(at: int, actor: str, kind: str, **fields: Any) -> views.NoteView:
    number = actor.rpartition("-")[2]
    machine = f"node-{number}" if actor.startswith(("kubelet", "containerd", "kube-proxy")) else f"cp-{number}"
    return views.NoteView(at=at, actor=actor, machine=machine, kind=kind, fields=fields, cause=0)


def view(**given: Any) -> views.ClusterView:
    fields: dict[str, Any] = {
        "now": 3_214 * MS,
        "events": 812,
        "epoch": 1_767_225_600,
        "seed": 7,
        "quiet": False,
        "raft": raft(()),
        "control_plane": views.ControlPlaneView(machines=(), requests=()),
        "workload": views.WorkloadView(server="api-1", nodes=(), pods=(), deployments=(), services=()),
        "wire": views.WireView(flying=(), recent=()),
        "log": views.LogView(notes=()),
        "network": views.NetworkView(rooms=(), cuts=()),
        "console": views.ConsoleView(answers=(), busy=False),
        "verdicts": (),
    }
    return views.ClusterView(**{**fields, **given})


def timeline(**given: Any) -> views.TimelineView:
    heat = tuple([0, 1, 0, 3, 7, 4, 1, 0, 0, 2, 6, 9, 5, 2, 0, 0, 0, 0, 1, 3] * 3)
    fields: dict[str, Any] = {
        "branches": (
            views.BranchView(name="main", parent="", fork=0, head=1200, head_at=5 * SECOND, current=True),
            views.BranchView(name="with 4 managers", parent="main", fork=520, head=900, head_at=4 * SECOND, current=False),
        ),
        "events": 812,
        "head": 1200,
        "head_at": 5 * SECOND,
        "heat": heat,
        "marks": ((1_100 * MS, "crash cp-2"), (3_200 * MS, "create configmap topping")),
    }
    return views.TimelineView(**{**fields, **given})


# ------------------------------------------------------------------------------------------------------ scenes


def empty() -> Scene:
    """A world in which nothing is."""
    return Scene(view(), views.TimelineView(branches=(), events=0, head=0, head_at=0, heat=(), marks=()))


def pizza(size: int = 3, **given: Any) -> Scene:
    """Alice leads, Bob is at lunch, an order is on its way to the others."""
    members = [
        member(
            1, role="leader", log=5, open_from=5, peers=tuple(peer(number) for number in range(2, size + 1)),
        ),
        member(2, up=False, role="down", term=2, log=3, down_since=1_100 * MS),
        *(member(number, ticks_left=4 + number) for number in range(3, size + 1)),
    ][:size]  # fmt: skip
    flying = [flight(800 + number, "etcd-1", f"etcd-{number}", text="5: olives") for number in range(3, size + 1)]
    lost = flight(800, "etcd-1", "etcd-2", text="5: olives", outcome="down", sent_at=3_209 * MS, due=3_212 * MS)
    ask = flight(790, "you", "api-1", "POST", "create configmap topping", sent_at=3_100 * MS, due=3_207 * MS, outcome="arrived")
    put = flight(795, "api-1", "etcd-1", "put", "/registry/configmaps/default/topping", sent_at=3_207 * MS, due=3_209 * MS,
                 outcome="arrived")  # fmt: skip
    beats = [flight(780, "etcd-1", f"etcd-{number}", "Heartbeat", work=False, due=3_230 * MS) for number in range(3, size + 1)]
    answers = (
        views.AnswerView(id=1, client="you", at=2 * SECOND, line="get configmaps", code=0, done_at=2_050 * MS, stderr="",
                         stdout="NAME               DATA   AGE\nkube-root-ca.crt   1      2s\n"),
        views.AnswerView(id=2, client="you", at=3_100 * MS, line="create configmap topping --from-literal=choice=olives",
                         stdout="", stderr="", code=-1, done_at=0),
    )  # fmt: skip
    notes = (
        note(900 * MS, "etcd-1", "raft.campaign", term=3),
        note(950 * MS, "etcd-1", "raft.leader", term=3, votes=("etcd-1", "etcd-3")),
        note(1_400 * MS, "etcd-1", "raft.commit", index=4, acks=("etcd-1", "etcd-3")),
        note(3_207 * MS, "api-1", "api.request", verb="POST", path="/api/v1/namespaces/default/configmaps", user="admin"),
    )
    request = views.RequestView(
        id=7, server="api-1", at=3_205 * MS, user="admin", verb="POST", path="/api/v1/namespaces/default/configmaps",
        stages=("authn ✓", "authz ✓", "mutate ✓", "validate ✓", "admit ✓", "store …"), code=0,
    )  # fmt: skip
    everything = view(
        raft=raft(tuple(members)),
        wire=views.WireView(flying=(*beats, *flying), recent=(ask, put, lost)),
        log=views.LogView(notes=notes),
        console=views.ConsoleView(answers=answers, busy=True),
        control_plane=views.ControlPlaneView(
            machines=(
                manager(1, leads=("etcd", "controller-manager"), controller_manager=("default/web", "default/api")),
                *(manager(number, up=number != 2, leads=("scheduler",) * (number == 3)) for number in range(2, size + 1)),
            ),
            requests=(request,),
        ),
    )  # fmt: skip
    fields: dict[str, Any] = {"lens": COMMITTEE}
    return Scene(everything, timeline(), **{**fields, **given})


def election(**given: Any) -> Scene:
    """Five members, nobody leads, one asks for votes and is refused by one."""
    members = (
        member(1, role="candidate", term=4, granted=("etcd-1", "etcd-4"), refused=(("etcd-2", "its log is behind mine"),),
               leader=""),
        member(2, term=4, log=5, leader="", vote="etcd-2"),
        member(3, up=False, role="down", down_since=2 * SECOND),
        member(4, term=4, leader="", vote="etcd-1"),
        member(5, role="pre-candidate", leader="", granted=("etcd-5",)),
    )  # fmt: skip
    flying = (
        flight(900, "etcd-1", "etcd-2", "RequestVote", "term 4", sent_at=3_213 * MS),
        flight(901, "etcd-4", "etcd-1", "RequestVoteResponse", "yes", sent_at=3_209 * MS),
        flight(902, "etcd-1", "etcd-5", "RequestVote", "term 4", sent_at=3_212 * MS),
    )
    everything = view(raft=raft(members), wire=views.WireView(flying=flying, recent=()))
    return Scene(everything, timeline(), **{"lens": COMMITTEE, **given})


def joint(**given: Any) -> Scene:
    """Bob and Carol go, Dave and Erin come: both lists must agree to what Alice has written down. Frank waits at the door."""
    members = (
        member(1, role="leader", log=5, open_from=5, id=1, peers=(peer(2, 5), peer(3), peer(4, 2))),
        member(2, log=5, open_from=5, id=2), member(3, id=3), member(4, log=2, id=4), member(5, up=False, role="down", id=5),
        member(6, log=0, term=0, leader=""),
    )  # fmt: skip
    state = raft(
        members, size=3, quorum=2, reach=2, may_lose=0, has_quorum=True,
        voters=("etcd-1", "etcd-4", "etcd-5"), outgoing=("etcd-1", "etcd-2", "etcd-3"),
    )  # fmt: skip
    flying = tuple(flight(820 + number, "etcd-1", f"etcd-{number}", text="5 put choice olives") for number in (3, 4))
    return Scene(view(raft=state, wire=views.WireView(flying=flying, recent=())), timeline(), **{"lens": COMMITTEE, **given})


def traced(**given: Any) -> Scene:
    """A line on its way: through the gates of an API server into the log, to its answer; the moment shown is in between."""

    def step(at: int, actor: str, text: str, flew: views.FlightView | None, *notes: views.NoteView) -> views.TraceStepView:
        number = flew.id if flew else 0 if text == line else 790
        return views.TraceStepView(at=at * MS, actor=actor, text=text, message=number, flight=flew, notes=notes)

    line = "create configmap topping --from-literal=choice=olives"
    path, key = "/api/v1/namespaces/default/configmaps", "/registry/configmaps/default/topping"
    gone: dict[str, Any] = {"outcome": "arrived"}
    asked = note(3_207 * MS, "api-1", "api.request", verb="create", path=path, user="admin", client="you", stages=("authn ✓",))
    commit = note(3_215 * MS, "etcd-1", "raft.commit", index=5, term=3, acks=("etcd-1", "etcd-3"))
    acks = "AppendEntriesReply"
    steps = (
        step(3_200, "you", line, None),
        step(3_207, "api-1", f"POST {path}", flight(790, "you", "api-1", "POST", path, **gone)),
        *(step(3_207, "api-1", stage, None) for stage in ("authn ✓", "audit ✓", "fairness ✓", "authz ✓", "admit ✓")),
        step(3_207, "api-1", "store …", None, asked),
        step(3_209, "etcd-1", "put", flight(795, "api-1", "etcd-1", "etcd", f"put {key}", **gone)),
        step(3_212, "etcd-3", "5", flight(801, "etcd-1", "etcd-3", text="5 put topping", **gone)),
        step(3_212, "etcd-2", "5", flight(802, "etcd-1", "etcd-2", text="5 put topping", outcome="down")),
        step(3_215, "etcd-1", "have 5", flight(804, "etcd-3", "etcd-1", acks, "have 5", **gone), commit),
        step(3_216, "api-1", "stored", flight(805, "etcd-1", "api-1", "etcd answer", "stored @5", **gone)),
        step(3_218, "you", "201", flight(806, "api-1", "you", "answer", "201", **gone)),
    )
    trace = views.TraceView(line=line, client="you", at=3_200 * MS, steps=steps, number=2, of=3)
    return replace(pizza(**given), trace=trace)


def split(naive: bool = True, **given: Any) -> Scene:
    """Four managers in two rooms with the cable cut; by the naive vote both rooms lead, by Raft neither."""
    term = 4 if naive else 3
    lead = "leader" if naive else "candidate"
    members = (
        member(1, role=lead, term=term, log=3, room="A", granted=("etcd-1", "etcd-2")),
        member(2, term=term, log=3, room="A", leader="etcd-1" if naive else ""),
        member(3, role="leader" if naive else "follower", term=term, log=3, room="B", leader="etcd-3" if naive else ""),
        member(4, role="follower" if naive else "candidate", term=term, log=3, room="B", leader="etcd-3" if naive else ""),
    )
    pods = tuple(pod(f"site-7c9f-x{number}", f"node-{1 + number % 2}") for number in range(1, 6))
    rooms = (
        views.RoomView(name="A", machines=("cp-1", "cp-2", "node-1", "amy")),
        views.RoomView(name="B", machines=("cp-3", "cp-4", "node-2", "ben")),
    )
    code, out = (0, "deployment.apps/site scaled\n") if naive else (-1, "")
    answers = (
        views.AnswerView(id=3, client="amy", at=3 * SECOND, line="scale deployment site --replicas=5", stdout=out, stderr="",
                         code=code, done_at=3_050 * MS),
        views.AnswerView(id=4, client="ben", at=3_010 * MS, line="scale deployment site --replicas=3", stdout=out, stderr="",
                         code=code, done_at=3_060 * MS),
    )  # fmt: skip
    cuts = tuple((a, b) for a in rooms[0].machines for b in rooms[1].machines) + tuple(
        (b, a) for a in rooms[0].machines for b in rooms[1].machines
    )
    everything = view(
        raft=raft(
            members, reach=2, variant="naive" if naive else "raft", wrong="a majority of those that I can see" if naive else "",
            breaches=("two leaders were elected in term 4",) if naive else (),
        ),
        network=views.NetworkView(rooms=rooms, cuts=cuts),
        console=views.ConsoleView(answers=answers, busy=not naive),
        workload=views.WorkloadView(server="api-1", nodes=(node(1, pods), node(2, pods, room="B")), pods=pods,
                                    deployments=(deployment("site", 5, 5),), services=()),
        control_plane=views.ControlPlaneView(
            machines=tuple(manager(number, room="A" if number < 3 else "B", leads=("controller-manager",) * (number in (1, 3)))
                           for number in range(1, 5)),
            requests=(),
        ),
    )  # fmt: skip
    return Scene(everything, timeline(marks=((2_500 * MS, "cut A | B"),)), **{"lens": COMMITTEE, **given})


def cluster(nodes: int = 3, **given: Any) -> Scene:
    """A working cluster with four deployments, one pod in trouble and one being pulled."""
    plan = (("strings", 6), ("brass", 4), ("woodwind", 3), ("percussion", 1))
    pods = []
    for name, wanted in plan:
        for number in range(wanted):
            at = f"node-{1 + (len(pods) % max(1, nodes))}"
            suffix = "bcdfghjklm"[number] + "x7k" + "24679"[number % 5]
            pods.append(pod(f"{name}-5d9c6b7f4-{suffix}", at))
    pods[7] = pod("brass-5d9c6b7f4-cx7k4", pods[7].node, "CrashLoopBackOff", restarts=3, actual="exited")
    pods[9] = pod("brass-5d9c6b7f4-fx7k7", pods[9].node, "ContainerCreating", actual="pulling 62%")
    pods[10] = pod("woodwind-5d9c6b7f4-bx7k2", pods[10].node, differs=True, actual="exited")
    pods.append(pod("soloist", "", "Pending"))
    every = tuple(pods)
    columns = (
        ("TaintToleration", 3, (0, 0), (100, 100)), ("NodeResourcesFit", 1, (48, 58), (48, 58)),
        ("PodTopologySpread", 2, (5, 4), (80, 100)), ("NodeResourcesBalancedAllocation", 1, (90, 88), (90, 88)),
        ("ImageLocality", 1, (0, 0), (0, 0)),
    )  # fmt: skip
    points = [tuple((name, normal[i] * weight) for name, weight, _, normal in columns) for i in range(2)]
    filters = ("NodeUnschedulable", "NodeName", "TaintToleration", "NodeResourcesFit", "InterPodAffinity")
    verdict = views.VerdictView(
        pod="default/brass-5d9c6b7f4-fx7k7", at=41_706 * MS, chosen="node-2", message="",
        rows=(("node-1", "", points[0], 598), ("node-2", "", points[1], 646), ("node-3", "Insufficient cpu", (), 0)),
        attempt=2, filters=filters, refused_by=(("node-3", "NodeResourcesFit"),), feasible=("node-1", "node-2"),
        columns=columns,
        before=(views.AttemptView(at=39_100 * MS, number=1, node="", message="0/3 nodes are available: 3 Insufficient cpu."),),
    )  # fmt: skip
    pending = views.VerdictView(
        pod="default/soloist", at=41_900 * MS, chosen="",
        message="0/3 nodes are available: 3 Insufficient cpu. no new claims to deallocate, preemption: "
        "0/3 nodes are available: 3 No preemption victims found for incoming pod.",
        rows=tuple((f"node-{number}", "Insufficient cpu", (), 0) for number in range(1, 4)),
        filters=filters[:4], refused_by=tuple((f"node-{number}", "NodeResourcesFit") for number in range(1, 4)),
        nominated="node-2", victims=("default/busker-1", "default/busker-2"),
    )  # fmt: skip
    queue = (
        views.QueuedView(pod="default/encore", priority=100, place="active", since=41_950 * MS, until=0, attempts=0),
        views.QueuedView(
            pod="default/soloist", priority=1000, place="unschedulable", since=41_900 * MS, until=45_900 * MS, attempts=3,
            refused_by=("NodeResourcesFit",),
            wakes=("a new node", "more room on a node", "a pod gone", "five minutes of waiting"),
        ),
        views.QueuedView(
            pod="default/understudy", priority=0, place="gated", since=40_000 * MS, until=0, attempts=0,
            refused_by=("SchedulingGates",), wakes=("its gates taken off",), gates=("example.com/quota",),
        ),
    )  # fmt: skip
    service = views.ServiceView(
        namespace="default", name="strings", type="ClusterIP", cluster_ip="10.96.12.4", ports=("80→8080/TCP",),
        selector={"app": "strings"},
        endpoints=tuple(
            views.EndpointView(address=f"10.244.{1 + number % 3}.{number + 3}", pod=one.name, node=one.node, ready=number != 4)
            for number, one in enumerate(every[:6])
        ),
    )  # fmt: skip
    members = (member(1, log=143), member(2, role="leader", log=143), member(3, log=142))
    flying = (
        flight(1200, "controller-manager-3", "lb", "POST", "pods", sent_at=41_729 * MS, due=41_732 * MS),
        flight(1201, "api-2", "etcd-2", "put", "/registry/pods/default/brass-5d9c6b7f4-fx7k7", sent_at=41_729 * MS,
               due=41_731 * MS),
        flight(1202, "api-1", "kubelet-2", "WatchEvent", "MODIFIED pods default/brass-5d9c6b7f4-fx7k7", sent_at=41_728 * MS,
               due=41_733 * MS),
        flight(1203, "you", "lb", "GET", "/api/v1/namespaces/default/pods", sent_at=41_727 * MS, due=41_731 * MS),
    )  # fmt: skip
    notes = (
        note(41_700 * MS, "controller-manager-3", "controller.scaled", object="default/brass", from_=3, to=4),
        note(41_706 * MS, "scheduler-1", "scheduler.bound", pod="default/brass-5d9c6b7f4-fx7k7", node="node-2", score=150),
        note(41_712 * MS, "kubelet-2", "image.pulling", pod="default/brass-5d9c6b7f4-fx7k7", image="brass:1.0"),
        note(41_720 * MS, "kubelet-1", "container.started", pod="default/strings-5d9c6b7f4-bx7k2", container="main"),
        note(41_728 * MS, "kubelet-1", "container.died", pod="default/brass-5d9c6b7f4-cx7k4", container="main", exit_code=1),
    )
    machines = (
        manager(1, leads=("scheduler",)), manager(2, leads=("etcd",)),
        manager(3, leads=("controller-manager",), controller_manager=("default/brass", "default/strings", "default/woodwind")),
    )  # fmt: skip
    requests = tuple(
        views.RequestView(
            id=number, server="api-2", at=(41_700 + number) * MS, user="system:kube-controller-manager", verb=verb, path=path,
            stages=("authn ✓", "authz ✓", "mutate ✓", "validate ✓", "admit ✓", "store ✓"), code=code,
        )
        for number, (verb, path, code) in enumerate(
            (("POST", "/api/v1/namespaces/default/pods", 201),
             ("PUT", "/apis/apps/v1/namespaces/default/replicasets/brass-5d9c6b7f4/status", 409),
             ("GET", "/api/v1/namespaces/default/pods", 0)),
            1,
        )
    )  # fmt: skip
    odd: dict[int, dict[str, Any]] = {3: {"unschedulable": True}, 17: {"ready": "Unknown", "up": False}}
    everything = view(
        now=41_730 * MS,
        raft=raft(members),
        wire=views.WireView(flying=flying, recent=()),
        log=views.LogView(notes=notes),
        verdicts=(verdict, pending),
        queue=queue,
        control_plane=views.ControlPlaneView(machines=machines, requests=requests),
        workload=views.WorkloadView(
            server="api-1",
            nodes=tuple(node(number, every, **odd.get(number, {})) for number in range(1, nodes + 1)),
            pods=every,
            deployments=tuple(deployment(name, wanted, wanted - (2 if name == "brass" else 0)) for name, wanted in plan),
            services=(service,),
        ),
    )  # fmt: skip
    return Scene(everything, timeline(head_at=60 * SECOND), **{"lens": ORCHESTRA, **given})


def vote(**given: Any) -> Scene:
    """The pizza quorum on the wall, the room has voted."""
    options = (
        Option("A", "Yes, two of three is enough", 14),
        Option("B", "No, all three must vote", 7),
        Option("C", "Only if Alice decides alone", 3),
    )
    return pizza(mode="projector", question="Can Alice and Carol still decide?", options=options, **given)


def working(**given: Any) -> Scene:
    """Controllers at work: keys that wait, one that fails again and again, a rollout and a set that lacks a pod."""
    base = cluster().view

    def queue(name: str, **fields: Any) -> views.QueueView:
        return views.QueueView(**{
            "process": "controller-manager-1", "controller": f"{name}-controller", "waiting": (), "busy": (), "delayed": (),
            **fields,
        })  # fmt: skip

    at = base.now
    queues = (
        queue("deployment", busy=("default/strings",), at=at, key="default/strings", acted_at=at, acted_on="default/strings",
              requests=("PUT ReplicaSet", "PUT Deployment"), total=2),
        queue("replicaset", waiting=("default/brass-5d9c6b7f4", "default/strings-5d9c6b7f4", "shop/cart-77b5d"), at=at - 9 * MS,
              delayed=(views.WaitingView(key="default/woodwind-5d9c6b7f4", due=at + 640 * MS, failures=7),),
              key="default/woodwind-5d9c6b7f4", acted_at=at - 9 * MS, acted_on="default/woodwind-5d9c6b7f4",
              requests=("POST Pod",) * 10, total=12, failed_at=at - 5 * MS, failed="POST Pod of default/woodwind-5d9c6b7f4",
              error='pods "woodwind-5d9c6b7f4-x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=7, '
              "limited: pods=7"),
        queue("node", at=1_006 * MS, key="node-3", acted_at=1_006 * MS, acted_on="node-3", requests=("PATCH Node",), total=1),
        queue("endpoint-slice", at=3_100 * MS, key="default/strings"),
        queue("job", delayed=(views.WaitingView(key="default/report", due=at + 90 * SECOND, failures=0),), at=2_000 * MS,
              key="default/report"),
        queue("cronjob"), queue("namespace"),
    )  # fmt: skip
    leases = (
        views.LeaseView(name="kube-controller-manager", holder="controller-manager-1", acquired=500 * MS, renewed=at - SECOND,
                        duration=15 * SECOND, transitions=0, candidates=("controller-manager-1", "controller-manager-2")),
        views.LeaseView(name="kube-scheduler", holder="scheduler-2", acquired=500 * MS, renewed=at - 14 * SECOND,
                        duration=15 * SECOND, transitions=3, candidates=("scheduler-1", "scheduler-2", "scheduler-3")),
    )  # fmt: skip

    def one(kind: str, name: str, desired: int, actual: int, ready: int, owner: str = "", **fields: Any) -> views.SetView:
        return views.SetView(**{
            "kind": kind, "namespace": "default", "name": name, "owner": owner, "desired": desired, "actual": actual,
            "ready": ready, "image": f"{name.partition('-')[0]}:1.0", "revision": "", "created": SECOND, **fields,
        })  # fmt: skip

    sets = (
        one("Deployment", "brass", 4, 5, 2),
        one("ReplicaSet", "brass-77c8f", 1, 1, 0, "Deployment/brass", revision="2", image="brass:2.0"),
        one("ReplicaSet", "brass-5d9c6b7f4", 3, 4, 2, "Deployment/brass", revision="1"),
        one("Deployment", "strings", 6, 6, 6),
        one("ReplicaSet", "strings-5d9c6b7f4", 6, 6, 6, "Deployment/strings", revision="1"),
        one("StatefulSet", "harp", 2, 1, 1, image="harp:3"),
        one("DaemonSet", "metronome", 3, 3, 3),
        one("Job", "overture", 5, 3, 1, namespace="shop"),
    )
    pods = (*base.workload.pods, pod("brass-77c8f-2x7k2", "node-2", "ContainerCreating"),
            pod("harp-0", "node-1", owner="StatefulSet/harp"))  # fmt: skip
    everything = structs.replace(
        base, controllers=views.ControllersView(queues=queues, leases=leases, sets=sets),
        workload=structs.replace(base.workload, pods=pods),
    )  # fmt: skip
    return Scene(everything, timeline(), **given)


SCENES = {
    "working": working,
    "empty": empty,
    "decided": cluster,
    "pizza": pizza,
    "pizza5": lambda **given: pizza(5, **given),
    "pizza9": lambda **given: pizza(9, **given),
    "pizza1": lambda **given: pizza(1, **given),
    "election": election,
    "joint": joint,
    "traced": traced,
    "split": split,
    "split-raft": lambda **given: split(naive=False, **given),
    "cluster": cluster,
    "cluster100": lambda **given: cluster(100, **given),
    "vote": vote,
}
