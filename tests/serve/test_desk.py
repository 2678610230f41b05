"""Requests from outside are not forgotten, and do not stay where nobody waits for them; serving ends in an orderly way."""

from __future__ import annotations

import asyncio
import http.client
import threading
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.api.wire import Request, Response
from k8s_tutor.cluster import inputs
from k8s_tutor.serve import command
from k8s_tutor.serve import http as front
from k8s_tutor.serve.clients import Clients
from k8s_tutor.serve.command import Options
from k8s_tutor.serve.desk import Desk
from tests.serve.conftest import Served


class Silent(Desk):
    """A world that takes everything and answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Any] = []

    def give(self, given: inputs.Input) -> None:
        self.given.append(given)

    def answer(self, ident: int, response: Any) -> None:
        self._deliver(ident, response)


async def _over_http(desk: Desk) -> int:
    """The code of one GET, asked on a thread of its own."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(front.Front(desk), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    def ask() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/healthz")
        try:
            return connection.getresponse().status
        finally:
            connection.close()

    code = await asyncio.to_thread(ask)
    server.close()
    return code


async def test_a_request_that_takes_too_long_is_504_and_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "REQUEST_TIMEOUT", 0.1)
    desk = Silent()
    assert await _over_http(desk) == 504
    assert desk.waiting == 0
    assert [type(one) for one in desk.given][:2] == [inputs.ApiCall, inputs.HangUp]
    desk.answer(1, Response(200))  # comes too late, and finds nobody
    assert desk.waiting == 0


async def test_an_answer_after_its_reader_was_cancelled_is_counted() -> None:
    desk = Silent()
    client = Clients(desk).of(object(), None)
    exchange = client.ask(Request("GET", "/healthz"))
    reader = asyncio.ensure_future(_wait(exchange.first))
    await asyncio.sleep(0)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert desk.waiting == 1
    desk.answer(exchange.id, Response(200))
    assert desk.waiting == 0
    client.left(exchange)
    client.close(alone=True)
    assert desk.waiting == 0


async def _wait(future: asyncio.Future[Any]) -> Any:
    return await future


async def test_whoever_closes_the_connection_takes_their_requests_along() -> None:
    desk = Silent()
    clients, connection = Clients(desk), object()
    client = clients.of(connection, None)
    for _ in range(3):
        client.ask(Request("GET", "/healthz"))
    assert desk.waiting == 3
    clients.closed(connection)
    assert desk.waiting == 0


async def test_an_answered_request_leaves_no_trace() -> None:
    desk = Silent()
    client = Clients(desk).of(object(), None)
    exchange = client.ask(Request("GET", "/healthz"))
    desk.answer(exchange.id, Response(200))
    client.left(exchange)
    assert (desk.waiting, len(desk.given)) == (0, 1)


@pytest.mark.parametrize("place", ["missing/save.json", "folder"])
def test_a_session_that_cannot_be_saved_is_said_before_anybody_is_served(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    options = Options(0, tmp_path / "kubeconfig", {}, 1.0, tmp_path / place)
    assert command.run({}, options) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("k8s-tutor: --save ")
    assert said.err.count("\n") == 1
    assert not (tmp_path / "kubeconfig").exists()


def test_a_watch_is_closed_in_good_order_when_the_server_ends(tmp_path: Path) -> None:
    one = Served(tmp_path, "--managers", "1", "--workers", "1", "--save", str(tmp_path / "session.json"))
    connection = one.connect()
    connection.request("GET", "/api/v1/namespaces?watch=1")
    answer = connection.getresponse()
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.extend(answer))  # raises IncompleteRead when it is cut off
    reader.start()
    one.until(lambda: lines)
    assert one.stop() == 0
    reader.join(10)
    assert answer.isclosed()
    connection.close()
    assert lines[-1].endswith(b"}\n")
    assert (tmp_path / "session.json").stat().st_size > 100
