"""The container runtime (containerd, CRI-O or dockerd): sandboxes and containers on behalf of the kubelet.

What it knows of sandboxes and containers is on disk (its metadata store); what runs is in the shims. So after its own crash
it asks the shims, and finds its containers running; after a crash of the machine they are gone (exit code 255, reason
Unknown, as containerd writes it). dockerd ends the containers that it finds.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import msgspec

from k8s_tutor.api.streams import Streams
from k8s_tutor.api.watchcache import Hop
from k8s_tutor.api.wire import StreamData, StreamEnd
from k8s_tutor.node import cri, tasks, toolbox
from k8s_tutor.node.cni.agent import NetworkConfigured
from k8s_tutor.node.image_service import RuntimeConfig, RuntimeDisk
from k8s_tutor.node.inside import Attach, Exec, ExecSync, Opened, ReadLog
from k8s_tutor.node.processes import no_file
from k8s_tutor.node.programs import SIGKILL, SIGTERM, Process, Program, process_of
from k8s_tutor.node.runtimes import FLAVOURS, image_id
from k8s_tutor.node.sandboxes import Sandboxes, new_id
from k8s_tutor.sim import MS, SECOND, Body, Call, Context, Reply

RECONNECT = 200 * MS
STREAM_TIMEOUT = 30 * SECOND
SHUTDOWN = 10 * SECOND
"""How long dockerd waits for a container that it has asked to end (its default stop timeout)."""
NO_START = 128
"""Exit code of a container whose process could not be started."""
UNKNOWN_EXIT = 255
"""Exit code of a container whose process nobody knows any more (containerd internal/cri/server/restart.go)."""


class Reconnect(Body):
    """The runtime's own timer: try to reach the shims again."""


class GraceOver(Body):
    """The runtime's own timer: a container that was asked to stop has had its time."""

    container: str


