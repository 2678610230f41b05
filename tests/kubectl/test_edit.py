"""``kubectl edit`` at a console whose person answers each editor in turn."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from k8s_tutor.kubectl.console import Answered, Console, Saved, Typed
from k8s_tutor.lessons.manifests import edited, inline
from k8s_tutor.sim import SECOND
from tests.kubectl.test_server import Terminal, manifest

Hand = Callable[[str], str]


class Hands(Terminal):
    """A terminal with somebody in front of it."""

    def edit(self, line: str, *hands: Hand) -> tuple[Answered, list[str]]:
        """Types a line, and does with each editor that opens what the next hand does; the answer, and the texts handed out."""
        self.world.inject("you", Typed(line))
        texts: list[str] = []
        for hand in hands:
            self.world.run_until(self.world.now + SECOND)
            [editor] = self.you.editors
            texts.append(editor.text)
            text = hand(editor.text)
            self.world.inject("you", Saved(editor.session, text, edited(text)))
        self.world.run_until(self.world.now + SECOND)
        assert not self.you.sessions, "the command has not ended"
        return self.you.answers[-1], texts

    @property
    def you(self) -> Console:
        actor = self.world.actor("you")
        assert isinstance(actor, Console)
        return actor


def swap(old: str, new: str) -> Hand:
    def hand(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return hand


def leave(text: str) -> str:
    return text


@pytest.fixture(scope="module")
def desk() -> Hands:
    desk = Hands()
    desk.type("apply -f web.yaml", web=[manifest("nginx:1")])
    return desk


def test_what_has_changed_is_sent(desk: Hands) -> None:
    answer, [text] = desk.edit("edit deploy web", swap("replicas: 2", "replicas: 3"))
    assert (answer.stdout, answer.stderr, answer.code) == ("deployment.apps/web edited\n", "", 0)
    assert "managedFields" not in text and "status:" in text
    assert desk.type("get deploy web -o jsonpath={.spec.replicas}").stdout == "3"


@pytest.mark.parametrize(("hand", "said"), [
    (leave, "Edit cancelled, no changes made.\n"),
    (lambda text: "# a comment more\n" + text, "Edit cancelled, no changes made.\n"),
])  # fmt: skip
def test_what_has_not_changed_is_not(desk: Hands, hand: Hand, said: str) -> None:
    answer, _ = desk.edit("edit deploy web", hand)
    assert (answer.stdout, answer.stderr, answer.code) == ("", said, 0)


def test_what_the_server_refuses_is_handed_out_again_with_the_reason(desk: Hands) -> None:
    answer, texts = desk.edit("edit deploy web", swap("replicas: 3", "replicas: -3"), swap("replicas: -3", "replicas: 4"))
    assert texts[1].splitlines()[3:8] == [
        "#", '# deployments.apps "web" was not valid:',
        "# * spec.replicas: Invalid value: -3: must be greater than or equal to 0", "#", "apiVersion: apps/v1",
    ]  # fmt: skip
    assert answer.stdout == "deployment.apps/web edited\n"
    assert answer.stderr == 'error: deployments.apps "web" is invalid\n'


def test_who_gives_up_keeps_a_copy_that_can_be_sent_later(desk: Hands) -> None:
    answer, _ = desk.edit("edit deploy web", swap("replicas: 4", "replicas: -4"), leave)
    path = answer.stderr.split('"')[3]
    assert answer.stderr == (
        f'error: deployments.apps "web" is invalid\nA copy of your changes has been stored to "{path}"\n'
        "error: Edit cancelled, no valid changes were saved.\n"
    )
    assert answer.code == 1
    assert 'The Deployment "web" is invalid' in desk.type(f"replace -f {path}").stderr


def test_text_that_is_no_yaml_says_where(desk: Hands) -> None:
    answer, texts = desk.edit("edit deploy web", swap("  replicas: 4", "  replicas: 4: 5"), swap("4: 5", "5"))
    line = next(number for number, line in enumerate(texts[0].splitlines()) if "replicas: 4" in line) - 4 + 1
    assert texts[1].splitlines()[4:6] == [
        '# deployments.apps "web" was not valid:',
        f'# * <nil>: Invalid value: "The edited file failed validation": yaml: line {line}: mapping values are not allowed in '
        "this context",
    ]  # fmt: skip
    assert answer.stdout == "deployment.apps/web edited\n"


def test_a_text_that_is_no_object_is_a_reason(desk: Hands) -> None:
    answer, texts = desk.edit("edit deploy web", lambda text: "# nothing\n", lambda text: "a: b\n", lambda text: "a: b\n")
    assert "failed validation\": invalid object to validate" in texts[1]
    assert "failed validation\": [apiVersion not set, kind not set]" in texts[2]
    assert answer.code == 1


def test_an_unknown_field_is_a_reason_too(desk: Hands) -> None:
    answer, texts = desk.edit("edit deploy web", swap("replicas:", "replica:"), swap("replica:", "replicas:"))
    assert 'strict decoding error: unknown field "spec.replica"' in texts[1].splitlines()[5]
    assert answer.stderr.startswith('error: deployments.apps "web" is invalid\n')


def test_an_edit_of_an_older_version_is_kept_for_later(desk: Hands) -> None:
    answer, _ = desk.edit("edit deploy web", lambda text: re.sub('resourceVersion: .*', 'resourceVersion: "1"', text))
    assert answer.stderr.startswith('error: deployments.apps "web" could not be patched: Operation cannot be fulfilled on ')
    assert "You can run `kubectl replace -f /tmp/kubectl-edit-" in answer.stderr and answer.code == 1


def test_an_object_keeps_its_name(desk: Hands) -> None:
    answer, _ = desk.edit("edit deploy web", swap("  name: web\n", "  name: other\n"))
    assert answer.stderr.endswith("error: At least one of apiVersion, kind and name was changed\n")


def test_several_objects_are_one_list(desk: Hands) -> None:
    for name in ("a", "b"):
        desk.type(f"create cm {name} --from-literal=size=small")
    answer, [text] = desk.edit("edit cm a b", swap("small", "large"))
    assert text.count("kind: ConfigMap") == 2 and "kind: List" in text
    assert answer.stdout == "configmap/a edited\nconfigmap/b edited\n"


def test_what_was_applied_last_can_be_edited(desk: Hands) -> None:
    answer, [text] = desk.edit("apply edit-last-applied deploy web", swap("nginx:1", "nginx:9"))
    assert text.startswith("# Please edit the 'last-applied-configuration' annotations below.")
    assert answer.stdout == "deployment.apps/web edited\n"
    assert "nginx:9" in desk.type("apply view-last-applied deploy web").stdout
    assert desk.edit("apply edit-last-applied cm a")[0].stderr.startswith("error: no last-applied-configuration annotation")


@pytest.mark.parametrize(("line", "said"), [
    ("patch cm y -p 'data: {size: large}'", "configmap/y patched\n"),
    ("patch cm y --type=merge --patch='data:\n  colour: red'", "configmap/y patched\n"),
    ("patch cm y -p '{data: {size: large}}'",
     "Error from server (BadRequest): invalid character 'd' looking for beginning of object key string\n"),
    ("patch cm y -p word",
     "Error from server (BadRequest): json: cannot unmarshal string into Go value of type map[string]interface {}\n"),
    ("patch cm y -p 'data: : x'", 'error: unable to parse "data: : x": yaml: mapping values are not allowed in this context\n'),
    ("echo 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: piped}' | kubectl apply -f -", "configmap/piped created\n"),
    ("echo '{apiVersion: v1}' | kubectl apply -f -",
     "error: error parsing STDIN: json: offset 2: invalid character 'a' looking for beginning of object key string\n"),
    ("echo 'a: b\n c: d' | kubectl apply -f -",
     "error: error parsing STDIN: error converting YAML to JSON: yaml: line 2: mapping "
     "values are not allowed in this context\n"),
    ("cat nowhere.yaml | kubectl apply -f -",
     "cat: nowhere.yaml: No such file or directory\nerror: no objects passed to apply\n"),
])  # fmt: skip
def test_yaml_in_the_line_is_read_as_kubectl_reads_it(desk: Hands, line: str, said: str) -> None:
    desk.type("create cm y")
    desk.world.inject("you", Typed(line, inline(line)))
    desk.world.run_until(desk.world.now + SECOND)
    answer = desk.you.answers[-1]
    assert answer.stdout + answer.stderr == said
