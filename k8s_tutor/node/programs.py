"""What containers run: programs as data, and the commands that replace them.

A program is what the one process of a container does over time. Annotations of the pod with the prefix `PREFIX` steer a
program that is already running.
"""

from __future__ import annotations

import shlex

import msgspec

from k8s_tutor.node import toolbox
from k8s_tutor.node.usage import Load
from k8s_tutor.sim import MS, Body

PREFIX = "golden.k8s-tutor/"
"""Annotations with this prefix steer a running program, as a downward API volume would: ``ready`` (``true`` or ``false``),
``health`` (``ok``, ``sick``: health paths answer 500, ``hang``: no answer at all), ``exit`` (a code), ``stop-delay`` (seconds),
``cpu``, ``memory`` and ``leak`` (a minute; quantities), ``gauge-NAME`` (a metric of its own)."""

SIGTERM, SIGKILL = 15, 9


class Speech(Body):
    """Lines that a program writes, with ``{placeholders}`` (see `k8s_tutor.node.speech`). A line that starts with ``!`` goes to
    stderr."""

    start: tuple[str, ...] = ()
    """At its start."""
    ready: tuple[str, ...] = ()
    """When it answers."""
    request: str = ""
    """For each request that it serves."""
    stop: tuple[str, ...] = ()
    """When it was told to end."""
    exit: tuple[str, ...] = ()
    """When it ends by itself."""
    taken: tuple[str, ...] = ("!listen tcp :{port}: bind: address already in use",)
    """When another container of its pod listens on its port; then it ends with 1."""


LIVE_PATHS = ("/healthz", "/livez", "/health", "/live", "/healthz/live")
READY_PATHS = ("/readyz", "/ready", "/healthz/ready")


class Site(Body):
    """What a program answers over HTTP."""

    server: str = ""
    """The ``Server`` header."""
    root: str = ""
    """Files below this directory are served."""
    pages: tuple[tuple[str, str], ...] = ()
    """Path → text, with placeholders; the path ``*`` is every other one."""
    missing: str = "404 page not found\n"
    """What stands in the answer for a path that is not there."""
    live: tuple[str, ...] = LIVE_PATHS
    """Paths that answer 500 once the program is sick."""
    ready: tuple[str, ...] = READY_PATHS
    """Paths that answer 503 while the program is not ready, and 500 once it is sick."""


