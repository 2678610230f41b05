"""Whole sessions of a real kubectl on a real cluster, typed again at the console of ours; what is printed must read alike.

Suffixes, ages, addresses and container ids differ from run to run; columns are compared as words. Where a newer kubectl
words its output differently, either is right.
"""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.kubectl.console import Console

HERE = Path(__file__).parent
SPEC = HERE.parent / "golden_cluster.yaml"
SECOND = 1_000_000
LATER = {
    "workloads": "",
    "nodes": r"drain node-2 --ignore-daemonsets --force",
    "pod-states": r"describe pod bigcpu",
    "discover": r"explain deployment.spec.strategy$",
}
"""Steps that differ for a known reason: texts of enum values, the order of evictions, how often a pod was tried."""
KUBELET = re.compile(
    r"^ +\w+ +(Pulling|Pulled|Created|Started|Killing|BackOff|Failed) .*\n|^.*Warning +\w+ +.*kubelet.*\n", re.M
)


def documents(text: str) -> str:
    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, rule) for tag, rule in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return json.dumps(list(yaml.load_all(text, Loader)))


def plain(text: str) -> list[str]:
    """The words of each line, without what differs from run to run."""
    text = KUBELET.sub("", text)
    for pattern, mark in (
        (r"<hash>-<rand>|[0-9a-z]{8,10}-[0-9a-z]{5}\b", "<pod>"),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|<uid>", "<uid>"),
        (r"\w{3}, \d\d \w{3} \d{4} [\d:]+ \+0000|<date>", " <date>"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z|<ts>", "<ts>"),
        (r"\b(\d+[dhms])+\b|<age>|<invalid>", "<age>"),
        (r"\b10\.\d+\.\d+\.\d+(/\d+)?|\b192\.168\.\d+\.\d+|<podIP>|<nodeIP>|<podCIDR>|<clusterIP>", "<ip>"),
        (r"https?://[\w.:]+6443|<server>", "<server>"),
        (r"(kube-api-access|ds|job|quick)-(<rand>|[a-z0-9]{5})\b", r"\1-<rand>"),
        (r"<osImage>|Debian GNU/Linux 12 \(bookworm\)", "<os>"),
        (r"<kernelVersion>|\b6\.1\.0\b|<containerRuntimeVersion>|containerd://2\.1\.0", "<version>"),
        (r"node-\d|<node>|<var>", "<node>"),
    ):
        text = re.sub(pattern, mark, text)
    skipped = (
        "Container ID", "Image ID", "Kernel Version", "OS Image", "Container Runtime", "Machine ID", "System UUID", "Boot ID",
        "resourceVersion", "hostIP", "- ip:", "containerID", "- containerID", "imageID", "Node:", "Created on:",
    )  # fmt: skip
    lines = [" ".join(line.split()) for line in text.splitlines()]
    return [line for line in lines if not line.startswith(skipped)]


class Session:
    """A cluster, and somebody who types at its console."""

    def __init__(self, files: dict[str, str]) -> None:
        self.cluster = Cluster(ClusterSpec.model_validate(yaml.safe_load(SPEC.read_text())))
        self.files = tuple((name, documents(text)) for name, text in files.items())

    def type(self, line: str) -> Any:
        """A line, to its end."""
        before = self.last()
        self.cluster.give(inputs.Kubectl(line, self.files))
        assert self.cluster.run_until(lambda _: self.last() is not before, 900 * SECOND), line
        return self.last()

    def last(self) -> Any:
        """What was answered last."""
        you = self.cluster.world.actor("you")
        assert isinstance(you, Console)
        return you.answers[-1] if you.answers else None


@pytest.mark.parametrize("name", ["discover", "nodes", "pod-states", "workloads"])
def test_a_session_reads_as_recorded(name: str) -> None:
    recorded = json.loads((HERE / "golden" / f"session-{name}.json").read_text())
    session = Session(recorded["files"])
    wrong: list[str] = []
    for step in recorded["steps"]:
        if step.get("settle"):
            session.cluster.settle(60 * SECOND)
            continue
        answer = session.type(step["cmd"])
        if LATER[name] and re.search(LATER[name], step["cmd"]):
            continue
        newer = step.get("kubectl_1.36") or step
        fits = [
            plain(answer.stdout) == plain(one.get("stdout", step["stdout"]))
            and plain(answer.stderr) == plain(one.get("stderr", "")) and answer.code == one.get("rc", step["rc"])
            for one in (step, newer)
        ]  # fmt: skip
        if not any(fits):
            recorded_lines = plain(newer.get("stdout", step["stdout"])) + plain(newer.get("stderr", ""))
            difference = difflib.unified_diff(recorded_lines, plain(answer.stdout) + plain(answer.stderr), lineterm="", n=0)
            wrong.append("\n".join([f"{step['cmd']} ({answer.code})", *difference]))
    assert not wrong, f"{len(wrong)} of {len(recorded['steps'])}\n" + "\n".join(wrong)
