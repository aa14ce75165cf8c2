"""Model files of untrained networks, for tests."""

from tests.conftest import biased_weights, network_of
from workflow_scripts.audio.parameters import PAPERS, FrontEnd
from workflow_scripts.dataset.normalisation import Scaler
from workflow_scripts.models import package
from workflow_scripts.models.metadata import Metadata
from workflow_scripts.models.onnx_file import TrainedNetwork

CLASSES = ("fast", "middle", "slow")
SCALER = Scaler(1.5, 2.5)
# Another rate, hop and number of bands, and three settings that change the graph or the window.
SPEECH = FrontEnd(16000, 512, 256, "hann", 96, 0, 8000, 10_000)


def described(network):
    """A network as an entry under `variants` in config.yaml."""
    return {
        "input_frames": network.frames,
        "trunks": {
            name: {"filter": trunk.filter, "pool": trunk.pool, "n_filters": trunk.n_filters}
            for name, trunk in network.trunks.items()
        },
        "hidden": network.hidden,
    }


def metadata_of(network, variant="any", fold=0, classes=CLASSES, front_end=PAPERS):
    """The metadata of a network's model file."""
    return Metadata(
        dataset="clicks",
        variant=variant,
        architecture="Any",
        fold=fold,
        n_folds=2,
        seed=2016,
        classes=tuple(classes),
        accuracy=66.67,
        n_test_tracks=6,
        network=described(network),
        weights="0" * 64,
        front_end=front_end,
    )


def trained(network, variant="any", fold=0, classes=CLASSES, weights=None, front_end=PAPERS):
    """A `TrainedNetwork`, by default with random weights."""
    metadata = metadata_of(network, variant, fold, classes, front_end)
    return TrainedNetwork(metadata, weights or biased_weights(network, fold), SCALER)


def written(network, variant="any", fold=0, classes=CLASSES, front_end=PAPERS):
    """The content of the ONNX file of a network."""
    return trained(network, variant, fold, classes, front_end=front_end).onnx_bytes()


def onnx_of(variant, fold=0, classes=CLASSES):
    """The content of the ONNX file of a network of the paper."""
    return written(network_of(variant, len(classes)), variant, fold, classes)


def packed(path, *variants, n_folds=2, classes=CLASSES):
    """Write a packed file of `variants`; return its path."""
    files = [onnx_of(variant, fold, classes) for variant in variants for fold in range(n_folds)]
    package.write(path, package.together(files), dict.fromkeys(variants, "# A card\n"))
    return path
