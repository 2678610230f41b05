"""A small API server for the tests: a dict of objects, answering as much of the protocol as kubectl uses.

It has no controllers; a test puts objects there with `put` and changes them between two pauses with `later`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import msgspec

from k8s_tutor.api import defaults, discovery, patch, scheme, selectors, status, tables, times
from k8s_tutor.api.wire import Request, Response
from k8s_tutor.kubectl import Pause, Result, run
from k8s_tutor.kubectl.program import Clock
from k8s_tutor.sim import CallFailed, Finished, advance

Tree = dict[str, Any]
NOW = 60_000_000


class FakeApi:
    """Objects by (plural, namespace, name)."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str, str], Tree] = {}
        self.revision = 100
        self.log: list[Request] = []
        self.pauses = 0
        self.down = ""
        self.later: dict[int, Callable[[], None]] = {}
        self.lingering: set[str] = set()
        self.budgets: dict[str, int] = {}

    def put(self, tree: Tree, created: int = 0) -> Tree:
        """Store an object as it is, with what a server adds."""
        row = scheme.BY_KIND[tree["kind"]]
        metadata = {"uid": f"uid-{tree['metadata']['name']}", "creationTimestamp": times.rfc3339(created), **tree["metadata"]}
        if row.namespaced:
            metadata.setdefault("namespace", "default")
        self.revision += 1
        stored = copy.deepcopy({**tree, "metadata": {**metadata, "resourceVersion": str(self.revision)}})
        self.objects[row.plural, metadata.get("namespace", ""), metadata["name"]] = stored
        return stored

    def get(self, plural: str, name: str, namespace: str = "default") -> Tree:
        """A stored object."""
        return self.objects[plural, namespace, name]

    def answer(self, request: Request) -> Response | CallFailed:
        """What the server says to one request."""
        self.log.append(request)
        if self.down:
            return CallFailed(self.down)
        try:
            return self._answer(request)
        except status.Refusal as refusal:
            return Response(refusal.code, msgspec.json.encode(refusal.tree))

    def _answer(self, request: Request) -> Response:
        if request.path in ("/api", "/apis"):
            rows = tuple(row for row in scheme.SERVED if bool(row.group) == (request.path == "/apis"))
            return Response(200, discovery.aggregated(rows, request.path == "/api", "v2"))
        if request.path == "/version":
            return _ok({"gitVersion": "v1.36.2", "major": "1", "minor": "36"})
        target = scheme.parse_path(request.path)
        row = target.resource
        if row is None:
            raise status.unknown_path()
        subject = status.Subject(row.group, row.plural, target.name)
        key = (row.plural, target.namespace if row.namespaced else "", target.name)
        if target.name and not (request.method == "POST" and not target.subresource) and key not in self.objects:
            raise status.not_found(subject)
        body = msgspec.json.decode(request.body) if request.body else {}
        if request.method == "GET":
            return self._read(request, row, target)
        if request.method == "POST" and target.subresource == "eviction":
            return self._evict(target.name, key)
        if request.method == "POST":
            return self._create(row, target.namespace, body)
        if request.method == "PATCH":
            return self._patch(request, row, key, target.subresource, body)
        if row.kind not in self.lingering:
            del self.objects[key]
        return _ok(status.success(subject, f"uid-{target.name}"))

    def _read(self, request: Request, row: scheme.Resource, target: scheme.Target) -> Response:
        table = "as=Table" in request.accept
        at = tables.Moment(NOW)
        if target.name:
            tree = self.objects[row.plural, target.namespace if row.namespaced else "", target.name]
            return _ok(tables.table(row, [tree], {}, at) if table else tree)
        chosen = [tree for (plural, namespace, _), tree in sorted(self.objects.items())
                  if plural == row.plural and target.namespace in ("", namespace)]
        if request.parameter("labelSelector"):
            selector = selectors.parse(request.parameter("labelSelector"))
            chosen = [tree for tree in chosen if selector.matches(tree["metadata"].get("labels") or {})]
        if request.parameter("fieldSelector"):
            terms = selectors.parse_fields(request.parameter("fieldSelector"))
            chosen = [tree for tree in chosen if selectors.fields_match(terms, tree)]
        if table:
            return _ok(tables.table(row, chosen, {}, at, request.parameter("includeObject") == "Object"))
        bare = [{key: value for key, value in tree.items() if key not in ("kind", "apiVersion")} for tree in chosen]
        return _ok({"kind": row.list_kind, "apiVersion": row.api_version, "metadata": {}, "items": bare})

    def _create(self, row: scheme.Resource, namespace: str, body: Tree) -> Response:
        name = body["metadata"]["name"]
        if (row.plural, namespace if row.namespaced else "", name) in self.objects:
            raise status.already_exists(status.Subject(row.group, row.plural, name))
        if row.namespaced:
            body["metadata"]["namespace"] = namespace
        body["metadata"].pop("creationTimestamp", None)
        defaults.apply(row, body)
        return _ok(self.put(body, NOW), 201)

    def _patch(self, request: Request, row: scheme.Resource, key: tuple[str, str, str], subresource: str,
               body: Any) -> Response:  # fmt: skip
        tree = self.objects[key]
        if subresource == "scale":
            tree = {**tree, "spec": {**tree["spec"], "replicas": body["spec"]["replicas"]}}
        elif request.content_type.startswith("application/json-patch"):
            tree = patch.json_patch(tree, body)
        elif request.content_type.startswith("application/merge-patch"):
            tree = patch.merge(tree, body)
        else:
            tree = patch.strategic(tree, body, row.type_name)
        return _ok(self.put(tree))

    def _evict(self, name: str, key: tuple[str, str, str]) -> Response:
        if self.budgets.get(name, 0) > 0:
            self.budgets[name] -= 1
            text = "Cannot evict pod as it would violate the pod's disruption budget."
            raise status.failure(429, "TooManyRequests", text, {})
        del self.objects[key]
        return _ok({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}, 201)

    def play(self, line: str, files: dict[str, Any] | None = None, now: int = NOW) -> Result:
        """Run a command to its end, re-running it from its start for each answer as the engine does."""
        given = tuple((name, msgspec.json.encode(content).decode()) for name, content in (files or {}).items())
        answers: list[Any] = []
        while True:
            asked = advance(run, (line, given, now), tuple(answers))
            if isinstance(asked, Finished):
                assert isinstance(asked.result, Result)
                return asked.result
            if isinstance(asked, Pause):
                self.pauses += 1
                self.later.pop(self.pauses, lambda: None)()
                answers.append(None)
            elif isinstance(asked, Clock):
                answers.append(now)
            elif isinstance(asked, tuple):
                answers.append(tuple(self.answer(request) for request in asked))
            else:
                assert isinstance(asked, Request)
                answers.append(self.answer(asked))
            assert len(answers) < 500, "the command does not end"


