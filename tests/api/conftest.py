"""A world with one etcd member, one API server and one client that remembers what it hears."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_tutor.api.base import ApiConfig
from k8s_tutor.api.server import ApiServer
from k8s_tutor.api.wire import Request, Response, WatchEnd, WatchFrame
from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.sim import MS, SECOND, Body, Calling, Context, World


class Send(Body):
    """Tells the client to send a request."""

    request: Request


class Client(Calling):
    """Sends what it is told to, and keeps all answers."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.answers: dict[int, Any] = {}
        self.frames: list[WatchFrame] = []
        self.ended: list[int] = []
        self.last = 0

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Send):
            self.last = self.ask(ctx, "api-1", body.request, "keep", (), 60 * SECOND)
            self.calls[self.last] = self.calls[self.last]._replace(args=(self.last,))
        elif isinstance(body, WatchFrame):
            self.frames.append(body)
        elif isinstance(body, WatchEnd):
            self.ended.append(body.watch)

    def keep(self, ctx: Context, answer: Any, call: int) -> None:
        self.answers[call] = answer


class Cluster:
    """The world, and a way to talk to its API server."""

    def __init__(self, members: int = 1) -> None:
        self.last = 0
        self.warnings: tuple[str, ...] = ()
        self.world = World(seed=1)
        peers = tuple((index, f"etcd-{index}") for index in range(1, members + 1))
        for index, name in peers:
            self.world.add(Member, name, MemberConfig(index, peers), None, f"cp-{index}")
        self.world.add(ApiServer, "api-1", ApiConfig("etcd-1"), None, "cp-1")
        self.world.add(Client, "client", None, None, "laptop")
        self.world.run_until(5 * SECOND)
        self.account("default")

    def account(self, namespace: str) -> None:
        """There is no controller here that makes the account that pods work as."""
        self.ask("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "default"}})

    @property
    def server(self) -> ApiServer:
        actor = self.world.actor("api-1")
        assert isinstance(actor, ApiServer)
        return actor

    @property
    def client(self) -> Client:
        actor = self.world.actor("client")
        assert isinstance(actor, Client)
        return actor

    def send(self, method: str, path: str, body: Any = None, user: str = "kubernetes-admin", **more: Any) -> int:
        """Sends a request without waiting; returns the call's id."""
        path, _, text = path.partition("?")
        query = tuple((pair.partition("=")[0], pair.partition("=")[2]) for pair in text.split("&") if pair)
        data = b"" if body is None else json.dumps(body).encode()
        self.world.inject("client", Send(Request(method, path, query, data, user=user, **more)))
        before = self.client.last
        self.world.run_until(lambda world: self.client.last != before)
        self.last = self.client.last
        return self.last

    def ask(self, method: str, path: str, body: Any = None, user: str = "kubernetes-admin", **more: Any) -> tuple[int, Any]:
        """Sends a request and waits: (code, tree)."""
        call = self.send(method, path, body, user, **more)
        self.world.run_until(lambda world: call in self.client.answers)
        answer = self.client.answers[call]
        assert isinstance(answer, Response), answer
        self.warnings = answer.warnings
        try:
            return answer.code, json.loads(answer.body) if answer.body else None
        except json.JSONDecodeError:
            return answer.code, answer.body.decode()

    def merge(self, path: str, body: Any, **more: Any) -> tuple[int, Any]:
        return self.ask("PATCH", path, body, content_type="application/merge-patch+json", **more)

    def pause(self, micros: int = 100 * MS) -> None:
        """Lets virtual time pass."""
        self.world.run_until(self.world.now + micros)


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()
