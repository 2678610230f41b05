"""B11 to B13: from a key to the screen, the first frame, and the first frame of a lesson."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile

from k8s_tutor.bench.measure import SAMPLES, Row, median

FIRST_FRAME = """
from k8s_tutor.ui.app import Tutor
class First(Tutor):
    def _after_first_paint(self):
        self.exit(0)
First().run(headless=True)
"""
ONE_WIDGET = """
from textual.app import App
from textual.widgets import Static
class One(App):
    def compose(self):
        yield Static("hello")
    def on_mount(self):
        self.call_after_refresh(self.exit)
One().run(headless=True)
"""
LESSON = """
import time
from k8s_tutor.ui.app import Tutor
class Lesson(Tutor):
    def _after_first_paint(self):
        super()._after_first_paint()
        self.set_timer(4.0, self.choose)
    def choose(self):
        self.began = time.process_time()
        self.open_lesson("orchestra")
        self.set_interval(0.01, self.look)
    def look(self):
        if len(self.screen_stack) > 1:
            self.call_after_refresh(self.done)
    def done(self):
        print(time.process_time() - self.began, flush=True)
        self.exit(0)
Lesson().run(headless=True)
"""
KEYS = """
import asyncio, sys, time
from k8s_tutor.ui.app import Tutor
async def main():
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "nginx"}]}}
    spec = {"replicas": 200, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"}, "spec": spec}
    app = Tutor(spec={"managers": 3, "workers": 100, "manifests": [web]})
    times = []
    async with app.run_test(size=(160, 50)) as pilot:
        while len(app.screen_stack) < 2:
            await pilot.pause(0.05)
        await asyncio.sleep(1.0)
        app.frozen = True
        await asyncio.sleep(0.5)
        for key in ["down", "right", "v", "up", "left", "z", "z", "tab"] * 5:
            begun = time.process_time()
            app.simulate_key(key)
            await asyncio.sleep(0.1)
            times.append(time.process_time() - begun)
    times.sort()
    print(times[len(times) // 2], times[len(times) * 95 // 100])
asyncio.run(main())
"""


def _child(code: str) -> tuple[float, str]:
    """CPU seconds of a Python process that runs ``code``, with no progress of anybody's, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "K8S_TUTOR_DATA": folder}
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent, done.stdout


def rows() -> list[Row]:
    """B11, B12 and B13."""
    middle, worst = (float(word) for word in _child(KEYS)[1].split()[-2:])
    ours, peer, lesson = [], [], []
    for _ in range(SAMPLES):
        ours.append(_child(FIRST_FRAME)[0])
        peer.append(_child(ONE_WIDGET)[0])
        lesson.append(float(_child(LESSON)[1].split()[-1]))
    first, base, opened = median(ours) * 1000, median(peer) * 1000, median(lesson)
    return [
        Row("B11", "key to repaint, 100 nodes and 200 pods at 160x50, 95th percentile", "ms", worst * 1000, 30.0,
            worst * 1000 / 30, "<= 1 (of 30 ms)", 40, f"median {middle * 1000:.1f} ms"),
        Row("B12", "first frame, beside a one-widget Textual app", "ms", first, base, first / base, "<= 1.3", SAMPLES),
        Row("B13", "choose the orchestra, 4 s after the start, to its first live frame", "s", opened, 1.0, opened,
            "<= 1 (of 1 s)", SAMPLES),
    ]  # fmt: skip
