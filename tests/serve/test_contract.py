"""What ``k8s-tutor serve`` promises: one line when ready, a kubeconfig, an end, and a session that replays."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from k8s_tutor import cli
from tests.serve.conftest import ROOT, Served

MAPS = "/api/v1/namespaces/default/configmaps"


def test_ready_is_one_line_and_the_kubeconfig_is_for_its_owner_only(served: Served) -> None:
    assert served.line == f"ready https://127.0.0.1:{served.port} {served.kubeconfig}"
    assert stat.S_IMODE(served.kubeconfig.stat().st_mode) == 0o600
    assert [context["name"] for context in served.config["contexts"]] == ["admin", "alice", "bob"]
    assert served.config["current-context"] == "admin"


def test_each_user_is_who_the_kubeconfig_says(served: Served) -> None:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    found = {user: served.ask("POST", path, review, user)[1]["status"]["userInfo"] for user in ("admin", "alice", "bob")}
    assert found["admin"]["username"] == "kubernetes-admin"
    assert found["admin"]["groups"] == ["system:masters", "system:authenticated"]
    assert found["alice"] == {"username": "alice", "groups": ["dev", "system:authenticated"]}
    assert found["bob"]["groups"] == ["ops", "system:authenticated"]


@pytest.mark.parametrize(("path", "code"), [
    ("/healthz", 200), ("/livez", 200), ("/readyz", 200), ("/version", 200), ("/", 403), ("/api", 403), ("/api/v1/pods", 403),
    ("/metrics", 403), ("/openapi/v2", 403), ("/apis/apps/v1/deployments", 403), ("/nowhere", 403),
])  # fmt: skip
def test_without_credentials_only_health_and_version_are_told(served: Served, path: str, code: int) -> None:
    found, body = served.ask("GET", path, user="")
    assert found == code
    if code == 403:
        assert body["reason"] == "Forbidden"
        assert 'User "system:anonymous"' in body["message"]


def test_a_wrong_token_is_nobody_not_anonymous(served: Served) -> None:
    for path in ("/api/v1/pods", "/healthz"):
        code, body = served.ask("GET", path, user="", headers={"Authorization": "Bearer wrong"})
        assert (code, body["message"]) == (401, "Unauthorized")


def test_a_watch_is_streamed_as_it_happens(served: Served) -> None:
    connection = served.connect()
    connection.request("GET", f"{MAPS}?watch=1&fieldSelector=metadata.name=seen")
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("Transfer-Encoding")) == (200, "chunked")
    served.ask("POST", MAPS, {"metadata": {"name": "seen"}})
    served.ask("DELETE", f"{MAPS}/seen")
    lines = [json.loads(answer.readline()) for _ in range(2)]
    assert [(line["type"], line["object"]["metadata"]["name"]) for line in lines] == [("ADDED", "seen"), ("DELETED", "seen")]
    answer.close()
    connection.close()


def test_a_watch_ends_when_its_time_is_up(served: Served) -> None:
    connection = served.connect()
    began = time.monotonic()
    connection.request("GET", f"{MAPS}?watch=1&timeoutSeconds=1&resourceVersion=0")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert 0.9 < time.monotonic() - began < 20
    assert served.ask("GET", MAPS)[0] == 200


def test_yaml_is_taken_as_well_as_json(served: Served) -> None:
    body = b"kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: yaml\ndata:\n  k: 'yes'\n"
    code, found = served.ask("POST", MAPS, body, headers={"Content-Type": "application/yaml"})
    assert (code, found["data"]) == (201, {"k": "yes"})
    apply = {"Content-Type": "application/apply-patch+yaml"}
    other = body.replace(b"'yes'", b"other")
    code, found = served.ask("PATCH", f"{MAPS}/yaml?fieldManager=me&force=true", other, headers=apply)
    assert (code, found["data"]) == (200, {"k": "other"})


def test_the_clock_of_the_world_is_that_of_the_wall(served: Served) -> None:
    _, made = served.ask("POST", MAPS, {"metadata": {"name": "now"}})
    stamp = time.strptime(made["metadata"]["creationTimestamp"] + "UTC", "%Y-%m-%dT%H:%M:%SZ%Z")
    import calendar

    assert abs(calendar.timegm(stamp) - time.time()) < 15


def test_sigterm_and_sigint_end_it_with_0_and_the_session_replays(tmp_path: Path) -> None:
    saved = tmp_path / "session.json"
    one = Served(tmp_path, "--managers", "1", "--workers", "1", "--save", str(saved), "--seed", "5")
    assert one.ask("POST", MAPS, {"metadata": {"name": "kept"}})[0] == 201
    watching = one.connect()
    watching.request("GET", f"{MAPS}?watch=1")
    answer = watching.getresponse()
    assert answer.status == 200
    began = time.monotonic()
    one.process.send_signal(signal.SIGINT)
    assert one.stop() == 0
    assert time.monotonic() - began < 20
    answer.close()
    watching.close()
    done = subprocess.run(
        [sys.executable, "-m", "k8s_tutor", "replay", str(saved)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_bad_flags_are_one_line_with_the_way_to_mend_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*flags: str) -> str:
        assert cli.run(["serve", "--managers", "1", "--workers", "0", *flags]) == 2
        told = capsys.readouterr()
        assert told.out == ""
        assert len(told.err.splitlines()) == 1
        return told.err.strip()

    foreign = tmp_path / "foreign"
    foreign.write_text("apiVersion: v1\nkind: Config\n")
    assert "was not made by `k8s-tutor serve`" in refused("--kubeconfig", str(foreign))
    assert foreign.read_text() == "apiVersion: v1\nkind: Config\n"
    assert "there is no folder" in refused("--kubeconfig", str(tmp_path / "no" / "config"))
    assert "alice=dev,bob=ops" in refused("--users", "al ice")
    assert "choose another name" in refused("--users", "admin=dev")
    assert "--speed" in refused("--speed", "fast")
    assert "--port" in refused("--port", "70000")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert f"--port {port}" in refused("--port", port, "--kubeconfig", str(tmp_path / "config"))


def test_its_own_kubeconfig_is_replaced_whole(tmp_path: Path) -> None:
    first = Served(tmp_path, "--managers", "1", "--workers", "0")
    first.stop()
    second = Served(tmp_path, "--managers", "1", "--workers", "0", "--speed", "max")
    try:
        assert second.config["clusters"] != first.config["clusters"]
        assert second.ask("GET", "/readyz") == (200, "ok")
        assert list(tmp_path.iterdir()).count(second.kubeconfig) == 1
    finally:
        second.stop()


def test_many_connections_at_once_are_answered(served: Served) -> None:
    codes: list[int] = []

    def work() -> None:
        connection = served.connect()
        for _ in range(5):
            connection.request("GET", f"{MAPS}")
            answer = connection.getresponse()
            answer.read()
            codes.append(answer.status)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [200] * 200
