"""Containers of a pod: names, images, ports, environment, mounts, probes (pkg/apis/core/validation)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.status import Cause
from k8s_tutor.api.validation import environment, names, resources, security
from k8s_tutor.api.validation.causes import (
    PORT_RANGE,
    duplicate,
    forbidden,
    invalid,
    non_negative,
    not_found,
    not_supported,
    required,
)

Tree = dict[str, Any]

PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_TERMINATION = ("FallbackToLogsOnError", "File")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def _ports(found: list[Cause], field: str, ports: list[Tree]) -> None:
    seen: list[str] = []
    for index, port in enumerate(ports):
        place = f"{field}[{index}]"
        name = port.get("name", "")
        if name:
            problems = names.port_name(name)
            found += [invalid(f"{place}.name", name, problem) for problem in problems]
            if not problems:
                if name in seen:
                    found.append(duplicate(f"{place}.name", name))
                seen.append(name)
        number = port.get("containerPort", 0)
        if number == 0:
            found.append(required(f"{place}.containerPort"))
        elif not 1 <= number <= 65_535:
            found.append(invalid(f"{place}.containerPort", number, PORT_RANGE))
        host = port.get("hostPort", 0)
        if host and not 1 <= host <= 65_535:
            found.append(invalid(f"{place}.hostPort", host, PORT_RANGE))
        protocol = port.get("protocol", "")
        if not protocol:
            found.append(required(f"{place}.protocol"))
        elif protocol not in PROTOCOLS:
            found.append(not_supported(f"{place}.protocol", protocol, PROTOCOLS))


def _mounts(found: list[Cause], field: str, mounts: list[Tree], volumes: list[str]) -> None:
    paths: list[str] = []
    for index, mount in enumerate(mounts):
        place = f"{field}[{index}]"
        name = mount.get("name", "")
        if not name:
            found.append(required(f"{place}.name"))
        if name not in volumes:
            found.append(not_found(f"{place}.name", name))
        path = mount.get("mountPath", "")
        if not path:
            found.append(required(f"{place}.mountPath"))
        if path in paths:
            found.append(invalid(f"{place}.mountPath", path, "must be unique"))
        paths.append(path)
        for part in ("subPath", "subPathExpr"):
            inner = mount.get(part, "")
            if inner.startswith("/"):
                found.append(invalid(f"{place}.{part}", inner, "must be a relative path"))
            elif ".." in inner.split("/"):
                found.append(invalid(f"{place}.{part}", inner, "must not contain '..'"))
        if mount.get("subPath") and mount.get("subPathExpr"):
            text = "subPathExpr and subPath are mutually exclusive"
            found.append(invalid(f"{place}.subPathExpr", mount["subPathExpr"], text))


def _action(found: list[Cause], field: str, action: Tree, what: str) -> None:
    handlers = [name for name in _HANDLERS if name in action]
    if not handlers:
        found.append(required(field, f"must specify a {what} type"))
    for extra in handlers[1:]:
        found.append(forbidden(f"{field}.{extra}", f"may not specify more than 1 {what} type"))
    if not handlers:
        return
    kind, handler = handlers[0], action[handlers[0]]
    place = f"{field}.{kind}"
    if kind == "exec":
        if not handler.get("command"):
            found.append(required(f"{place}.command"))
        return
    if kind == "httpGet" and not handler.get("path"):
        found.append(required(f"{place}.path"))
    port = handler.get("port", 0)
    if isinstance(port, int):
        if not 1 <= port <= 65_535:
            found.append(invalid(f"{place}.port", port, PORT_RANGE))
    else:
        found += [invalid(f"{place}.port", port, problem) for problem in names.port_name(port)]


def _probe(found: list[Cause], field: str, kind: str, probe: Tree) -> None:
    _action(found, field, probe, "handler")
    for name in (
        "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold",
    ):  # fmt: skip
        non_negative(found, f"{field}.{name}", probe.get(name))
    if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        found.append(invalid(f"{field}.successThreshold", probe["successThreshold"], "must be 1"))


def _container(found: list[Cause], field: str, container: Tree, volumes: list[str]) -> None:
    image = container.get("image", "")
    if not image:
        found.append(required(f"{field}.image"))
    elif image != image.strip():
        found.append(invalid(f"{field}.image", image, "must not have leading or trailing whitespace"))
    policy = container.get("imagePullPolicy", "")
    if not policy:
        found.append(required(f"{field}.imagePullPolicy"))
    elif policy not in _PULL_POLICIES:
        found.append(not_supported(f"{field}.imagePullPolicy", policy, _PULL_POLICIES))
    message = container.get("terminationMessagePolicy", "")
    if message not in _TERMINATION:
        found.append(not_supported(f"{field}.terminationMessagePolicy", message, _TERMINATION))
    if "ports" in container:
        _ports(found, f"{field}.ports", container["ports"])
    if "env" in container:
        environment.variables(found, f"{field}.env", container["env"])
    if "envFrom" in container:
        environment.sources(found, f"{field}.envFrom", container["envFrom"])
    if "volumeMounts" in container:
        _mounts(found, f"{field}.volumeMounts", container["volumeMounts"], volumes)
    if container.get("resources"):
        resources.check(found, f"{field}.resources", container["resources"])
    for kind in _PROBES:
        if kind in container:
            _probe(found, f"{field}.{kind}", kind, container[kind])
    if "securityContext" in container:
        security.container(found, f"{field}.securityContext", container["securityContext"])
    for kind, hook in container.get("lifecycle", {}).items():
        if isinstance(hook, dict):
            _action(found, f"{field}.lifecycle.{kind}", hook, "handler")


def check(found: list[Cause], field: str, containers: list[Tree], volumes: list[str], seen: list[str], init: bool) -> None:
    """A list of containers; ``seen`` collects their names, which must differ across all lists of a pod."""
    for index, container in enumerate(containers):
        place = f"{field}[{index}]"
        name = container.get("name", "")
        if not name:
            found.append(required(f"{place}.name"))
        else:
            problems = names.dns_label(name)
            found += [invalid(f"{place}.name", name, problem) for problem in problems]
            if name in seen:
                found.append(duplicate(f"{place}.name", name))
            seen.append(name)
        _container(found, place, container, volumes)
        if not init:
            continue
        sidecar = container.get("restartPolicy") == "Always"
        for kind in ("lifecycle", *_PROBES):
            if kind in container and not sidecar:
                text = "may not be set for init containers without restartPolicy=Always"
                found.append(forbidden(f"{place}.{kind}", text))
