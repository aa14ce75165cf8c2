"""How long a training still takes, against numbers computed by hand."""

import pytest

from workflow_scripts.networks.forecast import (
    PRIOR,
    epochs_left,
    expected_share,
    least_epochs_left,
    seconds_an_epoch,
)
from workflow_scripts.networks.training import Epoch, Settings


def settings(max_epochs=40, patience=1, lowest=0.003):
    return Settings(0.02, 10, max_epochs, 0.5, patience, lowest)


def epochs(*losses, seconds=1.0):
    return [Epoch(n, 0.02, loss, 0.5, loss, 0.5, seconds) for n, loss in enumerate(losses, 1)]


@pytest.mark.parametrize(
    ("losses", "changes", "left"),
    [
        # 0.02, 0.01, 0.005, 0.0025: the first epoch has no loss to compare with, and falls.
        ([], {}, 3),
        ([1.0], {}, 3),
        ([1.0, 2.0], {}, 2),
        ([1.0, 2.0, 0.5, 0.7], {}, 1),
        ([1.0, 2.0, 3.0, 4.0], {}, 0),
        # Two of three epochs of patience have passed; then two more halvings.
        ([1.0, 2.0, 3.0], {"patience": 3}, 1 + 3 + 3),
        ([1.0], {"max_epochs": 2}, 1),
        ([], {"max_epochs": 0}, 0),
        ([1.0], {"lowest": 0, "max_epochs": 30}, 29),
    ],
)
def test_the_learning_rate_needs_some_epochs_to_fall(losses, changes, left):
    assert least_epochs_left(epochs(*losses), settings(**changes)) == left


def test_a_training_takes_the_expected_share_but_not_less_than_the_rate_needs():
    assert epochs_left(epochs(3, 2, 1), settings(), 0.5) == 17
    assert epochs_left(epochs(3, 2, 1), settings(), 0.05) == 3
    assert epochs_left(epochs(*range(40, 0, -1)), settings(), 1.0) == 0


def test_ended_trainings_of_the_variant_count_most():
    assert expected_share("a", []) == PRIOR
    # All: (0.5 + 0.2 + 0.2) / 3 = 0.3, which is one more of each variant.
    ended = [("a", 0.2), ("a", 0.2)]
    assert expected_share("a", ended) == pytest.approx((0.3 + 0.2 + 0.2) / 3)
    assert expected_share("b", ended) == pytest.approx(0.3)


def test_recent_epochs_say_how_fast_it_is():
    slow, fast = epochs(*range(30), seconds=9.0), epochs(*range(20), seconds=2.0)
    assert seconds_an_epoch([*slow, *fast]) == 2
    assert seconds_an_epoch(slow[:3]) == 9
