"""How each input is carried out on the world, between two steps."""

from __future__ import annotations

from k8s_tutor.cluster import gateway, inputs, managers
from k8s_tutor.cluster.operators import install
from k8s_tutor.cluster.operators.spec import OperatorSpec
from k8s_tutor.cluster.podview import runtimes
from k8s_tutor.etcd import backend
from k8s_tutor.etcd.group import propose_exchange
from k8s_tutor.kubectl.console import Console, Saved, Typed
from k8s_tutor.kubectl.etcdctl import restore_asked
from k8s_tutor.node import cri
from k8s_tutor.node.lvm import Disk
from k8s_tutor.node.shim import Shim
from k8s_tutor.node.storage import DiskFault
from k8s_tutor.raft import ProposalDropped
from k8s_tutor.sim import World


class InputError(Exception):
    """An input that cannot be carried out; the text says why and what would be possible."""


def machines_of(world: World) -> list[str]:
    """All machines, in order."""
    return list(dict.fromkeys(world.network.hosts[name] for name in world.processes))


def check(world: World, given: inputs.Input, coming: tuple[str, ...] = ()) -> None:
    """Raises InputError for an input that means nothing in this world, to which the managers ``coming`` are just brought."""
    if isinstance(given, inputs.ApiCall | inputs.StreamInput | inputs.HangUp):  # many of them: looked at first
        if gateway.BALANCER not in world.processes:
            raise InputError("this cluster is etcd alone: it has no API server")
        return
    machines = [*machines_of(world), *coming]
    known = {*world.processes, *machines, *world.network.rooms.values()}
    match given:
        case inputs.Crash(target=name) | inputs.Restart(target=name) | inputs.Pause(target=name) | inputs.Resume(target=name):
            if name not in world.processes and name not in machines:
                raise InputError(_unknown("machine or process", name, machines))
        case inputs.Cut(groups=groups) | inputs.Heal(groups=groups):
            for member in (member for group in groups for member in group):
                if member not in known:
                    raise InputError(_unknown("machine, process or room", member, machines))
            if isinstance(given, inputs.Cut) and len(groups) < 2:
                raise InputError("a cut needs two groups: those on this side and those on the other")
        case inputs.Kubectl(client=client):
            if client not in world.processes:
                raise InputError(_unknown("client", client, ["you"]))
            if world.actor(client) is None:
                raise InputError(f"the console of {client} is down")
        case inputs.Saved(client=client, session=session):
            console = world.actor(client)
            if not isinstance(console, Console) or not any(one.session == session for one in console.editors):
                raise InputError(f"no editor is open at the console of {client}; kubectl edit opens one")
        case inputs.Install(operator=text, client=client):
            _check_operator(world, text, client)
        case inputs.Latency(a=a, b=b):
            for name in (a, b):
                _need_machine(name, machines)
        case inputs.MoveToRoom(machine=name) | inputs.SlowDisk(target=name):
            _need_machine(name, machines)
        case inputs.FailDisk(machine=name, disk=disk):
            _need_machine(name, machines)
            known_disks = [one.name for one in disks_of(world, name)]
            if disk not in known_disks:
                raise InputError(_unknown(f"disk of {name}", disk, known_disks or ["none beside its own"]))
        case inputs.ClockSkew(machine=name, percent=percent):
            _need_machine(name, machines)
            if not -90 <= percent <= 900:
                raise InputError(f"a clock cannot be {percent} percent fast; choose between -90 and 900")
        case inputs.AddManager() | inputs.RemoveManager():
            _check_managers(world, given, len(coming))
        case inputs.Reconfigure():
            _check_change(world, given, coming)
        case inputs.Together(parts=parts):
            for part in parts:
                check(world, part, coming)
                if isinstance(part, inputs.AddManager):
                    coming = (*coming, managers.next_manager(world, len(coming)))
        case inputs.Restore(file=file, client=client):
            _check_backup(world, file, client)
        case inputs.Drop(message=message) | inputs.Delay(message=message):
            if all(flying.id != message for flying in world.in_flight()):
                raise InputError(f"message {message} is not in flight")
        case inputs.Kill(pod=pod, container=container):
            if locate(world, pod, container) is None:
                raise InputError(f"no container of a pod named {pod} runs on any node")


def _check_operator(world: World, text: str, client: str) -> None:
    if gateway.BALANCER not in world.processes:
        raise InputError("this cluster is etcd alone: it has no API server, so an operator has nothing to do")
    if world.actor(client) is None:
        raise InputError(_unknown("client", client, ["you"]) if client not in world.processes else f"{client} is down")
    try:
        OperatorSpec.model_validate_json(text)
    except ValueError as error:
        raise InputError(f"this is no operator: {error}") from None


def kernel_of(world: World, machine: str) -> str:
    """The process that stands for a machine's kernel, or empty."""
    return next((name for name, one in world.processes.items() if one.actor is Shim and one.host == machine), "")


def disks_of(world: World, machine: str) -> tuple[Disk, ...]:
    """The disks of a machine beside its own."""
    kernel = world.actor(kernel_of(world, machine))
    return kernel.disk.storage.disks if isinstance(kernel, Shim) else ()


def _need_machine(name: str, machines: list[str]) -> None:
    if name not in machines:
        raise InputError(_unknown("machine", name, machines))


