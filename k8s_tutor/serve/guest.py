"""The app serves too: the world on the screen for a real kubectl in another terminal.

The app runs the world at its own pace. While it is paused, waits for an answer, or looks at the past, requests wait at the
door; when it goes to another moment or branch, what was open there ends, watches with 410.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from k8s_tutor.api import status
from k8s_tutor.api.wire import Request, StreamEnd, WatchFrame
from k8s_tutor.cluster import Cluster, InputError, inputs
from k8s_tutor.cluster.gateway import outboxes
from k8s_tutor.serve import kubeconfig, pki
from k8s_tutor.serve.command import ADMIN, MASTERS, listen
from k8s_tutor.serve.desk import Desk, Exchange
from k8s_tutor.serve.http import Front
from k8s_tutor.sim import CallFailed

ELSEWHERE = "the cluster was taken to another moment: list again"


class Host(Protocol):
    """Who runs the world."""

    @property
    def cluster(self) -> Cluster:
        """The world."""

    @property
    def runs(self) -> bool:
        """Whether time goes on, at the newest moment of its branch."""

    def give(self, given: inputs.Input) -> None:
        """Puts an input in. Raises `InputError`."""


class Guest(Desk):
    """Serves the world of a host. `open` it once, let it take its `turn` after each frame, `close` it."""

    def __init__(self, host: Host) -> None:
        super().__init__()
        self._host = host
        self._world = host.cluster.world
        self._held: list[Callable[[], None]] = []
        """What waits until time goes on, in the order in which it came."""
        self._server: asyncio.Server | None = None

    @property
    def cluster(self) -> Cluster:
        """The world."""
        return self._host.cluster

    @property
    def held(self) -> int:
        """How many things wait until time goes on."""
        return len(self._held)

    async def open(self, path: Path, port: int = 0) -> str:
        """Listens on loopback and writes the kubeconfig of ``admin``; returns the address. Raises `ServeError` or
        `KubeconfigError`."""
        kubeconfig.check(path)
        authority = pki.Authority()
        self._server = await listen(asyncio.get_running_loop(), Front(self), authority, port)
        address = f"https://{pki.HOST}:{self._server.sockets[0].getsockname()[1]}"
        admin = authority.client(ADMIN, (MASTERS,))
        kubeconfig.write(path, kubeconfig.text(address, authority.certificate, admin, {}))
        return address

    def close(self) -> None:
        """Nobody is served any more."""
        if self._server is not None:
            self._server.close()
        self._leave()

    # ------------------------------------------------------------------ in and out

    def give(self, given: inputs.Input) -> None:
        """Puts an input in as soon as time goes on."""
        if self._held or not self._host.runs:
            self._held.append(partial(self._host.give, given))
        else:
            self._host.give(given)

    def turn(self) -> None:
        """Between two frames: lets in what waits, and hands out what was answered."""
        if self.cluster.world is not self._world:
            self._leave()
            self._world = self.cluster.world
        if self._host.runs:
            held, self._held = self._held, []
            for give in held:
                try:
                    give()
                except InputError:
                    self._leave()
        self.collect()

    def ask(self, client: str, request: Request) -> Exchange:
        """A request from outside. Raises `InputError`."""
        if client not in self._seen:
            self._seen[client] = sum(len(gateway.outbox) for _, gateway in outboxes(self.cluster.world, [client]))
        return super().ask(client, request)

    def _leave(self) -> None:
        """What is open belongs to a moment that is not there any more."""
        for exchange in list(self._exchanges.values()):
            if not exchange.answered:
                self._deliver(exchange.id, CallFailed("disconnected"))
            else:
                if exchange.watches:
                    gone = msgspec.json.encode(status.failure(410, "Expired", ELSEWHERE).tree)
                    self._deliver(exchange.id, WatchFrame(0, "ERROR", gone))
                self._deliver(exchange.id, StreamEnd(0))
        self._held.clear()
        self._seen.clear()
