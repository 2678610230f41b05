"""Whether a lesson that is well formed also makes sense: names, conditions, machines, goals, solutions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from k8s_tutor.cluster import ClusterSpec
from k8s_tutor.cluster.networking import agent_of
from k8s_tutor.cluster.operators.spec import OperatorSpec
from k8s_tutor.lessons import actions as act
from k8s_tutor.lessons import lens as lenses
from k8s_tutor.lessons.cel import CelError, Expression, compiled, condition
from k8s_tutor.lessons.errors import LessonError, Problem, did_you_mean
from k8s_tutor.lessons.lens import Lens, fields_of
from k8s_tutor.lessons.manifests import documents
from k8s_tutor.lessons.models import Ask, Compare, Computed, Do, Goal, Lesson, Predict, Question, Review, Step, Task, WaitFor
from k8s_tutor.lessons.source import Document, Path_, problems_of
from k8s_tutor.node.runtimes import FLAVOURS

PROCESSES = ("etcd", "api", "scheduler", "controller-manager")
NODE_PROCESSES = ("kubelet", "cni", "kube-proxy")
MACHINE_ARGUMENTS = {"member", "node", "server"}
READS = frozenset(
    [
        "get",
        "describe",
        "logs",
        "explain",
        "api-resources",
        "api-versions",
        "version",
        "top",
        "cluster-info",
        "auth",
        "diff",
        "config",
        "options",
        "completion",
        "events",
    ]
)
"""kubectl verbs that change nothing; for etcdctl: get, watch, endpoint, member list."""


def translated(spec: dict[str, Any], lens: str) -> dict[str, Any]:
    """A cluster spec with a lens' names of machines in its rooms made into the machines' own."""
    rooms = spec.get("rooms")
    if not isinstance(rooms, dict):
        return spec
    own = lenses.lens(lens)
    return {**spec, "rooms": {
        room: [own.component(m) if isinstance(m, str) else m for m in members] if isinstance(members, list) else members
        for room, members in rooms.items()
    }}  # fmt: skip


def spec_problems(lesson: Lesson, document: Document) -> list[Problem]:
    """What is wrong with the lens, the lesson's cluster and those of its worlds."""
    try:
        lenses.lens(lesson.lens)
    except LessonError:
        text = f"there is no lens {lesson.lens!r}{did_you_mean(lesson.lens, lenses.names())}"
        return [document.problem(("lens",), text)]
    found = _spec(lesson, {}, ("cluster",), document)
    for index, step in enumerate(lesson.steps):
        if isinstance(step, Compare) and not found:
            for number, world in enumerate(step.worlds):
                found += _spec(lesson, world.cluster, ("steps", index, "worlds", number, "cluster"), document)
        for number, option in enumerate(getattr(step, "options", ())):
            if option.imagine is not None and not found:
                base = ("steps", index, "options", number, "imagine", "cluster")
                found += _spec(lesson, option.imagine.cluster, base, document)
        if step.lens and step.lens not in lenses.names():
            text = f"there is no lens {step.lens!r}{did_you_mean(step.lens, lenses.names())}"
            found.append(document.problem(("steps", index, "lens"), text))
    return found


def _spec(lesson: Lesson, changes: dict[str, Any], base: Path_, document: Document) -> list[Problem]:
    try:
        ClusterSpec.model_validate(translated({**lesson.cluster, **changes}, lesson.lens))
    except ValidationError as error:
        return problems_of(error, ClusterSpec, document, base)
    return []


def problems(lesson: Lesson, document: Document) -> list[Problem]:
    """Everything about the steps that does not make sense."""
    if any(step.lens and step.lens not in lenses.names() for step in lesson.steps) or lesson.lens not in lenses.names():
        return []
    return list(_Lint(lesson, document).all())


