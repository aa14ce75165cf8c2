"""The training protocol: learning rate, batches, the best epoch, the end of training."""

from dataclasses import replace

import numpy as np
import pytest

from workflow_scripts.networks import training
from workflow_scripts.networks.training import DivergedError, HalvingRate, Progress, Settings


def rates(losses, patience, start=1.0):
    rule = HalvingRate(start, patience)
    return [(rule.update(loss), rule.rate)[1] for loss in losses]


def test_the_rate_is_constant_while_the_loss_falls():
    assert rates([5, 4, 3, 2, 1], patience=1) == [1] * 5


def test_the_rate_halves_after_patience_epochs_without_a_lower_loss():
    assert rates([5, 6, 7, 8], patience=3) == [1, 1, 1, 0.5]


def test_an_equal_loss_is_not_an_improvement():
    assert rates([5, 5, 5], patience=2) == [1, 1, 0.5]


def test_an_improvement_restarts_the_count():
    assert rates([5, 6, 4, 6, 6, 3, 3], patience=3) == [1] * 7


def test_a_halving_restarts_the_count():
    assert rates([5, 6, 6, 6, 6, 6], patience=2) == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_the_lowest_loss_is_kept_after_a_halving():
    assert rates([1, 2, 2, 1.5, 1.2], patience=2) == [1, 1, 0.5, 0.5, 0.25]


def test_a_patience_of_40_as_in_the_paper():
    learning_rates = rates([1.0] + [2.0] * 120, patience=40, start=0.01)
    assert learning_rates[39:42] == [0.01, 0.005, 0.005]
    assert learning_rates[120] == 0.00125


def test_batches_are_shuffled_without_an_incomplete_last_one():
    batches = training.batches(47, 10, np.random.default_rng(0))
    assert batches.shape == (4, 10)
    drawn = batches.ravel()
    assert len(set(drawn)) == 40 and set(drawn) <= set(range(47))
    assert not np.array_equal(drawn, np.sort(drawn))


def test_randomness_depends_on_seed_variant_fold_and_epoch():
    def draw(*key):
        return training.generator(*key).random()

    key = (1, "time_1x60", 2, 3)
    others = [(0, *key[1:]), (1, "time_1x200", 2, 3), (1, "time_1x60", 0, 3), (*key[:3], 4)]
    assert draw(*key) == draw(*key)
    assert len({draw(*k) for k in [key, *others]}) == 5


class Scripted:
    """An engine with given losses and validation accuracies, one of each per epoch.

    In training it predicts class 0.
    """

    def __init__(self, losses, accuracies):
        self._losses, self._accuracies, self.epoch, self.rates = losses, accuracies, 0, []

    def place(self, values):
        return values

    def train(self, inputs, labels, batches, learning_rate, seed):
        self.epoch += 1
        self.rates.append(learning_rate)
        self.n_steps = len(batches)
        return self._losses[self.epoch - 1], np.zeros(batches.shape, int)

    def probabilities(self, inputs):
        n_correct = round(self._accuracies[self.epoch - 1] * len(inputs))
        return np.array([[1.0, 0.0]] * n_correct + [[0.0, 1.0]] * (len(inputs) - n_correct))

    def weights(self):
        return {"epoch": np.array(self.epoch)}


def fit(losses, accuracies, validation=None, **changes):
    settings = {"learning_rate": 1.0, "batch_size": 10, "max_epochs": len(losses), "dropout": 0.5}
    settings |= {"patience": 40, "min_learning_rate": 0.0} | changes
    engine = Scripted(losses, accuracies)
    held_out = np.zeros(10, int) if validation is None else np.array(validation)
    data = (np.zeros((25, 1)), np.zeros(25, int)), (np.zeros((10, 1)), held_out)
    start = Progress.start({})
    *_, last = training.fit(engine, *data, Settings(**settings), np.random.default_rng, start)
    return engine, last


def test_the_epoch_with_the_best_validation_accuracy_is_kept():
    _, result = fit([4, 3, 2, 1], [0.1, 0.8, 0.3, 0.7])
    assert result.best.epoch == 2
    assert result.best_weights["epoch"] == 2
    assert result.weights["epoch"] == 4
    assert [epoch.validation_accuracy for epoch in result.history] == [0.1, 0.8, 0.3, 0.7]


def test_the_first_of_equally_good_epochs_is_kept():
    assert fit([4, 3, 2], [0.5, 0.8, 0.8])[1].best.epoch == 2


def test_a_model_with_an_accuracy_of_zero_is_kept():
    assert fit([4, 3], [0.0, 0.0])[1].best.epoch == 1


def test_training_ends_when_the_rate_falls_below_its_minimum():
    engine, result = fit([1] * 9, [0.5] * 9, patience=2, min_learning_rate=0.25)
    assert engine.rates == [1, 1, 1, 0.5, 0.5, 0.25, 0.25]
    assert [epoch.learning_rate for epoch in result.history] == engine.rates


def test_training_ends_when_the_rate_is_no_normal_float32_number():
    """MXNet refuses it; with a minimum of 0 and many epochs it can become so small."""
    engine, result = fit([1] * 200, [0.5] * 200, patience=1, min_learning_rate=0)
    assert engine.rates[-1] == 2.0**-126 == np.finfo(np.float32).tiny
    assert len(result.history) == 128


