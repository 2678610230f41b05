"""Processes that run scripts: a container's own when its ``command`` is a shell's, and those that exec starts."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api.wire import CLOSE, STATUS, STDIN, StreamData, StreamEnd
from k8s_tutor.node.cgroups import Cgroups
from k8s_tutor.node.container_box import ContainerBox
from k8s_tutor.node.inside import Exec, ExecSync, Opened
from k8s_tutor.node.programs import SIGKILL, SIGTERM, is_reading_shell, script_of
from k8s_tutor.node.shell import commands
from k8s_tutor.node.shell.files import Ground
from k8s_tutor.node.shell.machine import BREATH, Burst, Dialled, Proc, Running, Wait
from k8s_tutor.node.shell.syntax import ShellError, compiled, endless
from k8s_tutor.node.tasks import ExecResult, NotStarted, Pod, Stream, Task
from k8s_tutor.node.usage import KERNEL
from k8s_tutor.sim import MS, SECOND, Body, Context, Reply

INTERRUPTED = 130
NO_EXEC = "OCI runtime exec failed: exec failed: unable to start container process"
NOBODY = Pod("", "", "0.0.0.0")
SHORTEST = 10 * MS
"""A container's process runs at least that long."""

_encode = msgspec.json.Encoder().encode
replace = msgspec.structs.replace


class Wake(Body):
    """The shim's own timer: what a process has waited for is here: the time, or an ``answer`` from nearby."""

    container: str
    pid: int
    turn: int
    answer: Dialled | None = None


class TimeIsUp(Body):
    """The shim's own timer: a process that was started by `ExecSync` has had its time."""

    call: int


class Moment(Body):
    """The shim's own timer: something is due in a program's life: ``ready``, ``exit``, ``stopped``, ``steered``, ``end``."""

    container: str
    pid: int
    what: str
    code: int = 0


