"""Each engine compared with float64 NumPy and with the other engine."""

import re
import sys

import numpy as np
import pytest

from tests import network_oracle
from tests.conftest import biased_weights, network_of, relative_error
from tests.deep_networks import DEEP, SMALL_DEEP
from tests.networks.test_architecture import TABLE_1
from workflow_scripts.errors import UserError
from workflow_scripts.networks import mxnet_layers
from workflow_scripts.networks.architecture import Network, donated
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.networks.training import batches

# Of float32 compared with float64, relative to the largest value.
TOLERANCE = 1e-5
# Of losses and gradients through several layers; batch normalisation divides by small deviations.
DEEP_TOLERANCE = 1e-4


@pytest.fixture(params=["mxnet", "torch"])
def engine_type(request):
    """Each engine; PyTorch only if it is installed."""
    if request.param == "torch":
        pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")
    return engine_class(request.param)


@pytest.mark.parametrize(("name", "fix"), [("mxnet", "`make env`"), ("torch", "TORCH=1")])
def test_a_missing_framework_is_a_user_error(monkeypatch, name, fix):
    monkeypatch.setitem(sys.modules, name, None)
    for module in (f"engine_{name}", "loaded_mxnet", "mxnet_graph"):
        monkeypatch.delitem(sys.modules, f"workflow_scripts.networks.{module}", raising=False)
    with pytest.raises(UserError, match=f"engine: {name} is configured, but {name} is not.*{fix}"):
        engine_class(name)


