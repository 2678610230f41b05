"""What containers use: pure functions, then containers that run."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.cluster import Cluster
from k8s_tutor.node import exposition, usage
from k8s_tutor.node.images import from_tree
from k8s_tutor.node.usage import Limits, Load, Meter
from k8s_tutor.sim import MS, SECOND
from tests.cluster.helpers import cluster, kubectl, until
from tests.metrics.helpers import apply, pod

CORES = 4_000
NONE = Limits()


def test_idle_programs_use_what_they_use() -> None:
    load = Load(cpu=5, memory=1000, leak=600)
    meter = usage.advance(Meter(0), load, NONE, CORES, 10 * SECOND)
    assert meter.used == 5 * 10_000_000  # five thousandths of ten seconds, in ns
    assert usage.memory(meter, load) == 1100 and meter.throttled == 0
    assert usage.advance(meter, load, NONE, CORES, 10 * SECOND) is meter
    assert usage.reaches(meter, load, 1400) == 30_100_001 and usage.reaches(meter, Load(memory=1), 1400) is None


def test_requests_are_done_as_fast_as_the_limit_allows() -> None:
    load = Load(cpu=0, request=100 * MS * 1_000_000 // 1_000)
    for limits, delay, throttled in ((NONE, 100, 0), (Limits(cpu=500), 200, 100), (Limits(cpu=100), 1000, 900)):
        meter, after = usage.take(Meter(0), load, limits, CORES)
        assert after == delay * MS
        done = usage.advance(meter, load, limits, CORES, after)
        assert (done.owed, done.used, done.throttled) == (0, load.request, throttled * MS)
    meter, after = usage.take(Meter(0), load, NONE, CORES, 3)
    assert (after, meter.served) == (300 * MS, 3)
    assert usage.take(Meter(0), Load(cpu=0, request=load.request, threads=3), NONE, CORES, 3)[1] == 100 * MS


def test_in_small_steps_it_is_the_same() -> None:
    load, limits = Load(cpu=30, request=7_000_000), Limits(cpu=50)
    whole, parts = usage.take(Meter(0), load, limits, CORES, 9)[0], usage.take(Meter(0), load, limits, CORES, 9)[0]
    for step in range(1, 101):
        parts = usage.advance(parts, load, limits, CORES, step * 40 * MS)
    whole = usage.advance(whole, load, limits, CORES, 4 * SECOND)
    assert (whole.used, whole.owed) == (parts.used, parts.owed) and abs(whole.throttled - parts.throttled) < 100


@pytest.mark.parametrize(
    ("argv", "cpu", "memory"),
    [
        (("stress", "--vm", "1", "--vm-bytes", "150M", "--vm-hang", "1"), 0, 150 << 20),
        (("stress", "--cpu", "2"), 2_000, 0),
        (("/stress", "-cpus", "2"), 2_000, 0),
        (("/stress", "-mem-total", "1Gi"), 0, 1 << 30),
        (("stress", "--vm", "2", "--vm-bytes=64M"), 2_000, 128 << 20),
        (("serve", "--cpu", "2"), 0, 0),
    ],
)
def test_arguments_that_say_how_much(argv: tuple[str, ...], cpu: int, memory: int) -> None:
    found = usage.steered(Load(cpu=0, memory=0), argv, {})
    assert (found.memory, found.cpu) == (memory, cpu)


def test_annotations_steer() -> None:
    found = usage.steered(Load(), (), {"cpu": "250m", "memory": "64Mi", "leak": "nonsense"})
    assert (found.cpu, found.memory, found.leak) == (250, 64 << 20, 0)


@pytest.mark.parametrize(
    ("field", "why"), [({"cpu": "much"}, "quantities"), ({"threads": 0}, "threads"), ({"request_us": -1}, "request_us")]
)
def test_bad_loads_are_refused(field: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        from_tree({"format_version": 1, "images": [{"name": "x", "layers": {}, "program": field}]})


def test_text_that_is_written_is_read() -> None:
    samples = [
        exposition.Sample("container_cpu_usage_seconds_total", (("container", "c"), ("pod", "p")), 1_500_000_001, 12),
        exposition.Sample("node_memory_working_set_bytes", (), 7_000_000_000),
    ]
    text = exposition.write(samples)
    assert exposition.read(text) == samples
    assert text.decode().splitlines()[2] == 'container_cpu_usage_seconds_total{container="c",pod="p"} 1.500000001 12'


# ---------------------------------------------------------------------- containers


def state_of(on: Cluster, name: str) -> dict[str, Any]:
    return on.objects("Pod")[f"default/{name}"]["status"]["containerStatuses"][0]


def test_who_takes_too_much_memory_is_killed_and_started_again() -> None:
    one = cluster()
    limit = {"limits": {"memory": "100Mi"}}
    args = ["--vm", "1", "--vm-bytes", "250M", "--vm-hang", "1"]
    apply(
        one,
        pod("greedy", "polinux/stress", resources=limit, command=["stress"], args=args),
        pod("modest", "polinux/stress", resources=limit, command=["stress"], args=[*args[:3], "50M", *args[4:]]),
        pod("leak", "leaky", resources=limit),
    )
    until(one, lambda c: state_of(c, "greedy")["restartCount"] > 1)
    last = state_of(one, "greedy")["lastState"]["terminated"]
    assert (last["reason"], last["exitCode"]) == ("OOMKilled", 137)
    until(one, lambda c: "waiting" in state_of(c, "greedy")["state"])
    assert kubectl(one, "get pods").stdout.splitlines()[1].split()[2] in ("OOMKilled", "CrashLoopBackOff")
    assert state_of(one, "leak")["restartCount"] == 0
    until(one, lambda c: state_of(c, "leak")["restartCount"] > 0)
    assert 88 <= one.now // SECOND <= 100  # 12Mi, and 60Mi a minute
    assert state_of(one, "modest")["restartCount"] == 0


def test_a_full_machine_ends_whom_it_likes_least() -> None:
    one = cluster(workers=[{"memory": "1Gi"}])
    same = {"requests": {"memory": "100Mi", "cpu": "1"}, "limits": {"memory": "100Mi", "cpu": "1"}}
    apply(
        one,
        pod("guaranteed", "leaky", resources=same),
        pod("burstable", "leaky", resources={"requests": {"memory": "900Mi"}}),
        pod("best-effort", "leaky"),
    )
    for name in ("guaranteed", "burstable", "best-effort"):
        until(one, lambda c, name=name: state_of(c, name)["ready"])
    kubectl(one, "annotate pod burstable golden.k8s-tutor/memory=876Mi")  # more than is left, sooner than any kubelet looks
    one.run_until(one.now + 1 * SECOND)
    assert state_of(one, "best-effort")["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert [state_of(one, name)["restartCount"] for name in ("guaranteed", "burstable")] == [0, 0]


def test_throttled_answers_come_late() -> None:
    one = cluster()
    apply(one, pod("slow", "registry.k8s.io/hpa-example", resources={"limits": {"cpu": "100m"}}), pod("fast", "nginx"))
    until(one, lambda c: all(state_of(c, name)["ready"] for name in ("slow", "fast")))
    address = one.objects("Pod")["default/slow"]["status"]["podIP"]
    began = one.now
    assert kubectl(one, f"exec fast -- curl -s http://{address}/").stdout == "OK!"
    assert 690 * MS < one.now - began < 900 * MS  # 70 ms of CPU at a tenth of one
    text = kubectl(one, "exec slow -- cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu.stat").stdout
    assert text.startswith("10000 100000\nusage_usec 7") and "nr_throttled 6" in text
