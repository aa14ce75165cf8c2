"""How runs differ in their configuration, networks, software and training budgets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.errors import FEW, listed
from workflow_scripts.results.runs import Run

NETWORK = ("input_frames", "trunks", "hidden", "init", "back_end")
NOT_SET, NO_NETWORK = "not set", "no such network"
# Keys that change no result: the name of the run, and how its trainings share machines.
WITHOUT_EFFECT = ("name", "folds_per_job", "trainings_per_gpu")
# Training budgets that differ by less are equal: the last batch of an epoch is dropped.
EQUAL_BUDGETS = 1.1


@dataclass(frozen=True)
class Difference:
    """A key whose values, as text, differ between runs; one value per run."""

    key: str
    values: list[str]


def differences(runs: Sequence[Run]) -> list[Difference]:
    """The differences between complete configurations, with dotted names for nested keys.

    Those WITHOUT_EFFECT are left out.
    """
    flat = [dict(_flattened(run.config)) for run in runs]
    rows = []
    for name in dict.fromkeys(v for run in runs for v in run.variants):
        present = [name in run.variants for run in runs]
        if not all(present):
            shown = ["a network" if here else NO_NETWORK for here in present]
            rows.append(Difference(f"variants.{name}", shown))
    lacking = {row.key: [value == NO_NETWORK for value in row.values] for row in rows}
    for key in dict.fromkeys(key for values in flat for key in values):
        absent = lacking.get(".".join(key.split(".")[:2]), [False] * len(runs))
        values = [
            NO_NETWORK if gone else as_yaml(own[key]) if key in own else NOT_SET
            for own, gone in zip(flat, absent, strict=True)
        ]
        differ = len({value for value in values if value != NO_NETWORK}) > 1
        if differ and key not in WITHOUT_EFFECT:
            rows.append(Difference(key, values))
    order = {key: position for position, key in enumerate(runs[0].config)}
    return sorted(rows, key=lambda row: order.get(row.key.partition(".")[0], len(order)))


def software(runs: Sequence[Run]) -> list[Difference]:
    """Engine, versions, device, code and commit where they differ; and the time of training."""
    columns = [_software_of(run) for run in runs]
    keys = dict.fromkeys(key for column in columns for key in column)
    rows = [Difference(key, [column.get(key, "none") for column in columns]) for key in keys]
    rows = [row for row in rows if len(set(row.values)) > 1]
    minutes = [sum(fit["seconds"] for fit in run.fits) / 60 for run in runs]
    return [*rows, Difference("minutes of all trainings", [f"{value:.1f}" for value in minutes])]


def same_networks(runs: Sequence[Run]) -> dict[str, list[bool]]:
    """For each variant and run, whether it is the same network as in the first run.

    A network that starts from others is the same only if these are.
    """
    names = dict.fromkeys(v for run in runs for v in run.variants)
    wanted = {name: _network(runs[0], name) for name in names}
    return {name: [_network(run, name) == wanted[name] for run in runs] for name in names}


def network_sentences(runs: Sequence[Run]) -> list[str]:
    """A sentence for each run that has another network under a name of the first run."""
    same = same_networks(runs)
    sentences = []
    for position, run in enumerate(runs[1:], start=1):
        changed = [v for v in runs[0].variants if v in run.variants and not same[v][position]]
        if changed:
            is_ = "is another network" if len(changed) == 1 else "are other networks"
            sentences.append(
                f"{listed(changed, FEW)} {is_} in {run.name} than in {runs[0].name}, under the "
                "same name: see the configuration below."
            )
    return sentences


def front_end_sentences(runs: Sequence[Run]) -> list[str]:
    """A sentence for each run with another front end than the first run."""
    first = FrontEnd.from_config(runs[0].config["front_end"]).settings
    sentences = []
    for run in runs[1:]:
        own = FrontEnd.from_config(run.config["front_end"]).settings
        changed = [key for key in own if own[key] != first[key]]
        if changed:
            values = [f"{key} {as_yaml(own[key])}, not {as_yaml(first[key])}" for key in changed]
            sentences.append(
                f"{run.name} has another front end than {runs[0].name} ({listed(values)}): the "
                "same numbers of frames and bands may be other seconds and frequencies."
            )
    return sentences


def budget_sentences(runs: Sequence[Run]) -> list[str]:
    """Sentences on networks that could train longer in one run, and on trainings cut short."""
    first = runs[0]
    sentences = []
    for run in runs[1:]:
        unequal = {}
        for variant in first.variants:
            if variant in run.variants:
                before, after = _Budget.of(first, variant), _Budget.of(run, variant)
                ratio = after.steps / before.steps
                longer = max(ratio, 1 / ratio) > EQUAL_BUDGETS
                if longer and (before.at_limit or after.at_limit):
                    unequal[variant] = ratio
        if unequal:
            low, high = min(unequal.values()), max(unequal.values())
            times = f"{low:.2g}" if f"{low:.2g}" == f"{high:.2g}" else f"{low:.2g} to {high:.2g}"
            sentences.append(
                f"Unequal training: {_names(list(unequal), run)} could take {times} times as many "
                f"training steps in {run.name} as in {first.name}, and max_epochs ended trainings. "
                "The difference in accuracy may come from this alone."
            )
    not_converged: dict[str, list[str]] = {}
    for run in runs:
        networks = _names(run.trainings.unconverged, run)
        not_converged.setdefault(networks, []).append(run.name)
    for networks, names in not_converged.items():
        if networks:
            sentences.append(
                f"Not converged in {' and '.join(names)}: the validation curves of "
                f"{networks} have not flattened, or have too few epochs to show it; "
                "longer trainings may change the differences."
            )
    return sentences


def _names(variants: Sequence[str], run: Run) -> str:
    """These variants of a run, empty for none."""
    all_of_several = len(variants) == len(run.variants) > 1
    return "all networks" if all_of_several else listed(variants, FEW)


@dataclass(frozen=True)
class _Budget:
    """The steps that a variant's trainings may take, and whether max_epochs ended any."""

    steps: float
    at_limit: bool

    @classmethod
    def of(cls, run: Run, variant: str) -> "_Budget":
        fits = _fits(run, variant)
        return cls(float(np.mean([*map(_allowed_steps, fits)])), any(map(_at_limit, fits)))


