"""A mistake of the server itself costs one answer, not the server."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.api.server import ApiServer
from k8s_tutor.sim import Note
from tests.api.conftest import Cluster

MAPS = "/api/v1/namespaces/default/configmaps"
ONE = {"metadata": {"name": "one"}}


@pytest.fixture(autouse=True)
def forgiving(mistakes_are_seen: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ApiServer, "forgiving", True)


def broken(*_: Any, **__: Any) -> Any:
    raise KeyError("oops")


def panics(cluster: Cluster) -> list[dict[str, Any]]:
    return [note.fields for note in cluster.world.log.records() if isinstance(note, Note) and note.kind == "api.panic"]


@pytest.mark.parametrize("broke", ["get", "got", "_identified", "decide"])
def test_it_is_a_500_and_a_note(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, broke: str) -> None:
    assert cluster.ask("POST", MAPS, ONE)[0] == 201
    with monkeypatch.context() as patched:
        patched.setattr(ApiServer, broke, broken)
        code, body = cluster.ask("GET", f"{MAPS}/one")
    assert (code, body["reason"]) == (500, "InternalError")
    assert "caused apiserver to panic" in body["message"]
    assert [fields["error"] for fields in panics(cluster)] == ["KeyError"]
    assert panics(cluster)[0]["place"].endswith(" broken")
    assert "oops" not in str(panics(cluster))
    assert cluster.ask("GET", f"{MAPS}/one")[0] == 200
    assert not cluster.server.inside
    assert not any(cluster.server.fairness.taken.values())


def test_a_write_that_was_stored_is_there(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ApiServer, "created", broken)
        assert cluster.ask("POST", MAPS, ONE)[0] == 500
    assert cluster.ask("GET", f"{MAPS}/one")[0] == 200


def test_what_the_server_knows_is_read_anew(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(ApiServer, "tell", broken)
        assert cluster.ask("POST", MAPS, ONE)[0] == 201
        cluster.pause()
    assert panics(cluster)[0]["id"] == 0
    cluster.pause(5_000_000)
    assert [item["metadata"]["name"] for item in cluster.ask("GET", f"{MAPS}?resourceVersion=0")[1]["items"]] == ["one"]


def test_tests_see_it(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ApiServer, "forgiving", False)
    monkeypatch.setattr(ApiServer, "get", broken)
    with pytest.raises(KeyError):
        cluster.ask("GET", f"{MAPS}/one")
