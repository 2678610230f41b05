"""What somebody at a console says to a machine: run this command, and what it has printed."""

from __future__ import annotations

from k8s_tutor.sim import Body


class RunCommand(Body):
    """Run this command on the machine: ``("lvs",)``."""

    argv: tuple[str, ...]


class CommandDone(Body):
    """What it has printed, and its exit status."""

    stdout: str
    stderr: str
    code: int