def _ok(tree: Tree, code: int = 200) -> Response:
    return Response(code, msgspec.json.encode(tree))


def pod(name: str, node: str = "node-1", labels: dict[str, str] | None = None, **more: Any) -> Tree:
    """A running pod."""
    metadata: Tree = {"name": name, "labels": labels or {}, **more.pop("metadata", {})}
    started = {"running": {"startedAt": "2026-01-01T00:00:10Z"}}
    container = {"name": "c", "image": "nginx:1", "ready": True, "restartCount": 0, "state": started, "imageID": "nginx@1",
                 "containerID": "containerd://1"}
    conditions = [{"type": "Ready", "status": "True"}, {"type": "PodScheduled", "status": "True"}]
    return {
        "kind": "Pod", "apiVersion": "v1", "metadata": metadata,
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "nginx:1"}], **more.pop("spec", {})},
        "status": {"phase": "Running", "podIP": "10.244.1.5", "podIPs": [{"ip": "10.244.1.5"}], "hostIP": "192.168.50.11",
                   "conditions": conditions, "containerStatuses": [container], "startTime": "2026-01-01T00:00:09Z", **more},
    }


def node(name: str, **spec: Any) -> Tree:
    """A ready node."""
    room = {"cpu": "4", "memory": "8Gi", "pods": "110", "ephemeral-storage": "100Gi"}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status",
             "lastHeartbeatTime": "2026-01-01T00:00:30Z", "lastTransitionTime": "2026-01-01T00:00:01Z"}
    return {
        "kind": "Node", "apiVersion": "v1", "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24"], **spec},
        "status": {"conditions": [ready], "capacity": room, "allocatable": room,
                   "addresses": [{"type": "InternalIP", "address": "192.168.50.12"}, {"type": "Hostname", "address": name}],
                   "nodeInfo": {"kubeletVersion": "v1.36.2", "osImage": "Debian GNU/Linux 12 (bookworm)",
                                "kernelVersion": "6.1.0", "containerRuntimeVersion": "containerd://2.1.0"}},
    }


def deployment(name: str = "web", replicas: int = 2, generation: int = 1, **done: int) -> Tree:
    """A Deployment; ``done`` goes into its status."""
    labels = {"app": name}
    return {
        "kind": "Deployment", "apiVersion": "apps/v1",
        "metadata": {"name": name, "labels": labels, "generation": generation,
                     "annotations": {"deployment.kubernetes.io/revision": "2"}},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                 "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
                 "template": {"metadata": {"labels": labels}, "spec": {"containers": [
                     {"name": "nginx", "image": "nginx:2", "ports": [{"containerPort": 80}]}]}}},
        "status": {"observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
                   "availableReplicas": replicas, **done},
    }


def replica_set(name: str, owner: str, revision: int, image: str, replicas: int) -> Tree:
    """A ReplicaSet of a Deployment."""
    labels = {"app": owner, "pod-template-hash": name.rpartition("-")[2]}
    return {
        "kind": "ReplicaSet", "apiVersion": "apps/v1",
        "metadata": {"name": name, "labels": labels, "annotations": {"deployment.kubernetes.io/revision": str(revision)},
                     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": owner, "controller": True,
                                          "uid": f"uid-{owner}"}]},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                 "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "nginx", "image": image}]}}},
        "status": {"replicas": replicas},
    }
