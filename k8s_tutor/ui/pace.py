"""Pace: how far virtual time may go in one frame. Pure arithmetic over what is in the air; no clock, no engine.

*Steady* multiplies the wall's time by a speed. *Cinema* looks at the messages of somebody's work: while one is in the air, its
way takes about half a second of wall time, so that the eye can follow it; stretches without any are crossed in a
fraction of a second. Where one thing leads to a hundred others the film gathers speed, and is slow again for the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from k8s_tutor.cluster.views import FlightView


SECOND = 1_000_000

SPEEDS: tuple[Fraction, ...] = tuple(
    Fraction(number)
    for number in ("1/1000", "1/300", "1/100", "1/30", "1/10", "1/3", "1/2", "1", "2", "5", "10", "30", "100", "300", "1000")
)
"""The speeds that the keys walk through."""

HOP = 0.45
"""Seconds of wall time for the way of one message at cinema's tempo 1."""
GLIDE = 0.35
"""Seconds of wall time for a stretch without work."""
CALM = 3.0
"""Seconds of a burst of work that are shown at tempo 1."""
CALM_AGAIN = 0.7
"""The same for a burst that follows, after quiet, from the same beginning."""
DOUBLING = 2.0
"""Seconds after which the tempo of a burst that goes on has doubled."""
FASTEST_BURST = 12.0
"""Where that ends."""
LANDING = 1.0
"""Share of a hop's length within which, at full tempo, messages land together."""
SHORTEST_HOP = 200
"""µs; messages inside one machine take less, and would stop the film."""
QUIET_SPEED = 1.0
"""Virtual seconds a second while nothing at all is to be done."""
PATIENCE = 1.0
"""Seconds of quiet after which somebody who waits is no longer kept waiting: from then on the speed rises."""
IMPATIENCE = 0.5
"""Seconds after which it has doubled."""
FASTEST_QUIET = 256.0
"""Where that ends."""
KEPT = 1.0
"""Seconds of the rise that a burst of work in between leaves: who has waited before need not be patient again."""


def parse_speed(text: str) -> Fraction:
    """``2``, ``x1/100``, ``×10``, ``0.5`` as a speed between 1/1000 and 1000. Raises ValueError with one line."""
    try:
        speed = Fraction(text.strip().lstrip("x×"))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{text!r} is no speed; try 1, 1/100 or 1000") from None
    if not Fraction(1, 1000) <= speed <= 1000:
        raise ValueError(f"{text}: the speed must lie between 1/1000 and 1000")
    return speed


def faster(speed: Fraction) -> Fraction:
    """The next of `SPEEDS` upwards."""
    return next((step for step in SPEEDS if step > speed), SPEEDS[-1])


def slower(speed: Fraction) -> Fraction:
    """The next of `SPEEDS` downwards."""
    return next((step for step in reversed(SPEEDS) if step < speed), SPEEDS[0])


def in_words(speed: Fraction) -> str:
    """``×2``, ``×1/100``."""
    return f"×{speed}"


def burst_tempo(busy_for: float) -> float:
    """How much faster a burst of work is shown after so many seconds of wall time: 1, then rising evenly to `FASTEST_BURST`."""
    return min(FASTEST_BURST, float(2 ** (max(0.0, busy_for - CALM) / DOUBLING)))


@dataclass(slots=True)
class Film:
    """Cinema pace. ``tempo`` 2 shows everything twice as fast; ``still``: no gliding, quiet is crossed at once."""

    tempo: float = 1.0
    still: bool = False
    following: bool = False
    """Messages of work are in the air in this frame."""
    _gap_end: int = -1
    _gap_rate: float = 0.0
    _quiet_for: float = 0.0
    _busy_for: float = 0.0
    _scene: object = None

    def target(
        self,
        now: int,
        wall: float,
        flying: Iterable[FlightView],
        next_work: int | None,
        quiet: bool,
        awaited: bool = False,
        scene: object = None,
    ) -> int:
        """The instant (µs) to run to in a frame of ``wall`` seconds.

        ``awaited``: somebody waits for something to happen. ``scene``: when it is another one than before, something new
        begins, and is shown slowly again.
        """
        if scene != self._scene:
            self._scene = scene
            self._busy_for = self._quiet_for = 0.0
        hops = [(flight.due, flight.due - flight.sent_at) for flight in flying if flight.work and flight.due >= now]
        hops = [hop for hop in hops if hop[1] > 0]
        self.following = bool(hops)
        if hops:
            self._quiet_for = min(self._quiet_for, PATIENCE + KEPT)
            return self._follow(now, self._busy(wall), hops)
        if next_work is not None and next_work > now and not quiet:
            return self._cross(now, self._busy(wall), next_work)
        self._gap_end = -1
        self._busy_for = min(self._busy_for, CALM - CALM_AGAIN)
        return now + int(wall * self._quiet_speed(wall, awaited) * self.tempo * SECOND)

    def _busy(self, wall: float) -> float:
        """A frame's seconds as the film counts them while a burst of work goes on."""
        self._busy_for += wall
        return wall * self.tempo * burst_tempo(self._busy_for)

    def _quiet_speed(self, wall: float, awaited: bool) -> float:
        """Quiet time keeps the wall's pace, but for somebody who waits it gathers speed."""
        self._quiet_for = self._quiet_for + wall if awaited else 0.0
        if self._quiet_for <= PATIENCE:
            return QUIET_SPEED
        return min(FASTEST_QUIET, QUIET_SPEED * float(2 ** ((self._quiet_for - PATIENCE) / IMPATIENCE)))

    def _follow(self, now: int, seconds: float, hops: list[tuple[int, int]]) -> int:
        """The soonest message sets the pace.

        At tempo 1 it is not overtaken within the frame; the faster the film, the more of what lands soon after it lands
        with it.
        """
        self._gap_end = -1
        due, length = min(hops)
        length = max(length, SHORTEST_HOP)
        step = max(1, int(length * seconds / HOP))
        with_it = int(length * LANDING * (1 - 1 / burst_tempo(self._busy_for)))
        return min(now + step, max(due, now + 1) + with_it) if due > now else now + step

    def _cross(self, now: int, seconds: float, end: int) -> int:
        """A stretch without work, at one even rate from its beginning to its end."""
        if self.still:
            return end
        if self._gap_end != end:
            self._gap_end = end
            self._gap_rate = (end - now) / GLIDE
        return min(end, now + max(1, int(self._gap_rate * seconds)))
