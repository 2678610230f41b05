"""A console that lives: it follows watches, hands objects to an editor, changes contexts, and puts commands into pipes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8s_tutor.kubectl.console import Console, ConsoleConfig, Saved, Typed
from k8s_tutor.kubectl.shell import filtered, split
from k8s_tutor.sim import SECOND
from tests.kubectl.fake import FakeApi, pod
from tests.kubectl.test_server import Terminal


class Desk(Terminal):
    """A console that knows a user with a token, too."""

    def __init__(self) -> None:
        super().__init__()
        self.world.crash("you")
        del self.world.processes["you"]
        config = ConsoleConfig("api-1", "kubernetes-admin", 1_767_225_600, ("etcd-1",), (("alice", ("dev",), "secret"),))
        self.world.add(Console, "you", config, host="you-host")
        self.world.run_until(self.world.now + SECOND)

    @property
    def you(self) -> Console:
        actor = self.world.actor("you")
        assert isinstance(actor, Console)
        return actor

    def start(self, line: str) -> None:
        """Type a line and wait a little."""
        self.world.inject("you", Typed(line))
        self.world.run_until(self.world.now + SECOND)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_watch_tells_changes_until_somebody_types_on(desk: Desk) -> None:
    desk.start("get cm -w")
    desk.world.inject("you", Typed("^C"))
    desk.world.run_until(desk.world.now + SECOND)
    assert desk.you.answers[-1].code == 130
    desk.type("create cm first")
    desk.start("get cm -w --no-headers")
    running = next(iter(desk.you.sessions.values()))
    assert [line.split()[0] for line in desk.you.said(running).stdout.splitlines()] == ["first"]
    desk.type("create cm second --from-literal=a=b")
    ended = next(answer for answer in desk.you.answers if answer.line == "get cm -w --no-headers")
    assert ended.stdout.split()[0] == "first"
    assert not desk.you.sessions


def test_edit_hands_out_a_text_and_sends_back_what_has_changed(desk: Desk) -> None:
    desk.type("create cm c --from-literal=a=b")
    tree = json.loads(desk.type("get cm c -o json").stdout)
    desk.start("edit cm c")
    [(session, name, text)] = desk.you.editors
    assert name == "configmap/c"
    assert text.startswith("# Please edit the object below.")
    tree["data"]["a"] = "changed"
    desk.world.inject("you", Saved(session, text.replace("a: b", "a: changed"), json.dumps([tree])))
    desk.world.run_until(desk.world.now + 2 * SECOND)
    assert desk.you.answers[-1].stdout == "configmap/c edited\n"
    assert desk.type("get cm c -o jsonpath={.data.a}").stdout == "changed"
    desk.start("edit cm c")
    [(session, _, text)] = desk.you.editors
    desk.world.inject("you", Saved(session, text))
    desk.world.run_until(desk.world.now + SECOND)
    assert desk.you.answers[-1].stderr == "Edit cancelled, no changes made.\n"


def test_contexts_say_who_asks_and_where(desk: Desk) -> None:
    contexts = desk.type("config get-contexts").stdout.splitlines()
    assert [line.split()[:2] for line in contexts[1:]] == [["*", "admin"], ["alice", "k8s-tutor"]]
    assert desk.type("config set-context --current --namespace=kube-system").stdout == 'Context "admin" modified.\n'
    assert desk.type("get cm").stderr in ("", "No resources found in kube-system namespace.\n")
    assert desk.type("get cm --context=nobody").stderr == (
        "Error in configuration: context was not found for specified context: nobody\n"
    )
    desk.type("config use-context alice")
    assert desk.type("config current-context").stdout == "alice\n"
    assert desk.type("get cm").code == 1


def test_what_one_kubectl_writes_another_reads(desk: Desk) -> None:
    line = "create cm piped --from-literal=a=b --dry-run=client -o yaml | kubectl apply -f -"
    assert desk.type(line).stdout == "configmap/piped created\n"
    assert desk.type("get cm -o name | grep piped | xargs kubectl delete").stdout == 'configmap "piped" deleted\n'


@pytest.mark.parametrize(("line", "out", "code"), [
    ("get pods | grep Running | wc -l", "2\n", 0),
    ("get pods --no-headers | sort -r | head -n 1 | awk '{print $1}'", "b\n", 0),
    ("get pods | grep -A1 NAME | tail -1 | cut -d ' ' -f1", "a\n", 0),
    ("get pods | grep nothing", "", 1),
    ("get pods -o name | grep -c pod", "2\n", 0),
    ("get pods -o go-template='{{range .items}}{{.metadata.name}} {{end}}'", "a b ", 0),
    ("get pods -o jsonpath='{.items[0,1].metadata.name}'", "a b", 0),
    ("get pods -o jsonpath-as-json='{.items[*].metadata.name}'", '[\n    "a",\n    "b"\n]\n', 0),
    ("get pods -o custom-columns=N:.metadata.name --no-headers", "a\nb\n", 0),
])  # fmt: skip
def test_filters_and_templates(line: str, out: str, code: int) -> None:
    api = FakeApi()
    api.put(pod("a"))
    api.put(pod("b"))
    result = api.play(line)
    assert (result.stdout, result.stderr, result.code) == (out, "", code)


@pytest.mark.parametrize(("line", "said"), [
    ("get pods | foo", "foo: command not found"),
    ("get pods | head -n x", "head: invalid argument"),
    ("get pods -o jsonpath='{.items[9]}'", "array index out of bounds: index 9, length 0"),
    ("get pods -o jsonpath='{'", "error: error parsing jsonpath {, unclosed action\n"),
    ("get pods -o go-template='{{range}'", "error: error parsing template"),
    ("get pods --context=x", "Error in configuration"),
    ("get widgets", 'error: the server doesn\'t have a resource type "widgets"\n'),
    ("rollout", "Manage the rollout of one or many resources."),
])  # fmt: skip
def test_what_cannot_be_is_said(line: str, said: str) -> None:
    result = FakeApi().play(line)
    assert said in result.stderr
    assert result.code != 0


def test_a_custom_resource_is_found_by_asking_what_is_served(desk: Desk) -> None:
    widget: dict[str, Any] = {"apiVersion": "ex.io/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "properties": {
        "size": {"type": "integer"}}}}}}  # fmt: skip
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.ex.io"},
        "spec": {"group": "ex.io", "scope": "Namespaced",
                 "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
                 "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}]},
    }  # fmt: skip
    desk.type("apply -f crd.yaml", crd=[crd])
    desk.world.run_until(desk.world.now + 2 * SECOND)
    assert desk.type("apply -f w.yaml", w=[widget]).stdout == "widget.ex.io/w created\n"
    widget["spec"]["size"] = 5
    assert desk.type("apply -f w.yaml", w=[widget]).stdout == "widget.ex.io/w configured\n"
    assert desk.type("get wd -o jsonpath={.items[0].spec.size}").stdout == "5"
    assert "Size:  5" in desk.type("describe widget w").stdout
    assert "size\t<integer>" in desk.type("explain widget.spec").stdout


def test_words_of_a_pipeline() -> None:
    assert split("get pods | grep 'a|b' | wc -l") == [["get", "pods"], ["grep", "a|b"], ["wc", "-l"]]
    assert filtered(["grep", "-n", "b"], "a\nb\n") == ("2:b\n", "", 0)
    assert filtered(["uniq", "-c"], "a\na\nb\n") == ("      2 a\n      1 b\n", "", 0)
