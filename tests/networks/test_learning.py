"""Learning is real: on a slice of the demo a Time network finds the dances, not their shuffle."""

import numpy as np
import pytest

from tests.conftest import network_of, write_wav
from workflow_scripts.audio.front_end import mel_bands
from workflow_scripts.dataset import folds
from workflow_scripts.dataset.normalisation import Scaler, compress
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
    """Normalised segments of each track, and its class."""
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
    """Contiguous segments of 80 frames, (segments, bands, 80)."""
    n = len(frames) // 80
    return frames[: n * 80].reshape(n, 80, -1).transpose(0, 2, 1)


def accuracy(tracks, labels):
    """Share of the tracks that time_1x60 decides right, each tested once in four folds."""
    network = network_of("time_1x60", len(SLICE))
    settings = training.Settings(0.01, 10, 40, 0.5, 40, 1e-5)
    fold_of = folds.assign(labels, None, 4, seed=0)
    right = 0
    for fold in range(4):

        def rng(epoch, fold=fold):
            return training.generator(0, "time_1x60", fold, epoch)

        def part(which):
            held = np.flatnonzero(which)
            inputs = np.concatenate([tracks[i] for i in held])
            return inputs, np.repeat(labels[held], [len(tracks[i]) for i in held])

        test, validation = fold_of == fold, fold_of == (fold + 1) % 4
        engine = MXNetEngine(network, network.initial_weights(rng(0)), 0.5, gpu=False)
        train = part(~test & ~validation)
        start = Progress.start(engine.weights())
        *_, last = training.fit(engine, train, part(validation), settings, rng, start)
        best = MXNetEngine(network, last.best_weights, 0.5, gpu=False)
        for i in np.flatnonzero(test):
            right += majority_vote(best.probabilities(tracks[i]))[0] == labels[i]
    return right / len(labels)


@pytest.mark.slow
def test_a_time_network_learns_the_dances(tracks):
    # 40 points above the most probable class, as is asked of the whole demo.
    assert accuracy(*tracks) >= CHANCE + 0.4


@pytest.mark.slow
def test_with_shuffled_labels_it_falls_to_chance(tracks):
    segments_, labels = tracks
    shuffled = np.random.default_rng(1).permutation(labels)
    # 18 or more of 40 right have a probability of 0.5 % under chance.
    assert accuracy(segments_, shuffled) < 18 / 40
