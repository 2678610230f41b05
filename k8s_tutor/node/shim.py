"""The shims of a machine: the processes that really hold its containers.

containerd starts a ``containerd-shim-runc-v2`` for each pod, and the container's process is the shim's child. So containers
go on when containerd is restarted, and end when the machine does. All shims of a machine are one process here; its memory is
volatile, which is exactly what a running container is. It stands for the kernel as well, in which the containers' namespaces
and the rules of iptables are; only log files survive it.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api.ssh import CommandDone, RunCommand
from k8s_tutor.api.wire import StreamData, StreamEnd
from k8s_tutor.node import logs, speech
from k8s_tutor.node.cgroups import MemoryFull
from k8s_tutor.node.ingress.forwarding import Relayed
from k8s_tutor.node.inside import Attach, Exec, ExecSync, Opened, ReadLog
from k8s_tutor.node.kernel import HasNetwork, Netlink
from k8s_tutor.node.naming import Connect, Named
from k8s_tutor.node.net_tools import TOOLS, with_masquerades
from k8s_tutor.node.processes import Moment, TimeIsUp, Wake
from k8s_tutor.node.programs import SIGKILL, SIGTERM, Process, annotation
from k8s_tutor.node.proxy import commands as rule_commands
from k8s_tutor.node.proxy.ruleset import WriteRules
from k8s_tutor.node.sockets import Answered, Arrive
from k8s_tutor.node.storage import DiskFault, MachineStorage
from k8s_tutor.node.tasks import (
    Annotate,
    CheckPaths,
    CopyVolume,
    DeleteTask,
    ListTasks,
    NotStarted,
    ReadPressure,
    ReadStats,
    RemoveLog,
    RemoveVolumes,
    RunTask,
    ShimConfig,
    Signal,
    Spec,
    Stream,
    Task,
    TaskChanged,
    TaskDone,
    Tasks,
    TaskStarted,
    WriteVolume,
)  # fmt: skip
from k8s_tutor.sim import MS, Body, Call, Context, Ended, Reply

replace = msgspec.structs.replace


class Shim(MachineStorage):
    """The process ``shim-i``. Config: `ShimConfig`. A crash of it ends every container of the machine."""

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Moment):
            self.due(ctx, body)
        elif isinstance(body, Wake):
            self.woken(ctx, body)
        elif isinstance(body, Named):
            self.named(ctx, body)
        elif isinstance(body, Relayed):
            self.relayed(ctx, body)
        elif isinstance(body, Call):
            answer = self.serve(ctx, src, body.id, body.body)
            if answer is not None:
                self.reply(ctx, src, body.id, answer)
        elif isinstance(body, Ended):
            self.child_ended(ctx, body.name)
        elif isinstance(body, TimeIsUp):
            self.time_is_up(ctx, body.call)
        elif isinstance(body, Answered):
            ctx.reply(body.client, Reply(body.call, self.finished(body.container, body.answer)))
        elif isinstance(body, MemoryFull):
            self.memory_full(ctx)
        elif isinstance(body, StreamData):
            self.typed(ctx, body)
        elif isinstance(body, StreamEnd):
            self.left(body.stream)
        elif isinstance(body, RemoveLog):
            self.disk.logs.pop(body.container, None)
        elif isinstance(body, WriteRules):
            self.kernel.rules.write(body)
            self.kernel.changes += 1
        elif isinstance(body, Netlink):
            self.kernel.apply(body)
        elif isinstance(body, DiskFault):
            self.disk_fault(ctx, body)
        elif isinstance(body, (WriteVolume, CopyVolume, RemoveVolumes)):
            self.write_files(body)
            if isinstance(body, RemoveVolumes):
                self.unmount_below(f"/var/lib/kubelet/pods/{body.uid}/")

    def serve(self, ctx: Context, client: str, call: int, asked: Any) -> Body | None:
        """Carries out one request of the runtime, or of another machine. None: the answer comes later, or never."""
        if isinstance(asked, RunTask):
            return TaskStarted(self.run(ctx, asked).life)
        if isinstance(asked, ListTasks):
            return Tasks(tuple(task.life for task in self.tasks.values()))
        if isinstance(asked, Connect):
            self.connect(ctx, client, call, asked)
            return None
        if isinstance(asked, Arrive):
            self.arrive(ctx, client, call, asked)
            return None
        if isinstance(asked, HasNetwork):
            return self.kernel.has_network(asked)
        if isinstance(asked, CheckPaths):
            return self.check_paths(asked)
        if isinstance(asked, RunCommand):
            return self.typed_command(ctx, asked.argv)
        if isinstance(asked, ReadPressure):
            return self.pressure(ctx)
        if isinstance(asked, ReadStats):
            return self.stats(ctx)
        if isinstance(asked, Exec):
            return self.exec(ctx, client, call, asked)
        if isinstance(asked, ExecSync):
            return self.exec_sync(ctx, client, call, asked)
        if isinstance(asked, Attach):
            return self.attach(client, call, asked)
        if isinstance(asked, ReadLog):
            return self.read_log(client, call, asked)
        if isinstance(asked, Signal):
            self.signal(ctx, asked)
        elif isinstance(asked, DeleteTask):
            self.delete(asked.container)
        elif isinstance(asked, Annotate):
            self.annotate(ctx, asked)
        return TaskDone()

    def typed_command(self, ctx: Context, argv: tuple[str, ...]) -> Body:
        """A command that somebody types on the machine: about its network, its rules, or its disks."""
        tool = TOOLS.get(argv[0].rpartition("/")[2]) if argv else None
        if tool is not None:
            return CommandDone(*tool(self.kernel, argv))
        stamp = speech.ctime(ctx.now, self.config.epoch)
        found = rule_commands.run(self.kernel.rules, self.kernel.own_addresses, argv, stamp) if argv else None
        if found is not None and argv[0].endswith("iptables-save"):
            return replace(found, stdout=with_masquerades(self.kernel, found.stdout))
        return found if found is not None else self.command(ctx, argv)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        for call, stream in list(self.streams.items()):
            if stream.peer == peer:
                self.left(call)

    # ------------------------------------------------------------------ a process's life

    def run(self, ctx: Context, asked: RunTask) -> Task:
        """Starts a process and what its program will do by itself."""
        self.next_pid += 7 + ctx.draw("pid", 40)
        spec = asked.spec or Spec(Process(asked.program.argv))
        spec = replace(spec, mounts=self.grounded(spec.mounts))
        task = Task(
            asked.container, asked.sandbox, asked.program, spec, self.next_pid, ctx.now, asked.annotations
        )  # fmt: skip
        if asked.pod is not None:
            self.pods[asked.sandbox] = asked.pod
        self.tasks[asked.container] = task
        self.weigh(ctx, task)
        if asked.container == asked.sandbox:
            return task
        child = self.child_of(task)
        if child:
            ctx.start(child)
        if not spec.process.script:
            self.act(ctx, task.container)
        if spec.process.script or task.program.kind == "serve" or task.program.exit_after_ms > task.program.start_ms:
            self._later(ctx, task, task.start_ms * MS, "ready")
        if annotation(task.annotations, "exit"):
            self._later(ctx, task, 0, "steered")
        return self.tasks[task.container]

    def child_of(self, task: Task) -> str:
        """The process of this machine that a container really is, or empty."""
        return dict(self.config.processes).get(task.program.process, "")

    def child_ended(self, ctx: Context, name: str) -> None:
        """A process of the control plane has ended, and so has its container."""
        for task in list(self.tasks.values()):
            if self.child_of(task) == name and not task.exited:
                ctx.decide()
                self.end(ctx, task, 128 + SIGKILL)

    def act(self, ctx: Context, container: str) -> None:
        task = self.tasks[container]
        program = task.program
        self.tasks[container] = task = replace(task, acting=ctx.now)
        self.weigh(ctx, task)
        self.say(ctx, task, program.speech.start)
        if program.kind == "exit":
            self._later(ctx, task, program.exit_after_ms * MS, "exit")

    def _later(self, ctx: Context, task: Task, delay: int, what: str) -> None:
        ctx.after(delay, Moment(task.container, task.pid, what))

    def due(self, ctx: Context, moment: Moment) -> None:
        """A moment in a program's life has come."""
        task = self.tasks.get(moment.container)
        if task is None or task.exited or task.pid != moment.pid:
            return
        if moment.what == "exit":
            self.say(ctx, task, task.program.speech.exit)
            self.end(ctx, task, task.program.exit_code)
        elif moment.what == "stopped":
            self.end(ctx, task, task.program.stop_code)
        elif moment.what == "end":
            self.end(ctx, task, moment.code)
        elif moment.what == "steered":
            self.steer(ctx, task)
        elif task.spec.process.script:
            if self.answers(ctx, task):
                self._set_ready(ctx, task, True)
            self.begin_script(ctx, self.tasks[task.container])
        elif self.port_taken(task):
            self.say(ctx, task, task.program.speech.taken, port=str(task.program.port))
            self.end(ctx, task, 1)
        else:
            self.say(ctx, task, task.program.speech.ready)
            if self.answers(ctx, task):
                self._set_ready(ctx, task, True)

    def answers(self, ctx: Context, task: Task) -> bool:
        """Whether a program serves: it has had its time to start, and nothing forbids it."""
        rule = task.program.readiness
        wish = annotation(task.annotations, "ready")
        wanted = wish == "true" if rule == "annotation" else rule == "program" and wish != "false"
        return wanted and ctx.now >= task.started_at + task.start_ms * MS

    def _set_ready(self, ctx: Context, task: Task, ready: bool) -> None:
        if task.ready == ready:
            return
        self._store(ctx, replace(task, ready=ready))

    def _store(self, ctx: Context, task: Task) -> None:
        self.tasks[task.container] = task
        ctx.stream(self.config.runtime, TaskChanged(task.life))

    def annotate(self, ctx: Context, asked: Annotate) -> None:
        """Lets the programs of a sandbox see new annotations."""
        for task in list(self.tasks.values()):
            if task.sandbox == asked.sandbox and task.container != asked.sandbox and not task.exited:
                task = replace(task, annotations=asked.annotations)
                self.tasks[task.container] = task
                self.weigh(ctx, task)
                self.steer(ctx, task)

    def steer(self, ctx: Context, task: Task) -> None:
        """What annotations make a running program do."""
        code = annotation(task.annotations, "exit")
        if code:
            self.end(ctx, task, int(code) & 255 if code.isdigit() else 1)
        else:
            self._set_ready(ctx, task, self.answers(ctx, task))

    def signal_task(self, ctx: Context, container: str, number: int) -> None:
        self.signal(ctx, Signal(container, number))

    def signal(self, ctx: Context, asked: Signal) -> None:
        """SIGKILL ends a process at once; SIGTERM as its program likes. A shell as process 1 takes no notice of it, unless it
        has a trap."""
        task = self.tasks.get(asked.container)
        if task is None or task.exited:
            return
        if asked.number == SIGKILL:
            self.end(ctx, task, 128 + SIGKILL)
        elif asked.number == SIGTERM and not task.stopping:
            if task.acting < 0 and task.container != task.sandbox:
                self.trapped(ctx, task.container, SIGTERM)
                return
            self.tasks[task.container] = task = replace(task, stopping=True)
            delay = task.program.stop_after(task.annotations)
            if delay >= 0:
                self.say(ctx, task, task.program.speech.stop)
                self._later(ctx, task, delay, "stopped")

    def end(self, ctx: Context, task: Task, code: int, oom: bool = False) -> None:
        """A process has ended; the shim keeps its exit code until the runtime has taken it."""
        self._store(ctx, replace(task, exited=True, ready=False, exit_code=code, finished_at=ctx.now, oom=oom))
        child = self.child_of(task)
        if child and not any(self.child_of(one) == child and not one.exited for one in self.tasks.values()):
            ctx.stop(child)
        self.unweigh(ctx, task.container)
        self.kill_all(ctx, task.container)

    def delete(self, container: str) -> None:
        """Forgets a process that has ended, and what its container has written beside its log and volumes."""
        task = self.tasks.get(container)
        if task is None or not task.exited:
            return
        del self.tasks[container]
        self.pids.pop(container, None)
        self.pods.pop(container, None)
        self._clear(f"{container}:")

    # ------------------------------------------------------------------ streams

    def attach(self, peer: str, call: int, asked: Attach) -> Body:
        """Joins a container's own process."""
        task = self.tasks.get(asked.container)
        if task is None or task.exited:
            return NotStarted("container is not running")
        self.streams[call] = Stream(peer, "attach", asked.container)
        return Opened()

    def read_log(self, peer: str, call: int, asked: ReadLog) -> Body:
        """What a container has written, and with ``follow`` what it will write, while it runs."""
        log = self.disk.logs.get(asked.container)
        text = logs.text_of(log.lines(), asked.options, self.config.epoch) if log is not None else ""
        task = self.tasks.get(asked.container)
        if asked.follow and task is not None and not task.exited:
            self.streams[call] = Stream(peer, "log", asked.container, options=logs.following(asked.options))
            return Opened(text)
        return Opened(text, more=False)

    def left(self, call: int) -> None:
        """Nobody reads a stream any more. What exec has started goes on."""
        self.streams.pop(call, None)


__all__ = ["Shim", "ShimConfig"]
