"""Notes on how the networks of a table were trained: each is one sentence or empty."""

from collections.abc import Mapping, Sequence
from typing import Any

from workflow_scripts.errors import FEW, listed
from workflow_scripts.results.convergence import SHORTEST
from workflow_scripts.results.trainings import Trainings


def unequal_budgets(trainings: Trainings) -> str:
    """Networks that could be trained for different numbers of epochs.

    No note if the learning rate ended all trainings with a smaller `max_epochs`: it did not limit
    them.
    """
    if not trainings.budgets_differ:
        return ""
    budgets = _shared({v: str(n) for v, n in trainings.budgets.items()})
    flat = "" if trainings.unconverged else ", although all validation curves have flattened"
    return (
        f"Training budgets differ: max_epochs is {budgets}. Differences between these networks "
        f"may come from their training{flat}."
    )


def few_epochs(trainings: Trainings) -> str:
    """Networks with trainings that `max_epochs` stopped too early to show a flat curve."""
    short = [v for v, own in trainings.convergence.items() if own.n_short]
    if not short:
        return ""
    budgets = [trainings.budgets[v] for v in short]
    names = "all networks" if 1 < len(short) == len(trainings.variants) else listed(short)
    return (
        f"Training ended at max_epochs after {_epochs(budgets)}, too few to show whether it had "
        f"converged (at least {SHORTEST} are needed): {names}. Raise training.max_epochs."
    )


def still_rising(trainings: Trainings) -> str:
    """Networks that would gain from more epochs.

    No note if the learning rate ended the trainings.
    """
    rising = {v: own for v, own in trainings.convergence.items() if own.is_rising}
    if not rising:
        return ""
    counted = [f"{v} ({own.n_rising} of {own.n_trainings})" for v, own in rising.items()]
    return (
        "The validation accuracy was still rising when training ended at max_epochs, so these "
        f"networks have not converged (in brackets, trainings that rose): {listed(counted)}. "
        "Raise training.max_epochs."
    )


def other_settings(trainings: Trainings) -> str:
    """Settings of gradient descent, besides the number of epochs, that differ between networks."""
    settings = {v: own[0]["training"] for v, own in trainings.fits.items()}
    names = sorted({name for own in settings.values() for name in own} - {"max_epochs"})
    differ = []
    for name in names:
        values = {v: _value(own, name) for v, own in settings.items()}
        if len(set(values.values())) > 1:
            differ.append(f"{name} ({_shared(values)})")
    return f"Networks were trained with different settings: {', '.join(differ)}." if differ else ""


def _value(settings: Mapping[str, Any], name: str) -> str:
    value = settings.get(name, "none")
    return f"{value:g}" if isinstance(value, float) else str(value)


def _shared(values: Mapping[str, str]) -> str:
    """Each value and its variants, the most frequent value last: "7 for a, b; 30 for c, d, e"."""
    variants_of: dict[str, list[str]] = {}
    for variant, value in values.items():
        variants_of.setdefault(value, []).append(variant)
    groups = sorted(variants_of.items(), key=lambda group: len(group[1]))
    texts = [f"{value} for {listed(variants, FEW)}" for value, variants in groups]
    if len(texts) <= FEW and len(groups[-1][1]) > FEW:
        texts[-1] = f"{groups[-1][0]} for the {len(groups[-1][1])} others"
    return listed(texts, FEW, "; ")


def _epochs(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low} epoch{'s' if high > 1 else ''}" if low == high else f"{low} to {high} epochs"
