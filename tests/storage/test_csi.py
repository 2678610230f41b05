"""From a claim to a logical volume: provisioning, mounting, growing, giving back, snapshots, a disk that fails."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.sim.detect import Detector

SECOND = 1_000_000
CLAIM: dict[str, Any] = {
    "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "topolvm-provisioner",
             "resources": {"requests": {"storage": "1Gi"}}},
}  # fmt: skip


def pod(name: str, claim: str) -> dict[str, Any]:
    container = {"name": "db", "image": "redis:7", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "terminationGracePeriodSeconds": 1, "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
    }}  # fmt: skip


@pytest.fixture(scope="module")
def base() -> Cluster:
    cluster = Cluster(ClusterSpec.model_validate({"managers": 1, "workers": 2, "storage": "lvm-thin", "seed": 5}))
    apply(cluster, CLAIM, pod("db", "data"))
    assert cluster.run_until(lambda cluster: running(cluster, "db"), 60 * SECOND)
    return cluster


def running(cluster: Cluster, name: str) -> bool:
    return any(one.name == name and one.ready for one in cluster.view().workload.pods)


def typed(cluster: Cluster, line: str, *objects: Any) -> str:
    before = {one.id for one in cluster.view().console.answers}
    cluster.give(inputs.Kubectl(line, (("m.yaml", json.dumps(objects)),)))
    fresh: list[Any] = []

    def done(cluster: Cluster) -> bool:
        fresh[:] = [one for one in cluster.view().console.answers if one.id not in before and one.code != -1]
        return bool(fresh)

    assert cluster.run_until(done, 60 * SECOND), line
    return str(fresh[-1].stdout + fresh[-1].stderr)


def apply(cluster: Cluster, *objects: Any) -> str:
    return typed(cluster, "apply -f m.yaml", *objects)


def reasons(cluster: Cluster, about: str) -> list[str]:
    text = typed(cluster, "get events -o json")
    return [one["reason"] for one in json.loads(text)["items"] if one["involvedObject"]["name"] == about]


def test_a_claim_waits_for_its_consumer_and_becomes_a_logical_volume(base: Cluster) -> None:
    cluster = base.fork()
    assert reasons(cluster, "data") == ["WaitForFirstConsumer", "ExternalProvisioning", "Provisioning", "ProvisioningSucceeded"]
    volume = json.loads(typed(cluster, "get pv -o json"))["items"][0]
    terms = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert terms == [{"matchExpressions": [{"key": "topology.topolvm.io/node", "operator": "In", "values": ["node-1"]}]}]
    assert volume["spec"]["csi"]["volumeHandle"] in typed(cluster, "ssh node-1 lvs")
    assert "974.0M" in typed(cluster, "exec db -- df -h /data")


def test_a_full_volume_says_so_and_grows_under_the_running_pod(base: Cluster) -> None:
    cluster = base.fork()
    typed(cluster, "exec db -- dd if=/dev/zero of=/data/a bs=1M count=900")
    assert "No space left on device" in typed(cluster, "exec db -- dd if=/dev/zero of=/data/b bs=1M count=100")
    typed(cluster, """patch pvc data -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'""")
    assert cluster.run_until(lambda one: "FileSystemResizeSuccessful" in notes_of(one), 120 * SECOND)
    assert reasons(cluster, "data")[4:] == [
        "ExternalExpanding", "Resizing", "FileSystemResizeRequired", "FileSystemResizeSuccessful",
    ]  # fmt: skip
    assert "records out" in typed(cluster, "exec db -- dd if=/dev/zero of=/data/b bs=1M count=100")
    assert running(cluster, "db")


def notes_of(cluster: Cluster) -> str:
    """Whether a file system has grown is noted by the node service."""
    return "FileSystemResizeSuccessful" if any(note.kind == "volume.grown" for note in cluster.view().log.notes) else ""


def test_growing_beyond_the_group_fails_with_an_event(base: Cluster) -> None:
    cluster = base.fork()
    claim = {**CLAIM, "metadata": {"name": "thick"}}
    claim["spec"] = {**CLAIM["spec"], "resources": {"requests": {"storage": "50Gi"}}}
    apply(cluster, claim, pod("big", "thick"))
    cluster.run_until(cluster.now + 5 * SECOND)
    text = typed(cluster, "describe pvc thick")
    assert "ProvisioningFailed" in text and "ResourceExhausted" in text and "no enough space left on VG" in text


def test_a_class_that_cannot_grow_refuses(base: Cluster) -> None:
    cluster = base.fork()
    typed(cluster, """patch sc topolvm-provisioner -p '{"allowVolumeExpansion":false}'""")
    text = typed(cluster, """patch pvc data -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'""")
    assert "the storageclass that provisions the pvc must support resize" in text


def test_deleting_the_claim_gives_the_room_back(base: Cluster) -> None:
    cluster = base.fork()
    typed(cluster, "delete pod db")
    typed(cluster, "delete pvc data")
    cluster.run_until(cluster.now + 15 * SECOND)
    assert "No resources found" in typed(cluster, "get pv,logicalvolumes")
    assert "pool0" in typed(cluster, "ssh node-1 lvs --noheadings -o lv_name").split()
    assert len(typed(cluster, "ssh node-1 lvs --noheadings -o lv_name").split()) == 1


