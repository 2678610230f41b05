"""One world in which a lesson plays: it runs the cluster, carries out actions at their instants, and watches conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from k8s_tutor.cluster import Cluster, InputError, inputs
from k8s_tutor.lessons import actions as act
from k8s_tutor.lessons import manifests
from k8s_tutor.lessons.cel import condition
from k8s_tutor.lessons.lens import Lens
from k8s_tutor.lessons.parts import part
from k8s_tutor.lessons.reader import Reader, Watch

CHUNK = 500
"""Messages that are delivered at once while no condition is watched."""
FAR = 1 << 62


class Script:
    """Actions that are carried out one after the other, each at its instant.

    A console line waits until the line that its client typed before has ended, as somebody at a prompt does; ``wait`` and
    ``until`` hold up what follows; nothing else waits.
    """

    def __init__(self, actions: Sequence[act.Base], now: int) -> None:
        self.actions = list(actions)
        self.index = 0
        self.ready_at = now + (self.actions[0].after if self.actions else 0)
        self.began = now
        self.troubles: list[str] = []
        """What could not be done, in words."""
        self._watch: Watch | None = None
        self._typed: dict[str, int] = {}
        self._editing: list[str] | None = None
        """While a line that opens an editor runs: the texts that were handed back already."""

    @property
    def done(self) -> bool:
        """Whether every action has been carried out."""
        return self.index >= len(self.actions)

    @property
    def caption(self) -> str:
        """What is being done now, in words; empty at the end."""
        if self.done:
            return ""
        action = self.actions[self.index]
        return action.say or act.in_words(action)

    def wake(self) -> int:
        """The instant (µs) at which there is something to do; far in the future while it waits for an event."""
        return FAR if self.done or self.ready_at < 0 else self.ready_at

    @property
    def watches(self) -> bool:
        """Whether it waits for something to happen, not only for an instant."""
        return not self.done and (self._watch is not None or self.ready_at < 0)

    def poll(self, stage: Stage) -> bool:
        """Carries out what is due. Says whether anything was done."""
        acted = False
        while not self.done:
            action, now = self.actions[self.index], stage.cluster.now
            if self._watch is None and now < self.ready_at:
                break
            if not self._passed(action, stage, now):
                break
            acted = True
            self.index += 1
            self._watch = self._editing = None
            self.began = now
            self.ready_at = now + (0 if self.done else self.actions[self.index].after)
        return acted

    def _passed(self, action: act.Base, stage: Stage, now: int) -> bool:
        """Does one action, or says False: not yet (``ready_at`` tells when to look again, -1 after every message)."""
        if isinstance(action, act.Wait):
            self.ready_at = self.began + action.after + action.wait
            return now >= self.ready_at
        if isinstance(action, act.Until):
            return self._until(action, stage, now)
        if isinstance(action, act.Kubectl) and self._editing is not None:
            return self._edited(action, stage, self._editing)
        if isinstance(action, (act.Kubectl, act.Etcdctl, act.Ssh, act.Apply)):
            if self._busy(action.client, stage):
                self.ready_at = -1
                return False
            self._typed[action.client] = stage.last_line()
        try:
            for given in as_inputs(action, stage.lens, stage.cluster):
                stage.give(given)
        except (InputError, ValueError) as error:
            self.troubles.append(f"{act.in_words(action)}: {error}")
            return True
        if isinstance(action, act.Kubectl) and action.edit:
            self._editing, self.ready_at = [], -1
            return False
        return True

    def _edited(self, action: act.Kubectl, stage: Stage, handed: list[str]) -> bool:
        """Does in the editor of a line what is to be done there, until the line has ended."""
        for editor in part(stage.cluster, "console").editors:
            if editor.client != action.client or editor.text in handed:
                continue
            text = editor.text
            for change in action.edit if not handed else ():
                if change.replace not in text:
                    self.troubles.append(f"{act.in_words(action)}: the editor has no {change.replace!r}")
                text = text.replace(change.replace, change.by, 1)
            handed.append(editor.text)
            stage.give(inputs.Saved(editor.session, text, manifests.edited(text), action.client))
        ended = not self._busy(action.client, stage)
        if ended and not handed:
            self.troubles.append(f"{act.in_words(action)}: this line opened no editor")
        return ended

    def _until(self, action: act.Until, stage: Stage, now: int) -> bool:
        if self._watch is None:
            self._watch = Watch(condition(action.until))
        if self._watch.holds(stage.reader):
            return True
        self.ready_at = self.began + action.after + action.limit
        if now >= self.ready_at:
            self.troubles.append(f"{action.until!r} did not come true")
            return True
        return False

    def _busy(self, client: str, stage: Stage) -> bool:
        """Whether the client's latest line has not ended; a line that was just typed is not even begun."""
        before = self._typed.get(client)
        if before is None:
            return False
        mine = [answer for answer in stage.lines() if answer.client == client and answer.id > before]
        return not mine or mine[-1].code == -1


