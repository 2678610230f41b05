"""B4 and B15: what one create costs the API server and etcd, and how many requests a second are served over HTTPS."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

import msgspec

from k8s_tutor.api.base import ApiConfig
from k8s_tutor.api.server import ApiServer
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.bench.measure import SAMPLES, Row, cpu, median
from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.sim import SECOND, Body, Calling, Context, World

CREATES = 400
REAL_CREATE = 1_107.0
"""µs of CPU that kube-apiserver and etcd take for one create."""
CONNECTIONS = 16
SECONDS = 4.0
REAL_GETS = 3_750.0
"""Requests a second that kube-apiserver answers."""
POD = "/api/v1/namespaces/default/pods"


class Begin(Body):
    """Tells the client to create so many pods, one after the other."""

    count: int


class Creator(Calling):
    """A client that creates pods."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.left = 0
        self.made = 0

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Begin):
            self.left = body.count
            self._next(ctx)
        elif isinstance(body, Request):
            self.ask(ctx, "api-1", body, "_made")

    def _next(self, ctx: Context) -> None:
        if self.left:
            self.left -= 1
            request = Request("POST", POD, body=pod(f"web-{self.made}"))
            self.ask(ctx, "api-1", request, "_made")

    def _made(self, ctx: Context, answer: Any) -> None:
        assert isinstance(answer, Response), answer
        assert answer.code == 201, answer.body
        self.made += 1
        self._next(ctx)


def pod(name: str) -> bytes:
    """The pod that is created."""
    container = {"name": "web", "image": "nginx:1.27", "ports": [{"containerPort": 80}]}
    tree = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"containers": [container], "automountServiceAccountToken": False},
    }  # fmt: skip
    return msgspec.json.encode(tree)


def _world() -> World:
    """Three members and one API server, at rest, with the account that pods need."""
    world = World(seed=1)
    peers = tuple((i, f"etcd-{i}") for i in (1, 2, 3))
    for i, name in peers:
        world.add(Member, name, MemberConfig(i, peers), host=f"cp-{i}")
    world.add(ApiServer, "api-1", ApiConfig("etcd-1"), host="cp-1")
    world.add(Creator, "client", host="laptop")
    world.run_until(10 * SECOND)
    account = Request("POST", "/api/v1/namespaces/default/serviceaccounts", body=b'{"metadata":{"name":"default"}}')
    world.take("account", lambda world, _: world.inject("client", account))
    _create(world, 20)
    return world


def _create(world: World, count: int) -> None:
    client = world.running["client"]
    assert isinstance(client, Creator)
    world.run_until(world.now + SECOND)
    goal = client.made + count
    world.take(count, lambda world, given: world.inject("client", Begin(given)))
    world.run_until(lambda world: client.made >= goal)


def create_cost() -> float:
    """CPU µs of one create."""
    world = _world()
    return cpu(lambda: _create(world, CREATES)) / CREATES * 1e6


# ---------------------------------------------------------------------------------------------------- over HTTPS


def served_gets() -> tuple[float, float]:
    """(requests a second, CPU µs of the server for each) of 16 connections that get one pod."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kubeconfig"
        command = [sys.executable, "-m", "k8s_tutor", "serve", "--managers", "3", "--workers", "0", "--kubeconfig", str(path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline().split()[1].rpartition(":")[2])
            return _load(port, _tls(json.loads(path.read_text()), Path(folder)), process.pid)
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _tls(config: Any, folder: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(
        cadata=b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    )
    user = config["users"][0]["user"]
    pair = folder / "admin.pem"
    pair.touch(0o600)
    pair.write_bytes(b64decode(user["client-certificate-data"]) + b64decode(user["client-key-data"]))
    context.load_cert_chain(pair)
    return context


def _load(port: int, context: ssl.SSLContext, pid: int) -> tuple[float, float]:
    ends = [
        context.wrap_socket(socket.create_connection(("127.0.0.1", port)), server_hostname="127.0.0.1")
        for _ in range(CONNECTIONS)
    ]  # fmt: skip
    body = pod("web")
    head = f"POST {POD} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    _exchange(ends[0], head.encode() + body)
    get = f"GET {POD}/web HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nUser-Agent: bench\r\n\r\n".encode()
    done = [0] * CONNECTIONS
    end = time.monotonic() + SECONDS

    def work(index: int) -> None:
        while time.monotonic() < end:
            assert _exchange(ends[index], get).startswith(b"HTTP/1.1 200")
            done[index] += 1

    before, began = _cpu_of(pid), time.monotonic()
    threads = [threading.Thread(target=work, args=(index,)) for index in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.monotonic() - began
    for one in ends:
        one.close()
    return sum(done) / took, (_cpu_of(pid) - before) / max(1, sum(done)) * 1e6


def _exchange(end: ssl.SSLSocket, request: bytes) -> bytes:
    """Sends a request and reads the whole answer."""
    end.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += end.recv(65536)
    head, _, rest = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    while len(rest) < length:
        rest += end.recv(65536)
    return head


def _cpu_of(pid: int) -> float:
    """CPU seconds of a process so far, where the system tells."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rows() -> list[Row]:
    """B4 and B15. The peers are what was seen of the real ones on such a machine."""
    ours = median([create_cost() for _ in range(SAMPLES)])
    rate, cost = served_gets()
    return [
        Row("B4", "one create through the API server and a 3-member etcd, CPU", "µs", ours, REAL_CREATE, ours / REAL_CREATE,
            "<= 0.125", SAMPLES, "peer: kube-apiserver and etcd, as seen"),
        Row("B15", "HTTPS GET of a pod by 16 connections", "/s", rate, REAL_GETS, rate / REAL_GETS, ">= 0.5, then 1", 1,
            f"peer: kube-apiserver, as seen; {cost:.0f} µs of the server's CPU each"),
    ]  # fmt: skip
