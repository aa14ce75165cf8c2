"""Where the files of an experiment lie in its folder of results; the rules write them there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TABLE_SUFFIXES = (".csv", ".md", ".tex")


@dataclass(frozen=True)
class ModelPaths:
    """The files of the model of one variant and fold."""

    results: Path
    variant: str
    fold: int

    @property
    def folder(self) -> Path:
        """The folder of the trained model."""
        return self.results / "models" / self.variant / f"fold-{self.fold}"

    @property
    def weights(self) -> Path:
        """The best weights."""
        return self.folder / "weights.npz"

    @property
    def history(self) -> Path:
        """A row an epoch."""
        return self.folder / "history.csv"

    @property
    def fit(self) -> Path:
        """The record of the training."""
        return self.folder / "fit.json"

    @property
    def predictions(self) -> Path:
        """A row a test track."""
        return self.results / "predictions" / self.variant / f"fold-{self.fold}.csv"

    @property
    def onnx(self) -> Path:
        """The exported model."""
        return self.results / "onnx" / self.variant / f"fold-{self.fold}.onnx"


@dataclass(frozen=True)
class ResultPaths:
    """The files of the experiment in `folder`, results/NAME."""

    folder: Path

    @property
    def config(self) -> Path:
        """The configuration of the last run."""
        return self.folder / "config.yaml"

    @property
    def checkout(self) -> Path:
        """The name of the checkout that made these results."""
        return self.folder / ".checkout"

    @property
    def adopted(self) -> Path:
        """Results of another checkout that `make adopt` has put aside."""
        return self.folder / ".adopted"

    @property
    def tracks(self) -> Path:
        """All tracks that were found."""
        return self.folder / "tracks.csv"

    @property
    def folds(self) -> Path:
        """The tracks that are used, with their folds."""
        return self.folder / "folds.csv"

    @property
    def skipped(self) -> Path:
        """The tracks that are not used, with their reasons."""
        return self.folder / "skipped.csv"

    @property
    def scaler(self) -> Path:
        """Mean and standard deviation of each fold."""
        return self.folder / "scaler.json"

    @property
    def baselines(self) -> Path:
        """The accuracies of the baselines."""
        return self.folder / "baselines.csv"

    @property
    def tables(self) -> list[Path]:
        """Table I in each format."""
        return [self.folder / f"table1{suffix}" for suffix in TABLE_SUFFIXES]

    @property
    def packed_model(self) -> Path:
        """The models packed to label music."""
        return self.folder / "model.zip"

    def card(self, variant: str) -> Path:
        """The model card of a variant."""
        return self.folder / "onnx" / variant / "MODEL_CARD.md"

    def model(self, variant: str, fold: int) -> ModelPaths:
        """The files of one model."""
        return ModelPaths(self.folder, variant, fold)

    def models(self, variants: Iterator[str] | list[str], n_folds: int) -> list[ModelPaths]:
        """The files of all models, variant by variant, fold by fold."""
        return [self.model(variant, fold) for variant in variants for fold in range(n_folds)]
