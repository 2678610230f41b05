"""The table of quorums is measured, and what is measured is what the formula says."""

from __future__ import annotations

from k8s_tutor.lessons.measure import Measurement
from k8s_tutor.lessons.models import Measure
from k8s_tutor.raft import quorum, tolerates


def test_measured_quorums_are_those_of_the_formula() -> None:
    table = Measurement(Measure.model_validate({"members": "1..9", "lost": "0..4", "limit": "10s"}), seed=7)
    while not table.done:
        table.step()
    for (size, lost), cell in table.cells.items():
        assert cell.committed == (lost <= tolerates(size)), f"{lost} of {size} away"
    assert [table.tolerated(size) for size in range(1, 10)] == [0, 0, 1, 1, 2, 2, 3, 3, 4]
    assert [row[1] for row in table.rows()[1:]] == [str(quorum(size)) for size in range(1, 10)]