def test_training_continued_from_any_epoch_gives_identical_results():
    losses, accuracies = [5, 6, 6, 4, 6, 6, 6, 3], [0.1, 0.8, 0.3, 0.8, 0.2, 0.9, 0.9, 0.1]
    settings = Settings(1.0, 10, 8, 0.5, 2, 0.0)
    data = (np.zeros((25, 1)), np.zeros(25, int)), (np.zeros((10, 1)), np.zeros(10, int))

    def run(progress):
        engine = Scripted(losses, accuracies)
        engine.epoch = len(progress.history)
        return list(training.fit(engine, *data, settings, np.random.default_rng, progress))

    def results(progress):
        return [replace(epoch, seconds=0) for epoch in progress.history], progress.best_weights

    uninterrupted = run(Progress.start({}))
    assert [epoch.learning_rate for epoch in uninterrupted[-1].history][3:] == [0.5] * 3 + [
        0.25
    ] * 2
    for stopped in uninterrupted[:-1]:
        assert results(run(stopped)[-1]) == results(uninterrupted[-1])
    assert run(uninterrupted[-1]) == []


def test_an_incomplete_batch_is_not_used():
    assert fit([1], [0.5])[0].n_steps == 2


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_a_loss_that_is_not_finite_raises_an_error(loss):
    with pytest.raises(DivergedError, match="epoch 2"):
        fit([1, loss, 1], [0.5] * 3)


def test_weights_that_overflow_in_the_last_step_of_an_epoch_raise_an_error():
    class Overflowing(Scripted):
        def probabilities(self, inputs):
            return np.full((len(inputs), 2), np.nan)

    data = (np.zeros((25, 1)), np.zeros(25, int)), (np.zeros((10, 1)), np.zeros(10, int))
    epochs = training.fit(
        Overflowing([1], [0.5]),
        *data,
        Settings(1.0, 10, 1, 0.5, 40, 0.0),
        np.random.default_rng,
        Progress.start({}),
    )
    with pytest.raises(DivergedError, match="the validation loss of epoch 1 is nan"):
        next(epochs)


PROBABILITIES = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.25, 0.5, 0.25]])


def test_validation_loss_and_accuracy():
    loss, accuracy = training.loss_and_accuracy(PROBABILITIES, np.array([0, 2, 2]))
    assert loss == pytest.approx(-np.log([0.5, 0.8, 0.25]).mean())
    assert accuracy == pytest.approx(2 / 3)


def test_with_balanced_weights_validation_is_a_mean_over_classes():
    loss, accuracy = training.loss_and_accuracy(PROBABILITIES, np.array([0, 2, 2]), balanced=True)
    of_second = -np.log([0.8, 0.25]).mean()
    assert loss == pytest.approx((-np.log(0.5) + of_second) / 2)
    assert accuracy == pytest.approx((1 + 0.5) / 2), "class 1 has no segment and does not count"


def test_with_balanced_weights_predicting_the_largest_class_is_not_the_best_epoch():
    # `Scripted` predicts class 0 for this share of the segments, the first ones.
    labels = [0] * 8 + [1] * 2
    # Epoch 1 has 8 of 10 correct but only one class; epoch 2 has 5 + 2 of 10, and both classes.
    shares = [1.0, 0.5]
    plain = fit([2, 1], shares, labels)[1]
    balanced = fit([2, 1], shares, labels, class_weights="balanced")[1]
    assert (plain.best.epoch, balanced.best.epoch) == (1, 2)
    found = [epoch.validation_accuracy for epoch in balanced.history]
    assert found == pytest.approx([0.5, (5 / 8 + 1) / 2])


def fit_labels(labels, **changes):
    """The training accuracy of an epoch of `Scripted` with batches of 10, and labels used in it."""
    settings = Settings(1.0, 10, 1, 0.5, 40, 0.0, **changes)
    data = (np.zeros((len(labels), 1)), labels), (np.zeros((10, 1)), np.zeros(10, int))
    start = Progress.start({})
    generator = np.random.default_rng
    *_, last = training.fit(Scripted([1], [0.5]), *data, settings, generator, start)
    used = labels[training.batches(len(labels), 10, generator(1))]
    return last.history[0].train_accuracy, used.ravel()


def test_the_training_accuracy_is_the_share_of_correct_segments_of_the_steps():
    labels = np.array([0] * 11 + [1] * 9 + [3] * 7)
    accuracy, used = fit_labels(labels)
    assert len(used) == 20, "an incomplete batch does not count"
    assert accuracy == pytest.approx(sum(used == 0) / 20)


def test_with_balanced_weights_each_class_has_the_same_share_in_the_training_accuracy():
    """Up to the segments that are not in a whole batch; class 2 has none at all."""
    labels = np.array([0] * 11 + [1] * 9 + [3] * 7)
    accuracy, used = fit_labels(labels, class_weights="balanced")
    of_class = {0: sum(used == 0) / 11, 1: sum(used == 1) / 9, 3: sum(used == 3) / 7}
    assert accuracy == pytest.approx(of_class[0] / sum(of_class.values()))
    accuracy, _ = fit_labels(np.array([0] * 17 + [1] * 3), class_weights="balanced")
    assert accuracy == pytest.approx(1 / 2), "all are used"


class TestBalancedWeights:
    def test_each_class_has_the_same_share(self):
        labels = np.array([0] * 6 + [1] * 3 + [3])
        weights = training.balanced_weights(labels, 5)
        assert weights.tolist() == pytest.approx([10 / 18, 10 / 9, 0, 10 / 3, 0])
        sums = np.bincount(labels, weights[labels])
        assert sums[[0, 1, 3]].tolist() == pytest.approx([10 / 3] * 3)
        assert weights[labels].mean() == pytest.approx(1)

    def test_classes_of_one_size_have_the_weight_1(self):
        assert training.balanced_weights(np.array([1, 0, 2, 2, 1, 0]), 3).tolist() == [1, 1, 1]
