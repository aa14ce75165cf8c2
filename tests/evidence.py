"""What caveats and headlines are computed from, built of plain data."""

import numpy as np
import pandas as pd

from workflow_scripts.dataset import replicas
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results import comparison
from workflow_scripts.results.caveats import Evidence

CLASSES = [*"abcd"]
# Validation accuracies of 20 epochs, 0 to 1, that scatter by about a point.
NOISE = 0.01 * np.array([1, -1, 0, 1, 0, -1, 1, -1, 1, 0] * 2)
FLAT = 0.7 + NOISE
RISING = 0.4 + 0.02 * np.arange(20) + NOISE
NO_PAIRS = pd.DataFrame(columns=replicas.COLUMNS)
TRAINING = {"learning_rate": 0.01, "max_epochs": 20, "patience": 40}


def tracks(n_folds=5, n=60, labels=None):
    """`n` tracks a fold; the classes take turns."""
    total = n_folds * n
    labels = np.array(labels if labels is not None else [CLASSES[i % 4] for i in range(total)])
    ids = np.array([f"t{i}" for i in range(total)])
    table = pd.DataFrame({"track_id": ids, "label": labels, "digest": ids})
    return Tracks.of(table, np.arange(total) // n)


def predicted(of, shares):
    """One table per fold, in which this share of the tracks is correct, always the first ones."""
    tables = []
    for fold, share in enumerate(shares):
        test = of.part(fold, "test")
        right = np.arange(len(test)) < round(share * len(test))
        wrong = [of.classes[target - 1] for target in of.target[test]]
        table = pd.DataFrame({"track_id": of.track_id[test], "label": of.label[test]})
        tables.append(table.assign(predicted=np.where(right, of.label[test], wrong)))
    return tables


def fit(variant, fold, **training):
    """The content of a fit.json, as far as caveats need it."""
    return {
        "seed": 2016,
        "variant": variant,
        "fold": fold,
        "validation": "tracks",
        "classes": CLASSES,
        "explosion": None,
        "training": TRAINING | training,
    }


def history(curve):
    """A history.csv with these validation accuracies."""
    curve = np.asarray(curve, float)
    return pd.DataFrame({"epoch": 1 + np.arange(len(curve)), "validation_accuracy": curve})


def evidence(shares, curves=None, training=None, of=None, **changes):
    """Networks with these shares of correct tracks, each a list with one value per fold.

    `curves` has the validation accuracies of all trainings of a variant, FLAT by default;
    `training` its settings that differ from TRAINING.
    """
    of = of or tracks()
    predictions = {variant: predicted(of, own) for variant, own in shares.items()}
    keys = [(variant, fold) for variant in shares for fold in range(of.n_folds)]
    values = {
        "folds_of": {2016: of},
        "fits": [fit(v, k, **(training or {}).get(v, {})) for v, k in keys],
        "histories": [history((curves or {}).get(v, FLAT)) for v, _ in keys],
        "predictions": predictions,
        "pairs": comparison.pairs(predictions, comparison.test_share(of)),
        "never_predicted": {variant: [] for variant in shares},
        "replicas": NO_PAIRS,
        "n_skipped": 0,
        "dataset": "folder",
    }
    return Evidence(**(values | changes))


def table(of):
    """The columns of table1.csv that a headline needs, of an Evidence."""
    rows = []
    for variant, folds in of.predictions.items():
        accuracies = [100 * (fold["predicted"] == fold["label"]).mean() for fold in folds]
        mean, std = np.mean(accuracies), np.std(accuracies)
        rows.append((variant, mean, std, len(folds), 1))
    columns = ["variant", "accuracy_mean", "accuracy_std", "n_folds", "n_seeds"]
    return pd.DataFrame(rows, columns=columns)
