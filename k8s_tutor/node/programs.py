"""What containers run: programs as data, and the commands that replace them.

A program is what the one process of a container does over time. Annotations of the pod with the prefix `PREFIX` steer a
program that is already running.
"""

from __future__ import annotations

import msgspec

from k8s_tutor.sim import MS, Body

PREFIX = "golden.k8s-tutor/"
"""Annotations ``ready`` (``true`` or ``false``), ``exit`` (a code) and ``stop-delay`` (seconds) with this prefix steer a
running program, as a downward API volume would."""

SIGTERM, SIGKILL = 15, 9


class Program(Body):
    """How a container's process behaves. Times are milliseconds since its start."""

    kind: str = "serve"
    """``serve`` runs until it is stopped; ``exit`` ends by itself after ``exit_after_ms`` with ``exit_code``."""
    start_ms: int = 500
    """Until it answers, which is when it counts as ready."""
    port: int = 0
    """TCP port that it listens on, or 0."""
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

    def stop_after(self, annotations: tuple[tuple[str, str], ...]) -> int:
        """µs from SIGTERM to the end of the process, or -1 when it ignores the signal."""
        delay = _seconds(annotation(annotations, "stop-delay"))
        if delay is not None:
            return delay
        return self.stop_ms * MS if self.stop_ms >= 0 else -1


PAUSE = Program(start_ms=0, stop_ms=0)
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


def with_command(program: Program, command: tuple[str, ...], args: tuple[str, ...]) -> Program:
    """What runs when a container's ``command`` and ``args`` replace the image's: a few words of a shell are known
    (``sleep``, ``exit``, ``true``, ``false``, ``echo``, loops without end), joined by ``;`` or ``&&``; any other is taken
    for the image's own program."""
    words = (*command, *args)
    if not words:
        return program
    if words[0].rsplit("/", 1)[-1] in ("sh", "bash", "ash"):
        script = words[2] if len(words) > 2 and words[1].startswith("-") and words[1].endswith("c") else ""
        return _script(script, program) if script else program
    return _script(" ".join(words), program)


def _script(script: str, program: Program) -> Program:
    """A list of simple commands, one after the other; ``program`` stands for a command that is not known."""
    took, code = 0, 0
    for line in script.replace("&&", ";").split(";"):
        words = line.split()
        if not words:
            continue
        if words[0] == "sleep":
            pause = _seconds(words[1]) if len(words) > 1 else None
            if pause is None:
                return Program(stop_ms=-1, start_ms=0)
            took, code = took + pause // MS, 0
        elif words[0] == "exit":
            code = int(words[1]) if len(words) > 1 and words[1].isdigit() else code
            break
        elif words[0] == "false":
            code = 1
        elif words[0] in ("true", "echo"):
            code = 0
        elif words[0] in ("while", "until", "for"):
            return Program(start_ms=0, stop_ms=-1)
        else:
            return msgspec.structs.replace(program, start_ms=took + program.start_ms)
    return Program("exit", start_ms=0, exit_after_ms=took + 10, exit_code=code & 255, stop_ms=-1)
