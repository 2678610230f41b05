"""The editor of kubectl edit, from the line that opens it to what is saved; and the keys that people bring from k9s."""

from __future__ import annotations

import pytest
from textual import events
from textual.keys import _character_to_key
from textual.pilot import Pilot

from k8s_tutor.cluster import inputs
from k8s_tutor.ui import theme
from k8s_tutor.ui.app import Tutor
from k8s_tutor.ui.editor import Editor, opening, spans
from k8s_tutor.ui.rows import text_of
from k8s_tutor.ui.stage import Stage
from tests.ui.pilots import command, frames, running, stage_of, until

SMALL = {"managers": 1, "workers": 1, "seed": 7}
HEAD = "# Please edit the object below. Lines beginning with a '#' will be ignored,\n#\n"


@pytest.mark.parametrize(("line", "words"), [
    ("  replicas: 3", [("replicas", "you"), (":", "dim"), ("3", "leader")]),
    ("  - name: 'web: 1'  # ours", [("  -", "dim"), ("name", "you"), (":", "dim"), ("'web: 1'", "ok"), ("# ours", "dim")]),
    ('# deployments.apps "web" was not valid:', [('# deployments.apps "web" was not valid:', "fail")]),
    ("# a comment", [("# a comment", "dim")]),
    ("    image: nginx:1.25", [("image", "you"), (":", "dim")]),
    ("  ready: true", [("ready", "you"), (":", "dim"), ("true", "leader")]),
    ("  script: |", [("script", "you"), (":", "dim"), ("|", "other")]),
])  # fmt: skip
def test_words_of_yaml_are_told_apart(line: str, words: list[tuple[str, str]]) -> None:
    assert sorted((line[start:end], role) for start, end, role in spans(line)) == sorted(words)


def test_the_cursor_stands_where_something_is_to_be_done() -> None:
    assert opening(HEAD + "kind: Pod\n") == ((2, 0), "")
    refused = HEAD + '# pods "web" was not valid:\n# * spec.nodeName: Forbidden: no\n#\nkind: Pod\nspec:\n  nodeName: x\n'
    assert opening(refused) == ((7, 2), "spec.nodeName: Forbidden: no")
    broken = HEAD + '# pods "web" was not valid:\n# * <nil>: Invalid value: yaml: line 2: ...\n#\nkind: Pod\nspec: a: b\n'
    assert opening(broken) == ((6, 7), "line 7, column 8: mapping values are not allowed in this context")


async def _edits(pilot: Pilot[int], stage: Stage, line: str) -> Editor:
    await command(pilot, line, "k")
    return await _opened(pilot, stage)


async def _opened(pilot: Pilot[int], stage: Stage) -> Editor:
    frames(stage, lambda: pilot.app.screen is not stage)
    await until(pilot, lambda: isinstance(pilot.app.screen, Editor) and pilot.app.screen.area.has_focus)
    assert isinstance(pilot.app.screen, Editor)
    return pilot.app.screen


async def _done(pilot: Pilot[int], stage: Stage) -> tuple[str, str]:
    await until(pilot, lambda: pilot.app.screen is stage)
    frames(stage, lambda: stage.session.view().console.answers[-1].code >= 0)
    last = stage.session.view().console.answers[-1]
    return last.stdout, last.stderr


async def _with_a_map(pilot: Pilot[int], stage: Stage) -> None:
    stage.driver.pace, stage.driver.speed = "steady", 1
    await command(pilot, "create cm c --from-literal=size=1", "k")
    await pilot.press("escape")
    frames(stage, lambda: bool(stage.session.view().console.answers) and not stage.session.view().console.busy)


async def test_what_is_saved_in_the_editor_is_in_the_cluster_and_can_be_undone() -> None:
    app = Tutor(spec=SMALL)
    async with running(app, (80, 24)) as pilot:
        stage = stage_of(app)
        await _with_a_map(pilot, stage)
        editor = await _edits(pilot, stage, "edit cm c")
        assert "configmap/c" in text_of(editor.head.rows[0])
        before = stage.session.now
        stage.frame()
        assert stage.session.now == before, "the world waits for the person"
        editor.area.text = editor.area.text.replace("size: \"1\"", "size: large")
        await pilot.press("ctrl+s")
        assert await _done(pilot, stage) == ("configmap/c edited\n", "")
        assert stage.session.cluster.objects("ConfigMap")["default/c"]["data"] == {"size": "large"}
        trace = stage.session.trace()
        assert trace is not None and any(step.flight is not None and step.flight.kind == "PATCH" for step in trace.steps)
        await pilot.press("escape", "u")
        assert stage.session.view().console.editors and app.screen is stage, "in the past nobody is asked"
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, Editor))
        await pilot.press("escape")
        assert await _done(pilot, stage) == ("", "Edit cancelled, no changes made.\n")
        saved = stage.session.cluster.save()
        assert type(stage.session.cluster).load(saved).digest() == saved["digest"]


