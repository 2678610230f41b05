"""Managers that come and go while a cluster runs, machines that are carried into another room, and disks that are filled
from a backup.

Bringing a machine is one thing, letting its etcd in another: as with kubeadm, ``etcdctl member add`` tells the group of the
newcomer, whose process waits for that; and ``etcdctl member remove`` comes before a machine is thrown away.
"""

from __future__ import annotations

import re
from zlib import crc32

import msgspec

from k8s_tutor.api.server import ApiServer
from k8s_tutor.cluster import inputs
from k8s_tutor.cluster.gateway import BALANCER
from k8s_tutor.etcd.admin import MembersChange
from k8s_tutor.etcd.backend import restored
from k8s_tutor.etcd.base import founders
from k8s_tutor.etcd.config import CLUSTER_ID
from k8s_tutor.etcd.disk import Disk
from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.kubectl.console import Console, ConsoleConfig
from k8s_tutor.net.loadbalancer import LoadBalancer
from k8s_tutor.sim import World

MOST = 9
"""Managers that a cluster may have."""
_NUMBER = re.compile(r"cp-([0-9]+)")


def managers_of(world: World) -> list[str]:
    """The control-plane machines that are there, in the order in which they came."""
    found = [world.network.hosts[name] for name, process in world.processes.items() if process.actor is Member]
    return list(dict.fromkeys(found))


def next_manager(world: World, ahead: int = 0) -> str:
    """The name of the machine that comes next, or ``ahead`` machines later. Names are never used twice."""
    numbers = [int(found[1]) for host in world.network.hosts.values() if (found := _NUMBER.fullmatch(host))]
    return f"cp-{max(numbers, default=0) + 1 + ahead}"


def add_manager(world: World, room: str) -> None:
    """Brings a machine with what the first manager runs. Its etcd waits to be let in."""
    machine, like = next_manager(world), managers_of(world)[0]
    number, pattern = machine.removeprefix("cp-"), like.removeprefix("cp-")
    if room:
        world.move(machine, room)
    present = tuple(name for name, process in world.processes.items() if process.actor is Member)
    for process in [one for one in world.processes.values() if one.host == like and "-cp-" not in one.name]:
        name = f"{process.name.removesuffix(pattern)}{number}"
        config = _renamed(process.config, pattern, number)
        if isinstance(config, MemberConfig):
            known = tuple((int(peer.removeprefix("etcd-")), peer) for peer in present)
            config = msgspec.structs.replace(config, id=1000 + int(number), peers=known, first=False, join=True)
        world.add(process.actor, name, config, host=machine)
    _tell_balancer(world)
    _tell_consoles(world)


def _renamed(config: object, pattern: str, number: str) -> object:
    """The configuration of a process of manager ``number``, made from that of manager ``pattern``."""
    names = {f"{kind}-{pattern}": f"{kind}-{number}" for kind in ("etcd", "api")}
    if not isinstance(config, msgspec.Struct) or isinstance(config, MemberConfig):
        return config
    changed = {field: names[value] for field in config.__struct_fields__ if (value := getattr(config, field)) in names}
    return msgspec.structs.replace(config, **changed)


def reconfigure(world: World, given: inputs.Reconfigure) -> None:
    """Tells the leader of the latest term to change several members at once."""
    leader = leader_of(world)
    if leader is not None:
        world.inject(leader.name, change_of(leader, given))


def leader_of(world: World) -> Member | None:
    """The member that leads; of several that believe so the one of the latest term."""
    members = [actor for actor in world.running.values() if isinstance(actor, Member) and actor.leads]
    return max(members, key=lambda member: member.node.term, default=None)


def change_of(leader: Member, given: inputs.Reconfigure) -> MembersChange:
    """What the leader is told: new machines by their peer address, members that leave by their id (0: no member)."""
    ids = {leader.peer(ident): ident for ident in leader.backend.members}
    leaving = tuple(ids.get(process_of(machine), 0) for machine in given.remove)
    return MembersChange(tuple(f"https://{process_of(machine)}:2380" for machine in given.add), leaving)


def process_of(machine: str) -> str:
    """The etcd process of a manager."""
    return f"etcd-{machine.removeprefix('cp-')}"


def remove_manager(world: World, machine: str) -> None:
    """Throws a machine away, with its disks."""
    world.remove(machine)
    _tell_balancer(world)
    _tell_consoles(world)


def _tell_balancer(world: World) -> None:
    """The load balancer spreads over the API servers that there are."""
    balancer = world.processes.get(BALANCER)
    if balancer is not None and balancer.actor is LoadBalancer:
        servers = tuple(name for name, process in world.processes.items() if process.actor is ApiServer)
        world.configure(BALANCER, msgspec.structs.replace(balancer.config, servers=servers))


def _tell_consoles(world: World) -> None:
    """People who sit in no room know all members (their ETCDCTL_ENDPOINTS)."""
    present = tuple(name for name, process in world.processes.items() if process.actor is Member)
    for process in list(world.processes.values()):
        config = process.config
        if process.actor is Console and isinstance(config, ConsoleConfig) and process.host not in world.network.rooms:
            world.configure(process.name, msgspec.structs.replace(config, etcd=present))


def restore(world: World, given: inputs.Restore) -> None:
    """On every manager etcd is stopped, gets a data directory made from a backup, and is started again where its machine is
    up. Together they are a new cluster: new id, all managers as its first members, the log begins anew. Raises ValueError for a
    file that is no database, before anything has happened."""
    console = world.actor(given.client)
    data = console.disk.files[given.file] if isinstance(console, Console) else b""
    names = [name for name, process in world.processes.items() if process.actor is Member]
    peers = tuple(enumerate(names, 1))
    cluster_id = crc32(data) << 32 | crc32(b"%d" % world.now) or CLUSTER_ID
    backends = [restored(data, founders(peers), cluster_id, given.bump, given.mark_compacted) for _ in peers]
    for (ident, name), backend in zip(peers, backends, strict=True):
        if world.actor(name) is not None:
            world.exit(name)
        config = world.processes[name].config
        world.configure(name, msgspec.structs.replace(config, id=ident, peers=peers, join=False, first=False))
        world.disks[name] = Disk(ident, backend)
        if world.processes[name].host not in world.dead_hosts:
            world.restart(name)


__all__ = ["MOST", "add_manager", "managers_of", "next_manager", "reconfigure", "remove_manager", "restore"]
