"""Sentences on the results of several seeds."""

from collections.abc import Mapping, Sequence

FIRST_SEED_ONLY = (
    "Accuracies, baselines, tests and training times are those of all {n} seeds, each with folds "
    "and trainings of its own. Tests are corrected for repeated cross-validation (Bouckaert & "
    "Frank 2004); a track counts once for each seed. Confusions, errors, learning curves, filters, "
    "interventions, sounds and models to hand over are those of the first seed, {first}."
)

FIRST_SEED_ONLY_OF_FIXED = (
    "Accuracies, tests and training times are those of all {n} seeds, each with trainings of its "
    "own on the same split. Confusions, errors, learning curves, filters, interventions, sounds "
    "and models to hand over are those of the first seed, {first}."
)


def repetitions(n_folds: int, n_seeds: int) -> str:
    """What a mean is over: "5 folds", "5 folds of 3 seeds" or, with a fixed split, "3 seeds"."""
    if n_folds == 1:
        return f"{n_seeds} seeds" if n_seeds > 1 else "one split"
    return f"{n_folds} folds of {n_seeds} seeds" if n_seeds > 1 else f"{n_folds} folds"


def together(of_seeds: Mapping[int, Sequence[str]]) -> list[str]:
    """The sentences on each seed: those that hold for all of them once, others with their seed."""
    if len(of_seeds) == 1:
        return [*next(iter(of_seeds.values()))]
    common = set.intersection(*map(set, of_seeds.values()))
    found = [
        text if text in common else f"Seed {seed}: {text}"
        for seed, texts in of_seeds.items()
        for text in texts
    ]
    # A common sentence is found once for each seed.
    return [*dict.fromkeys(found)]


def of_first_seed_only(seeds: Sequence[int], is_fixed: bool = False) -> str:
    """What is that of the first seed only; empty with one seed. `is_fixed`: of a fixed split."""
    text = FIRST_SEED_ONLY_OF_FIXED if is_fixed else FIRST_SEED_ONLY
    return text.format(n=len(seeds), first=seeds[0]) if len(seeds) > 1 else ""
