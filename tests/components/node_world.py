"""A small cluster for tests of what runs on workers: one etcd member, API servers behind the load balancer, workers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import yaml

from k8s_tutor import paths
from k8s_tutor.api.base import ApiConfig
from k8s_tutor.api.component import Access
from k8s_tutor.api.server import ApiServer
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.etcd.member import Member, MemberConfig
from k8s_tutor.net.loadbalancer import LoadBalancer, LoadBalancerConfig
from k8s_tutor.node import cri, machine
from k8s_tutor.node.images import Image, from_tree
from k8s_tutor.node.registry import Registry, RegistryConfig
from k8s_tutor.node.runtime import Runtime
from k8s_tutor.sim import SECOND, Body, CallFailed, Calling, Context, Note, World

Tree = dict[str, Any]


def images() -> tuple[Image, ...]:
    """All built-in images."""
    found: list[Image] = []
    for path in sorted((paths.assets() / "images").glob("*.yaml")):
        found += from_tree(yaml.safe_load(path.read_text()))
    return tuple(found)


def golden() -> tuple[Image, ...]:
    """The images of the recorded cases, which do what their names say."""
    spec = yaml.safe_load((Path(__file__).parents[1] / "golden_cluster.yaml").read_text())
    return from_tree({"format_version": 1, "images": spec["images"]})


class Do(Body):
    """One request that a test makes."""

    request: Request


class Hand(Calling):
    """A client in the hands of a test: it sends what it is given and keeps the last answer."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.answer: Any = None
        self.answered = 0

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Do):
            self.ask(ctx, "lb", body.request, "took")

    def took(self, ctx: Context, answer: Response | CallFailed) -> None:
        self.answer, self.answered = answer, self.answered + 1


class Small:
    """The cluster, with short words for what tests do to it."""

    def __init__(self, workers: int = 1, servers: int = 1, seed: int = 1) -> None:
        self.world = world = World(seed)
        world.add(Member, "etcd-1", MemberConfig(1, ((1, "etcd-1"),), "raft", seed), host="cp-1")
        names = tuple(f"api-{i}" for i in range(1, servers + 1))
        for i, name in enumerate(names):
            world.add(ApiServer, name, ApiConfig("etcd-1", Access("", "").epoch), host=f"cp-{i + 1}")
        world.add(LoadBalancer, "lb", LoadBalancerConfig(names), host="lb-host")
        world.add(Registry, "registry", RegistryConfig((*images(), *golden())), host="registry-host")
        for i in range(1, workers + 1):
            for part in machine.worker(i, Access("lb", "")):
                world.add(part.actor, part.name, part.config, host=f"node-{i}")
        world.add(Hand, "hand", host="hand-host")

    def call(self, method: str, path: str, tree: Tree | None = None, content_type: str = "application/json") -> Tree:
        """One API request; the world runs until it is answered."""
        answer = self.try_call(method, path, tree, content_type)
        assert isinstance(answer, Response), answer
        return msgspec.json.decode(answer.body)  # type: ignore[no-any-return]

    def try_call(
        self, method: str, path: str, tree: Tree | None = None, content_type: str = "application/json"
    ) -> Response | CallFailed:
        """One API request that may fail; the world runs until it is answered or given up."""
        body = b"" if tree is None else msgspec.json.encode(tree)
        before = self.hand().answered
        self.world.take(("call", method, path), lambda world, _: world.inject(
            "hand", Do(Request(method, path, body=body, content_type=content_type))))  # fmt: skip
        assert self.world.run_until(lambda world: self.hand().answered > before, 100_000)
        return self.hand().answer  # type: ignore[no-any-return]

    def hand(self) -> Hand:
        """The client that the test uses."""
        found = self.world.actor("hand")
        assert isinstance(found, Hand)
        return found

    def up(self) -> None:
        """Runs until every worker has registered and is ready."""
        assert self.world.run_until(30 * SECOND)
        self.call("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
        authority = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "-----BEGIN CERTIFICATE-----"}}
        self.call("POST", "/api/v1/namespaces/default/configmaps", authority)
        for node in self.call("GET", "/api/v1/nodes")["items"]:
            assert condition(node, "Ready") == "True", node

    def pod(self, name: str, image: str = "nginx", node: str = "node-1", **spec: Any) -> Tree:
        """Creates a pod that is bound already."""
        metadata = {"name": name, "namespace": "default", **spec.pop("metadata", {})}
        container = {"name": "main", "image": image, **spec.pop("container", {})}
        tree = {
            "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
            "spec": {"nodeName": node, "containers": [container], **spec},
        }  # fmt: skip
        made = self.call("POST", "/api/v1/namespaces/default/pods", tree)
        assert made["kind"] == "Pod", made
        return made

    def get(self, name: str) -> Tree:
        """A pod as the API server has it."""
        return self.call("GET", f"/api/v1/namespaces/default/pods/{name}")

    def run(self, seconds: float) -> None:
        """Lets time pass."""
        assert self.world.run_until(self.world.now + int(seconds * SECOND))

    def until(self, name: str, check: Any, seconds: int = 60) -> Tree:
        """Runs until a pod as read meets a condition, looking every 100 ms."""
        for _ in range(seconds * 10):
            found = self.get(name)
            if check(found):
                return found
            self.run(0.1)
        raise AssertionError(found)

    def ready(self, name: str) -> Tree:
        """Runs until a pod is Ready."""
        return self.until(name, lambda pod: condition(pod, "Ready") == "True")

    def runtime(self, node: int = 1) -> Runtime:
        """The runtime of a node."""
        found = self.world.actor(f"containerd-{node}")
        assert isinstance(found, Runtime)
        return found

    def running(self, node: int = 1) -> list[cri.CriContainer]:
        """What really runs on a node."""
        return [life for life in self.runtime(node).disk.containers.values() if life.state == cri.RUNNING]

    def notes(self, kind: str) -> list[dict[str, Any]]:
        """The fields of all notes of a kind."""
        return [record.fields for record in self.world.log.records() if isinstance(record, Note) and record.kind == kind]

    def events(self, name: str) -> list[tuple[str, str]]:
        """(reason, message) of the events about a pod, in the order in which they began."""
        found = self.call("GET", "/api/v1/namespaces/default/events")["items"]
        mine = [event for event in found if event["involvedObject"]["name"] == name]
        return [(event["reason"], event["message"]) for event in sorted(mine, key=lambda event: event["metadata"]["name"])]


def condition(tree: Tree, kind: str) -> str:
    """The status of a condition, or an empty text."""
    status = tree.get("status", {})
    rows = [] if status == "Failure" else status.get("conditions", [])
    return next((row["status"] for row in rows if row["type"] == kind), "")