def _fits(run: Run, variant: str) -> list[dict[str, Any]]:
    return [fit for repeat in run.repeats for fit in repeat.fits[variant]]


def _allowed_steps(fit: Mapping[str, Any]) -> int:
    training = fit["training"]
    return int(training["max_epochs"] * max(fit["n_train_segments"] // training["batch_size"], 1))


def _at_limit(fit: Mapping[str, Any]) -> bool:
    return bool(fit["n_epochs"] >= fit["training"]["max_epochs"])


def _network(run: Run, name: str) -> Any:
    """What determines a variant's network, None if there is no such variant."""
    variants = run.config["variants"]
    if name not in variants:
        return None
    own = {key: variants[name][key] for key in NETWORK}
    return own | {"init": {trunk: _network(run, donor) for trunk, donor in own["init"].items()}}


def _flattened(values: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def as_yaml(value: Any) -> str:
    """A value as YAML, on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10**6)
    return text.removesuffix("...\n").strip()


def _software_of(run: Run) -> dict[str, str]:
    """Texts that name all different values: a run may continue after an update."""
    fits = run.fits
    packages = dict.fromkeys(name for fit in fits for name in fit["versions"])
    return {
        "engine": _distinct(fit["engine"] for fit in fits),
        **{name: _distinct(fit["versions"].get(name, "none") for fit in fits) for name in packages},
        "device": _distinct(fit["device"] for fit in fits),
        "commit": _distinct(map(_commit, fits)),
        "digest of the training code": _distinct(fit["digests"]["code"][:12] for fit in fits),
    }


def _commit(fit: Mapping[str, Any]) -> str:
    changed = " with uncommitted changes" if fit["uncommitted_changes"] else ""
    return f"{fit['commit'][:10]}{changed}" if fit["commit"] else "unknown"


def _distinct(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts))
