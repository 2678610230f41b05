"""People who come from outside, with a kubectl of their own, while the world is on the screen.

How they are served stands on the same floor as the screen, and is handed to the app from above (see `Serve`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from k8s_tutor.cluster import Cluster
    from k8s_tutor.cluster.inputs import Input
    from k8s_tutor.ui.stage import Stage

KUBECONFIG = "k8s-tutor.kubeconfig"
"""Where the kubeconfig is written when nobody says."""


class House(Protocol):
    """The serving of one world."""

    @property
    def waiting(self) -> int:
        """Requests that have no answer yet."""

    @property
    def held(self) -> int:
        """How many things wait until time goes on."""

    async def open(self, path: Path, port: int = 0) -> str:
        """Serves, and says where; the kubeconfig goes to ``path``."""

    def turn(self) -> None:
        """To be called after each frame."""

    def close(self) -> None:
        """The end."""


class Door:
    """What the stage lets those who serve see of itself."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def cluster(self) -> Cluster:
        """The world on the stage; of several the first."""
        return self._stage.session.cluster

    @property
    def runs(self) -> bool:
        """Whether time goes on, at the newest moment of its branch."""
        session = self._stage.session
        return self._stage.driver.playing and not session.holds and not session.past

    def give(self, given: Input) -> None:
        """Puts an input in."""
        self._stage.session.give(given)


Serve = Callable[[Door], House]


class Guests:
    """Whether the stage is open to the outside, and what is said about it."""

    def __init__(self, stage: Stage, serve: Serve) -> None:
        self._stage = stage
        self._house = serve(Door(stage))
        self._told = 0
        self._opening: asyncio.Task[None] | None = None

    def open(self, path: Path) -> None:
        """Begins to serve; what came of it is said on the stage."""
        self._opening = asyncio.create_task(self._open(path))

    async def _open(self, path: Path) -> None:
        try:
            address = await self._house.open(path)
        except Exception as error:  # a port, a file, a certificate: whatever it is, it is said in one line
            self._stage.guests = None
            self._stage.say(str(error), "fail")
            return
        self._stage.say(f"{address} is open: KUBECONFIG={path} kubectl get pods", "leader")

    def turn(self) -> None:
        """After each frame; says when somebody has to wait."""
        self._house.turn()
        held = self._house.held
        if held and not self._told:
            self._stage.say("somebody outside waits until time goes on (Space)", "warn")
        self._told = held

    def close(self) -> None:
        """The end."""
        self._house.close()
