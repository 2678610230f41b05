"""A lesson at one moment, as blocks that any screen can draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_tutor.lessons import actions as act
from k8s_tutor.lessons import models
from k8s_tutor.lessons.debrief import told
from k8s_tutor.lessons.steps import ASKING, DONE, FAILED, READING, RUNNING, SHOWING, WORKING
from k8s_tutor.lessons.values import in_words
from k8s_tutor.lessons.view import Block, Key, LessonView, WorldTitle

TOLD = (READING, DONE, WORKING)
"""Phases in which a step says where its picture breaks: never before an answer is given, since it may give it away."""

if TYPE_CHECKING:
    from k8s_tutor.lessons.player import Player
    from k8s_tutor.lessons.stage import Script


def draw(player: Player) -> LessonView:
    """The lesson as it stands."""
    lesson, step, state = player.lesson, player.step, player.open
    ending = step is None
    deadline = 0
    if isinstance(step, models.Task) and state.check is not None and state.phase in (WORKING, SHOWING):
        deadline = state.check.opened + step.deadline
    elif state.run is not None and state.phase == RUNNING:
        deadline = state.run.deadline
    worlds: tuple[WorldTitle, ...] = ()
    if len(player.stages) > 1:
        ended = state.run.ended if state.run is not None else [1] * len(player.stages)
        worlds = tuple(WorldTitle(s.title, "done" if at else "running") for s, at in zip(player.stages, ended, strict=True))
    truth = step.truth if step is not None and state.phase in TOLD else ""
    return LessonView(
        id=lesson.id, title=lesson.title, track=lesson.track, index=player.index, total=player.total,
        kind="end" if step is None else step.KIND, step_title="" if step is None else step.title,
        phase="done" if ending else state.phase, blocks=tuple(_blocks(player)), keys=tuple(_keys(player)), holds=player.holds,
        panels=player.panels, walks=player.walks, lens=player.shown_lens, notes="" if step is None else step.notes,
        truth=truth, worlds=worlds, deadline=deadline, upcoming=_upcoming(player),
    )  # fmt: skip


def _blocks(player: Player) -> list[Block]:
    step = player.step
    if step is None:
        return [Block("text", f"That was **{player.lesson.title}**.")]
    blocks: list[Block] = []
    if isinstance(step, models.Predict):
        blocks = _predict(player, step)
    elif isinstance(step, (models.Ask, models.Review)):
        blocks = _questions(player, step)
    elif isinstance(step, models.Task):
        blocks = _task(player, step)
    elif isinstance(step, models.Table):
        blocks = [Block("text", step.text)]
        if player.open.measurement is not None:
            blocks.append(Block("table", rows=player.open.measurement.rows(), state="" if player.phase == DONE else "now"))
        blocks += _after(player, step.say)
    elif isinstance(step, models.Debrief):
        blocks = [Block("text", step.text)] if step.text else []
        blocks += [Block("timeline", told(line), state=line.who) for line in player.story.lines(player.lens)]
    elif isinstance(step, models.Compare):
        blocks = [Block("text", step.text), *_captions(player), *_after(player, step.say)]
    else:
        blocks = [Block("text", step.text)] if step.text else []
        blocks += _captions(player)
    if step.truth and player.phase in TOLD:
        blocks.append(Block("truth", step.truth))
    return blocks


def _after(player: Player, say: str) -> list[Block]:
    return [Block("text", say)] if say and player.phase == DONE else []


def _captions(player: Player) -> list[Block]:
    """The actions of a demonstration, done, being done and to come; and what did not work."""
    run = player.open.run
    if run is None:
        return []
    blocks = _played(run.stages[0].script)
    blocks += [Block("warning", trouble) for trouble in run.troubles]
    if run.late:
        blocks.append(Block("warning", "This did not happen in time. Go on, or begin the step again."))
    return blocks


def _played(script: Script) -> list[Block]:
    """Each action of a script and how far it has come; waiting that has no words of its own goes without saying."""
    blocks = []
    for index, action in enumerate(script.actions):
        state = "done" if index < script.index else "now" if index == script.index else "open"
        if action.say or action.VERB not in ("wait", "until"):
            blocks.append(Block("caption", action.say or act.in_words(action), state=state))
    return blocks


def _predict(player: Player, step: models.Predict) -> list[Block]:
    state = player.open
    blocks = [Block("question", step.text)]
    decided = player.phase == DONE
    for index, option in enumerate(step.options):
        blocks.append(Block("option", option.text, str(index + 1), _mark(index, state.chosen, option.correct, decided)))
    if state.phase != ASKING:
        blocks += _captions(player)
    if decided:
        blocks += _feedback(player, step.options)
        if state.imagined:
            blocks.append(Block("imagine", state.imagined))
        blocks += _after(player, step.say)
    return blocks


def _mark(index: int, chosen: int, correct: bool, decided: bool) -> str:
    if not decided:
        return "chosen" if index == chosen else ""
    if correct:
        return "right"
    return "wrong" if index == chosen else ""


def _feedback(player: Player, options: list[models.Option]) -> list[Block]:
    """First why the chosen option is right or wrong, then why the others are."""
    chosen = player.open.chosen
    order = [chosen, *(index for index, option in enumerate(options) if option.correct and index != chosen)]
    order += [index for index in range(len(options)) if index not in order]
    return [
        Block("feedback", options[index].because, str(index + 1), "right" if options[index].correct else "wrong")
        for index in order
    ]


def _questions(player: Player, step: models.Ask | models.Review) -> list[Block]:
    state, asked = player.open, player.asked
    blocks = []
    if isinstance(step, models.Review):
        blocks.append(Block("text", step.text or "What do you remember?"))
    if asked is None or (player.phase == DONE and player.question is None):
        return blocks
    blocks.append(Block("question", asked.text))
    decided = player.phase == DONE
    for index, text in enumerate(asked.options):
        blocks.append(Block("option", text, str(index + 1), _mark(index, state.chosen, index == asked.correct, decided)))
    if decided:
        verdict = "right" if state.right else "wrong"
        if asked.options:
            blocks += _feedback(player, player.options)
            blocks += [Block("feedback", asked.because, "", verdict)] if asked.because else []
        else:
            words = "Right" if state.right else f"You said {state.given}. It is {asked.right}"
            blocks.append(Block("feedback", f"{words}: {asked.because}", "", verdict))
    return blocks


def _task(player: Player, step: models.Task) -> list[Block]:
    state = player.open
    blocks = [Block("text", step.text)]
    if state.check is not None:
        blocks += [Block("goal", line.text, "", line.state) for line in state.check.lines()]
        if state.phase == FAILED and state.check.broken is not None:
            blocks.append(Block("warning", f"{state.check.broken.text}. Go back in time, or begin the task again."))
        elif state.phase == WORKING and player.main.cluster.now > state.check.opened + step.deadline:
            blocks.append(
                Block("warning", f"More than {in_words(step.deadline)} have passed. There is no hurry; a hint may help.")
            )
    blocks += [Block("hint", text, str(index + 1)) for index, text in enumerate(state.hints)]
    if state.asked_solution and state.phase in (WORKING, FAILED):
        blocks.append(
            Block(
                "warning", "The solution plays on your cluster, from the moment at which the task opened. Once more to see it."
            )
        )
    if state.shown:
        blocks += _played(player.main.script)
    blocks += _after(player, step.say)
    return blocks


def _keys(player: Player) -> list[Key]:
    step, phase = player.step, player.phase
    if step is None:
        return []
    keys = []
    if phase in (READING, DONE):
        keys.append(Key("next", "go on"))
    if phase == ASKING:
        keys.append(Key("answer", "choose" if player.options else "type your answer"))
    if phase in (WORKING, FAILED):
        assert isinstance(step, models.Task)
        if len(player.open.hints) < len(step.hints):
            keys.append(Key("hint", "hint"))
        keys.append(Key("solve", "show me" if not player.open.asked_solution else "yes, show me"))
    if player.imaginable is not None:
        keys.append(Key("imagine", "the world in which I was right"))
    if phase in (WORKING, FAILED, SHOWING, RUNNING, DONE) and step.KIND in ("task", "do", "predict", "compare", "wait"):
        keys.append(Key("reset", "begin again"))
    keys.append(Key("skip", "skip"))
    return keys


def _upcoming(player: Player) -> str:
    if player.index + 1 >= player.total:
        return ""
    step = player.lesson.steps[player.index + 1]
    words = (step.title or step.text or step.KIND).split()
    return f"{step.KIND}: {' '.join(words[:12])}"