class Runtime(Sandboxes, Streams):
    """The process ``containerd-i``, ``crio-i`` or ``dockerd-i``. Config: `RuntimeConfig`; disk: `RuntimeDisk`."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.recovered = False
        """Whether the shims have told what runs; before that all requests are refused."""
        self.reconnecting = False
        """Whether a `Reconnect` is on its way."""
        self.stops: dict[str, tuple[tuple[str, int], ...]] = {}
        """Container that was asked to stop → (client, call) to be answered when it has ended."""
        self.ending: list[str] = []
        """Containers and sandboxes that are ended because their keeper was away."""

    def start(self, ctx: Context) -> None:
        self._recover(ctx)

    def _recover(self, ctx: Context) -> None:
        self.ask(ctx, self.config.shim, tasks.ListTasks(), "_listed_tasks")

    def _recover_later(self, ctx: Context) -> None:
        if not self.reconnecting:
            self.reconnecting = True
            ctx.after(RECONNECT, Reconnect(), work=False)

    def _listed_tasks(self, ctx: Context, answer: Any) -> None:
        if not isinstance(answer, tasks.Tasks):
            self._recover_later(ctx)
            return
        running = {task.container: task for task in answer.tasks}
        for container in list(self.disk.containers.values()):
            task = running.get(container.id)
            if container.state == cri.RUNNING and task is None:
                ctx.decide()
                self._exited(ctx, container, UNKNOWN_EXIT, "Unknown", ctx.now)
            elif task is not None:
                self._merge(ctx, task)
        for sandbox in list(self.disk.sandboxes.values()):
            task = running.get(sandbox.id)
            if sandbox.state == cri.READY and (task is None or task.exited):
                ctx.decide()
                self.sandbox_died(ctx, sandbox)
        if not self.recovered and not FLAVOURS[self.config.kind].restores and self._shut_down(ctx, answer.tasks):
            self._recover_later(ctx)
        elif not self.recovered:
            self.recovered = True
            ctx.note("runtime.ready", tasks=len(running))

    def _shut_down(self, ctx: Context, found: tuple[tasks.Life, ...]) -> bool:
        """Asks what still runs to end; whether there is any."""
        alive = [task.container for task in found if not task.exited]
        for container in alive:
            if container not in self.ending:
                self.ending.append(container)
                self.signal(ctx, container, SIGTERM)
                ctx.after(SHUTDOWN, GraceOver(container))
        return bool(alive)

    def disconnected(self, ctx: Context, peer: str, reason: str) -> None:
        super().disconnected(ctx, peer, reason)
        if peer == self.config.shim:
            self._recover_later(ctx)
        elif peer == self.listener:
            self.listener = ""

    # ------------------------------------------------------------------ messages

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Call):
            self.serve(ctx, src, body.id, body.body)
        elif isinstance(body, tasks.TaskChanged):
            self._merge(ctx, body.task)
        elif isinstance(body, (StreamData, StreamEnd)):
            self.passed(ctx, src, "", body)
        elif isinstance(body, Reconnect):
            self.reconnecting = False
            self._recover(ctx)
        elif isinstance(body, GraceOver):
            self.signal(ctx, body.container, SIGKILL)
        elif isinstance(body, NetworkConfigured):
            self.network_configured(ctx, body.plugin)
        elif isinstance(body, cri.Kill):
            self._kill(ctx, body.container)

    def serve(self, ctx: Context, client: str, call: int, asked: Any) -> None:
        """Carries out one CRI request. Those that take no time are answered at once."""
        answer: Body | None = None
        if not self.recovered:
            answer = cri.RpcError("Unknown", "server is not initialized yet")
        elif isinstance(asked, cri.PullImage):
            self.pull(ctx, client, call, asked.image, asked.logins)
        elif isinstance(asked, cri.RunPodSandbox):
            self.run_sandbox(ctx, client, call, asked)
        elif isinstance(asked, cri.CreateContainer):
            answer = self._create(ctx, asked)
        elif isinstance(asked, cri.StartContainer):
            answer = self._start(ctx, client, call, asked.container)
        elif isinstance(asked, cri.StopContainer):
            answer = self._stop(ctx, client, call, asked)
        elif isinstance(asked, cri.StopPodSandbox):
            answer = self.stop_sandbox(ctx, client, call, asked.sandbox)
        elif isinstance(asked, cri.ListContainerStats):
            self.ask(ctx, self.config.shim, tasks.ReadStats(), "_stats_read", (client, call))
        elif isinstance(asked, ExecSync):
            self.ask(ctx, self.config.shim, asked, "_exec_over", (client, call, asked.timeout), (asked.timeout + 1) * SECOND)
        elif isinstance(asked, (Exec, Attach, ReadLog)):
            self._stream(ctx, client, call, asked)
        else:
            answer = self._quick(ctx, client, asked)
        if answer is not None:
            ctx.reply(client, Reply(call, answer))

    def _quick(self, ctx: Context, client: str, asked: Any) -> Body:
        if isinstance(asked, cri.ImageStatus):
            return self.image_status(asked.image)
        if isinstance(asked, cri.ListImages):
            return self.list_images()
        if isinstance(asked, cri.ListPodSandbox):
            return cri.ListPodSandboxResult(tuple(self.disk.sandboxes.values()))
        if isinstance(asked, cri.ListContainers):
            return cri.ListContainersResult(tuple(self.disk.containers.values()))
        if isinstance(asked, cri.Version):
            flavour = FLAVOURS[self.config.kind]
            return cri.VersionResult(flavour.name, "v" + flavour.version, bool(self.disk.network))
        if isinstance(asked, cri.GetContainerEvents):
            self.listener = client
            if self.disk.network and self.config.plugin != "bridge":
                ctx.reply(client, cri.NetworkReady())
        elif isinstance(asked, cri.RemoveContainer):
            self.forget_container(ctx, asked.container)
        elif isinstance(asked, cri.RemoveImage):
            self.remove_image(asked.image)
        elif isinstance(asked, cri.RemovePodSandbox):
            self.forget_sandbox(ctx, asked.sandbox)
        elif isinstance(asked, cri.UpdateAnnotations):
            self.disk.annotations[asked.sandbox] = asked.annotations
            self.ask(ctx, self.config.shim, tasks.Annotate(asked.sandbox, asked.annotations), "done")
        return cri.Done()

    def _stats_read(self, ctx: Context, answer: Any, client: str, call: int) -> None:
        """The kernel has told what containers use."""
        if not isinstance(answer, tasks.TaskStats):
            ctx.reply(client, Reply(call, cri.RpcError("Unavailable", "the shim does not answer")))
            return
        found = []
        for one in answer.containers:
            container, sandbox = self.disk.containers.get(one.container), self.disk.sandboxes.get(one.container)
            uid = container.uid if container is not None else sandbox.uid if sandbox is not None else ""
            name = container.name if container is not None else "POD"
            found.append(cri.ContainerUsage(uid, name, one.started_at, one.cpu, one.memory, one.throttled, one.served))
        ctx.reply(client, Reply(call, cri.ListContainerStatsResult(answer.at, answer.cpu, answer.memory, tuple(found))))

    # ------------------------------------------------------------------ streams

    def _stream(self, ctx: Context, client: str, call: int, asked: Exec | Attach | ReadLog) -> None:
        """Exec, attach and logs: the shim does it, and what it sends goes on to the client."""
        near = Hop(client, "", call)
        self.open_stream(ctx, near, self.config.shim, asked, "_opened", (near,), STREAM_TIMEOUT)

    def _opened(self, ctx: Context, answer: Any, near: Hop, call: int) -> None:
        result: Body
        if isinstance(answer, Opened):
            result = answer
        elif isinstance(answer, tasks.NotStarted):
            result = self._no_exec(call, answer)
        else:
            result = cri.RpcError("Unavailable", "the shim does not answer")
        if not (isinstance(result, Opened) and result.more):
            self.close_stream(call)
        ctx.reply(near.via, Reply(near.call, result))

    def _no_exec(self, call: int, answer: tasks.NotStarted) -> cri.RpcError:
        ident = sha256(f"{self.name}/exec/{call}".encode()).hexdigest()
        return cri.RpcError("Unknown", f'failed to exec in container: failed to start exec "{ident}": {answer.message}')

    def _exec_over(self, ctx: Context, answer: Any, client: str, call: int, timeout: int) -> None:
        """A process that the kubelet has waited for is over."""
        result: Body
        if isinstance(answer, tasks.NotStarted):
            result = self._no_exec(call, answer)
        elif not isinstance(answer, tasks.ExecResult):
            result = cri.RpcError("Unavailable", "the shim does not answer")
        elif answer.timed_out:
            text = f"failed to exec in container: timeout {timeout}s exceeded: context deadline exceeded"
            result = cri.RpcError("DeadlineExceeded", text)
        else:
            result = cri.ExecSyncResult(answer.text, answer.code)
        ctx.reply(client, Reply(call, result))

    # ------------------------------------------------------------------ containers

    def _create(self, ctx: Context, asked: cri.CreateContainer) -> Body:
        sandbox, image = self.disk.sandboxes.get(asked.sandbox), self.find_image(asked.image)
        if sandbox is None:
            text = f'failed to find sandbox id "{asked.sandbox}": sandbox not found'
            return cri.RpcError("NotFound", text)
        if image is None:
            return cri.RpcError("NotFound", f'failed to create containerd container: image "{asked.image}" not found')
        ident = new_id(ctx, "container")
        container = cri.CriContainer(
            ident, asked.sandbox, sandbox.uid, asked.name, asked.attempt, cri.CREATED, image.name,
            image_id(self.config.kind, image.ref), ctx.now,
        )  # fmt: skip
        self.disk.containers[ident] = container
        process = process_of(image.program, asked.command, asked.args, asked.stdin)
        self.disk.programs[ident] = image.program.told(process.argv)
        self.disk.specs[ident] = tasks.Spec(process, asked.env, asked.mounts, asked.stdin, asked.tty, asked.limits)
        self._note(ctx, "container.created", container, image=image.name)
        return cri.CreateContainerResult(container)

    def _start(self, ctx: Context, client: str, call: int, ident: str) -> Body | None:
        container = self.disk.containers.get(ident)
        if container is None:
            return cri.RpcError("NotFound", f'an error occurred when try to find container "{ident}": not found')
        program, spec = self.disk.programs[ident], self.disk.specs[ident]
        missing = _missing(program, spec.process)
        if missing:
            text = FLAVOURS[self.config.kind].no_start.format(id=ident) + missing
            self._exited(ctx, container, NO_START, "StartError", ctx.now, text)
            return cri.RpcError("Unknown", text)
        run = tasks.RunTask(ident, container.sandbox, program, self.disk.annotations.get(container.sandbox, ()), spec)
        self.ask(ctx, self.config.shim, run, "_started", (client, call, ident))
        return None

    def _started(self, ctx: Context, answer: Any, client: str, call: int, ident: str) -> None:
        container = self.disk.containers.get(ident)
        if not isinstance(answer, tasks.TaskStarted) or container is None:
            ctx.reply(client, Reply(call, cri.RpcError("Unknown", f'failed to start containerd task "{ident}"')))
            return
        running = msgspec.structs.replace(
            container, state=cri.RUNNING, started_at=answer.task.started_at, pid=answer.task.pid
        )
        self.disk.containers[ident] = running
        self._note(ctx, "container.started", running, pid=running.pid, attempt=container.attempt)
        ctx.reply(client, Reply(call, cri.Done()))
        self._tell(ctx, "CONTAINER_STARTED_EVENT", running)

    def _stop(self, ctx: Context, client: str, call: int, asked: cri.StopContainer) -> Body | None:
        container = self.disk.containers.get(asked.container)
        if container is None or container.state != cri.RUNNING:
            return cri.Done()
        self.stops[asked.container] = (*self.stops.get(asked.container, ()), (client, call))
        self.signal(ctx, asked.container, SIGTERM if asked.timeout > 0 else SIGKILL)
        if asked.timeout > 0:
            ctx.after(asked.timeout * SECOND, GraceOver(asked.container))
        return None

    def _kill(self, ctx: Context, wanted: str) -> None:
        """A fault from outside: one container's process dies."""
        for container in self.disk.containers.values():
            sandbox = self.disk.sandboxes[container.sandbox]
            pod = f"{sandbox.namespace}/{sandbox.name}"
            if container.state == cri.RUNNING and (
                wanted in (pod, f"{pod}/{container.name}") or container.id.startswith(wanted)
            ):
                self.signal(ctx, container.id, SIGKILL)
                return

    def _merge(self, ctx: Context, task: tasks.Life) -> None:
        """Takes over what a shim says of a process."""
        sandbox = self.disk.sandboxes.get(task.container)
        if sandbox is not None:
            if task.exited:
                self.ask(ctx, self.config.shim, tasks.DeleteTask(task.container), "done")
                if sandbox.state == cri.READY:
                    self.sandbox_died(ctx, sandbox)
            return
        container = self.disk.containers.get(task.container)
        if task.exited:
            self.ask(ctx, self.config.shim, tasks.DeleteTask(task.container), "done")
            if container is not None and container.state != cri.EXITED:
                reason = "OOMKilled" if task.oom else "Error" if task.exit_code else "Completed"
                started = msgspec.structs.replace(container, started_at=task.started_at)
                self._exited(ctx, started, task.exit_code, reason, task.finished_at)
        elif container is not None and container.ready != task.ready:
            container = msgspec.structs.replace(container, ready=task.ready)
            self.disk.containers[container.id] = container
            self._tell(ctx, "CONTAINER_READY_EVENT", container)

    def _exited(
        self, ctx: Context, container: cri.CriContainer, code: int, reason: str, at: int, message: str = ""
    ) -> None:  # fmt: skip
        container = msgspec.structs.replace(
            container, state=cri.EXITED, exit_code=code, reason=reason, finished_at=at, ready=False, pid=0, message=message,
        )
        self.disk.containers[container.id] = container
        self._note(ctx, "container.died", container, exit_code=code)
        for client, call in self.stops.pop(container.id, ()):
            ctx.reply(client, Reply(call, cri.Done()))
        self._tell(ctx, "CONTAINER_STOPPED_EVENT", container)

    def forget_container(self, ctx: Context, ident: str) -> None:
        container = self.disk.containers.pop(ident, None)
        self.disk.programs.pop(ident, None)
        self.disk.specs.pop(ident, None)
        if container is not None and container.started_at:
            ctx.stream(self.config.shim, tasks.RemoveLog(ident))
        if container is not None and container.state == cri.RUNNING:
            self.signal(ctx, ident, SIGKILL)

    def _note(self, ctx: Context, kind: str, container: cri.CriContainer, **fields: Any) -> None:
        sandbox = self.disk.sandboxes[container.sandbox]
        pod = f"{sandbox.namespace}/{sandbox.name}"
        ctx.note(kind, pod=pod, container=container.name, id=container.id[:13], **fields)

    def _tell(self, ctx: Context, kind: str, container: cri.CriContainer) -> None:
        if self.listener:
            ctx.reply(self.listener, cri.ContainerEvent(kind, container))


def _missing(program: Program, process: Process) -> str:
    """runc's words when the file that a container shall run is not in its image; empty when it is."""
    if not process.script or not process.argv or not program.tools:
        return ""
    name = process.argv[0].rsplit("/", 1)[-1]
    if toolbox.has(program.tools, name) or any(line.split()[:1] == [name] for line, _ in program.answers):
        return ""
    why = no_file(process.argv[0])
    return f"runc create failed: unable to start container process: error during container init: {why}"


__all__ = ["Runtime", "RuntimeConfig", "RuntimeDisk"]
