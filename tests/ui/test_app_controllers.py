"""Controllers on the screen: their queues, what is desired beside what is, and one reconcile at a time."""

from __future__ import annotations

from k8s_tutor.ui.app import Tutor
from tests.ui.pilots import command, running, screen_text, stage_of, until

SPEC = {"managers": 1, "workers": 1, "kubelets": "plain", "seed": 7}


async def test_one_reconcile_at_a_time() -> None:
    app = Tutor(spec=SPEC)
    async with running(app, (160, 48)) as pilot:
        stage = stage_of(app)
        await pilot.press("Q", "equals_sign")
        await until(pilot, lambda: "Work queues" in screen_text(app) and "nobody has asked for anything" in screen_text(app))
        await command(pilot, "kubectl create deployment web --image=nginx --replicas=2")
        seen = []
        for _ in range(4):
            await pilot.press("semicolon")
            seen.append(stage.session.now)
        assert seen == sorted(seen)
        await until(pilot, lambda: "looked at default/web" in screen_text(app))
        assert any(one.name == "web" for one in stage.session.view().controllers.sets)
        await pilot.press("comma")
        assert stage.session.now <= seen[-1]
