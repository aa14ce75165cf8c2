"""A methods section of a paper on these results, from the configuration and fit.json."""

from collections.abc import Mapping, Sequence
from typing import Any

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import listed
from workflow_scripts.results import provenance
from workflow_scripts.results.seed_notes import repetitions

# By `dataset` in config.yaml.
DATA_SETS = {
    "ballroom": "the Ballroom data set (Gouyon et al., 2006)",
    "demo": "a synthesised data set",
    "folder": "our data set",
}
WINDOWS = {
    "hamming": "a Hamming window",
    "hann": "a Hann window",
    "triangular": "a triangular window",
    "square": "a rectangular window",
    "blackmanharris62": "a Blackman-Harris window",
    "blackmanharris70": "a Blackman-Harris window of 70 dB",
    "blackmanharris74": "a Blackman-Harris window of 74 dB",
    "blackmanharris92": "a Blackman-Harris window of 92 dB",
}
LEVEL = {
    "as_recorded": "The level is that of the recording.",
    "normalised": "A gain per track brings the mean energy outside silences to a fixed value.",
}
NORMALISED_BY = {
    "dataset": "all tracks, test tracks included",
    "train": "the training tracks of each fold",
}
REPLICAS = {
    "group": "tracks of the same recording share a fold",
    "drop": "one track of each recording is used",
    "keep": "tracks of the same recording may be in different folds",
}
VALIDATION = {
    "tracks": "fold k + 1 is the validation set, and the others are the training set",
    "segments": (
        "the others are the training set, of which random segments, 1 in {folds}, are the "
        "validation set"
    ),
}
SAMPLING = {
    "contiguous": "follow one another",
    "overlapping": "start every {hop} frames ({seconds:.2f} s)",
    "onset": "start at the onsets",
}
# Settings of one network that differ from the shared ones.
SETTING = {
    "learning_rate": "learning rate {}",
    "batch_size": "batches of {}",
    "max_epochs": "at most {} epochs",
    "dropout": "dropout {}",
    "patience": "a patience of {} epochs",
    "min_learning_rate": "a lowest learning rate of {}",
    "class_weights": "class weights {}",
}


def paragraphs(
    configuration: Mapping[str, Any], fits: Sequence[Mapping[str, Any]], tracks: Tracks
) -> list[str]:
    """Data, input, networks and training, evaluation: a paragraph each.

    `configuration` is complete, as in results/<name>/config.yaml; `fits` are the contents of
    fit.json.
    """
    return [
        data(configuration, tracks),
        inputs(configuration),
        training(configuration, fits),
        evaluation(configuration, fits, tracks),
    ]


def data(configuration: Mapping[str, Any], tracks: Tracks) -> str:
    """Tracks, classes, folds and validation."""
    if tracks.is_fixed:
        return _data_of_fixed(configuration, tracks)
    folds = tracks.n_folds
    grouped = configuration["group_by"]
    properties = [
        "folds are stratified by class" if configuration["stratified"] else "folds are random",
        *([f"tracks of equal “{grouped}” share a fold"] if grouped else []),
        REPLICAS[configuration["replicas"]],
    ]
    validation = VALIDATION[configuration["validation"]].format(folds=folds)
    return (
        f"We use {len(tracks.label)} tracks of {len(tracks.classes)} classes from "
        f"{DATA_SETS[configuration['dataset']]}, in {folds}-fold cross-validation over tracks: "
        f"{'; '.join(properties)}. For each fold k, fold k is the test set, {validation}."
    )


def _data_of_fixed(configuration: Mapping[str, Any], tracks: Tracks) -> str:
    """As `data`, of a fixed split."""
    train, validation, test = (
        len(tracks.part(0, part)) for part in ("train", "validation", "test")
    )
    replicas = REPLICAS["drop" if configuration["replicas"] == "drop" else "keep"]
    return (
        f"We use {len(tracks.label)} tracks of {len(tracks.classes)} classes from "
        f"{DATA_SETS[configuration['dataset']]}, in a fixed split of {train} training, "
        f"{validation} validation and {test} test tracks; "
        f"{replicas.replace('different folds', 'different parts')}."
    )


def inputs(configuration: Mapping[str, Any]) -> str:
    """The front end, normalisation and segments."""
    front_end = FrontEnd.from_config(configuration["front_end"])
    rate = front_end.frame_rate
    lengths = sorted({variant["input_frames"] for variant in configuration["variants"].values()})
    segments = listed([f"{n} frames ({n / rate:.1f} s)" for n in lengths], separator=" or ")
    hop = configuration["sampling_hop"]
    start = SAMPLING[configuration["sampling"]].format(hop=hop, seconds=hop / rate)
    return (
        f"{_spectrogram(front_end)} {LEVEL[configuration['level']]} "
        f"{_compressed(front_end.compression)} normalised by the mean and standard deviation of "
        f"{_normalised_by(configuration)}. Networks see segments of {segments}. "
        f"Training segments {start}; validation and test segments follow one another. Silent "
        f"segments are left out.{augmentation(configuration['augmentation'])}"
    )


def _spectrogram(front_end: FrontEnd) -> str:
    """The mel-spectrogram before its compression."""
    low, high = front_end.min_frequency, front_end.max_frequency
    whole = low == 0 and high == front_end.sample_rate / 2
    return (
        f"The input is a mel-spectrogram of the mono signal at {front_end.sample_rate / 1000:g} "
        f"kHz with {front_end.n_bands} bands{'' if whole else f' from {low:g} to {high:g} Hz'}, "
        f"computed with Essentia from frames of {front_end.frame_size} samples with a hop of "
        f"{front_end.hop_size} ({1000 / front_end.frame_rate:.0f} ms) and "
        f"{WINDOWS[front_end.window]}."
    )


