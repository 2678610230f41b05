"""The stage: panels of the world, the lesson beside them, time below them, one line to type in.

This screen plays the frames and takes keys and clicks; what they do stands in ``deeds.py``, how it looks in ``stage_view.py``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import events, on

from k8s_tutor.ui import actions, keys, lenses, lesson_panel
from k8s_tutor.ui.lesson_panel import Hand
from k8s_tutor.ui.look import ETCD_ONLY, LESSON, WHOLE
from k8s_tutor.ui.prompt import Mode
from k8s_tutor.ui.stage_view import StageView
from k8s_tutor.ui.widgets import PanelView, TimeStrip

if TYPE_CHECKING:
    from k8s_tutor.cluster.views import EditorView
    from k8s_tutor.ui.app import Tutor
    from k8s_tutor.ui.guests import Guests

FRAMES = 30
"""Frames a second."""


class Stage(StageView):
    """One session being played."""

    BINDINGS = keys.bindings("stage")
    CSS = "Stage { background: $tutor-ground; } Stage.projector { background: $tutor-wall; }"

    guests: Guests | None = None
    """Who comes from outside; None: the door is shut."""
    _last = 0.0
    _step = (-1, "")
    _followed: tuple[tuple[str, str], ...] = ()
    _edited: set[tuple[str, int, str]]
    """Editors that were opened: branch, session of the console, text."""

    # ------------------------------------------------------------------ life

    def on_mount(self) -> None:
        self._edited = set()
        self.prompt.entered, self.prompt.left, self.prompt.changed = self._entered, self._left, self._changed
        self.prompt.completes("command", keys.command_completion("stage"))
        self.prompt.completes("kubectl", self._complete_kubectl)
        self.prompt.head = "etcdctl" if self.session.cluster.spec.components == "etcd" else ""
        self.set_class(self.look.projector, "projector")
        if self.session.lesson is None:
            spec = self.session.cluster.spec
            panels: tuple[str, ...] = ETCD_ONLY if spec.components == "etcd" else WHOLE
            if spec.rooms:
                panels = ("committee", "rooms", *(panel for panel in panels if panel not in ("committee", "wire")))
            self.look.panels = panels
            self.look.focus = self.look.panels[0]
        self._follow_lesson()
        self.rearrange()
        self._last = time.perf_counter()
        self.set_interval(1 / FRAMES, self.frame)

    def on_resize(self, event: events.Resize) -> None:
        self.rearrange()

    def on_screen_resume(self) -> None:
        self._last = time.perf_counter()
        self.rearrange()

    # ------------------------------------------------------------------ frames

    def frame(self) -> None:
        """One frame: a slice of the engine, then whatever it changed."""
        now = time.perf_counter()
        wall, self._last = now - self._last, now
        if self.app.screen is self and not self.tutor.frozen:
            self.play(wall)

    def play(self, wall: float) -> None:
        """Runs a frame of ``wall`` seconds and draws it."""
        moved = self.driver.frame(wall)
        if self.session.errands:
            self.run_errands()
        if self.guests is not None:
            self.guests.turn()
        if self.tutor.frozen:
            self.thrift.at_once()
        if self._follow_lesson():
            self.rearrange()
        elif moved:
            self.draw()
        if self._views and self._views[0].console.editors:
            self.open_editor()

    def open_editor(self, again: bool = False) -> bool:
        """Opens the editor for what a line wants to have edited, each text once, or ``again``. False when there is nothing.

        The world stands still as long as it is open. In the past, and while a lesson acts, nobody is asked.
        """
        lesson, view = self.session.lesson, self.session.view()
        acting = lesson is not None and lesson.phase in ("running", "showing")
        branch = next(one.name for one in self.session.timeline().branches if one.current)
        for editor in view.console.editors:
            key = (branch, editor.session, editor.text)
            if again or not (acting or self.session.past or key in self._edited):
                self._edited.add(key)
                self._edit(editor)
                return True
        return False

    def _edit(self, editor: EditorView) -> None:
        from k8s_tutor.cluster.inputs import Saved
        from k8s_tutor.lessons.manifests import edited
        from k8s_tutor.ui.editor import Editor

        def closed(text: str | None) -> None:
            text = editor.text if text is None else text
            given = Saved(editor.session, text, edited(text), editor.client)
            refused = keys.carry_out(lambda: self.session.give(given))
            self.session.traced = 0
            self.driver.playing = True
            if refused:
                self.say(refused, "fail")
            self.after_deed()

        self.app.push_screen(Editor(editor.name, editor.text), closed)

    def run_errands(self) -> None:
        """What hangs on a line that was typed."""
        from k8s_tutor.cluster.inputs import in_words

        done: list[str] = []
        refused = keys.carry_out(lambda: done.extend(map(in_words, self.session.run_errands())))
        if refused or done:
            self.say(refused or done[-1], "fail" if refused else "leader")

    def _follow_lesson(self) -> bool:
        """A new step may ask for other panels and another lens. True when it did."""
        lesson = self.session.lesson
        if lesson is None:
            return False
        step = (lesson.index, lesson.phase)
        if step == self._step:
            return False
        fresh = lesson.index != self._step[0]
        self._step = step
        if fresh:
            self.look.hand = Hand()
            self.look.focus = LESSON
            self.look.opened = ()
        panels = tuple(panel for panel in lesson.panels if panel != "timeline")
        if lesson.walks and lesson.walks != self._followed:
            self.look.walks = self._followed = lesson.walks
        if panels and panels != self.look.panels:
            self.look.panels = panels
        elif not panels and fresh and not self.look.panels:
            self.look.panels = WHOLE
        return True

    @property
    def tutor(self) -> Tutor:
        """The app."""
        from k8s_tutor.ui.app import Tutor

        assert isinstance(self.app, Tutor)
        return self.app

    def dismiss_stage(self) -> None:
        """Back to the home screen, or out."""
        self.driver.playing = False
        self.shut()
        self.tutor.close_stage(self)

    def on_unmount(self) -> None:
        self.shut()

    def shut(self) -> None:
        """Nobody from outside is served any more."""
        if self.guests is not None:
            self.guests.close()
            self.guests = None

    def toggle_ascii(self) -> None:
        """ASCII only, or all characters."""
        self.look.ascii = self.tutor.toggle_ascii()

    def choose(self, title: str, choices: list[tuple[str, str, str]], chosen: Callable[[str], None]) -> None:
        """Let somebody choose one of (name, explanation, value)."""

        def pick(value: str) -> Callable[[], None]:
            def act() -> None:
                refused = keys.carry_out(lambda: chosen(value))
                if refused:
                    self.say(refused, "fail")
                self.call_after_refresh(self.after_deed)

            return act

        self.app.search_commands([(name, pick(value), words) for name, words, value in choices], placeholder=title)

    def find(self, text: str) -> None:
        """Select the first thing on the panels whose name contains the text; then the next one."""
        wanted = lenses.component(self.lens, text).casefold()
        hits = [
            (panel.panel, spot.target)
            for panel in self.panels
            if panel.display
            for spot in panel.picture.spots
            if wanted in spot.target.casefold() or wanted in self.lens.name(spot.target).casefold()
        ]
        hits = list(dict.fromkeys(hits))
        if not hits:
            raise LookupError(f"nothing on these panels is called {text!r}")
        targets = [target for _, target in hits]
        place_now = targets.index(self.look.selected) + 1 if self.look.selected in targets else 0
        self.look.focus, self.look.selected = hits[place_now % len(hits)]

    def whole_line(self, text: str) -> str:
        """A line as it was meant: where there is nothing but etcd, the word etcdctl goes without saying."""
        bare = self.session.cluster.spec.components == "etcd"
        return f"etcdctl {text}" if bare and text.split(" ")[0] not in ("etcdctl", "etcdutl", "kubectl") else text

    def _complete_kubectl(self, before: str) -> list[str]:
        from k8s_tutor.ui.completion import complete

        return complete(before, self.session.view(), self.session.cluster)

    # ------------------------------------------------------------------ keys and mouse

    def action_do(self, name: str, argument: str = "") -> None:
        """Carries out an action of the registry."""
        from k8s_tutor.ui.deeds import DEEDS

        if self.layout_now is None and name not in ("quit", "leave", "interrupt"):
            return
        action = actions.BY_ID.get(name)
        if action is not None and action.must_have_argument and not argument:
            self.prompt.open("command", f"{action.name} ")
            return
        self.prompt.notice = ()
        refused = keys.carry_out(lambda: DEEDS[name](self, argument))
        self.session.changed()
        if refused:
            self.say(refused, "fail")
        self.after_deed()

    def after_deed(self) -> None:
        """Draws what a deed has changed, at once."""
        if self.is_attached and self.app.screen is self:
            self._follow_lesson()
            self.rearrange()

    @on(PanelView.Selected)
    def _selected(self, message: PanelView.Selected) -> None:
        look = self.look
        if message.panel is self.lesson_view:
            look.focus = LESSON
            kind, _, number = message.target.partition(" ")
            if kind == "option":
                again = look.hand.cursor == int(number)
                look.hand = replace(look.hand, cursor=int(number))
                if again:
                    self.action_do("next")
        else:
            look.focus = message.panel.panel
            look.selected = message.target
            if message.target.startswith("step ") or self._red(message.target):
                self.action_do("follow")
        self.set_focus(None)
        self.after_deed()

    @on(PanelView.Dragged)
    def _dragged(self, message: PanelView.Dragged) -> None:
        """Who is dragged into another room moves there."""
        from k8s_tutor.ui.deeds_world import drag

        if message.panel.panel not in ("rooms", "committee"):
            return
        refused = keys.carry_out(lambda: drag(self, message.source, message.target))
        self.session.changed()
        if refused:
            self.say(refused, "fail")
        self.after_deed()

    def _red(self, target: str) -> bool:
        """Whether a target is a lamp that has gone out: a click leads to what broke it."""
        return any(not lamp.ok and target == f"lamp {lamp.property}" for lamp in self.session.view().raft.invariants)

    @on(PanelView.Scrolled)
    def _scrolled(self, message: PanelView.Scrolled) -> None:
        if message.panel is self.lesson_view:
            self.look.hand = replace(self.look.hand, scroll=max(0, (self.look.hand.scroll or 0) - message.rows))
        else:
            self.look.scroll(message.panel.panel, message.rows)
        self.draw()

    def _entered(self, mode: Mode, text: str) -> None:
        """A line from the prompt."""
        from k8s_tutor.ui.deeds import submit

        if mode != "kubectl" or not text:
            self.set_focus(None)
        refused = keys.carry_out(lambda: submit(self, mode, text))
        self.session.changed()
        if refused:
            self.say(refused, "fail")
        self.after_deed()

    def _left(self) -> None:
        self.set_focus(None)
        self.look.hand = replace(self.look.hand, typed="")
        self.draw()

    def _changed(self, mode: Mode, text: str) -> None:
        if mode == "answer":
            self.look.hand = replace(self.look.hand, typed=text)
            self.draw()

    def take_key(self, event: events.Key) -> bool:
        """Keys that are no bindings: of the open prompt; digits choose an option, or begin an answer; any key lights a black
        wall again."""
        if self.look.black:
            self.look.black = False
            self.rearrange()
            return True
        if self.focused is self.prompt:
            return self.prompt.take(event)
        lesson = self.session.lesson
        if lesson is None or not lesson_panel.can(lesson, "answer") or not (event.character or "").isdigit():
            return False
        count, digit = len(lesson_panel.options(lesson)), event.character or ""
        if count and 1 <= int(digit) <= count:
            self.look.hand = replace(self.look.hand, cursor=int(digit) - 1)
            self.draw()
        elif not count:
            self.look.hand = replace(self.look.hand, typed=digit)
            self.prompt.open("answer", digit)
            self.draw()
        return True

    @on(TimeStrip.Scrubbed)
    def _scrubbed(self, message: TimeStrip.Scrubbed) -> None:
        """A click on the rail goes to that moment."""
        timeline = self.session.timeline()
        at = int(message.share * max(timeline.head_at, self.session.now))
        self.driver.playing = False
        refused = keys.carry_out(lambda: self.session.goto(at))
        if refused:
            self.say(refused, "fail")
        self.after_deed()
