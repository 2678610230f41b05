"""What the actions of the stage do.

Each deed takes the stage and the argument of its command, and raises what the engine raises for what cannot be done; the stage
shows that as one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from k8s_tutor.cluster import inputs
from k8s_tutor.ui import actions, hands, lenses, lesson_panel, manifests
from k8s_tutor.ui.look import LESSON
from k8s_tutor.ui.pace import SECOND, parse_speed
from k8s_tutor.ui.widgets import neighbour

if TYPE_CHECKING:
    from k8s_tutor.ui.prompt import Mode
    from k8s_tutor.ui.stage import Stage

Deed = Callable[["Stage", str], None]

# ---------------------------------------------------------------------------------------------------- time


def play(stage: Stage, argument: str) -> None:
    """Let time run, or stop it."""
    stage.driver.toggle()


def step(stage: Stage, argument: str) -> None:
    """Deliver messages until one that a person can see has arrived or was lost."""
    stage.driver.playing = False
    if stage.session.holds:
        raise ValueError("answer first; then time goes on")
    session = stage.session
    before = _newest(stage)
    for _ in range(400):
        if not session.step():
            raise ValueError("nothing more is due")
        if _newest(stage) != before:
            return


def _newest(stage: Stage) -> int:
    recent = stage.session.view().wire.recent
    return recent[-1].id if recent else 0


def back(stage: Stage, argument: str) -> None:
    """Go back to just before the newest message that a person can see arrived."""
    stage.driver.playing = False
    session = stage.session
    recent = session.view().wire.recent
    if recent and recent[-1].due <= session.now and recent[-1].due > 0:
        before = session.cluster.events
        session.goto(recent[-1].due - 1)
        if session.cluster.events < before:
            return
    if not session.back():
        raise ValueError("this is the beginning")


def faster(stage: Stage, argument: str) -> None:
    """The next higher speed."""
    stage.driver.change_speed(True)


def slower(stage: Stage, argument: str) -> None:
    """The next lower speed."""
    stage.driver.change_speed(False)


def speed(stage: Stage, argument: str) -> None:
    """A steady clock at a speed."""
    stage.driver.speed = parse_speed(argument)
    stage.driver.pace = "steady"


def cinema(stage: Stage, argument: str) -> None:
    """Cinema pace, or a steady clock."""
    driver = stage.driver
    driver.pace = "steady" if driver.pace == "cinema" else "cinema"
    stage.say("slow while messages fly, quick over quiet" if driver.pace == "cinema" else "a steady clock", "dim")


def jump(stage: Stage, argument: str) -> None:
    """On to the next piece of work."""
    if stage.session.holds:
        raise ValueError("answer first; then time goes on")
    if not stage.session.jump():
        stage.say("nothing is due: all is quiet", "dim")


def goto(stage: Stage, argument: str) -> None:
    """To a moment, in seconds."""
    try:
        at = int(float(argument.removesuffix("s")) * SECOND)
    except ValueError:
        raise ValueError(f"{argument!r} is no moment; write seconds, e.g. 3.2") from None
    stage.driver.playing = False
    stage.session.goto(at)


def undo(stage: Stage, argument: str) -> None:
    """To just before the last input."""
    words = stage.session.undo()
    stage.driver.playing = False
    stage.say(f"before: {words}   (Ctrl-R goes forward again)" if words else "nothing was done so far", "other")


def redo(stage: Stage, argument: str) -> None:
    """To just after the next input of this future."""
    words = stage.session.redo()
    stage.say(f"again: {words}" if words else "nothing to do again", "other")


def branch(stage: Stage, argument: str) -> None:
    """Name this future, or choose one."""
    clusters = stage.session.clusters
    views = stage.session.timeline().branches
    here = next((one.name for one in views if one.current), "")
    names = [one.name for one in views]
    if argument in names:
        go_to_branch(stage, argument)
    elif argument:
        for cluster in clusters:
            cluster.rename(here, argument)
        stage.say(f"this future is now called {argument}", "other")
    else:
        choices = [(("● " if one.current else "  ") + one.name, f"to {one.head_at / SECOND:.3f} s", one.name) for one in views]
        stage.choose("futures; :branch NAME names this one", choices, lambda name: go_to_branch(stage, name))


def go_to_branch(stage: Stage, name: str) -> None:
    """To the newest moment of a future."""
    stage.driver.playing = False
    for cluster in stage.session.clusters:
        cluster.checkout(name)
    stage.say(f"this is {name}", "other")


# ---------------------------------------------------------------------------------------------------- hands


def crash(stage: Stage, argument: str) -> None:
    """Crash what is up, start what is down."""
    for given in hands.crash(stage.session.view(), _target(stage, argument)):
        stage.session.give(given)
        stage.say(inputs.in_words(given), "leader")


def freeze(stage: Stage, argument: str) -> None:
    """Freeze what runs, let go what is frozen."""
    given = hands.freeze(stage.session.view(), _target(stage, argument))
    stage.session.give(given)
    stage.say(inputs.in_words(given), "leader")


def cut(stage: Stage, argument: str) -> None:
    """Cut or mend cables."""
    names = [[lenses.component(stage.lens, word) for word in side.split()] for side in argument.split("|")] if argument else []
    given = hands.cut(stage.session.view(), stage.look.selected, names)
    stage.session.give(given)
    stage.say(inputs.in_words(given), "leader")


def heal(stage: Stage, argument: str) -> None:
    """Mend all cables."""
    stage.session.give(inputs.Heal())
    stage.say("every cable is whole", "leader")


def drop(stage: Stage, argument: str) -> None:
    """Lose a message in flight."""
    stage.session.give(inputs.Drop(hands.message(argument or stage.look.selected)))


def delay(stage: Stage, argument: str) -> None:
    """Delay the selected message."""
    stage.session.give(inputs.Delay(hands.message(stage.look.selected), int(float(argument) * 1000)))


def delete(stage: Stage, argument: str) -> None:
    """kubectl delete of the selected thing."""
    _kubectl(stage, f"delete {hands.resource(stage.look.selected)}")


def kill(stage: Stage, argument: str) -> None:
    """The process in a pod's container dies."""
    stage.session.give(inputs.Kill(hands.pod(stage.look.selected)))
    stage.say(f"killed the process of {stage.look.selected}", "leader")


