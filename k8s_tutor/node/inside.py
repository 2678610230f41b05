"""What is asked of a container that runs: a process in it, its streams, its log. The kubelet says it to the runtime (cri-api),
and the runtime to the shim, in the same words.
"""

from __future__ import annotations

from k8s_tutor.node.logs import LogOptions
from k8s_tutor.sim import Body


class Exec(Body):
    """Run a process in a container. A stream (`api.wire`): answered by `Opened`, then frames follow. In reality the runtime's
    answer is a URL at which it streams."""

    container: str
    command: tuple[str, ...]
    tty: bool = False
    stdin: bool = False


class ExecSync(Body):
    """Run a process in a container to its end, or for ``timeout`` seconds; then it is killed."""

    container: str
    command: tuple[str, ...]
    timeout: int


class Attach(Body):
    """Join the process of a container. A stream."""

    container: str
    stdin: bool = False


class ReadLog(Body):
    """What has a container written? With ``follow`` a stream: what it will write follows. In reality the kubelet reads the
    runtime's files."""

    container: str
    options: LogOptions = LogOptions()
    follow: bool = False


class Opened(Body):
    """The answer to what opens a stream, or reads a log: the text so far, and whether ``more`` may come."""

    text: str = ""
    more: bool = True
