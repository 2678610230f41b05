"""Each component knows only what it has watched: cut its one cable, and it stops while the rest goes on."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.sim import SECOND
from tests.cluster.helpers import cluster, kubectl, settled, until

CUT = 20 * SECOND


def cut(on: Cluster, a: str, b: str) -> None:
    on.give(inputs.Cut(((a,), (b,))))


def cm(name: str) -> str:
    return f"create configmap {name} --from-literal=a=b"


def known(on: Cluster, process: str, informer: str) -> list[str]:
    actor: Any = on.world.actor(process)
    return sorted(getattr(actor, informer).objects)


def pass_time(on: Cluster, time: int = CUT) -> None:
    on.run_until(on.now + time)


def test_scheduler_stops_and_learns_of_a_delete_only_after_mending() -> None:
    one = cluster()
    settled(one, "create deployment web --image=nginx")
    pod = f"default/{one.view().workload.pods[0].name}"
    cut(one, "scheduler-1", "api-1")
    kubectl(one, "run late --image=nginx")
    kubectl(one, "delete deployment web")
    pass_time(one)
    late = next(p for p in one.view().workload.pods if p.name == "late")
    assert (late.node, late.phase) == ("", "Pending")
    assert all(not p.name.startswith("web-") for p in one.view().workload.pods)
    assert pod in known(one, "scheduler-1", "pods")
    one.give(inputs.Heal())
    until(one, lambda c: pod not in known(c, "scheduler-1", "pods"))
    until(one, lambda c: any(p.name == "late" and p.ready for p in c.view().workload.pods))


def test_controller_manager_stops_and_learns_of_a_delete_only_after_mending() -> None:
    one = cluster()
    settled(one, "create deployment old --image=nginx")
    cut(one, "controller-manager-1", "api-1")
    kubectl(one, "create deployment web --image=nginx")
    kubectl(one, "run alone --image=nginx")
    kubectl(one, "delete deployment old --cascade=orphan --wait=false")
    pass_time(one)
    pods = {p.name.split("-")[0]: p.ready for p in one.view().workload.pods}
    assert pods == {"old": True, "alone": True}
    assert "default/web" not in known(one, "controller-manager-1", "deployments")
    one.give(inputs.Heal())
    until(one, lambda c: known(c, "controller-manager-1", "deployments") == ["default/web"])
    until(one, lambda c: sum(p.ready for p in c.view().workload.pods) == 3)


def test_kubelet_stops_and_learns_of_a_delete_only_after_mending() -> None:
    one = cluster(workers=2)
    settled(one, "create deployment web --image=nginx --replicas=2")
    node = one.view().workload.nodes[0]
    assert node.actual_containers == 1
    cut(one, "kubelet-1", "lb")
    one.give(inputs.Kubectl("delete deployment web"))
    pass_time(one)
    nodes = one.view().workload.nodes
    assert (nodes[0].actual_containers, nodes[1].actual_containers) == (1, 0)
    one.give(inputs.Heal())
    until(one, lambda c: c.view().workload.nodes[0].actual_containers == 0)
    until(one, lambda c: c.view().workload.pods == ())


def test_kube_proxy_keeps_its_rules_until_the_cable_is_mended() -> None:
    one = cluster(workers=2)
    settled(one, "create deployment web --image=nginx")
    settled(one, "expose deployment web --port=80")
    cut(one, "kube-proxy-1", "lb")
    kubectl(one, "delete service web")
    pass_time(one)
    assert "default/web" in known(one, "kube-proxy-1", "services")
    assert "default/web" not in known(one, "kube-proxy-2", "services")
    one.give(inputs.Heal())
    until(one, lambda c: "default/web" not in known(c, "kube-proxy-1", "services"))


def test_runtime_goes_on_alone_and_stops_its_containers_only_after_mending() -> None:
    one = cluster(workers=2)
    settled(one, "create deployment web --image=nginx --replicas=2")
    cut(one, "kubelet-1", "containerd-1")
    one.give(inputs.Kubectl("delete deployment web --wait=false"))
    pass_time(one)
    nodes = one.view().workload.nodes
    assert (nodes[0].actual_containers, nodes[1].actual_containers) == (1, 0)
    assert [p.status for p in one.view().workload.pods] == ["Terminating"]
    one.give(inputs.Heal())
    until(one, lambda c: c.view().workload.nodes[0].actual_containers == 0)


def test_cni_cut_off_keeps_pods_without_a_sandbox() -> None:
    one = cluster()
    cut(one, "cni-1", "containerd-1")
    kubectl(one, "run web --image=nginx")
    kubectl(one, cm("meanwhile"))
    pass_time(one)
    assert one.view().workload.pods[0].ip == ""
    one.give(inputs.Heal())
    until(one, lambda c: c.view().workload.pods[0].ready)


@pytest.mark.parametrize("cable", [("api-1", "etcd-1"), ("etcd-1", "etcd-2"), ("etcd-1", "etcd-3")])
def test_an_api_server_behind_a_cut_learns_of_a_delete_only_after_mending(cable: tuple[str, str]) -> None:
    one = cluster(managers=3, workers=0)
    kubectl(one, cm("old"))
    one.settle()
    assert "default/old" in one.objects("ConfigMap", "api-1")
    if cable[0] == "api-1":
        cut(one, *cable)
    else:
        one.give(inputs.Cut((("etcd-1",), ("etcd-2", "etcd-3"))))
    pass_time(one)  # the load balancer finds out whom not to ask
    done = kubectl(one, "delete configmap old")
    assert done.code == 0, done.stderr
    pass_time(one, 2 * SECOND)
    assert "default/old" in one.objects("ConfigMap", "api-1")
    assert "default/old" not in one.objects("ConfigMap", "api-2")
    one.give(inputs.Heal())
    until(one, lambda c: "default/old" not in c.objects("ConfigMap", "api-1"))
