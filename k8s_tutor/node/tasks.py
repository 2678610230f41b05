"""What a machine's shims hold: containers' processes, sandboxes, files that were written, open streams; and the messages
about them."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api.wire import StreamData
from k8s_tutor.node import logs, speech
from k8s_tutor.node.kernel import Kernel
from k8s_tutor.node.logs import Log, LogDisk, LogOptions
from k8s_tutor.node.programs import Process, Program, annotation
from k8s_tutor.node.shell.files import Mount
from k8s_tutor.node.shell.machine import Proc
from k8s_tutor.node.underlay import Underlay
from k8s_tutor.node.usage import Limits
from k8s_tutor.sim import MS, Body, Calling, Context

FIRST_PID = 1_200

replace = msgspec.structs.replace


class ShimConfig(Body):
    """The runtime that is told of exits; ``epoch``: Unix second at which the world's clock began; what the machine has:
    millicores, and bytes of memory (0: as much as anybody wants)."""

    runtime: str
    epoch: int = 0
    cpu: int = 4_000
    memory: int = 0
    files: tuple[tuple[str, str], ...] = ()
    """What is on its disk from the start: (path, text)."""
    node: str = ""
    address: str = ""
    net: Underlay = Underlay()
    """The network between the machines."""
    processes: tuple[tuple[str, str], ...] = ()
    """(``process`` of a program, the process of this machine that stands for it)."""
    root: int = 0
    """Bytes of the disk that the machine itself is on."""
    disks: tuple[tuple[str, int], ...] = ()
    """Further disks: (``sdb``, bytes)."""
    setup: tuple[tuple[str, ...], ...] = ()
    """Commands about them that the administrator has run once."""


class Pod(Body):
    """Whose sandbox it is: what the containers of a pod share."""

    namespace: str
    name: str
    ip: str
    resolv: str = ""
    """Its ``/etc/resolv.conf``."""
    domain: str = ""
    """Its full name in the cluster, where its ``subdomain`` gives it one."""


class Spec(Body):
    """How one container is run: its command line, its variables, the volumes that it has mounted, whether its
    process has an input, and a terminal; its cgroup."""

    process: Process
    env: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    stdin: bool = False
    tty: bool = False
    limits: Limits = Limits()


class Task(Body):
    """A container's process: what it runs, since when, and how it ended. Instants in µs."""

    container: str
    sandbox: str
    program: Program
    spec: Spec
    pid: int
    started_at: int
    annotations: tuple[tuple[str, str], ...] = ()
    acting: int = -1
    """Since when the image's own program runs; -1: it does not (another command does)."""
    ready: bool = False
    stopping: bool = False
    exited: bool = False
    exit_code: int = 0
    finished_at: int = 0
    oom: bool = False
    """Whether the kernel ended it, because there was no memory left."""

    @property
    def life(self) -> Life:
        """What the runtime is told."""
        return Life(
            self.container, self.pid, self.started_at, self.ready, self.exited, self.exit_code, self.finished_at,
            self.oom,
        )  # fmt: skip

    def health(self, now: int) -> str:
        """How the image's own program is at this moment: ``ok``, ``sick`` or ``hang``."""
        wish = annotation(self.annotations, "health")
        if wish:
            return wish
        age, program = now - self.acting, self.program
        if program.hang_after_ms and age >= program.hang_after_ms * MS:
            return "hang"
        return "sick" if program.sick_after_ms and age >= program.sick_after_ms * MS else "ok"

    @property
    def start_ms(self) -> int:
        """Until it counts as ready."""
        return 0 if self.spec.process.script else self.program.start_ms


class Life(Body):
    """A container's process as the runtime knows it."""

    container: str
    pid: int
    started_at: int
    ready: bool = False
    exited: bool = False
    exit_code: int = 0
    finished_at: int = 0
    oom: bool = False


class RunTask(Body):
    """Create and start the process of a container; ``pod`` for the one that holds a sandbox open."""

    container: str
    sandbox: str
    program: Program
    annotations: tuple[tuple[str, str], ...] = ()
    spec: Spec | None = None
    pod: Pod | None = None


class ExecResult(Body):
    """The answer to `ExecSync`: what it has written, and its exit status; ``timed_out``: it had to be killed."""

    text: str
    code: int
    timed_out: bool = False


class NotStarted(Body):
    """A process that could not be started, in runc's words."""

    message: str


class WriteVolume(Body):
    """These are the files of a volume now, and no others."""

    place: str
    files: tuple[tuple[str, str], ...]


class CopyVolume(Body):
    """Copies what is at a path of a volume, so that it stays as it is."""

    source: str
    path: str
    target: str


class RemoveVolumes(Body):
    """A pod is gone: its volumes are removed."""

    uid: str