def describe(stage: Stage, argument: str) -> None:
    """kubectl describe of an object; what the screen knows of anything else."""
    if hands.is_object(stage.look.selected):
        _kubectl(stage, f"describe {hands.resource(stage.look.selected)}")
    else:
        stage.look.details, stage.look.why = (), False
        stage.look.open("inspector")


def yaml(stage: Stage, argument: str) -> None:
    """The object as its API server holds it; nothing is sent for this."""
    from k8s_tutor.kubectl.yamlout import dump

    kind, key = hands.kind_and_key(stage.look.selected)
    tree = stage.session.cluster.objects(kind).get(key)
    if tree is None:
        raise LookupError(f"the API server knows no {kind} {key}")
    stage.look.details, stage.look.why = tuple(dump(tree).splitlines()), False
    stage.look.open("inspector")


def why(stage: Stage, argument: str) -> None:
    """The chain of causes."""
    look = stage.look
    if not stage.session.why(look.selected, stage.lens):
        raise LookupError(f"nothing is known yet about what led to {look.selected}")
    look.details, look.why = (), True
    look.open("inspector")


def kubectl(stage: Stage, argument: str) -> None:
    """Type a line, or give the one that was typed after ``:kubectl``."""
    if argument:
        _kubectl(stage, argument)
    else:
        stage.prompt.open("kubectl")


def client(stage: Stage, argument: str) -> None:
    """Sit down at somebody's console."""
    names = [*stage.session.cluster.spec.clients, "you"]
    if argument not in names:
        raise LookupError(f"there is no client {argument}; there are {', '.join(names)}")
    stage.look.client = argument
    stage.say(f"you type as {argument} now", "dim")


def apply(stage: Stage, argument: str) -> None:
    """kubectl apply -f."""
    _kubectl(stage, f"apply -f {argument}")


def _kubectl(stage: Stage, line: str) -> None:
    """One line at the console, with the manifests that it names."""
    from pathlib import Path

    files = manifests.files_of(line, Path.cwd())
    stage.session.give(inputs.Kubectl(line, files, stage.look.client))
    stage.driver.playing = True
    stage.look.open("console")
    stage.look.scrolls.pop("console", None)


def _target(stage: Stage, argument: str) -> str:
    name = lenses.component(stage.lens, argument) if argument else stage.look.selected
    if not name:
        raise ValueError("select something first: arrows, Tab or the mouse")
    return name


# ---------------------------------------------------------------------------------------------------- lesson


