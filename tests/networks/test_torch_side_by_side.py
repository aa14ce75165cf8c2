"""Members trained side by side, compared step by step with separate PyTorch trainings."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")

from torch.nn import functional  # noqa: E402

from tests import network_oracle  # noqa: E402
from tests.conftest import biased_weights, relative_error  # noqa: E402
from tests.deep_networks import DEEP, NORMALISED, SMALL_DEEP, convolution, described  # noqa: E402
from tests.networks.test_engine import custom, some_data  # noqa: E402
from workflow_scripts.networks import torch_members  # noqa: E402
from workflow_scripts.networks.architecture import Network  # noqa: E402
from workflow_scripts.networks.engine_torch import TorchEngine  # noqa: E402
from workflow_scripts.networks.torch_layers import drop_values  # noqa: E402
from workflow_scripts.networks.torch_side_by_side import TorchSideBySide  # noqa: E402

# Of float32 weights after a step, relative to the largest weight of the network.
TOLERANCE = 1e-5
TIME, FREQUENCY = ([1, 60], [40, 1]), ([32, 1], [1, 80])
NETWORKS = {
    "time": custom({"time": TIME}),
    "frequency": custom({"frequency": FREQUENCY}),
    "timefrequency": custom({"time": TIME, "frequency": FREQUENCY}, hidden=20),
    "blackbox": custom({"rectangle": ([12, 8], [4, 1])}, hidden=20),
    "long blackbox": custom({"rectangle": ([12, 70], [4, 1])}, hidden=20),
    "dropout between convolutions": Network.from_config(
        described(
            {
                "a": [
                    *[convolution(1, 9), {"dropout": 0.3}, {"pool": [2, 2]}, NORMALISED],
                    *[{"dropout": 0.2}, convolution(3, 3), {"global_pool": ["max", "mean"]}],
                ]
            },
            [{"dropout": 0.1}, {"dense": 7}],
        ),
        *(40, 5),
    ),
    "small layers": SMALL_DEEP,
} | DEEP
RATES = (0.02, 0.01, 0.005, 0.015, 0.03)
N_STEPS = (4, 6, 2, 6, 5)


class Trainings:
    """The same trainings side by side and separately."""

    def __init__(self, network, n_members, dropout=0.5, weighted=True):
        self.n_members = n_members
        self.starts = [biased_weights(network, seed=member) for member in range(n_members)]
        sizes = [31 + 4 * member for member in range(n_members)]
        self.data = [some_data(network, size, seed=size) for size in sizes]
        of_classes = np.linspace(0.5, 2, network.n_classes, dtype=np.float32)
        weights = [np.roll(of_classes, k) for k in range(n_members)]
        self.class_weights = weights if weighted else None
        self.together = TorchSideBySide(
            network,
            self.starts,
            dropout,
            gpu=False,
            train=self.data,
            validation=[inputs[: 21 + member] for member, (inputs, _) in enumerate(self.data)],
            class_weights=self.class_weights,
        )
        self.alone = [
            TorchEngine(network, start, dropout, gpu=False, class_weights=class_weights)
            for start, class_weights in zip(
                self.starts, self.class_weights or [None] * n_members, strict=True
            )
        ]
        self.steps = []
        members = self.together._members
        step = members.step
        members.step = lambda *batch: (step(*batch), self.steps.append(members.weights()))[0]

    def batches(self, epoch, n_steps=N_STEPS, size=5):
        """Batches of an epoch for each member."""
        rng = np.random.default_rng(epoch)
        return [
            rng.permutation(len(labels))[: n * size].reshape(n, size)
            for n, (_, labels) in zip(n_steps, self.data, strict=False)
        ]

    def train(self, epoch):
        """Train an epoch side by side; return the results and the weights after every step."""
        self.steps.clear()
        n, seeds = self.n_members, [epoch + k for k in range(self.n_members)]
        results = self.together.train(self.batches(epoch), RATES[:n], seeds)
        return results, list(self.steps)

    def train_alone(self, k, epoch, steps):
        """Train an epoch of member k separately; return the result and each step's deviation.

        After it, the step's weights are replaced by those of `steps`, so that differences do not
        grow from step to step.
        """
        engine, deviations, single = self.alone[k], [], TorchEngine._step

        def step(*batch):
            result, weights = single(engine, *batch), steps[len(deviations)][k]
            deviations.append(deviation(weights, engine.weights()))
            engine._set_weights(weights)
            return result

        engine._step = step
        batches = self.batches(epoch)[k]
        return engine.train(*self.data[k], batches, RATES[k], epoch + k), deviations


def deviation(weights, expected):
    """The largest difference of a weight, relative to the largest weight of the network."""
    largest = max(np.abs(array).max() for array in expected.values())
    return max(np.abs(weights[name] - expected[name]).max() for name in expected) / largest


CASES = [
    *((name, 3) for name in NETWORKS),
    *((name, n) for name in ("time", "small layers") for n in (1, 5)),
]


@pytest.mark.parametrize(("name", "n_members"), CASES)
def test_every_step_equals_that_of_separate_trainings(name, n_members):
    """With dropout, class weights, and other rates and numbers of steps for each member."""
    trainings = Trainings(NETWORKS[name], n_members)
    for epoch in (1, 2):
        results, steps = trainings.train(epoch)
        assert len(steps) == max(N_STEPS[:n_members])
        for k, (loss, predicted) in enumerate(results):
            (expected_loss, expected), deviations = trainings.train_alone(k, epoch, steps)
            assert len(deviations) == N_STEPS[k]
            assert max(deviations) < TOLERANCE, (k, deviations)
            assert loss == pytest.approx(expected_loss, rel=TOLERANCE)
            assert np.array_equal(predicted, expected)
    changes = [deviation(steps[-1][k], trainings.starts[k]) for k in range(n_members)]
    assert min(changes) > 100 * TOLERANCE, "the weights changed"


@pytest.mark.parametrize("name", ["time", "frequency", "timefrequency"])
def test_epochs_equal_those_of_separate_trainings(name):
    """Of networks in which differences hardly grow."""
    trainings = Trainings(NETWORKS[name], 3)
    for epoch in (1, 2, 3):
        trainings.train(epoch)
        for k, engine in enumerate(trainings.alone):
            engine.train(*trainings.data[k], trainings.batches(epoch)[k], RATES[k], epoch + k)
            assert deviation(trainings.steps[-1][k], engine.weights()) < TOLERANCE


def test_a_member_without_batches_left_does_not_change():
    trainings = Trainings(NETWORKS["small layers"], 3)
    _, together = trainings.train(1)
    for k, n_steps in enumerate(N_STEPS[:3]):
        for later in together[n_steps:]:
            assert all(np.array_equal(later[k][n], w) for n, w in together[n_steps - 1][k].items())
    assert deviation(together[5][1], together[4][1]) > 0, "the others go on"


@pytest.mark.parametrize("name", ["timefrequency", "blackbox", "a mid end over time"])
def test_a_step_equals_the_oracle(name):
    """Each member's, computed with float64 NumPy, without dropout."""
    network = NETWORKS[name]
    trainings = Trainings(network, 2, dropout=0)
    batches = trainings.batches(0, n_steps=(1, 1))
    trainings.together.train(batches, RATES[:2], [0, 0])
    for k, weights in enumerate(trainings.together.weights()):
        inputs, labels = (array[batches[k][0]] for array in trainings.data[k])
        _, gradients = network_oracle.loss_and_gradients(
            network, trainings.starts[k], inputs, labels, trainings.class_weights[k]
        )
        expected = {n: trainings.starts[k][n] - RATES[k] * g for n, g in gradients.items()}
        assert deviation(weights, expected) < TOLERANCE


