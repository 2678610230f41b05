"""Completion, words of a line, tab stops, etcdctl."""

from __future__ import annotations

from typing import Any

import pytest

from k8s_tutor.etcd import wire
from k8s_tutor.kubectl import complete, run, tabs
from k8s_tutor.kubectl.line import duration, read
from k8s_tutor.sim import CallFailed


def names(resource: str) -> list[str]:
    known = {"pods": ["web-1", "web-2", "db"], "nodes": ["node-1", "node-2"], "namespaces": ["default", "kube-system"],
             "files": ["web.yaml"]}  # fmt: skip
    return known.get(resource, [])


@pytest.mark.parametrize(("line", "found"), [
    ("des", ["describe"]),
    ("kubectl d", ["delete", "describe", "drain"]),
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
    ("etc", ["etcdctl"]),
    ("etcdctl e", ["endpoint"]),
    ("etcdctl endpoint ", ["health", "status"]),
    ("etcdctl get --pre", ["--prefix"]),
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


def etcdctl(line: str, answers: list[Any]) -> tuple[list[Any], Any]:
    """What a program asks, and its result."""
    asked, running = [], run(line)
    try:
        asked.append(next(running))
        for answer in answers:
            asked.append(running.send(answer))
    except StopIteration as end:
        return asked, end.value
    raise AssertionError("the program wants more answers")


PAIR = wire.KeyValue("k", b"v", 2, 3, 2)


@pytest.mark.parametrize(("line", "asked", "answer", "out"), [
    ("etcdctl put k v", wire.Put("k", b"v"), wire.PutResult(3), "OK\n"),
    ("etcdctl get k", wire.Range("k"), wire.RangeResult(3, (PAIR,), 1), "k\nv\n"),
    ("etcdctl get k --print-value-only", wire.Range("k"), wire.RangeResult(3, (PAIR,), 1), "v\n"),
    ("etcdctl get a --prefix --keys-only", wire.Range("a", "b", keys_only=True), wire.RangeResult(3, (PAIR,), 1), "k\n\n"),
    ("etcdctl get k --consistency=s", wire.Range("k", serializable=True), wire.RangeResult(3, (), 0), ""),
    ("etcdctl del k", wire.DeleteRange("k"), wire.DeleteResult(4, 1), "1\n"),
    ("etcdctl member list", wire.MemberList(), wire.MemberListResult(((255, "etcd-1"),)),
     "ff, started, etcd-1, https://etcd-1:2380, https://etcd-1:2379, false\n"),
    ("etcdctl endpoint status", wire.Status(), wire.StatusResult("etcd-1", 10, 10, 3, 9, 9, 4, 2),
     "etcd-1:2379, a, 3.6.0, true, false, 3, 9, 9, \n"),
])  # fmt: skip
def test_etcdctl(line: str, asked: Any, answer: Any, out: str) -> None:
    assert etcdctl(line, [answer]) == ([asked], (out, "", 0))


def test_etcdctl_errors() -> None:
    refused = etcdctl("etcdctl put k v", [wire.EtcdError(wire.ERR_TIMEOUT)])[1]
    assert refused == ("", "Error: etcdserver: request timed out\n", 1)
    assert etcdctl("etcdctl get k", [CallFailed("timeout")])[1] == ("", "Error: context deadline exceeded\n", 1)
    assert etcdctl("etcdctl put k", [])[1] == (
        "", "Error: put command needs 1 argument and input from stdin or 2 arguments\n", 128,
    )  # fmt: skip
