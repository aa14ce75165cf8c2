"""The training protocol for several folds together: each as if it were trained alone."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.conftest import biased_weights, short_network
from tests.networks.test_engine import some_data
from tests.networks.test_training import Scripted
from workflow_scripts.networks import side_by_side, training
from workflow_scripts.networks.side_by_side import Member
from workflow_scripts.networks.training import DivergedError, Progress, Settings

NETWORK = SimpleNamespace(n_classes=2)
SETTINGS = Settings(1.0, 10, 6, 0.5, 2, 0.0)
VALIDATION = np.zeros((10, 1)), np.zeros(10, int)


class ScriptedTogether:
    """Several `Scripted` engines, whose losses and accuracies are in the first label and input."""

    def __init__(self, network, weights, dropout, gpu, train, validation, class_weights=None):
        self.engines = [Scripted(*inputs[:, 0].reshape(2, -1)) for inputs, _ in train]
        for engine, own in zip(self.engines, weights, strict=True):
            engine.epoch = int(own["epoch"])
        self.class_weights, self.kept, self.n_validation = class_weights, [], len(validation[0])
        made.append(self)

    def train(self, batches, learning_rates, seeds):
        rows = zip(self.engines, batches, learning_rates, seeds, strict=True)
        return [engine.train(None, None, *row) for engine, *row in rows]

    def probabilities(self):
        return [engine.probabilities(np.zeros(self.n_validation)) for engine in self.engines]

    def weights(self):
        return [engine.weights() for engine in self.engines]

    def keep(self, members):
        self.kept.append(list(members))
        self.engines = [self.engines[member] for member in members]


made = []
ENGINE = SimpleNamespace(NAME="scripted", SIDE_BY_SIDE=ScriptedTogether)


def member(losses, accuracies=None, progress=None, class_weights=None):
    """A member with these losses and validation accuracies of its epochs."""
    # At least a batch of 10 segments.
    losses = [*losses, *[1] * (5 - len(losses))]
    script = np.array([*losses, *(accuracies or [0.5] * len(losses))])[:, None]
    data = script, np.zeros(len(script), int)
    start = progress or Progress.start({"epoch": np.array(0)})
    return Member(data, VALIDATION, np.random.default_rng, start, class_weights)


def fit(*members, settings=SETTINGS):
    """All that was yielded, and the engine."""
    made.clear()
    yielded = list(side_by_side.fit(ENGINE, NETWORK, members, settings, gpu=False))
    return yielded, made[0] if made else None


def alone(member, settings=SETTINGS):
    """The progress after each epoch of the member trained alone."""
    engine = Scripted(*member.train[0][:, 0].reshape(2, -1))
    engine.epoch = len(member.progress.history)
    data = member.train, member.validation
    return list(training.fit(engine, *data, settings, np.random.default_rng, member.progress))


def without_seconds(progress):
    return replace(progress, history=tuple(replace(e, seconds=0) for e in progress.history))


def falling(n):
    return list(np.linspace(2, 1, n))


MEMBERS = (
    member([3, 3.5, 2, 2.5, 2.6, 2.7], [0.2, 0.9, 0.3, 0.9, 0.1, 0.4]),
    member([3, 2, 1, 1, 1, 1], [0.2, 0.1, 0.3, 0.9, 0.1, 0.4]),
    member([1] * 6),
)


def test_each_member_is_trained_as_alone():
    yielded, engine = fit(*MEMBERS)
    assert len(yielded) == 6 and engine.kept == []
    for k, own in enumerate(MEMBERS):
        expected = [without_seconds(progress) for progress in alone(own)]
        assert [without_seconds(results[k]) for results in yielded] == expected
        assert yielded[-1][k].best_weights == expected[-1].best_weights


def test_members_that_end_drop_out():
    """At different epochs, by the floor of the learning rate; the last one by max_epochs."""
    settings = replace(SETTINGS, min_learning_rate=0.5, max_epochs=8)
    members = [
        member([1] * 8),
        member([*falling(8)]),
        member([3, 2, *[2] * 6]),
    ]
    yielded, engine = fit(*members, settings=settings)
    lengths = [len(alone(own, settings)) for own in members]
    assert lengths == [5, 8, 6]
    assert len(yielded) == 8
    for epoch, results in enumerate(yielded, 1):
        assert [result is None for result in results] == [epoch > n for n in lengths]
    assert engine.kept == [[1, 2], [0]]


def test_a_member_that_diverges_drops_out_with_its_error():
    members = [member([3, np.nan, 1]), member([3, 2, 1])]
    yielded, engine = fit(*members, settings=replace(SETTINGS, max_epochs=3))
    assert isinstance(yielded[1][0], DivergedError)
    assert str(yielded[1][0]) == "the training loss of epoch 2 is nan"
    assert yielded[2][0] is None
    assert [len(results[1].history) for results in yielded] == [1, 2, 3]
    assert engine.kept == [[1]]


def test_the_last_member_that_diverges_ends_all():
    yielded, engine = fit(member([3, np.inf, 1]))
    assert [type(result) for (result,) in yielded] == [Progress, DivergedError]
    assert engine.kept == []


def test_members_continue_at_different_epochs():
    progresses = [alone(own) for own in MEMBERS]
    continued = [
        replace(own, progress=progress[n])
        for own, progress, n in zip(MEMBERS, progresses, (1, 3, 0), strict=True)
    ]
    yielded, _ = fit(*continued)
    assert [[result is None for result in results] for results in zip(*yielded, strict=True)] == [
        [False] * 4 + [True],
        [False] * 2 + [True] * 3,
        [False] * 5,
    ]
    for k, n_left in enumerate((4, 2, 5)):
        last = without_seconds(yielded[n_left - 1][k])
        assert last == without_seconds(progresses[k][-1])


def test_members_that_had_ended_are_none_from_the_start():
    ended = replace(MEMBERS[0], progress=alone(MEMBERS[0])[-1])
    yielded, engine = fit(ended, MEMBERS[1])
    assert [results[0] for results in yielded] == [None] * 6
    assert len(engine.engines) == 1
    assert fit(ended, ended) == ([], None), "no engine is made"


def test_the_seconds_of_a_common_epoch_are_shared(monkeypatch):
    clock = iter(range(0, 1000, 6))
    monkeypatch.setattr(side_by_side, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    settings = replace(SETTINGS, min_learning_rate=0.5, max_epochs=6)
    yielded, _ = fit(member([1] * 6), member(falling(6)), settings=settings)
    assert [epoch.seconds for epoch in yielded[4][0].history] == [3] * 5
    assert [epoch.seconds for epoch in yielded[-1][1].history] == [3] * 5 + [6]


def test_a_member_without_class_weights_beside_one_with_them_counts_each_class_the_same():
    weights = np.array([0.5, 2], np.float32)
    _, engine = fit(
        member([1]), member([1], class_weights=weights), settings=replace(SETTINGS, max_epochs=1)
    )
    assert [own.tolist() for own in engine.class_weights] == [[1, 1], [0.5, 2]]
    assert fit(member([1]), settings=replace(SETTINGS, max_epochs=1))[1].class_weights is None


def test_an_engine_that_trains_only_one_at_a_time():
    single = SimpleNamespace(NAME="mxnet", SIDE_BY_SIDE=None)
    assert not side_by_side.gains(single, gpu=True)
    assert side_by_side.gains(ENGINE, gpu=True)
    assert not side_by_side.gains(ENGINE, gpu=False), "a CPU computes all the time anyway"
    with pytest.raises(ValueError, match="the engine mxnet does not train side by side"):
        next(side_by_side.fit(single, NETWORK, MEMBERS, SETTINGS, gpu=True))


def torch_member(network, k, settings, progress=None):
    train, validation = some_data(network, 23 + 10 * k, seed=k), some_data(network, 8 + k, seed=9)
    counts = np.bincount(train[1], minlength=network.n_classes)
    weights = None
    if settings.class_weights == "balanced":
        assert counts.all()
        weights = training.balanced_weights(train[1], network.n_classes).astype(np.float32)
    start = progress or Progress.start(biased_weights(network, seed=k))

    def generator(epoch):
        return training.generator(0, "time", k, epoch)

    return Member(train, validation, generator, start, weights)


@pytest.mark.parametrize("class_weights", ["none", "balanced"])
def test_whole_trainings_with_pytorch_equal_separate_ones(class_weights):
    """Numbers of epochs, rates, classes and losses; members end at different epochs."""
    pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")
    from workflow_scripts.networks.engine_torch import TorchEngine

    network = short_network({"time": ([1, 6], [4, 1], 3)}, 4, 12, hidden=5, n_classes=3)
    settings = Settings(0.1, 5, 40, 0.5, 2, 0.01, class_weights)
    members = [torch_member(network, k, settings) for k in range(3)]
    separate = []
    for own in members:
        engine = TorchEngine(network, own.progress.weights, 0.5, False, own.class_weights)
        data = own.train, own.validation, settings, own.epoch_generator, own.progress
        separate.append(list(training.fit(engine, *data)))
    together = list(side_by_side.fit(TorchEngine, network, members, settings, gpu=False))
    assert len({len(epochs) for epochs in separate}) > 1, "they end at different epochs"
    assert max(map(len, separate)) < 40, "by the floor of the learning rate"
    for k, expected in enumerate(separate):
        epochs = [results[k] for results in together if results[k] is not None]
        assert len(epochs) == len(expected)
        assert epochs[-1].best.epoch == expected[-1].best.epoch
        for actual, epoch in zip(epochs[-1].history, expected[-1].history, strict=True):
            assert actual.learning_rate == epoch.learning_rate
            assert actual.train_accuracy == epoch.train_accuracy
            assert actual.validation_accuracy == epoch.validation_accuracy
            assert actual.train_loss == pytest.approx(epoch.train_loss, rel=1e-4)
            assert actual.validation_loss == pytest.approx(epoch.validation_loss, rel=1e-4)
        for name, array in expected[-1].best_weights.items():
            assert epochs[-1].best_weights[name] == pytest.approx(array, abs=1e-3)
    continued = [
        replace(own, progress=together[n][k])
        for k, (own, n) in enumerate(zip(members, (2, 5, 0), strict=True))
    ]
    again = list(side_by_side.fit(TorchEngine, network, continued, settings, gpu=False))
    for k, expected in enumerate(separate):
        last = [results[k] for results in again if results[k] is not None][-1]
        assert len(last.history) == len(expected)
        assert last.best.epoch == expected[-1].best.epoch


def test_a_member_that_overflows_with_pytorch_leaves_the_others_as_they_are():
    pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")
    from workflow_scripts.networks.engine_torch import TorchEngine

    network = short_network({"time": ([1, 6], [4, 1], 3)}, 4, 12, hidden=5, n_classes=3)
    settings = Settings(0.1, 5, 3, 0.5, 2, 0.0)
    members = [torch_member(network, k, settings) for k in range(2)]
    huge = replace(members[0], train=(members[0].train[0] * np.float32(1e30), members[0].train[1]))
    results = list(side_by_side.fit(TorchEngine, network, [huge, members[1]], settings, gpu=False))
    assert isinstance(results[0][0], DivergedError)
    (*_, (expected,)) = side_by_side.fit(TorchEngine, network, members[1:], settings, gpu=False)
    last = results[-1][1]
    assert len(last.history) == 3
    for name, array in expected.weights.items():
        assert last.weights[name] == pytest.approx(array, abs=1e-6)
