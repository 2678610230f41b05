"""Streams of an API server: a log that is followed, a process that exec has started (see `api.wire`)."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api.wire import STATUS, STDERR, Request, StreamData, StreamEnd
from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.program import Asking, Listen, Tree
from k8s_tutor.kubectl.session import Query, Session
from k8s_tutor.sim import CallFailed

INTERRUPTED = 130


def run(session: Session, path: str, query: Query, quiet: bool = False) -> Asking[int]:
    """``exec`` and ``attach``: prints what the process writes; its exit status. Raises `Failure` for one that did not start."""
    request = session.request("POST", path, query)
    answer = yield request
    session.read(request, answer)
    status: Tree = {"status": "Success"}
    while True:
        told: Any = yield Listen()
        if isinstance(told, CallFailed):
            if told.reason == "interrupted":
                return INTERRUPTED
            text = "error reading from error stream: next reader: websocket: close 1006 (abnormal closure): unexpected EOF"
            raise Failure(text)
        if isinstance(told, StreamEnd):
            return _ended(session, status, quiet)
        if isinstance(told, StreamData) and told.channel == STATUS:
            status = msgspec.json.decode(told.data)
        elif isinstance(told, StreamData):
            _print(session, told)


def _print(session: Session, frame: StreamData) -> None:
    text = bytes(frame.data).decode("utf-8", "replace").replace("\r\n", "\n")
    (session.err if frame.channel == STDERR else session.out).append(text)


def _ended(session: Session, status: Tree, quiet: bool) -> int:
    if status.get("status") == "Success":
        return 0
    causes = (status.get("details") or {}).get("causes") or ()
    code = next((str(one.get("message")) for one in causes if one.get("reason") == "ExitCode"), "")
    if not code:
        raise Failure(str(status.get("message", "")))
    if not quiet:
        session.warn(f"command terminated with exit code {code}")
    return int(code)


def follow(session: Session, request: Request, prefix: str = "") -> Asking[int]:
    """``logs -f``: prints lines as they come, until the container ends or somebody types something else."""
    answer = yield request
    session.read(request, answer)
    if answer.body:
        session.out.append(prefixed(bytes(answer.body).decode("utf-8", "replace"), prefix))
    while answer.streams:
        told: Any = yield Listen()
        if isinstance(told, CallFailed):
            return INTERRUPTED if told.reason == "interrupted" else 0
        if isinstance(told, StreamEnd):
            break
        if isinstance(told, StreamData):
            session.out.append(prefixed(bytes(told.data).decode("utf-8", "replace"), prefix))
    return 0


def prefixed(text: str, prefix: str) -> str:
    """The lines of a text with something before each."""
    return "".join(prefix + line for line in text.splitlines(keepends=True)) if prefix else text
