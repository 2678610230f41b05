"""Logs that are followed and processes in containers, with the machine's own kubectl and over a bare WebSocket handshake."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator

import pytest

from tests.serve.conftest import PATIENCE, Served

SPEED = "5"
kubectl_is_here = pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl is installed on this machine")

TICKS = "i=0; while true; do i=$((i+1)); echo tick $i; sleep 0.2; done"


class Kubectl:
    """The machine's kubectl with this cluster's kubeconfig."""

    def __init__(self, served: Served, home: str) -> None:
        self.environment = {**os.environ, "KUBECONFIG": str(served.kubeconfig), "HOME": home}

    def __call__(self, *words: str, given: str | None = None) -> tuple[str, str, int]:
        """Runs a command: stdout, stderr, exit status."""
        done = subprocess.run(
            ["kubectl", *words], capture_output=True, text=True, env=self.environment, input=given, timeout=PATIENCE,
            check=False,
        )
        return done.stdout, done.stderr, done.returncode

    def begin(self, *words: str) -> subprocess.Popen[str]:
        """Starts a command that goes on."""
        return subprocess.Popen(["kubectl", *words], stdout=subprocess.PIPE, text=True, env=self.environment)

    def terminal(self, *words: str, keys: tuple[tuple[str, str], ...]) -> tuple[str, int]:
        """Runs a command in a terminal: waits for each text, then presses the keys beside it; what was shown, exit status."""
        pid, shown = pty.fork()
        if pid == 0:
            os.execvpe("kubectl", ["kubectl", *words], self.environment)
        text, end = "", time.monotonic() + PATIENCE
        waiting = list(keys)
        at = 0
        while time.monotonic() < end:
            ready, _, _ = select.select([shown], [], [], 0.2)
            try:
                data = os.read(shown, 4096) if ready else b""
            except OSError:
                break
            text += data.decode()
            if waiting and waiting[0][0] in text[at:]:
                at = len(text)
                os.write(shown, waiting.pop(0)[1].encode())
        os.close(shown)
        return text, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.fixture(scope="module")
def kubectl(served: Served) -> Iterator[Kubectl]:
    """kubectl, and two pods that run."""
    with tempfile.TemporaryDirectory() as home:
        found = Kubectl(served, home)
        served.until(lambda: "default" in found("get", "serviceaccounts")[0])
        assert found("run", "ticks", "--image=busybox", "--", "sh", "-c", TICKS)[2] == 0
        assert found("run", "web", "--image=nginx")[2] == 0
        assert found("wait", "pod", "ticks", "web", "--for=condition=Ready", "--timeout=60s")[2] == 0
        yield found


@kubectl_is_here
def test_logs_are_read_and_followed(kubectl: Kubectl) -> None:
    assert "start worker processes" in kubectl("logs", "web")[0]
    assert kubectl("logs", "ticks", "--tail=1")[0].startswith("tick ")
    assert "previous terminated container" in kubectl("logs", "ticks", "-p")[1]
    following = kubectl.begin("logs", "-f", "ticks", "--tail=1")
    assert following.stdout is not None
    lines = [following.stdout.readline() for _ in range(4)]
    following.terminate()
    following.communicate(timeout=PATIENCE)
    numbers = [int(line.split()[1]) for line in lines]
    assert numbers == list(range(numbers[0], numbers[0] + 4))


@kubectl_is_here
def test_commands_run_in_containers(kubectl: Kubectl) -> None:
    assert kubectl("exec", "web", "--", "sh", "-c", "hostname; exit 3") == ("web\n", "command terminated with exit code 3\n", 3)
    assert "Welcome to nginx!" in kubectl("exec", "web", "--", "curl", "-s", "localhost")[0]
    assert kubectl("exec", "-i", "ticks", "--", "sh", given="cd /tmp\npwd\n")[0] == "/tmp\n"
    assert kubectl("exec", "-i", "ticks", "--", "cat", given="a\nb\n")[0] == "a\nb\n"
    _, errors, code = kubectl("exec", "web", "--", "ps")
    assert code == 1 and 'exec: "ps": executable file not found in $PATH' in errors
    assert kubectl("exec", "nobody", "--", "ls")[1] == 'Error from server (NotFound): pods "nobody" not found\n'
    assert "pods/exec" in kubectl("exec", "web", "--as=nobody", "--", "ls")[1] or "cannot get" in kubectl(
        "exec", "web", "--as=nobody", "--", "ls")[1]  # fmt: skip


@kubectl_is_here
def test_a_shell_in_a_terminal(kubectl: Kubectl) -> None:
    keys = (("/ # ", "echo a$((1+1))\r"), ("\na2", "sleep 100\r"), ("sleep 100", "\x03"), ("/ # ", "exit 5\r"))
    shown, code = kubectl.terminal("exec", "-it", "ticks", "--", "sh", keys=keys)
    assert "a2\r\n/ # " in shown and "^C" in shown and code == 5


@kubectl_is_here
def test_attach_and_port_forward(kubectl: Kubectl) -> None:
    attached = kubectl.begin("attach", "ticks")
    assert attached.stdout is not None and attached.stdout.readline().startswith("tick ")
    attached.terminate()
    attached.communicate(timeout=PATIENCE)
    assert "port-forward is not there in this cluster" in kubectl("port-forward", "web", "8080:80")[1]


@kubectl_is_here
def test_one_looks_into_a_pod_with_containers_of_one_s_own(kubectl: Kubectl) -> None:
    run = ("run", "-i", "--rm", "guest", "--image=busybox", "--restart=Never", "--", "sh")
    assert kubectl(*run, given="echo hello; hostname\n")[0].startswith("hello\nguest\n")
    assert kubectl("debug", "web", "--image=busybox", "-c", "look", "--", "sh", "-c", "wget -qO- localhost; sleep 900")[2] == 0
    end = time.monotonic() + PATIENCE
    while "Welcome to nginx!" not in kubectl("logs", "web", "-c", "look")[0]:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert "sleep 900" in kubectl("exec", "web", "-c", "look", "--", "ps")[0]


def test_a_process_is_not_started_without_an_upgrade(served: Served) -> None:
    served.ask("POST", "/api/v1/namespaces/default/pods", {
        "metadata": {"name": "plain"}, "spec": {"containers": [{"name": "main", "image": "nginx"}]}})  # fmt: skip
    served.until(lambda: served.ask("GET", "/api/v1/namespaces/default/pods/plain")[1]["spec"].get("nodeName"))
    path = "/api/v1/namespaces/default/pods/plain/exec?command=ls&stdout=true"
    code, tree = served.ask("POST", path)
    assert (code, tree["message"]) == (400, "Upgrade request required")
    code, tree = served.ask("POST", path, headers={"Upgrade": "SPDY/3.1", "Connection": "Upgrade"})
    assert code == 400 and "this server speaks WebSocket, not SPDY/3.1" in tree["message"]
    assert served.ask("POST", path, user="alice")[0] == 403
