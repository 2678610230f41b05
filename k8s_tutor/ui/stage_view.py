"""How the stage looks: its widgets, where they stand, and what is drawn in them.

Where things stand is reckoned in ``layout.py``, what the panels show in ``panels/``; what keys do is in ``stage.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from textual.app import ComposeResult

from k8s_tutor.ui import actions, chrome, lenses, lesson_panel, projector
from k8s_tutor.ui import layout as layouts
from k8s_tutor.ui.driver import Driver
from k8s_tutor.ui.edge import EdgedScreen
from k8s_tutor.ui.layout import Box, Layout, Wish
from k8s_tutor.ui.look import LESSON, Look
from k8s_tutor.ui.placing import place, polite_rows
from k8s_tutor.ui.prompt import Prompt
from k8s_tutor.ui.rows import Row, fit
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.thrift import Thrift, parts, same
from k8s_tutor.ui.widgets import PanelView, RowsView, TimeStrip

if TYPE_CHECKING:
    from k8s_tutor.cluster.views import ClusterView, TimelineView
    from k8s_tutor.cluster.walkviews import RuleView, WalkView
    from k8s_tutor.lessons.view import LessonView
    from k8s_tutor.ui.scene import Lens
    from k8s_tutor.ui.session import CauseLine, Session

T = TypeVar("T")

FOLLOW = frozenset({"inspector", "verdicts", "trace", "walk"})
"""Panels whose content is about what is selected, wherever it stands."""
RULED = frozenset({"walk", "service"})
"""Panels with the lamps of the network's rules."""