class Stage:
    """A cluster, what conditions read of it, and the script that plays in it."""

    def __init__(self, cluster: Cluster, lens: Lens, title: str = "") -> None:
        self.cluster = cluster
        self.lens = lens
        self.title = title
        self.reader = Reader(cluster, lens)
        self.script = Script((), cluster.now)
        self.given: list[tuple[int, inputs.Input]] = []
        """(instant, input) of all that was put in since the step opened, by lesson or learner."""

    def reopen(self) -> None:
        """A step opens."""
        self.reader.reopen()
        self.given = []
        self.script = Script((), self.cluster.now)

    def fork(self) -> Stage:
        """The same moment once more, independent of this one, as if a step opened there; to run on from, not to go back in."""
        return Stage(self.cluster.fork(onwards=True), self.lens, self.title)

    def play(self, actions: Sequence[act.Base]) -> None:
        """Begins a script."""
        self.script = Script(actions, self.cluster.now)
        self.script.poll(self)

    def give(self, given: inputs.Input) -> None:
        """Puts an input in. Raises InputError."""
        self.cluster.give(given)
        self.given.append((self.cluster.now, given))

    def lines(self) -> Sequence[Any]:
        """All console lines, oldest first."""
        return part(self.cluster, "console").answers  # type: ignore[no-any-return]

    def last_line(self) -> int:
        """Id of the latest console line."""
        return max((answer.id for answer in self.lines()), default=0)

    def busy(self) -> bool:
        """Whether a line that was typed in this step still runs."""
        return any(answer.code == -1 for answer in self.reader.since.lines(self.cluster))

    def advance(self, to: int, budget: int, each: Callable[[], bool] | None) -> int:
        """Runs up to an instant (µs), at most ``budget`` messages, and carries out the script on the way.

        ``each`` is asked after every message; when it says True the run stops there. Without it the run goes in chunks.
        Returns what is left of the budget; 0 also when ``each`` stopped it.
        """
        cluster, script = self.cluster, self.script
        while budget > 0:
            if script.poll(self) and each is not None and each():
                return 0
            limit = min(to, max(script.wake(), cluster.now))
            before = cluster.events
            if each is not None and script.done:
                reached, stopped = _watched(cluster, limit, budget, each)
            else:
                reached = cluster.advance(limit, 1 if each is not None or script.watches else min(CHUNK, budget))
                stopped = each is not None and each()
            budget -= max(1, cluster.events - before)
            if stopped:
                return 0
            if reached and limit >= to:
                script.poll(self)
                return max(budget, 1)
        return 0


def _watched(cluster: Cluster, to: int, budget: int, each: Callable[[], bool]) -> tuple[bool, bool]:
    """Runs up to an instant (µs), at most ``budget`` messages, and asks ``each`` after every one. Says whether the instant was
    reached, and whether ``each`` stopped it."""
    for _ in range(budget):
        reached = cluster.advance(to, 1)
        if each():
            return reached, True
        if reached:
            return True, False
    return False, False