def test_data_outlives_pod_and_machine(base: Cluster) -> None:
    cluster = base.fork()
    typed(cluster, "exec db -- sh -c 'echo kept > /data/x'")
    cluster.give(inputs.Crash("node-1"))
    cluster.run_until(cluster.now + 2 * SECOND)
    cluster.give(inputs.Restart("node-1"))
    cluster.run_until(cluster.now + 60 * SECOND)
    assert typed(cluster, "exec db -- cat /data/x") == "kept\n"


def test_a_kubelet_that_comes_back_finds_its_volumes(base: Cluster) -> None:
    cluster = base.fork()
    typed(cluster, "exec db -- sh -c 'echo kept > /data/x'")
    cluster.give(inputs.Crash("kubelet-1"))
    cluster.give(inputs.Restart("kubelet-1"))
    cluster.run_until(cluster.now + 5 * SECOND)
    cluster.give(inputs.Kill("db"))
    cluster.run_until(cluster.now + 20 * SECOND)
    assert typed(cluster, "exec db -- cat /data/x") == "kept\n"


def test_a_snapshot_is_restored_on_its_own_node(base: Cluster) -> None:
    cluster = base.fork()
    thin = {**CLAIM, "metadata": {"name": "thin"}, "spec": {**CLAIM["spec"], "storageClassName": "topolvm-provisioner-thin"}}
    apply(cluster, thin, pod("first", "thin"))
    assert cluster.run_until(lambda one: running(one, "first"), 60 * SECOND)
    typed(cluster, "exec first -- sh -c 'echo old > /data/x'")
    apply(cluster, {"apiVersion": "snapshot.storage.k8s.io/v1", "kind": "VolumeSnapshot", "metadata": {"name": "before"},
                    "spec": {"volumeSnapshotClassName": "topolvm-provisioner-thin",
                             "source": {"persistentVolumeClaimName": "thin"}}})  # fmt: skip
    cluster.run_until(cluster.now + 3 * SECOND)
    assert "true" in typed(cluster, "get vs before")
    typed(cluster, "exec first -- sh -c 'echo new > /data/x'")
    source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "before"}
    restored = {**thin, "metadata": {"name": "again"}, "spec": {**thin["spec"], "dataSource": source}}
    apply(cluster, restored, pod("second", "again"))
    assert cluster.run_until(lambda one: running(one, "second"), 60 * SECOND)
    assert typed(cluster, "exec second -- cat /data/x") == "old\n"


def test_a_disk_that_fails_is_felt_in_the_pod(base: Cluster) -> None:
    cluster = base.fork()
    typed(cluster, "exec db -- sh -c 'echo kept > /data/x'")
    cluster.give(inputs.FailDisk("node-1", "sdb"))
    assert "Input/output error" in typed(cluster, "exec db -- cat /data/x")
    assert "wz-pn-" in typed(cluster, "ssh node-1 vgs")
    cluster.give(inputs.FailDisk("node-1", "sdb", False))
    assert typed(cluster, "exec db -- cat /data/x") == "kept\n"


def test_a_host_path_volume_is_mounted_by_its_claim(base: Cluster) -> None:
    cluster = base.fork()
    volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "disk"}, "spec": {
        "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "disks",
        "hostPath": {"path": "/srv/a"},
    }}  # fmt: skip
    claim = {**CLAIM, "metadata": {"name": "own"}, "spec": {**CLAIM["spec"], "storageClassName": "disks"}}
    first, second = pod("one", "own"), pod("two", "own")
    first["spec"]["nodeName"] = second["spec"]["nodeName"] = "node-1"
    apply(cluster, volume, claim, first)
    assert cluster.run_until(lambda one: running(one, "one"), 60 * SECOND)
    typed(cluster, "exec one -- sh -c 'echo kept > /data/x'")
    typed(cluster, "delete pod one")
    apply(cluster, second)
    assert cluster.run_until(lambda one: running(one, "two"), 60 * SECOND)
    assert typed(cluster, "exec two -- cat /data/x") == "kept\n"


def test_replays_the_same() -> None:
    digests = []
    for _ in range(2):
        cluster = Cluster(ClusterSpec.model_validate({"managers": 1, "workers": 1, "storage": "lvm", "seed": 9}))
        apply(cluster, CLAIM, pod("db", "data"))
        cluster.run_until(cluster.now + 10 * SECOND)
        digests.append(cluster.digest())
    assert digests[0] == digests[1]


def test_nobody_changes_in_place_what_is_stored() -> None:
    cluster = Cluster(ClusterSpec.model_validate({"managers": 1, "workers": 1, "storage": "lvm", "seed": 9}))
    apply(cluster, CLAIM, pod("db", "data"))
    detector = Detector(cluster.world)
    for _ in range(700):
        assert detector.step()
    cluster.run_until(cluster.now + 20 * SECOND)
    assert running(cluster, "db")
