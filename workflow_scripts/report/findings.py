"""What each figure shows, in a sentence."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from workflow_scripts.report import network_texts


def accuracies(folds: Mapping[str, Sequence[float]], is_fixed: bool = False) -> str:
    """The variant whose folds differ most, beside the range of the means.

    Of a fixed split, which has one accuracy for each seed, the range of the means.
    """
    means = [np.mean(values) for values in folds.values()]
    if is_fixed:
        return (
            f"The accuracies of the {len(folds)} networks differ by up to {np.ptp(means):.1f} "
            "points."
            if len(folds) > 1
            else ""
        )
    ranges = {variant: np.ptp(values) for variant, values in folds.items()}
    widest = max(ranges, key=lambda variant: ranges[variant])
    low, high = min(folds[widest]), max(folds[widest])
    between = f"Folds of the same network differ by up to {ranges[widest]:.1f} points ({widest}"
    if len(folds) == 1:
        return f"The accuracy of {widest} differs between folds: {low:.1f} to {high:.1f} %."
    return (
        f"{between}: {low:.1f} to {high:.1f} %); the means of the {len(folds)} networks differ by "
        f"up to {np.ptp(means):.1f} points."
    )


def curves(histories: Sequence[pd.DataFrame]) -> str:
    """Number of epochs, and in how many folds the best epoch is the last."""
    last = sum(
        int(history["validation_accuracy"].idxmax() == history.index[-1]) for history in histories
    )
    n = len(histories)
    if not last:
        return network_texts.learning(histories)
    of = f"in {last} of {n} folds" if n > 1 else "here"
    return (
        f"{network_texts.learning(histories)} The best epoch is the last {of}: longer training may "
        "be more accurate."
    )


def tempi(of_filters: Mapping[str, np.ndarray]) -> str:
    """The variant of whose filters the largest share has a tempo; NaN is a filter without one."""
    shares = {variant: float((~np.isnan(values)).mean()) for variant, values in of_filters.items()}
    most = max(shares, key=lambda variant: shares[variant])
    known = of_filters[most][~np.isnan(of_filters[most])]
    if not len(known):
        return "No temporal filter has a tempo."
    start = f"{len(known)} of the {len(of_filters[most])} temporal filters of {most} have a tempo"
    median = f"half of these tempi are below {np.median(known):.0f} BPM"
    if len(shares) == 1:
        return f"{start}; {median}."
    return f"{start}, the largest share of {len(shares)} networks; {median}."


def spectral(chosen: pd.DataFrame, weight: np.ndarray, hertz: np.ndarray) -> str:
    """Where the strongest of these filters has its largest weight.

    `chosen` has a row per filter, the strongest first, `weight` is (filters, m, 1), `hertz` are the
    centres of the bands.
    """
    first = chosen.iloc[0]
    shape = weight[int(first["filter"]), :, 0]
    peak = hertz[min(int(first["offset"]) + int(np.abs(shape).argmax()), len(hertz) - 1)]
    sign = "positive" if shape[np.abs(shape).argmax()] > 0 else "negative"
    affected = first["most_affected_class"]
    whose = f", which affects {affected} most," if affected else ""
    return (
        f"The strongest filter, {first['filter']}{whose} has its largest weight, a {sign} one, at "
        f"{peak:.0f} Hz."
    )


def weights(strengths: Mapping[str, np.ndarray]) -> str:
    """The strongest filter of each trunk, and how many have no strength; (filters,) by trunk."""
    parts = []
    for trunk, values in strengths.items():
        useless = int((values <= 0).sum())
        none = "all have a strength above 0"
        if useless:
            none = f"{useless} {'has' if useless == 1 else 'have'} none above 0"
        filters = "filter" if len(values) == 1 else "filters"
        parts.append(
            f"Of the {len(values)} {filters} of {trunk}, number {int(values.argmax())} is the "
            f"strongest ({values.max():.3f}); {none}."
        )
    return " ".join(parts)
