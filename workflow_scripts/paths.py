"""Where the files of an experiment are in its folder of results. The rules write them there."""

from collections.abc import Iterable
from pathlib import Path


class ModelPaths:
    """The files of the model of one variant and fold."""

    def __init__(self, results: Path, variant: str, fold: int) -> None:
        self.variant, self.fold = variant, fold
        self.folder = results / "models" / variant / f"fold-{fold}"
        self.weights = self.folder / "weights.npz"
        self.history = self.folder / "history.csv"
        self.fit = self.folder / "fit.json"
        self.predictions = results / "predictions" / variant / f"fold-{fold}.csv"
        self.onnx = results / "onnx" / variant / f"fold-{fold}.onnx"


class ResultPaths:
    """The files of the experiment in `folder`, results/NAME."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tracks = folder / "tracks.csv"
        self.folds = folder / "folds.csv"
        self.skipped = folder / "skipped.csv"
        self.replicas = folder / "replicas.csv"
        self.scaler = folder / "scaler.json"
        self.baselines = folder / "baselines.csv"
        self.tables = [folder / f"table1{suffix}" for suffix in (".csv", ".md", ".tex")]
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

    def models(self, variants: Iterable[str], n_folds: int) -> list[ModelPaths]:
        """The files of all models, variant by variant, fold by fold."""
        return [
            ModelPaths(self.folder, variant, fold)
            for variant in variants
            for fold in range(n_folds)
        ]
