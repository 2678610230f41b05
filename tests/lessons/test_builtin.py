"""The lessons that come with the product. `k8s-tutor lessons check` proves them; here they load, and each is listed."""

from __future__ import annotations

from k8s_tutor.lessons.index import entries
from k8s_tutor.lessons.loader import load_all
from k8s_tutor.lessons.models import Task


def test_all_built_in_lessons_load_and_are_listed() -> None:
    loaded = load_all()
    assert {entry.id for entry in entries()} == {found.lesson.id for found in loaded}
    assert all(entry.about for entry in entries())


def test_every_built_in_lesson_has_a_prediction_a_task_and_a_debrief() -> None:
    for found in load_all():
        kinds = {step.KIND for step in found.lesson.steps}
        assert {"predict", "task", "debrief"} <= kinds, found.lesson.id
        assert all(step.hints for step in found.lesson.steps if isinstance(step, Task)), found.lesson.id
