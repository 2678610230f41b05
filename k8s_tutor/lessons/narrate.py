"""Plays a lesson as lines of plain text: for a screen reader, a log, a handout."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any

from k8s_tutor.cluster import InputError, inputs, verdictwords
from k8s_tutor.cluster.walkviews import walk_lines
from k8s_tutor.lessons import lens as lenses
from k8s_tutor.lessons import models
from k8s_tutor.lessons.debrief import told
from k8s_tutor.lessons.lens import Lens
from k8s_tutor.lessons.manifests import edited
from k8s_tutor.lessons.parts import part
from k8s_tutor.lessons.player import Player
from k8s_tutor.lessons.stage import Stage
from k8s_tutor.lessons.steps import ASKING, DONE, FAILED, READING, RUNNING, SHOWING, WORKING
from k8s_tutor.lessons.telling import SHOWN, WHOLE, Teller
from k8s_tutor.lessons.values import clock

WIDTH = 88
SLICE = 20_000
PROMPT = "{console} ..., as NAME {console} ..., crash NAME, restart NAME, cut A | B, heal, wait 10s, why POD, hint, solve: "

Out = Callable[[str], None]
Read = Callable[[str], str]
Edits = Callable[[str, str], str]
"""(what is edited, text) → what a person makes of it. Raises OSError for an editor that cannot be run."""


def untouched(name: str, text: str) -> str:
    """The editor of somebody who changes nothing."""
    return text


class Narrator:
    """One play of a lesson in text.

    ``out`` takes a line; ``read`` takes a prompt and gives what was typed (EOFError: nothing more comes). With ``auto`` the
    narrator answers right and plays the solutions itself. ``edit`` is the person's editor.
    """

    def __init__(self, player: Player, out: Out, read: Read | None = None, auto: bool = False, width: int = WIDTH,
                 edit: Edits = untouched) -> None:  # fmt: skip
        self.player = player
        self.auto = auto or read is None
        self._out = out
        self._read = read or (lambda prompt: "")
        self._width = width
        self._edit = edit
        self._tellers: dict[int, Teller] = {}

    def play(self) -> bool:
        """Tells the whole lesson. False when it was left before its end, or something did not work as it should."""
        lesson = self.player.lesson
        self._out(f"{lesson.title}  ({lesson.track}, seed {self.player.seed}, lens {self.player.shown_lens})")
        good = True
        while not self.player.finished:
            step = self.player.step
            assert step is not None
            self._out("")
            self._out(f"[{self.player.index + 1}/{self.player.total}] {step.title or _KINDS[step.KIND]}")
            self._tellers = {id(stage): self._teller(stage) for stage in self.player.stages}
            try:
                good = self._step(step) and good
            except EOFError:
                self._out("")
                self._out("Left here.")
                return False
            if self.player.phase not in (READING, DONE):
                self.player.open.phase = DONE
            self.player.next()
        self._out("")
        self._out("The end.")
        return good

    # ------------------------------------------------------------------ steps

    def _step(self, step: models.Step) -> bool:
        if isinstance(step, models.Predict):
            self._say(step.text)
            self._options([option.text for option in step.options])
            self._answer()
            self._run()
            self._feedback()
            self._imagine()
            self._say(step.say)
        elif isinstance(step, (models.Ask, models.Review)):
            self._questions(step)
        elif isinstance(step, models.Task):
            self._task(step)
        elif isinstance(step, models.Table):
            self._say(step.text)
            while self.player.phase == RUNNING:
                self.player.tick()
            self._table()
            self._say(step.say)
        elif isinstance(step, models.Debrief):
            self._say(step.text)
            for line in self.player.story.lines(self.lens):
                self._wrapped(told(line), "  ", " " * 21)
        else:
            self._say(step.text)
            self._run()
            if isinstance(step, models.Compare):
                self._worlds()
                self._say(step.say)
        self._walks(step)
        self._say(step.truth, "Where the picture breaks: ")
        good = self._troubles()
        if isinstance(step, (models.Say, models.Do, models.Compare, models.Table, models.Debrief)) and not self.auto:
            self._read("Enter to go on ")
        return good

    def _walks(self, step: models.Step) -> None:
        """The packets that a step follows, place by place."""
        for one in step.walk:
            origin, target = one.split()
            for stage in self.player.stages:
                self._out("")
                if len(self.player.stages) > 1:
                    self._out(f"{stage.title}:")
                for line in walk_lines(stage.cluster.walk(origin, target)):
                    self._out("  " + line)

    @property
    def lens(self) -> Lens:
        """The lens that the lesson shows now."""
        return lenses.lens(self.player.shown_lens)

    def _questions(self, step: models.Ask | models.Review) -> None:
        if step.text and isinstance(step, models.Review):
            self._say(step.text)
        while self.player.phase == ASKING:
            asked = self.player.asked
            assert asked is not None
            self._say(asked.text)
            self._options(list(asked.options))
            self._answer()
            self._feedback()
            if isinstance(step, models.Review) and self.player.open.item + 1 < len(step.items):
                self.player.next()
                self._out("")

    def _answer(self) -> None:
        if self.auto:
            right = self.player.right_answer()
            self._out(f"  > {right + 1 if isinstance(right, int) else right}")
            self.player.answer(right)
            return
        while True:
            try:
                self.player.answer(self._read("Your answer: ").strip())
                return
            except ValueError as error:
                self._out(str(error))

    def _task(self, step: models.Task) -> None:
        self._say(step.text)
        player = self.player
        while player.phase in (WORKING, FAILED):
            self._goal()
            if self.auto:
                player.solve(confirmed=True)
                break
            console = "etcdctl" if player.cluster.spec.components == "etcd" else "kubectl"
            line = self._read(PROMPT.format(console=console)).strip()
            self._command(line)
        self._run()
        if player.phase == DONE:
            self._out("  ✓ the goal is reached")
            self._say(step.say)

    def _imagine(self) -> None:
        """Offers the world in which a wrong answer would have been right."""
        player = self.player
        if self.auto or player.imaginable is None:
            return
        if not self._read("See the world in which your answer would be right? y or n ").strip().lower().startswith("y"):
            return
        player.imagine()
        self._say(player.open.imagined)
        if len(player.stages) > 1:
            self._run()
            self._worlds()

    def _command(self, line: str) -> None:
        """One line of somebody who works at a task in text."""
        from k8s_tutor.lessons.console import CommandError, command

        player = self.player
        if line == "hint":
            self._say(player.hint() or "There is no further hint.")
        elif line == "solve":
            if player.solve():
                self._tellers = {}
        elif line == "reset":
            player.reset()
            self._tellers = {}
        elif line.split()[:1] == ["why"]:
            self._why(line.partition(" ")[2])
        else:
            try:
                told = [command(part.strip(), player.lens) for part in line.split(";")]
                given = [entry for entries, _ in told for entry in entries]
                for entry in given:
                    player.give(entry)
                self._run(max(wait for _, wait in told), given[0] if given else None)
                while self._edited():
                    self._run(0, given[0])
            except (CommandError, InputError) as error:
                self._wrapped(str(error), "", "    ")

    def _why(self, pod: str) -> None:
        """``why pod web-1``: why this node and why not that one."""
        view = self.player.cluster.view()
        name = pod.strip().removeprefix("pod").lstrip(" /")
        try:
            for text in verdictwords.lines(view.verdicts, view.queue, name if "/" in name else f"default/{name}"):
                self._wrapped(text, "", "    ")
        except LookupError as error:
            self._wrapped(str(error.args[0]), "", "    ")

    def _edited(self) -> bool:
        """Hands what a line wants to have edited to the person's editor. False when there is nothing."""
        editors = part(self.player.cluster, "console").editors
        for editor in editors:
            try:
                text = self._edit(editor.name, editor.text)
            except OSError as error:
                self._wrapped(f"{error.strerror}: {error.filename}; say which one in KUBE_EDITOR", "", "    ")
                text = editor.text
            self.player.give(inputs.Saved(editor.session, text, edited(text), editor.client))
        return bool(editors)

    # ------------------------------------------------------------------ telling

    def _run(self, wait: int = 0, given: Any = None) -> None:
        """Lets the world run to the end of the step's script (or for a while, at a task) and tells what happens."""
        player = self.player
        if player.phase in (WORKING, FAILED):
            end = player.cluster.now + (wait or 5_000_000)
            if given is not None and not wait:
                self._until_quiet(end)
            else:
                self._advance(end, (player.phase,))
        else:
            self._advance(1 << 60, (RUNNING, SHOWING))
        self._tell()

    def _until_quiet(self, end: int) -> None:
        player, phase = self.player, self.player.phase
        while player.phase == phase and player.cluster.now < end:
            due = player.cluster.next_work()
            player.advance(min(end, max(due or end, player.cluster.now + 1)), SLICE)
            if part(player.cluster, "console").editors or (player.cluster.quiet and not player.main.busy()):
                break

    def _advance(self, end: int, phases: tuple[str, ...]) -> None:
        player = self.player
        while player.phase in phases and player.cluster.now < end:
            patience = player.cluster.now + 1_000_000
            player.advance(min(end, patience), SLICE)
            self._tell()
            check, step = player.open.check, player.step
            if player.phase == SHOWING and check is not None and isinstance(step, models.Task):
                end = min(end, check.opened + step.deadline)

    def _teller(self, stage: Stage) -> Teller:
        """Who tells of a stage: what a person at a task has asked for is told whole."""
        works = isinstance(self.player.step, models.Task) and not self.auto
        return Teller(stage, self.lens, self.player.stages, WHOLE if works else SHOWN)

    def _tell(self) -> None:
        for stage in self.player.stages:
            if id(stage) not in self._tellers:
                self._tellers[id(stage)] = self._teller(stage)
        lines = [line for stage in self.player.stages for line in self._tellers[id(stage)].lines()]
        for at, _, text in sorted(lines, key=lambda line: line[:2]):
            for row in textwrap.wrap(text, self._width - 12, subsequent_indent="    ", break_on_hyphens=False) or [""]:
                self._out(f"  {clock(at)}  {row}" if row == text or not row.startswith("    ") else f"{'':13}{row}")

    def _options(self, options: list[str]) -> None:
        for index, text in enumerate(options):
            self._wrapped(f"{index + 1}) {text}", "  ", "     ")

    def _feedback(self) -> None:
        """Why the answer was right or wrong, and what the others would have meant."""
        for block in self.player.view().blocks:
            if block.kind == "feedback":
                mark = "✓" if block.state == "right" else "✗"
                number = f" {block.mark})" if block.mark else ""
                self._wrapped(f"{mark}{number} {_plain(block.text)}", "  ", "     ")

    def _goal(self) -> None:
        for block in self.player.view().blocks:
            if block.kind == "goal":
                mark = {"met": "✓", "broken": "✗"}.get(block.state, "◌")
                self._out(f"  {mark} {block.text}")
            elif block.kind == "warning":
                self._say(block.text)

    def _table(self) -> None:
        measurement = self.player.open.measurement
        if measurement is None:
            return
        rows = measurement.rows()
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        for row in rows:
            self._out("  " + "  ".join(cell.ljust(size) for cell, size in zip(row, widths, strict=True)).rstrip())

    def _worlds(self) -> None:
        """How each world stands at the end of a comparison."""
        for stage in self.player.stages:
            self._out(f"  {stage.title}: {_standing(stage, self.lens)}")

    def _troubles(self) -> bool:
        found = self.player.troubles()
        for trouble in found:
            self._say(trouble, "Did not work: ")
        return not found

    def _say(self, text: str, before: str = "") -> None:
        if not text:
            return
        for paragraph in re.split(r"\n\s*\n", text.strip()):
            if paragraph.startswith(("- ", "* ")):
                for item in re.split(r"\n(?=[-*] )", paragraph):
                    self._wrapped(_plain(" ".join(item.split())), "", "  ")
            elif paragraph.lstrip().startswith(("|", "```", "    ")):
                for line in paragraph.splitlines():
                    self._out(_plain(line))
            else:
                self._wrapped(before + _plain(" ".join(paragraph.split())), "", "")
            before = ""

    def _wrapped(self, text: str, first: str, rest: str) -> None:
        for line in textwrap.wrap(text, self._width, initial_indent=first, subsequent_indent=rest):
            self._out(line)


