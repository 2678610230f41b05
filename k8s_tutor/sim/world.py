"""The deterministic world: one clock, one queue, one step at a time."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from k8s_tutor.sim.actor import Actor
from k8s_tutor.sim.chance import Chance
from k8s_tutor.sim.context import Context
from k8s_tutor.sim.log import EventLog
from k8s_tutor.sim.message import CLOSED, MS, SECOND, STREAM, TIMER, WORK, Closed, Envelope, Given, Lost, Message
from k8s_tutor.sim.network import DIAL_TIMEOUT, KEEP_ALIVE, RETRANSMIT, Link, Network

QUIET_AHEAD = 10 * SECOND
"""A work timer farther away than this does not keep the world busy."""
FOREVER = 1 << 62
DEFAULT_LIMIT = 1_000_000
"""Steps after which a run that was given no limit stops."""


class Process(NamedTuple):
    """How to build an actor again after a crash."""

    actor: type[Actor]
    name: str
    config: Any
    host: str


class World:
    """All actors, all messages on their way, and the log of what happened.

    The same actors, seed and inputs give the same log. `step` delivers one message; everything else that changes a world
    (crashes, cuts, ...) is called between two steps, on behalf of an input.
    """

    def __init__(self, seed: int = 0, link: Link | None = None, loopback: Link | None = None) -> None:
        self.now = 0
        """µs since the world began."""
        self.events = 0
        """Deliveries so far."""
        self.stamp = 0
        self.queue: list[Message] = []
        self.cancelled: dict[int, None] = {}
        self.running: dict[str, Actor] = {}
        self.paused: dict[str, Actor] = {}
        self.waiting: dict[str, tuple[Message, ...]] = {}
        self.processes: dict[str, Process] = {}
        self.disks: dict[str, Any] = {}
        """Process → its disk, while it is down; else the actor holds it."""
        self.dead_hosts: dict[str, None] = {}
        self.down: dict[str, int] = {}
        """Process → when it went down, µs, while it is down."""
        self.network = Network(link or Link(), loopback or Link(latency=50))
        self.chance = Chance(seed)
        self.log = EventLog()
        self.pending = self.log.pending
        """What the log takes at its next flush."""
        self.context = Context(self)

    @property
    def ids(self) -> int:
        """The latest id that was given to a message, an input or a call."""
        return self.context.ids

    @ids.setter
    def ids(self, value: int) -> None:
        self.context.ids = value

    # ------------------------------------------------------------------ building

    def add(self, actor: type[Actor], name: str, config: Any = None, disk: Any = None, host: str = "") -> Actor:
        """Puts a new process on a host (its own name by default) and starts it."""
        if name in self.processes:
            raise ValueError(f"a process named {name} exists already")
        self.processes[name] = Process(actor, name, config, host or name)
        self.network.hosts[name] = host or name
        return self._boot(name, disk)

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

    def actor(self, name: str) -> Actor | None:
        """The living actor of that name, paused or not, or None while it is down."""
        return self.running.get(name) or self.paused.get(name)

    # ------------------------------------------------------------------ stepping

    def step(self, until: int = FOREVER) -> Message | None:
        """Delivers the next message to its actor and returns it; None when nothing is left to deliver up to ``until`` (µs).
        On the way, what cannot be delivered (receiver down or paused, timer cancelled) is put where it belongs."""
        queue, running, cancelled, context = self.queue, self.running, self.cancelled, self.context
        while queue and queue[0][0] <= until:
            message = heappop(queue)
            due, ident, src, dst, body, _, _, kind = message
            if cancelled and ident in cancelled:
                del cancelled[ident]
                continue
            actor = running.get(dst)
            if actor is None or (kind & CLOSED and not self._is_true(dst, src, body.since)):
                self._not_delivered(message)
                continue
            self.now = context.now = due
            self.events += 1
            self.stamp = actor.version = self.stamp + 1
            context.name = dst
            context.cause = ident
            context.work = kind & WORK
            self.pending.append(message)
            if kind & CLOSED:
                self._closed(dst, src)
                actor.disconnected(context, src, body.reason)
            else:
                actor.receive(context, src, body)
            if not self.events & 1023:
                self.log.flush()
                self._forget_cancelled()
            return message
        return None

    def _forget_cancelled(self) -> None:
        """Takes cancelled timers out of the queue when they have become many."""
        if 2 * len(self.cancelled) > len(self.queue):
            self.queue[:] = [message for message in self.queue if message[1] not in self.cancelled]
            heapify(self.queue)
            self.cancelled.clear()

    def _not_delivered(self, message: Message) -> None:
        due, dst, kind = message[0], message[3], message[7]
        if dst in self.paused:
            self.waiting[dst] = (*self.waiting.get(dst, ()), message)
        elif not kind & (CLOSED | TIMER):
            self.now = due
            self.pending.append(Lost(due, message, "down"))

    def shed(self, until: int) -> None:
        """Puts aside what cannot be delivered at the head of the queue, up to an instant (µs), and delivers nothing."""
        while self.queue and self.queue[0][0] <= until:
            _, ident, src, dst, body, _, _, kind = self.queue[0]
            if ident in self.cancelled:
                del self.cancelled[ident]
                heappop(self.queue)
            elif dst not in self.running or (kind & CLOSED and not self._is_true(dst, src, body.since)):
                self._not_delivered(heappop(self.queue))
            else:
                break

    def peek(self) -> int | None:
        """When the next message is due (µs), or None."""
        while self.queue:
            head = self.queue[0]
            if head[1] not in self.cancelled:
                return head[0]
            heappop(self.queue)
            del self.cancelled[head[1]]
        return None

    def run_until(self, until: int | Callable[[World], bool], limit: int = DEFAULT_LIMIT) -> bool:
        """Steps until an instant (µs) is reached or a condition holds, at most ``limit`` steps. Says whether it was."""
        if callable(until):
            for _ in range(limit):
                if until(self):
                    return True
                if self.step() is None:
                    break
            return until(self)
        for _ in range(limit):
            if self.step(until) is None:
                self.now = max(self.now, until)
                return True
        return False

    def is_quiet(self) -> bool:
        """No work in flight, and no work timer due within 10 s."""
        horizon = self.now + QUIET_AHEAD
        cancelled = self.cancelled
        return not any(m[7] & WORK and m[0] <= horizon and m[1] not in cancelled for m in self.queue)

    def next_work(self) -> int | None:
        """When the next piece of work is due (µs), or None."""
        cancelled = self.cancelled
        return min((m[0] for m in self.queue if m[7] & WORK and m[1] not in cancelled), default=None)

    def settle(self, limit: int = DEFAULT_LIMIT, within: int = 600 * SECOND) -> bool:
        """Steps until the world is quiet, at most ``limit`` steps and ``within`` µs. Says whether it is."""
        end = self.now + within
        for _ in range(limit):
            if self.is_quiet():
                return True
            if self.step(end) is None:
                break
        return self.is_quiet()

    # ------------------------------------------------------------------ inputs

    def take(self, given: Any, apply: Callable[[World, Any], None]) -> int:
        """Logs an input and carries it out between two steps; what it sends has its id as cause. Returns that id."""
        self.shed(self.now)
        self.ids += 1
        self.stamp += 1
        context = self.context
        context.now, context.cause, context.work, context.name = self.now, self.ids, WORK, ""
        self.pending.append(Given(self.now, self.ids, given))
        ident = self.ids
        apply(self, given)
        return ident

    def inject(self, dst: str, body: Any) -> None:
        """Hands a message to a process from outside the world, e.g. a line typed at a console."""
        self.ids += 1
        heappush(
            self.queue,
            (self.now, self.ids, dst, dst, body, self.context.cause, self.now, WORK),
        )

    # ------------------------------------------------------------------ sending, the slow way

    def send_over_link(self, context: Context, dst: str, body: Any) -> None:
        """A datagram over a link that was not used yet or has more to it than latency."""
        network, src, now = self.network, context.name, self.now
        if dst not in self.processes:
            raise KeyError(f"{src} sends to {dst}, which does not exist")
        network.learn(src, dst)
        link = network.link(src, dst)
        due = now + link.latency
        if link.jitter:
            due += self.chance.draw(f"link/{src}/{dst}/jitter", link.jitter + 1)
        if link.reorder and self.chance.draw(f"link/{src}/{dst}/reorder", 1_000_000) < link.reorder:
            due += self.chance.draw(f"link/{src}/{dst}/reorder-by", 4 * link.latency + 1)
        self.ids += 1
        message = (due, self.ids, src, dst, body, context.cause, now, context.work)
        if network.is_cut(src, dst):
            self.pending.append(Lost(now, message, "cut"))
            return
        if link.loss and self.chance.draw(f"link/{src}/{dst}/loss", 1_000_000) < link.loss:
            self.pending.append(Lost(now, message, "lost"))
            return
        heappush(self.queue, message)
        if link.duplicate and self.chance.draw(f"link/{src}/{dst}/double", 1_000_000) < link.duplicate:
            self.ids += 1
            heappush(self.queue, (due + link.latency, self.ids, *message[2:]))

    def send_over_connection(self, context: Context, dst: str, body: Any) -> None:
        """A packet of a connection that is not open yet, is cut, or runs over more than plain latency."""
        network, src, now = self.network, context.name, self.now
        if dst not in self.processes:
            raise KeyError(f"{src} connects to {dst}, which does not exist")
        network.learn(src, dst)
        cut = network.is_cut(src, dst) or network.is_cut(dst, src)
        if (src, dst) not in network.believes:
            if cut or network.hosts[dst] in self.dead_hosts:
                if (src, dst) not in network.dialling:
                    self._tell_closed(src, dst, "timeout", now + DIAL_TIMEOUT, context)
                    network.dialling[src, dst] = self.ids
                return
            if dst not in self.running and dst not in self.paused:
                self._tell_closed(src, dst, "refused", now + 2 * network.link(src, dst).latency, context)
                return
            network.believes[src, dst] = network.believes[dst, src] = 0
            self._stop_dialling(src, dst)
            self._stop_dialling(dst, src)
        elif (dst, src) not in network.believes:
            if not cut and network.hosts[dst] not in self.dead_hosts:
                del network.believes[src, dst]
                self._tell_closed(src, dst, "reset", now + 2 * network.link(src, dst).latency, context)
            return
        due = self._arrival(src, dst)
        self.ids += 1
        message = (due, self.ids, src, dst, body, context.cause, now, context.work | STREAM)
        if cut:
            network.held[src, dst] = (*network.held.get((src, dst), ()), message)
        else:
            heappush(self.queue, message)

    def _stop_dialling(self, src: str, dst: str) -> None:
        """There is a connection now: an attempt that began earlier does not fail any more."""
        pending = self.network.dialling.pop((src, dst), None)
        if pending is not None:
            self.cancelled[pending] = None

    def _arrival(self, src: str, dst: str) -> int:
        """When a packet of a connection arrives that leaves now: losses cost time, and order is kept."""
        network = self.network
        link = network.link(src, dst)
        due = self.now + link.latency
        if link.plain and network.last_due.get((src, dst), 0) <= due:  # nothing is left that could be overtaken
            network.last_due.pop((src, dst), None)
            return due
        if link.jitter:
            due += self.chance.draw(f"link/{src}/{dst}/jitter", link.jitter + 1)
        if link.loss and self.chance.draw(f"link/{src}/{dst}/loss", 1_000_000) < link.loss:
            due += RETRANSMIT
        due = max(due, network.last_due.get((src, dst), 0))
        network.last_due[src, dst] = due
        return due

    def close(self, context: Context, peer: str) -> None:
        """Closes the connection between the actor whose turn it is and ``peer``, and tells the peer."""
        network, name = self.network, context.name
        if network.believes.pop((name, peer), None) is None:
            return
        network.held.pop((name, peer), None)
        if not network.is_cut(name, peer) and network.believes.pop((peer, name), None) is not None:
            self._tell_closed(peer, name, "reset", self._arrival(name, peer), context)

    def _tell_closed(self, who: str, peer: str, reason: str, due: int, context: Context, since: int = 0) -> None:
        self.ids += 1
        kind = context.work | CLOSED
        heappush(self.queue, (due, self.ids, peer, who, Closed(reason, since), context.cause, self.now, kind))

    def _is_true(self, who: str, peer: str, since: int) -> bool:
        """Whether the news that a connection is gone is (still) true. A keep-alive has been pending since a silence began."""
        return not since or self.network.believes.get((who, peer)) == since

    def _closed(self, who: str, peer: str) -> None:
        """``who`` learns that its connection is gone, or that there will be none."""
        self.network.dialling.pop((who, peer), None)
        if (peer, who) not in self.network.believes or self.network.believes.get((who, peer)):
            self.network.believes.pop((who, peer), None)
            self.network.held.pop((who, peer), None)

    # ------------------------------------------------------------------ cables

    def set_link(self, a: str, b: str, link: Link) -> None:
        """Replaces the link between two hosts (or two processes of one host), both ways."""
        self.network.links[a, b] = self.network.links[b, a] = link
        self.network.plain.clear()

    def cut(self, groups: tuple[tuple[str, ...], ...], one_way: bool = False) -> None:
        """Cuts every cable between members of different groups. A member is a host, a process or a room."""
        network = self.network
        hosts = [[host for member in group for host in network.endpoints(member)] for group in groups]
        for i, here in enumerate(hosts):
            for j, there in enumerate(hosts):
                if i != j and not (one_way and i > j):
                    for a in here:
                        for b in there:
                            network.cuts.setdefault((a, b), max(self.now, 1))
        network.plain.clear()
        self._lose_what_is_cut()
        self._notice_silence()

    def heal(self, groups: tuple[tuple[str, ...], ...] = ()) -> None:
        """Mends the cables between members of different groups, or all of them."""
        network = self.network
        if not groups:
            network.cuts.clear()
        hosts = [[host for member in group for host in network.endpoints(member)] for group in groups]
        for i, here in enumerate(hosts):
            for j, there in enumerate(hosts):
                if i != j:
                    for a in here:
                        for b in there:
                            network.cuts.pop((a, b), None)
        network.plain.clear()
        self._release_held()

    def _lose_what_is_cut(self) -> None:
        """Datagrams on a cable that is cut are gone; packets of a connection wait to be sent again."""
        network, kept = self.network, []
        for message in sorted(self.queue):
            _, _, src, dst, _, _, _, kind = message
            if kind & (TIMER | CLOSED) or not network.is_cut(src, dst):
                kept.append(message)
            elif kind & STREAM:
                network.held[src, dst] = (*network.held.get((src, dst), ()), message)
            else:
                self.pending.append(Lost(self.now, message, "cut"))
        self.queue[:] = kept

    def _notice_silence(self) -> None:
        """Starts the keep-alive clock of each connection whose other end has become unreachable."""
        network, context = self.network, self.context
        for (who, peer), since in list(network.believes.items()):
            silent = network.hosts[peer] in self.dead_hosts or network.is_cut(who, peer) or network.is_cut(peer, who)
            if silent and not since:
                begun = max(self.now, 1)
                network.believes[who, peer] = begun
                self._tell_closed(who, peer, "timeout", self.now + KEEP_ALIVE, context, begun)

    def _release_held(self) -> None:
        """Connections that can be used again: their waiting packets are sent once more, or the other end refuses them."""
        network = self.network
        for (who, peer), since in list(network.believes.items()):
            blocked = network.is_cut(who, peer) or network.is_cut(peer, who) or network.hosts[peer] in self.dead_hosts
            if blocked or not since:
                continue
            if (peer, who) in network.believes:
                network.believes[who, peer] = 0
            else:
                del network.believes[who, peer]
                self._tell_closed(who, peer, "reset", self.now + RETRANSMIT, self.context)
        for (src, dst), messages in list(network.held.items()):
            if network.is_cut(src, dst) or (src, dst) not in network.believes:
                continue
            del network.held[src, dst]
            for message in messages:
                due = max(self.now + RETRANSMIT + network.link(src, dst).latency, network.last_due.get((src, dst), 0))
                network.last_due[src, dst] = due
                heappush(self.queue, (due, *message[1:]))

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
        self._notice_silence()

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
        """Starts a process, or all of a machine, again from what is on disk. Running ones stay as they are."""
        self.dead_hosts.pop(name, None)
        for process in self.processes_of(name):
            self.dead_hosts.pop(self.network.hosts[process], None)
            if process not in self.running and process not in self.paused:
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

    # ------------------------------------------------------------------ copies

    def copy(self, like: World | None = None) -> World:
        """An independent world with the same future. Actors that have not been stepped since ``like`` was copied from this
        world are shared with it, so both must only ever be copied again, never stepped."""
        new = World.__new__(World)
        new.now, new.events, new.stamp = self.now, self.events, self.stamp
        new.queue, new.cancelled = self.queue.copy(), self.cancelled.copy()
        new.running = _copy_actors(self.running, like.running if like else {})
        new.paused = _copy_actors(self.paused, like.paused if like else {})
        new.waiting, new.processes = self.waiting.copy(), self.processes.copy()
        new.disks = {name: disk.copy() if disk is not None else None for name, disk in self.disks.items()}
        new.dead_hosts, new.down = self.dead_hosts.copy(), self.down.copy()
        new.network, new.chance, new.log = self.network.copy(), self.chance.copy(), self.log.copy()
        new.pending = new.log.pending
        new.context = Context(new)
        new.ids = self.ids
        return new

    def fork(self) -> World:
        """A copy that can be stepped without disturbing this world."""
        return self.copy()

    def digest(self) -> str:
        """32 hex digits over everything that happened so far."""
        return self.log.digest()


def _copy_actors(actors: dict[str, Actor], known: dict[str, Actor]) -> dict[str, Actor]:
    found = {}
    for name, actor in actors.items():
        old = known.get(name)
        found[name] = old if old is not None and old.version == actor.version else actor.copy()
    return found


__all__ = ["DEFAULT_LIMIT", "MS", "SECOND", "Process", "World"]
