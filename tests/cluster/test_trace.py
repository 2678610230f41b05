"""The trace of a typed line: one path from the keys to the effect."""

from __future__ import annotations

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.cluster.views import TraceView

SECOND = 1_000_000


def etcd() -> Cluster:
    cluster = Cluster(ClusterSpec(managers=3, workers=0, components="etcd", seed=3))
    cluster.advance(cluster.now + SECOND)
    cluster.give(inputs.Kubectl("etcdctl put choice olives"))
    cluster.advance(cluster.now + SECOND)
    return cluster


def traced(cluster: Cluster) -> TraceView:
    trace = cluster.trace()
    assert trace is not None
    return trace


def kinds(trace: TraceView) -> list[str]:
    """Kinds of the messages of a trace, one behind the other."""
    return [step.flight.kind if step.flight else "" for step in trace.steps]


def test_without_a_line_there_is_no_trace() -> None:
    assert Cluster(ClusterSpec(managers=1, workers=0, components="etcd")).trace() is None


def test_a_put_goes_through_the_log_to_its_answer() -> None:
    trace = traced(etcd())
    found = kinds(trace)
    order = ["etcd", "AppendEntries", "AppendEntriesReply", "etcd answer"]
    assert [kind for kind in dict.fromkeys(found) if kind in order] == order
    assert found.count("AppendEntries") == found.count("AppendEntriesReply") == 2, "all followers are told"
    commit = next(step for step in trace.steps if any(note.kind == "raft.commit" for note in step.notes))
    assert commit.flight is not None and commit.flight.kind == "AppendEntriesReply"
    assert [step.at for step in trace.steps] == sorted(step.at for step in trace.steps)


def test_going_back_forgets_nothing_and_another_future_has_its_own_trace() -> None:
    cluster = etcd()
    trace = traced(cluster)
    cluster.goto_time(trace.at - 1_000)
    assert traced(cluster) == trace
    cluster.give(inputs.Kubectl("etcdctl put choice ham"))
    cluster.advance(cluster.now + SECOND)
    assert traced(cluster).line == "etcdctl put choice ham"
    assert "etcd answer" in kinds(traced(cluster))


def test_a_message_that_was_lost_is_a_step_too() -> None:
    cluster = Cluster(ClusterSpec(managers=3, workers=0, components="etcd", seed=3))
    cluster.give(inputs.Crash("cp-3"))
    cluster.give(inputs.Kubectl("etcdctl put choice olives"))
    cluster.advance(cluster.now + SECOND)
    outcomes = {step.flight.dst: step.flight.outcome for step in traced(cluster).steps
                if step.flight and step.flight.kind == "AppendEntries"}  # fmt: skip
    assert outcomes == {"etcd-2": "arrived", "etcd-3": "down"}


def test_a_deployment_is_followed_to_its_first_ready_pod() -> None:
    cluster = Cluster(ClusterSpec(managers=3, workers=1, seed=7))
    cluster.give(inputs.Kubectl("create deployment web --image=nginx --replicas=2"))
    cluster.run_until(lambda now: any(note.kind == "pod.ready" for note in now.view().log.notes))
    trace = traced(cluster)
    notes = [note.kind for step in trace.steps for note in step.notes]
    path = ["api.request", "raft.commit", "controller.decided", "scheduler.decided", "cni.add", "container.created",
            "pod.ready"]  # fmt: skip
    assert [kind for kind in dict.fromkeys(notes) if kind in path] == path
    assert notes.count("pod.ready") == 1
    assert "console.answered" in notes
