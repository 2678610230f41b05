"""The registry of actions: what can be done, by which key, in which words.

Keys, footer, help screen, command palette and ``:`` commands are all made from this one table; the screens carry out an action
``do_<id>(argument)``. No Textual here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Place = Literal["home", "stage", "design"]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a person can do."""

    id: str
    keys: tuple[str, ...]
    """Keys in Textual's names; empty: only by command and palette."""
    label: str
    """One or two words for the footer."""
    help: str
    """One sentence."""
    places: tuple[Place, ...]
    group: str
    """Heading on the help screen."""
    command: str = ""
    """What to type after ``:``; empty: the id."""
    aliases: tuple[str, ...] = ()
    argument: str = ""
    """What the command takes, e.g. ``NAME``; in brackets when it may be left out."""
    needs: str = ""
    """When it is available: ``""`` always, ``lesson``, ``sandbox``, ``selected``, ``projector``, ``cluster``."""
    rank: int = 0
    """Place in the footer, 1 first; 0: never there."""

    @property
    def name(self) -> str:
        """The word after ``:``."""
        return self.command or self.id

    @property
    def must_have_argument(self) -> bool:
        """Whether the command says nothing without its argument."""
        return bool(self.argument) and not self.argument.startswith("[")


HOME: tuple[Place, ...] = ("home",)
STAGE: tuple[Place, ...] = ("stage",)
BOTH: tuple[Place, ...] = ("home", "stage")
DESIGN: tuple[Place, ...] = ("design",)
HANDS: tuple[Place, ...] = ("stage", "design")
EVERYWHERE: tuple[Place, ...] = ("home", "stage", "design")