class Processes(Cgroups):
    """The part of the shims that runs scripts."""

    # ------------------------------------------------------------------ for the rest of the shim

    def signal_task(self, ctx: Context, container: str, number: int) -> None:
        """Sends a signal to a container's process."""
        raise NotImplementedError

    def ground(self) -> Ground | None:
        """What the files of containers lie on."""
        raise NotImplementedError

    def act(self, ctx: Context, container: str) -> None:
        """The image's own program begins to run in a container."""
        raise NotImplementedError

    def dial(self, ctx: Context, proc: Proc) -> None:
        """Connects on behalf of a process that waits for it."""
        raise NotImplementedError

    # ------------------------------------------------------------------ one process

    def box(self, ctx: Context, task: Task) -> ContainerBox:
        """A container as its processes see it now."""

        def kill(container: str, pid: int, number: int) -> bool:
            return self._kill(ctx, container, pid, number)

        pod = self.pods.get(task.sandbox, NOBODY)
        cgroup = self.cgroup_files(ctx, task)
        return ContainerBox(
            task, pod, ctx.now, self.config.epoch, self.files, self.running, kill, cgroup, self.ground(), self.kernel
        )  # fmt: skip

    def running(self, container: str) -> list[Running]:
        """What ``ps`` shows."""
        task = self.tasks[container]
        argv = task.spec.process.argv or task.program.argv
        rows = [Running(1, "root", " ".join(argv))]
        rows += [Running(proc.pid, "root", " ".join(proc.argv)) for proc in self.procs.values() if _of(proc, container)]
        for proc in [proc for proc in self.procs.values() if proc.container == container]:
            inner = proc.wait.argv if proc.wait is not None else ()
            if inner and inner != proc.argv:
                rows.append(Running(proc.pid + 1 if proc.pid > 1 else 7, "root", " ".join(inner)))
        return sorted(rows)

    def begin_script(self, ctx: Context, task: Task) -> None:
        """A container's own process that is a script begins."""
        spec, process = task.spec, task.spec.process
        reads = spec.stdin and is_reading_shell(process.argv)
        proc = Proc(
            task.container, 1, process.argv, process.script, ctx.now, tty=spec.tty, reads=reads, stdin=spec.stdin
        )  # fmt: skip
        self.procs[f"{task.container}/1"] = proc
        self.go_on(ctx, proc)

    def go_on(self, ctx: Context, proc: Proc, answer: Any = None) -> None:
        """Lets a process run until it waits or ends."""
        task = self.tasks.get(proc.container)
        if task is None or task.exited:
            return
        burst = Burst(self.box(ctx, task), proc, commands)
        key = f"{proc.container}/{proc.pid}"
        burst.go(answer)
        killed = key not in self.procs
        self._write(ctx, burst.proc, burst.written)
        if killed:
            return
        self.procs[key] = burst.proc
        if burst.left is None:
            self._wait(ctx, burst.proc)
        elif burst.proc.reads and not burst.over:
            self._prompt(ctx, replace(burst.proc, status=burst.left))
        else:
            self.ended(ctx, burst.proc, burst.left)

    def _write(self, ctx: Context, proc: Proc, written: list[tuple[int, str]]) -> None:
        if proc.tty:
            written = [(1 if channel > 0 else -1, text.replace("\n", "\r\n")) for channel, text in written]
        log = [(abs(channel), text) for channel, text in written if proc.pid == 1 or channel < 0]
        self.print(ctx, proc.container, log)
        if proc.pid == 1:
            return
        stream = self.streams.get(proc.call)
        if stream is not None and stream.what == "sync":
            said = "".join(text for channel, text in written if channel > 0)
            self.streams[proc.call] = replace(stream, text=stream.text + said)
            return
        for channel, text in written:
            if stream is not None and channel > 0:
                ctx.reply(stream.peer, StreamData(proc.call, 1 if proc.tty else channel, text.encode()))

    def _wait(self, ctx: Context, proc: Proc) -> None:
        """Sees to it that a process gets what it waits for."""
        wait = proc.wait
        assert wait is not None
        if wait.what == "time":
            ctx.after(self._pause(ctx, proc, wait), Wake(proc.container, proc.pid, proc.turn), work=self._as_work(proc))
        elif wait.what == "dial":
            self.dial(ctx, proc)
        elif wait.what == "program":
            self.act(ctx, proc.container)
        elif wait.what == "input":
            self._feed(ctx, proc)

    def _pause(self, ctx: Context, proc: Proc, wait: Wait) -> int:
        """How long a process waits. One that went round in circles was busy for so long, and longer at its limit."""
        if wait.argv or wait.delay != BREATH:
            return wait.delay
        return max(BREATH, self.charge(ctx, self.tasks[proc.container], cpu=BREATH * KERNEL))

    def _as_work(self, proc: Proc) -> bool | None:
        """Timers of processes that may go round for ever are housekeeping, else the world would never come to rest."""
        return False if endless(proc.script) or (proc.wait is not None and "ping" in proc.wait.argv[:1]) else None

    def woken(self, ctx: Context, wake: Wake) -> None:
        """What a process has waited for is here, if it still waits for it."""
        proc = self.procs.get(f"{wake.container}/{wake.pid}")
        if proc is not None and proc.wait is not None and proc.turn == wake.turn:
            self.go_on(ctx, proc, wake.answer)

    def ended(self, ctx: Context, proc: Proc, code: int) -> None:
        """A process has come to its end."""
        del self.procs[f"{proc.container}/{proc.pid}"]
        if proc.pid != 1:
            self._finish(ctx, proc, code)
            return
        task = self.tasks[proc.container]
        if ctx.now - task.started_at < SHORTEST:
            ctx.after(SHORTEST, Moment(task.container, task.pid, "end", code))
        else:
            ctx.decide()
            self.end(ctx, task, code)

    def _finish(self, ctx: Context, proc: Proc, code: int) -> None:
        """Tells the client of an exec how it ended."""
        stream = self.streams.pop(proc.call, None)
        if stream is not None and stream.what == "sync":
            ctx.reply(stream.peer, Reply(proc.call, ExecResult(stream.text, code)))
        elif stream is not None:
            ctx.reply(stream.peer, StreamData(proc.call, STATUS, exit_status(code)))
            ctx.reply(stream.peer, StreamEnd(proc.call))

    def kill_all(self, ctx: Context, container: str) -> None:
        """The container's own process has ended, and so do all others in it; nobody writes to its streams any more."""
        for key, proc in list(self.procs.items()):
            if proc.container == container:
                del self.procs[key]
                if proc.pid != 1:
                    self._finish(ctx, proc, 128 + SIGKILL)
        for call, stream in list(self.streams.items()):
            if stream.container == container:
                del self.streams[call]
                if stream.what == "attach":
                    ctx.reply(stream.peer, StreamData(call, STATUS, exit_status(0)))
                ctx.reply(stream.peer, StreamEnd(call))

    def _kill(self, ctx: Context, container: str, pid: int, number: int) -> bool:
        """``kill`` inside a container: nobody can kill process 1 from there with SIGKILL, and a shell as process 1 ignores
        what it has no trap for (pid_namespaces(7))."""
        if pid == 1:
            if number == SIGTERM:
                self.signal_task(ctx, container, number)
            return True
        proc = self.procs.get(f"{container}/{pid}")
        if proc is None:
            return False
        if number:
            del self.procs[f"{container}/{pid}"]
            self._finish(ctx, proc, 128 + number)
        return True

    def trapped(self, ctx: Context, container: str, number: int) -> bool:
        """Whether a container's shell has a trap for a signal; if so it runs now."""
        proc = self.procs.get(f"{container}/1")
        script = dict(proc.traps).get(number) if proc is not None else None
        if proc is None or script is None:
            return False
        ctx.after(0, Wake(container, 1, proc.turn + 1))
        self.procs[f"{container}/1"] = replace(proc, script=script, at=0, wait=Wait("time"), turn=proc.turn + 1, traps=())
        return True

    # ------------------------------------------------------------------ exec

    def exec(self, ctx: Context, peer: str, call: int, asked: Exec) -> Body:
        """Starts a process in a container."""
        task = self.tasks.get(asked.container)
        if task is None or task.exited:
            return NotStarted(f'cannot exec in a stopped container: container "{asked.container}" is not running')
        if not self._has(ctx, task, asked.command):
            return NotStarted(f"{NO_EXEC}: {no_file(asked.command[0])}")
        pid = self._new_pid(task)
        reads = is_reading_shell(asked.command)
        script = "" if reads else script_of(asked.command)
        self.procs[f"{task.container}/{pid}"] = Proc(
            task.container, pid, asked.command, script, ctx.now, call, asked.tty, reads, asked.stdin, wait=Wait("time")
        )
        self.streams[call] = Stream(peer, "exec", task.container, pid)
        ctx.after(0, Wake(task.container, pid, 0))
        return Opened()

    def _has(self, ctx: Context, task: Task, argv: tuple[str, ...]) -> bool:
        """Whether a command can be run in a container."""
        name = argv[0].rsplit("/", 1)[-1] if argv else ""
        box = self.box(ctx, task)
        known = name in commands.TOOLS or name in commands.BUILTIN
        return (known and box.has(name)) or " ".join(argv) in box.answers

    def _new_pid(self, task: Task) -> int:
        pid = self.pids[task.container] = self.pids.get(task.container, 6) + 7
        return pid

    def exec_sync(self, ctx: Context, peer: str, call: int, asked: ExecSync) -> Body | None:
        """Runs a process in a container; the answer comes when it has ended, or has had its time."""
        task = self.tasks.get(asked.container)
        if task is None or task.exited:
            return NotStarted("container is not running")
        if not self._has(ctx, task, asked.command):
            return NotStarted(f"{NO_EXEC}: {no_file(asked.command[0])}")
        pid = self._new_pid(task)
        proc = Proc(task.container, pid, asked.command, script_of(asked.command), ctx.now, call)
        self.procs[f"{task.container}/{pid}"] = proc
        self.streams[call] = Stream(peer, "sync", task.container, pid)
        self.go_on(ctx, proc)
        if call in self.streams:
            ctx.after(asked.timeout * SECOND, TimeIsUp(call))
        return None

    def time_is_up(self, ctx: Context, call: int) -> None:
        """A process that somebody waits for takes too long."""
        stream = self.streams.pop(call, None)
        if stream is not None:
            self.procs.pop(f"{stream.container}/{stream.pid}", None)
            ctx.reply(stream.peer, Reply(call, ExecResult(stream.text, 128 + SIGKILL, timed_out=True)))

    def _prompt(self, ctx: Context, proc: Proc) -> None:
        """A shell waits for its next line."""
        box = self.box(ctx, self.tasks[proc.container])
        base = proc.argv[0].rsplit("/", 1)[-1]
        sign = f"root@{box.hostname}:{proc.cwd}# " if base == "bash" else "# " if "debian" in box.tools else f"{proc.cwd} # "
        proc = replace(proc, wait=Wait("input"), at=0, script="", turn=proc.turn + 1, loops=(), stage=0)
        self.procs[f"{proc.container}/{proc.pid}"] = proc
        if proc.tty:
            self._write(ctx, proc, [(1, sign)])
        self._feed(ctx, proc)

    def typed(self, ctx: Context, body: StreamData) -> None:
        """Input of a stream."""
        stream = self.streams.get(body.stream)
        if stream is None or body.channel not in (STDIN, CLOSE):
            return
        proc = self.procs.get(f"{stream.container}/{stream.pid}")
        if proc is None or stream.what == "log" or (stream.what == "attach" and not proc.stdin):
            return
        if body.channel == CLOSE:
            proc = replace(proc, stdin=False)
        else:
            proc = self._edited(ctx, proc, body.data.decode("utf-8", "replace"))
        self.procs[f"{proc.container}/{proc.pid}"] = proc
        if proc.status == INTERRUPTED and proc.wait is None:
            if proc.reads:
                self._prompt(ctx, proc)
            else:
                self.ended(ctx, proc, INTERRUPTED)
        else:
            self._feed(ctx, proc)

    def _edited(self, ctx: Context, proc: Proc, text: str) -> Proc:
        """What a terminal's line discipline makes of keys: echo, erase, ends of lines, Ctrl-C, Ctrl-D."""
        if not proc.tty:
            return replace(proc, input=proc.input + text)
        line, echo = proc.input, ""
        for key in text:
            if key in "\r\n":
                line, echo = line + "\n", echo + "\n"
            elif key in "\x7f\b":
                if line and line[-1] != "\n":
                    line, echo = line[:-1], echo + "\b \b"
            elif key == "\x03":
                self._write(ctx, proc, [(1, echo + "^C\n")])
                return replace(proc, input="", wait=None, status=INTERRUPTED, turn=proc.turn + 1)
            elif key == "\x04":
                proc = replace(proc, stdin=proc.stdin and bool(line.rpartition("\n")[2]))
            elif key == "\t" or key >= " ":
                line, echo = line + key, echo + key
        self._write(ctx, proc, [(1, echo)])
        return replace(proc, input=line)

    def _feed(self, ctx: Context, proc: Proc) -> None:
        """Gives a process that reads the next line that has been typed, or the end."""
        wait = proc.wait
        if wait is None or wait.what != "input":
            return
        line, found, rest = proc.input.partition("\n")
        if not found and (proc.stdin or line):
            if proc.stdin:
                return
            rest = ""
        at_end = not found and not line
        proc = replace(proc, input=rest)
        if wait.argv:
            self.go_on(ctx, proc, None if at_end else line)
        elif at_end:
            self.ended(ctx, proc, proc.status)
        else:
            self._command(ctx, proc, line)

    def _command(self, ctx: Context, proc: Proc, line: str) -> None:
        """A shell runs a line; one that is not complete waits for more."""
        script = proc.script + line
        try:
            compiled(script)
        except ShellError as error:
            if error.more and proc.stdin:
                proc = replace(proc, script=script + "\n", turn=proc.turn + 1)
                self.procs[f"{proc.container}/{proc.pid}"] = proc
                if proc.tty:
                    self._write(ctx, proc, [(1, "> ")])
                self._feed(ctx, proc)
                return
        self.go_on(ctx, replace(proc, script=script, at=0, wait=None))


def _of(proc: Proc, container: str) -> bool:
    return proc.container == container and proc.pid != 1


def no_file(command: str) -> str:
    """runc's words for a command that is not in the image."""
    if "/" in command:
        return f'exec: "{command}": stat {command}: no such file or directory: unknown'
    return f'exec: "{command}": executable file not found in $PATH: unknown'


def exit_status(code: int) -> bytes:
    """The Status with which an exec ends (client-go tools/remotecommand v4)."""
    if code == 0:
        return _encode({"metadata": {}, "status": "Success"})
    text = f"command terminated with non-zero exit code: exit status {code}"
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return _encode({
        "metadata": {}, "status": "Failure", "message": text, "reason": "NonZeroExitCode", "details": {"causes": causes},
    })  # fmt: skip