def as_inputs(action: act.Base, lens: Lens, cluster: Cluster) -> list[inputs.Input]:
    """The inputs that an action stands for, with a lens' names made into the components' own. Raises ValueError."""

    def name(target: str) -> str:
        return _leader(cluster) if target == act.LEADER else lens.component(target)

    def machines(group: list[str]) -> tuple[str, ...]:
        return tuple(found for member in group for found in (_others(cluster) if member == act.OTHERS else [name(member)]))

    match action:
        case act.Crash(crash=target):
            return [inputs.Crash(name(target))]
        case act.Restart(restart=target):
            return [inputs.Restart(name(target))]
        case act.Pause(pause=target):
            return [inputs.Pause(name(target))]
        case act.Resume(resume=target):
            return [inputs.Resume(name(target))]
        case act.Cut(cut=groups, one_way=one_way):
            return [inputs.Cut(tuple(map(machines, groups)), one_way)]
        case act.Heal(heal=groups):
            return [inputs.Heal(tuple(map(machines, groups)))]
        case act.Kill(kill=pod, container=container):
            return [inputs.Kill(_pod(pod, cluster), container)]
        case act.Kubectl(kubectl=line, files=files, client=client):
            given = tuple((file, manifests.documents(text)) for file, text in files.items())
            return [inputs.Kubectl(_line(line, cluster), (*given, *manifests.inline(line)), client)]
        case act.Ssh(ssh=line, client=client):
            return [inputs.Kubectl(f"ssh {line}", (), client)]
        case act.Etcdctl(etcdctl=line, client=client):
            return [inputs.Kubectl(f"etcdctl {line}", (), client)]
        case act.Apply(apply=manifest, client=client):
            return [inputs.Kubectl("apply -f manifest.yaml", (("manifest.yaml", manifests.documents(manifest)),), client)]
        case act.Operator(operator=operator, client=client):
            return [inputs.Install(operator.model_dump_json(exclude_defaults=True), client)]
        case act.Latency(latency=us, between=(a, b)):
            return [inputs.Latency(name(a), name(b), us)]
        case act.Drop(drop=kind, to=to):
            return [inputs.Drop(message) for message in _flying(kind, name(to), cluster)]
        case act.Delay(delay=kind, by=by, to=to):
            return [inputs.Delay(message, by) for message in _flying(kind, name(to), cluster)]
        case act.Move(move=target, to=room):
            return [inputs.MoveToRoom(name(target), room)]
        case act.AddManager(add_manager=room):
            return [inputs.AddManager(room)]
        case act.RemoveManager(remove_manager=target):
            return [inputs.RemoveManager(name(target))]
        case act.Reconfigure(reconfigure=words):
            come, leave = inputs.comings(words)
            return [inputs.Reconfigure(tuple(map(name, come)), tuple(map(name, leave)))]
        case act.SlowDisk(slow_disk=target, by=us):
            return [inputs.SlowDisk(name(target), us)]
        case act.FailDisk(fail_disk=target) | act.MendDisk(mend_disk=target):
            machine, _, disk = target.partition("/")
            return [inputs.FailDisk(name(machine), disk, isinstance(action, act.FailDisk))]
        case act.Clock(clock=target, percent=percent):
            return [inputs.ClockSkew(name(target), percent)]
        case act.Restore(restore=file, client=client):
            return [inputs.Restore(file, client)]
    raise ValueError(f"{action.VERB} is no input")


def _leader(cluster: Cluster) -> str:
    """The machine of the member that leads; of several that believe so the one of the latest term. Raises ValueError."""
    leaders = [member for member in part(cluster, "raft").members if member.role == "leader"]
    if not leaders:
        raise ValueError("nobody leads at this moment")
    return str(max(leaders, key=lambda member: member.term).machine)


def _others(cluster: Cluster) -> list[str]:
    """The machines of all members but the leader. Raises ValueError: nobody leads."""
    leader = _leader(cluster)
    return [member.machine for member in part(cluster, "raft").members if member.machine != leader]


def _pod(pattern: str, cluster: Cluster) -> str:
    """``web-*`` or ``shop/web-*`` as the first pod of that beginning; other names as they are. Raises ValueError."""
    if not pattern.endswith("*"):
        return pattern
    namespace, _, start = pattern.rstrip("*").rpartition("/")
    for pod in part(cluster, "workload").pods:
        if pod.name.startswith(start) and pod.namespace == (namespace or "default"):
            return f"{pod.namespace}/{pod.name}"
    raise ValueError(f"there is no pod {pattern}")


_FIRST_POD = re.compile(r"(?<!\S)([a-z.]+/)?([a-z0-9][a-z0-9.-]*\*)(?!\S)")
"""A word that stands for a pod; the stars of a schedule and of a pattern in quotes are something else."""


def _line(line: str, cluster: Cluster) -> str:
    """A line with words such as ``web-*`` or ``pod/web-*`` made into the first such pod, as a person would pick one."""

    def first(word: re.Match[str]) -> str:
        return (word[1] or "") + _pod(word[2], cluster).rpartition("/")[2]

    return _FIRST_POD.sub(first, line)


def _flying(kind: str, to: str, cluster: Cluster) -> list[int]:
    flying = part(cluster, "wire").flying
    return [flight.id for flight in flying if flight.kind == kind and to in ("", flight.dst, flight.dst_machine)]


def replayed(spec: Any, session: dict[str, Any], until: int) -> Cluster:
    """A cluster of another spec that is given the inputs of a session at their instants, up to ``until`` (µs).

    Inputs that mean nothing in that world are left out.
    """
    import msgspec

    cluster = Cluster(spec)
    for _, at, value in session["inputs"]:
        if at > until:
            break
        cluster.run_until(max(at, cluster.now))
        try:
            cluster.give(msgspec.convert(value, inputs.Input))
        except InputError:
            continue
    cluster.run_until(max(until, cluster.now))
    return cluster
