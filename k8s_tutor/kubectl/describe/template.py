"""Containers, volumes and pod templates: the parts that pods and their controllers share."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity
from k8s_tutor.kubectl import printers
from k8s_tutor.kubectl.describe.writer import Writer, lower, moment, selector, truth
from k8s_tutor.kubectl.program import Tree


def pod_template(template: Tree) -> str:
    """``Pod Template:`` alone, as ``rollout history --revision`` prints it."""
    writer = Writer()
    write_template(writer, template)
    return writer.text()


def write_template(writer: Writer, template: Tree) -> None:
    """The block ``Pod Template:``."""
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    writer.line(0, "Pod Template:")
    writer.labels("  Labels", metadata.get("labels"))
    if metadata.get("annotations"):
        writer.annotations("  Annotations", metadata["annotations"])
    if spec.get("serviceAccountName"):
        writer.line(1, f"Service Account:\t{spec['serviceAccountName']}")
    if spec.get("initContainers"):
        write_containers(writer, "Init Containers", spec["initContainers"], (), {}, "  ")
    write_containers(writer, "Containers", spec.get("containers") or (), (), {}, "  ")
    write_volumes(writer, spec.get("volumes") or (), "  ")
    write_spread(writer, spec.get("topologySpreadConstraints") or (), "  ")
    if spec.get("priorityClassName"):
        writer.line(1, f"Priority Class Name:\t{spec['priorityClassName']}")
    writer.labels("  Node-Selectors", spec.get("nodeSelector"))
    writer.tolerations("  Tolerations", spec.get("tolerations"))


def write_spread(writer: Writer, constraints: Any, space: str) -> None:
    """``Topology Spread Constraints:``, when there are any."""
    ordered = sorted(constraints, key=lambda one: one.get("topologyKey", ""))
    for place, one in enumerate(ordered):
        head = f"{space}{'Topology Spread Constraints:' if place == 0 else ''}\t"
        text = f"{one.get('topologyKey')}:{one.get('whenUnsatisfiable')} when max skew {one.get('maxSkew')} is exceeded"
        if one.get("labelSelector") is not None:
            text += f" for selector {selector(one['labelSelector'])}"
        writer.line(0, head + text)


def write_containers(writer: Writer, title: str, containers: Any, statuses: Any, pod: Tree, space: str) -> None:
    """A block of containers; ``statuses`` is empty for templates, ``pod`` resolves field references."""
    known = {status["name"]: status for status in statuses or ()}
    writer.line(0, f"{space}{title}:{'' if containers else ' <none>'}")
    for container in containers:
        status = known.get(container["name"])
        _basics(writer, container, status, space)
        for field, head in (("command", "Command"), ("args", "Args")):
            if container.get(field):
                writer.line(2, f"{head}:")
                for text in container[field]:
                    for row in text.split("\n"):
                        writer.line(3, row)
        if status is not None:
            _states(writer, status)
        _resources(writer, container.get("resources") or {})
        for field, head in (("livenessProbe", "Liveness"), ("readinessProbe", "Readiness"), ("startupProbe", "Startup")):
            if container.get(field):
                writer.line(2, f"{head}:\t{_probe(container[field])}")
        _environment(writer, container, pod)
        _mounts(writer, container)


def _basics(writer: Writer, container: Tree, status: Tree | None, space: str) -> None:
    writer.line(1, f"{' ' if space else ''}{container['name']}:")
    if status is not None:
        writer.line(2, f"Container ID:\t{status.get('containerID', '')}")
    writer.line(2, f"Image:\t{container.get('image', '')}")
    if status is not None:
        writer.line(2, f"Image ID:\t{status.get('imageID', '')}")
    for field, head in (("containerPort", "Port"), ("hostPort", "Host Port")):
        ports = [_port(port, field) for port in container.get("ports") or ()]
        writer.line(2, f"{head}{'s' if len(ports) > 1 else ''}:\t{', '.join(ports) or '<none>'}")


def _port(port: Tree, field: str) -> str:
    text = f"{port.get(field, 0)}/{port.get('protocol', 'TCP')}"
    return f"{text} ({port['name']})" if port.get("name") else text


def _states(writer: Writer, status: Tree) -> None:
    _state(writer, "State", status.get("state") or {})
    if (status.get("lastState") or {}).get("terminated"):
        _state(writer, "Last State", status["lastState"])
    writer.line(2, f"Ready:\t{truth(status.get('ready'))}")
    writer.line(2, f"Restart Count:\t{status.get('restartCount', 0)}")


def _state(writer: Writer, title: str, state: Tree) -> None:
    if state.get("running") is not None:
        writer.line(2, f"{title}:\tRunning")
        writer.line(3, f"Started:\t{moment(state['running'].get('startedAt'))}")
    elif state.get("terminated") is not None:
        ended = state["terminated"]
        writer.line(2, f"{title}:\tTerminated")
        for field, head in (("reason", "Reason"), ("message", "Message")):
            if ended.get(field):
                writer.line(3, f"{head}:\t{ended[field]}")
        writer.line(3, f"Exit Code:\t{ended.get('exitCode', 0)}")
        if ended.get("signal"):
            writer.line(3, f"Signal:\t{ended['signal']}")
        writer.line(3, f"Started:\t{moment(ended.get('startedAt'))}")
        writer.line(3, f"Finished:\t{moment(ended.get('finishedAt'))}")
    else:
        writer.line(2, f"{title}:\tWaiting")
        reason = (state.get("waiting") or {}).get("reason")
        if reason:
            writer.line(3, f"Reason:\t{reason}")


def _resources(writer: Writer, resources: Tree) -> None:
    for field, head in (("limits", "Limits"), ("requests", "Requests")):
        if resources.get(field):
            writer.line(2, f"{head}:")
            for name, amount in sorted(resources[field].items()):
                writer.line(3, f"{name}:\t{quantity.canonical(str(amount))}")


def _probe(probe: Tree) -> str:
    numbers = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 1)}s "
        f"period={probe.get('periodSeconds', 10)}s #success={probe.get('successThreshold', 1)} "
        f"#failure={probe.get('failureThreshold', 3)}"
    )
    if probe.get("exec") is not None:
        return f"exec [{' '.join(probe['exec'].get('command') or ())}] {numbers}"
    if probe.get("httpGet") is not None:
        get = probe["httpGet"]
        path = str(get.get("path", ""))
        path = path if not path or path.startswith("/") else "/" + path
        url = f"{str(get.get('scheme', 'HTTP')).lower()}://{get.get('host', '')}:{get.get('port')}{path}"
        return f"http-get {url} {numbers}"
    if probe.get("tcpSocket") is not None:
        return f"tcp-socket {probe['tcpSocket'].get('host', '')}:{probe['tcpSocket'].get('port')} {numbers}"
    if probe.get("grpc") is not None:
        return f"grpc <pod>:{probe['grpc'].get('port')} {probe['grpc'].get('service', '')} {numbers}"
    return f"unknown {numbers}"


def _environment(writer: Writer, container: Tree, pod: Tree) -> None:
    if container.get("envFrom"):
        writer.line(2, "Environment Variables from:")
        for one in container["envFrom"]:
            kind = "ConfigMap" if one.get("configMapRef") else "Secret"
            source = one.get("configMapRef") or one.get("secretRef") or {}
            prefix = f" with prefix '{one['prefix']}'" if one.get("prefix") else ""
            writer.line(3, f"{source.get('name', '')}\t{kind}{prefix}\tOptional: {lower(source.get('optional'))}")
    writer.line(2, "Environment:" + ("" if container.get("env") else "\t<none>"))
    for one in container.get("env") or ():
        for place, row in enumerate(_value(one, container, pod).split("\n")):
            writer.line(3, f"{one['name'] + ':' if place == 0 else ''}\t{row}")


def _value(one: Tree, container: Tree, pod: Tree) -> str:
    source = one.get("valueFrom")
    if not source:
        return str(one.get("value", ""))
    if source.get("fieldRef"):
        path = source["fieldRef"].get("fieldPath", "")
        return f"{_field(path, pod)} ({source['fieldRef'].get('apiVersion', 'v1')}:{path})"
    if source.get("resourceFieldRef"):
        name, divisor = source["resourceFieldRef"].get("resource", ""), source["resourceFieldRef"].get("divisor", "0")
        kind, _, resource = name.partition(".")
        given = ((container.get("resources") or {}).get(kind) or {}).get(resource, "0")
        unit = quantity.nano(divisor) or quantity.NANO
        amount = str(-(-quantity.nano(given) // unit))
        if amount == "0" and name in ("limits.cpu", "limits.memory"):
            amount = "node allocatable"
        return f"{amount} ({name})"
    for field, text in (("secretKeyRef", "in secret"), ("configMapKeyRef", "of config map")):
        if source.get(field):
            ref = source[field]
            head = f"<set to the key '{ref.get('key')}' {text} '{ref.get('name')}'>"
            return f"{head}\tOptional: {lower(ref.get('optional'))}"
    return ""


def _field(path: str, pod: Tree) -> str:
    """The value that a downward reference will have, empty where only the kubelet knows."""
    if "[" in path:
        head, _, key = path.partition("['")
        return str(((pod.get("metadata") or {}).get(head.rpartition(".")[2]) or {}).get(key.removesuffix("']"), ""))
    found: Any = pod
    for key in path.split("."):
        found = found.get(key, "") if isinstance(found, dict) else ""
    return found if isinstance(found, str) else ""


def _mounts(writer: Writer, container: Tree) -> None:
    mounts = sorted(container.get("volumeMounts") or (), key=lambda one: one["mountPath"])
    writer.line(2, "Mounts:" + ("" if mounts else "\t<none>"))
    for mount in mounts:
        flags = ["ro" if mount.get("readOnly") else "rw"]
        if mount.get("subPath"):
            flags.append(f'path="{mount["subPath"]}"')
        writer.line(3, f"{mount['mountPath']} from {mount['name']} ({','.join(flags)})")


def write_volumes(writer: Writer, volumes: Any, space: str) -> None:
    """The block ``Volumes:``."""
    if not volumes:
        writer.line(0, f"{space}Volumes:\t<none>")
        return
    writer.line(0, f"{space}Volumes:")
    for volume in volumes:
        writer.line(1, f"{' ' if space else ''}{volume['name']}:")
        for place, row in enumerate(_volume(volume)):
            writer.line(2 if place or row.startswith("Type") else 1, row)


def _volume(volume: Tree) -> list[str]:
    return volume_rows({key: value for key, value in volume.items() if key != "name"})


def volume_rows(sources: Tree) -> list[str]:
    """The lines of one source of a volume."""
    source = next(iter(sources), "emptyDir")
    body: Tree = sources.get(source) or {}
    if source in VOLUMES:
        title, fields = VOLUMES[source]
        return [f"Type:\t{title}", *(row for name, field in fields for row in _field_rows(name, body.get(field), field))]
    if source == "emptyDir":
        limit = body.get("sizeLimit")
        return ["Type:\tEmptyDir (a temporary directory that shares a pod's lifetime)", f"Medium:\t{body.get('medium', '')}",
                f"SizeLimit:\t{quantity.canonical(str(limit)) if limit else '<unset>'}"]  # fmt: skip
    if source == "downwardAPI":
        return ["Type:\tDownwardAPI (a volume populated by information about the pod)", "Items:", *_downward(body)]
    if source == "ephemeral":
        return _ephemeral(body.get("volumeClaimTemplate") or {})
    if source == "projected":
        return _projected(body)
    return ["<unknown>"] if not body else [f"Type:\t{source}", *(f"{key}:\t{_plain(body[key])}" for key in sorted(body))]


VOLUMES: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "configMap": ("ConfigMap (a volume populated by a ConfigMap)", (("Name", "name"), ("Optional", "optional"))),
    "csi": ("CSI (a Container Storage Interface (CSI) volume source)",
            (("Driver", "driver"), ("FSType", "fsType"), ("VolumeHandle", "volumeHandle"), ("ReadOnly", "readOnly"),
             ("VolumeAttributes", "volumeAttributes"))),
    "hostPath": ("HostPath (bare host directory volume)", (("Path", "path"), ("HostPathType", "type"))),
    "iscsi": ("ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)",
              (("TargetPortal", "targetPortal"), ("IQN", "iqn"), ("Lun", "lun"), ("FSType", "fsType"),
               ("ReadOnly", "readOnly"))),
    "local": ("LocalVolume (a persistent volume backed by local storage on a node)", (("Path", "path"),)),
    "nfs": ("NFS (an NFS mount that lasts the lifetime of a pod)",
            (("Server", "server"), ("Path", "path"), ("ReadOnly", "readOnly"))),
    "persistentVolumeClaim": ("PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
                              (("ClaimName", "claimName"), ("ReadOnly", "readOnly"))),
    "secret": ("Secret (a volume populated by a Secret)", (("SecretName", "secretName"), ("Optional", "optional"))),
}  # fmt: skip
"""Kinds of volumes: what they are, and their fields as (title, name)."""


def _field_rows(title: str, value: Any, field: str) -> list[str]:
    if field == "volumeHandle" and value is None:  # only persistent volumes have one
        return []
    if field == "volumeAttributes":
        return [f"{title}:\t{'    ' + key + '=' + str(value[key])}" if place == 0 else f"\t    {key}={value[key]}"
                for place, key in enumerate(sorted(value or {}))]  # fmt: skip
    if field in ("optional", "readOnly"):
        return [f"{title}:\t{lower(value)}"]
    return [f"{title}:\t{'' if value is None else value}"]


def _downward(body: Tree) -> list[str]:
    rows = []
    for item in body.get("items") or ():
        if item.get("fieldRef"):
            rows.append(f"  {item['fieldRef'].get('fieldPath')} -> {item.get('path')}")
        elif item.get("resourceFieldRef"):
            rows.append(f"  {item['resourceFieldRef'].get('resource')} -> {item.get('path')}")
    return rows


def _ephemeral(claim: Tree) -> list[str]:
    metadata, spec = claim.get("metadata") or {}, claim.get("spec") or {}
    labels = [f"{key}={value}" for key, value in sorted((metadata.get("labels") or {}).items())] or ["<none>"]
    return [
        "Type:\tEphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)",
        f"StorageClass:\t{spec.get('storageClassName') or ''}", "Volume:\t", f"Labels:    \t    {', '.join(labels)}",
        "Annotations:    \t    <none>", "Capacity:\t", "Access Modes:\t",
        *([f"VolumeMode:\t{spec['volumeMode']}"] if spec.get("volumeMode") else []),
    ]  # fmt: skip


def _projected(body: Tree) -> list[str]:
    rows = ["Type:\tProjected (a volume that contains injected data from multiple sources)"]
    for one in body.get("sources") or ():
        if one.get("secret"):
            rows += [f"SecretName:\t{one['secret'].get('name')}", f"Optional:\t{lower(one['secret'].get('optional'))}"]
        elif one.get("downwardAPI"):
            rows.append("DownwardAPI:\ttrue")
        elif one.get("configMap"):
            rows += [f"ConfigMapName:\t{one['configMap'].get('name')}", f"Optional:\t{lower(one['configMap'].get('optional'))}"]
        elif one.get("serviceAccountToken"):
            rows.append(f"TokenExpirationSeconds:\t{one['serviceAccountToken'].get('expirationSeconds')}")
    return rows


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else printers.to_json(value, None)
