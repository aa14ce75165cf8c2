"""The model card of a variant: what its models were made of, what they can do and what they cannot.

Its parts are those of Mitchell et al., Model Cards for Model Reporting (FAT* 2019).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workflow_scripts.audio.parameters import FRAME_RATE
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.models.metadata import Metadata
from workflow_scripts.models.onnx_file import INPUT, OUTPUT
from workflow_scripts.results import predictions, provenance
from workflow_scripts.results.data_licences import DATA

CARD = """\
# Model card: {variant}, trained on {dataset}

A {architecture} network of *Experimenting with Musically Motivated Convolutional Neural Networks*
(Pons, Lidy & Serra, CBMI 2016): it hears a segment of {seconds:.1f} s and gives each of {n_classes}
classes a probability; a track is of the class that most of its segments vote for. The files
`fold-<k>.onnx` are {n_folds} models of it, one a fold of the cross-validation.

## Input and output

`{input}`: raw mel energies, float32 (segments, {frames}, {bands}), computed as `front_end` in the
metadata of each file says; compression and normalisation are part of the model. `{output}`: float32
(segments, {n_classes}), the classes in the order of `classes` there:
{classes}.

## Data

{n_tracks} tracks of the data set {dataset}.
{licence}

## Protocol

{n_folds} folds by track: model k is tested on fold k, which it has never seen. {validation}
{training}
{trained}

## Accuracy

Track by track, each decided by the one model that has not seen it: {mean:.2f} ± {std:.2f} per cent
(mean and standard deviation, ddof 0, over the folds).

{by_class}

{by_fold}

On these tracks ONNX Runtime and the training's engine differ by {error:.0e} at most in a track's
mean probability of a class.

## Limits

- It decides among these classes alone and has none for "something else": of music of another kind
  it tells the least unlike.
- A probability is the network's, not calibrated: 90 per cent does not mean nine times in ten.
- The accuracy is of one model by itself. Models of several folds that decide together have seen
  every track between them, so that this data set cannot tell how good they are together.
- A network that was chosen because it is the best of several on these tracks is likely to do less
  well on others.
- It was tested on music from the same source as what it was trained on; music that was recorded,
  mastered or chosen otherwise may be decided less well.
{more_limits}"""
VALIDATION = {
    "tracks": "The next fold chose the epoch, the others trained.",
    "segments": "Segments drawn from the training tracks chose the epoch: its validation accuracy "
    "is too high, the test's is not.",
}
SYNTHETIC = """\
- The demo's music is synthetic. The model shows how models are used; do not use it on music.
"""


def text(
    dataset: str,
    name: str,
    metadata: Sequence[Metadata],
    fits: Sequence[Mapping[str, Any]],
    tracks: Tracks,
    decided: Sequence[pd.DataFrame],
    error: float,
) -> str:
    """The card as Markdown.

    `metadata`, `fits` (fit.json) and `decided` (predictions) have an entry a fold; `dataset` and
    `name` are the configuration's; `error` is the largest difference from the predictions' mean
    probabilities.
    """
    first = metadata[0]
    frames = first.network["input_frames"]
    accuracies = pd.Series([about.accuracy for about in metadata])
    return CARD.format(
        variant=first.variant,
        dataset=first.dataset,
        architecture=first.architecture,
        seconds=frames / FRAME_RATE,
        frames=frames,
        bands=first.front_end["n_bands"],
        input=INPUT,
        output=OUTPUT,
        n_classes=len(first.classes),
        n_folds=len(metadata),
        classes=", ".join(map(_plain, first.classes)),
        n_tracks=len(tracks.label),
        licence=DATA[dataset].format(name=name),
        validation=VALIDATION[fits[0]["validation"]],
        training=_training(fits[0]),
        trained=provenance.sentence(fits),
        mean=accuracies.mean(),
        std=accuracies.std(ddof=0),
        by_class=_by_class(first.classes, pd.concat(decided)),
        by_fold=_by_fold(metadata),
        error=error,
        more_limits=SYNTHETIC if dataset == "demo" else "",
    )


def _training(fit: Mapping[str, Any]) -> str:
    settings = fit["training"] | fit["augmentation"] | {"sampling": fit["sampling"]}
    told = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items())
    return f"Gradient descent on categorical cross-entropy: {told}."


def _by_class(classes: Sequence[str], decided: pd.DataFrame) -> str:
    rows = ["| Class | Tracks | Decided right, per cent | Most often taken for |"]
    rows.append("| --- | ---: | ---: | --- |")
    for label in classes:
        own = decided[decided["label"] == label]
        wrong = own.loc[own["predicted"] != label, "predicted"].value_counts()
        other = f"{_plain(wrong.index[0])} ({wrong.iloc[0]})" if len(wrong) else ""
        right = f"{predictions.track_accuracy(own):.1f}" if len(own) else ""
        rows.append(f"| {_plain(label)} | {len(own)} | {right} | {other} |")
    return "\n".join(rows)


def _by_fold(metadata: Sequence[Metadata]) -> str:
    rows = ["| Fold | Test tracks | Accuracy, per cent |", "| ---: | ---: | ---: |"]
    rows += [f"| {a.fold} | {a.n_test_tracks} | {a.accuracy:.2f} |" for a in metadata]
    return "\n".join(rows)


def _plain(name: str) -> str:
    """A class name that Markdown shows as it is."""
    return "".join(f"\\{c}" if c in r"\`*_[]<>|#" else c for c in name)
