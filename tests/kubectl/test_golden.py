"""What real kubectls printed (1.36 where its words differ from 1.32's), against what ours prints."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s_tutor.api import times
from k8s_tutor.kubectl import yamlout
from tests.kubectl.fake import FakeApi, node, pod

GOLDEN = Path(__file__).parent / "golden"
RECORDED = times.parse("2026-11-22T12:08:53Z")
"""Four seconds after the pods of the recording were made."""


def golden(name: str) -> Any:
    return json.loads((GOLDEN / name).read_text())


@pytest.mark.parametrize("step", golden("errors.json"), ids=lambda step: step["cmd"])
def test_errors_and_usage_read_as_recorded(step: dict[str, Any]) -> None:
    result = FakeApi().play(step["cmd"])
    assert (result.stdout, result.stderr.rstrip("\n"), result.code) == (step["stdout"], step["stderr"].rstrip("\n"), step["rc"])


@pytest.mark.parametrize("step", golden("generated.json"), ids=lambda step: step["cmd"])
def test_generated_objects_are_as_recorded(step: dict[str, Any]) -> None:
    api = FakeApi()
    assert api.play(step["cmd"]).stdout == step["stdout"]
    assert api.log == []


@pytest.mark.parametrize(("text", "written"), golden("yaml-scalars.json").items())
def test_yaml_scalars_are_quoted_and_folded_as_recorded(text: str, written: str) -> None:
    assert yamlout.dump({"data": {"k": text}}) == "data:\n  k:" + written


def full_pod() -> dict[str, Any]:
    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, rule) for tag, rule in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    tree = yaml.load(golden("pod.json")["kubectl get pod full -o yaml"]["stdout"], Loader)
    assert isinstance(tree, dict)
    return tree


def test_an_object_as_yaml_is_as_recorded() -> None:
    assert yamlout.dump(full_pod()) == golden("pod.json")["kubectl get pod full -o yaml"]["stdout"]


def test_describe_pod_is_as_recorded() -> None:
    api, tree = FakeApi(), full_pod()
    api.put(tree)
    api.put({
        "kind": "Event", "apiVersion": "v1", "metadata": {"name": "e"}, "type": "Normal", "reason": "Scheduled",
        "message": "Successfully assigned default/full to node-1", "source": {"component": "default-scheduler"},
        "eventTime": "2026-11-22T12:08:49.000000Z",
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "full", "uid": tree["metadata"]["uid"]},
    })  # fmt: skip
    step = golden("pod.json")["kubectl describe pod full"]
    ours = api.play("kubectl describe pod full", now=RECORDED).stdout
    newer = step["stdout"].replace("    ConfigMapOptional:       <nil>", "    Optional:                false")
    newer = newer.replace("80/TCP\n", "80/TCP (http)\n").replace("0/TCP\n", "0/TCP (http)\n", 1)
    newer = newer.replace("Host Port:      0/TCP\n", "Host Port:      0/TCP (http)\n")
    assert ours == newer.replace("(http) (http)", "(http)")


def cluster() -> FakeApi:
    """What the recording of `nodes.json` had, daemon set pods included."""
    api = FakeApi()
    for number in (1, 2, 3):
        api.put(node(f"node-{number}"))
        owner = {"kind": "DaemonSet", "name": "ds", "uid": "uid-ds", "controller": True}
        api.put(pod(f"ds-mw2c{number}", f"node-{number}", {"app": "ds"}, metadata={"ownerReferences": [owner]}))
    owner = {"kind": "ReplicaSet", "name": "web-7d876db474", "uid": "uid-rs", "controller": True}
    api.put(pod("web-7d876db474-dnnp9", "node-2", metadata={"ownerReferences": [owner]}))
    api.put(pod("lone", "node-2"))
    return api


def words(text: str) -> list[str]:
    """A text without what differs from run to run: names' suffixes, ages, addresses, the order of lines."""
    text = re.sub(r"-(<hash>-<rand>|<rand>|[a-z0-9]{10}-[a-z0-9]{5}\b|mw2c\w\b)", "-*", text)
    text = re.sub(r"\b(\d+[dhms])+\b|<age>", "*", text)
    return sorted(" ".join(line.split()) for line in text.splitlines())


def test_a_session_with_nodes_reads_as_recorded() -> None:
    api = cluster()
    for step in golden("nodes.json"):
        verb = step["cmd"].split()[1]
        if verb in ("create", "apply", "run", "describe") or "get pods" in step["cmd"] or "-o wide" in step["cmd"]:
            continue
        if "--show-labels" in step["cmd"]:
            continue
        result = api.play(step["cmd"])
        assert words(result.stdout) == words(step["stdout"]), step["cmd"]
        assert words(result.stderr) == words(step["stderr"]), step["cmd"]
        assert result.code == step["rc"], step["cmd"]


def recorded_node() -> FakeApi:
    """The node, the lease and the pods that the recording of ``describe node`` told of."""
    def condition(kind: str, status: str, reason: str, message: str) -> dict[str, str]:
        return {"type": kind, "status": status, "reason": reason, "message": message,
                "lastHeartbeatTime": "2026-11-22T12:20:49Z", "lastTransitionTime": "2026-11-22T12:19:19Z"}  # fmt: skip

    api, tree = FakeApi(), node("node-2")
    arch = {"beta.kubernetes.io/arch": "amd64", "kubernetes.io/arch": "amd64"}
    tree["metadata"]["labels"] |= {**arch, "beta.kubernetes.io/os": "linux", "kubernetes.io/os": "linux"}
    tree["metadata"] |= {"annotations": {"node.alpha.kubernetes.io/ttl": "0"}, "creationTimestamp": "2026-11-22T12:19:19Z"}
    tree["status"]["nodeInfo"] |= {"machineID": "m2", "systemUUID": "s2", "bootID": "b2", "operatingSystem": "linux",
                                   "architecture": "amd64"}  # fmt: skip
    tree["status"]["conditions"] = [
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
    ]
    api.put(tree)
    api.put({"kind": "Lease", "apiVersion": "coordination.k8s.io/v1",
             "metadata": {"name": "node-2", "namespace": "kube-node-lease"},
             "spec": {"holderIdentity": "node-2", "renewTime": "2026-11-22T12:21:14.000000Z"}})  # fmt: skip
    for name in ("ds-mw2c7", "lone", "web-7d876db474-dnnp9"):
        api.put(pod(name, "node-2", metadata={"creationTimestamp": "2026-11-22T12:21:14Z"}))
    return api


def test_describe_node_is_as_recorded() -> None:
    step = next(step for step in golden("nodes.json") if step["cmd"] == "kubectl describe node node-2")
    newer = "".join(line for line in step["stdoutRaw"].splitlines(True) if "Kube-Proxy Version" not in line)
    assert recorded_node().play("describe node node-2", now=times.parse("2026-11-22T12:21:18Z")).stdout == newer