def _check_managers(world: World, given: inputs.AddManager | inputs.RemoveManager, coming: int) -> None:
    present = managers.managers_of(world)
    if isinstance(given, inputs.AddManager):
        if len(present) + coming >= managers.MOST:
            raise InputError(f"there are {len(present)} managers; more than {managers.MOST} are of no use")
    elif given.machine not in present:
        raise InputError(_unknown("manager", given.machine, present))
    elif len(present) == 1:
        raise InputError(f"{given.machine} is the only manager")


def _check_change(world: World, given: inputs.Reconfigure, coming: tuple[str, ...]) -> None:
    present = [*managers.managers_of(world), *coming]
    for name in (*given.add, *given.remove):
        if name not in present:
            raise InputError(_unknown("manager", name, present))
    leader = managers.leader_of(world)
    if leader is None:
        raise InputError("nobody leads: there is no one who could propose a change")
    try:
        propose_exchange(leader.node.copy(), leader.backend, managers.change_of(leader, given), leader.id)
    except (ProposalDropped, ValueError) as error:
        raise InputError(str(error)) from None


def _check_backup(world: World, file: str, client: str) -> None:
    console = world.actor(client)
    if not isinstance(console, Console):
        raise InputError(_unknown("client", client, ["you"]))
    if file not in console.disk.files:
        raise InputError(f"{client} has no file {file}; save one with: etcdctl snapshot save {file}")
    try:
        backend.load(console.disk.files[file])
    except ValueError as error:
        raise InputError(f"{file} cannot be restored: {error}; save one with: etcdctl snapshot save FILE") from None


def _unknown(what: str, name: str, known: list[str]) -> str:
    return f"there is no {what} named {name}; there are {', '.join(known)}"


def locate(world: World, pod: str, container: str) -> tuple[str, cri.Kill] | None:
    """Which runtime runs a pod's container, and the message that kills it there; None when none does."""
    namespace, _, name = pod.rpartition("/")
    wanted = (namespace or "default", name)
    for runtime in runtimes(world):
        for one in runtime.disk.containers.values():
            sandbox = runtime.disk.sandboxes.get(one.sandbox)
            if one.state != cri.RUNNING or sandbox is None or (sandbox.namespace, sandbox.name) != wanted:
                continue
            if container in ("", one.name):
                return runtime.name, cri.Kill(one.id)
    return None


def _restore_typed(world: World, line: str, client: str) -> None:
    """``etcdutl snapshot restore``, which a person runs on each manager: their data directories are replaced."""
    asked = restore_asked(line)
    console = world.actor(client)
    if asked is None or not isinstance(console, Console) or asked[0] not in console.disk.files:
        return
    try:
        managers.restore(world, inputs.Restore(asked[0], client, asked[1], asked[2]))
    except ValueError:
        return  # no database: the console says so


def apply(world: World, given: inputs.Input) -> None:
    """Carries out an input that `check` has let through."""
    match given:
        case inputs.Kubectl(line=line, files=files, client=client):
            _restore_typed(world, line, client)
            world.inject(client, Typed(line, files))
        case inputs.Saved(session=session, text=text, documents=documents, client=client):
            world.inject(client, Saved(session, text, documents))
        case inputs.Install(operator=text, client=client):
            install.install(world, OperatorSpec.model_validate_json(text), client)
        case inputs.ApiCall(client=client, id=ident, request=request):
            gateway.enter(world, client)
            world.inject(client, gateway.Outside(ident, request))
        case inputs.StreamInput(client=client, id=ident, channel=channel, data=data):
            world.inject(client, gateway.Said(ident, channel, data))
        case inputs.HangUp(client=client, ids=ids, closed=closed):
            world.inject(client, gateway.Left(ids, closed))
        case inputs.Crash(target=target):
            world.crash(target)
        case inputs.Restart(target=target):
            world.restart(target)
        case inputs.Pause(target=target):
            world.pause(target)
        case inputs.Resume(target=target):
            world.resume(target)
        case inputs.Kill(pod=pod, container=container):
            found = locate(world, pod, container)
            if found is not None:
                world.inject(*found)
        case inputs.Cut(groups=groups, one_way=one_way):
            world.cut(groups, one_way)
        case inputs.Heal(groups=groups):
            world.heal(groups)
        case inputs.Latency(a=a, b=b, latency=latency):
            world.set_link(a, b, world.network.links.get((a, b), world.network.default)._replace(latency=latency))
        case inputs.AddManager(room=room):
            managers.add_manager(world, room)
        case inputs.RemoveManager(machine=machine):
            managers.remove_manager(world, machine)
        case inputs.Reconfigure():
            managers.reconfigure(world, given)
        case inputs.Together(parts=parts):
            for part in parts:
                apply(world, part)
        case inputs.MoveToRoom(machine=machine, room=room):
            world.move(machine, room)
        case inputs.SlowDisk(target=target, latency=latency):
            world.slow_disk(target, latency)
        case inputs.FailDisk(machine=machine, disk=disk, failed=failed):
            world.inject(kernel_of(world, machine), DiskFault(disk, failed))
        case inputs.ClockSkew(machine=machine, percent=percent):
            world.skew_clock(machine, percent)
        case inputs.Restore():
            managers.restore(world, given)
        case inputs.Drop(message=message):
            world.drop(message)
        case inputs.Delay(message=message, by=by):
            world.delay(message, by if by > 0 else -(10**15))
