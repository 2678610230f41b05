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
_TERMINATION = ("File", "FallbackToLogsOnError")
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")
_SCHEMES = ("HTTP", "HTTPS")
_PROPAGATION = ("Bidirectional", "HostToContainer", "None")
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


def _mounts(found: list[Cause], field: str, container: Tree, volumes: list[str]) -> None:
    paths: list[str] = []
    mounts: list[Tree] = container["volumeMounts"]
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
                found.append(invalid(f"{field}.{part}", inner, "must be a relative path"))
            if ".." in inner.split("/"):
                found.append(invalid(f"{field}.{part}", inner, "must not contain '..'"))
        if mount.get("subPath") and mount.get("subPathExpr"):
            text = "subPathExpr and subPath are mutually exclusive"
            found.append(invalid(f"{place}.subPathExpr", mount["subPathExpr"], text))
        propagation = mount.get("mountPropagation")
        if propagation is not None and propagation not in _PROPAGATION:
            found.append(not_supported(f"{field}.mountPropagation", propagation, _PROPAGATION))
        if propagation == "Bidirectional" and not container.get("securityContext", {}).get("privileged"):
            text = "Bidirectional mount propagation is available only to privileged containers"
            found.append(forbidden(f"{field}.mountPropagation", text))


def _devices(found: list[Cause], field: str, container: Tree, volumes: list[str]) -> None:
    mounts = container.get("volumeMounts", ())
    paths: list[str] = []
    for index, device in enumerate(container["volumeDevices"]):
        place = f"{field}[{index}]"
        name, path = device.get("name", ""), device.get("devicePath", "")
        if not name:
            found.append(required(f"{place}.name"))
        if name not in volumes:
            found.append(not_found(f"{place}.name", name))
        if not path:
            found.append(required(f"{place}.devicePath"))
        if path in paths:
            found.append(invalid(f"{place}.devicePath", path, "must be unique"))
        paths.append(path)
        if any(mount.get("name") == name for mount in mounts):
            found.append(invalid(f"{place}.name", name, "must not already exist in volumeMounts"))


def _action(found: list[Cause], field: str, action: Tree, grace: int | None = None) -> None:
    handlers = [name for name in _HANDLERS if name in action]
    if not handlers:
        found.append(required(field, "must specify a handler type"))
    for extra in handlers[1:]:
        found.append(forbidden(f"{field}.{extra}", "may not specify more than 1 handler type"))
    if not handlers:
        return
    kind, handler = handlers[0], action[handlers[0]]
    place = f"{field}.{kind}"
    if kind == "exec":
        if not handler.get("command"):
            found.append(required(f"{place}.command"))
        return
    if kind == "sleep":
        seconds = handler.get("seconds", 0)
        if grace is not None and not 0 <= seconds <= grace:
            text = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
            found.append(invalid(place, seconds, text))
        return
    if kind == "httpGet":
        if not handler.get("path"):
            found.append(required(f"{place}.path"))
        if handler.get("scheme") not in _SCHEMES:
            found.append(not_supported(f"{place}.scheme", handler.get("scheme", ""), _SCHEMES))
    port = handler.get("port", 0)
    if isinstance(port, int):
        if not 1 <= port <= 65_535:
            found.append(invalid(f"{place}.port", port, PORT_RANGE))
    else:
        found += [invalid(f"{place}.port", port, problem) for problem in names.port_name(port)]


def _probe(found: list[Cause], field: str, kind: str, probe: Tree) -> None:
    _action(found, field, probe)
    for name in (
        "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold",
    ):  # fmt: skip
        non_negative(found, f"{field}.{name}", probe.get(name))
    if kind != "readinessProbe" and probe.get("successThreshold", 1) != 1:
        found.append(invalid(f"{field}.successThreshold", probe["successThreshold"], "must be 1"))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        found.append(invalid(f"{field}.terminationGracePeriodSeconds", grace, "must be greater than 0"))
    if grace is not None and kind == "readinessProbe":
        text = "must not be set for readinessProbes"
        found.append(invalid(f"{field}.terminationGracePeriodSeconds", grace, text))


def _container(found: list[Cause], field: str, container: Tree, volumes: list[str]) -> None:
    image = container.get("image", "")
    if not image:
        found.append(required(f"{field}.image"))
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
        _mounts(found, f"{field}.volumeMounts", container, volumes)
    if "volumeDevices" in container:
        _devices(found, f"{field}.volumeDevices", container, volumes)
    if container.get("resources"):
        resources.check(found, f"{field}.resources", container["resources"])
    if "securityContext" in container:
        security.container(found, f"{field}.securityContext", container["securityContext"])


def _health(found: list[Cause], field: str, container: Tree, grace: int | None) -> None:
    """Probes and hooks, which only containers that go on running have."""
    for kind in _PROBES:
        if kind in container:
            _probe(found, f"{field}.{kind}", kind, container[kind])
    for kind, hook in container.get("lifecycle", {}).items():
        if isinstance(hook, dict):
            _action(found, f"{field}.lifecycle.{kind}", hook, grace)


def padded_images(found: list[Cause], field: str, containers: list[Tree]) -> None:
    """White space around an image's name, which only pods are asked about, not templates."""
    for index, container in enumerate(containers):
        image = container.get("image", "")
        if image != image.strip():
            text = "must not have leading or trailing whitespace"
            found.append(invalid(f"{field}[{index}].image", image, text))


def check(
    found: list[Cause], field: str, containers: list[Tree], volumes: list[str], seen: list[str], init: bool,
    grace: int | None = None,
) -> None:  # fmt: skip
    """A list of containers; ``seen`` collects their names, which must differ across all lists of a pod. ``grace`` is how
    many seconds the pod has to stop."""
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
        policy = container.get("restartPolicy")
        if not init or policy == "Always":
            _health(found, place, container, grace)
            continue
        for kind in ("lifecycle", *_PROBES):
            if kind in container:
                text = "may not be set for init containers without restartPolicy=Always"
                found.append(forbidden(f"{place}.{kind}", text))
