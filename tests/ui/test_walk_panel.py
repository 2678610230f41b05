"""The packet walk on the screen: bands, headers, what changed, where it fails, two side by side; and the lamps of the rules."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pytest
import scenes
from test_panels import SIZES, check

from k8s_tutor.cluster import Cluster
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.cluster.walkviews import RuleView
from k8s_tutor.ui.panels import PANELS
from k8s_tutor.ui.panels.walk import current
from k8s_tutor.ui.rows import text_of
from k8s_tutor.ui.scene import Picture, Scene

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "client"}, "spec": {
    "nodeName": "node-1", "containers": [{"name": "c", "image": "busybox", "command": ["sleep", "9999"]}]}}  # fmt: skip
WEB = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}}, "spec": {
    "nodeName": "node-2", "containers": [{"name": "c", "image": "nginx"}]}}  # fmt: skip
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"}, "spec": {
    "selector": {"app": "web"}, "ports": [{"port": 80}]}}  # fmt: skip


@lru_cache
def cluster() -> Cluster:
    found = Cluster(ClusterSpec(managers=1, workers=2, manifests=[POD, WEB, SERVICE]))
    found.run_until(found.now + 20_000_000)
    return found


@lru_cache
def scene(*ways: tuple[str, str]) -> Scene:
    walks = tuple(cluster().walk(origin, target) for origin, target in ways)
    plain = next(iter(scenes.SCENES.values()))()
    return replace(plain, view=cluster().view(), walks=walks, rules=cluster().rules())


DELIVERED, REFUSED, LOST = ("client", "shop:80"), ("client", "web:81"), ("outside", "shop:80")


def drawn(picture: Picture) -> str:
    return "\n".join(text_of(row) for row in picture.rows)


@pytest.mark.parametrize("ways", [(), (DELIVERED,), (LOST,), (DELIVERED, REFUSED)])
def test_it_fits_any_size(ways: tuple[tuple[str, str], ...]) -> None:
    for wide, high in SIZES:
        for mode in ("stage", "projector"):
            for selected in ("", "hop 1", "hop 99", "hop 15"):
                here = replace(scene(*ways), mode=mode, selected=selected)  # type: ignore[arg-type]
                check(PANELS["walk"](here, wide, high), wide, high)
    picture = PANELS["walk"](replace(scene(*ways), ascii=True), 158, 40)
    assert all(text_of(row).isascii() for row in picture.rows)


def test_bands_headers_and_the_answer_stand_there() -> None:
    picture = PANELS["walk"](scene(DELIVERED), 158, 46)
    told = drawn(picture)
    for words in ("network namespace", "CNI plugin", "node network", "cluster network", "request ▶", "◀ answer", "the answer"):
        assert words in told
    assert "DNAT" in told and "conntrack" in told and picture.status == (("✓ delivered", "ok"),)
    changed = [text for row in picture.rows for text, role in row if role.startswith("leader+bold") and "10." in text]
    assert len(changed) == 2


def test_a_failed_walk_opens_at_the_place_where_it_fails() -> None:
    walk = scene(REFUSED).walks[0]
    assert current(walk, "") == len(walk.hops) - 1
    picture = PANELS["walk"](scene(REFUSED), 76, 20)
    assert "nobody listens on port 81" in drawn(picture) and picture.status == (("✗ refused", "fail"),)


def test_two_walks_stand_side_by_side_where_there_is_room() -> None:
    both = scene(DELIVERED, REFUSED)
    first = text_of(PANELS["walk"](both, 158, 44).rows[0])
    assert "client → shop:80  ✓ delivered" in first and "client → web:81  ✗ refused" in first
    assert "web:81" in PANELS["walk"](both, 78, 20).title


def test_lamps_of_the_rules() -> None:
    told = drawn(PANELS["walk"](scene(DELIVERED), 98, 30))
    assert "● pods reach pods  ● nodes reach pods  ● one address for all" in told
    red = RuleView(name="pods reach pods", promise="p", ok=False, tested=2, broken=(("a", "b"),), sentence="a → b: lost")
    picture = PANELS["walk"](replace(scene(DELIVERED), rules=(red,)), 98, 30)
    assert "✗ pods reach pods" in drawn(picture)
    assert any(spot.target == "rule pods reach pods" for spot in picture.spots)
