"""The sentences of the answer to the paper's question."""

import pandas as pd

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.report.answer import FREQUENCY, MOTIVATED, TIME, Answer
from workflow_scripts.results.baselines import shown


def sentences(answer: Answer) -> list[str]:
    """Shapes against the black-box and with each other; networks against the baselines."""
    against = [_against_rectangles(answer), _doubt(answer)]
    shapes = [_best_shape(answer, TIME), _best_shape(answer, FREQUENCY)]
    return [" ".join(filter(None, [*against, *shapes])), _against_baselines(answer)]


def _doubt(answer: Answer) -> str:
    """A sentence on comparisons with a black-box that was trained in another way."""
    together = answer.with_rectangles()
    n = sum(frozenset(pair) in answer.unfair for pair in together)
    if not n:
        return ""
    which = "1 of these comparisons is" if n == 1 else f"{n} of these comparisons are"
    if len(together) == 1:
        which = "This comparison is"
    elif n == len(together):
        which = "These comparisons are"
    return (
        f"{which} of networks with unequal budgets of epochs or that are not known to have "
        "converged: a difference may come from training."
    )


def _against_rectangles(answer: Answer) -> str:
    if not len(answer.of_kind(*MOTIVATED)):
        return (
            "No network here has filters of the musically motivated shapes (1, n) or (m, 1): "
            "whether they help stays open."
        )
    together = answer.with_rectangles()
    if not together:
        return (
            "There is no black-box of the same input as a network with musically motivated "
            "filter shapes: whether these shapes help stays open."
        )
    verdicts = [answer.verdict(*pair) for pair in together]
    better, worse, n = verdicts.count(1), verdicts.count(-1), len(verdicts)
    if n == 1:
        own, other = together[0]
        which = {
            1: "is significantly more accurate than",
            -1: "is significantly less accurate than",
        }
        if verdicts[0]:
            return f"{own} {which[verdicts[0]]} {other}, the black-box of the same input."
        return f"No test distinguishes {own} from {other}, the black-box of the same input."
    if not better and not worse:
        return (
            "No test shows that musically motivated filter shapes help: in none of the "
            f"{n} comparisons with the black-box of the same input is a difference significant."
        )
    rest = n - better - worse
    counts = {"more": better, "less": worse}
    parts = [f"{word} accurate in {count}" for word, count in counts.items() if count]
    open_ = f"; no test distinguishes them in the other {rest}" if rest else ""
    return (
        "Networks with musically motivated filter shapes are "
        f"significantly {' and '.join(parts)} of the {n} comparisons with the black-box of the "
        f"same input{open_}."
    )


def _best_shape(answer: Answer, kind: str) -> str:
    own = answer.of_kind(kind)
    # The page says it of each sweep.
    if not len(own) or any({*own["name"]} <= rows for rows in answer.swept):
        return ""
    best = own.loc[own["accuracy_mean"].idxmax()]
    title = {TIME: "Time", FREQUENCY: "Frequency"}[kind]
    shape, accuracy = _shape_text(best, answer.front_end), f"{best['accuracy_mean']:.1f} %"
    if len(own) == 1:
        return f"The only {title} network has {shape}; it is correct on {accuracy} of the tracks."
    start = f"Of the {len(own)} {title} networks, {best['name']} with {shape} has the highest mean"
    rivals = [name for name in own["name"] if name != best["name"]]
    alike = [name for name in rivals if answer.verdict(best["name"], name) < 1]
    if not alike:
        rest = "the other" if len(rivals) == 1 else "all others"
        return f"{start} accuracy ({accuracy}), significantly above {rest}."
    if len(alike) == 1:
        return f"{start} accuracy ({accuracy}), but no test distinguishes it from {alike[0]}."
    number = "any other" if len(alike) == len(rivals) else f"{len(alike)} others"
    return f"{start} accuracy ({accuracy}), but no test distinguishes it from {number}."


def _against_baselines(answer: Answer) -> str:
    if not len(answer.baselines):
        return f"There is no baseline to compare with; chance is {answer.chance:.1f} %."
    best = answer.baselines.iloc[0]
    gain = answer.networks["accuracy_mean"] - best["accuracy_mean"]
    significant = answer.networks["p_baseline"] < answer.level
    better, worse = int((significant & (gain > 0)).sum()), int((significant & (gain < 0)).sum())
    n = len(answer.networks)
    untested = answer.networks["p_baseline"].isna().all()
    start = (
        f"The best baseline, {shown(best['name'])}, predicts {best['accuracy_mean']:.1f} % "
        f"(chance: {answer.chance:.1f} %):"
    )
    if untested:
        higher = int((gain > 0).sum())
        subject = f"{higher or 'none'} of the {n} networks {'is' if higher < 2 else 'are'}"
        if n == 1:
            subject = f"the network is{'' if higher else ' not'}"
        return f"{start} {subject} more accurate; with a fixed split this is not tested."
    if n == 1:
        verdict = "more" if better else "less"
        if not better and not worse:
            return f"{start} no test distinguishes the network from it."
        return f"{start} the network is significantly {verdict} accurate."
    if not better and not worse:
        return f"{start} no test distinguishes any of the {n} networks from it."
    count = f"{better or 'none'} of the {n} networks {'is' if better < 2 else 'are'}"
    parts = [f"{count} significantly more accurate"]
    parts += (
        [f"{worse} {'is' if worse == 1 else 'are'} significantly less accurate"] if worse else []
    )
    rest = n - better - worse
    parts += [f"no test distinguishes the other {rest} from it"] if rest else []
    return f"{start} {'; '.join(parts)}."


def _shape_text(network: pd.Series, front_end: FrontEnd) -> str:
    """The length or height of a network's filters, in both of its units."""
    if network["kind"] == TIME:
        n = network["n_frames"]
        return f"n = {n:.0f} frames ({n / front_end.frame_rate:.1f} s)"
    m = network["m_bands"]
    share = 100 * m / front_end.n_bands
    return f"m = {m:.0f} of {front_end.n_bands} mel bands ({share:.0f} %)"