class Program(Body):
    """How a container's process behaves, and what its image has. Times are milliseconds since its start."""

    kind: str = "serve"
    """``serve`` runs until it is stopped; ``exit`` ends by itself after ``exit_after_ms`` with ``exit_code``."""
    start_ms: int = 500
    """Until it answers, which is when it counts as ready."""
    port: int = 0
    """Port that it listens on, or 0."""
    ports: tuple[int, ...] = ()
    """Further ports."""
    exit_after_ms: int = 0
    exit_code: int = 0
    exit_tag: bool = False
    """A number as the image's tag is the exit code instead."""
    stop_ms: int = 400
    """From SIGTERM to its end; -1 for one that does not listen to SIGTERM (a shell as process 1)."""
    stop_code: int = 0
    """Exit code after SIGTERM."""
    readiness: str = "program"
    """``program``: ready once started; ``never``; ``annotation``: as the annotation ``ready`` says."""
    warm_ms: int = 0
    """From when it answers to when its ready paths say so."""
    sick_after_ms: int = 0
    """From then on its health paths answer 500; 0: never."""
    hang_after_ms: int = 0
    """From then on it answers nothing any more; 0: never."""
    grpc: bool = False
    """It answers the health checks of gRPC on its port."""
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    """ENTRYPOINT and CMD of the image."""
    tools: str = ""
    """What else is in the image: a name in `toolbox.BOXES`, and tools that were added (``debian+curl``); empty: everything, and
    commands that nobody knows are taken for the program."""
    env: tuple[tuple[str, str], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    """Path → text."""
    answers: tuple[tuple[str, str], ...] = ()
    """What further commands of the image print."""
    speech: Speech = Speech()
    site: Site | None = None
    """None: it speaks no HTTP."""
    load: Load = Load()
    """What it uses."""
    metrics: bool = False
    """Whether it tells Prometheus of itself at ``/metrics``."""

    process: str = ""
    """What of the control plane it is (``api``, ``etcd``, ``scheduler``, ``controller-manager``): on a manager the container is
    that process."""
    modes: tuple[tuple[str, Program], ...] = ()
    """First argument → what it does then."""

    def told(self, argv: tuple[str, ...]) -> Program:
        """The program when it is started with this command line."""
        return next((mode for word, mode in self.modes if word in argv[:2]), self)

    @property
    def argv(self) -> tuple[str, ...]:
        """The command line of the image's own program."""
        return self.entrypoint + self.cmd

    @property
    def names(self) -> tuple[str, ...]:
        """The files that start the image's own program."""
        return tuple(words[0].rsplit("/", 1)[-1] for words in (self.entrypoint, self.cmd) if words)

    def stop_after(self, annotations: tuple[tuple[str, str], ...]) -> int:
        """µs from SIGTERM to the end of the process, or -1 when it ignores the signal."""
        delay = _seconds(annotation(annotations, "stop-delay"))
        if delay is not None:
            return delay
        return self.stop_ms * MS if self.stop_ms >= 0 else -1


PAUSE = Program(start_ms=0, stop_ms=0, load=Load(0, 500 << 10))
"""The process that holds a sandbox's namespaces open."""


def annotation(annotations: tuple[tuple[str, str], ...], name: str) -> str:
    """The value of a steering annotation, or an empty text."""
    wanted = PREFIX + name
    return next((value for key, value in annotations if key == wanted), "")


def steering(annotations: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    """The annotations of a pod that its programs can see, in order of their names."""
    return tuple(sorted((key, value) for key, value in (annotations or {}).items() if key.startswith(PREFIX)))


def _seconds(text: str) -> int | None:
    """A number of seconds with up to three decimals as µs, or None."""
    whole, _, fraction = text.partition(".")
    if not whole.isdigit() or (fraction and not fraction.isdigit()):
        return None
    return (int(whole) * 1000 + int((fraction + "000")[:3])) * MS


def of_tag(program: Program, tag: str) -> Program:
    """The program of an image with this tag."""
    if program.exit_tag and tag.isdigit() and int(tag) < 256:
        return msgspec.structs.replace(program, exit_code=int(tag))
    return program


class Process(Body):
    """What a container runs: a command line, and the script that it comes to; no script: the image's own program."""

    argv: tuple[str, ...]
    script: str = ""


def process_of(
    program: Program, command: tuple[str, ...], args: tuple[str, ...], stdin: bool = False
) -> Process:  # fmt: skip
    """What runs when a container's ``command`` and ``args`` stand for the image's ENTRYPOINT and CMD. ``stdin``: a shell that
    is told nothing else reads its commands."""
    argv = (*command, *args) if command else (*program.entrypoint, *(args or program.cmd))
    if len(argv) > 1 and argv[0].endswith("entrypoint.sh"):
        argv = argv[1:]  # such a script prepares something, and then becomes what follows
    if stdin and is_reading_shell(argv):
        return Process(argv, ":")
    if not argv or not (command or args):
        return Process(argv)
    tool = program.cmd[0] if program.cmd and toolbox.has(program.tools, program.cmd[0]) else ""
    if tool and (argv[0].startswith("-") or "://" in argv[0]):
        argv = (tool, *argv)  # such as curl, whose arguments may be given alone
    name = argv[0].rsplit("/", 1)[-1]
    if argv[0].startswith("-") or (name in program.names and not toolbox.has(program.tools, name)):
        return Process(argv)
    return Process(argv, script_of(argv))


SHELLS = ("sh", "bash", "ash", "dash")


def is_reading_shell(argv: tuple[str, ...]) -> bool:
    """Whether this is a shell without a script: it reads its input."""
    shell = bool(argv) and argv[0].rsplit("/", 1)[-1] in SHELLS
    return shell and all(word.startswith("-") and not word.endswith("c") for word in argv[1:])


def script_of(argv: tuple[str, ...]) -> str:
    """The script that a command line comes to. A shell without one reads its input."""
    if argv[0].rsplit("/", 1)[-1] in SHELLS:
        for place, word in enumerate(argv[1:], 1):
            if word.startswith("-") and word.endswith("c"):
                return argv[place + 1] if place + 1 < len(argv) else ""
        return shlex.join(argv) if len(argv) > 1 and not argv[1].startswith("-") else ":"
    return shlex.join(argv)
