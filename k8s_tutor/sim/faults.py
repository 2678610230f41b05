"""Losing messages on their way, and processes and machines that crash, restart, stop and go on."""

from __future__ import annotations

from heapq import heapify, heappush
from typing import Any

from k8s_tutor.sim.actor import Actor
from k8s_tutor.sim.cables import Cables
from k8s_tutor.sim.context import Context
from k8s_tutor.sim.message import CLOSED, STREAM, TIMER, Ended, Envelope, Lost, Message
from k8s_tutor.sim.network import Link


class Faults(Cables):
    """A world in which things break."""

    def __init__(self, seed: int = 0, link: Link | None = None, loopback: Link | None = None) -> None:
        super().__init__(seed, link, loopback)
        self.context = Context(self)

    def _boot(self, name: str, disk: Any) -> Actor:
        process = self.processes[name]
        new = process.actor(name, process.config, disk)
        self.running[name] = new
        self.down.pop(name, None)
        self.stamp += 1
        new.version = self.stamp
        context = self.context
        context.now, context.name = self.now, name
        new.start(context)
        return new

    # ------------------------------------------------------------------ messages in flight

    def in_flight(self) -> list[Envelope]:
        """Messages between processes that have left and not arrived, in order of arrival (timers are not among them)."""
        return [Envelope._make(message) for message in self.flying()]

    def flying(self) -> list[Message]:
        """The same as the plain tuples that the queue holds."""
        return sorted([m for m in self.queue if not m[7] & (TIMER | CLOSED) and m[2] != m[3]])

    def _take_from_queue(self, ident: int) -> Message:
        for index, message in enumerate(self.queue):
            if message[1] == ident:
                del self.queue[index]
                heapify(self.queue)
                return message
        raise LookupError(f"message {ident} is not in flight")

    def drop(self, message: int) -> None:
        """Loses a message in flight. Raises LookupError when it is not in flight."""
        self.pending.append(Lost(self.now, self._take_from_queue(message), "dropped"))

    def delay(self, message: int, by: int) -> None:
        """Lets a message in flight arrive ``by`` µs later, or at once for a negative number that leads into the past."""
        taken = self._take_from_queue(message)
        heappush(self.queue, (max(self.now, taken[0] + by), *taken[1:]))

    # ------------------------------------------------------------------ faults

    def processes_of(self, name: str) -> list[str]:
        """The processes that a name means: those of a host, or the one process. Raises LookupError for a stranger."""
        if name in self.processes and self.network.hosts[name] != name:
            return [name]
        found = [process for process, host in self.network.hosts.items() if host == name]
        if not found:
            raise LookupError(f"there is no machine or process named {name}")
        return found

    def crash(self, name: str) -> None:
        """A process ends, or a whole machine loses power. Only disks remain. Peers of a process are told by its kernel;
        those of a machine hear nothing and learn it by keep-alive."""
        whole = name not in self.processes or self.network.hosts[name] == name
        for process in self.processes_of(name):
            actor = self.running.pop(process, None) or self.paused.pop(process, None)
            if actor is None:
                continue
            self.disks[process] = actor.disk
            self.down[process] = self.now
            self.waiting.pop(process, None)
            self._forget_process(process, told=not whole)
        if whole:
            self.dead_hosts[name] = None
        else:
            self._tell_parent(name)
        self._notice_silence()

    def exit(self, name: str) -> None:
        """A process ends; its machine goes on. Like `crash`, also where the machine bears the same name."""
        actor = self.running.pop(name, None) or self.paused.pop(name)
        self.disks[name], self.down[name] = actor.disk, self.now
        self.waiting.pop(name, None)
        self._forget_process(name, told=True)
        self._tell_parent(name)

    def _tell_parent(self, name: str) -> None:
        parent = self.parents.get(name, "")
        if self.actor(parent) is not None:
            self.ids += 1
            cause, kind = self.context.cause, self.context.work | TIMER
            heappush(self.queue, (self.now, self.ids, parent, parent, Ended(name), cause, self.now, kind))

    def slow_disk(self, host: str, latency: int) -> None:
        """The disk of a machine takes ``latency`` µs to write something down for good; 0: no time."""
        self.slow_disks.pop(host, None)
        if latency > 0:
            self.slow_disks[host] = latency

    def skew_clock(self, host: str, percent: int) -> None:
        """The clock of a machine runs by ``percent`` fast, or slow if negative (above -100). Timers that run are kept."""
        self.skew.pop(host, None)
        if percent:
            self.skew[host] = percent

    def remove(self, host: str) -> None:
        """A machine is thrown away with all its processes and disks. Its name stays unknown to nobody who knew it: whoever
        calls it hears nothing."""
        self.crash(host)
        for name in self.processes_of(host):
            del self.processes[name], self.disks[name], self.down[name]
            self.parents.pop(name, None)
        self.network.rooms.pop(host, None)
        self.slow_disks.pop(host, None)
        self.skew.pop(host, None)

    def configure(self, name: str, config: Any) -> None:
        """Gives a process another configuration, which it reads at once and after every restart."""
        self.processes[name] = self.processes[name]._replace(config=config)
        actor = self.actor(name)
        if actor is not None:
            actor.config = config
            self.stamp += 1
            actor.version = self.stamp

    def _forget_process(self, process: str, told: bool) -> None:
        network = self.network
        lost = TIMER | CLOSED | STREAM
        self.queue[:] = [m for m in self.queue if not (m[3] == process and (m[7] & lost or m[2] == process))]
        heapify(self.queue)
        for pair in [pair for pair in network.dialling if pair[0] == process]:
            del network.dialling[pair]
        for peer in network.peers(process):
            del network.believes[process, peer]
            network.held.pop((process, peer), None)
            network.held.pop((peer, process), None)
            reachable = told and not network.is_cut(process, peer)
            if reachable and network.believes.pop((peer, process), None) is not None:
                self._tell_closed(peer, process, "reset", self._arrival(process, peer), self.context)

    def restart(self, name: str) -> None:
        """Starts a process, or all of a machine, again from what is on disk. Running ones stay as they are, and those with a
        parent wait for it when their machine starts."""
        self.dead_hosts.pop(name, None)
        for process in self.processes_of(name):
            self.dead_hosts.pop(self.network.hosts[process], None)
            child = process in self.parents and name not in self.processes
            if process not in self.running and process not in self.paused and not child:
                self._boot(process, self.disks.pop(process))

    def pause(self, name: str) -> None:
        """Stops a process or a machine where it is: messages and timers wait."""
        for process in self.processes_of(name):
            if process in self.running:
                self.paused[process] = self.running.pop(process)

    def resume(self, name: str) -> None:
        """Lets what was paused go on; all that waited arrives now, in its old order."""
        for process in self.processes_of(name):
            if process in self.paused:
                self.running[process] = self.paused.pop(process)
                for message in self.waiting.pop(process, ()):
                    heappush(self.queue, (max(self.now, message[0]), *message[1:]))