@pytest.mark.parametrize("name", ["timefrequency", "small layers"])
def test_probabilities_equal_those_of_separate_trainings(name):
    trainings = Trainings(NETWORKS[name], 3)
    before = trainings.together.weights()
    for k, own in enumerate(trainings.together.probabilities()):
        expected = trainings.alone[k].probabilities(trainings.data[k][0][: 21 + k])
        assert own.shape == expected.shape == (21 + k, 5)
        assert relative_error(own, expected) < TOLERANCE
    for weights, after in zip(before, trainings.together.weights(), strict=True):
        assert all(np.array_equal(weights[name], after[name]) for name in weights)


def test_members_that_stay_continue_as_before():
    trainings = Trainings(NETWORKS["small layers"], 5)
    trainings.train(1)
    before, probabilities = trainings.together.weights(), trainings.together.probabilities()
    kept = [1, 4]
    trainings.together.keep(kept)
    after = trainings.together.weights()
    assert len(after) == 2
    for k, weights, own in zip(kept, after, trainings.together.probabilities(), strict=True):
        assert all(np.array_equal(before[k][name], weights[name]) for name in weights)
        assert relative_error(own, probabilities[k]) < TOLERANCE
    batches = [trainings.batches(2)[k][:1] for k in kept]
    trainings.together.train(batches, [0.01, 0.02], [8, 9])
    for k, batch, rate, seed, weights in zip(
        kept, batches, [0.01, 0.02], [8, 9], trainings.together.weights(), strict=True
    ):
        engine = trainings.alone[k]
        engine._set_weights(before[k])
        engine.train(*trainings.data[k], batch, rate, seed)
        assert deviation(weights, engine.weights()) < TOLERANCE


def test_weights_of_one_member_are_no_view_of_all():
    """Otherwise the best weights of one would keep those of all in memory."""
    for weights in Trainings(NETWORKS["time"], 3).together.weights():
        assert all(array.base is None for array in weights.values())


@pytest.mark.parametrize("many", [True, False])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_a_mask_is_that_of_a_separate_training(layout, many):
    values = torch.randn(3, 4, 5, 6).to(memory_format=layout)
    torch.manual_seed(7)
    expected = [drop_values(values, rate, many) for rate in (0.5, 0.2)]
    generator = torch.Generator().manual_seed(7)
    for rate, dropped in zip((0.5, 0.2), expected, strict=True):
        assert torch.equal(values * torch_members._mask(values, rate, many, generator), dropped)


def test_on_a_gpu_the_default_generator_draws_with_the_state_of_the_member(monkeypatch):
    class Default:
        state = "its own"

        def graphsafe_get_state(self):
            return self.state

        def graphsafe_set_state(self, state):
            self.state = state

    default = Default()
    monkeypatch.setattr(torch.cuda, "default_generators", [None, default])
    monkeypatch.setattr(functional, "dropout", lambda *drawn: (*drawn, default.state))
    ones = SimpleNamespace(device=SimpleNamespace(type="cuda", index=1))
    assert torch_members._mask(ones, 0.3, True, "the member's") == (ones, 0.3, "the member's")
    assert default.state == "its own"
