"""What containers use: CPU time and memory, as a pure function of what runs in them, the time, and the requests they served.

Rates are millicores. CPU time is counted in nanoseconds, because a millicore for a microsecond is exactly one. Work that
requests bring is a queue: it is done as fast as the container may run, so a container at its limit answers more slowly.
"""

from __future__ import annotations

from itertools import pairwise

import msgspec

from k8s_tutor.api import quantity
from k8s_tutor.sim import MS, SECOND, Body

MINUTE = 60 * SECOND
KERNEL = 1000
"""Millicores that one thread can keep busy."""
SHELL_MEMORY = 600 << 10
"""What a shell or a small tool needs."""
STEP_CPU = 50_000
"""CPU ns of one instruction of a script."""
NOTICEABLE = 1 * MS
"""An answer that takes less than that is there at once."""
SYSTEM_CPU = 40
"""Millicores of kernel, kubelet, runtime and proxy on a machine."""
SYSTEM_MEMORY = 220 << 20
_UNITS = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

replace = msgspec.structs.replace


class Load(Body):
    """What a program uses by itself, and for each request that it serves."""

    cpu: int = 1
    """Millicores, all the time."""
    memory: int = 8 << 20
    """Bytes, from its start on."""
    leak: int = 0
    """Bytes that it takes more each minute and never gives back."""
    request: int = 100_000
    """CPU ns that one request costs."""
    threads: int = 1
    """How many requests it works on at the same time."""


class Limits(Body):
    """The cgroup of a container: ``cpu`` millicores and ``memory`` bytes at most (0: no limit), and how gladly the kernel kills
    it when the machine has no memory left (-1000 to 1000)."""

    cpu: int = 0
    memory: int = 0
    oom_score_adj: int = 0


class Meter(Body):
    """The accounts of one container up to an instant (µs)."""

    at: int
    used: int = 0
    """CPU ns that it has had."""
    owed: int = 0
    """CPU ns of requests that it has taken and not finished."""
    throttled: int = 0
    """µs that it had to wait although it had work, because of its limit."""
    leaked: int = 0
    """Bytes."""
    served: int = 0
    """Requests."""


def _speeds(load: Load, limits: Limits, cores: int) -> tuple[int, int]:
    """Millicores for the program itself, and for its requests; a program that could use all leaves them a tenth."""
    most = min(limits.cpu, cores) if limits.cpu else cores
    own = min(load.cpu, most)
    return own, max(min(most - own, load.threads * KERNEL), most // 10, 1)


def advance(meter: Meter, load: Load, limits: Limits, cores: int, now: int) -> Meter:
    """The accounts at a later instant; ``cores``: millicores of the machine."""
    spent = now - meter.at
    if spent <= 0:
        return meter
    own, speed = _speeds(load, limits, cores)
    worked = min(meter.owed, speed * spent)
    wanted = load.cpu + (load.threads * KERNEL if worked else 0)
    busy = spent if load.cpu > own else worked // speed
    waited = busy * (wanted - limits.cpu) // wanted if limits.cpu and wanted > limits.cpu else 0
    return Meter(
        now, meter.used + own * spent + worked, meter.owed - worked, meter.throttled + waited,
        meter.leaked + load.leak * spent // MINUTE, meter.served,
    )  # fmt: skip


def take(meter: Meter, load: Load, limits: Limits, cores: int, requests: int = 1, cpu: int = 0) -> tuple[Meter, int]:
    """More work: requests, or ``cpu`` ns. Gives the accounts, and after how many µs the work will be done. The meter stands at
    the instant at which the work comes."""
    meter = replace(meter, owed=meter.owed + load.request * requests + cpu, served=meter.served + requests)
    _, speed = _speeds(load, limits, cores)
    return meter, -(-meter.owed // speed)


def memory(meter: Meter, load: Load) -> int:
    """Bytes in use."""
    return load.memory + meter.leaked


def reaches(meter: Meter, load: Load, most: int) -> int | None:
    """After how many µs more than ``most`` bytes are in use; None: never."""
    missing = most - memory(meter, load)
    if missing < 0:
        return 0
    return (missing + 1) * MINUTE // load.leak + 1 if load.leak > 0 else None


def steered(load: Load, argv: tuple[str, ...], notes: dict[str, str]) -> Load:
    """The load of a program that is told by its arguments (as ``stress`` is) or by steering annotations how much to use."""
    load = _stressed(load, argv)
    changed: dict[str, int] = {}
    for name, read in (("cpu", quantity.milli), ("memory", quantity.value), ("leak", quantity.value)):
        try:
            if notes.get(name):
                changed[name] = max(0, read(notes[name]))
        except ValueError:
            continue  # as a program does with a setting that it cannot read
    return replace(load, **changed) if changed else load


def _stressed(load: Load, argv: tuple[str, ...]) -> Load:
    """``stress --cpu 2 --vm 1 --vm-bytes 150M``, and the same in the words of ``vish/stress``: ``-cpus 2 -mem-total 150Mi``."""
    if not argv or argv[0].rsplit("/", 1)[-1] not in ("stress", "stress-ng"):
        return load
    words = [part for word in argv[1:] for part in word.split("=", 1)]
    given = {word.lstrip("-"): value for word, value in pairwise(words) if word.startswith("-")}
    cpu = _number(given.get("cpu") or given.get("c") or given.get("cpus") or "0") * KERNEL
    hogs = _number(given.get("vm") or given.get("m") or "0")
    each = _size(given.get("vm-bytes", "256M")) if hogs else 0
    whole = hogs * each + _quantity(given.get("mem-total", "0"))
    spins = hogs * KERNEL if hogs and "vm-hang" not in given else 0
    return replace(load, cpu=cpu + spins or load.cpu, memory=load.memory + whole)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def _size(text: str) -> int:
    """Bytes as stress reads them: ``150M``."""
    unit = text[-1:].upper()
    return _number(text[:-1]) * _UNITS[unit] if unit in _UNITS else _number(text)


def _quantity(text: str) -> int:
    try:
        return quantity.value(text)
    except ValueError:
        return 0
