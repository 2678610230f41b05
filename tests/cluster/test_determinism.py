"""Spec, seed and inputs are the run: in another process, with another hash seed, on another Python."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from k8s_tutor.cluster import Cluster, SessionError, inputs
from k8s_tutor.sim.detect import Detector
from tests.cluster.helpers import cluster, kubectl, settled

REPLAY = """
import json, sys
from k8s_tutor.cluster import Cluster
print(Cluster.load(json.load(sys.stdin)).digest())
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def session() -> dict[str, Any]:
    """A session with a bit of everything."""
    one = cluster(managers=3, workers=2)
    settled(one, "create deployment web --image=nginx --replicas=3")
    one.give(inputs.Crash("cp-2"))
    one.run_until(one.now + 3_000_000)
    kubectl(one, "scale deployment web --replicas=1")
    one.give(inputs.Cut((("cp-1",), ("cp-3",))))
    one.run_until(one.now + 2_500_000)
    one.give(inputs.Heal())
    one.give(inputs.Restart("cp-2"))
    one.run_until(one.now + 5_000_000)
    return json.loads(json.dumps(one.save()))  # type: ignore[no-any-return]


def replay(session: dict[str, Any], python: str, hash_seed: str) -> str:
    """The digest of a replay in another process."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [python, "-c", REPLAY], input=json.dumps(session), capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_a_saved_session_replays_in_another_process(session: dict[str, Any], hash_seed: str) -> None:
    assert replay(session, sys.executable, hash_seed) == session["digest"]


def test_a_saved_session_replays_on_another_python(session: dict[str, Any]) -> None:
    for name in ("python3.11", "python3.12", "python3.13", "python3.14"):
        python = shutil.which(name)
        if python is None or name == f"python3.{sys.version_info.minor}":
            continue
        modules = "import msgspec, pydantic, lightkube.models"
        if subprocess.run([python, "-c", modules], capture_output=True, check=False).returncode == 0:
            assert replay(session, python, "0") == session["digest"]
            return
    pytest.skip("no other Python with the project's libraries is present")


def test_a_dropped_message_gives_another_digest() -> None:
    one, other = cluster(managers=3, workers=0), cluster(managers=3, workers=0)
    for each in (one, other):
        each.give(inputs.Kubectl("create configmap a --from-literal=b=c"))
        each.run_until(lambda c: any(f.kind == "AppendEntries" and f.work for f in c.view().wire.flying))
    other.give(inputs.Drop(other.view().wire.flying[0].id))
    for each in (one, other):
        each.run_until(each.now + 5_000_000)
    assert one.digest() != other.digest()


def test_a_session_that_parts_from_its_record_says_where(session: dict[str, Any]) -> None:
    broken = {**session, "digest": "0" * 32}
    with pytest.raises(SessionError, match="parts from the saved one at event"):
        Cluster.load(broken)


@pytest.mark.parametrize("broken", [{}, {"format": 9}, {"format": 1, "spec": {"managers": 77}, "seed": 1}])
def test_what_is_no_session_is_refused_in_one_line(broken: dict[str, Any]) -> None:
    with pytest.raises(SessionError) as error:
        Cluster.load(broken)
    assert str(error.value)


def test_rewinding_a_whole_cluster_and_going_forward_gives_the_same_digest() -> None:
    one = cluster(managers=3, workers=2)
    start = one.events
    settled(one, "create deployment web --image=nginx --replicas=2")
    end, digest, now = one.events, one.digest(), one.now
    for part in (0, 1, 2):
        one.goto(start + (end - start) * part // 3)
        one.advance(now, budget=10**6)
        assert (one.events, one.digest()) == (end, digest)


def test_no_component_changes_a_stored_value_in_place() -> None:
    one = cluster(managers=1, workers=1)
    one.give(inputs.Kubectl("create deployment web --image=nginx --replicas=2"))
    detector = Detector(one.world)
    while not one.quiet:
        detector.step()
    assert sum(p.ready for p in one.view().workload.pods) == 2


def test_unchanged_parts_of_a_view_are_the_same_objects() -> None:
    one = cluster(managers=3, workers=2)
    settled(one, "create deployment web --image=nginx")
    before = one.view()
    assert one.view().workload is before.workload
    one.give(inputs.Kubectl("create configmap a --from-literal=b=c"))
    kubectl(one, "get configmaps")
    after = one.view()
    assert after.network is before.network
    assert after.verdicts is before.verdicts
