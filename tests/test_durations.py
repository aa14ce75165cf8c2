"""Durations as text."""

from workflow_scripts.durations import duration


def test_the_unit_of_a_duration_depends_on_its_length():
    texts = {0.4: "0 s", 99: "99 s", 150: "2 min", 5940: "99 min", 24120: "6.7 h"}
    assert {seconds: duration(seconds) for seconds in texts} == texts
