"""The shims of a machine: the processes that really hold its containers.

containerd starts a ``containerd-shim-runc-v2`` for each pod, and the container's process is the shim's child. So containers
go on when containerd is restarted, and end when the machine does. All shims of a machine are one process here; its memory is
volatile, which is exactly what a running container is.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.node.programs import SIGKILL, SIGTERM, Program, annotation
from k8s_tutor.sim import MS, Actor, Body, Call, Context, Reply

FIRST_PID = 1_200


class ShimConfig(Body):
    """The runtime that is told of exits."""

    runtime: str


class Task(Body):
    """A container's process: what it runs, since when, and how it ended. Instants in µs."""

    container: str
    sandbox: str
    program: Program
    pid: int
    started_at: int
    annotations: tuple[tuple[str, str], ...] = ()
    ready: bool = False
    stopping: bool = False
    exited: bool = False
    exit_code: int = 0
    finished_at: int = 0


class RunTask(Body):
    """Create and start the process of a container."""

    container: str
    sandbox: str
    program: Program
    annotations: tuple[tuple[str, str], ...] = ()


class Signal(Body):
    """Send a signal (15, 9) to the process of a container."""

    container: str
    number: int


class DeleteTask(Body):
    """The exit was noted; the shim can forget the task."""

    container: str


class Annotate(Body):
    """The annotations that the programs of a sandbox see have changed."""

    sandbox: str
    annotations: tuple[tuple[str, str], ...]


class ListTasks(Body):
    """Which tasks do you hold, running or ended?"""


class Tasks(Body):
    """The answer to `ListTasks`."""

    tasks: tuple[Task, ...]


class TaskStarted(Body):
    """The answer to `RunTask`."""

    task: Task


class TaskDone(Body):
    """The answer to what has nothing to tell."""


class TaskChanged(Body):
    """Told to the runtime: a process has ended, or its program has become ready or unready."""

    task: Task


class Moment(Body):
    """The shim's own timer: something is due in a program's life: ``ready``, ``exit`` or ``stopped``."""

    container: str
    pid: int
    what: str


class Shim(Actor):
    """The process ``shim-i``. Config: `ShimConfig`. A crash of it ends every container of the machine."""

    config: ShimConfig

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.tasks: dict[str, Task] = {}
        self.next_pid = FIRST_PID

    def receive(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Moment):
            self.due(ctx, body)
        elif isinstance(body, Call):
            ctx.reply(src, Reply(body.id, self.serve(ctx, body.body)))

    def serve(self, ctx: Context, asked: Any) -> Body:
        """Carries out one request of the runtime."""
        if isinstance(asked, RunTask):
            return TaskStarted(self.run(ctx, asked))
        if isinstance(asked, ListTasks):
            return Tasks(tuple(self.tasks.values()))
        if isinstance(asked, Signal):
            self.signal(ctx, asked)
        elif isinstance(asked, DeleteTask):
            task = self.tasks.get(asked.container)
            if task is not None and task.exited:
                del self.tasks[asked.container]
        elif isinstance(asked, Annotate):
            self.annotate(ctx, asked)
        return TaskDone()

    # ------------------------------------------------------------------ a process's life

    def run(self, ctx: Context, asked: RunTask) -> Task:
        """Starts a process and what its program will do by itself."""
        self.next_pid += 7 + ctx.draw("pid", 40)
        program = asked.program
        task = Task(asked.container, asked.sandbox, program, self.next_pid, ctx.now, asked.annotations)
        self.tasks[asked.container] = task
        if asked.container == asked.sandbox:
            return task
        if program.kind == "exit":
            self._later(ctx, task, program.exit_after_ms * MS, "exit")
        if program.kind == "serve" or program.exit_after_ms > program.start_ms:
            self._later(ctx, task, program.start_ms * MS, "ready")
        if annotation(task.annotations, "exit"):
            self._later(ctx, task, 0, "steered")
        return task

    def _later(self, ctx: Context, task: Task, delay: int, what: str) -> None:
        ctx.after(delay, Moment(task.container, task.pid, what))

    def due(self, ctx: Context, moment: Moment) -> None:
        """A moment in a program's life has come."""
        task = self.tasks.get(moment.container)
        if task is None or task.exited or task.pid != moment.pid:
            return
        if moment.what == "exit":
            self.end(ctx, task, task.program.exit_code)
        elif moment.what == "stopped":
            self.end(ctx, task, task.program.stop_code)
        elif moment.what == "steered":
            self.steer(ctx, task)
        elif self.answers(ctx, task):
            self._set_ready(ctx, task, True)

    def answers(self, ctx: Context, task: Task) -> bool:
        """Whether a program serves: it has had its time to start, and nothing forbids it."""
        rule = task.program.readiness
        wish = annotation(task.annotations, "ready")
        wanted = wish == "true" if rule == "annotation" else rule == "program" and wish != "false"
        return wanted and ctx.now >= task.started_at + task.program.start_ms * MS

    def _set_ready(self, ctx: Context, task: Task, ready: bool) -> None:
        if task.ready == ready:
            return
        self._store(ctx, msgspec.structs.replace(task, ready=ready))

    def _store(self, ctx: Context, task: Task) -> None:
        self.tasks[task.container] = task
        ctx.stream(self.config.runtime, TaskChanged(task))

    def annotate(self, ctx: Context, asked: Annotate) -> None:
        """Lets the programs of a sandbox see new annotations."""
        for task in list(self.tasks.values()):
            if task.sandbox == asked.sandbox and task.container != asked.sandbox and not task.exited:
                task = msgspec.structs.replace(task, annotations=asked.annotations)
                self.tasks[task.container] = task
                self.steer(ctx, task)

    def steer(self, ctx: Context, task: Task) -> None:
        """What annotations make a running program do."""
        code = annotation(task.annotations, "exit")
        if code:
            self.end(ctx, task, int(code) & 255 if code.isdigit() else 1)
        else:
            self._set_ready(ctx, task, self.answers(ctx, task))

    def signal(self, ctx: Context, asked: Signal) -> None:
        """SIGKILL ends a process at once; SIGTERM as its program likes."""
        task = self.tasks.get(asked.container)
        if task is None or task.exited:
            return
        if asked.number == SIGKILL:
            self.end(ctx, task, 128 + SIGKILL)
        elif asked.number == SIGTERM and not task.stopping:
            self.tasks[task.container] = task = msgspec.structs.replace(task, stopping=True)
            delay = task.program.stop_after(task.annotations)
            if delay >= 0:
                self._later(ctx, task, delay, "stopped")

    def end(self, ctx: Context, task: Task, code: int) -> None:
        """A process has ended; the shim keeps its exit code until the runtime has taken it."""
        self._store(ctx, msgspec.structs.replace(task, exited=True, ready=False, exit_code=code, finished_at=ctx.now))

