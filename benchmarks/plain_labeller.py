"""A straightforward labeller, with which benchmarks/label.py compares the workflow's.

It labels track by track: mel energies with Essentia's standard mode, frame by frame; networks of
MXNet's Gluon layers, as in the paper's figures; the mean over the folds; a majority vote, in which
silent segments vote too: the tracks of the comparison have none.

    python benchmarks/plain_labeller.py MODELS AUDIO...

MODELS is a folder with network.json, scaler.json and fold-<k>.npz. The output is a JSON object with
the position of the class and the mean probabilities of each track.
"""

import json
import sys
from pathlib import Path

import essentia.standard as essentia
import numpy as np

np.bool = bool  # type: ignore[attr-defined]

from mxnet import gluon, nd  # noqa: E402


def mel(audio: str) -> np.ndarray:
    """Mel energies of a track, (frames, 40)."""
    window = essentia.Windowing(type="blackmanharris62")
    spectrum = essentia.Spectrum(size=2048)
    bands = essentia.MelBands(numberBands=40, sampleRate=44100, inputSize=1025)
    sound = essentia.MonoLoader(filename=audio, sampleRate=44100)()
    frames = essentia.FrameGenerator(sound, frameSize=2048, hopSize=1024)
    return np.array([bands(spectrum(window(frame))) for frame in frames])


def build(network: dict, weights: dict[str, np.ndarray]) -> gluon.nn.HybridSequential:
    """The network with `weights`."""
    nn = gluon.nn
    trunks = gluon.contrib.nn.HybridConcurrent(axis=1)
    convolutions = []
    for trunk in network["trunks"].values():
        convolutions.append(nn.Conv2D(trunk["n_filters"], trunk["filter"], activation="relu"))
        branch = nn.HybridSequential()
        branch.add(convolutions[-1], nn.MaxPool2D(trunk["pool"], trunk["pool"]), nn.Flatten())
        trunks.add(branch)
    net = nn.HybridSequential()
    net.add(trunks)
    dense = {}
    if network["hidden"]:
        dense["hidden"] = nn.Dense(network["hidden"], activation="relu")
        net.add(dense["hidden"])
    dense["output"] = nn.Dense(len(weights["output.bias"]))
    net.add(dense["output"])
    net.initialize()
    net(nd.zeros((1, 1, 40, network["input_frames"])))
    for name, layer in zip(network["trunks"], convolutions, strict=True):
        layer.weight.set_data(nd.array(weights[f"{name}.weight"][:, np.newaxis]))
        layer.bias.set_data(nd.array(weights[f"{name}.bias"]))
    for name, layer in dense.items():
        layer.weight.set_data(nd.array(weights[f"{name}.weight"]))
        layer.bias.set_data(nd.array(weights[f"{name}.bias"]))
    net.hybridize()
    return net


def main() -> None:
    """Label the tracks and print the JSON object."""
    folder, *tracks = sys.argv[1:]
    network = json.loads(Path(folder, "network.json").read_text())
    scaler = json.loads(Path(folder, "scaler.json").read_text())
    nets = [build(network, dict(np.load(npz))) for npz in sorted(Path(folder).glob("*.npz"))]
    frames = network["input_frames"]
    output = {}
    for track in tracks:
        values = (np.log(1 + 10000 * mel(track)) - scaler["mean"]) / scaler["std"]
        n = len(values) // frames
        segments = values[: n * frames].reshape(n, frames, 40).transpose(0, 2, 1)[:, np.newaxis]
        inputs = nd.array(segments)
        probabilities = np.mean([nd.softmax(net(inputs)).asnumpy() for net in nets], axis=0)
        votes = np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])
        output[track] = [int(votes.argmax()), probabilities.mean(axis=0).tolist()]
    print(json.dumps(output))


if __name__ == "__main__":
    main()