ACTIONS: tuple[Action, ...] = (
    # time
    Action("play", ("space",), "play", "Let time run, or stop it.", STAGE, "Time", aliases=("pause",), rank=2),
    Action("step", ("full_stop",), "one message", "Deliver exactly one message.", STAGE, "Time", rank=3),
    Action("back", ("comma", "left_square_bracket"), "back", "Go back one message.", STAGE, "Time", rank=4),
    Action("faster", ("greater_than_sign",), "faster", "Twice to ten times the speed.", STAGE, "Time"),
    Action("slower", ("less_than_sign",), "slower", "A half to a tenth of the speed.", STAGE, "Time"),
    Action("speed", (), "speed", "Set the speed: 1, 1/100, 1000.", STAGE, "Time", argument="SPEED"),
    Action("cinema", ("C",), "cinema", "Slow while messages fly, and jump over quiet; or a steady clock.", STAGE, "Time"),
    Action(
        "jump",
        ("right_square_bracket",),
        "next event",
        "Go on to the next piece of work.",
        STAGE,
        "Time",
        aliases=("next-event",),
    ),
    Action("reconcile", ("semicolon",), "reconcile", "Go on until a controller has looked at an object, and say what it did.",
           STAGE, "Time"),
    Action("goto", ("g",), "go to", "Go to a moment of the run, in seconds: 3.2", STAGE, "Time", argument="SECONDS"),
    Action(
        "trace",
        ("t",),
        "trace",
        "Follow the line typed last through all hands, one step at a time; arrows in the panel go to its moments.",
        STAGE,
        "Time",
        rank=15,
    ),
    Action("trace_older", ("left_curly_bracket",), "line before", "Follow the line that was typed before this one.", STAGE,
           "Time", command="trace-older"),
    Action("trace_newer", ("right_curly_bracket",), "next line", "Follow the line that was typed after this one.", STAGE,
           "Time", command="trace-newer"),
    Action("trace_next", ("right_parenthesis",), "next step of it", "Go to the next step of the trace.", STAGE, "Time",
           command="trace-next"),
    Action("trace_back", ("left_parenthesis",), "step before", "Go to the step of the trace before this one.", STAGE, "Time",
           command="trace-back"),
    Action("undo", ("u", "ctrl+z"), "undo", "Go back to just before the last thing that was done.", STAGE, "Time"),
    Action("redo", ("ctrl+r", "ctrl+y"), "redo", "Take back the last undo.", STAGE, "Time"),
    Action(
        "branch",
        ("b",),
        "branch",
        "Name this future, or list all futures and go to one.",
        STAGE,
        "Time",
        aliases=("branches",),
        argument="[NAME]",
        rank=14,
    ),
    # hands
    Action(
        "why",
        ("w",),
        "why",
        "What caused the selected thing (or a pod: :why pod web-1), back to its beginning; of a pod also why this node.",
        STAGE,
        "Hands",
        argument="[pod NAME]",
        needs="selected",
        rank=5,
    ),
    Action(
        "crash",
        ("x",),
        "crash",
        "Crash the selected machine or process, or start it again.",
        STAGE,
        "Hands",
        aliases=("restart",),
        argument="[NAME]",
        rank=6,
    ),
    Action(
        "freeze",
        ("X",),
        "freeze",
        "Freeze the selected machine or process where it is, or let it go on.",
        STAGE,
        "Hands",
        argument="[NAME]",
    ),
    Action(
        "cut",
        ("c",),
        "cut",
        "Cut the cable of the selected machine or between rooms; mend it when it is cut.",
        STAGE,
        "Hands",
        argument="[A | B]",
        rank=7,
    ),
    Action("heal", ("H",), "heal", "Mend every cable.", STAGE, "Hands", aliases=("mend",)),
    Action(
        "move",
        ("m",),
        "move",
        "Carry the selected manager into the next room, or into the one that is named. Dragging does the same.",
        HANDS,
        "Hands",
        argument="[NAME ROOM]",
        rank=18,
    ),
    Action(
        "add",
        ("plus", "A"),
        "one more",
        "One manager more, while all goes on: its machine is brought, and etcdctl member add lets it in.",
        STAGE,
        "Hands",
        argument="[ROOM]",
    ),
    Action(
        "remove",
        ("minus",),
        "one less",
        "The selected manager leaves: etcdctl member remove, and when that is done its machine goes.",
        STAGE,
        "Hands",
        argument="[NAME]",
    ),
    Action("serve", (), "serve", "Open this cluster to a kubectl in another terminal, or shut the door.", STAGE, "Hands",
           argument="[KUBECONFIG]"),
    Action(
        "reconfigure",
        ("J",),
        "several at once",
        "Managers come and go in one change, by Raft's joint consensus: +Dave +Erin -Carol. etcd has no command for it.",
        STAGE,
        "Hands",
        argument="+NAME -NAME",
    ),
    Action(
        "fail_disk", (), "fail a disk", "A disk of a worker fails, or one that has failed is well again: node-1/sdb.", STAGE,
        "Hands", argument="MACHINE/DISK", command="fail-disk",
    ),
    Action(
        "walk",
        ("W",),
        "packet walk",
        "Follow a packet through the five layers and back: web-1 shop:80, outside node-1:30080; the next one stands beside it.",
        STAGE,
        "Hands",
        argument="[FROM TO | -]",
        rank=17,
    ),
    Action("operator", (), "operator", "Install the operators of a file of your working directory, or give them new rules.",
           STAGE, "Hands", argument="FILE"),
    Action("drop", ("D",), "drop", "Lose the selected message.", STAGE, "Hands", argument="[MESSAGE]"),
    Action("delay", ("L",), "delay", "Delay the selected message by some milliseconds.", STAGE, "Hands",
           argument="MILLISECONDS"),
    Action(
        "delete", ("ctrl+d",), "delete", "Delete the selected pod, deployment or service.", STAGE, "Hands", needs="selected"
    ),
    Action(
        "kill", ("K", "ctrl+k"), "kill", "Kill the process in the selected pod's container.", STAGE, "Hands", needs="selected"
    ),
    Action("describe", ("d",), "describe", "Describe the selected thing, as kubectl does.", STAGE, "Hands", needs="selected"),
    Action("yaml", ("y",), "yaml", "Show the selected thing as YAML.", STAGE, "Hands", needs="selected"),
    Action("edit", ("e",), "edit", "Edit the selected thing; what is saved goes to its API server.", STAGE, "Hands",
           needs="selected"),
    Action("logs", ("l",), "logs", "What the containers of the selected pod have printed.", STAGE, "Hands", needs="selected"),
    Action("shell", ("s",), "shell", "Type a command that the selected pod's container runs. While a question is open: how "
           "sure you are of your answer.", STAGE, "Hands", command="exec", argument="[COMMAND]", needs="selected"),
    Action("kubectl", ("k",), "kubectl", "Type a kubectl line.", STAGE, "Hands", argument="[LINE]", rank=10),
    Action("client", ("a",), "client", "Sit down at somebody's console.", STAGE, "Hands", command="as", argument="NAME"),
    Action("apply", (), "apply", "Apply a manifest of your working directory.", STAGE, "Hands", argument="FILE"),
    # lesson
    Action("next", ("enter",), "next", "Answer, or go on to the next step.", STAGE, "Lesson", needs="lesson", rank=1),
    Action(
        "forward",
        ("n", "pagedown"),
        "next step",
        "Go on to the next step, whatever is left of this one.",
        STAGE,
        "Lesson",
        needs="lesson",
    ),
    Action("previous", ("pageup",), "previous step", "Go back to the step before.", STAGE, "Lesson", needs="lesson"),
    Action("hint", ("h",), "hint", "A hint that looks at what you have done so far.", STAGE, "Lesson", needs="lesson", rank=8),
    Action("solve", ("S",), "solution", "Play the solution on the live cluster.", STAGE, "Lesson", needs="lesson"),
    Action("imagine", ("I",), "imagine", "See the world in which your answer would be right.", STAGE, "Lesson", needs="lesson"),
    Action("sure", (), "sure", "Say how sure you are of your answer.", STAGE, "Lesson", needs="lesson"),
    Action("reset", ("R",), "reset", "Start this step again.", STAGE, "Lesson", needs="lesson"),
    # looking
    Action("lens", ("v",), "lens", "See the same moment through another picture.", STAGE, "Looking", argument="[NAME]", rank=9),
    Action("focus", ("tab",), "next panel", "Go to the next panel.", STAGE, "Looking"),
    Action("focus_back", ("shift+tab",), "last panel", "Go to the panel before.", STAGE, "Looking", command="focus-back"),
    Action(
        "books",
        ("P",),
        "next/match",
        "Open the leader's books: next and match index of each follower, and how it is sent to.",
        STAGE,
        "Looking",
    ),
    Action(
        "follow",
        ("f",),
        "go there",
        "Go to the moment of the selected thing: what broke a red lamp, a cause, a step of the trace.",
        STAGE,
        "Time",
        needs="selected",
    ),
    Action("panel", ("o",), "panel", "Show or hide a panel.", STAGE, "Looking", argument="NAME"),
    Action("queues", ("Q",), "work queues", "Show the controllers at work: who leads, what waits, what was done last.",
           STAGE, "Looking"),
    Action("desired", ("equals_sign",), "desired = actual", "Show how many pods each workload wants and has, or put it away.",
           STAGE, "Looking"),
    Action("storage", ("V",), "storage", "Show disks, volumes and claims, from the disk to the pod, or put them away.",
           STAGE, "Looking"),
    Action("zoom", ("z",), "zoom", "Give the panel all the room, or give it back.", STAGE, "Looking", rank=12),
    Action("up", ("up",), "up", "Select the thing above.", EVERYWHERE, "Looking"),
    Action("down", ("down",), "down", "Select the thing below.", EVERYWHERE, "Looking"),
    Action("left", ("left",), "left", "Select the thing at the left.", EVERYWHERE, "Looking"),
    Action("right", ("right",), "right", "Select the thing at the right.", EVERYWHERE, "Looking"),
    Action("scroll_up", ("ctrl+u", "shift+up"), "scroll up", "Scroll the panel up.", STAGE, "Looking", command="scroll-up"),
    Action(
        "scroll_down",
        ("ctrl+f", "shift+down"),
        "scroll down",
        "Scroll the panel down.",
        STAGE,
        "Looking",
        command="scroll-down",
    ),
    Action(
        "projector", ("p",), "projector", "Large blocks and few words, for the wall of a classroom.", BOTH, "Looking", rank=13
    ),
    Action(
        "black",
        (),
        "black",
        "Make the projector black, or light again (b on the projector).",
        STAGE,
        "Looking",
        needs="projector",
    ),
    # home
    Action("open", ("enter",), "open", "Open the chosen lesson.", HOME, "Home", argument="[LESSON]", rank=1),
    Action("again", ("r",), "from the start", "Open the chosen lesson from its first step.", HOME, "Home", rank=2),
    Action("sandbox", ("s",), "sandbox", "A cluster of your own, kubectl and all.", HOME, "Home", rank=3),
    # the designer
    Action("design_start", ("enter",), "start it", "Start the committee that was designed.", DESIGN, "Rooms", command="start",
           rank=1),
    Action("design_more", ("plus", "equals_sign"), "one more", "One manager more; a digit says how many.", DESIGN, "Rooms",
           command="more", rank=2),
    Action("design_fewer", ("minus",), "one less", "One manager less.", DESIGN, "Rooms", command="fewer", rank=3),
    Action("design_divide", ("right_square_bracket",), "another room", "One room more.", DESIGN, "Rooms", command="divide",
           rank=4),
    Action("design_join", ("left_square_bracket",), "one room less", "One room less.", DESIGN, "Rooms", command="join", rank=5),
    Action("design_rule", ("b",), "rule", "Raft, or one of its broken twins.", DESIGN, "Rooms", command="rule", rank=6),
    Action("design_whole", ("k",), "Kubernetes", "All of Kubernetes, or etcd alone.", DESIGN, "Rooms", command="whole", rank=7),
    # everywhere
    Action(
        "rooms",
        ("M",),
        "rooms",
        "Who sits in which room and what each could decide; once more, or at home: design a committee of your own.",
        BOTH,
        "Everywhere",
        argument="[new]",
        rank=9,
    ),
    Action("find", ("slash",), "find", "Find a thing or a lesson by its name.", BOTH, "Everywhere", argument="[TEXT]", rank=16),
    Action("command", ("colon",), "command", "Type a command.", BOTH, "Everywhere", rank=15),
    Action("help", ("question_mark", "f1"), "help", "All keys and commands.", BOTH, "Everywhere", rank=11),
    Action("palette", ("ctrl+p",), "palette", "Search everything that can be done.", BOTH, "Everywhere"),
    Action("theme", ("T",), "theme", "Change the colours.", BOTH, "Everywhere", argument="[NAME]"),
    Action("ascii", (), "ASCII", "Draw with ASCII characters only, or with all.", BOTH, "Everywhere"),
    Action("motion", (), "motion", "Less motion, or all of it.", BOTH, "Everywhere"),
    Action(
        "leave",
        ("q", "escape"),
        "leave",
        "Close what is open, then the lesson, then the app.",
        EVERYWHERE,
        "Everywhere",
        aliases=("close",),
        rank=19,
    ),
    Action("quit", ("ctrl+q",), "quit", "Leave the app.", EVERYWHERE, "Everywhere", aliases=("q", "q!", "exit")),
    Action(
        "interrupt",
        ("ctrl+c",),
        "stop",
        "End the line that runs at the console, or empty the one that is being typed; where there is neither, leave the app.",
        EVERYWHERE,
        "Everywhere",
    ),
)
"""Every action, in the order of the help screen."""

