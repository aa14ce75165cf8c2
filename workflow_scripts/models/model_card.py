"""The model card of a variant: data, protocol, accuracy and limits of its models.

The sections follow Mitchell et al., Model Cards for Model Reporting (FAT* 2019).
"""

import json
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts import checksums
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.audio.silence import n_filled
from workflow_scripts.dataset.level import AS_RECORDED, NORMALISED, TARGET, TrainingLevel, in_db
from workflow_scripts.dataset.split import PARTS, Tracks
from workflow_scripts.models.metadata import Metadata
from workflow_scripts.models.onnx_graph import INPUT, OUTPUT
from workflow_scripts.networks.explosion import sentences
from workflow_scripts.results import fixed_split, predictions, provenance
from workflow_scripts.results.data_licences import DATA
from workflow_scripts.results.markdown import escaped
from workflow_scripts.results.notes import never_predicted_sentences

CARD = """\
# Model card: {variant}, trained on {dataset}

A {architecture} network of *Experimenting with Musically Motivated Convolutional Neural Networks*
(Pons, Lidy & Serra, CBMI 2016). The input is a segment of {seconds:.1f} s, the output the
probability of each of {n_classes} classes. The class of a track is predicted by a majority vote of
its segments. {files}

## Input and output

`{input}`: raw mel energies, float32 (segments, {n_frames}, {n_bands}). `{output}`: float32
(segments, {n_classes}), in the order of `classes` in the metadata:
{classes}.

Between the audio and the class are these values and formulas, which the metadata of each file state
as JSON. docs/model-files.md of the workflow computes with them in NumPy.

From audio to energies, `front_end`:

{front_end}

From energies to segments, `segments`; the input in `level` is {level_input}:

{segments}

What the file itself computes, `graph`:

{graph}

From segments to the class of a track, `vote`:

{vote}

## Data

{n_tracks} tracks of the data set {dataset}.
{licence}
{level}

## Protocol

{protocol}
{training}
{trained}

## Accuracy

{accuracy}

{by_class}

{by_fold}

The mean class probabilities of these tracks differ by at most {error:.0e} between ONNX Runtime and
the engine that trained the models.

## Limits

- There is no class for other music: the model predicts one of these classes for every track that is
  neither silent nor too short.
- The probabilities are not calibrated: of the tracks predicted with probability 0.9, more or fewer
  than 90 % may be correct.
{joint}\
- A network selected for the highest accuracy on these tracks is likely to be less accurate on
  others.
- The test tracks come from the same source as the training tracks. The accuracy may be lower on
  music that is recorded, mastered or selected differently.
{more_limits}"""
FOLDS = {
    "files": "The files `fold-<k>.onnx` are {n_folds} models, one for each fold of the\n"
    "cross-validation.",
    "protocol": "Cross-validation with {n_folds} folds of whole tracks. Model k is tested on fold "
    "k. {validation}",
    "accuracy": "Each track is predicted by the model of its test fold. {mean:.2f} ± {std:.2f} % "
    "of the tracks are\npredicted correctly (mean and standard deviation, ddof 0, over the folds).",
    "joint": "- The accuracy is that of single models. The models of several folds together are "
    "trained on every\n  track, so this data set cannot measure the accuracy of their joint "
    "predictions.\n",
}
FIXED_SPLIT = {
    "files": "The file `fold-0.onnx` is the model.",
    "protocol": "A fixed split of whole tracks: {n_train} train, {n_validation} select the epoch, "
    "{n_test} test.",
    "accuracy": "{mean:.2f} % of the test tracks are predicted correctly (95 % interval {low:.2f} "
    "to {high:.2f}).",
    "joint": "",
}
VALIDATION = {
    "tracks": "It is trained on the others except the next one, which selects the epoch.",
    "segments": "It is trained on the others, of which random segments select the epoch: the "
    "validation accuracy is too high, the test accuracy is not.",
}
SYNTHETIC = """\
- The music of the demo is synthetic. The model is an example; do not label real music with it.
"""


def write(path: Path, card: str, variant: str, tracks: Tracks) -> None:
    """Write the text of the card of a variant."""
    checksums.write_text(path, card, _what(variant, tracks))


def read(path: Path, variant: str, tracks: Tracks) -> str:
    """The text of the card of a variant. Raises UserError if it is damaged."""
    return checksums.read_text(path, _what(variant, tracks))


def _what(variant: str, tracks: Tracks) -> str:
    return f"the card of {variant}, trained on the tracks {tracks.key}"