@pytest.mark.parametrize(
    "failure",
    [
        OSError("libcudart.so.13: cannot open shared object file"),
        ImportError("libc10.so: undefined symbol"),
        ModuleNotFoundError("No module named 'sympy'"),
    ],
)
def test_a_broken_framework_is_a_user_error(monkeypatch, tmp_path, failure):
    (tmp_path / "torch.py").write_text(f"raise {failure!r}")
    monkeypatch.syspath_prepend(tmp_path)
    for module in ("torch", "workflow_scripts.networks.engine_torch"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    sentence = re.escape(f"but torch cannot be imported ({failure}); install it")
    with pytest.raises(UserError, match=sentence):
        engine_class("torch")


def some_data(network, n, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((n, network.bands, network.frames)).astype(np.float32)
    return inputs, rng.integers(0, network.n_classes, n)


def custom(trunks, hidden=0, bands=40, frames=80, n_classes=5):
    trunks = {
        name: {"filter": filter, "pool": pool, "n_filters": 7}
        for name, (filter, pool) in trunks.items()
    }
    description = {"input_frames": frames, "trunks": trunks, "hidden": hidden}
    return Network.from_config(description, bands, n_classes)


NETWORKS = (
    {variant: network_of(variant) for variant in TABLE_1}
    | DEEP
    | {
        "border dropped along time": custom({"a": ([3, 5], [1, 7])}),
        "border dropped along frequency": custom({"a": ([3, 5], [11, 1])}, hidden=9),
        "pool along both": custom({"a": ([4, 4], [3, 2])}),
        "no pool": custom({"a": ([38, 75], [1, 1])}),
        "long pool that does not divide": custom({"a": ([1, 10], [37, 1])}),
        "three trunks": custom(
            {"a": ([1, 60], [40, 1]), "b": ([32, 1], [1, 80]), "c": ([12, 8], [4, 1])}, hidden=11
        ),
    }
)


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_gradients_equal_the_oracle(engine_type, name):
    network = NETWORKS[name]
    weights, (inputs, labels) = biased_weights(network), some_data(network, 6)
    engine = engine_type(network, weights, dropout=0, gpu=False)
    probabilities, _ = network_oracle.forward(network, weights, inputs)
    assert relative_error(engine.probabilities(inputs), probabilities) < TOLERANCE
    expected_loss, expected = network_oracle.loss_and_gradients(network, weights, inputs, labels)
    loss, gradients = engine.gradients(inputs, labels)
    tolerance = DEEP_TOLERANCE if name in DEEP else TOLERANCE
    assert loss == pytest.approx(expected_loss, rel=tolerance)
    assert gradients.keys() == expected.keys() == network.parameter_shapes().keys()
    for array in gradients:
        assert gradients[array].shape == weights[array].shape
        assert relative_error(gradients[array], expected[array]) < tolerance, array


@pytest.mark.parametrize("variant", ["time_1x60", "blackbox_12x8"])
def test_a_weighted_loss_and_its_gradients_equal_the_oracle(engine_type, variant):
    network = network_of(variant)
    weights, (inputs, labels) = biased_weights(network), some_data(network, 12)
    # 0 is the weight of a class without training segments.
    class_weights = np.array([0.25, 3, 0, 1, 1, 0.5, 7, 2], np.float32)
    engine = engine_type(network, weights, 0, gpu=False, class_weights=class_weights)
    expected_loss, expected = network_oracle.loss_and_gradients(
        network, weights, inputs, labels, class_weights
    )
    loss, gradients = engine.gradients(inputs, labels)
    assert loss == pytest.approx(expected_loss, rel=TOLERANCE)
    for array in weights:
        assert relative_error(gradients[array], expected[array]) < TOLERANCE, array
    plain = engine_type(network, weights, 0, gpu=False)
    assert np.array_equal(engine.probabilities(inputs), plain.probabilities(inputs))
    assert engine.weights().keys() == weights.keys()


def test_equal_class_weights_change_nothing(engine_type):
    network = network_of("timefrequency")
    weights, (inputs, labels) = biased_weights(network), some_data(network, 10)
    ones = np.ones(network.n_classes, np.float32)
    weighted = engine_type(network, weights, 0, gpu=False, class_weights=ones)
    plain = engine_type(network, weights, 0, gpu=False)
    loss, gradients = weighted.gradients(inputs, labels)
    expected_loss, expected = plain.gradients(inputs, labels)
    assert loss == pytest.approx(expected_loss, rel=TOLERANCE)
    for array in weights:
        assert relative_error(gradients[array], expected[array]) < TOLERANCE, array


SMALL = {
    "short": custom({"a": ([3, 5], [4, 1]), "b": ([2, 2], [1, 3])}, 6, bands=9, frames=12),
    "layers": SMALL_DEEP,
}


@pytest.mark.parametrize("class_weights", [None, np.array([0.5, 2, 1, 4, 0.25], np.float32)])
@pytest.mark.parametrize("network", SMALL.values(), ids=SMALL)
def test_the_oracles_gradients_equal_finite_differences(network, class_weights):
    weights = {k: v.astype(np.float64) for k, v in biased_weights(network).items()}
    inputs, labels = some_data(network, 3)
    _, gradients = network_oracle.loss_and_gradients(
        network, weights, inputs, labels, class_weights
    )
    rng = np.random.default_rng(2)
    for name, gradient in gradients.items():
        array = weights[name]
        for _ in range(5):
            position = tuple(rng.integers(size) for size in array.shape)
            losses = []
            for change in (1e-6, -1e-6):
                moved = weights | {name: array.copy()}
                moved[name][position] += change
                loss, _ = network_oracle.loss_and_gradients(
                    network, moved, inputs, labels, class_weights
                )
                losses.append(loss)
            slope = (losses[0] - losses[1]) / 2e-6
            assert gradient[position] == pytest.approx(slope, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("variant", ["time_1x60", "timefrequency", "blackbox_12x8"])
def test_a_step_is_plain_gradient_descent(engine_type, variant):
    network = network_of(variant)
    weights, (inputs, labels) = biased_weights(network), some_data(network, 20)
    engine = engine_type(network, weights, dropout=0, gpu=False)
    rows = np.array([np.arange(0, 10), [19, 3, 15, 12, 11, 10, 18, 17, 16, 14]])
    mean_loss, classes = engine.train(inputs, labels, rows, learning_rate=0.1, seed=0)
    losses, expected_classes = [], []
    for batch in rows:
        probabilities, _ = network_oracle.forward(network, weights, inputs[batch])
        expected_classes.append(probabilities.argmax(axis=1))
        loss, gradients = network_oracle.loss_and_gradients(
            network, weights, inputs[batch], labels[batch]
        )
        losses.append(loss)
        weights = {name: weights[name] - 0.1 * gradients[name] for name in weights}
    assert mean_loss == pytest.approx(np.mean(losses), rel=TOLERANCE)
    assert np.array_equal(classes, expected_classes), "before the step of each batch"
    for name, trained in engine.weights().items():
        assert relative_error(trained, weights[name]) < TOLERANCE, name


def test_a_step_updates_the_running_statistics_of_batch_normalisation(engine_type):
    network = DEEP["a mid end over time"]
    weights, (inputs, labels) = biased_weights(network), some_data(network, 10)
    engine = engine_type(network, weights, dropout=0, gpu=False)
    engine.train(inputs, labels, np.arange(10)[np.newaxis], learning_rate=0.1, seed=0)
    trained = engine.weights()
    of_batch = network_oracle.batch_statistics(network, weights, inputs)
    assert len(of_batch) == 4
    for name, statistics in of_batch.items():
        for kind, value in zip(("mean", "variance"), statistics, strict=True):
            expected = 0.9 * weights[f"{name}.{kind}"] + 0.1 * value
            assert relative_error(trained[f"{name}.{kind}"], expected) < TOLERANCE, name


def test_predictions_do_not_change_the_running_statistics(engine_type):
    network = DEEP["a mid end over time"]
    engine = engine_type(network, biased_weights(network), dropout=0.5, gpu=False)
    before, (inputs, _) = engine.weights(), some_data(network, 30)
    assert np.array_equal(engine.probabilities(inputs), engine.probabilities(inputs))
    assert all(np.array_equal(before[name], array) for name, array in engine.weights().items())


def test_the_classes_predicted_in_training_are_those_of_the_loss(engine_type):
    """With dropout: of two classes, the label is predicted if its loss is below log 2."""
    network = custom({"a": ([3, 5], [4, 4])}, hidden=9, n_classes=2)
    engine = engine_type(network, biased_weights(network), dropout=0.5, gpu=False)
    inputs, labels = some_data(network, 60)
    without = engine.probabilities(inputs).argmax(axis=1) == labels
    correct = []
    for position in range(60):
        batch = np.array([[position]])
        loss, predicted = engine.train(inputs, labels, batch, 1e-9, seed=position)
        assert predicted.shape == batch.shape
        assert (predicted[0, 0] == labels[position]) == (loss < np.log(2))
        correct.append(predicted[0, 0] == labels[position])
    assert 0 < sum(correct) < 60 and not np.array_equal(correct, without)


def test_weights_are_returned_unchanged(engine_type):
    network = NETWORKS["three trunks"]
    weights = biased_weights(network)
    returned = engine_type(network, weights, dropout=0.5, gpu=False).weights()
    assert weights.keys() == returned.keys()
    assert all(np.array_equal(weights[name], returned[name]) for name in weights)


def test_returned_weights_are_copies(engine_type):
    network = network_of("time_1x60")
    engine = engine_type(network, biased_weights(network), dropout=0, gpu=False)
    inputs, labels = some_data(network, 10)
    before = engine.weights()
    copies = {name: array.copy() for name, array in before.items()}
    engine.train(inputs, labels, np.arange(10)[np.newaxis], learning_rate=0.1, seed=0)
    assert all(np.array_equal(before[name], copies[name]) for name in copies)
    assert not np.array_equal(engine.weights()["time.weight"], copies["time.weight"])


def trained(engine_type, dropout, seed):
    network = network_of("timefrequency")
    engine = engine_type(network, biased_weights(network), dropout, gpu=False)
    inputs, labels = some_data(network, 30)
    placed = engine.place(inputs), engine.place(labels)
    rows = np.arange(30).reshape(3, 10)
    losses = [engine.train(*placed, rows, 0.05, seed + epoch)[0] for epoch in range(2)]
    return losses, engine.weights()


def test_dropout_depends_on_the_seed_only(engine_type):
    losses, weights = trained(engine_type, 0.5, 3)
    same_losses, same_weights = trained(engine_type, 0.5, 3)
    assert losses == same_losses
    assert all(np.array_equal(weights[name], same_weights[name]) for name in weights)
    assert trained(engine_type, 0.5, 4)[0] != losses
    assert trained(engine_type, 0.0, 3)[0] != losses


def test_dropout_is_off_in_probabilities(engine_type):
    network = network_of("timefrequency")
    weights, (inputs, _) = biased_weights(network), some_data(network, 5)
    with_dropout = engine_type(network, weights, dropout=0.9, gpu=False)
    without = engine_type(network, weights, dropout=0, gpu=False)
    assert np.array_equal(with_dropout.probabilities(inputs), without.probabilities(inputs))


def test_predictions_do_not_depend_on_the_number_of_segments(engine_type):
    network = network_of("frequency_32x1")
    engine = engine_type(network, biased_weights(network), dropout=0.5, gpu=False)
    inputs, _ = some_data(network, 230)
    expected = engine.probabilities(inputs)
    assert expected.shape == (230, 8)
    assert expected.sum(axis=1) == pytest.approx(np.ones(230), abs=1e-6)
    assert relative_error(engine.probabilities(inputs[199:203]), expected[199:203]) < TOLERANCE


def test_views_and_float64_are_accepted(engine_type):
    network = network_of("time_1x60")
    engine = engine_type(network, biased_weights(network), dropout=0, gpu=False)
    inputs, labels = some_data(network, 10)
    view = np.asarray(inputs.transpose(0, 2, 1), dtype=np.float64, order="C").transpose(0, 2, 1)
    assert not view.flags.c_contiguous
    assert np.array_equal(engine.probabilities(view), engine.probabilities(inputs))
    assert engine.gradients(view, labels)[0] == engine.gradients(inputs, labels)[0]
    inputs[0] = 0
    assert not np.array_equal(engine.probabilities(inputs), engine.probabilities(view))


@pytest.mark.parametrize(
    ("pool", "stages"),
    [
        ((1, 80), [(1, 20), (1, 4)]),
        ((1, 250), [(1, 10), (1, 5), (1, 5)]),
        ((1, 4), [(1, 4)]),
        ((1, 37), [(1, 37)]),
        ((40, 3), [(40, 3)]),
    ],
)
def test_a_long_pool_is_split_into_short_ones(pool, stages):
    assert mxnet_layers.stages(pool) == stages


@pytest.mark.parametrize("variant", TABLE_1)
def test_both_engines_have_the_same_loss_curve(variant):
    """Compare every step of an epoch with the same weights and batches and without dropout.

    Both start each step with MXNet's weights: rounding decides which of two nearly equal values a
    pool takes, and the curves of filters with many outputs would part within a few steps.
    """
    pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")
    network = network_of(variant)
    weights, (inputs, labels) = biased_weights(network), some_data(network, 200)
    if variant == "timefrequency_init":
        donors = {"time": network_of("time_1x60"), "frequency": network_of("frequency_32x1")}
        trained = {trunk: biased_weights(donor, seed=5) for trunk, donor in donors.items()}
        weights = donated(weights, trained)
        assert np.array_equal(weights["time.weight"], trained["time"]["time.weight"])
    order = batches(len(inputs), 10, np.random.default_rng(3))
    mxnet = engine_class("mxnet")(network, weights, dropout=0, gpu=False)
    curves = {"mxnet": [], "torch": []}
    for row in order:
        torch = engine_class("torch")(network, mxnet.weights(), dropout=0, gpu=False)
        for name, engine in (("mxnet", mxnet), ("torch", torch)):
            loss, _ = engine.train(inputs, labels, row[np.newaxis], 0.01, 0)
            curves[name].append(loss)
    assert curves["mxnet"] == pytest.approx(curves["torch"], rel=TOLERANCE)
    assert curves["mxnet"][-1] != curves["mxnet"][0]


@pytest.mark.parametrize("name", NETWORKS)
def test_both_engines_have_the_same_outputs_and_gradients(name):
    pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")
    network = NETWORKS[name]
    weights, (inputs, labels) = biased_weights(network), some_data(network, 10, seed=4)
    mxnet, torch = (engine_class(e)(network, weights, 0, gpu=False) for e in ("mxnet", "torch"))
    assert relative_error(mxnet.probabilities(inputs), torch.probabilities(inputs)) < TOLERANCE
    (loss, gradients), (other_loss, others) = (
        engine.gradients(inputs, labels) for engine in (mxnet, torch)
    )
    tolerance = DEEP_TOLERANCE if name in DEEP else TOLERANCE
    assert loss == pytest.approx(other_loss, rel=tolerance)
    for array, gradient in gradients.items():
        assert relative_error(gradient, others[array]) < tolerance, array