BY_ID = {action.id: action for action in ACTIONS}

_SHOWN = {
    "space": "Space",
    "full_stop": ".",
    "comma": ",",
    "greater_than_sign": ">",
    "less_than_sign": "<",
    "slash": "/",
    "colon": ":",
    "question_mark": "?",
    "enter": "Enter",
    "tab": "Tab",
    "escape": "Esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "plus": "+",
    "minus": "-",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "f1": "F1",
}


def shown(key: str) -> str:
    """A key as people write it: ``full_stop`` → ``.``, ``ctrl+d`` → ``Ctrl-D``."""
    if key in _SHOWN:
        return _SHOWN[key]
    if key.startswith("ctrl+"):
        return "Ctrl-" + key[5:].upper()
    if key.startswith("shift+"):
        return "Shift-" + shown(key[6:])
    return key


def at(place: Place, has: Iterable[str] = ()) -> list[Action]:
    """The actions of a place that are available with ``has`` (``lesson``, ``selected`` ...)."""
    given = set(has)
    return [action for action in ACTIONS if place in action.places and (not action.needs or action.needs in given)]


def footer(place: Place, has: Iterable[str] = (), most: int = 17) -> list[Action]:
    """What the footer names, first things first."""
    ranked = [action for action in at(place, has) if action.rank and action.keys]
    return sorted(ranked, key=lambda action: action.rank)[:most]


class UnknownCommand(ValueError):
    """A command that is none of ours; its text says so in one line."""


def parse(line: str, place: Place) -> tuple[Action, str]:
    """A ``:`` line as (action, argument). A unique beginning is enough. Raises `UnknownCommand`."""
    word, _, argument = line.strip().removeprefix(":").partition(" ")
    here = [action for action in ACTIONS if place in action.places]
    names = {name: action for action in reversed(here) for name in (action.name, *action.aliases)}
    if word in names:
        return names[word], argument.strip()
    begins = {action.id: action for name, action in names.items() if word and name.startswith(word)}
    if len(begins) == 1:
        return next(iter(begins.values())), argument.strip()
    if begins:
        raise UnknownCommand(f":{word} may be " + ", ".join(sorted(action.name for action in begins.values())))
    raise UnknownCommand(f"there is no command :{word}; press ? for all of them")
