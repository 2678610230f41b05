"""Connections from outside, and the processes in the world that stand for them."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from k8s_tutor.api.wire import Request
from k8s_tutor.serve.desk import Desk, Exchange

MOST = 32
"""Processes ``client-1`` ... that stand for connections; when there are more connections, they share."""


class Client:
    """One connection: who is at its other end, and what they have asked."""

    __slots__ = ("_clients", "_open", "groups", "name", "user")

    def __init__(self, clients: Clients, name: str, user: str, groups: tuple[str, ...]) -> None:
        self.name = name
        """Its process in the world."""
        self.user = user
        """Common name of its certificate, or empty."""
        self.groups = groups
        self._clients = clients
        self._open: dict[int, Exchange] = {}

    def ask(self, request: Request) -> Exchange:
        """Gives a request to the world. Raises `InputError`."""
        exchange = self._clients.desk.ask(self.name, request)
        self._open[exchange.id] = exchange
        return exchange

    def send(self, exchange: Exchange, channel: int, data: bytes) -> None:
        """Sends bytes into a stream."""
        self._clients.desk.send(exchange, channel, data)

    def left(self, exchange: Exchange) -> None:
        """Nobody waits any more: it is answered, it was waited for in vain, or its stream is over."""
        known = self._open.pop(exchange.id, None) is not None
        if known and (exchange.streams or not exchange.answered):
            self._clients.desk.hang_up(self.name, [exchange], closed=False)

    def close(self, alone: bool) -> None:
        """The connection is gone; ``alone``: nobody else uses its process."""
        self._clients.desk.hang_up(self.name, list(self._open.values()), closed=alone)
        self._open.clear()


class Clients:
    """All connections."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._of: dict[object, Client] = {}
        self._users: Counter[str] = Counter()
        """Process → connections that it stands for."""

    @property
    def waiting(self) -> int:
        """Requests that wait for the world."""
        return self.desk.waiting

    def of(self, connection: object, transport: asyncio.Transport | None) -> Client:
        """The client at the other end of a connection."""
        found = self._of.get(connection)
        if found is None:
            user, groups = _subject(transport)
            found = self._of[connection] = Client(self, self._free_name(), user, groups)
            self._users[found.name] += 1
        return found

    def _free_name(self) -> str:
        names = [f"client-{i}" for i in range(1, MOST + 1)]
        return min(names, key=lambda name: self._users[name])

    def closed(self, connection: object) -> None:
        """A connection is gone."""
        client = self._of.pop(connection, None)
        if client is not None:
            self._users[client.name] -= 1
            client.close(alone=not self._users[client.name])


def _subject(transport: asyncio.Transport | None) -> tuple[str, tuple[str, ...]]:
    """Common name and organizations of the client's certificate, which TLS has verified; empty without one."""
    certificate: dict[str, Any] = (transport.get_extra_info("peercert") if transport is not None else None) or {}
    pairs = [pair for part in certificate.get("subject", ()) for pair in part]
    name = next((value for key, value in pairs if key == "commonName"), "")
    return name, tuple(value for key, value in pairs if key == "organizationName")