class _Lint:
    """One walk over a lesson's steps."""

    def __init__(self, lesson: Lesson, document: Document) -> None:
        self.lesson = lesson
        self.document = document
        self.lens: Lens = lenses.lens(lesson.lens)
        try:
            self.spec = ClusterSpec.model_validate(translated(lesson.cluster, lesson.lens))
        except ValidationError:
            self.spec = ClusterSpec()
        self._added = str(lesson).count("AddManager(")
        """How many managers may come while the lesson plays."""
        self._bare = self.spec.components == "etcd"
        """Whether a world of the step at hand is etcd alone."""

    def all(self) -> Iterator[Problem]:
        worlds = False
        for index, step in enumerate(self.lesson.steps):
            path: Path_ = ("steps", index)
            self._bare = self._is_bare(step)
            yield from self._step(step, path)
            if isinstance(step, Compare):
                if not step.worlds and not worlds:
                    text = "a comparison without `worlds` goes on with those of the `compare` step before it, and there is none"
                    yield self.document.problem((*path, "compare"), text)
                worlds = True
            elif getattr(step, "beside", False) and not worlds:
                yield self.document.problem((*path, "beside"), "there is no `compare` step before this one to stay in")
            elif not getattr(step, "beside", False):
                worlds = worlds and isinstance(step, Ask)

    def _is_bare(self, step: Step) -> bool:
        if isinstance(step, Compare) and step.worlds:
            return any(world.cluster.get("components", self.spec.components) == "etcd" for world in step.worlds)
        goes_on = isinstance(step, Compare) or getattr(step, "beside", False)
        return self._bare if goes_on else self.spec.components == "etcd"

    def _step(self, step: Step, path: Path_) -> Iterator[Problem]:
        if isinstance(step, (Do, Predict, WaitFor, Compare)):
            yield from self._condition(step.until, (*path, "until"))
        if isinstance(step, Do):
            yield from self._actions(step.do, (*path, "do"))
        if isinstance(step, Predict):
            yield from self._actions(step.then, (*path, "then"))
        if isinstance(step, Compare):
            yield from self._actions(step.do, (*path, "do"), self._most_machines(step))
            for number, world in enumerate(step.worlds):
                yield from self._condition(world.until, (*path, "worlds", number, "until"))
        if isinstance(step, Ask):
            yield from self._question(step, path)
        if isinstance(step, Review):
            for number, item in enumerate(step.items):
                yield from self._question(item, (*path, "items", number))
        if isinstance(step, Task):
            yield from self._task(step, path)

    # ------------------------------------------------------------------ conditions

    def _condition(self, source: str, path: Path_) -> Iterator[Problem]:
        if not source:
            return
        try:
            expression = condition(source)
        except CelError as error:
            yield self.document.problem(path, f"CEL {source!r}: {_pointed(source, error)}")
            return
        if not expression.names:
            yield self.document.problem(
                path, f"CEL {source!r} is always {_constant(expression)}: it reads nothing of the cluster"
            )
        for function, argument, _ in expression.calls:
            if function in MACHINE_ARGUMENTS:
                yield from self._machine(argument, path, self._machines())
            if function == "room" and argument not in self.spec.rooms:
                text = f"there is no room {argument!r}{did_you_mean(argument, self.spec.rooms)}"
                yield self.document.problem(path, text)

    def _question(self, question: Question, path: Path_) -> Iterator[Problem]:
        known = tuple(sorted(question.vary))
        for field in fields_of(question.ask) if question.vary else ():
            if field not in question.vary:
                text = f"{{{field}}} is not in `vary`{did_you_mean(field, known)}"
                yield self.document.problem((*path, "ask"), text)
        if isinstance(question.answer, Computed):
            try:
                compiled(question.answer.compute, known)
            except CelError as error:
                text = f"CEL {question.answer.compute!r}: {_pointed(question.answer.compute, error)}"
                yield self.document.problem((*path, "answer", "compute"), text)

    # ------------------------------------------------------------------ machines and actions

    def _most_machines(self, step: Compare) -> list[str]:
        worlds = [world.cluster for world in step.worlds]
        managers = max([self.spec.managers, *(w["managers"] for w in worlds if isinstance(w.get("managers"), int))])
        workers = max([self.spec.worker_count, *(w["workers"] for w in worlds if isinstance(w.get("workers"), int))])
        rooms = [room for world in worlds for room in world.get("rooms", {})]
        runtimes = [str(world["runtime"]) for world in worlds if "runtime" in world]
        return [*self._machines(managers, workers, runtimes), *rooms]

    def _machines(self, managers: int = 0, workers: int = 0, runtimes: Iterable[str] = ()) -> list[str]:
        spec = self.spec
        managers, workers = (managers or spec.managers) + self._added, workers or spec.worker_count
        clients = [f"{name}-host" for name in ("you", *spec.clients)]
        machines = [f"cp-{i}" for i in range(1, managers + 1)] + [f"node-{i}" for i in range(1, workers + 1)]
        processes = [f"{kind}-{i}" for i in range(1, managers + 1) for kind in PROCESSES]
        agent = agent_of(spec)
        used = {one for one in (spec.runtime, *runtimes, *(shape.runtime for shape in spec.worker_shapes)) if one in FLAVOURS}
        running = dict.fromkeys(process for name in FLAVOURS if name in used for process in FLAVOURS[name].processes)
        kinds = (*NODE_PROCESSES, *running, *((agent,) if agent else ()))
        processes += [f"{kind}-{i}" for i in range(1, workers + 1) for kind in kinds]
        if spec.control_plane == "static-pods":
            processes += [f"{kind}-cp-{i}" for i in range(1, managers + 1) for kind in (*NODE_PROCESSES[:2], *running)]
        processes += [f"{one.name}-{i}" for one in self._operators() for i in range(1, one.replicas + 1)]
        roles = [act.LEADER, act.OTHERS]
        return [*machines, *processes, *spec.rooms, *clients, "you", *spec.clients, "lb", "registry", *roles]

    def _operators(self) -> list[OperatorSpec]:
        """Those that stand in the lesson's cluster, and those that its actions install."""
        return [*self.spec.operators, *_installed(self.lesson.steps)]

    def _machine(self, name: str, path: Path_, known: list[str]) -> Iterator[Problem]:
        if self.lens.component(name) in known:
            return
        called = [self.lens.name(machine) for machine in known if machine in self.lens.machines]
        yield self.document.problem(
            path, f"there is no machine {name!r} in this cluster{did_you_mean(name, [*called, *known])}"
        )

    def _actions(self, steps: list[Any], path: Path_, known: list[str] | None = None) -> Iterator[Problem]:
        known = known or self._machines()
        for index, action in enumerate(steps):
            here = (*path, index)
            match action:
                case (
                    act.Crash() | act.Restart() | act.Pause() | act.Resume() | act.Move() | act.RemoveManager()
                    | act.SlowDisk() | act.Clock()
                ):  # fmt: skip
                    yield from self._machine(getattr(action, action.VERB), (*here, action.VERB), known)
                case act.FailDisk() | act.MendDisk():
                    machine = getattr(action, action.VERB).partition("/")[0]
                    yield from self._machine(machine, (*here, action.VERB), known)
                case act.Cut(cut=groups) | act.Heal(heal=groups):
                    for member in (member for group in groups for member in group):
                        yield from self._machine(member, (*here, action.VERB), known)
                case act.Reconfigure(reconfigure=words):
                    for word in words:
                        yield from self._machine(word[1:], (*here, "reconfigure"), known)
                case act.Latency(between=pair):
                    for member in pair:
                        yield from self._machine(member, (*here, "between"), known)
                case act.Until(until=source):
                    yield from self._condition(source, (*here, "until"))
                case (
                    act.Kubectl(client=client) | act.Etcdctl(client=client) | act.Ssh(client=client) | act.Apply(client=client)
                    | act.Operator(client=client)
                ):  # fmt: skip
                    yield from self._line(action, client, here)

    def _line(self, action: Any, client: str, path: Path_) -> Iterator[Problem]:
        clients = ("you", *self.spec.clients)
        if client not in clients:
            yield self.document.problem((*path, "as"), f"there is no client {client!r}{did_you_mean(client, clients)}")
        if isinstance(action, act.Kubectl) and action.kubectl.split()[:1] == ["kubectl"]:
            yield self.document.problem((*path, "kubectl"), "leave out the word kubectl: the line begins with its verb")
        if isinstance(action, act.Kubectl) and opens_editor(action.kubectl) != bool(action.edit):
            text = "only `kubectl edit` opens an editor" if action.edit else "say what to `edit:`, as [{replace: a, with: b}]"
            yield self.document.problem((*path, "edit" if action.edit else "kubectl"), text)
        if self._bare and not isinstance(action, act.Etcdctl):
            yield self.document.problem(path, "this cluster is etcd alone and has no API server: use `etcdctl`")
        manifests = action.files if isinstance(action, act.Kubectl) else {}
        if isinstance(action, act.Apply):
            manifests = {"apply": action.apply}
        for key, text in manifests.items():
            try:
                documents(text)
            except ValueError as error:
                yield self.document.problem((*path, key), f"the manifest is no YAML: {error}")

    # ------------------------------------------------------------------ tasks

    def _task(self, task: Task, path: Path_) -> Iterator[Problem]:
        goal = task.goal
        for key in ("now", "eventually", "always", "never"):
            for words, source in getattr(goal, key).items():
                yield from self._condition(source, (*path, "goal", key, words) if words else (*path, "goal", key))
        yield from self._contradictions(goal, (*path, "goal"))
        for index, hint in enumerate(task.hints):
            yield from self._condition(hint.when, (*path, "hints", index, "when"))
        yield from self._actions(task.solution, (*path, "solution"))
        solution = _sum(task.solution)
        if not solution:
            yield self.document.problem((*path, "solution"), "the solution does nothing")
        for key, sequences in (("alternatives", task.alternatives), ("fake_fixes", task.fake_fixes)):
            if not sequences:
                what = (
                    "another way to reach the goal" if key == "alternatives" else "something that looks like a fix and is none"
                )
                yield self.document.problem((*path, key), f"a task needs at least one of its `{key}`: {what}")
            for index, steps in enumerate(sequences):
                yield from self._actions(steps, (*path, key, index))
                yield from self._sequence(key, steps, solution, (*path, key, index))

    def _sequence(self, key: str, steps: list[Any], solution: list[str], path: Path_) -> Iterator[Problem]:
        if key == "alternatives" and _sum(steps) == solution:
            yield self.document.problem(
                path, "this alternative is the solution but for order and waits: find another way, or leave it out"
            )
        if key == "fake_fixes" and all(changes_nothing(action) for action in steps):
            yield self.document.problem(path, "this fake fix changes nothing: it must do something that does not help")

    def _contradictions(self, goal: Goal, path: Path_) -> Iterator[Problem]:
        wanted = {_bare(source): source for source in (*goal.now.values(), *goal.eventually.values())}
        for source in goal.never.values():
            if _bare(source) in wanted:
                yield self.document.problem(
                    (*path, "never"), f"the goal cannot be reached: {source!r} is both wanted and forbidden"
                )
        for source in goal.always.values():
            if _negated(source) in wanted:
                text = f"the goal cannot be reached: {source!r} must always hold, and its opposite is wanted"
                yield self.document.problem((*path, "always"), text)


