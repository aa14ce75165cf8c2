"""A Time network learns four dances of the demo data set, but not if labels are shuffled."""

import numpy as np
import pytest

from tests.conftest import network_of, write_wav
from tests.papers import compress, mel_bands
from workflow_scripts.dataset import folds
from workflow_scripts.dataset.normalisation import Scaler
from workflow_scripts.demo.composition import compose
from workflow_scripts.demo.dances import DANCES, TRACKS_A_DANCE
from workflow_scripts.demo.synthesiser import perform
from workflow_scripts.networks import training
from workflow_scripts.networks.engine_mxnet import MXNetEngine
from workflow_scripts.networks.training import Progress
from workflow_scripts.results.votes import majority_vote

SLICE = ("ChaChaCha", "Quickstep", "Tango", "Waltz")
SECONDS = 20
CHANCE = 1 / len(SLICE)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    """The normalised segments of each track, and the label of each track."""
    path = tmp_path_factory.mktemp("slice") / "track.wav"
    tracks, labels = [], []
    for label, name in enumerate(SLICE):
        for number in range(TRACKS_A_DANCE):
            rng = np.random.default_rng([label, number])
            write_wav(path, perform(compose(DANCES[name], number, SECONDS, rng), SECONDS, rng))
            tracks.append(compress(mel_bands(path)))
            labels.append(label)
    frames = np.concatenate(tracks)
    scaler = Scaler(float(frames.mean()), float(frames.std()))
    return [cut(scaler(track)) for track in tracks], np.array(labels)


def cut(frames):
    """Contiguous segments of 80 frames, shape (segments, bands, 80)."""
    n = len(frames) // 80
    return frames[: n * 80].reshape(n, 80, -1).transpose(0, 2, 1)


def accuracy(tracks, labels):
    """The share of correct predictions of time_1x60 in four-fold cross-validation."""
    network = network_of("time_1x60", len(SLICE))
    settings = training.Settings(0.01, 10, 40, 0.5, 40, 1e-5)
    fold_of = folds.assign(labels, None, 4, seed=0)
    n_correct = 0
    for fold in range(4):

        def rng(epoch, fold=fold):
            return training.generator(0, "time_1x60", fold, epoch)

        def part(mask):
            positions = np.flatnonzero(mask)
            inputs = np.concatenate([tracks[i] for i in positions])
            return inputs, np.repeat(labels[positions], [len(tracks[i]) for i in positions])

        test, validation = fold_of == fold, fold_of == (fold + 1) % 4
        engine = MXNetEngine(network, network.initial_weights(rng(0)), 0.5, gpu=False)
        train = part(~test & ~validation)
        start = Progress.start(engine.weights())
        *_, last = training.fit(engine, train, part(validation), settings, rng, start)
        best = MXNetEngine(network, last.best_weights, 0.5, gpu=False)
        for i in np.flatnonzero(test):
            n_correct += majority_vote(best.probabilities(tracks[i]))[0] == labels[i]
    return n_correct / len(labels)


@pytest.mark.endurance
def test_a_time_network_learns_the_dances(tracks):
    # At least 40 points above chance, as required for the whole demo.
    assert accuracy(*tracks) >= CHANCE + 0.4


@pytest.mark.endurance
def test_accuracy_with_shuffled_labels_is_at_chance(tracks):
    segments, labels = tracks
    shuffled = np.random.default_rng(1).permutation(labels)
    # At chance, at least 18 correct predictions of 40 have a probability of 0.5%.
    assert accuracy(segments, shuffled) < 18 / 40
