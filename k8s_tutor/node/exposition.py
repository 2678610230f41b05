"""The text format of Prometheus: what a kubelet tells at ``/metrics/resource``, and a program at ``/metrics``; and how a reader
takes it in.

Source: pkg/kubelet/metrics/collectors/resource_metrics.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from k8s_tutor.node.cri import ContainerUsage, ListContainerStatsResult
from k8s_tutor.sim import MS, SECOND

PATH = "/metrics/resource"
_NANO = 1_000_000_000
_LINE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)(?: (\d+))?')
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_KINDS = {
    "container_cpu_usage_seconds_total": ("counter", "[STABLE] Cumulative cpu time consumed by the container in core-seconds"),
    "container_memory_working_set_bytes": ("gauge", "[STABLE] Current working set of the container in bytes"),
    "container_start_time_seconds": ("gauge", "[STABLE] Start time of the container since unix epoch in seconds"),
    "node_cpu_usage_seconds_total": ("counter", "[STABLE] Cumulative cpu time consumed by the node in core-seconds"),
    "node_memory_working_set_bytes": ("gauge", "[STABLE] Current working set of the node in bytes"),
    "pod_cpu_usage_seconds_total": ("counter", "[STABLE] Cumulative cpu time consumed by the pod in core-seconds"),
    "pod_memory_working_set_bytes": ("gauge", "[STABLE] Current working set of the pod in bytes"),
}
_OF_PROGRAMS = {
    "http_requests_total": ("counter", "The total number of HTTP requests."),
    "process_cpu_seconds_total": ("counter", "Total user and system CPU time spent in seconds."),
    "process_resident_memory_bytes": ("gauge", "Resident memory size in bytes."),
}


class Sample(NamedTuple):
    """One line: name, labels in order, value in billionths, instant (Unix ms; 0: not given)."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: int
    at: int = 0


def resource_samples(found: ListContainerStatsResult, pods: dict[str, tuple[str, str]], epoch: int) -> list[Sample]:
    """The samples of one machine. ``pods``: uid → (namespace, name) of those that the kubelet knows."""
    at = epoch * 1000 + found.at // MS
    rows: list[Sample] = []
    totals: dict[str, list[int]] = {}
    for one in found.containers:
        if one.uid not in pods:
            continue
        total = totals.setdefault(one.uid, [0, 0])
        total[0], total[1] = total[0] + one.cpu, total[1] + one.memory
        if one.name != "POD":
            rows += _of_container(one, *pods[one.uid], at, epoch)
    rows.append(Sample("node_cpu_usage_seconds_total", (), found.cpu, at))
    rows.append(Sample("node_memory_working_set_bytes", (), found.memory * _NANO, at))
    for uid, (cpu, memory) in totals.items():
        namespace, pod = pods[uid]
        labels = (("namespace", namespace), ("pod", pod))
        rows.append(Sample("pod_cpu_usage_seconds_total", labels, cpu, at))
        rows.append(Sample("pod_memory_working_set_bytes", labels, memory * _NANO, at))
    return sorted(rows, key=lambda row: row.name)


def _of_container(one: ContainerUsage, namespace: str, pod: str, at: int, epoch: int) -> list[Sample]:
    labels = (("container", one.name), ("namespace", namespace), ("pod", pod))
    started = epoch * _NANO + one.started_at * 1000
    return [
        Sample("container_cpu_usage_seconds_total", labels, one.cpu, at),
        Sample("container_memory_working_set_bytes", labels, one.memory * _NANO, at),
        Sample("container_start_time_seconds", labels, started),
    ]


def write(samples: Iterable[Sample]) -> bytes:
    """Samples, ordered by name, as text."""
    known = {**_KINDS, **_OF_PROGRAMS}
    lines, last = [], ""
    for sample in samples:
        if sample.name != last:
            kind, meaning = known.get(sample.name, ("gauge", ""))
            lines += [f"# HELP {sample.name} {meaning}".rstrip(), f"# TYPE {sample.name} {kind}"]
            last = sample.name
        labels = ",".join(f'{name}="{value}"' for name, value in sample.labels)
        end = f" {sample.at}" if sample.at else ""
        lines.append(f"{sample.name}{'{' + labels + '}' if labels else ''} {_number(sample.value)}{end}")
    return "".join(line + "\n" for line in lines).encode()


def _number(value: int) -> str:
    whole, rest = divmod(value, _NANO)
    return f"{whole}.{rest:09d}".rstrip("0") if rest else str(whole)


def program_samples(served: int, cpu: int, memory: int, gauges: dict[str, int]) -> list[Sample]:
    """What a program tells: requests served, CPU ns, bytes, and gauges of its own (billionths)."""
    own = {
        "http_requests_total": served * _NANO, "process_cpu_seconds_total": cpu,
        "process_resident_memory_bytes": memory * _NANO,
    }  # fmt: skip
    return [Sample(name, (), value) for name, value in sorted({**gauges, **own}.items())]


def read(text: bytes) -> list[Sample]:
    """The samples of a text; lines that are none are passed over."""
    found = []
    for line in text.decode().splitlines():
        match = _LINE.fullmatch(line)
        if match is not None and not line.startswith("#"):
            whole, _, rest = match[3].partition(".")
            value = int(whole) * _NANO + int((rest + "000000000")[:9])
            found.append(Sample(match[1], tuple(_LABEL.findall(match[2] or "")), value, int(match[4] or 0)))
    return found


def micros(unix_millis: int, epoch: int) -> int:
    """A sample's instant as the world's."""
    return unix_millis * MS - epoch * SECOND