class StageView(EdgedScreen):
    """The picture of a session."""

    def __init__(
        self, session: Session, driver: Driver | None = None, look: Look | None = None, crumbs: tuple[str, ...] = ()
    ) -> None:
        super().__init__()
        self.session = session
        self.driver = driver or Driver(session)
        self.look = look or Look()
        self.crumbs = crumbs
        self.layout_now: Layout | None = None
        self.head = RowsView(id="head", ground="sunk")
        self.tabs = RowsView(id="tabs")
        self.lesson_view = PanelView(LESSON, id="lesson")
        self.time = TimeStrip(id="time", ground="sunk")
        self.prompt: Prompt = Prompt(id="prompt")
        self.foot = RowsView(id="foot", ground="sunk")
        self.polite = RowsView(id="polite")
        self.panels: list[PanelView] = []
        self.thrift = Thrift()
        self._drawn: dict[PanelView, tuple[Any, ...]] = {}
        self._views: list[ClusterView] = []
        self._timelines: list[TimelineView] = []
        self._lesson_drawn: tuple[Any, ...] | None = None

    def compose(self) -> ComposeResult:
        yield from (self.head, self.tabs, self.lesson_view, self.time, self.prompt, self.foot, self.polite)

    # ------------------------------------------------------------------ where things stand

    @property
    def lens(self) -> Lens:
        """The picture that is on: chosen by hand, or the lesson's."""
        return lenses.lens(self.session.lens)

    def wish(self) -> Wish:
        """What the layout is asked for."""
        look = self.look
        lesson = self.session.lesson
        filler = "log" if lesson is not None and lesson.kind != "end" else ""
        return Wish(look.shown, look.focus, look.zoom, lesson is not None, len(self.session.clusters), self._most(), filler)

    def _most(self) -> tuple[tuple[str, int], ...]:
        """Rows of which panels whose size depends on the cluster's can make use."""
        work = self.session.view().workload
        each = max(Counter(pod.node for pod in work.pods if pod.node).values(), default=0)
        workers = 4 + len(work.nodes) * (2 + max(1, (each + 2) // 3))
        stage_map = 10 + 6 * max(1, len(work.deployments)) + len(work.nodes)
        trace = self.session.trace() if "trace" in self.look.shown else None
        steps = ("trace", len(trace.steps) + 6 if trace is not None else 4)
        known = self.session.view().controllers
        queues = ("queues", 7 + len(known.leases) + sum(one.at > 0 for one in known.queues))
        desired = ("desired", 4 + sum(one.desired > 0 or not one.owner for one in known.sets))
        disks = self.session.view().storage
        rows = sum(2 + sum(1 + len(group.volumes) for group in node.groups) for node in disks.nodes)
        storage = ("storage", 3 + rows + len(disks.claims))
        verdicts = ("verdicts", 12 + len(work.nodes))
        return queues, desired, storage, verdicts, ("workers", max(9, workers)), ("stage_map", stage_map), steps

    def rearrange(self) -> None:
        """Places every widget anew, then draws."""
        width, height = self.size
        if not width or not height or not self.is_attached:
            return
        sentence = layouts.too_small(width, height)
        place(self.polite, Box(0, 0, width, height) if sentence else layouts.NOWHERE)
        if sentence:
            for widget in (self.head, self.tabs, self.lesson_view, self.time, self.prompt, self.foot, *self.panels):
                place(widget, layouts.NOWHERE)
            self.polite.show(polite_rows(sentence, width, height))
            self.layout_now = None
            return
        plan = (
            projector.layout(width, height, self.wish()) if self.look.projector else layouts.stage(width, height, self.wish())
        )
        self.layout_now = plan
        boxes = ((self.head, plan.header), (self.tabs, plan.tabs), (self.lesson_view, plan.lesson), (self.time, plan.timeline))
        for widget, box in (*boxes, (self.prompt, plan.prompt), (self.foot, plan.footer)):
            place(widget, box)
        self._place_panels(plan)
        for widget in (self.head, self.foot):
            widget.stand_on("wall" if self.look.projector else "sunk")
        for widget in (self.lesson_view, *self.panels):
            widget.stand_on("wall" if self.look.projector else "panel")
        self.thrift.at_once()
        self.draw()

    def _place_panels(self, plan: Layout) -> None:
        while len(self.panels) < len(plan.places):
            panel = PanelView()
            self.panels.append(panel)
            self.mount(panel)
        for number, panel in enumerate(self.panels):
            if number < len(plan.places):
                where = plan.places[number]
                panel.panel, panel.world = where.panel, where.world
                place(panel, where.box)
            else:
                place(panel, layouts.NOWHERE)

    # ------------------------------------------------------------------ drawing

    def scene(self, world: int, panel: str) -> Scene:
        """All that a panel may know."""
        look = self.look
        lens = self.lens
        return Scene(
            view=self._views[world],
            timeline=self._timelines[world],
            lens=lens,
            selected=look.selected,
            mode="projector" if look.projector else "stage",
            ascii=look.ascii,
            why=self._chain(lens) if look.why and panel == "inspector" else (),
            details=look.details if panel == "inspector" else (),
            client=look.client,
            scroll=look.scrolls.get(panel, 0),
            advanced=look.books,
            trace=self.session.trace(world) if panel == "trace" else None,
            walks=self._walks(world) if panel == "walk" else (),
            rules=self._rules(world, panel),
        )

    def _walks(self, world: int) -> tuple[WalkView, ...]:
        """The packets that are followed, as they would go now."""
        return tuple(self.session.walk(origin, target, world) for origin, target in self.look.walks)

    def _rules(self, world: int, panel: str) -> tuple[RuleView, ...]:
        """The rules of the network, for panels that show them; a cluster without a network has none."""
        return self.session.rules(world) if panel in RULED and self._views[world].workload.pods else ()

    def _chain(self, lens: Lens) -> tuple[CauseLine, ...]:
        """The chain of causes that was asked for, as long as one of its links is selected; else that of what is selected."""
        look = self.look
        chain = self.session.why(look.why_of, lens) if look.why_of else ()
        if look.selected != look.why_of and look.selected not in {link.target for link in chain}:
            look.why_of = look.selected
            chain = self.session.why(look.selected, lens)
        return chain

    def draw(self) -> None:
        """Draws what has changed."""
        plan = self.layout_now
        if plan is None or not self.is_attached:
            return
        if self.look.projector and self.look.black:
            for widget in (self.head, self.tabs, self.time, self.foot, self.lesson_view, *self.panels):
                place(widget, layouts.NOWHERE)
            return
        self._look_at_worlds()
        lens = self.lens
        for panel in self.panels[: len(plan.places)]:
            self._draw_panel(panel, lens)
        self._draw_lesson(lens)
        self._draw_chrome(plan, lens)

    def _look_at_worlds(self) -> None:
        """What is to be seen of the worlds in this frame. What was dear to find out rests."""
        worlds = range(len(self.session.clusters))
        self._views = self._rested("views", self._views, lambda: [self.session.view(world) for world in worlds])
        self._timelines = self._rested("timelines", self._timelines, lambda: [self.session.timeline(world) for world in worlds])

    def _rested(self, what: str, known: list[T], find: Callable[[], list[T]]) -> list[T]:
        began = perf_counter()
        if len(known) == len(self.session.clusters) and not self.thrift.may(what, began):
            return known
        found = find()
        self.thrift.spent(what, began, perf_counter())
        return found

    def _draw_panel(self, panel: PanelView, lens: Lens) -> None:
        """One panel, unless all that it reads is what it was, or it rests."""
        from k8s_tutor.ui.panels import PANELS

        look = self.look
        world = min(panel.world, len(self._views) - 1)
        lit = look.focus == panel.panel
        selected = look.selected if panel.panel in FOLLOW or _holds(panel.picture, look.selected, lit) else ""
        titles = self.session.titles()
        traced = self.session.traced
        walks = (look.walks, self._rules(world, panel.panel))
        looks = (look.ascii, look.projector, look.client, walks, look.details, look.why, look.books, traced, titles)
        outer = (panel.box, lens.id, selected, lit, look.scrolls.get(panel.panel, 0), looks)
        key = (*parts(panel.panel, self._views[world]), panel.panel, panel.world, outer)
        began = perf_counter()
        if same(key, self._drawn.get(panel)) or not self.thrift.may(panel, began):
            return
        self._drawn[panel] = key
        render = PANELS.get(panel.panel)
        picture = render(self.scene(world, panel.panel), *panel.room) if render else Picture(panel.panel, (), ())
        if len(titles) > 1 and panel.panel == look.shown[0]:
            picture = replace(picture, title=titles[world])
        if look.projector:
            panel.show_bare(picture, look.ascii)
        else:
            panel.show_picture(picture, lit, look.ascii)
        self.thrift.spent(panel, began, perf_counter())

    def _draw_lesson(self, lens: Lens) -> None:
        lesson = self.session.lesson
        if lesson is None or not self.lesson_view.display:
            return
        look = self.look
        key = (lesson, look.hand, look.focus == LESSON, lens.id, look.ascii, look.projector, self.lesson_view.box)
        if key == self._lesson_drawn:
            return
        self._lesson_drawn = key
        width, height = self.lesson_view.room
        if look.projector:
            words = projector.words(lesson, look.hand, width, self.lesson_view.box.height - 1)
            self.lesson_view.show_bare(words, look.ascii)
            return
        picture = lesson_panel.render(lesson, look.hand, lens.breaks, width, height)
        self.lesson_view.show_picture(picture, look.focus == LESSON, look.ascii)

    def _draw_chrome(self, plan: Layout, lens: Lens) -> None:
        width = self.size.width
        session, driver, lesson = self.session, self.driver, self.session.lesson
        timeline = self._timelines[0]
        head = chrome.Head(
            self.crumbs,
            lesson.index + 1 if lesson is not None and lesson.kind != "end" else lesson.total if lesson is not None else 0,
            lesson.total if lesson is not None else 0,
            session.now,
            driver.playing,
            session.holds,
            session.cluster.events < timeline.head,
            driver.words,
            session.cluster.seed,
            lens.id,
            self._wrong(),
        )
        if plan.header.height:
            self.head.show((projector.head(head, width) if self.look.projector else chrome.header(head, width),))
        if plan.timeline.height:
            self._draw_time(plan)
        if plan.tabs.height:
            seen = {where.panel for where in plan.places}
            names = [(title_of(panel), panel in seen, panel == self.look.focus) for panel in self.look.shown]
            self.tabs.show((chrome.tabs(names, plan.tabs.width),))
        if plan.prompt.height:
            self.prompt.aside = self._aside()
            self.prompt.draw()
        if plan.footer.height:
            self.foot.show((chrome.footer(self.offered(), width, self._labels(lesson)),))

    def _wrong(self) -> str:
        """The broken twins among the worlds: they are marked wherever one looks."""
        return " and ".join(dict.fromkeys(view.raft.variant for view in self._views if view.raft.wrong))

    def _draw_time(self, plan: Layout) -> None:
        from k8s_tutor.ui.panels import PANELS

        render = PANELS.get("timeline")
        if render is not None:
            box = plan.timeline
            picture = render(self.scene(0, "timeline"), box.width - 2, box.height)
            self.time.show(tuple(((" ", "text"), *fit(row, box.width - 1)) for row in picture.rows))

    # ------------------------------------------------------------------ words

    def has(self) -> tuple[str, ...]:
        """What there is for actions that need something."""
        look = self.look
        lesson = ("lesson",) if self.session.lesson is not None else ("sandbox",)
        selected = ("selected",) if look.selected else ()
        return (*lesson, *selected, *(("projector",) if look.projector else ()))

    def offered(self) -> list[actions.Action]:
        """What the footer names."""
        lesson = self.session.lesson
        offered = actions.footer("stage", self.has())
        if lesson is None or lesson_panel.can(lesson, "hint"):
            return offered
        return [action for action in offered if action.id != "hint"]

    def _labels(self, lesson: LessonView | None) -> dict[str, str]:
        """Labels that say what a key would do right now."""
        words = {"kubectl": self.prompt.head or "kubectl"}
        words |= {"play": "pause" if self.driver.playing and not self.session.holds else "play"}
        if lesson is not None and lesson_panel.can(lesson, "answer"):
            words["next"] = "answer"
        return words

    def _aside(self) -> Row:
        """What the console is busy with, at the right end of its line."""
        console = self._views[0].console
        if not console.answers:
            return ()
        last = console.answers[-1]
        if console.editors:
            return (("✎ waits for the editor: ", "warn"), ("e", "key"), (" opens it ", "dim"))
        if last.code < 0:
            return (("◌ waiting … ", "warn"),)
        room = self.size.width // 2
        if last.code == 0:
            return fit((("✓ ", "ok"), (last.line + " ", "dim")), min(room, len(last.line) + 3))
        words = (last.stderr.strip().splitlines() or [last.line])[0]
        return fit((("✗ ", "fail"), (words + " ", "fail")), min(room, len(words) + 3))

    def say(self, text: str, role: str = "warn") -> None:
        """One line for a person: what was done, or why not."""
        self.prompt.say(chrome.notice(text, self.size.width, role))


def title_of(panel: str) -> str:
    """A panel's name in the row of tabs."""
    return panel.replace("_", " ")


def _holds(picture: Picture, target: str, lit: bool) -> bool:
    """Whether a panel shows what is selected; the one with the focus may be about to bring it into view."""
    return lit or any(spot.target == target for spot in picture.spots)
