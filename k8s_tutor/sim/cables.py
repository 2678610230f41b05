"""Sending over links and connections, and cutting and mending cables."""

from __future__ import annotations

from heapq import heappush
from typing import Any

from k8s_tutor.sim.context import Context
from k8s_tutor.sim.ground import Ground
from k8s_tutor.sim.message import CLOSED, STREAM, TIMER, Closed, Lost
from k8s_tutor.sim.network import DIAL_TIMEOUT, KEEP_ALIVE, RETRANSMIT, Link


class Cables(Ground):
    """A world whose messages travel over cables that can fail."""

    context: Context

    @property
    def ids(self) -> int:
        """The latest id that was given to a message, an input or a call."""
        return self.context.ids

    @ids.setter
    def ids(self, value: int) -> None:
        self.context.ids = value

    # ------------------------------------------------------------------ sending, the slow way

    def send_over_link(self, context: Context, dst: str, body: Any) -> None:
        """A datagram over a link that was not used yet or has more to it than latency."""
        network, src, now = self.network, context.name, self.now
        if dst not in network.hosts:  # no such name: nothing ever arrives there
            self.ids += 1
            self.pending.append(Lost(now, (now, self.ids, src, dst, body, context.cause, now, context.work), "down"))
            return
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
        if dst not in network.hosts:
            self._tell_closed(src, dst, "refused", now + 2 * network.default.latency, context)
            return
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

    def move(self, host: str, room: str) -> None:
        """Carries a host into a room (empty: out of all of them). It is cut from whatever all the others there are cut from,
        and from nothing else."""
        network, cuts = self.network, self.network.cuts
        for pair in [pair for pair in cuts if host in pair]:
            del cuts[pair]
        mates = [other for other, found in network.rooms.items() if found == room and other != host] if room else []
        for a, b in list(cuts):
            if mates and a == mates[0] and all((mate, b) in cuts for mate in mates):
                cuts[host, b] = max(self.now, 1)
            elif mates and b == mates[0] and all((a, mate) in cuts for mate in mates):
                cuts[a, host] = max(self.now, 1)
        network.rooms.pop(host, None)
        if room:
            network.rooms[host] = room
        network.plain.clear()
        self._lose_what_is_cut()
        self._notice_silence()
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
