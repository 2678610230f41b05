"""Commands that a shell has in itself, and those that wait for time or input."""

from __future__ import annotations

from k8s_tutor.node.shell.machine import Burst, Done, Wait
from k8s_tutor.sim import SECOND

SIGNALS = {"HUP": 1, "INT": 2, "QUIT": 3, "KILL": 9, "USR1": 10, "TERM": 15, "EXIT": 0}


def true(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``true`` and ``:``."""
    return Done()


def false(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``false``."""
    return Done(code=1)


def leave(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``exit [N]``."""
    given = argv[1] if len(argv) > 1 else str(run.proc.status)
    if not given.isdigit():
        return Done("", f"{run.shell}: exit: Illegal number: {given}\n", 2, True)
    return Done(code=int(given) & 255, leave=True)


def cd(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``cd [DIRECTORY]``."""
    path = run.path(argv[1] if len(argv) > 1 else run.environment().get("HOME", "/root"))
    if not run.box.files.is_dir(path):
        return Done("", f"{run.shell}: cd: can't cd to {argv[1] if len(argv) > 1 else path}: No such file or directory\n", 2)
    run.set(cwd=path)
    return Done()


def export(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``export NAME=value``; every variable is exported here."""
    for word in argv[1:]:
        name, found, value = word.partition("=")
        if found:
            run.variables[name] = value
    return Done()


def unset(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``unset NAME``."""
    for name in argv[1:]:
        run.variables.pop(name, None)
    return Done()


def trap(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``trap COMMAND SIGNAL...``."""
    if len(argv) > 2:
        numbers = [SIGNALS.get(name.removeprefix("SIG"), int(name) if name.isdigit() else -1) for name in argv[2:]]
        kept = tuple(row for row in run.proc.traps if row[0] not in numbers)
        run.set(traps=(*kept, *((number, argv[1]) for number in numbers if number >= 0)))
    return Done()


def kill(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``kill [-9 | -s TERM] PID...``."""
    words, number = argv[1:], 15
    if words and words[0] == "-s" and len(words) > 1:
        words = ["-" + words[1], *words[2:]]
    if words and words[0].startswith("-"):
        name = words[0][1:].removeprefix("SIG")
        number = int(name) if name.isdigit() else SIGNALS.get(name, -1)
        if number < 0:
            return Done("", f"{run.shell}: kill: invalid signal '{name}'\n", 1)
        words = words[1:]
    if not words:
        return Done("", f"{run.shell}: kill: usage: kill [-s sigspec | -signum | -sigspec] [pid | job]...\n", 2)
    errors = ""
    for word in words:
        if not word.isdigit():
            errors += f"{run.shell}: kill: illegal pid: {word}\n"
        elif not run.box.kill(int(word), number):
            errors += f"{run.shell}: kill: can't kill pid {word}: No such process\n"
    return Done("", errors, 1 if errors else 0)


def test(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``test`` and ``[``: one comparison, with ``!``, ``-a`` and ``-o``."""
    words = argv[1:]
    if argv[0] == "[":
        if not words or words[-1] != "]":
            return Done("", f"{run.shell}: [: missing ]\n", 2)
        words = words[:-1]
    for joint in ("-o", "-a"):
        if joint in words[1:-1]:
            place = words.index(joint, 1)
            first, second = _holds(run, words[:place]), _holds(run, words[place + 1 :])
            return Done(code=0 if (first or second if joint == "-o" else first and second) else 1)
    try:
        return Done(code=0 if _holds(run, words) else 1)
    except ValueError as error:
        return Done("", f"{run.shell}: {argv[0]}: {error}: bad number\n", 2)


def _holds(run: Burst, words: list[str]) -> bool:
    if words[:1] == ["!"]:
        return not _holds(run, words[1:])
    if len(words) == 1:
        return bool(words[0])
    if len(words) == 2:
        sign, value = words
        files, path = run.box.files, run.path(words[1])
        if sign in ("-n", "-z"):
            return bool(value) == (sign == "-n")
        if sign in ("-f", "-r", "-w", "-x", "-s"):
            found = files.read(path)
            return found is not None and (sign != "-s" or bool(found))
        return files.is_dir(path) if sign == "-d" else files.exists(path) if sign == "-e" else False
    if len(words) == 3:
        left, sign, right = words
        if sign in ("=", "==", "!="):
            return (left == right) == (sign != "!=")
        numbers = []
        for word in (left, right):
            if not word.lstrip("-").isdigit():
                raise ValueError(word)
            numbers.append(int(word))
        a, b = numbers
        holds = {"-eq": a == b, "-ne": a != b, "-lt": a < b, "-le": a <= b, "-gt": a > b, "-ge": a >= b}
        return holds.get(sign, False)
    return False


def read(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``read NAME``: a line of the input."""
    if piped:
        return _keep(run, argv, text.partition("\n")[0], bool(text))
    return Wait("input", tuple(argv))


def read_on(run: Burst, wait: Wait, answer: object) -> Done:
    """A line has come, or None at the end."""
    return _keep(run, list(wait.argv), str(answer or ""), answer is not None)


def _keep(run: Burst, argv: list[str], line: str, found: bool) -> Done:
    names = [name for name in argv[1:] if not name.startswith("-")] or ["REPLY"]
    words = line.split(None, len(names) - 1)
    for place, name in enumerate(names):
        run.variables[name] = words[place] if place < len(words) else ""
    return Done(code=0 if found else 1)


def sleep(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``sleep 5``, ``sleep 0.5``, ``sleep 1m``, ``sleep infinity``."""
    if len(argv) < 2:
        return Done("", "sleep: missing operand\n", 1)
    if argv[1] in ("infinity", "inf"):
        return Wait("forever", tuple(argv))
    total = 0
    for word in argv[1:]:
        unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(word[-1:], 0)
        micros = seconds(word[:-1] if unit else word)
        if micros is None:
            return Done("", f"sleep: invalid number '{word}'\n", 1)
        total += micros * (unit or 1)
    return Wait("time", tuple(argv), total)


def seconds(text: str) -> int | None:
    """A number of seconds, with decimals or not, as µs."""
    whole, _, fraction = text.partition(".")
    if not (whole or fraction) or not (whole + fraction).isdigit():
        return None
    return int(whole or 0) * SECOND + int((fraction + "000000")[:6])


BUILTIN = {
    ":": true, "true": true, "false": false, "exit": leave, "cd": cd, "export": export, "unset": unset, "trap": trap,
    "kill": kill, "test": test, "[": test, "read": read, "set": true, "wait": true, "return": leave, "umask": true,
}  # fmt: skip
