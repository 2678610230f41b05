"""The log files of containers: what each life of a container has written, line by line.

As in reality they are files of the machine, so a crash leaves them; the kubelet reads them back with the options of
``kubectl logs`` (pkg/kubelet/kuberuntime/logs/logs.go). The latest `MOST` lines are kept.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from k8s_tutor.api import times
from k8s_tutor.node.lvm.model import Storage
from k8s_tutor.sim import Body, State

CHUNK = 64
MOST = 64 * CHUNK
"""Lines of one life of a container (in reality five files of 10 MiB)."""


class Line(NamedTuple):
    """A line, or the beginning of one that is not complete yet. ``channel``: 1 stdout, 2 stderr."""

    at: int
    channel: int
    text: str


class LogOptions(Body):
    """What of a log is wanted: the last ``tail`` lines (-1: all), lines since an instant (µs), with their times, at most
    ``limit`` bytes (0: all)."""

    tail: int = -1
    since: int = 0
    timestamps: bool = False
    limit: int = 0


class Log(Body):
    """One log: full chunks of lines, and the last one."""

    chunks: tuple[tuple[Line, ...], ...] = ()
    last: tuple[Line, ...] = ()

    def add(self, fresh: tuple[Line, ...]) -> Log:
        """With more lines at the end."""
        last, chunks = self.last + fresh, self.chunks
        while len(last) >= CHUNK:
            chunks, last = (*chunks, last[:CHUNK]), last[CHUNK:]
        return Log(chunks[-(MOST // CHUNK) :], last)

    def lines(self) -> list[Line]:
        """All lines, oldest first."""
        return [line for chunk in (*self.chunks, self.last) for line in chunk]


class LogDisk(State):
    """The files of a machine: logs, and what stands in volumes and containers."""

    def __init__(self) -> None:
        self.logs: dict[str, Log] = {}
        """Id of a container → what it has written."""
        self.installed = False
        """Whether what is on the disk from the start is there."""
        self.files: dict[str, str | None] = {}
        """What containers and kubelet have written (see `shell.files`)."""
        self.storage = Storage()
        """The machine's disks under LVM, and what is mounted."""


def split(at: int, channel: int, text: str) -> tuple[Line, ...]:
    """A text as lines."""
    return tuple(Line(at, channel, line) for line in text.splitlines(keepends=True))


def text_of(lines: list[Line] | tuple[Line, ...], options: LogOptions, epoch: int) -> str:
    """Lines as a client gets them."""
    if options.since:
        lines = [line for line in lines if line.at >= options.since]
    if options.tail >= 0:
        lines = lines[-options.tail :] if options.tail else []
    if options.timestamps:
        text = "".join([f"{times.micro_time(line.at, epoch)[:-1]}000Z {line.text}" for line in lines])
    else:
        text = "".join([line.text for line in lines])
    return text.encode()[: options.limit].decode("utf-8", "ignore") if options.limit else text


def following(options: LogOptions) -> LogOptions:
    """What of further lines is wanted."""
    return msgspec.structs.replace(options, tail=-1, since=0, limit=0)
