"""Wide filters as products of spectra: the arithmetic, the choice, and both engines."""

import numpy as np
import pytest

from tests import network_oracle
from tests.conftest import biased_weights, network_of, relative_error
from tests.networks.test_architecture import TABLE_1
from tests.networks.test_engine import TOLERANCE, custom, engine_type, some_data  # noqa: F401
from workflow_scripts.networks import fourier
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.networks.fourier import Partition


@pytest.mark.parametrize(
    ("outputs", "n", "block"),
    [(51, 200, 50), (51, 200, 67), (21, 60, 60), (1, 9, 9), (1, 9, 4), (6, 7, 1), (4, 1, 1)],
)
def test_products_of_spectra_equal_the_correlation(outputs, n, block):
    rng = np.random.default_rng(0)
    signal, taps = rng.standard_normal(outputs + n - 1), rng.standard_normal(n)
    partition = Partition(outputs, block, -(-n // block))
    assert 0 <= partition.taps - n < block and partition.inputs == outputs + partition.taps - 1
    signal = np.pad(signal, (0, partition.taps - n))
    padded = np.pad(taps, (0, partition.taps - n))
    spectrum = np.zeros((partition.frequencies, 2))
    for start in range(0, partition.taps, block):
        of_input = partition.transform() @ signal[start : start + partition.length]
        of_filter = partition.of_filters() @ padded[start : start + block]
        spectrum += np.einsum("fri,fi->fr", of_filter, of_input)
    actual = np.einsum("tfc,fc->t", partition.inverse(), spectrum)
    expected = [signal[t : t + n] @ taps for t in range(outputs)]
    assert relative_error(actual, np.array(expected)) < 1e-6


@pytest.mark.parametrize("length", [4, 5])
def test_the_matrices_are_those_of_numpys_transforms(length):
    partition = Partition(outputs=length, block=1, n_blocks=1)
    signal = np.random.default_rng(0).standard_normal(length)
    spectrum = partition.transform() @ signal
    expected = np.fft.rfft(signal)
    assert partition.frequencies == len(expected)
    assert spectrum[:, 0] == pytest.approx(expected.real, abs=1e-6)
    assert spectrum[:, 1] == pytest.approx(expected.imag, abs=1e-6)
    assert np.einsum("tfc,fc->t", partition.inverse(), spectrum) == pytest.approx(signal, abs=1e-6)


def test_only_the_widest_filters_of_the_paper_are_transformed():
    chosen = {variant: fourier.partitions(network_of(variant)) for variant in TABLE_1}
    wide = {"rectangle": Partition(outputs=51, block=67, n_blocks=3)}
    assert chosen == {variant: {} for variant in TABLE_1} | {"blackbox_12x200": wide}


def test_multiplications_by_hand():
    (placed, *_) = network_of("blackbox_12x200").trunks["rectangle"].layers
    partition = Partition(outputs=51, block=50, n_blocks=4)
    assert (partition.length, partition.frequencies) == (100, 51)
    of_inputs, of_filters = 10 * 40 * 4 * 100 * 102, 32 * 12 * 4 * 50 * 204
    products, of_outputs = 51 * (10 * 29) * (12 * 4 * 2) * 64, (10 * 29 * 32) * 102 * 51
    expected = of_inputs + of_filters + products + of_outputs
    assert partition.multiplications(placed) == expected == 171_131_520


def test_multiplications_of_spectra_count_twice_in_a_network():
    network = network_of("blackbox_12x200")
    (placed, *_) = network.trunks["rectangle"].layers
    dense = 200 * 32 * 7 * 51
    of_spectra = Partition(51, 67, 3).multiplications(placed)
    assert abs(fourier.multiplications(network) - (dense + 2 * of_spectra / 10)) <= 1
    assert fourier.multiplications(network_of("time_1x200")) == 40 * 51 * 32 * 200


def layered(*layers, bands=20, frames=40, **others):
    trunks = {"a": {"layers": [{"convolution": [6, 31], "n_filters": 4, **others}, *layers]}}
    description = {"input_frames": frames, "trunks": trunks, "hidden": 5}
    return Network.from_config(description, bands, 5)


# Networks and the size of their blocks: one block, several, a last one that is not full.
EDGES = {
    "one output": (custom({"a": ([20, 40], [1, 1])}, 5, 20, 40), 40),
    "one output frame": (custom({"a": ([12, 40], [4, 1])}, 5, 20, 40), 9),
    "one output band": (custom({"a": ([20, 30], [1, 1])}, 5, 20, 40), 15),
    "blocks of one tap": (custom({"a": ([3, 7], [4, 1])}, 5, 20, 40), 1),
    "an even length": (custom({"a": ([12, 21], [3, 1])}, 5, 20, 40), 7),
    "no hidden layer": (custom({"a": ([12, 21], [3, 1])}, 0, 20, 40), 6),
    "a pool along time": (custom({"a": ([5, 21], [1, 4])}, 5, 20, 40), 21),
    "a pool along both": (custom({"a": ([5, 21], [3, 4])}, 5, 20, 40), 10),
    "beside another trunk": (
        custom({"a": ([5, 21], [16, 1]), "b": ([12, 3], [1, 9])}, 5, 20, 40),
        11,
    ),
    "padding": (layered({"pool": [3, 1]}, padding="same"), 8),
    "padding of time, pool along time": (layered({"pool": [1, 5]}, padding="time"), 31),
    "no pool, and a convolution": (layered({"convolution": [3, 3], "n_filters": 3}), 16),
    "batch normalisation": (layered({"batch_normalisation": None}, {"pool": [3, 1]}), 12),
}


@pytest.fixture
def blocks_of(monkeypatch):
    """Make the engines transform each trunk whose filter is longer than one block."""

    def choose(size):
        def partitions(network):
            lengths = {name: trunk.filter[1] for name, trunk in network.trunks.items()}
            return {
                name: Partition(network.trunks[name].convolved[1], size, -(-n // size))
                for name, n in lengths.items()
                if n >= size
            }

        monkeypatch.setattr(fourier, "partitions", partitions)

    return choose


@pytest.mark.parametrize("name", EDGES)
def test_outputs_and_gradients_equal_the_oracle(engine_type, blocks_of, name):  # noqa: F811
    network, block = EDGES[name]
    blocks_of(block)
    weights, (inputs, labels) = biased_weights(network), some_data(network, 6)
    engine = engine_type(network, weights, dropout=0, gpu=False)
    probabilities, _ = network_oracle.forward(network, weights, inputs)
    assert relative_error(engine.probabilities(inputs), probabilities) < TOLERANCE
    expected_loss, expected = network_oracle.loss_and_gradients(network, weights, inputs, labels)
    loss, gradients = engine.gradients(inputs, labels)
    assert loss == pytest.approx(expected_loss, rel=TOLERANCE)
    for array, gradient in gradients.items():
        assert relative_error(gradient, expected[array]) < TOLERANCE, array


# 20 bands, so that NumPy takes seconds; chosen by the engines themselves.
WIDE = custom({"a": ([12, 60], [4, 1])}, hidden=9, bands=20)


def test_twenty_steps_and_class_weights_equal_the_oracle(engine_type, monkeypatch):  # noqa: F811
    monkeypatch.setattr(fourier, "MARGIN", 1)
    assert fourier.partitions(WIDE)
    weights, (inputs, labels) = biased_weights(WIDE), some_data(WIDE, 40)
    class_weights = np.array([0.5, 2, 1, 4, 0.25], np.float32)
    engine = engine_type(WIDE, weights, dropout=0, gpu=False, class_weights=class_weights)
    rows = np.tile(np.arange(40).reshape(4, 10), (5, 1))
    mean_loss, _ = engine.train(inputs, labels, rows, learning_rate=0.01, seed=0)
    losses = []
    for batch in rows:
        loss, gradients = network_oracle.loss_and_gradients(
            WIDE, weights, inputs[batch], labels[batch], class_weights
        )
        losses.append(loss)
        weights = {name: weights[name] - 0.01 * gradients[name] for name in weights}
    assert mean_loss == pytest.approx(np.mean(losses), rel=TOLERANCE)
    assert losses[-1] < losses[0]
    for name, trained in engine.weights().items():
        assert relative_error(trained, weights[name]) < TOLERANCE, name


def test_engines_transform_only_on_a_cpu(monkeypatch):
    torch = pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")
    from workflow_scripts.networks.torch_layers import Forward

    network = network_of("blackbox_12x200")
    calls = []
    monkeypatch.setattr(fourier, "partitions", lambda network: calls.append(network) or {})
    for name in ("mxnet", "torch"):
        engine_class(name)(network, biased_weights(network), dropout=0, gpu=False)
    assert calls == [network, network]
    # "meta" is a device without a memory.
    Forward(network, {"output.bias": torch.zeros(8, device="meta")}, dropout=0)
    assert len(calls) == 2
