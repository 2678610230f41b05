"""Random crashes, cuts, kills and deletes on small clusters: when all is mended, what runs is what should run."""

from __future__ import annotations

import pytest
from node_world import Small, condition

from k8s_tutor.node import cri
from k8s_tutor.sim import SECOND, Chance, World

STEPS = 24
SEEDS = range(1, 7)
MANY = range(100, 200)
PROCESSES = (
    "kubelet-1", "containerd-1", "shim-1", "cni-1", "kube-proxy-1", "registry", "api-1", "node-1", "node-2", "kubelet-2",
)  # fmt: skip
CUTS = ((("node-1",), ("lb-host",)), (("node-2",), ("registry-host",)), (("cp-1",), ("lb-host",)))
IMAGES = ("nginx", "httpd:2.4", "hello:1", "nope", "music/violin")


def mischief(small: Small, chance: Chance, number: int) -> None:
    """One more random thing happens."""
    world, kind = small.world, chance.draw("kind", 9)
    if kind == 8:
        mend(world)
    elif kind in (0, 1):
        target = PROCESSES[chance.draw("target", len(PROCESSES))]
        world.take(("crash", target), lambda w, _: w.crash(target))
    elif kind == 2:
        groups = CUTS[chance.draw("cut", len(CUTS))]
        world.take(("cut", groups), lambda w, _: w.cut(groups))
        small.run(chance.draw("silence", 90))
        if chance.draw("heal", 2):
            world.take(("heal", groups), lambda w, _: w.heal(groups))
    elif kind == 3:
        kill(world, f"default/pod-{chance.draw('victim', number + 1)}")
    elif kind == 4:
        create_or_delete(small, "DELETE", f"pod-{chance.draw('deleted', number + 1)}")
    else:
        image = IMAGES[chance.draw("image", len(IMAGES))]
        create_or_delete(small, "POST", f"pod-{number}", image, f"node-{1 + chance.draw('node', 2)}")


def mend(world: World) -> None:
    """All cables are whole, and everything is switched on."""
    world.take("heal", lambda w, _: w.heal())
    for host in dict.fromkeys(world.network.hosts.values()):
        world.take(("restart", host), lambda w, _, host=host: w.restart(host))  # type: ignore[misc]


def kill(world: World, pod: str) -> None:
    for runtime in ("containerd-1", "containerd-2"):
        if world.actor(runtime) is not None:
            world.take(("kill", pod), lambda w, _, r=runtime: w.inject(r, cri.Kill(pod)))  # type: ignore[misc]


def create_or_delete(small: Small, method: str, name: str, image: str = "", node: str = "") -> None:
    if method == "DELETE":
        small.try_call("DELETE", f"/api/v1/namespaces/default/pods/{name}")
        return
    spec = {"nodeName": node, "terminationGracePeriodSeconds": 3, "containers": [{"name": "main", "image": image}]}
    tree = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}
    small.try_call("POST", "/api/v1/namespaces/default/pods", tree)


def check(small: Small) -> None:
    """Reported and actual agree, and both are what was asked for."""
    pods = small.call("GET", "/api/v1/namespaces/default/pods")["items"]
    alive = {pod["metadata"]["uid"]: pod for pod in pods}
    good = {uid for uid, pod in alive.items() if pod["spec"]["containers"][0]["image"] != "nope"}
    lives = [life for node in (1, 2) for life in small.running(node)]
    assert sorted(life.uid for life in lives) == sorted(good)
    for pod in pods:
        assert not pod["metadata"].get("deletionTimestamp"), pod["metadata"]["name"]
        if pod["metadata"]["uid"] not in good:
            assert pod["status"]["phase"] == "Pending"
            continue
        assert condition(pod, "Ready") == "True", pod["status"]
        life = next(life for life in lives if life.uid == pod["metadata"]["uid"])
        container = pod["status"]["containerStatuses"][0]
        assert container["containerID"] == f"containerd://{life.id}" and container["restartCount"] == life.attempt
    for node in (1, 2):
        boxes = [box for box in small.runtime(node).disk.sandboxes.values() if box.state == cri.READY]
        leases = small.world.actor(f"cni-{node}").disk.leases  # type: ignore[union-attr]
        mine = {uid: pod for uid, pod in alive.items() if pod["spec"]["nodeName"] == f"node-{node}"}
        assert sorted(box.uid for box in boxes) == sorted(mine)
        assert sorted(leases) == sorted(box.ip for box in boxes)
        assert sorted(box.ip for box in boxes) == sorted(pod["status"]["podIP"] for pod in mine.values())
        assert sorted({box.uid for box in small.runtime(node).disk.sandboxes.values()}) == sorted(mine)


def play(seed: int) -> None:
    small = Small(workers=2, servers=2, seed=seed)
    small.up()
    chance = Chance(seed)
    for number in range(STEPS):
        mischief(small, chance, number)
        small.run(chance.draw("pause", 4_000) / 1_000)
    mend(small.world)
    assert small.world.run_until(small.world.now + 420 * SECOND)
    check(small)


@pytest.mark.parametrize("seed", SEEDS)
def test_all_is_well_when_all_is_mended(seed: int) -> None:
    play(seed)


@pytest.mark.long
@pytest.mark.parametrize("seed", MANY)
def test_all_is_well_when_all_is_mended_many(seed: int) -> None:
    play(seed)