_KINDS = {
    "say": "Read", "do": "Watch", "wait": "Wait", "predict": "Predict", "ask": "Question", "task": "Your turn",
    "compare": "Compare", "table": "Measure", "debrief": "What happened", "review": "Recall",
}  # fmt: skip


def _plain(text: str) -> str:
    """Markdown without its marks."""
    text = re.sub(r"(\*\*|__)(.+?)\1", r"\2", text)
    text = re.sub(r"(?<!\w)[*_](\S.*?)[*_](?!\w)", r"\1", text)
    return re.sub(r"`([^`]*)`", r"\1", text).lstrip("#").strip() if text.startswith("#") else re.sub(r"`([^`]*)`", r"\1", text)


def _standing(stage: Stage, lens: Lens) -> str:
    raft = part(stage.cluster, "raft")
    leaders = ", ".join(lens.name(name) for name in raft.leaders) or "nobody"
    words = [f"{lens.word('leader')}: {leaders}"]
    deciding = raft.has_quorum or raft.variant == "naive"
    words.append("can decide" if deciding else f"cannot decide ({raft.reach} of {raft.size} within reach)")
    if raft.lost:
        words.append(f"committed entries lost: {raft.lost}")
    return "; ".join(words)


def narrate(player: Player, out: Out, read: Read | None = None, auto: bool = False, edit: Edits = untouched) -> bool:
    """Plays a lesson as text; see `Narrator`."""
    return Narrator(player, out, read, auto, edit=edit).play()

