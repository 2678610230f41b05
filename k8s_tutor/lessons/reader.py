"""What conditions see: the parts of a cluster's view, behind the names of `k8s_tutor.lessons.names`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from k8s_tutor.cluster import Cluster
from k8s_tutor.cluster.views import AnswerView, NoteView, RaftView, View, WorkloadView
from k8s_tutor.lessons.cel import CelError, Expression, compiled
from k8s_tutor.lessons.lens import Lens
from k8s_tutor.lessons.parts import Notes, part
from k8s_tutor.lessons.stored import allowed, as_deployment, as_lease, as_pod, key_stored, managers, selected
from k8s_tutor.sim import SECOND

EVERYWHERE = "*"


class Since:
    """What was noted and typed since a step opened."""

    def __init__(self, cluster: Cluster) -> None:
        self.at = cluster.now
        self._log = Notes(cluster)
        answers = part(cluster, "console").answers
        self._first_line = max((answer.id for answer in answers), default=0)
        self._printed = {answer.id: len(answer.stdout) for answer in answers if answer.code == -1}
        """Lines that still ran then (watches), with how much they had printed."""

    @property
    def record(self) -> int:
        """Index of the log's first record after the opening."""
        return self._log.first

    def notes(self, cluster: Cluster) -> list[NoteView]:
        """All notes since the step opened, oldest first; those that a rewind has undone are gone."""
        return self._log.read(cluster)

    def lines(self, cluster: Cluster) -> list[AnswerView]:
        """The console lines that were typed since the step opened."""
        return [answer for answer in part(cluster, "console").answers if answer.id > self._first_line]

    def heard(self, cluster: Cluster, client: str) -> str:
        """What a client's console has printed since the step opened, by a watch that was typed before it too."""
        answers = [answer for answer in part(cluster, "console").answers if answer.client == client]
        new = [answer for answer in answers if answer.id > self._first_line or answer.id in self._printed]
        return "".join(answer.stdout[self._printed.get(answer.id, 0) :] for answer in new)