def _compressed(compression: float | None) -> str:
    if compression is None:
        return "Energies are not compressed, but"
    return f"Energies x are compressed by log(1 + {compression:g} x), then"


def _normalised_by(configuration: Mapping[str, Any]) -> str:
    text = NORMALISED_BY[configuration["normalisation"]]
    return text.removesuffix(" of each fold") if configuration["split_by"] else text


def augmentation(settings: Mapping[str, float]) -> str:
    """The random changes to training segments; "" for none."""
    changes = {
        "pitch_shift": "a pitch shift of up to {:g} semitones",
        "time_stretch": "a change of tempo by a factor of 1 ± {:g} at most",
        "mixing": "mixing a proportion of {:g} of the segments with another of their class",
        "gain": "a gain of up to {:g} dB",
    }
    used = [text.format(settings[key]) for key, text in changes.items() if settings[key]]
    if not used:
        return ""
    return f" Training segments are augmented anew in each epoch: {', '.join(used)}."


def training(configuration: Mapping[str, Any], fits: Sequence[Mapping[str, Any]]) -> str:
    """The networks, how they are trained, and with what."""
    shared, variants = configuration["training"], configuration["variants"]
    weights = (
        " Losses are weighted so that each class has the same share."
        if shared["class_weights"] == "balanced"
        else ""
    )
    donated = [
        f"{name} ({', '.join(f'{trunk} from {donor}' for trunk, donor in v['init'].items())})"
        for name, v in variants.items()
        if v["init"]
    ]
    copied = f" Trunks of trained networks initialise {listed(donated)}." if donated else ""
    networks = "network" if len(variants) == 1 else "networks"
    layers = any(
        v.get("back_end") is not None or any("layers" in trunk for trunk in v["trunks"].values())
        for v in variants.values()
    )
    listed_layers = " and the layers of config.yaml" if layers else ""
    return (
        f"We train {len(variants)} convolutional {networks} (Pons et al., 2016), with the filters "
        f"and pools of Table I{listed_layers}, by stochastic gradient descent on the "
        f"cross-entropy, in batches of {shared['batch_size']} segments, with a dropout of "
        f"{shared['dropout']:g} before dense layers and Glorot-uniform initial weights.{copied} "
        f"The learning rate starts at {shared['learning_rate']:g} and is halved after "
        f"{shared['patience']} epochs without a lower training loss; training ends below "
        f"{shared['min_learning_rate']:g} or after {shared['max_epochs']} epochs.{weights} The "
        "epoch with the highest validation accuracy is kept."
        f"{exceptions(configuration)} {provenance.sentence(fits)}"
    )


def exceptions(configuration: Mapping[str, Any]) -> str:
    """The networks that are trained otherwise; "" for none. Networks with equal settings share."""
    networks: dict[str, list[str]] = {}
    for name, variant in configuration["variants"].items():
        own = {
            key: value
            for key, value in (variant.get("training") or {}).items()
            if value != configuration["training"][key]
        }
        if own:
            settings = ", ".join(
                SETTING[key].format(value if isinstance(value, str) else f"{value:g}")
                for key, value in own.items()
            )
            networks.setdefault(settings, []).append(name)
    texts = [f"{listed(names)} with {settings}" for settings, names in networks.items()]
    return f" Trained otherwise: {'; '.join(texts)}." if texts else ""


def evaluation(
    configuration: Mapping[str, Any], fits: Sequence[Mapping[str, Any]], tracks: Tracks
) -> str:
    """Votes, accuracy, baselines and tests."""
    n = len(configuration["variants"])
    n_seeds = len({fit["seed"] for fit in fits})
    repeated = ", for repeated cross-validation (Bouckaert and Frank, 2004)" if n_seeds > 1 else ""
    n_pairs = n * (n - 1) // 2
    correction = (
        f", with Holm's correction for {n_pairs} comparisons (Holm, 1979)" if n_pairs > 1 else ""
    )
    if tracks.is_fixed:
        return _evaluation_of_fixed(n_pairs, n_seeds, correction)
    tests = (
        "Two networks are compared on the same folds by the corrected resampled t-test (Nadeau "
        f"and Bengio, 2003){repeated}{correction}. "
        if n_pairs
        else ""
    )
    return (
        "The class of a track is that of most of its segments. Accuracy is the share of correct "
        "test tracks, as mean ± standard deviation (ddof 0) over "
        f"{repetitions(tracks.n_folds, n_seeds)}. "
        f"{tests}Baselines learn from all tracks that are not tested."
    )


def _evaluation_of_fixed(n_pairs: int, n_seeds: int, correction: str) -> str:
    """As `evaluation`, of a fixed split."""
    mean = f", as the mean over {n_seeds} seeds" if n_seeds > 1 else ""
    tests = (
        "Two networks are compared by the sign test over the test tracks that one of them predicts "
        f"correctly more often (McNemar, 1947){correction}. "
        if n_pairs
        else ""
    )
    return (
        "The class of a track is that of most of its segments. Accuracy is the share of correct "
        f"test tracks{mean}, with the interval of Wilson (1927). {tests}Baselines learn from all "
        "tracks that are not tested."
    )