async def test_who_leaves_with_changes_is_asked() -> None:
    app = Tutor(spec=SMALL)
    async with running(app, (60, 20)) as pilot:
        stage = stage_of(app)
        await _with_a_map(pilot, stage)
        editor = await _edits(pilot, stage, "edit cm c")
        await pilot.press("x", "escape")
        assert "Leave without saving?" in text_of(editor.says.rows[0])
        await pilot.press("n")
        assert app.screen is editor and editor.area.has_focus and "n" not in editor.area.get_line(2).plain[:1]
        await pilot.press("escape", "y")
        assert await _done(pilot, stage) == ("", "Edit cancelled, no changes made.\n")


async def test_what_is_refused_opens_again_at_the_place() -> None:
    app = Tutor(spec=SMALL)
    async with running(app, (80, 24)) as pilot:
        stage = stage_of(app)
        await _with_a_map(pilot, stage)
        editor = await _edits(pilot, stage, "edit cm c")
        editor.area.text = editor.area.text.replace("size: \"1\"", "size: 1: 2")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is stage)
        editor = await _opened(pilot, stage)
        assert "mapping values are not allowed" in text_of(editor.says.rows[0])
        assert "size: 1: 2" in editor.area.get_line(editor.area.cursor_location[0]).plain
        for name in theme.BY_NAME:
            app.change_theme(name)
            await pilot.pause()
        await pilot.press("escape")
        _, err = await _done(pilot, stage)
        assert "A copy of your changes has been stored to" in err and "no valid changes were saved" in err


async def test_keys_that_follow_a_colon_at_once_are_typed() -> None:
    app = Tutor(spec=SMALL)
    async with running(app) as pilot:
        stage = stage_of(app)
        for character in ":xcp\x08\x08\x08lens committee\r:xcp":
            key = {"\r": "enter", "\x08": "backspace"}.get(character, character)
            app.post_message(events.Key(_character_to_key(key) if len(key) == 1 else key, character))
        await until(pilot, lambda: stage.prompt.edit.text == "xcp")
        assert stage.session.lens == "committee"
        assert stage.session.view().raft.members[0].up and not stage.session.cluster.timeline.branch.inputs


HABITS = {
    "d": "describe {kind} {name}", "e": "edit {kind} {name}", "ctrl+d": "delete {kind} {name}", "l": "logs {running}",
    "s": "exec {running} -- ls",
}  # fmt: skip
"""What k9s's keys type here."""


async def test_keys_from_k9s_act_on_everything_that_can_be_selected() -> None:
    app = Tutor(spec=SMALL)
    async with running(app) as pilot:
        stage = stage_of(app)
        cluster = stage.session.cluster
        targets = (
            ("default/web-1", "pod", "web-1", "web-1"), ("verdict default/web-1", "pod", "web-1", "web-1"),
            ("shop/web-1", "pod", "web-1 -n shop", "web-1 -n shop"),
            ("deployment default/web", "deployment", "web", "deployment/web"), ("node-1", "node", "node-1", ""),
            ("service default/web", "service", "web", "service/web"),
        )  # fmt: skip
        for target, kind, name, running_name in targets:
            for key, line in HABITS.items():
                if "running" in line and not running_name:
                    continue
                stage.look.selected = target
                await pilot.press(key, *(("l", "s", "enter", "escape") if key == "s" else ()))
                typed = cluster.timeline.branch.inputs[-1].input
                assert typed == inputs.Kubectl(line.format(kind=kind, name=name, running=running_name))
        stage.look.selected = "node-1"
        for key in ("l", "s"):
            await pilot.press(key)
            assert "select one of its pods" in text_of(stage.prompt.notice)
        for target in ("node-1", "service default/kubernetes"):
            stage.look.selected = target
            await pilot.press("y")
            assert "apiVersion: v1" in stage.look.details
        for target in ("etcd-1", "cp-1", "message 3", "room A"):
            stage.look.selected = target
            for key in ("l", "s", "e", "ctrl+d", "y"):
                await pilot.press(key)
                assert "select a pod" in text_of(stage.prompt.notice), (target, key)