class Reader:
    """The functions and variables of conditions over one cluster, seen through one lens' names."""

    def __init__(self, cluster: Cluster, lens: Lens, extra: Mapping[str, Any] | None = None) -> None:
        self.cluster = cluster
        self.lens = lens
        self.since = Since(cluster)
        self.extra = dict(extra or {})
        self._words: frozenset[str] = frozenset()
        """The words of the expression that is being evaluated."""
        self.functions: dict[str, Callable[..., Any]] = {
            name.removeprefix("f_"): _careful(getattr(self, name)) for name in dir(self) if name.startswith("f_")
        }

    def reopen(self) -> None:
        """A step opens now: what is seen and typed counts from here."""
        self.since = Since(self.cluster)

    def part(self, name: str) -> Any:
        """A part of the view, the same object while unchanged; ``now`` and ``log`` are a count, ``stores`` are versions."""
        if name == "now":
            return self.cluster.now
        if name == "log":
            return len(self.since.notes(self.cluster))
        return part(self.cluster, name)

    def value(self, expression: Expression) -> Any:
        """What an expression is worth now. Raises `CelError` when it has no value."""
        self._words = expression.words
        return expression.execute(self._variables(expression), self.functions)

    def _plain(self, value: Any) -> Any:
        """A view as plain data, with no more of it than the expression names: the evaluator converts all that it is given."""
        if isinstance(value, View):
            return {field: self._plain(getattr(value, field)) for field in value.__struct_fields__ if field in self._words}
        if isinstance(value, (tuple, list)):
            return [self._plain(item) for item in value]
        return dict(value) if isinstance(value, Mapping) else value

    def _first(self, found: Iterable[Any]) -> Any:
        return next((self._plain(item) for item in found), None)

    def holds(self, expression: Expression) -> bool:
        """Whether a condition holds. One that has no value (a field of something that is not there) does not."""
        try:
            return self.value(expression) is True
        except CelError:
            return False

    def compute(self, source: str) -> Any:
        """The value of an expression over these names and ``extra``. Raises `CelError`."""
        return self.value(compiled(source, tuple(sorted(self.extra))))

    # ------------------------------------------------------------------ variables

    def _variables(self, expression: Expression) -> dict[str, Any]:
        out: dict[str, Any] = {name: value for name, value in self.extra.items() if name in expression.source}
        for name in expression.names:
            wanted = [field for variable, field in expression.fields if variable == name]
            if name == "now":
                out["now"] = self.cluster.now / SECOND
            elif name == "raft":
                out["raft"] = self._raft(wanted)
            elif name == "cluster":
                out["cluster"] = self._cluster()
            elif name == "rooms":
                out["rooms"] = self._rooms()
        return out

    def _raft(self, wanted: list[str]) -> dict[str, Any]:
        raft: RaftView = part(self.cluster, "raft")
        fields = [*raft.__struct_fields__, "leader"] if "*" in wanted else wanted
        out = {}
        for field in fields:
            value = (raft.leaders[0] if raft.leaders else "") if field == "leader" else getattr(raft, field)
            out[field] = self._plain(value)
        return out

    def _cluster(self) -> dict[str, Any]:
        cluster = self.cluster
        machines = part(cluster, "control_plane").machines
        return {
            "managers": len(machines), "workers": len(part(cluster, "workload").nodes), "quiet": cluster.quiet,
            "seed": cluster.seed, "cuts": len(part(cluster, "network").cuts),
        }  # fmt: skip

    def _rooms(self) -> list[dict[str, Any]]:
        raft: RaftView = part(self.cluster, "raft")
        rooms = []
        for room in part(self.cluster, "network").rooms:
            members = [member for member in raft.members if member.room == room.name]
            up = [member for member in members if member.up and not member.paused]
            leaders = [member.name for member in up if member.role == "leader"]
            writers = [member.name for member in up if member.role == "leader" and member.has_majority]
            enough = raft.quorum if raft.variant != "naive" else 1
            rooms.append({
                "name": room.name, "machines": list(room.machines), "members": [member.name for member in members],
                "size": len(members), "up": len(up), "leaders": leaders, "writers": writers, "has_quorum": len(up) >= enough,
            })  # fmt: skip
        return sorted(rooms, key=lambda room: str(room["name"]))

    # ------------------------------------------------------------------ committee

    def f_members(self) -> Any:
        return self._plain(part(self.cluster, "raft").members)

    def f_member(self, name: str) -> Any:
        machine = self.lens.component(name)
        return self._first(m for m in part(self.cluster, "raft").members if machine in (m.name, m.machine))

    def f_committed(self, text: str) -> bool:
        members = part(self.cluster, "raft").members
        return any(entry.committed and text in entry.text for member in members if member.up for entry in member.entries)

    def f_key(self, name: str, member: str = "") -> Any:
        machine = self.lens.component(member) if member else ""
        stored = key_stored(self.cluster, name, machine)
        return stored and {field: value for field, value in stored.items() if field in self._words}

    def f_room(self, name: str) -> Any:
        return next((room for room in self._rooms() if room["name"] == name), None)

    def f_process(self, name: str) -> Any:
        machines = (*part(self.cluster, "control_plane").machines, *part(self.cluster, "workload").nodes)
        return self._first(process for machine in machines for process in machine.processes if process.name == name)

    def f_quorum(self, size: int) -> int:
        return int(size) // 2 + 1

    def f_walk(self, origin: str, target: str) -> Any:
        found = self.cluster.walk(origin, target)
        return {**self._plain(found), **({"hops": self._plain(found.hops)} if "hops" in self._words else {})}

    def f_kept(self, name: str) -> bool:
        return any(rule.ok and rule.tested > 0 for rule in self.cluster.rules() if rule.name == name)

    def f_tolerates(self, size: int) -> int:
        return int(size) - (int(size) // 2 + 1)

    # ------------------------------------------------------------------ workload

    def _work(self) -> WorkloadView:
        return part(self.cluster, "workload")  # type: ignore[no-any-return]

    def f_pods(self, *args: Any) -> Any:
        server, rest = _server(args)
        selector, namespace = (rest[0] if rest else ""), (rest[1] if len(rest) > 1 else "default")
        found: Iterable[Any] = [as_pod(tree) for tree in self._stored("Pod", server)] if server else self._work().pods
        return self._plain([p for p in _in(found, namespace) if selected(selector, p.labels)])

    def f_pod(self, *args: Any) -> Any:
        server, rest = _server(args)
        name, namespace = rest[0], (rest[1] if len(rest) > 1 else "default")
        found: Iterable[Any] = [as_pod(tree) for tree in self._stored("Pod", server)] if server else self._work().pods
        return self._first(p for p in _in(found, namespace) if _named(name, p.name))

    def f_nodes(self) -> Any:
        return self._plain(self._work().nodes)

    def f_node(self, name: str) -> Any:
        machine = self.lens.component(name)
        return self._first(node for node in self._work().nodes if node.name == machine)

    def f_deployments(self, *args: Any) -> Any:
        server, rest = _server(args)
        trees = self._stored("Deployment", server)
        found: Iterable[Any] = [as_deployment(tree) for tree in trees] if server else self._work().deployments
        return self._plain(list(_in(found, rest[0] if rest else "default")))

    def f_deployment(self, *args: Any) -> Any:
        server, rest = _server(args)
        trees = self._stored("Deployment", server) if server else []
        found: Iterable[Any] = [as_deployment(tree) for tree in trees] if server else self._work().deployments
        return self._first(d for d in _in(found, rest[1] if len(rest) > 1 else "default") if d.name == rest[0])

    def f_services(self, namespace: str = "default") -> Any:
        return self._plain(list(_in(self._work().services, namespace)))

    def f_service(self, name: str, namespace: str = "default") -> Any:
        return self._first(service for service in _in(self._work().services, namespace) if service.name == name)

    def f_endpoints(self, name: str, namespace: str = "default") -> Any:
        found = next((s for s in _in(self._work().services, namespace) if s.name == name), None)
        return self._plain(found.endpoints) if found else []

    # ------------------------------------------------------------------ stored objects

    def f_server(self, name: str) -> Any:
        machine = self.lens.component(name)
        return {"server": f"api-{machine.removeprefix('cp-')}" if machine.startswith("cp-") else machine, "name": name}

    def _stored(self, kind: str, server: str) -> list[Any]:
        return list(self.cluster.objects(kind, server).values())

    def _object(self, kind: str, name: str, namespace: str, server: str) -> Any:
        objects = self.cluster.objects(kind, server)
        return objects.get(f"{namespace}/{name}") or objects.get(name)

    def f_object(self, *args: Any) -> Any:
        server, rest = _server(args)
        return self._object(rest[0], rest[1], rest[2] if len(rest) > 2 else "default", server)

    def f_objects(self, *args: Any) -> Any:
        server, rest = _server(args)
        namespace = rest[1] if len(rest) > 1 else "default"
        objects = self.cluster.objects(rest[0], server)
        return [tree for key, tree in objects.items() if namespace in (EVERYWHERE, key.rpartition("/")[0])]

    def f_configmap(self, *args: Any) -> Any:
        server, rest = _server(args)
        return self._object("ConfigMap", rest[0], rest[1] if len(rest) > 1 else "default", server)

    def f_lease(self, *args: Any) -> Any:
        server, rest = _server(args)
        tree = self._object("Lease", rest[0], rest[1] if len(rest) > 1 else "kube-system", server)
        return None if tree is None else as_lease(tree)

    def f_allowed(self, user: str, verb: str, resource: str, namespace: str = "default") -> bool:
        return allowed(self.cluster, user, verb, resource, namespace)

    def f_managers(self, kind: str, name: str, field: str, namespace: str = "default") -> list[str]:
        return managers(self.cluster, kind, name, field, namespace)

    # ------------------------------------------------------------------ since the step opened

    def f_noted(self, kind: str) -> Any:
        notes = self.since.notes(self.cluster)
        return self._plain([note for note in notes if _named(kind, note.kind)])

    def f_seen(self, kind: str) -> bool:
        return any(_named(kind, note.kind) for note in self.since.notes(self.cluster))

    def f_lines(self) -> Any:
        return self._plain(self.since.lines(self.cluster))

    def f_heard(self, client: str) -> str:
        return self.since.heard(self.cluster, client)

    def f_typed(self, text: str) -> bool:
        return any(text in answer.line for answer in self.since.lines(self.cluster))


def _careful(function: Callable[..., Any]) -> Callable[..., Any]:
    """A wrong argument (a number for a name, null) is no value, not a crash of the library."""

    def call(*args: Any) -> Any:
        try:
            return function(*args)
        except (TypeError, AttributeError, ValueError, IndexError):
            return None

    return call


def _server(args: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """The API server on which a function was called as a method, if it was, and the other arguments."""
    if args and isinstance(args[0], dict) and "server" in args[0]:
        return args[0]["server"], args[1:]
    return "", args


def _named(wanted: str, name: str) -> bool:
    return name.startswith(wanted[:-1]) if wanted.endswith("*") else name == wanted


def _in(found: Iterable[Any], namespace: str) -> Iterable[Any]:
    return (item for item in found if namespace in (EVERYWHERE, item.namespace))


class Watch:
    """A condition that is evaluated again only when a part that it reads is a new object."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self._parts: list[Any] = []
        self._value = False

    def holds(self, reader: Reader) -> bool:
        """Whether the condition holds now."""
        known, parts, same = self._parts, [], bool(self._parts)
        for index, name in enumerate(self.expression.parts):
            found = reader.part(name)
            parts.append(found)
            if same:
                before = known[index]
                same = found is before or (isinstance(found, (int, tuple)) and found == before)
        if not same:
            self._parts = parts
            self._value = reader.holds(self.expression)
        return self._value
