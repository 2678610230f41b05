"""``ssh node-1 lvs``: a command on a machine, by the hand of its administrator."""

from __future__ import annotations

from k8s_tutor.api.ssh import CommandDone, RunCommand
from k8s_tutor.kubectl.errors import Worded
from k8s_tutor.kubectl.program import Asking, At
from k8s_tutor.kubectl.session import Session
from k8s_tutor.sim import CallFailed

FAILED = 255
"""Exit status of ssh itself."""
_WORDS = {
    "unknown": "Could not resolve hostname {host}: Name or service not known",
    "timeout": "connect to host {host} port 22: Connection timed out",
}


HERE = "localhost"
"""One's own machine."""


def here(session: Session, words: list[str]) -> Asking[int]:
    """A command of one's own machine, outside the cluster: ``curl http://node-1:30080``."""
    answer = yield At(HERE, RunCommand(tuple(words)))
    if not isinstance(answer, CommandDone):
        raise Worded(f"error: this machine has no {words[0]}", 127)
    session.out.append(answer.stdout)
    session.err.append(answer.stderr)
    return answer.code


def run(session: Session, words: list[str]) -> Asking[int]:
    """One command on one machine. Raises `Worded` with ssh's words when the machine cannot be reached."""
    words = [word for word in words if word not in ("-t", "-T", "-q")]
    if words[:1] == ["root"] or not words:
        raise Worded("usage: ssh destination command [argument ...]", FAILED)
    host, *argv = words[0].rpartition("@")[2], *words[1:]
    argv = " ".join(argv).split() if len(argv) == 1 else argv  # ssh node-1 "lvs -a"
    argv = argv[1:] if argv[:1] == ["sudo"] else argv
    if not argv:
        raise Worded(f"error: this console opens no shell on {host}; give a command: ssh {host} lsblk", FAILED)
    answer = yield At(host, RunCommand(tuple(argv)))
    if isinstance(answer, CallFailed):
        text = _WORDS.get(answer.reason, "connect to host {host} port 22: Connection refused")
        raise Worded(f"ssh: {text.format(host=host)}", FAILED)
    assert isinstance(answer, CommandDone)
    session.out.append(answer.stdout)
    session.err.append(answer.stderr)
    return answer.code
