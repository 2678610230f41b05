"""A served cluster in a process of its own, and ways to talk to it: bare sockets, HTTP, and the clients that people use."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds of wall time that a busy machine may take for anything."""


class Served:
    """``k8s-tutor serve``, running."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.kubeconfig = folder / "kubeconfig"
        command = [sys.executable, "-m", "k8s_tutor", "serve", "--port", "0", "--kubeconfig", str(self.kubeconfig), *flags]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline().strip()
        assert self.line.startswith("ready https://127.0.0.1:"), (self.line, self._errors())
        self.port = int(self.line.split()[1].rpartition(":")[2])
        self.config: dict[str, Any] = json.loads(self.kubeconfig.read_text())
        self.contexts = {user: self._context(user, folder) for user in ("", "admin", "alice", "bob")}
        """User → what a client of theirs knows: the CA, and for ``admin`` a certificate."""

    def _errors(self) -> str:
        self.process.kill()
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def _context(self, user: str, folder: Path) -> ssl.SSLContext:
        authority = b64decode(self.config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
        context = ssl.create_default_context(cadata=authority)
        if user == "admin":
            found = self._user(user)
            pair = folder / "admin.pem"
            data = b64decode(found["client-certificate-data"]) + b64decode(found["client-key-data"])
            pair.touch(0o600)
            pair.write_bytes(data)
            context.load_cert_chain(pair)
        return context

    def _user(self, name: str) -> dict[str, Any]:
        return next(one["user"] for one in self.config["users"] if one["name"] == name)

    def headers(self, user: str) -> dict[str, str]:
        """The credentials of a user of ``--users``."""
        return {"Authorization": f"Bearer {self._user(user)['token']}"} if user not in ("", "admin") else {}

    def connect(self, user: str = "admin") -> http.client.HTTPSConnection:
        """A connection that can be used for several requests."""
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=self.contexts[user])

    def socket(self, user: str = "") -> ssl.SSLSocket:
        """The bare wire."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return self.contexts[user].wrap_socket(plain, server_hostname="127.0.0.1")

    def ask(
        self, method: str, path: str, body: Any = None, user: str = "admin", headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """One request on a connection of its own: (code, tree or text)."""
        connection = self.connect(user)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        given = {"Content-Type": "application/json", **self.headers(user), **(headers or {})}
        connection.request(method, path, data, given)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def until(self, check: Callable[[], Any]) -> Any:
        """Waits for something to become true."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = check()
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError("it never became true")

    def stop(self) -> int:
        """Ends it as a service manager would."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return code


@pytest.fixture(scope="module")
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """A small cluster with two users beside the admin; a module may set its ``SPEED``."""
    speed = getattr(request.module, "SPEED", "1")
    with tempfile.TemporaryDirectory() as folder:
        flags = ("--users", "alice=dev,bob=ops", "--managers", "1", "--workers", "1", "--speed", speed)
        one = Served(Path(folder), *flags)
        yield one
        one.stop()
