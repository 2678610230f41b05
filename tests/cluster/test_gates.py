"""The stages of a request at an API server are steps of its trace; a refusal stands at its gate."""

from __future__ import annotations

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs


def typed(line: str, **spec: object) -> Cluster:
    cluster = Cluster(ClusterSpec.model_validate({"managers": 1, "workers": 1, "seed": 7, **spec}))
    cluster.give(inputs.Kubectl(line))
    cluster.settle()
    return cluster


def stages(cluster: Cluster) -> list[str]:
    trace = cluster.trace()
    assert trace is not None
    return [step.text for step in trace.steps[1:] if step.flight is None and step.text]


def test_each_gate_of_an_own_request_is_a_step_of_the_same_moment() -> None:
    cluster = typed("create configmap a --from-literal=b=c")
    found = stages(cluster)
    assert found[:2] == ["authn ✓", "audit ✓"] and "authz ✓" in found and found[-1] == "store …"
    trace = cluster.trace()
    assert trace is not None
    gates = [step for step in trace.steps if step.flight is None and step.text in found]
    assert len({(step.at, step.message, step.actor) for step in gates}) == 1
    assert [note.kind for note in gates[-1].notes][:1] == ["api.request"]


def test_a_refusal_stands_at_its_gate_with_its_reason() -> None:
    cluster = typed("create configmap a --from-literal=b=c --as=eve")
    assert stages(cluster)[-1] == "authz ✗"
    request = next(one for one in reversed(cluster.view().control_plane.requests) if one.user == "eve")
    assert request.code == 403 and 'User "eve" cannot create resource "configmaps"' in request.message
