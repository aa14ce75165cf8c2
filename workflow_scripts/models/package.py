"""The packed file: a zip of ONNX files with a manifest and model cards.

It is never unpacked to disk: entries are not compressed, and no entry name becomes a path. All
limits (`limits`) are checked before the first model is read; each model is checked against its
digest.
"""

import hashlib
import io
import json
import os
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, BinaryIO

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset.level import AS_RECORDED, TrainingLevel
from workflow_scripts.errors import UserError
from workflow_scripts.models import limits, onnx_file
from workflow_scripts.models.limits import (
    LARGEST_MANIFEST,
    LARGEST_PACKAGE,
    MOST_MODELS,
)
from workflow_scripts.models.metadata import Metadata, NotOurModelError
from workflow_scripts.models.onnx_file import Outline, TrainedNetwork
from workflow_scripts.models.stretch import Stretch, TruncatedError
from workflow_scripts.models.zip_entries import LOCAL_SIGNATURE, Entries

MANIFEST = "manifest.json"
CONTENT = "musically motivated CNNs"
VERSION = 1
CARD = "MODEL_CARD.md"
DIFFERENT_FRONT_ENDS = "has models with different front ends, whose inputs differ"
# The time of all entries, the earliest in a zip: the same models give the same bytes.
TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Model:
    """A trained model, read from its ONNX file, and the content of that file."""

    trained: TrainedNetwork
    onnx: bytes

    @property
    def metadata(self) -> Metadata:
        """The metadata of the model."""
        return self.trained.metadata


