"""Recorded conversations with a real API server, played against ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.api.conftest import Cluster
from tests.api.golden_player import Player

CASES = sorted((Path(__file__).parent / "golden" / "api").glob("*.json"))

LEFT_OUT = {
    "gc-orphan": (4, 5),  # the garbage collector and the controllers are no part of the server
    "gc-ownerrefs": (10, 11),
    "node-ops": (2, 3, 5, 6),  # podCIDR and taints come from controllers
    "rbac": (16,),  # Role and RoleBinding are not served yet
    "watch-gone": (0,),  # nothing has been compacted in a world so young
}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_conversation_goes_as_with_a_real_server(path: Path) -> None:
    case = json.loads(path.read_text())
    left_out = [case["steps"][index] for index in LEFT_OUT.get(path.stem, ())]
    assert Player(Cluster(), case).play(lambda step: step in left_out) == []
