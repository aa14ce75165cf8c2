"""Whether validation curves were still rising when `max_epochs` stopped the training."""

import numpy as np
import pytest

from tests.evidence import FLAT, RISING
from workflow_scripts.results.convergence import SHORTEST, convergence


def of(curves, stopped=True):
    return convergence(curves, [stopped] * len(curves))


def test_a_rising_curve_has_not_converged_and_a_flat_one_has():
    rising = of([RISING] * 5)
    assert rising.is_rising and not rising.converged and rising.n_rising == 5
    # From epochs 11-15 to 16-20: 5 epochs of 2 points.
    assert rising.rise == pytest.approx(10, abs=0.5)
    flat = of([FLAT] * 5)
    assert flat.converged and flat.n_rising == 0


def test_a_curve_that_falls_has_converged():
    assert of([RISING[::-1]] * 5).converged


def test_a_training_that_its_learning_rate_ended_counts_as_flat():
    assert of([RISING] * 5, stopped=False).converged
    assert of([RISING[:3]] * 5, stopped=False).converged
    one = convergence([RISING] * 5, [True, False, False, False, False])
    assert (one.n_trainings, one.n_rising) == (5, 1)
    # The mean over all five trainings rises by a fifth of ten points.
    assert one.rise == pytest.approx(2, abs=0.1) and one.is_rising


def test_few_epochs_show_nothing():
    assert not of([FLAT[: SHORTEST - 1]] * 5).converged
    assert of([FLAT[: SHORTEST - 1]] * 5).n_short == 5
    assert of([FLAT[:SHORTEST]] * 5).converged
    for n in (1, 2, 3):
        found = of([np.linspace(0.1, 0.9, n)])
        assert found.n_short == 1 and not found.converged and not found.is_rising


def test_a_small_rise_matters_only_if_most_best_epochs_are_the_last_one():
    slow = FLAT[0] + np.linspace(0, 0.005, 20)
    assert of([slow] * 5).is_rising and of([slow] * 5).n_best_last == 5
    mixed = of([slow] * 2 + [slow[::-1]] * 3)
    assert mixed.n_best_last == 2 and mixed.converged
    assert not of([slow] * 3 + [slow[::-1]] * 2).converged


def test_the_best_of_equal_epochs_is_the_first_one():
    perfect = np.ones(20)
    assert of([perfect] * 3).converged


@pytest.mark.parametrize("scatter", [0.01, 0.08])
@pytest.mark.parametrize("n_epochs", [SHORTEST, 60])
@pytest.mark.parametrize("n_trainings", [3, 10])
def test_noise_is_rarely_taken_for_a_rise(scatter, n_epochs, n_trainings):
    rng = np.random.default_rng(0)
    found = [
        of(0.6 + scatter * rng.standard_normal((n_trainings, n_epochs))).is_rising
        for _ in range(100)
    ]
    # The level of the test is 2 %. Of three trainings of 12 epochs, two have their best epoch last
    # in another 2 %. 10 % are three standard deviations more in 100 rounds.
    assert np.mean(found) <= 0.1


def test_a_rise_is_found_in_noise():
    """A curve that approaches its end with half the number of epochs as its time constant."""
    rng = np.random.default_rng(0)
    curve = 0.7 - 0.5 * np.exp(-np.arange(60) / 30)
    noisy = [of(curve + 0.04 * rng.standard_normal((5, 60))).is_rising for _ in range(100)]
    assert np.mean(noisy) > 0.95