@dataclass(frozen=True)
class Package:
    """Models that predict together: one or more folds of one or more variants.

    All have the same data set, classes and front end.
    """

    models: tuple[Model, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in the order of the outputs."""
        return self.models[0].metadata.classes

    @property
    def level(self) -> TrainingLevel | None:
        """The level of the training tracks of all models; None if no model has one."""
        return level_of([model.metadata for model in self.models])

    def variants(self) -> dict[str, list[Model]]:
        """The models by variant."""
        variants: dict[str, list[Model]] = {}
        for model in self.models:
            variants.setdefault(model.metadata.variant, []).append(model)
        return variants


def together(files: Sequence[bytes]) -> Package:
    """The models in ONNX files, to predict together.

    Raises NotOurModelError if a file is not a model, if data sets, classes, front ends or the
    networks of a variant differ, or if they exceed a limit together.
    """
    _check_together([onnx_file.outline(Stretch.of(data)) for data in files])
    return Package(tuple(Model(onnx_file.read(data), data) for data in files))


def level_of(models: Sequence[Metadata]) -> TrainingLevel | None:
    """The level of the training tracks of all models; None if no model has one."""
    known = [metadata.level for metadata in models if metadata.level]
    return reduce(TrainingLevel.together, known) if known else None


def _input_level(metadata: Metadata) -> str:
    return metadata.level.input if metadata.level else AS_RECORDED


def write(path: Path, package: Package, cards: Mapping[str, str]) -> None:
    """Write the models, and the model card of each variant in `cards`, to one file."""
    files = {_name(model.metadata): model.onnx for model in package.models}
    first = package.models[0].metadata
    manifest = {
        "content": CONTENT,
        "version": VERSION,
        "dataset": first.dataset,
        "classes": package.classes,
        "front_end": first.method()["front_end"],
        "vote": first.method()["vote"],
        "models": [
            {"file": name, "variant": variant, "sha256": digest_of(files[name])}
            for variant, models in package.variants().items()
            for name in (_name(model.metadata) for model in models)
        ],
    }
    texts = {MANIFEST: json.dumps(manifest, indent=1).encode()}
    texts |= {f"{variant}/{CARD}": card.encode() for variant, card in cards.items()}
    with atomic(path) as partial:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, data in (texts | files).items():
                archive.writestr(zipfile.ZipInfo(name, TIME), data)
        # In one piece: on a full disk, closing a zip file would print a traceback.
        partial.write_bytes(file.getbuffer())


def read(path: Path) -> Package:
    """The models of a packed file or of a single ONNX file, all in memory.

    Raises UserError if it does not exist, is damaged, has changed, exceeds a limit or is another
    kind of file.
    """
    return Package(tuple(models_of(path)))


def check(path: Path) -> None:
    """Raise UserError where `read` would, with one model in memory at a time."""
    # A loop would hold the previous model while the next is read.
    deque(models_of(path), maxlen=0)


def models_of(path: Path) -> Iterator[Model]:
    """The models of a packed file or of a single ONNX file, one at a time.

    Raises UserError as `read`. All limits are checked before the first model is read.
    """
    with _refusing(path), path.open("rb") as file:
        listed = _listed(file)
        _check_together([outline for _, outline, _ in listed])
        for content, _, digest in listed:
            yield _model(content, digest)


def _model(content: Stretch, digest: str | None) -> Model:
    data = content.read()
    if digest not in (None, digest_of(data)):
        raise NotOurModelError("is damaged or has been changed")
    return Model(onnx_file.read(data), data)


def digest_of(data: bytes) -> str:
    """The SHA-256 of an ONNX file, as in the manifest."""
    return hashlib.sha256(data).hexdigest()


def _name(metadata: Metadata) -> str:
    """The name of a model's entry."""
    return f"{metadata.variant}/fold-{metadata.fold}.onnx"


def _check_together(outlines: Sequence[Outline]) -> None:
    """Raise NotOurModelError unless the models can predict together."""
    if not 0 < len(outlines) <= MOST_MODELS:
        raise NotOurModelError(f"has {len(outlines)} models, not 1 to {MOST_MODELS}")
    first = outlines[0].metadata
    networks: dict[str, dict[str, Any]] = {}
    for metadata in (outline.metadata for outline in outlines):
        if (metadata.classes, metadata.dataset) != (first.classes, first.dataset):
            raise NotOurModelError("has models of different data sets")
        if metadata.front_end != first.front_end:
            raise NotOurModelError(DIFFERENT_FRONT_ENDS)
        if _input_level(metadata) != _input_level(first):
            raise NotOurModelError("has models with and without normalised level")
        if networks.setdefault(metadata.variant, metadata.network) != metadata.network:
            raise NotOurModelError(f"has different networks under the name {metadata.variant}")
    try:
        limits.check_parameters(sum(o.network.n_parameters() for o in outlines))
        rate = first.front_end.frame_rate
        limits.check_operations(sum(limits.operations(o.network, rate) for o in outlines))
        of_variants = {o.metadata.variant: o.network for o in outlines}.values()
        limits.check_probabilities(sum(limits.probabilities(n, rate) for n in of_variants))
    except limits.TooLargeError as reason:
        raise NotOurModelError(f"is too large: {reason}") from None


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn the reasons why a model file cannot be used into a UserError."""
    try:
        if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises for some names.
            raise UserError(f"the model {path} is not a file; check the path")
        yield
    except NotOurModelError as reason:
        raise UserError(f"the model {path} {reason}; use one made by `make model`") from None
    except OSError as failure:
        raise UserError(f"cannot read the model {path}: {failure.strerror}") from None
    # The sizes have been checked.
    except TruncatedError:
        raise UserError(f"the model {path} became shorter while it was read; try again") from None


def _listed(file: BinaryIO) -> list[tuple[Stretch, Outline, str | None]]:
    """Each model: its content, its outline, and its digest where there is a manifest."""
    size = os.fstat(file.fileno()).st_size
    if size > LARGEST_PACKAGE:
        raise NotOurModelError("is larger than 4 GiB")
    if file.read(len(LOCAL_SIGNATURE)) != LOCAL_SIGNATURE:
        content = Stretch(file, 0, size)
        return [(content, onnx_file.outline(content), None)]
    try:
        return _listed_in_zip(Entries.of(file, size))
    # A damaged file can raise any exception.
    except (NotOurModelError, OSError):
        raise
    except Exception:
        raise NotOurModelError("is damaged or truncated") from None


def _listed_in_zip(entries: Entries) -> list[tuple[Stretch, Outline, str | None]]:
    stored = entries.contents([MANIFEST])[MANIFEST]
    if stored.size > LARGEST_MANIFEST:
        raise NotOurModelError(f"has a manifest of over {LARGEST_MANIFEST >> 20} MiB")
    manifest = json.loads(stored.read())
    if (manifest["content"], manifest["version"]) != (CONTENT, VERSION):
        raise NotOurModelError("is not a packed model of this version")
    if not 0 < len(manifest["models"]) <= MOST_MODELS:
        raise NotOurModelError(f"lists {len(manifest['models'])} models, not 1 to {MOST_MODELS}")
    digests = {model["file"]: str(model["sha256"]) for model in manifest["models"]}
    if len(digests) != len(manifest["models"]):
        raise NotOurModelError("lists a model twice")
    listed: list[tuple[Stretch, Outline, str | None]] = []
    for name, content in entries.contents(digests).items():
        outline = onnx_file.outline(content)
        if name != _name(outline.metadata):
            raise NotOurModelError("is damaged or has been changed")
        # At once: to check an unusual front end takes memory.
        if listed and outline.metadata.front_end != listed[0][1].metadata.front_end:
            raise NotOurModelError(DIFFERENT_FRONT_ENDS)
        listed.append((content, outline, digests[name]))
    return listed
