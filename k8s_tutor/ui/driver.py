"""The driver: it owns the wall's time and hands the engine one bounded slice of work a frame."""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from k8s_tutor.ui.pace import SECOND, Film, faster, in_words, slower

if TYPE_CHECKING:
    from k8s_tutor.ui.session import Session

Pace = Literal["cinema", "steady"]

SLICE = 0.008
"""Seconds of wall time that the engine may take of one frame."""
CHUNK = 60
"""Events between two looks at the clock."""
WATCHFUL_CHUNK = 2
"""The same while the film crosses quiet: work may begin at any event, and is not to be missed."""
LONGEST_FRAME = 0.1
"""Seconds; a frame that came later (a suspended terminal) counts as this."""


class Driver:
    """Plays a session. ``clock``: seconds of wall time, for tests."""

    def __init__(self, session: Session, clock: Callable[[], float] = time.perf_counter) -> None:
        self.session = session
        self.clock = clock
        self.playing = True
        self.pace: Pace = "cinema"
        self.speed = Fraction(1)
        self.film = Film()
        self.reached = 0.0
        """Virtual seconds a second of wall time, as really reached, smoothed."""
        self._rest = 0.0

    def frame(self, wall: float) -> bool:
        """Runs what a frame of ``wall`` seconds asks for. True when the world may have changed."""
        if not self.playing or self.session.holds:
            self.reached = 0.0
            return self.session.measure()
        wall = min(wall, LONGEST_FRAME)
        before = self.session.now
        self._run(self._target(before, wall))
        if wall > 0:
            speed = (self.session.now - before) / SECOND / wall
            self.reached += (speed - self.reached) * 0.2
        return True

    def _target(self, now: int, wall: float) -> int:
        if self.pace == "cinema":
            self.film.tempo = float(self.speed)
            return self.session.film_target(self.film, wall)
        self._rest += wall * SECOND * float(self.speed)
        step = int(self._rest)
        self._rest -= step
        return now + step

    def _run(self, to: int) -> None:
        """Runs up to the instant, or as far as the frame's slice allows."""
        end = self.clock() + SLICE
        watchful = self.pace == "cinema" and not self.film.following
        while not self.session.advance(to, WATCHFUL_CHUNK if watchful else CHUNK):
            if self.clock() >= end or self.session.holds or (watchful and self.session.works_before(to)):
                break
        self.session.tick()

    def toggle(self) -> None:
        """Play or stop."""
        self.playing = not self.playing
        self.film = Film(still=self.film.still)
        self._rest = 0.0

    def change_speed(self, up: bool) -> None:
        """To the next speed."""
        self.speed = faster(self.speed) if up else slower(self.speed)

    @property
    def words(self) -> str:
        """``cinema``, ``×1/10``, ``×100 (reached ×37)``."""
        if self.pace == "cinema":
            return "cinema" if self.speed == 1 else f"cinema {in_words(self.speed)}"
        words = in_words(self.speed)
        if self.playing and self.speed >= 2 and 0 < self.reached < float(self.speed) * 0.7:
            words += f" (reached ×{self.reached:.2g})"
        return words
