"""The kernel's part in what containers use: it counts, throttles, and kills who takes more memory than there is.

Nothing here happens while nobody asks: meters are brought up to date when a container's load changes, when it serves a
request, and when somebody reads them. One timer stands at the instant at which memory runs out, if it ever does.
"""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import quantity
from k8s_tutor.node import exposition, usage
from k8s_tutor.node.programs import PREFIX
from k8s_tutor.node.tasks import ContainerStats, Task, TaskHolder, TaskStats
from k8s_tutor.node.usage import Limits, Load, Meter
from k8s_tutor.sim import MS, Body, Context

LEAST = 200 * MS
"""A program needs that long to take the memory with which it starts."""
SIGKILLED = 137
CGROUP = "/sys/fs/cgroup"
PERIOD = 100_000
"""µs in which a container may run as long as its quota says (cpu.cfs_period_us)."""

replace = msgspec.structs.replace


class MemoryFull(Body):
    """The kernel's own timer: a container, or the machine, has no memory left."""


class Cgroups(TaskHolder):
    """The part of the shims that stands for the kernel's accounts."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.meters: dict[str, Meter] = {}
        """Container → its accounts."""
        self.loads: dict[str, Load] = {}
        """Container → what runs in it uses now."""
        self.full = 0
        """The timer of `MemoryFull`, or 0."""

    def end(self, ctx: Context, task: Task, code: int, oom: bool = False) -> None:
        """A container's process has ended."""
        raise NotImplementedError

    # ------------------------------------------------------------------ accounts

    @property
    def own_memory(self) -> int:
        """Bytes that the machine needs for itself."""
        return min(usage.SYSTEM_MEMORY, self.config.memory // 8) if self.config.memory else usage.SYSTEM_MEMORY

    def limits(self, task: Task) -> Limits:
        """The cgroup of a container."""
        return task.spec.limits

    def weigh(self, ctx: Context, task: Task) -> None:
        """What a container runs has begun, or has changed: from now on it uses that much."""
        if task.container in self.meters:
            self.meter(ctx, task)
        else:
            self.meters[task.container] = Meter(ctx.now)
        self.loads[task.container] = _load(task)
        self.watch_memory(ctx)

    def unweigh(self, ctx: Context, container: str) -> None:
        """A container's process has ended."""
        self.meters.pop(container, None)
        if self.loads.pop(container, None) is not None:
            self.watch_memory(ctx)

    def meter(self, ctx: Context, task: Task) -> Meter:
        """A container's accounts, up to now."""
        found = usage.advance(
            self.meters[task.container], self.loads[task.container], self.limits(task), self.config.cpu, ctx.now
        )
        self.meters[task.container] = found
        return found

    def charge(self, ctx: Context, task: Task, requests: int = 0, cpu: int = 0) -> int:
        """Puts work on a container's account; gives the µs after which it is done, 0 when nobody would notice them."""
        if task.container not in self.meters:
            return 0
        found, delay = usage.take(
            self.meter(ctx, task), self.loads[task.container], self.limits(task), self.config.cpu, requests, cpu
        )
        self.meters[task.container] = found
        return delay if delay >= usage.NOTICEABLE else 0

    def cgroup_files(self, ctx: Context, task: Task) -> dict[str, str]:
        """What processes in a container can read of their cgroup (cgroups(7), Documentation/admin-guide/cgroup-v2.rst)."""
        if task.container not in self.meters:
            return {}
        meter, load, limits = self.meter(ctx, task), self.loads[task.container], self.limits(task)
        quota = str(limits.cpu * PERIOD // 1000) if limits.cpu else "max"
        used, waited = meter.used // 1000, meter.throttled
        return {
            f"{CGROUP}/cpu.max": f"{quota} {PERIOD}\n",
            f"{CGROUP}/cpu.stat": f"usage_usec {used}\nuser_usec {used}\nsystem_usec 0\nnr_periods {used // PERIOD}\n"
                                  f"nr_throttled {waited // PERIOD}\nthrottled_usec {waited}\n",
            f"{CGROUP}/memory.current": f"{usage.memory(meter, load)}\n",
            f"{CGROUP}/memory.max": f"{limits.memory or 'max'}\n",
        }  # fmt: skip

    def told(self, ctx: Context, task: Task) -> str:
        """What a program tells Prometheus of itself."""
        meter, load = self.meter(ctx, task), self.loads[task.container]
        mark = PREFIX + "gauge-"
        gauges = {key.removeprefix(mark): value for key, value in task.annotations if key.startswith(mark)}
        known = {name: quantity.nano(value) for name, value in gauges.items() if _is_quantity(value)}
        samples = exposition.program_samples(meter.served, meter.used, usage.memory(meter, load), known)
        return exposition.write(samples).decode()

    def stats(self, ctx: Context) -> TaskStats:
        """What every container that runs has used, and the whole machine."""
        rows = []
        for task in self.tasks.values():
            if task.exited or task.container not in self.meters:
                continue
            meter, load = self.meter(ctx, task), self.loads[task.container]
            rows.append(
                ContainerStats(
                    task.container, task.started_at, meter.used, usage.memory(meter, load), meter.throttled, meter.served
                )
            )
        cpu = usage.SYSTEM_CPU * ctx.now + sum(row.cpu for row in rows)
        return TaskStats(ctx.now, cpu, self.own_memory + sum(row.memory for row in rows), tuple(rows))

    # ------------------------------------------------------------------ memory

    def watch_memory(self, ctx: Context) -> None:
        """Sets the timer to the instant at which memory will run out."""
        if self.full:
            ctx.cancel(self.full)
            self.full = 0
        delay = self._time_left(ctx)
        if delay is not None:
            self.full = ctx.after(delay, MemoryFull())

    def _time_left(self, ctx: Context) -> int | None:
        """µs until a container or the machine has no memory left; None: that will not happen."""
        found: list[int] = []
        used, leak = self.own_memory, 0
        for container, load in self.loads.items():
            task = self.tasks[container]
            meter = self.meter(ctx, task)
            used, leak = used + usage.memory(meter, load), leak + load.leak
            most = self.limits(task).memory
            after = usage.reaches(meter, load, most) if most else None
            if after is not None:
                found.append(max(after, task.started_at + LEAST - ctx.now))
        after = usage.reaches(Meter(ctx.now), Load(0, used, leak), self.config.memory) if self.config.memory else None
        if after is not None:
            youngest = max(self.tasks[container].started_at for container in self.loads)
            found.append(max(after, youngest + LEAST - ctx.now))
        return max(0, min(found)) if found else None

    def memory_full(self, ctx: Context) -> None:
        """Kills who is above its limit; if the machine is full, one of them all, the one that the kernel likes least."""
        self.full = 0
        used = self.own_memory
        for container in list(self.loads):
            task, load = self.tasks[container], self.loads[container]
            size, most = usage.memory(self.meter(ctx, task), load), self.limits(task).memory
            if most and size > most and ctx.now >= task.started_at + LEAST:
                self._kill_oom(ctx, task, "container", size)
            else:
                used += size
        if self.config.memory and used > self.config.memory:
            victims = [self.tasks[container] for container in self.loads if container != self.tasks[container].sandbox]
            if victims:
                self._kill_oom(ctx, max(victims, key=lambda task: self._badness(ctx, task)), "node", used)
        self.watch_memory(ctx)

    def _badness(self, ctx: Context, task: Task) -> int:
        """The kernel's points (mm/oom_kill.c): memory in use, and a thousandth of all memory for each point of adjustment."""
        size = usage.memory(self.meter(ctx, task), self.loads[task.container])
        return size + self.limits(task).oom_score_adj * self.config.memory // 1000

    def _kill_oom(self, ctx: Context, task: Task, where: str, size: int) -> None:
        pod = self.pods.get(task.sandbox)
        ctx.decide()
        ctx.note("kernel.oom", pod=f"{pod.namespace}/{pod.name}" if pod else "", container=task.container[:13],
                 full=where, memory=size)  # fmt: skip
        self.end(ctx, task, SIGKILLED, oom=True)


def _is_quantity(text: str) -> bool:
    try:
        quantity.nano(text)
    except ValueError:
        return False
    return True


def _load(task: Task) -> Load:
    """What runs in a container uses: the image's own program, or a script."""
    if task.acting < 0 and task.container != task.sandbox:
        return Load(0, usage.SHELL_MEMORY, threads=4)
    notes = {key.removeprefix(PREFIX): value for key, value in task.annotations}
    argv = task.spec.process.argv
    return usage.steered(task.program.load, argv, notes)
