"""Completion, words of a line, tab stops."""

from __future__ import annotations

import pytest

from k8s_tutor.kubectl import complete, tabs
from k8s_tutor.kubectl.line import duration, read


def names(resource: str) -> list[str]:
    known = {"pods": ["web-1", "web-2", "db"], "nodes": ["node-1", "node-2"], "namespaces": ["default", "kube-system"],
             "files": ["web.yaml"]}  # fmt: skip
    return known.get(resource, [])


@pytest.mark.parametrize(("line", "found"), [
    ("des", ["describe"]),
    ("kubectl d", ["debug", "delete", "describe", "diff", "drain"]),
    ("kub", ["kubectl"]),
    ("get dep", ["deployments"]),
    ("get pods w", ["web-1", "web-2"]),
    ("get pods web-1 ", ["db", "web-2"]),
    ("get po/d", ["po/db"]),
    ("get pods,services", ["pods,services"]),
    ("get -n kube-system pods d", ["db"]),
    ("get pods -n k", ["kube-system"]),
    ("get pods -o y", ["yaml"]),
    ("get pods --all-n", ["--all-namespaces"]),
    ("get pods --output=j", ["--output=json", "--output=jsonpath="]),
    ("apply -f ", ["web.yaml"]),
    ("drain node-", ["node-1", "node-2"]),
    ("create dep", ["deployment"]),
    ("create deployment --im", ["--image="]),
    ("rollout st", ["status"]),
    ("rollout status dep", ["deployments"]),
    ("nope x", []),
    ("etc", ["etcdctl", "etcdutl"]),
    ("etcdctl e", ["endpoint"]),
    ("etcdctl endpoint ", ["hashkv", "health", "status"]),
    ("etcdctl get --pre", ["--prefix"]),
    ("etcdctl member ", ["add", "list", "promote", "remove", "update"]),
    ("etcdctl lease g", ["grant"]),
    ("etcdutl ", ["help", "snapshot", "version"]),
    ("etcdutl snapshot restore --bump", ["--bump-revision="]),
])  # fmt: skip
def test_completion(line: str, found: list[str]) -> None:
    assert complete(line, names) == found


def test_flags_are_read_as_pflag_reads_them() -> None:
    words = read(["-nkube-system", "a", "-A", "--output", "yaml", "-l=x=y", "-f", "1,2", "-f3", "--", "-z"], "kubectl get",
                 "output:o all-namespaces:A! selector:l filename:f*")  # fmt: skip
    assert (words.text("namespace"), words.text("output"), words.text("selector")) == ("kube-system", "yaml", "x=y")
    assert (words.positional, words.rest, words.many("filename")) == (("a",), ("-z",), ("1", "2", "3"))
    assert words.on("all-namespaces")


def test_durations_are_gos() -> None:
    read_as = {"1m30s": 90_000_000, "0": 0, "500ms": 500_000, "1.5s": 1_500_000, "x": None, "5": None}
    assert {text: duration(text) for text in read_as} == read_as


def test_a_column_ends_where_a_line_has_no_cell_in_it() -> None:
    assert tabs.align("a\tb\nlong\tb\n\nx\ty\tz\nxx\ty\tz") == "a     b\nlong  b\n\nx   y  z\nxx  y  z"
