"""When a broken vote loses writes, the machines report again what really runs."""

from __future__ import annotations

from k8s_tutor.cluster import inputs
from k8s_tutor.sim import SECOND
from tests.cluster.helpers import cluster, kubectl, settled


def test_pods_are_ready_again_after_their_status_was_lost_with_the_log() -> None:
    one = cluster(
        managers=4, workers=2, consensus="naive", rooms={"A": ["cp-1", "cp-2"], "B": ["cp-3", "cp-4"]},
        clients={"amy": {"room": "A"}, "ben": {"room": "B"}},
    )  # fmt: skip
    settled(one, "create deployment site --image=nginx --replicas=4")
    one.give(inputs.Cut((("A",), ("B",))))
    one.run_until(one.now + 5 * SECOND)
    kubectl(one, "scale deployment site --replicas=3", client="ben")
    for number in range(12):  # room A's notebook gets longer, and wins
        kubectl(one, f"create configmap note-{number}", client="amy")
    one.give(inputs.Crash("api-1"))
    one.give(inputs.Crash("api-2"))
    one.run_until(one.now + 30 * SECOND)
    assert sum(node.actual_containers for node in one.view().workload.nodes) == 3
    one.give(inputs.Restart("api-1"))
    one.give(inputs.Restart("api-2"))
    one.give(inputs.Heal())
    one.run_until(one.now + 30 * SECOND)
    view = one.view()
    assert view.raft.lost > 0
    pods = view.workload.pods
    assert [pod.ready for pod in pods] == [True] * len(pods)
    assert sum(node.actual_containers for node in view.workload.nodes) == len(pods)