class CheckPaths(Body):
    """Do these paths of the machine fit? (name of the volume, path, type of the hostPath)."""

    paths: tuple[tuple[str, str, str], ...]


class PathsChecked(Body):
    """The answer to `CheckPaths`: the kubelet's words for the first that does not, or empty."""

    error: str


class Signal(Body):
    """Send a signal (15, 9) to the process of a container."""

    container: str
    number: int


class DeleteTask(Body):
    """The exit was noted; the shim can forget the task."""

    container: str


class RemoveLog(Body):
    """The container is forgotten; its log can go."""

    container: str


class Annotate(Body):
    """The annotations that the programs of a sandbox see have changed."""

    sandbox: str
    annotations: tuple[tuple[str, str], ...]


class ListTasks(Body):
    """Which tasks do you hold, running or ended?"""


class Tasks(Body):
    """The answer to `ListTasks`."""

    tasks: tuple[Life, ...]


class ReadPressure(Body):
    """What is used of memory and disk?"""


class Pressure(Body):
    """The answer to `ReadPressure`: what containers use, bytes on the disk by place (see `shell.files`), and the manifests of
    static pods: (path, text)."""

    stats: TaskStats
    disk: tuple[tuple[str, int], ...]
    manifests: tuple[tuple[str, str], ...] = ()


class ReadStats(Body):
    """What have containers used?"""


class ContainerStats(Body):
    """What one container has used since its start (µs): CPU ns; bytes in use now; µs in which its limit held it back; requests
    that it has served."""

    container: str
    started_at: int
    cpu: int
    memory: int
    throttled: int
    served: int


class TaskStats(Body):
    """The answer to `ReadStats`: the instant, CPU ns since the world began and bytes in use of the whole machine, and of each
    container that runs."""

    at: int
    cpu: int
    memory: int
    containers: tuple[ContainerStats, ...]


class TaskStarted(Body):
    """The answer to `RunTask`."""

    task: Life


class TaskDone(Body):
    """The answer to what has nothing to tell."""


class TaskChanged(Body):
    """Told to the runtime: a process has ended, or its program has become ready or unready."""

    task: Life


class Stream(Body):
    """An open stream: who reads it, what it shows (``exec``, ``attach``, ``log``, or ``sync``, whose reader gets all at the
    end), and of which process."""

    peer: str
    what: str
    container: str
    pid: int = 1
    options: LogOptions = LogOptions()
    text: str = ""
    """What the process of a ``sync`` has written so far."""


class TaskHolder(Calling):
    """State of the shims, and what containers write."""

    config: ShimConfig
    disk: LogDisk

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk if disk is not None else LogDisk())
        self.tasks: dict[str, Task] = {}
        self.pods: dict[str, Pod] = {}
        """Id of a sandbox → whose it is."""
        self.procs: dict[str, Proc] = {}
        """``container/pid`` → a process that runs a script: a container's own, or one that was started by exec."""
        self.streams: dict[int, Stream] = {}
        """Call that opened it → stream."""
        self.kernel = Kernel(self.config.node, self.config.address, self.config.net.mtu) if self.config else Kernel()
        """The network of the machine."""
        self.next_pid = FIRST_PID
        self.pids: dict[str, int] = {}
        """Container → the latest number of a process in it."""

    @property
    def files(self) -> dict[str, str | None]:
        """What stands in containers and volumes (see `shell.files`)."""
        return self.disk.files

    def print(self, ctx: Context, container: str, written: list[tuple[int, str]]) -> None:
        """The container's own process writes: into its log, and to those who follow."""
        fresh = tuple([line for channel, text in written for line in logs.split(ctx.now, channel, text)])
        if not fresh:
            return
        self.disk.logs[container] = self.disk.logs.get(container, Log()).add(fresh)
        for call, stream in self.streams.items():
            if stream.container != container or stream.what in ("exec", "sync"):
                continue
            if stream.what == "log":
                text = logs.text_of(fresh, stream.options, self.config.epoch)
                ctx.reply(stream.peer, StreamData(call, 1, text.encode()))
            else:
                for line in fresh:
                    ctx.reply(stream.peer, StreamData(call, line.channel, line.text.encode()))

    def say(self, ctx: Context, task: Task, templates: tuple[str, ...], **values: str) -> None:
        """The image's program writes lines."""
        if templates:
            self.print(ctx, task.container, speech.lines(templates, {**self.facts(ctx, task), **values}))

    def facts(self, ctx: Context, task: Task) -> dict[str, str]:
        """What a program can write about itself."""
        pod = self.pods.get(task.sandbox)
        return {
            **speech.stamps(ctx.now, self.config.epoch), "hostname": pod.name if pod else "", "ip": pod.ip if pod else "",
            "code": str(task.program.exit_code), "up": str((ctx.now - task.started_at) // 1000),
        }  # fmt: skip