def text(
    dataset: str,
    name: str,
    metadata: Sequence[Metadata],
    fits: Sequence[Mapping[str, Any]],
    tracks: Tracks,
    predicted: Sequence[pd.DataFrame],
    error: float,
) -> str:
    """The card as Markdown.

    `metadata`, `fits` (fit.json) and `predicted` (`predictions.read`) have one entry per fold.
    `dataset` and `name` are as in the configuration. `error` is the largest difference between mean
    class probabilities of ONNX Runtime and those in `predicted`.
    """
    first = metadata[0]
    n_frames = first.network["input_frames"]
    # As in Table I: those in the metadata are rounded.
    accuracies = [predictions.track_accuracy(of_fold) for of_fold in predicted]
    all_predicted = pd.concat(predicted)
    never = predictions.never_predicted(all_predicted, first.classes)
    limits = [*sentences(fits), *never_predicted_sentences({first.variant: [*map(escaped, never)]})]
    return CARD.format(
        variant=first.variant,
        dataset=first.dataset,
        architecture=first.architecture,
        seconds=n_frames / first.front_end.frame_rate,
        n_frames=n_frames,
        n_bands=first.front_end.n_bands,
        input=INPUT,
        output=OUTPUT,
        n_classes=len(first.classes),
        classes=", ".join(map(escaped, first.classes)),
        n_tracks=len(tracks.label),
        licence=DATA[dataset].format(name=name),
        level=_level([about.level for about in metadata if about.level], first.front_end),
        training=_training(fits[0]),
        trained=provenance.sentence(fits),
        **_protocol(tracks, accuracies, fits[0]["validation"]),
        by_class=_by_class(first.classes, all_predicted),
        by_fold=_by_fold(metadata),
        error=error,
        **_method(first),
        more_limits="".join(
            [SYNTHETIC if dataset == "demo" else "", *map("- {}\n".format, limits)]
        ),
    )


def _protocol(tracks: Tracks, accuracies: Sequence[float], validation: str) -> dict[str, str]:
    """What differs between folds and a fixed split: files, protocol, accuracy, a limit."""
    mean = float(np.mean(accuracies))
    numbers: dict[str, Any] = {"mean": mean}
    if tracks.is_fixed:
        numbers |= {f"n_{part}": len(tracks.part(0, part)) for part in PARTS}
        numbers["low"], numbers["high"] = fixed_split.interval(mean, numbers["n_test"])
        texts = FIXED_SPLIT
    else:
        numbers |= {"n_folds": len(accuracies), "std": np.std(accuracies)}
        numbers["validation"] = VALIDATION[validation]
        texts = FOLDS
    return {name: text.format(**numbers) for name, text in texts.items()}


def _method(metadata: Metadata) -> dict[str, str]:
    """How audio becomes input, and output a class: the entries of the metadata as lists."""
    lists = {name: _list(entry) for name, entry in metadata.method().items()}
    return lists | {"level_input": metadata.level.input if metadata.level else AS_RECORDED}


def _list(entries: Mapping[str, Any], indent: str = "") -> str:
    """The entries as a Markdown list, with lists in it."""
    lines = []
    for key, value in entries.items():
        if isinstance(value, dict):
            lines += [f"{indent}- `{key}`:", _list(value, indent + "  ")]
        else:
            text = value if isinstance(value, str) else f"`{json.dumps(value)}`"
            lines.append(f"{indent}- `{key}`: {text}")
    return "\n".join(lines)


def _level(levels: Sequence[TrainingLevel], front_end: FrontEnd) -> str:
    """The level of the training tracks; empty if no model has it."""
    if not levels:
        return ""
    level = reduce(TrainingLevel.together, levels)
    without = ["silences"]
    if first := n_filled(front_end):
        without = ["band 0" if first == 1 else f"the bands below band {first}", *without]
    measured = (
        f"The level of the training tracks, the mean of their mel energies without "
        f"{' and without '.join(without)}, is {level.lowest:.1f} to {level.highest:.1f} dB (1 % of "
        "the tracks on either side apart)."
    )
    return measured + (
        f" The input has a gain for each track that brings its level to {in_db(TARGET):.0f} dB."
        if level.input == NORMALISED
        else " The predictions depend on the level; the labeller warns of tracks outside the range."
    )


def _training(fit: Mapping[str, Any]) -> str:
    settings = fit["training"] | fit["augmentation"] | {"sampling": fit["sampling"]}
    values = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in settings.items())
    return f"Gradient descent on categorical cross-entropy: {values}."


def _by_class(classes: Sequence[str], predicted: pd.DataFrame) -> str:
    rows = ["| Class | Tracks | Correct, % | Most frequent wrong class |"]
    rows.append("| --- | ---: | ---: | --- |")
    for label in classes:
        own = predicted[predicted["label"] == label]
        wrong = own.loc[own["predicted"] != label, "predicted"].value_counts()
        other = f"{escaped(wrong.index[0])} ({wrong.iloc[0]})" if len(wrong) else ""
        correct = f"{predictions.track_accuracy(own):.1f}" if len(own) else ""
        rows.append(f"| {escaped(label)} | {len(own)} | {correct} | {other} |")
    return "\n".join(rows)


def _by_fold(metadata: Sequence[Metadata]) -> str:
    rows = ["| Fold | Test tracks | Accuracy, % |", "| ---: | ---: | ---: |"]
    rows += [f"| {a.fold} | {a.n_test_tracks} | {a.accuracy:.2f} |" for a in metadata]
    return "\n".join(rows)
