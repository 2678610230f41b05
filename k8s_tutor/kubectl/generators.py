"""The objects that ``create``, ``run`` and ``expose`` make from their arguments, as kubectl builds them."""

from __future__ import annotations

import re
from typing import Any

from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.program import Tree


def metadata(name: str, labels: dict[str, str] | None = None) -> Tree:
    """As a Go struct is written: with a creationTimestamp that is null."""
    tree: Tree = {"creationTimestamp": None, "name": name}
    return {**tree, "labels": labels} if labels else tree


def container_name(image: str) -> str:
    """``reg.io/team/my_app:1`` → ``my-app``."""
    name = image.rpartition("/")[2].partition("@")[0].partition(":")[0]
    return re.sub(r"[^a-z0-9-]", "-", name.lower()).strip("-") or "container"


def deployment(name: str, images: tuple[str, ...], replicas: int, port: int, command: tuple[str, ...]) -> Tree:
    """``create deployment``."""
    containers: list[Tree] = []
    for image in images:
        container: Tree = {"image": image, "name": container_name(image), "resources": {}}
        if port:
            container["ports"] = [{"containerPort": port}]
        if command:
            container["command"] = list(command)
        containers.append(container)
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata(name, labels),
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "strategy": {},
            "template": {
                "metadata": {"creationTimestamp": None, "labels": labels},
                "spec": {"containers": containers},
            },
        },
        "status": {},
    }


def config_map(name: str, data: dict[str, str]) -> Tree:
    """``create configmap``."""
    tree: Tree = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(name)}
    return {**tree, "data": data} if data else tree


def namespace(name: str) -> Tree:
    """``create namespace``."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(name), "spec": {}, "status": {}}


def literals(pairs: tuple[str, ...]) -> dict[str, str]:
    """``--from-literal=key=value``, repeated."""
    data: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise Failure(f"invalid literal source {pair}, expected key=value")
        if key in data:
            raise Failure(f'cannot add key "{key}", another key by that name already exists in Data: {data}')
        if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
            value = value[1:-1]
        data[key] = value
    return data


def service_ports(pairs: tuple[str, ...], node_port: int = 0) -> list[Tree]:
    """``--tcp=80:8080``, repeated."""
    ports = []
    for pair in pairs:
        port, _, target = pair.partition(":")
        number = parse_port(port)
        entry: Tree = {"name": pair.replace(":", "-"), "port": number, "protocol": "TCP"}
        entry["targetPort"] = target_port(target) if target else number
        if node_port:
            entry["nodePort"] = node_port
        ports.append(entry)
    return ports


def parse_port(text: str) -> int:
    """A port number. Raises kubectl's errors."""
    if not text.isdigit():
        raise Failure(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    if not 0 < int(text) < 65_536:
        raise Failure(f"invalid port: {text}: must be between 1 and 65535, inclusive")
    return int(text)


def target_port(text: str) -> int | str:
    """A number or the name of a container's port."""
    return int(text) if text.isdigit() else text


def service(name: str, kind: str, ports: list[Tree], cluster_ip: str = "") -> Tree:
    """``create service``; ``kind`` is ClusterIP, NodePort or LoadBalancer."""
    labels = {"app": name}
    spec: Tree = {"selector": labels, "type": kind}
    if cluster_ip:
        spec["clusterIP"] = cluster_ip
    if ports:
        spec["ports"] = ports
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(name, labels),
        "spec": spec,
        "status": {"loadBalancer": {}},
    }


def pod(name: str, image: str, labels: dict[str, str], restart: str) -> Tree:
    """``run``."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(name, labels or {"run": name}),
        "spec": {
            "containers": [{"image": image, "name": name, "resources": {}}],
            "dnsPolicy": "ClusterFirst",
            "restartPolicy": restart,
        },
        "status": {},
    }


def merge(tree: Any, change: Any) -> Any:
    """RFC 7386, for ``--overrides``."""
    if not isinstance(change, dict):
        return change
    result = dict(tree) if isinstance(tree, dict) else {}
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result
