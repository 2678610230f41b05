"""Lines of a learner who works in text: ``kubectl ...``, ``as amy etcdctl ...``, ``crash Carol``, ``cut A | B``, ``heal``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from k8s_tutor.cluster import inputs
from k8s_tutor.lessons.errors import LessonError, did_you_mean
from k8s_tutor.lessons.lens import Lens
from k8s_tutor.lessons.loader import operators
from k8s_tutor.lessons.manifests import ManifestError, files_of
from k8s_tutor.lessons.values import micros

TOOLS = ("kubectl", "etcdctl", "etcdutl", "ssh")
VERBS = (*TOOLS, "as", "crash", "restart", "pause", "resume", "kill", "cut", "heal", "move", "add manager",
         "fail disk", "mend disk", "reconfigure", "operator", "restore", "wait")  # fmt: skip

SIMPLE: dict[str, Callable[[str], inputs.Input]] = {
    "crash": inputs.Crash, "restart": inputs.Restart, "pause": inputs.Pause, "resume": inputs.Resume, "kill": inputs.Kill,
}  # fmt: skip


class CommandError(Exception):
    """A line that is no command; one line of text."""


def command(line: str, lens: Lens) -> tuple[list[inputs.Input], int]:
    """The inputs of a line, and how long (µs) to let the world run; 0: until it is quiet. Raises `CommandError`."""
    words = line.split()
    verb, rest = (words[0], words[1:]) if words else ("", [])
    target = lens.component(" ".join(rest))
    if verb == "wait" and len(rest) == 1:
        try:
            return [], micros(rest[0])
        except ValueError as error:
            raise CommandError(str(error)) from None
    if verb in TOOLS:
        return [_typed(line, "you")], 0
    if verb == "as" and len(words) > 2 and words[2] in TOOLS:
        return [_typed(line.strip().removeprefix("as").strip().removeprefix(words[1]).strip(), words[1])], 0
    if verb in SIMPLE and rest:
        return [SIMPLE[verb](target)], 0
    if verb in ("cut", "heal"):
        sides = tuple(tuple(lens.component(word) for word in side.split()) for side in " ".join(rest).split("|"))
        if len(sides) > 1 and all(sides):
            return [inputs.Cut(sides) if verb == "cut" else inputs.Heal(sides)], 0
        if verb == "heal" and not rest:
            return [inputs.Heal()], 0
        raise CommandError(f"{verb} needs two sides: {verb} Alice Bob | Carol")
    if verb == "move" and 1 <= len(rest) <= 2:
        return [inputs.MoveToRoom(lens.component(rest[0]), "".join(rest[1:]))], 0
    if verb == "add" and rest[:1] == ["manager"] and len(rest) <= 2:
        return [inputs.AddManager("".join(rest[1:]))], 0
    if verb in ("fail", "mend") and len(rest) == 2 and rest[0] == "disk" and rest[1].count("/") == 1:
        machine, _, disk = rest[1].partition("/")
        return [inputs.FailDisk(lens.component(machine), disk, verb == "fail")], 0
    if verb == "operator" and rest:
        try:
            return list(operators(Path(" ".join(rest)))), 0
        except LessonError as error:
            raise CommandError(str(error)) from None
    if verb == "reconfigure":
        try:
            come, leave = inputs.comings(rest)
        except ValueError as error:
            raise CommandError(str(error)) from None
        return [inputs.Reconfigure(tuple(map(lens.component, come)), tuple(map(lens.component, leave)))], 0
    raise CommandError(f"{line!r} is no command{did_you_mean(verb, VERBS)}")


def _typed(line: str, client: str) -> inputs.Kubectl:
    """A line at a console, with the files of the working directory that it names. Raises `CommandError`."""
    line = line.strip().removeprefix("kubectl").strip()
    try:
        return inputs.Kubectl(line, files_of(line, Path.cwd()), client)
    except ManifestError as error:
        raise CommandError(str(error)) from None