_PATIENCE = {
    "running": "the system is at work; n goes on at once",
    "showing": "the solution plays; n goes on at once",
    "working": "this one is for your hands; h helps, n goes on",
    "failed": "R begins this step again; n goes on",
}


def next_(stage: Stage, argument: str) -> None:
    """Answer, or go on."""
    player, lesson, look = stage.session.player, stage.session.lesson, stage.look
    if player is None or lesson is None:
        return
    if not lesson_panel.can(lesson, "answer"):
        if player.finished:
            stage.dismiss_stage()
        elif not player.next():
            stage.say(_PATIENCE.get(lesson.phase, "n goes on"), "dim")
        stage.driver.playing = True
        return
    if lesson_panel.options(lesson):
        player.answer(look.hand.cursor, look.hand.sure)
        stage.driver.playing = True
    elif look.hand.typed:
        player.answer(look.hand.typed, look.hand.sure)
        look.hand = replace(look.hand, typed="")
        stage.driver.playing = True
    else:
        stage.prompt.open("answer")


def forward(stage: Stage, argument: str) -> None:
    """On to the next step; one that is not done yet is completed as a teacher would."""
    player = stage.session.player
    if player is None:
        return
    if player.finished:
        stage.dismiss_stage()
        return
    if not player.next():
        player.skip()
    stage.driver.playing = True


def previous(stage: Stage, argument: str) -> None:
    """Back to the step before."""
    player = stage.session.player
    if player is None or player.index == 0:
        raise ValueError("this is the first step")
    stage.session.replay_to(player.index - 1)
    stage.driver.playing = True


def hint(stage: Stage, argument: str) -> None:
    """One hint more."""
    player = stage.session.player
    if player is not None and not player.hint():
        stage.say("there is no hint now", "dim")


def solve(stage: Stage, argument: str) -> None:
    """The solution, live."""
    player = stage.session.player
    if player is not None and player.solve():
        stage.driver.playing = True


def imagine(stage: Stage, argument: str) -> None:
    """The world in which the wrong answer would have been right."""
    player = stage.session.player
    if player is not None and not player.imagine():
        raise ValueError("no other world was named here")
    stage.driver.playing = True


def sure(stage: Stage, argument: str) -> None:
    """Sure, unsure, nothing said."""
    hand = stage.look.hand
    following = {None: True, True: False, False: None}
    stage.look.hand = replace(hand, sure=following[hand.sure])


def reset(stage: Stage, argument: str) -> None:
    """The step from its start."""
    if stage.session.player is not None:
        stage.session.player.reset()
        stage.look.hand = lesson_panel.Hand()


# ---------------------------------------------------------------------------------------------------- looking


def lens(stage: Stage, argument: str) -> None:
    """Another picture of the same moment."""
    names = lenses.names()
    if argument and argument not in names:
        raise LookupError(f"there is no lens {argument}; there are {', '.join(names)}")
    stage.session.set_lens(argument or lenses.after(stage.session.lens))


def focus(stage: Stage, argument: str) -> None:
    """The next panel."""
    stage.look.move_focus(1, stage.session.lesson is not None and not stage.look.projector)


def focus_back(stage: Stage, argument: str) -> None:
    """The panel before."""
    stage.look.move_focus(-1, stage.session.lesson is not None and not stage.look.projector)


def panel(stage: Stage, argument: str) -> None:
    """Show or hide a panel."""
    from k8s_tutor.ui.panels import PANELS

    name = argument.replace(" ", "_").replace("-", "_")
    if name not in PANELS:
        raise LookupError(f"there is no panel {argument}; there are {', '.join(PANELS)}")
    stage.look.toggle(name)


def zoom(stage: Stage, argument: str) -> None:
    """All the room for one panel."""
    look = stage.look
    if look.focus == LESSON and not look.zoom:
        look.focus = look.shown[0]
    look.zoom = not look.zoom


def _arrow(dx: int, dy: int) -> Deed:
    def move(stage: Stage, argument: str) -> None:
        look, lesson = stage.look, stage.session.lesson
        if look.focus == LESSON and lesson is not None:
            count = len(lesson_panel.options(lesson)) if lesson_panel.can(lesson, "answer") else 0
            if count and dy:
                look.hand = replace(look.hand, cursor=(look.hand.cursor + dy) % count)
                return
        widget = next((one for one in stage.panels if one.display and one.panel == look.focus), None)
        if widget is None:
            widget = next((one for one in stage.panels if one.display), None)
        if widget is not None:
            look.focus = widget.panel
            look.selected = neighbour(widget.picture.spots, look.selected, dx, dy)

    move.__doc__ = "Select the neighbour in a direction."
    return move


