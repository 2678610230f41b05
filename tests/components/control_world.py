"""A small real cluster for tests: etcd, API server, scheduler, controller managers, and fake kubelets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fake_kubelets import FakeKubelets, Kubelets

from k8s_tutor.api import scheme
from k8s_tutor.api.base import ApiConfig
from k8s_tutor.api.component import Access
from k8s_tutor.api.server import ApiServer
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.cluster.images import images_of
from k8s_tutor.controllers.manager import ControllerManager, ManagerConfig
from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.node.plain import PlainConfig, PlainKubelet
from k8s_tutor.scheduler import Scheduler
from k8s_tutor.serve import specs
from k8s_tutor.sim import SECOND, Body, Calling, Context, World

GOLDEN = Path(__file__).parents[1] / "golden_cluster.yaml"


class Ask(Body):
    """Tells the person at the laptop to send a request."""

    request: Request


class Person(Calling):
    """Sends one request and keeps its answer."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.answer: Any = None

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        self.answer = None
        self.ask(ctx, "api-1", body.request, "keep")

    def keep(self, ctx: Context, answer: Any) -> None:
        self.answer = answer


class Cluster:
    """One control-plane machine, three nodes, and you. Settled when made."""

    def __init__(self, nodes: int = 3, managers: int = 1, seed: int = 1, recorded: bool = False) -> None:
        """``recorded``: nodes and images as those of the recorded cases, instead of the fake kubelets."""
        self.world = world = World(seed=seed)
        world.add(Member, "etcd-1", MemberConfig(1, ((1, "etcd-1"),)), None, "cp-1")
        world.add(ApiServer, "api-1", ApiConfig("etcd-1"), None, "cp-1")
        for i in range(1, managers + 1):
            world.add(Scheduler, f"scheduler-{i}", Access("api-1", "system:kube-scheduler"), None, f"cp-{i}")
            access = ManagerConfig("api-1", "system:kube-controller-manager")
            world.add(ControllerManager, f"controller-manager-{i}", access, None, f"cp-{i}")
        world.add(Person, "you", None, None, "laptop")
        world.run_until(5 * SECOND)
        names = tuple(f"node-{i}" for i in range(1, nodes + 1))
        if recorded:
            images = images_of(specs.load(str(GOLDEN)))
            for i, name in enumerate(names, 1):
                config = PlainConfig("api-1", "kubernetes-admin", node=name, number=i, images=images)
                world.add(PlainKubelet, f"kubelet-{i}", config, None, name)
        else:
            world.add(FakeKubelets, "kubelets", Kubelets("api-1", "kubernetes-admin", nodes=names), None, "nodes")
        self.run(10)

    def run(self, seconds: int) -> None:
        """Lets time pass."""
        self.world.run_until(self.world.now + seconds * SECOND)

    def settle(self, limit: int = 60) -> None:
        """Until nothing is left to do."""
        for _ in range(limit):
            self.run(1)
            if self.world.is_quiet():
                return
        raise AssertionError("the world does not come to rest")

    def until(self, condition: Callable[[], bool], seconds: int = 60) -> bool:
        """Runs until a condition holds; says whether it did."""
        end = self.world.now + seconds * SECOND
        return self.world.run_until(lambda world: condition() or world.now > end) and condition()

    def tell(self, method: str, path: str, tree: Any = None, form: str = "application/json") -> None:
        """Sends a request and does not wait."""
        path, _, text = path.partition("?")
        query = tuple((pair.partition("=")[0], pair.partition("=")[2]) for pair in text.split("&") if pair)
        data = b"" if tree is None else json.dumps(tree).encode()
        self.world.inject("you", Ask(Request(method, path, query, data, form)))

    def __call__(self, method: str, path: str, tree: Any = None, form: str = "application/json") -> Any:
        """One request; its answer's body. Fails when it is refused."""
        person: Any = self.world.actor("you")
        person.answer = None
        self.tell(method, path, tree, form)
        self.world.run_until(lambda world: world.now >= 0 and not person.calls and person.answer is not None, 100_000)
        answer = person.answer
        assert isinstance(answer, Response), answer
        person.answer = None
        assert answer.code < 300, answer.body
        return json.loads(answer.body)

    def patch(self, path: str, tree: Any) -> Any:
        """A merge patch."""
        return self("PATCH", path, tree, "application/merge-patch+json")

    def list(self, kind: str, namespace: str = "default") -> list[Any]:
        """All objects of a kind."""
        found = self("GET", scheme.resource(kind).path(namespace if scheme.resource(kind).namespaced else ""))
        return list(found["items"])

    def notes(self, kind: str) -> list[Any]:
        """What was noted."""
        return [r for r in self.world.log.records() if getattr(r, "kind", "") == kind]


def deployment(name: str = "web", replicas: int = 3, image: str = "nginx:1", **spec: Any) -> dict[str, Any]:
    """A Deployment's manifest."""
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": image}]}}, **spec,
        },
    }  # fmt: skip


DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
PODS = "/api/v1/namespaces/default/pods"
