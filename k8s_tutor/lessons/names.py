"""The one table of what a condition may say: each name with its type, its meaning and the parts of the view that it reads."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any, NamedTuple, Union, get_args, get_origin, get_type_hints

from k8s_tutor.cluster import views
from k8s_tutor.cluster.walkviews import HopView, WalkView


class Type(NamedTuple):
    """Type of an expression. ``name``: ``any``, ``bool``, ``int``, ``double``, ``string``, ``list``, ``map``, ``null``, or an
    object's. ``fields``: of an object (None: any). ``item``: of a list. ``methods``: what may be called on it.
    """

    name: str
    fields: Mapping[str, Type] | None = None
    item: Type | None = None
    methods: Mapping[str, Type] | None = None


ANY = Type("any")
BOOL, INT, DOUBLE, STRING = Type("bool"), Type("int"), Type("double"), Type("string")
MAP = Type("map")


def list_of(item: Type) -> Type:
    """The type of a list."""
    return Type("list", item=item)


def _of(annotation: Any) -> Type:
    simple = {bool: BOOL, int: INT, str: STRING, float: DOUBLE}
    if annotation in simple:
        return simple[annotation]
    if isinstance(annotation, type) and issubclass(annotation, views.View):
        return of_view(annotation)
    if get_origin(annotation) is tuple:
        return list_of(_of(get_args(annotation)[0]))
    if get_origin(annotation) in (Union, types.UnionType):
        return ANY
    return MAP


def of_view(view: type[views.View], **more: Type) -> Type:
    """The object type with the fields of a view, and ``more``."""
    hints = get_type_hints(view)
    fields = {name: _of(hints[name]) for name in view.__struct_fields__}
    return Type(view.__name__.removesuffix("View"), {**fields, **more})


MEMBER = of_view(views.MemberView)
POD = of_view(views.PodView)
NODE = of_view(views.NodeView)
DEPLOYMENT = of_view(views.DeploymentView)
SERVICE = of_view(views.ServiceView)
ENDPOINT = of_view(views.EndpointView)
PROCESS = of_view(views.ProcessView)
NOTE = of_view(views.NoteView)
LINE = of_view(views.AnswerView)
RAFT = of_view(views.RaftView, leader=STRING)
ROOM = Type(
    "Room",
    {
        "name": STRING, "machines": list_of(STRING), "members": list_of(STRING), "size": INT, "up": INT,
        "leaders": list_of(STRING), "has_quorum": BOOL, "writers": list_of(STRING),
    },
)  # fmt: skip
CLUSTER = Type("Cluster", {"managers": INT, "workers": INT, "quiet": BOOL, "seed": INT, "cuts": INT})
KEY = Type("Key", {"value": STRING, "create_revision": INT, "mod_revision": INT, "version": INT})
LEASE = Type("Lease", {"holder": STRING, "renewed": STRING, "transitions": INT})

_OBJECTS = {
    "pods": list_of(POD), "pod": POD, "deployments": list_of(DEPLOYMENT), "deployment": DEPLOYMENT,
    "services": list_of(SERVICE), "service": SERVICE, "endpoints": list_of(ENDPOINT), "nodes": list_of(NODE), "node": NODE,
}  # fmt: skip
_STORED = {"configmap": ANY, "lease": LEASE, "object": ANY, "objects": list_of(ANY)}
SERVER = Type(
    "Server",
    {"name": STRING},
    methods={"deployment": ANY, "deployments": list_of(ANY), "pods": list_of(ANY), "pod": ANY, **_STORED},
)


class Name(NamedTuple):
    """One line of the table. ``arity``: fewest and most arguments of a function; None for a variable."""

    type: Type
    arity: tuple[int, int] | None
    use: str
    parts: tuple[str, ...]
    words: str


RAFT_PART = ("raft",)
PROGRESS = ("progress",)
WORK = ("workload",)
STORE = ("stores",)
OF_KIND = {"object": "", "objects": "", "configmap": "ConfigMap", "lease": "Lease"}
"""Functions that read the objects of one kind: that kind, or nothing where the first argument names it."""
"""What the API servers hold in their watch caches."""

NAMES: dict[str, Name] = {
    "now": Name(DOUBLE, None, "now > 12.0", ("now",), "seconds since the world began"),
    "raft": Name(
        RAFT, None, "raft.has_quorum", RAFT_PART,
        "the etcd members as a group: leaders, leader, up, size, quorum, reach, term, commit, lost ...",
    ),
    "cluster": Name(
        CLUSTER, None, "cluster.managers", ("control_plane", "workload", "network"),
        "managers, workers, quiet, seed, cuts",
    ),
    "rooms": Name(list_of(ROOM), None, 'rooms.all(r, r.has_quorum)', ("roles", "network"), "the rooms, in order of name"),
    "members": Name(list_of(MEMBER), (0, 0), "members().exists(m, m.term > 3)", RAFT_PART, "all etcd members"),
    "member": Name(
        MEMBER, (1, 1), 'member("Alice").role == "leader"', RAFT_PART,
        "one member, by the name of machine, process or lens",
    ),
    "room": Name(
        ROOM, (1, 1), 'room("A").leaders.size() == 1', ("roles", "network"),
        "one room with its members; `writers`: leaders with a majority",
    ),
    "process": Name(
        PROCESS, (1, 1), 'process("scheduler-1").leading', ("control_plane", "workload"),
        "one process of a manager or worker",
    ),
    "pods": Name(
        _OBJECTS["pods"], (0, 2), 'pods("app=web").all(p, p.ready)', WORK,
        'pods(selector, namespace): selector "" is all, namespace "default" unless given, "*" is all',
    ),
    "pod": Name(
        POD, (1, 2), 'pod("web-0").phase == "Running"', WORK,
        "one pod by name (and namespace), or null; a name that ends in * is the first such pod",
    ),
    "nodes": Name(_OBJECTS["nodes"], (0, 0), 'nodes().all(n, n.ready == "True")', WORK, "all workers"),
    "node": Name(NODE, (1, 1), 'node("node-1").up', WORK, "one worker, or null"),
    "deployments": Name(_OBJECTS["deployments"], (0, 1), "deployments().size()", WORK, "all Deployments of a namespace"),
    "deployment": Name(DEPLOYMENT, (1, 2), 'deployment("web").ready == 3', WORK, "one Deployment, or null"),
    "services": Name(_OBJECTS["services"], (0, 1), "services().size()", WORK, "all Services of a namespace"),
    "service": Name(SERVICE, (1, 2), 'service("web") != null', WORK, "one Service, or null"),
    "endpoints": Name(
        _OBJECTS["endpoints"], (1, 2), 'endpoints("web").size() == 3', WORK,
        "the backends of a Service; empty without one",
    ),
    "walk": Name(
        of_view(WalkView, hops=list_of(of_view(HopView))), (2, 2), 'walk("client", "shop:80").verdict == "delivered"',
        ("walks",),
        "the way of a packet as it would go now: from a pod, node or `outside` to a pod, Service, name or Ingress",
    ),
    "kept": Name(BOOL, (1, 1), 'kept("pods reach pods")', ("walks",), "whether a rule of the network holds for all pairs now"),
    "configmap": Name(ANY, (1, 2), 'configmap("topping").data.choice == "olives"', STORE, "one ConfigMap as stored, or null"),
    "lease": Name(
        LEASE, (1, 2), 'lease("kube-scheduler").holder', STORE,
        "one Lease (namespace kube-system unless given), or null",
    ),
    "object": Name(
        ANY, (2, 3), 'object("Service", "web").spec.clusterIP', STORE,
        "any object as stored, custom ones too: kind, name, namespace; or null",
    ),
    "objects": Name(list_of(ANY), (1, 2), 'objects("ReplicaSet").size()', STORE, "all objects of a kind in a namespace"),
    "allowed": Name(
        BOOL, (3, 4), 'allowed("alice", "list", "pods")', STORE,
        "whether a user may do a verb on a resource (`deployments/scale`) in a namespace",
    ),
    "managers": Name(
        list_of(STRING), (3, 4), 'managers("Deployment", "web", "spec.replicas") == ["pipeline"]', STORE,
        "who manages a field of an object or something in it: the names in managedFields",
    ),
    "server": Name(
        SERVER, (1, 1), 'server("api-3").deployment("site").desired', STORE,
        "read through one API server, whatever the others say",
    ),
    "committed": Name(
        BOOL, (1, 1), 'committed("put /topping")', PROGRESS,
        "whether a committed entry of a member that is up says this",
    ),
    "key": Name(
        KEY, (1, 2), 'key("/topping").value == "olives"', PROGRESS,
        "one key as the member that is furthest has it, or null; key(name, member): as that one has it",
    ),
    "seen": Name(
        BOOL, (1, 1), 'seen("raft.leader")', ("log",),
        "whether a note of this kind was made since the step opened; `raft.*` for a family",
    ),
    "noted": Name(list_of(NOTE), (1, 1), 'noted("raft.leader").exists(n, n.fields.term > 3)', ("log",), "those notes"),
    "typed": Name(
        BOOL, (1, 1), 'typed("scale")', ("console",),
        "whether a line with this text was typed since the step opened",
    ),
    "heard": Name(
        STRING, (1, 1), 'heard("amy").contains("DELETED")', ("console",),
        "what a client's console has printed since the step opened, by a watch that was typed before, too",
    ),
    "lines": Name(
        list_of(LINE), (0, 0), "lines().exists(l, l.code == 1)", ("console",),
        "the lines typed since the step opened",
    ),
    "quorum": Name(INT, (1, 1), "quorum(5) == 3", (), "n / 2 + 1, rounded down"),
    "tolerates": Name(INT, (1, 1), "tolerates(7) == 3", (), "how many of n may be lost"),
}  # fmt: skip

FIELD_PARTS: dict[str, dict[str, str]] = {
    "raft": {
        **dict.fromkeys(("variant", "wrong", "size", "quorum", "up", "reach"), "standing"),
        **dict.fromkeys(("tolerates", "may_lose", "has_quorum"), "standing"),
        **dict.fromkeys(("leaders", "leader", "term"), "roles"),
        "commit": "progress",
    },
    "cluster": {"managers": "standing", "workers": "standing", "seed": "standing", "cuts": "network", "quiet": "now"},
}
"""What single fields of a variable read, where that is less than the whole."""

RESTLESS = frozenset(MEMBER.fields or {}) - {
    "name", "machine", "room", "up", "paused", "role", "term", "vote", "leader", "commit", "last_index", "entries",
    "has_majority", "revision", "learner", "down_since",
} | {"lost", "breaches", "invariants"}  # fmt: skip
"""Fields of members and of the group that change with every tick and answer, or are seen only by who looks at everything."""
NOTEBOOKS = "notebooks"
"""What is read of the committee when none of these is."""

BUILT_IN: dict[str, Type] = {
    "size": INT, "int": INT, "uint": INT, "double": DOUBLE, "string": STRING, "bool": BOOL, "type": ANY,
    "duration": ANY, "timestamp": ANY,
    "contains": BOOL, "startsWith": BOOL, "endsWith": BOOL, "matches": BOOL, "min": ANY, "max": ANY,
}  # fmt: skip
"""Functions of CEL itself. ``has`` and the macros are known to the checker."""
MACROS = ("all", "exists", "exists_one", "map", "filter")
