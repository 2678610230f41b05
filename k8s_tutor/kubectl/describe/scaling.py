"""``kubectl describe`` of HorizontalPodAutoscalers and PodDisruptionBudgets."""

from __future__ import annotations

from k8s_tutor.api import quantity
from k8s_tutor.kubectl import tabs
from k8s_tutor.kubectl.describe.writer import Writer, moment, selector
from k8s_tutor.kubectl.program import Tree

UNKNOWN = "<unknown>"


def autoscaler(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One HorizontalPodAutoscaler (autoscaling/v2)."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    target = spec.get("scaleTargetRef") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    writer.labels("Labels", metadata.get("labels"))
    writer.annotations("Annotations", metadata.get("annotations"))
    writer.line(0, f"CreationTimestamp:\t{moment(metadata.get('creationTimestamp'))}")
    writer.line(0, f"Reference:\t{target.get('kind')}/{target.get('name')}")
    writer.line(0, "Metrics:\t( current / target )")
    now_measured = status.get("currentMetrics") or []
    for place, metric in enumerate(spec.get("metrics") or ()):
        writer.line(1, _metric(metric, now_measured[place] if place < len(now_measured) else {}))
    least = spec.get("minReplicas")
    writer.line(0, f"Min replicas:\t{'<unset>' if least is None else least}")
    writer.line(0, f"Max replicas:\t{spec.get('maxReplicas', 0)}")
    if spec.get("behavior") is not None:
        writer.line(0, "Behavior:")
        _rules(writer, "Scale Up", spec["behavior"].get("scaleUp"))
        _rules(writer, "Scale Down", spec["behavior"].get("scaleDown"))
    counts = f"{status.get('currentReplicas', 0)} current / {status.get('desiredReplicas', 0)} desired"
    writer.line(0, f"{target.get('kind')} pods:\t{counts}")
    if status.get("conditions"):
        writer.line(0, "Conditions:")
        writer.line(1, "Type\tStatus\tReason\tMessage")
        writer.line(1, "----\t------\t------\t-------")
        for one in status["conditions"]:
            writer.line(1, f"{one['type']}\t{one.get('status')}\t{one.get('reason', '')}\t{one.get('message', '')}")
    writer.events(events, now)
    return writer.text()


def _metric(metric: Tree, measured: Tree) -> str:
    kind = metric.get("type", "")
    field = {"External": "external", "Pods": "pods", "Object": "object", "Resource": "resource",
             "ContainerResource": "containerResource"}.get(kind, "")  # fmt: skip
    body, current = metric.get(field) or {}, (measured.get(field) or {}).get("current") or {}
    target = body.get("target") or {}
    name = (body.get("metric") or {}).get("name", "")
    if kind == "Pods":
        return f'"{name}" on pods:\t{_value(current, "averageValue")} / {_value(target, "averageValue")}'
    if kind == "Object":
        about = body.get("describedObject") or {}
        value = "averageValue" if target.get("type") == "AverageValue" else "value"
        suffix = " (target average value)" if value == "averageValue" else " (target value)"
        head = f'"{name}" on {about.get("kind")}/{about.get("name")}{suffix}'
        return f"{head}:\t{_value(current, value)} / {_value(target, value)}"
    if kind == "External":
        value = "averageValue" if target.get("averageValue") is not None else "value"
        suffix = "target average value" if value == "averageValue" else "target value"
        return f'"{name}" ({suffix}):\t{_value(current, value)} / {_value(target, value)}'
    where = f' of container "{body.get("container")}"' if kind == "ContainerResource" else ""
    if target.get("averageValue") is not None:
        amounts = f"{_value(current, 'averageValue')} / {_value(target, 'averageValue')}"
        return f"resource {body.get('name')}{where} on pods:\t{amounts}"
    seen = UNKNOWN
    if current.get("averageUtilization") is not None:
        seen = f"{current['averageUtilization']}% ({_value(current, 'averageValue')})"
    wanted = f"{target['averageUtilization']}%" if target.get("averageUtilization") is not None else "<auto>"
    return f"resource {body.get('name')}{where} on pods  (as a percentage of request):\t{seen} / {wanted}"


def _value(tree: Tree, field: str) -> str:
    return quantity.canonical(str(tree[field])) if tree.get(field) is not None else UNKNOWN


def _rules(writer: Writer, title: str, rules: Tree | None) -> None:
    if rules is None:
        return
    writer.line(1, f"{title}:")
    if rules.get("stabilizationWindowSeconds") is not None:
        writer.line(2, f"Stabilization Window: {rules['stabilizationWindowSeconds']} seconds")
    if not rules.get("policies"):
        return
    writer.line(2, f"Select Policy: {rules.get('selectPolicy', 'Max')}")
    writer.line(2, "Policies:")
    rows = [f"      - Type: {one.get('type')}\tValue: {one.get('value')}\tPeriod: {one.get('periodSeconds')} seconds"
            for one in rules["policies"]]  # fmt: skip
    writer.parts.append(tabs.align("\n".join(rows)) + "\n")


def budget(tree: Tree, events: list[Tree] | None, now: int) -> str:
    """One PodDisruptionBudget."""
    metadata, spec, status = tree.get("metadata") or {}, tree.get("spec") or {}, tree.get("status") or {}
    writer = Writer()
    writer.line(0, f"Name:\t{metadata.get('name', '')}")
    writer.line(0, f"Namespace:\t{metadata.get('namespace', '')}")
    if spec.get("minAvailable") is not None:
        writer.line(0, f"Min available:\t{spec['minAvailable']}")
    elif spec.get("maxUnavailable") is not None:
        writer.line(0, f"Max unavailable:\t{spec['maxUnavailable']}")
    writer.line(0, f"Selector:\t{selector(spec['selector']) if spec.get('selector') is not None else '<unset>'}")
    writer.line(0, "Status:")
    for title, field in (("Allowed disruptions", "disruptionsAllowed"), ("Current", "currentHealthy"),
                         ("Desired", "desiredHealthy"), ("Total", "expectedPods")):  # fmt: skip
        writer.line(2, f"{title}:\t{status.get(field, 0)}")
    writer.events(events, now)
    return writer.text()


