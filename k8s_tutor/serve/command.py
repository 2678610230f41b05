"""``k8s-tutor serve``: a cluster for a real kubectl, on loopback, until somebody ends it."""

from __future__ import annotations

import asyncio
import json
import math
import re
import secrets
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from k8s_tutor.cluster import Cluster, ClusterSpec
from k8s_tutor.cluster.cluster import booted, watched
from k8s_tutor.serve import kubeconfig, pki, specs
from k8s_tutor.serve.driver import Driver
from k8s_tutor.serve.http import Front

HEAD_START = 10
"""Seconds before the wall clock at which the world begins, so that it has come up by the time the two agree."""
GOODBYE = 2.0
"""Seconds at most that open requests get when the server is told to end."""
CHECKPOINTS = 2_000
"""Events from one checkpoint to the next: nobody goes back while a world is served."""
ADMIN, MASTERS = "kubernetes-admin", "system:masters"
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9:@._-]*")


class ServeError(Exception):
    """What was asked for cannot be served; one line."""


@dataclass(frozen=True)
class Options:
    """How to serve. ``users``: name → groups; ``speed``: × wall time, `math.inf` for as fast as possible."""

    port: int
    path: Path
    users: dict[str, tuple[str, ...]]
    speed: float
    save: Path | None = None


def parse_users(text: str) -> dict[str, tuple[str, ...]]:
    """``alice=dev,bob=ops`` as user → groups; a user may be named again for another group. Raises `ServeError`."""
    users: dict[str, tuple[str, ...]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, group = part.partition("=")
        if not _USER.fullmatch(name) or (group and not _USER.fullmatch(group)):
            raise ServeError(f"--users: {part!r} is no user; write name=group, e.g. alice=dev,bob=ops")
        if name == "admin":
            raise ServeError("--users: admin is always there; choose another name")
        users[name] = (*users.get(name, ()), *((group,) if group else ()))
    return users


def parse_speed(text: str) -> float:
    """``1``, ``10``, ``0.5`` or ``max``. Raises `ServeError`."""
    if text == "max":
        return math.inf
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.001 <= speed <= 1000:
        raise ServeError(f"--speed: {text!r} is no speed; write a number from 0.001 to 1000, or max")
    return speed


def options(port: int, path: str, users: str, speed: str, save: str | None) -> Options:
    """The options as they are written on the command line. Raises `ServeError`."""
    if not 0 <= port < 65536:
        raise ServeError(f"--port: {port} is no port; write 0 for a free one, or a number up to 65535")
    return Options(port, Path(path), parse_users(users), parse_speed(speed), Path(save) if save else None)


def run(spec: dict[str, Any], options: Options) -> int:
    """Serves until SIGTERM or SIGINT; returns the exit status."""
    try:
        kubeconfig.check(options.path)
        _check_save(options.save)
        return asyncio.run(_serve(spec, options))
    except (ServeError, kubeconfig.KubeconfigError, specs.SpecError) as error:
        sys.stderr.write(f"k8s-tutor: {error}\n")
        return 2


def _check_save(path: Path | None) -> None:
    """Raises `ServeError` when the session could not be saved there at the end. Leaves what is there as it is."""
    if path is None:
        return
    there = path.exists()
    try:
        with path.open("a", encoding="utf-8"):
            pass
        if not there:
            path.unlink()
    except OSError as error:
        raise ServeError(f"--save {path}: {error.strerror or error}; name a file that can be written") from None


async def _serve(spec: dict[str, Any], options: Options) -> int:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    tokens = {name: secrets.token_hex(16) for name in options.users}
    known = [{"token": tokens[name], "user": name, "groups": list(groups)} for name, groups in options.users.items()]
    epoch = int(time.time()) - HEAD_START
    authority = pki.Authority()
    given = {
        "epoch": epoch, "certificate": authority.certificate.decode(), "signing_key": secrets.token_hex(32),
        "tokens": [*spec.get("tokens", ()), *known],
    }  # fmt: skip
    wanted = ClusterSpec.model_validate({**spec, **given})
    cluster = Cluster(wanted, timeline=watched(booted(wanted), CHECKPOINTS))
    driver = Driver(cluster, options.speed)
    driver.align(time.time() - cluster.spec.epoch)
    front = Front(driver)
    server = await listen(loop, front, authority, options.port)
    port = server.sockets[0].getsockname()[1]
    driving = asyncio.create_task(driver.run())
    address = f"https://{pki.HOST}:{port}"
    admin = authority.client(ADMIN, (MASTERS,))
    kubeconfig.write(options.path, kubeconfig.text(address, authority.certificate, admin, tokens))
    print(f"ready {address} {options.path}", flush=True)
    stopped = asyncio.create_task(ended.wait())
    await asyncio.wait({driving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    for number in (signal.SIGTERM, signal.SIGINT):  # it is ending: another one must not make a crash of that
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)
    server.close()
    await _goodbye(driver, front)
    driver.end()
    await driving
    if options.save:
        options.save.write_text(json.dumps(cluster.save()) + "\n", encoding="utf-8")
    return 0


async def _goodbye(driver: Driver, front: Front) -> None:
    """Requests that are inside are answered, streams end in an orderly way, connections are closed."""
    end = asyncio.get_running_loop().time() + GOODBYE
    while driver.waiting and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.01)
    driver.end_streams()
    await front.shutdown(GOODBYE)


async def listen(loop: asyncio.AbstractEventLoop, front: Front, authority: pki.Authority, port: int) -> asyncio.Server:
    """Serves HTTPS on loopback; port 0 is a free one. Raises `ServeError`."""
    try:
        return await loop.create_server(front, pki.HOST, port, ssl=pki.server_context(authority), backlog=1024)
    except OSError as error:
        raise ServeError(f"--port {port}: {error.strerror or error}") from None
