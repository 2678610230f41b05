"""What the controllers' part of a view says of work queues, elections and workloads."""

from __future__ import annotations

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.cluster.views import QueueView
from k8s_tutor.sim import SECOND


def queue(cluster: Cluster, name: str) -> QueueView:
    return next(one for one in cluster.view().controllers.queues if one.controller == f"{name}-controller")


def typed(cluster: Cluster, line: str) -> None:
    cluster.give(inputs.Kubectl(line))
    assert cluster.settle()


def test_a_queue_tells_what_was_done_and_what_failed() -> None:
    cluster = Cluster(ClusterSpec(managers=1, workers=1, kubelets="plain"))
    typed(cluster, "create deployment web --image=nginx --replicas=3")
    deployment, sets = queue(cluster, "deployment"), queue(cluster, "replicaset")
    assert deployment.process == "controller-manager-1"
    assert (deployment.acted_on, deployment.requests) == ("default/web", ("PUT Deployment",))
    assert sets.acted_on.startswith("default/web-") and sets.error == ""
    typed(cluster, "create quota few --hard=pods=4")
    typed(cluster, "scale deployment web --replicas=6")
    cluster.run_until(cluster.now + SECOND)
    sets = queue(cluster, "replicaset")
    assert "exceeded quota: few" in sets.error and sets.failed.startswith("POST Pod of default/web-")
    assert [later.failures > 2 for later in sets.delayed] == [True]
    typed(cluster, "delete quota few")
    assert cluster.run_until(lambda one: not queue(one, "replicaset").delayed, 300 * SECOND)


def test_workloads_stand_below_their_owners() -> None:
    cluster = Cluster(ClusterSpec(managers=1, workers=1, kubelets="plain"))
    typed(cluster, "create deployment web --image=nginx --replicas=3")
    typed(cluster, "create job once --image=nginx")
    typed(cluster, "set image deployment/web nginx=httpd")
    top, new, old, job = cluster.view().controllers.sets
    assert (top.kind, top.desired, top.actual, top.ready) == ("Deployment", 3, 3, 3)
    assert [(one.revision, one.desired, one.image, one.owner) for one in (new, old)] == [
        ("2", 3, "httpd", "Deployment/web"), ("1", 0, "nginx", "Deployment/web"),
    ]  # fmt: skip
    assert (job.kind, job.desired, job.actual, job.ready) == ("Job", 1, 1, 0)


def test_a_lease_changes_hands_after_it_has_run_out() -> None:
    cluster = Cluster(ClusterSpec(managers=3, workers=0, kubelets="plain"))
    lease = next(one for one in cluster.view().controllers.leases if one.name == "kube-controller-manager")
    assert (lease.duration, lease.transitions, len(lease.candidates)) == (15 * SECOND, 0, 3)
    cluster.give(inputs.Crash(lease.holder))
    crashed = cluster.now
    assert cluster.view().controllers.queues == ()
    assert cluster.run_until(lambda one: bool(one.view().controllers.queues), 60 * SECOND)
    assert 13 * SECOND < cluster.now - crashed < 18 * SECOND
    cluster.run_until(cluster.now + SECOND)
    after = next(one for one in cluster.view().controllers.leases if one.name == "kube-controller-manager")
    assert after.transitions == 1 and after.holder not in (lease.holder, "") and len(after.candidates) == 2