def opens_editor(line: str) -> bool:
    """Whether a kubectl line hands something to an editor."""
    words = [word for word in line.split() if not word.startswith("-")]
    return words[:1] == ["edit"] or words[:2] == ["apply", "edit-last-applied"]


def changes_nothing(action: Any) -> bool:
    """Whether an action only waits or looks."""
    if isinstance(action, act.Kubectl):
        words = action.kubectl.split()
        return not words or words[0] in READS or words[:2] in (["rollout", "status"], ["rollout", "history"])
    if isinstance(action, act.Etcdctl):
        return action.etcdctl.split()[:1] in (["get"], ["watch"], ["endpoint"], ["version"])
    return isinstance(action, (act.Wait, act.Until))


def _sum(steps: list[Any]) -> list[str]:
    """What a list of actions does, whatever their order, waits and captions."""
    return sorted(filter(None, (act.canonical(action) for action in steps)))


def _bare(source: str) -> str:
    return "".join(source.split())


def _negated(source: str) -> str:
    bare = _bare(source)
    return bare[1:] if bare.startswith("!") and not bare.startswith("!=") else f"!{bare}"


def _constant(expression: Expression) -> str:
    try:
        return str(expression.execute({}, {})).lower()
    except CelError:
        return "the same"


def _pointed(source: str, error: CelError) -> str:
    """The error and, in a long expression, the words at which it was found."""
    rest = source[error.offset :].strip()
    if error.offset == 0 or not rest:
        return str(error)
    return f"{error} (at {rest[:24]!r})"


def _installed(value: Any) -> list[OperatorSpec]:
    """The operators that the actions in some part of a lesson install."""
    if isinstance(value, act.Operator):
        return [value.operator]
    if isinstance(value, (list, tuple)):
        return [one for inside in value for one in _installed(inside)]
    return [one for _, inside in value for one in _installed(inside)] if isinstance(value, act.Model) else []
