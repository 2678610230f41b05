"""What the actions of the stage do.

Each deed takes the stage and the argument of its command, and raises what the engine raises for what cannot be done; the stage
shows that as one line. Deeds of time, hands and lessons have their own files; looking, and the registry, are here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from k8s_tutor.ui import actions, lenses, lesson_panel
from k8s_tutor.ui import deeds_lesson as lesson
from k8s_tutor.ui import deeds_time as time
from k8s_tutor.ui import deeds_walk as walks
from k8s_tutor.ui import deeds_world as world
from k8s_tutor.ui.look import LESSON
from k8s_tutor.ui.widgets import neighbour

if TYPE_CHECKING:
    from k8s_tutor.ui.prompt import Mode
    from k8s_tutor.ui.stage import Stage

Deed = Callable[["Stage", str], None]


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


def books(stage: Stage, argument: str) -> None:
    """Open the leader's books, or shut them."""
    stage.look.books = not stage.look.books


def zoom(stage: Stage, argument: str) -> None:
    """All the room for one panel."""
    look = stage.look
    if look.focus == LESSON and not look.zoom:
        look.focus = look.shown[0]
    look.zoom = not look.zoom


def _arrow(dx: int, dy: int) -> Deed:
    def move(stage: Stage, argument: str) -> None:
        look, view = stage.look, stage.session.lesson
        if look.focus == LESSON and view is not None:
            count = len(lesson_panel.options(view)) if lesson_panel.can(view, "answer") else 0
            if count and dy:
                look.hand = replace(look.hand, cursor=(look.hand.cursor + dy) % count)
                return
        if look.focus == "walk" and dy and look.walks:
            walks.step(stage, dy)
            return
        if look.focus == "trace":
            (time.trace_step if dy else time.trace_line)(stage, dy or dx)
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
        look.hand = replace(look.hand, scroll=max(0, (look.hand.scroll or 0) - 4 * direction))
    else:
        down = look.focus in ("inspector", "workers", "verdicts")
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
        world.type_line(stage, stage.whole_line(text))
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
    "play": time.play,
    "step": time.step,
    "back": time.back,
    "faster": time.faster,
    "slower": time.slower,
    "speed": time.speed,
    "cinema": time.cinema,
    "jump": time.jump,
    "reconcile": time.reconcile,
    "goto": time.goto,
    "trace": time.trace,
    "trace_older": lambda stage, _: time.trace_line(stage, -1),
    "trace_newer": lambda stage, _: time.trace_line(stage, 1),
    "trace_next": lambda stage, _: time.trace_step(stage, 1),
    "trace_back": lambda stage, _: time.trace_step(stage, -1),
    "undo": time.undo,
    "redo": time.redo,
    "branch": time.branch,
    "walk": walks.walk,
    "why": world.why,
    "crash": world.crash,
    "freeze": world.freeze,
    "cut": world.cut,
    "move": world.move,
    "add": world.add,
    "remove": world.remove,
    "reconfigure": world.reconfigure,
    "fail_disk": world.fail_disk,
    "operator": world.operator,
    "serve": world.serve,
    "rooms": world.rooms,
    "heal": world.heal,
    "drop": world.drop,
    "delay": world.delay,
    "delete": world.delete,
    "kill": world.kill,
    "describe": world.describe,
    "yaml": world.yaml,
    "edit": world.edit,
    "logs": world.logs,
    "shell": world.shell,
    "kubectl": world.kubectl,
    "client": world.client,
    "apply": world.apply,
    "next": lesson.next_,
    "forward": lesson.forward,
    "previous": lesson.previous,
    "hint": lesson.hint,
    "solve": lesson.solve,
    "imagine": lesson.imagine,
    "sure": lesson.sure,
    "reset": lesson.reset,
    "lens": lens,
    "focus": focus,
    "focus_back": focus_back,
    "books": books,
    "follow": time.follow,
    "panel": panel,
    "queues": lambda stage, _: panel(stage, "queues"),
    "desired": lambda stage, _: panel(stage, "desired"),
    "storage": lambda stage, _: panel(stage, "storage"),
    "zoom": zoom,
    "up": _arrow(0, -1),
    "down": _arrow(0, 1),
    "left": _arrow(-1, 0),
    "right": _arrow(1, 0),
    "scroll_up": scroll_up,
    "scroll_down": scroll_down,
    "projector": project,
    "black": black,
    "find": lambda stage, text: stage.find(text) if text else stage.prompt.open("find"),
    "command": lambda stage, text: stage.prompt.open("command", text),
    "help": lambda stage, _: stage.tutor.show_help("stage"),
    "palette": lambda stage, _: stage.app.action_command_palette(),
    "theme": lambda stage, name: stage.tutor.change_theme(name),
    "ascii": lambda stage, _: stage.toggle_ascii(),
    "motion": lambda stage, _: stage.tutor.toggle_motion(),
    "leave": leave,
    "quit": lambda stage, _: stage.tutor.leave(),
    "interrupt": world.interrupt,
}
"""Every action of the stage, by id."""
