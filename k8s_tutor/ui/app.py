"""The app: themes, the two screens, and how a lesson or a cluster comes onto the stage.

Only what the home screen needs is imported here; the engine and the lessons follow after the first paint.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App, SystemCommand
from textual.screen import Screen

from k8s_tutor.ui import theme
from k8s_tutor.ui.actions import ACTIONS, Place
from k8s_tutor.ui.home import Home
from k8s_tutor.ui.shelf import by_track

if TYPE_CHECKING:
    from k8s_tutor.ui.guests import Serve
    from k8s_tutor.ui.session import Session
    from k8s_tutor.ui.stage import Stage


class Tutor(App[int]):
    """k8s-tutor on a terminal."""

    TITLE = "k8s-tutor"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+backslash"
    BINDINGS = []
    CSS = """
    Screen { background: $tutor-ground; color: $tutor-text; scrollbar-size: 0 0; overflow: hidden; }
    CommandPalette { background: $tutor-ground 60%; }
    CommandPalette > Vertical { background: $tutor-panel; max-width: 100; margin: 2 4; }
    CommandPalette #--input, CommandPalette CommandInput { background: $tutor-panel; border: none; }
    CommandPalette #--results, CommandPalette CommandList { background: $tutor-panel; border: none; }
    CommandPalette SearchIcon { display: none; }
    CommandPalette CommandList { scrollbar-background: $tutor-panel; scrollbar-color: $tutor-line; }
    CommandList > .option-list--option-highlighted { background: $tutor-raised; color: $tutor-bright; }
    """

    def __init__(
        self,
        lesson: str | None = None,
        *,
        seed: int | None = None,
        lens: str | None = None,
        projector: bool = False,
        spec: Mapping[str, Any] | None = None,
        manifests: Sequence[str | Path] = (),
        speed: str | Fraction | int | None = None,
        theme_name: str | None = None,
        saved: Mapping[str, Any] | None = None,
        serve: Serve | None = None,
    ) -> None:
        super().__init__()
        self.serve = serve
        """How a world on the stage is served to the outside; None: it cannot be."""
        self.first_lesson = lesson
        self.seed = seed
        self.first_lens = lens
        self.presenting = projector
        self.spec = spec
        self.saved = saved
        self.manifests = tuple(manifests)
        self.speed = speed
        self.frozen = False
        """Frame timers do nothing: a test plays the frames."""
        self.ascii = os.environ.get("K8S_TUTOR_ASCII") == "1" or "utf" not in (sys.stdout.encoding or "utf").lower()
        """Everything is drawn with ASCII characters."""
        self.trouble = ""
        for palette in theme.textual_themes():
            self.register_theme(palette)
        wanted = theme_name or os.environ.get("K8S_TUTOR_THEME", "")
        self.theme = wanted if wanted in theme.BY_NAME else theme.PALETTES[0].name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own names for colours, also while a theme of Textual's own is on."""
        return {**super().get_theme_variable_defaults(), **theme.variables(theme.PALETTES[0])}

    # ------------------------------------------------------------------ life

    def get_default_screen(self) -> Screen[Any]:
        """The home screen is the one that everything else stands on."""
        return Home()

    def on_mount(self) -> None:
        self.call_after_refresh(self._after_first_paint)

    @property
    def home(self) -> Home:
        """The home screen, wherever it stands in the stack."""
        screen = self.screen_stack[0]
        assert isinstance(screen, Home)
        return screen

    def _after_first_paint(self) -> None:
        """Everything heavy: the list of lessons, and what was asked for on the command line."""
        if self.first_lesson is not None:
            self.open_lesson(self.first_lesson, again=self.presenting, projector=self.presenting, or_leave=True)
        elif self.saved is not None:
            self.open_saved(self.saved)
        elif self.spec is not None:
            self.open_sandbox(or_leave=True)
        self.load_shelf()
        _settle_memory()
        if self.first_lesson is None and self.spec is None and self.saved is None:
            self.set_timer(0.05, self._warm_up)

    def _warm_up(self) -> None:
        """Imports what the first lesson will need, while somebody reads the home screen."""

        def work() -> None:
            import k8s_tutor.lessons.loader
            import k8s_tutor.lessons.player
            import k8s_tutor.ui.panels
            import k8s_tutor.ui.stage  # noqa: F401
            from k8s_tutor.api import scheme
            from k8s_tutor.lessons import cel

            cel.compiled("true")
            for row in scheme.RESOURCES:
                scheme.struct_decoder(row)

        if not self.frozen:
            self.run_worker(work, thread=True, exit_on_error=False)

    def load_shelf(self) -> None:
        """The lessons and how far the learner has come."""
        from k8s_tutor.lessons.index import entries
        from k8s_tutor.ui.records import progress

        tracks = by_track(entries())
        self.home.put(replace(self.home.shelf, tracks=tracks, done=progress(), loaded=True))

    # ------------------------------------------------------------------ onto the stage

    def open_lesson(self, name: str, *, again: bool = False, projector: bool = False, or_leave: bool = False) -> None:
        """Puts a lesson on the stage. ``or_leave``: what goes wrong ends the app with one line."""
        self._open(lambda: self._lesson_stage(name, again, projector), or_leave)

    def open_sandbox(self, *, or_leave: bool = False, spec: Mapping[str, Any] | None = None) -> None:
        """Puts a cluster of one's own on the stage; ``spec``: one that was designed here."""
        self._open(lambda: self._sandbox_stage(self.spec if spec is None else spec), or_leave)

    def open_saved(self, saved: Mapping[str, Any]) -> None:
        """Puts a saved session on the stage, where it ended: a story stands at what has gone wrong."""
        self._open(lambda: self._saved_stage(saved), or_leave=True)

    def design(self, session: Session | None = None) -> None:
        """Opens the room designer, with the committee of a session to begin with."""
        from k8s_tutor.ui import lenses
        from k8s_tutor.ui.design import Design, of_rooms
        from k8s_tutor.ui.designer import Designer

        design = Design()
        if session is not None:
            view, spec = session.view(), session.cluster.spec
            rooms = {room.name: room.machines for room in view.network.rooms}
            managers = tuple(member.machine for member in view.raft.members)
            design = of_rooms(rooms, managers, spec.components == "all", view.raft.variant)
        self.push_screen(Designer(design, lenses.lens(session.lens if session is not None else "kubernetes")))

    def _open(self, make: Callable[[], Stage], or_leave: bool) -> None:
        """At once when the command line asked for it; else after one line on the home screen, for it may take a moment."""
        if or_leave:
            self._show(make, or_leave)
            return
        self.home.say("opening …", "dim")
        self.call_after_refresh(self._show, make, or_leave)

    def _show(self, make: Callable[[], Stage], or_leave: bool) -> None:
        from k8s_tutor.ui.keys import refusals

        try:
            stage = make()
        except refusals() as error:
            text = str(error).splitlines()[0] if str(error) else type(error).__name__
            if or_leave:
                self.trouble = str(error)
                self.exit(2, return_code=2)
            else:
                self.home.say(text, "fail")
            return
        if len(self.screen_stack) > 1:
            self.pop_screen()
        self.push_screen(stage)
        self.home.say("", "dim")
        self.call_after_refresh(_settle_memory)

    def _lesson_stage(self, name: str, again: bool, projector: bool) -> Stage:
        from k8s_tutor.ui.records import play
        from k8s_tutor.ui.session import Session

        player, recorder = play(name, self.seed, again)
        lesson = player.state
        return self._stage(Session(player=player, recorder=recorder), (lesson.track, lesson.title), projector)

    def _sandbox_stage(self, wanted: Mapping[str, Any] | None) -> Stage:
        from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
        from k8s_tutor.lessons.manifests import files_of
        from k8s_tutor.ui.session import Session

        spec = ClusterSpec.model_validate(dict(wanted or {"metrics": True}))
        cluster = Cluster(spec, self.seed)
        for path in self.manifests:
            line = f"apply -f {path}"
            cluster.give(inputs.Kubectl(line, files_of(line, Path.cwd())))
        words = f"{spec.managers} managers, {spec.worker_count} workers"
        return self._stage(Session(cluster=cluster), ("Sandbox", words))

    def _saved_stage(self, saved: Mapping[str, Any]) -> Stage:
        from k8s_tutor.cluster import Cluster
        from k8s_tutor.ui.session import Session

        cluster = Cluster.load(saved)
        story = saved.get("story")
        words = story["sentence"] if story else f"seed {cluster.seed}, {len(saved['inputs'])} inputs"
        stage = self._stage(Session(cluster=cluster), ("Story" if story else "Replay", words))
        stage.driver.playing = False
        return stage

    def _stage(self, session: Session, crumbs: tuple[str, ...], projector: bool = False) -> Stage:
        from k8s_tutor.ui import lenses
        from k8s_tutor.ui.driver import Driver
        from k8s_tutor.ui.look import Look
        from k8s_tutor.ui.pace import parse_speed
        from k8s_tutor.ui.shelf import title
        from k8s_tutor.ui.stage import Stage

        if self.first_lens is not None and self.first_lens not in lenses.names():
            raise LookupError(f"there is no lens {self.first_lens}; there are {', '.join(lenses.names())}")
        if self.first_lens is not None:
            session.set_lens(self.first_lens)
        driver = Driver(session)
        driver.film.still = self.animation_level == "none"
        if self.speed is not None:
            driver.speed, driver.pace = parse_speed(str(self.speed)), "steady"
        look = Look(projector=projector, ascii=self.ascii)
        return Stage(session, driver, look, (title(crumbs[0]), *crumbs[1:]))

    def close_stage(self, stage: Stage) -> None:
        """Back to the home screen."""
        if self.presenting or self.screen_stack[-1] is not stage:
            self.leave()
            return
        self.pop_screen()
        self.load_shelf()

    # ------------------------------------------------------------------ for all screens

    def show_help(self, place: Place) -> None:
        """All keys and commands."""
        from k8s_tutor.ui.help import Help

        self.push_screen(Help(place))

    async def on_event(self, event: events.Event) -> None:
        """Keys for our screens are dealt with here, one after the other. Handed down from queue to queue, as Textual does it,
        a key that follows at once on the one that opens the prompt would overtake it, and act as a key."""
        take: Callable[[events.Key], bool] | None = getattr(self.screen, "take_key", None) if self.screen_stack else None
        if take is None or not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif not await self._check_bindings(event.key, priority=True) and not take(event):
            await self._check_bindings(event.key)

    def change_theme(self, name: str = "") -> None:
        """To a theme, or the next one."""
        if name and name not in theme.BY_NAME:
            raise LookupError(f"there is no theme {name}; there are {', '.join(theme.BY_NAME)}")
        self.theme = name or theme.next_theme(self.theme)

    def watch_theme(self, theme_name: str) -> None:
        """Cached strips have the colours of the theme before."""
        self.forget_strips()

    def forget_strips(self) -> None:
        """Everything is to be drawn anew, from what is known."""
        for screen in self.screen_stack if self.is_running else ():
            for widget in screen.query("*"):
                forget = getattr(widget, "forget", None)
                if forget is not None:
                    forget()

    def toggle_ascii(self) -> bool:
        """ASCII only, or all characters; says which."""
        self.ascii = not self.ascii
        self.forget_strips()
        return self.ascii

    def toggle_motion(self) -> None:
        """Less motion, or all of it."""
        self.animation_level = "none" if self.animation_level != "none" else "full"
        driver = getattr(self.screen, "driver", None)
        if driver is not None:
            driver.film.still = self.animation_level == "none"

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The palette is made from the registry of actions too."""
        base = next((one for one in reversed(self.screen_stack) if hasattr(one, "action_do")), screen)
        place: Place = getattr(base, "PLACE", "stage")
        for action in ACTIONS:
            if place not in action.places or action.id in ("palette", "up", "down", "left", "right"):
                continue

            def act(name: str = action.id, ask: bool = action.must_have_argument, command: str = action.name) -> None:
                do = getattr(base, "action_do", None)
                if do is not None:
                    do("command", f"{command} ") if ask else do(name)

            yield SystemCommand(action.label.capitalize(), f"{action.help}  :{action.name} {action.argument}".rstrip(), act)

    def leave(self) -> None:
        """Ends the app."""
        self.exit(0)

    def _handle_exception(self, error: Exception) -> None:
        """Never a traceback on the screen: one line, and the whole story in a file."""
        if self.frozen or os.environ.get("K8S_TUTOR_DEBUG"):
            super()._handle_exception(error)
            return
        from k8s_tutor.ui.records import report

        self.trouble = f"something went wrong: {type(error).__name__}: {error}; the details are in {report(error)}"
        self.exit(1, return_code=1)


def _settle_memory() -> None:
    """What is there now stays: the collector need not look at it again in the middle of a frame."""
    gc.collect()
    gc.freeze()


def run(
    lesson: str | None = None,
    *,
    seed: int | None = None,
    lens: str | None = None,
    projector: bool = False,
    spec: Mapping[str, Any] | None = None,
    manifests: Sequence[str | Path] = (),
    speed: str | Fraction | int | None = None,
    theme_name: str | None = None,
    saved: Mapping[str, Any] | None = None,
    serve: Serve | None = None,
) -> int:
    """Runs the app until somebody leaves; the exit status. ``lesson``: open it at once; ``spec``: a sandbox of this shape;
    ``saved``: a session that was saved, where it ended; ``serve``: how a world is served to the outside."""
    app = Tutor(
        lesson, seed=seed, lens=lens, projector=projector, spec=spec, manifests=manifests, speed=speed, theme_name=theme_name,
        saved=saved, serve=serve,
    )  # fmt: skip
    status = app.run()
    if app.trouble:
        print(f"k8s-tutor: {app.trouble}", file=sys.stderr)
    return status if status is not None else app.return_code or 0