def scroll_up(stage: Stage, argument: str) -> None:
    """Scroll the focused panel up."""
    _scroll(stage, 1)


def scroll_down(stage: Stage, argument: str) -> None:
    """Scroll the focused panel down."""
    _scroll(stage, -1)


def _scroll(stage: Stage, direction: int) -> None:
    look = stage.look
    if look.focus == LESSON:
        look.hand = replace(look.hand, scroll=max(0, look.hand.scroll - 4 * direction))
    else:
        down = look.focus in ("inspector", "workers")
        look.scroll(look.focus, -4 * direction if down else 4 * direction)


def project(stage: Stage, argument: str) -> None:
    """Large blocks for the wall, or the desk again."""
    look = stage.look
    look.projector = not look.projector
    look.black = False
    if look.projector and look.focus == LESSON:
        look.focus = look.shown[0]
    stage.set_class(look.projector, "projector")


def black(stage: Stage, argument: str) -> None:
    """A black wall, or not."""
    if not stage.look.projector:
        raise ValueError("only the projector can be black; press p first")
    stage.look.black = not stage.look.black


def sandbox(stage: Stage, argument: str) -> None:
    """A cluster of one's own, in the place of this."""
    stage.tutor.open_sandbox()


def leave(stage: Stage, argument: str) -> None:
    """Close what is open, then the stage."""
    look = stage.look
    if look.black:
        look.black = False
    elif look.close():
        return
    elif look.projector and not stage.tutor.presenting:
        project(stage, "")
    else:
        stage.dismiss_stage()


def submit(stage: Stage, mode: Mode, text: str) -> None:
    """A line from the prompt."""
    if not text:
        return
    if mode == "kubectl":
        _kubectl(stage, text)
    elif mode == "command":
        action, argument = actions.parse(text, "stage")
        if action.must_have_argument and not argument:
            raise ValueError(f":{action.name} {action.argument}: {action.help}")
        DEEDS[action.id](stage, argument)
    elif mode == "find":
        stage.find(text)
    elif stage.session.player is not None:
        stage.session.player.answer(text, stage.look.hand.sure)
        stage.look.hand = replace(stage.look.hand, typed="")
        stage.driver.playing = True


DEEDS: dict[str, Deed] = {
    "play": play,
    "step": step,
    "back": back,
    "faster": faster,
    "slower": slower,
    "speed": speed,
    "cinema": cinema,
    "jump": jump,
    "goto": goto,
    "undo": undo,
    "redo": redo,
    "branch": branch,
    "why": why,
    "crash": crash,
    "freeze": freeze,
    "cut": cut,
    "heal": heal,
    "drop": drop,
    "delay": delay,
    "delete": delete,
    "kill": kill,
    "describe": describe,
    "yaml": yaml,
    "kubectl": kubectl,
    "client": client,
    "apply": apply,
    "next": next_,
    "forward": forward,
    "previous": previous,
    "hint": hint,
    "solve": solve,
    "imagine": imagine,
    "sure": sure,
    "reset": reset,
    "lens": lens,
    "focus": focus,
    "focus_back": focus_back,
    "panel": panel,
    "zoom": zoom,
    "up": _arrow(0, -1),
    "down": _arrow(0, 1),
    "left": _arrow(-1, 0),
    "right": _arrow(1, 0),
    "scroll_up": scroll_up,
    "scroll_down": scroll_down,
    "projector": project,
    "black": black,
    "sandbox": sandbox,
    "find": lambda stage, text: stage.find(text) if text else stage.prompt.open("find"),
    "command": lambda stage, text: stage.prompt.open("command", text),
    "help": lambda stage, _: stage.tutor.show_help("stage"),
    "palette": lambda stage, _: stage.app.action_command_palette(),
    "theme": lambda stage, name: stage.tutor.change_theme(name),
    "ascii": lambda stage, _: stage.toggle_ascii(),
    "motion": lambda stage, _: stage.tutor.toggle_motion(),
    "leave": leave,
    "quit": lambda stage, _: stage.tutor.leave(),
}
"""Every action of the stage, by id."""
