"""The objects that ``create``, ``run`` and ``expose`` make from their arguments, as kubectl builds them."""

from __future__ import annotations

import base64
import hashlib
import json
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
        if port and not containers:
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


def literal(pair: str) -> tuple[str, str]:
    """``--from-literal=key=value``."""
    key, equals, value = pair.partition("=")
    if not equals or not key:
        raise Failure(f"invalid literal source {pair}, expected key=value")
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return key, value


def env_lines(text: str) -> list[tuple[str, str]]:
    """``KEY=value`` lines; comments and empty lines are left out."""
    found = []
    for line in text.splitlines():
        line = line.lstrip()
        if line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.append((key, value))
    return found


def secret(name: str, kind: str, data: dict[str, str]) -> Tree:
    """``create secret``; ``kind`` is its type, empty for Opaque."""
    tree: Tree = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata(name)}
    if data:
        tree["data"] = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {**tree, "type": kind} if kind else tree


def content_hash(tree: Tree) -> str:
    """Ten letters that say what is in a ConfigMap or Secret (kubectl pkg/util/hash)."""
    keep = {"kind": tree["kind"], "name": tree["metadata"]["name"], "data": tree.get("data") or ""}
    if tree["kind"] == "Secret":
        keep["type"] = tree.get("type", "")
    text = json.dumps(dict(sorted(keep.items())), separators=(",", ":"), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return "".join({"0": "g", "1": "h", "3": "k", "a": "m", "e": "t"}.get(sign, sign) for sign in digest[:10])


def whole(text: str) -> int | str:
    """A number, or the text when it is none."""
    return int(text) if text.isdigit() else text


def job(name: str, image: str, command: tuple[str, ...]) -> Tree:
    """``create job``."""
    template = _pod_template(name, image, command, "Never")
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(name), "spec": {"template": template}, "status": {}}


def cron_job(name: str, image: str, schedule: str, command: tuple[str, ...], restart: str) -> Tree:
    """``create cronjob``."""
    template = {"metadata": metadata(name), "spec": {"template": _pod_template(name, image, command, restart)}}
    spec = {"jobTemplate": template, "schedule": schedule}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata(name), "spec": spec, "status": {}}


def _pod_template(name: str, image: str, command: tuple[str, ...], restart: str) -> Tree:
    container: Tree = {"image": image, "name": name, "resources": {}}
    if command:
        container["command"] = list(command)
    return {"metadata": {"creationTimestamp": None}, "spec": {"containers": [container], "restartPolicy": restart}}


def ingress(name: str, rules: list[dict[str, Any]], backend: str, class_name: str) -> Tree:
    """``create ingress``; each rule has host, path, name and port of the service, tls and secret."""
    spec: Tree = {"ingressClassName": class_name} if class_name else {}
    if backend:
        spec["defaultBackend"] = _backend(*backend.split(":"))
    hosts: dict[str, list[Tree]] = {}
    tls: dict[str, list[str]] = {}
    for rule in rules:
        prefix = rule["path"].endswith("*")
        path = {"backend": _backend(rule["name"], rule["port"]), "path": rule["path"].removesuffix("*"),
                "pathType": "Prefix" if prefix else "Exact"}  # fmt: skip
        hosts.setdefault(rule["host"], []).append(path)
        if rule["tls"] is not None and rule["host"] not in tls.setdefault(rule["secret"] or "", []):
            tls[rule["secret"] or ""].append(rule["host"])
    if hosts:
        spec["rules"] = [{**({"host": host} if host else {}), "http": {"paths": paths}} for host, paths in hosts.items()]
    if tls:
        spec["tls"] = [
            {**({"hosts": [one for one in names if one]} if any(names) else {}), **({"secretName": kept} if kept else {})}
            for kept, names in tls.items()
        ]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata(name), "spec": spec,
            "status": {"loadBalancer": {}}}  # fmt: skip


def _backend(name: str, port: str) -> Tree:
    return {"service": {"name": name, "port": {"number": int(port)} if port.isdigit() else {"name": port}}}


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


def service(name: str, kind: str, ports: list[Tree], cluster_ip: str = "", external: str = "") -> Tree:
    """``create service``; ``kind`` is ClusterIP, NodePort, LoadBalancer or ExternalName."""
    labels = {"app": name}
    spec: Tree = {"selector": labels, "type": kind}
    if cluster_ip:
        spec["clusterIP"] = cluster_ip
    if external:
        spec["externalName"] = external
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
