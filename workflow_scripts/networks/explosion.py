"""A training loss that explodes but stays finite: the learning rate is too high."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workflow_scripts.networks.training import Epoch

# A network that always guesses has the loss log(classes). Random weights and dropout may double it.
TIMES_GUESSING = 10


def explosion(history: Sequence[Epoch], n_classes: int) -> dict[str, float] | None:
    """The epoch and the loss of the highest training loss, if it is that of an explosion.

    Later epochs count too: weights that have once been so far off rarely learn again.
    """
    highest = max(history, key=lambda epoch: epoch.train_loss)
    if highest.train_loss <= TIMES_GUESSING * math.log(n_classes):
        return None
    return {"epoch": highest.epoch, "loss": highest.train_loss}


def sentences(fits: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each variant with an explosion; `fits` are contents of fit.json."""
    of_variant: dict[str, list[Mapping[str, Any]]] = {}
    for fit in fits:
        if fit["explosion"]:
            of_variant.setdefault(fit["variant"], []).append(fit)
    return [_sentence(variant, exploded) for variant, exploded in of_variant.items()]


def _sentence(variant: str, fits: Sequence[Mapping[str, Any]]) -> str:
    folds = ", ".join(str(fit["fold"]) for fit in fits)
    worst = max((fit["explosion"] for fit in fits), key=lambda explosion: explosion["loss"])
    guessing = math.log(len(fits[0]["classes"]))
    return (
        f"The training of {variant} diverged in fold{'s' if len(fits) > 1 else ''} {folds}: the "
        f"loss reached {worst['loss']:.2g} in epoch {worst['epoch']:.0f}, guessing has "
        f"{guessing:.2g}. Lower training.learning_rate."
    )
