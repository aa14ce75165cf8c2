"""Where the files of an experiment are. The rules write them there."""

from collections.abc import Iterable, Sequence
from pathlib import Path


class SharedFeatures:
    """What all experiments on one audio share in `folder`, data/features/<audio>-<shards>.

    `key` is that of the front end. Lists, in the order of the shards: those of the contents, the
    tempi, and for this front end the features, their indices and the onsets.
    """

    ROOT = Path("data/features")

    def __init__(self, folder: Path, key: str, n_shards: int) -> None:
        self.folder = folder
        self.front_end = folder / key
        self.tracks = folder / "tracks.csv"
        self.contents = _shards(folder / "contents", ".txt", n_shards)
        self.tempi = _shards(folder / "tempi", ".csv", n_shards)
        self.features = _shards(self.front_end, ".npy", n_shards)
        self.index = _shards(self.front_end, ".csv", n_shards)
        self.onsets = _shards(self.front_end / "onsets", ".csv", n_shards)
        # The user's folder of audio, for `dataset: folder`.
        self.audio = folder / "audio.txt"
        # The settings of the front end.
        self.settings = self.front_end / "front_end.json"
        # The name of the checkout that made these files.
        self.checkout = folder / ".checkout"

    def is_listed(self) -> bool:
        """Whether the tracks are listed."""
        return all(path.exists() for path in [self.tracks, *self.contents])


def _shards(folder: Path, suffix: str, n_shards: int) -> list[Path]:
    return [folder / f"shard-{shard}{suffix}" for shard in range(n_shards)]


class ModelPaths:
    """The files of the model of one variant and fold; `results` is the folder of its seed."""

    def __init__(self, results: Path, variant: str, fold: int) -> None:
        self.results, self.variant, self.fold = results, variant, fold
        self.folder = results / "models" / variant / f"fold-{fold}"
        self.weights = self.folder / "weights.npz"
        self.history = self.folder / "history.csv"
        self.fit = self.folder / "fit.json"
        self.predictions = results / "predictions" / variant / f"fold-{fold}.csv"
        self.onnx = results / "onnx" / variant / f"fold-{fold}.onnx"


class SeedPaths:
    """The files of one seed in `folder`: results/NAME, or a folder of results/NAME/seeds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folds = folder / "folds.csv"
        self.skipped = folder / "skipped.csv"
        self.scaler = folder / "scaler.json"
        self.baselines = folder / "baselines.csv"

    def models(self, variants: Iterable[str], n_folds: int) -> list[ModelPaths]:
        """The files of all models, variant by variant, fold by fold."""
        return [
            ModelPaths(self.folder, variant, fold)
            for variant in variants
            for fold in range(n_folds)
        ]


class ResultPaths(SeedPaths):
    """The files of the experiment in `folder`, results/NAME: those of the first seed and of all."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tracks = folder / "tracks.csv"
        # Tracks that `exclude` names.
        self.excluded = folder / "excluded.csv"
        self.replicas = folder / "replicas.csv"
        self.tables = [
            *(folder / f"table1{suffix}" for suffix in (".csv", ".md", ".tex")),
            *(folder / f"{table}.csv" for table in ("predictions", "per_class", "confusions")),
        ]
        # Only if there are sweeps.
        self.sweeps = folder / "sweeps.csv"
        self.packed_model = folder / "model.zip"
        # The configuration of the last run.
        self.config = folder / "config.yaml"
        # Settings with which the trainings were made, as far as fit.json does not record them.
        self.trained = folder / ".trained.json"
        # The name of the checkout that made these results.
        self.checkout = folder / ".checkout"
        # Results of another checkout that `make adopt` has moved.
        self.adopted = folder / ".adopted"

    def card(self, variant: str) -> Path:
        """The model card of a variant."""
        return self.folder / "onnx" / variant / "MODEL_CARD.md"

    def of_seeds(self, seeds: Sequence[int]) -> dict[int, SeedPaths]:
        """The files of each seed. Those of the first are where they are with one seed only."""
        first, *others = seeds
        folders = {seed: SeedPaths(self.folder / "seeds" / str(seed)) for seed in others}
        return {first: self, **folders}
