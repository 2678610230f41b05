"""Runs the instructions of a script, a burst at a time.

A process (`Proc`) is data. `burst` goes on with one until it ends or waits; what it writes comes back as (channel, text). The
container around it is a `Box`, which whoever holds the container implements.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Protocol

import msgspec

from k8s_tutor.node.shell.files import Files
from k8s_tutor.node.shell.syntax import Piece, Redirect, ShellError, Simple, Step, Word, compiled
from k8s_tutor.sim import MS, Body

OUT, ERR = 1, 2
MOST_STEPS = 2_000
"""Instructions of one burst; a script that does nothing but go round in circles pauses then for `BREATH`."""
BREATH = 100 * MS
NOT_FOUND, CANNOT = 127, 126

replace = msgspec.structs.replace


class Dial(Body):
    """A process connects to ``host:port`` and sends ``data``; ``timeout`` µs (0: as long as it takes). ``protocol``: ``http``,
    ``tcp``, ``icmp``, ``dns`` or ``name`` (only the address is wanted)."""

    host: str
    port: int
    protocol: str = "tcp"
    data: str = ""
    timeout: int = 0
    token: str = ""
    """A bearer token."""


class Dialled(Body):
    """What became of a `Dial`: ``ok``, ``refused``, ``timeout``, ``unreachable`` or ``unknown`` (no such name)."""

    result: str
    data: str = ""
    code: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    address: str = ""
    took: int = 0


class Wait(Body):
    """What a command waits for: ``time``, ``dial``, ``input`` (a line, or the end, of its input), ``forever``, ``program``
    (it has become the image's own program), ``listen`` (it serves on a port)."""

    what: str
    argv: tuple[str, ...] = ()
    delay: int = 0
    dial: Dial | None = None
    out: str = ""
    """Written before it waits."""
    note: str = ""
    """What the command wants to find again."""


class Done(NamedTuple):
    """What a command has written, and its exit status. ``leave``: the shell ends with it."""

    out: str = ""
    err: str = ""
    code: int = 0
    leave: bool = False


class Proc(Body):
    """A process of a container. ``call``: the stream of an exec, 0 for the container's own process (``pid`` 1)."""

    container: str
    pid: int
    argv: tuple[str, ...]
    script: str
    started_at: int
    call: int = 0
    tty: bool = False
    reads: bool = False
    """It takes its commands from its input: an interactive shell, or ``sh`` behind a pipe."""
    stdin: bool = False
    """Whether its input is open."""
    at: int = 0
    status: int = 0
    cwd: str = "/"
    variables: tuple[tuple[str, str], ...] = ()
    loops: tuple[tuple[int, tuple[str, ...]], ...] = ()
    stage: int = 0
    piped: str = ""
    """Input of the stage that waits."""
    wait: Wait | None = None
    input: str = ""
    """What has been typed and not been read."""
    turn: int = 0
    """Counts its waits, so that an answer that comes too late is known as such."""
    traps: tuple[tuple[int, str], ...] = ()


class Running(NamedTuple):
    """A line of ``ps``."""

    pid: int
    user: str
    argv: str


class Box(Protocol):
    """A container as its processes see it."""

    files: Files
    hostname: str
    ip: str
    now: int
    epoch: int
    image: tuple[str, ...]
    """The files that start the image's own program."""
    answers: dict[str, str]
    """What commands of the image print: ``redis-cli ping`` → ``PONG``."""
    lenient: bool
    """Whether a command that nobody knows is taken for the image's program."""

    def env(self) -> dict[str, str]:
        """The variables that the container was given."""

    def network(self, argv: list[str]) -> tuple[str, str, int]:
        """What ``ip`` prints here, and its exit status."""

    def has(self, tool: str) -> bool:
        """Whether the image brings this tool."""

    def running(self) -> list[Running]:
        """The processes of the container."""

    def kill(self, pid: int, number: int) -> bool:
        """Sends a signal; False when there is no such process."""


class Burst:
    """One burst of one process."""

    def __init__(self, box: Box, proc: Proc, commands: Any) -> None:
        self.box, self.proc = box, proc
        self.commands = commands
        self.variables = dict(proc.variables)
        self.written: list[tuple[int, str]] = []
        self.left: int | None = None
        """Exit status, once the process has ended."""
        self.over = False
        """Whether it has ended by ``exit``, not because nothing was left to do."""

    def write(self, channel: int, text: str) -> None:
        if text:
            self.written.append((channel, text))

    def set(self, **fields: Any) -> None:
        """Changes the process."""
        self.proc = replace(self.proc, **fields)

    # ------------------------------------------------------------------ going on

    def go(self, answer: Any = None) -> None:
        """Goes on; ``answer`` is what the process has waited for."""
        try:
            steps = compiled(self.proc.script)
        except ShellError as error:
            self.write(ERR, f"{self.shell}: {error}\n")
            self.left = 2
            return
        if self.proc.wait is not None:
            wait = self.proc.wait
            self.set(wait=None)
            step = steps[self.proc.at] if self.proc.at < len(steps) else None
            if wait.argv and step is not None:
                resume = self.commands.RESUME.get(_base(wait.argv[0]))
                done = resume(self, wait, answer) if resume else Done()
                self._pipeline(step, self.proc.stage, self.proc.piped, done)
        count = 0
        while self.left is None and self.proc.wait is None:
            if self.proc.at >= len(steps):
                self.left = self.proc.status
            elif count >= MOST_STEPS:
                self.set(wait=Wait("time", delay=BREATH))
            else:
                count += 1
                self._step(steps[self.proc.at])
        self.set(variables=tuple(self.variables.items()))

    @property
    def shell(self) -> str:
        """The shell's name in its own messages."""
        return _base(self.proc.argv[0]) if self.proc.argv else "sh"

    def _step(self, step: Step) -> None:
        proc = self.proc
        following = proc.at + 1
        if step.what == "run":
            self._pipeline(step, 0, "", None)
            return
        if step.what == "jump" or (step.what == "fail" and proc.status) or (step.what == "good" and not proc.status):
            following = step.to
        elif step.what == "not":
            self.set(status=0 if proc.status else 1)
        elif step.what == "zero":
            self.set(status=0)
        elif step.what == "for":
            words = tuple(field for word in step.words for field in self.fields(word))
            slot = int(step.name)
            self.set(loops=(*[row for row in proc.loops if row[0] != slot], (slot, words)))
        elif step.what == "next":
            following = self._next_word(step, following)
        self.set(at=following)

    def _next_word(self, step: Step, following: int) -> int:
        slot, _, name = step.name.partition(" ")
        words = dict(self.proc.loops).get(int(slot), ())
        if not words:
            return step.to
        self.variables[name] = words[0]
        rest = [row for row in self.proc.loops if row[0] != int(slot)]
        self.set(loops=(*rest, (int(slot), words[1:])))
        return following

    # ------------------------------------------------------------------ commands

    def _pipeline(self, step: Step, stage: int, text: str, done: Done | Wait | None) -> None:
        """Runs the stages of a pipeline from ``stage`` on. ``done``: what that one has come to, if it has run already."""
        while True:
            simple = step.pipeline[stage]
            last = stage == len(step.pipeline) - 1
            outcome = done if done is not None else self._simple(simple, text, stage > 0)
            done = None
            try:
                targets = self._targets(simple.redirects)
            except OSError as error:
                self.write(ERR, f"{self.shell}: {error}\n")
                targets, outcome = {}, Done(code=1)
            if isinstance(outcome, Wait):
                self._put(targets, OUT, outcome.out, OUT)
                self.set(wait=outcome, stage=stage, piped=text, turn=self.proc.turn + 1)
                return
            kept = "" if last else self._captured(targets, outcome)
            try:
                self._put(targets, OUT, outcome.out if last or targets.get(1, "") else "", OUT)
                self._put(targets, ERR, outcome.err, ERR)
            except OSError as error:
                self.write(ERR, f"{self.shell}: write error: {error}\n")
                outcome = outcome._replace(code=1)
            self.set(status=outcome.code)
            if outcome.leave and len(step.pipeline) == 1:
                self.left, self.over = outcome.code, True
            if last or self.left is not None:
                break
            stage, text = stage + 1, kept
        self.set(at=self.proc.at + 1, stage=0, piped="")

    def _captured(self, targets: dict[int, str], outcome: Done) -> str:
        """What goes into the pipe."""
        kept = "" if targets.get(1) else outcome.out
        return kept + (outcome.err if targets.get(2) == "&1" else "")

    def _targets(self, redirects: tuple[Redirect, ...]) -> dict[int, str]:
        """Descriptor → ``>path``, ``+path`` (append), ``&1``, ``&2``. Files are made empty at once. Raises OSError."""
        found: dict[int, str] = {}
        for one in redirects:
            name = "".join(self.fields(one.target))
            if one.sign == ">&":
                found[one.fd] = found.get(int(name), "&" + name) if name.isdigit() else ">" + self.path(name)
            elif one.sign in (">", ">>"):
                path = self.path(name)
                special = {"/dev/stdout": "&1", "/dev/stderr": "&2", "/proc/1/fd/1": "!1", "/proc/1/fd/2": "!2",
                           "/proc/self/fd/1": "&1", "/proc/self/fd/2": "&2"}.get(path, "")  # fmt: skip
                if special:
                    found[one.fd] = special
                    continue
                self.box.files.check(path)
                if one.sign == ">":
                    self.box.files.write(path, "")
                found[one.fd] = "+" + path
        return found

    def _put(self, targets: dict[int, str], fd: int, text: str, channel: int) -> None:
        target = targets.get(fd, "")
        if not text:
            return
        if target in ("&1", "&2"):
            self.write(int(target[1]), text)
        elif target in ("!1", "!2"):
            self.written.append((-int(target[1]), text))
        elif target:
            self.box.files.write(target[1:], text, append=True)
        else:
            self.write(channel, text)

    def _simple(self, simple: Simple, text: str, piped: bool) -> Done | Wait:
        argv = [field for word in simple.words for field in self.fields(word)]
        given = {name: "".join(self.fields(value, split=False)) for name, value in simple.assigns}
        for one in simple.redirects:
            if one.sign == "<":
                path = self.path("".join(self.fields(one.target)))
                try:
                    content = self.box.files.read(path)
                except OSError as error:
                    return Done("", f"{self.shell}: {path}: {error}\n", 1)
                if content is None:
                    return Done("", f"{self.shell}: can't open {path}: no such file\n", 1)
                text, piped = content, True
        if not argv:
            self.variables.update(given)
            return Done()
        before = dict(self.variables)
        self.variables.update(given)
        try:
            return self.command(argv, text, piped)
        finally:
            for name in given:
                self.variables.pop(name, None)
                if name in before:
                    self.variables[name] = before[name]

    def command(self, argv: list[str], text: str, piped: bool) -> Done | Wait:
        """Runs one command."""
        if argv[0] == "exec":
            argv = argv[1:]
            if not argv:
                return Done()
        name = _base(argv[0])
        said = self.box.answers.get(" ".join((name, *argv[1:])))
        if said is not None:
            return Done(said)
        if name in self.commands.BUILTIN and argv[0] == name:
            return self.commands.BUILTIN[name](self, argv, text, piped)  # type: ignore[no-any-return]
        if name in self.box.image and self.proc.pid == 1 and name not in self.commands.TOOLS:
            return Wait("program", tuple(argv))
        known = self.commands.TOOLS.get(name)
        if known is None and self.box.lenient and self.proc.pid == 1:
            return Wait("program", tuple(argv))
        if known is None or not self.box.has(name):
            return Done("", f"{self.shell}: {argv[0]}: not found\n", NOT_FOUND)
        try:
            return known(self, argv, text, piped)  # type: ignore[no-any-return]
        except OSError as error:  # a disk that has failed, or is full
            return Done("", f"{name}: {error}\n", 1)

    def path(self, name: str) -> str:
        """An absolute path without ``.`` and ``..``."""
        return normal(name if name.startswith("/") else f"{self.proc.cwd}/{name}")

    # ------------------------------------------------------------------ words

    def variable(self, name: str) -> str:
        """The value of a variable, as a shell sees it."""
        special = {"?": str(self.proc.status), "$": str(self.proc.pid), "0": self.shell, "#": "0", "@": "", "*": "", "!": ""}
        if name in special:
            return special[name]
        if name in self.variables:
            return self.variables[name]
        if name == "PWD":
            return self.proc.cwd
        return self.box.env().get(name, "")

    def environment(self) -> dict[str, str]:
        """The variables that a command sees."""
        return {**self.box.env(), **self.variables}

    def fields(self, word: Word, split: bool = True) -> list[str]:
        """The words that a word becomes."""
        found: list[str] = []
        current: str | None = None
        for piece in word:
            value = self._value(piece)
            if piece.kind == "text" or piece.quoted or not split:
                current = (current or "") + value
                continue
            parts = value.split()
            if value[:1].isspace() and current is not None:
                found.append(current)
                current = None
            for place, part in enumerate(parts):
                if place:
                    found.append(current or "")
                    current = None
                current = (current or "") + part
            if value[-1:].isspace() and current is not None:
                found.append(current)
                current = None
        if current is not None:
            found.append(current)
        if split and any(piece.kind == "text" and not piece.quoted and set("*?[") & set(piece.text) for piece in word):
            return [name for field in found for name in self.box.files.glob(field, self.proc.cwd) or [field]]
        if found and word and word[0].kind == "text" and not word[0].quoted and (found[0] == "~" or found[0].startswith("~/")):
            found[0] = "/root" + found[0][1:]
        return found

    def _value(self, piece: Piece) -> str:
        if piece.kind == "var":
            return self._parameter(piece.text)
        if piece.kind == "run":
            return self.substituted(piece.text)
        if piece.kind == "math":
            return str(self.arithmetic(piece.text))
        return piece.text

    def _parameter(self, text: str) -> str:
        if text.startswith("#") and len(text) > 1:
            return str(len(self.variable(text[1:])))
        for sign in (":-", ":=", ":+", "-", "%%", "##", "%", "#"):
            name, found, rest = text.partition(sign)
            if found and name:
                value = self.variable(name)
                if sign == ":+":
                    return rest if value else ""
                if sign in ("%%", "%"):
                    return value.removesuffix(rest) if "*" not in rest else value.partition(rest.strip("*"))[0]
                if sign in ("##", "#"):
                    return value.removeprefix(rest) if "*" not in rest else value.rpartition(rest.strip("*"))[2]
                if not value and sign == ":=":
                    self.variables[name] = rest
                return value or rest
        return self.variable(text)

    def substituted(self, script: str) -> str:
        """What a script writes that does not wait for anything."""
        inner = Burst(self.box, replace(self.proc, script=script, at=0, wait=None, loops=(), stage=0), self.commands)
        inner.variables = dict(self.variables)
        inner.go()
        for channel, text in inner.written:
            if channel == ERR:
                self.write(ERR, text)
        self.set(status=inner.proc.status)
        return "".join(text for channel, text in inner.written if channel == OUT).rstrip("\n")

    def arithmetic(self, text: str) -> int:
        """``$(( ))``: integers with + - * / % and parentheses."""
        named = re.sub(r"\$?([A-Za-z_]\w*)", lambda found: self.variable(found[1]) or "0", text)
        tokens = re.findall(r"\d+|[-+*/%()]", named)
        try:
            value, rest = _sum(tokens)
        except (IndexError, ValueError, ZeroDivisionError):
            return 0
        return value if not rest else 0


def _sum(tokens: list[str]) -> tuple[int, list[str]]:
    value, tokens = _product(tokens)
    while tokens and tokens[0] in "+-":
        other, rest = _product(tokens[1:])
        value, tokens = (value + other if tokens[0] == "+" else value - other), rest
    return value, tokens


def _product(tokens: list[str]) -> tuple[int, list[str]]:
    value, tokens = _factor(tokens)
    while tokens and tokens[0] in "*/%":
        other, rest = _factor(tokens[1:])
        sign = tokens[0]
        value, tokens = (value * other if sign == "*" else value // other if sign == "/" else value % other), rest
    return value, tokens


def _factor(tokens: list[str]) -> tuple[int, list[str]]:
    if tokens[0] == "-":
        value, rest = _factor(tokens[1:])
        return -value, rest
    if tokens[0] == "(":
        value, rest = _sum(tokens[1:])
        return value, rest[1:]
    return int(tokens[0]), tokens[1:]


def _base(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def normal(path: str) -> str:
    """A path without ``.``, ``..`` and double slashes."""
    found: list[str] = []
    for part in path.split("/"):
        if part == "..":
            found = found[:-1]
        elif part and part != ".":
            found.append(part)
    return "/" + "/".join(found)
