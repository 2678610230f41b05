"""A world that somebody else runs, served: requests wait while it stands still; what was open ends when it goes elsewhere."""

from __future__ import annotations

import asyncio
import json
import ssl
from base64 import b64decode
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.serve.guest import Guest
from k8s_tutor.serve.kubeconfig import KubeconfigError

PODS = "/api/v1/namespaces/default/pods"


class House:
    """A host whose world goes on while ``runs``, 5 ms a turn."""

    def __init__(self) -> None:
        spec = ClusterSpec.model_validate({"managers": 1, "workers": 1, "seed": 3})
        self.cluster = Cluster(spec)
        self.runs = True
        self.guest = Guest(self)

    def give(self, given: inputs.Input) -> None:
        self.cluster.give(given)

    async def play(self) -> None:
        while True:
            if self.runs:
                self.cluster.advance(self.cluster.now + 5_000, 5_000)
            self.guest.turn()
            await asyncio.sleep(0.001)


def client(path: Path) -> aiohttp.ClientSession:
    config = json.loads(path.read_text())
    authority = b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    user = config["users"][0]["user"]
    pair = path.parent / "pair.pem"
    pair.write_bytes(b64decode(user["client-certificate-data"]) + b64decode(user["client-key-data"]))
    context.load_cert_chain(pair)
    return aiohttp.ClientSession(base_url=config["clusters"][0]["cluster"]["server"],
                                 connector=aiohttp.TCPConnector(ssl=context))  # fmt: skip


async def test_a_world_on_the_screen_is_served_and_waits_while_it_stands_still(tmp_path: Path) -> None:
    house = House()
    path = tmp_path / "config"
    await house.guest.open(path)
    playing = asyncio.create_task(house.play())
    async with client(path) as http:
        body = {"metadata": {"name": "web"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
        async with http.post(PODS, json=body) as made:
            assert made.status == 201
        assert house.cluster.objects("Pod")

        house.runs = False
        waiting = asyncio.create_task(_get(http, PODS))
        await asyncio.sleep(0.1)
        assert not waiting.done() and house.guest.held
        house.runs = True
        assert [pod["metadata"]["name"] for pod in (await waiting)["items"]] == ["web"]
    playing.cancel()
    house.guest.close()


async def test_another_moment_ends_what_was_open(tmp_path: Path) -> None:
    house = House()
    path = tmp_path / "config"
    await house.guest.open(path)
    playing = asyncio.create_task(house.play())
    before = house.cluster.events
    async with client(path) as http:
        async with http.get(PODS, params={"watch": "true", "timeoutSeconds": "60"}) as watch:
            assert watch.status == 200
            house.runs = False
            house.cluster.goto(before)
            last = [json.loads(line) async for line in watch.content][-1]
        assert (last["type"], last["object"]["code"], last["object"]["reason"]) == ("ERROR", 410, "Expired")
        house.runs = True
        assert (await _get(http, PODS))["items"] == []
    playing.cancel()
    house.guest.close()


async def test_a_file_of_somebody_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("mine")
    with pytest.raises(KubeconfigError, match="was not made by"):
        await House().guest.open(path)
    assert path.read_text() == "mine"


async def _get(http: aiohttp.ClientSession, path: str) -> Any:
    async with http.get(path) as answer:
        return await answer.json()
