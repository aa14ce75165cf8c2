"""The packed file: a zip of ONNX files with a manifest and model cards.

It is never unpacked to disk: entries are not compressed, no entry name becomes a path, and each
model is checked against its digest and then by `onnx_file.read`.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset.level import AS_RECORDED, TrainingLevel
from workflow_scripts.errors import UserError
from workflow_scripts.models import onnx_file
from workflow_scripts.models.metadata import Metadata
from workflow_scripts.models.onnx_file import NotOurModelError, TrainedNetwork

MANIFEST = "manifest.json"
CONTENT = "musically motivated CNNs"
VERSION = 1
# Limits in bytes. The ten folds of the paper's twelve networks take 0.3 GB.
LARGEST, LARGEST_MANIFEST = 1 << 32, 1 << 20
MOST_MEMBERS = 512
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

    All have the same data set and classes.
    """

    models: tuple[Model, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names in the order of the outputs."""
        return self.models[0].metadata.classes

    @property
    def level(self) -> TrainingLevel | None:
        """The level of the training tracks of all models; None if no model has one."""
        known = [model.metadata.level for model in self.models if model.metadata.level]
        return reduce(TrainingLevel.together, known) if known else None

    def variants(self) -> dict[str, list[Model]]:
        """The models by variant."""
        variants: dict[str, list[Model]] = {}
        for model in self.models:
            variants.setdefault(model.metadata.variant, []).append(model)
        return variants


def together(files: Sequence[bytes]) -> Package:
    """The models in ONNX files, to predict together.

    Raises NotOurModelError if a file is not a model, or if data sets, classes or the networks of a
    variant differ.
    """
    models = [Model(onnx_file.read(data), data) for data in files]
    first = models[0].metadata
    networks: dict[str, dict[str, Any]] = {}
    for metadata in (model.metadata for model in models):
        if (metadata.classes, metadata.dataset) != (first.classes, first.dataset):
            raise NotOurModelError("has models of different data sets")
        if _input_level(metadata) != _input_level(first):
            raise NotOurModelError("has models with and without normalised level")
        if networks.setdefault(metadata.variant, metadata.network) != metadata.network:
            raise NotOurModelError(f"has different networks under the name {metadata.variant}")
    return Package(tuple(models))


def _input_level(metadata: Metadata) -> str:
    return metadata.level.input if metadata.level else AS_RECORDED


def write(path: Path, package: Package, cards: Mapping[str, str]) -> None:
    """Write the models, and the model card of each variant in `cards`, to one file."""
    entries: dict[str, bytes] = {}
    for model in package.models:
        entries[f"{model.metadata.variant}/fold-{model.metadata.fold}.onnx"] = model.onnx
    manifest = {
        "content": CONTENT,
        "version": VERSION,
        "dataset": package.models[0].metadata.dataset,
        "classes": package.classes,
        "front_end": package.models[0].metadata.front_end,
        "models": [{"file": name, "sha256": digest_of(data)} for name, data in entries.items()],
    }
    texts = {MANIFEST: json.dumps(manifest, indent=1).encode()}
    texts |= {f"{variant}/MODEL_CARD.md": card.encode() for variant, card in cards.items()}
    with atomic(path) as partial:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, data in (texts | entries).items():
                archive.writestr(zipfile.ZipInfo(name, TIME), data)
        # In one piece: on a full disk, closing a zip file would print a traceback.
        partial.write_bytes(file.getbuffer())


def read(path: Path) -> Package:
    """Read a packed file or a single ONNX file.

    Raises UserError if it does not exist, is damaged, has changed or is another kind of file.
    """
    try:
        if not os.path.isfile(path):  # noqa: PTH113 - Path.is_file raises for some names.
            raise UserError(f"the model {path} is not a file; check the path")
        if path.stat().st_size > LARGEST:
            raise NotOurModelError(f"is larger than {LARGEST >> 30} GiB")
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            files = _read_zip(file) if packed else [file.read()]
        return together(files)
    except NotOurModelError as reason:
        raise UserError(f"the model {path} {reason}; use one made by `make model`") from None
    except OSError as failure:
        raise UserError(f"cannot read the model {path}: {failure.strerror}") from None


def digest_of(data: bytes) -> str:
    """The SHA-256 of an ONNX file, as in the manifest."""
    return hashlib.sha256(data).hexdigest()


def _read_zip(file: Any) -> list[bytes]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            manifest = json.loads(_bytes(archive, entries[MANIFEST], LARGEST_MANIFEST))
            if (manifest["content"], manifest["version"]) != (CONTENT, VERSION):
                raise NotOurModelError("is not a packed model of this version")
            listed = {entry["file"]: entry["sha256"] for entry in manifest["models"]}
            if not 0 < len(listed) <= MOST_MEMBERS:
                raise NotOurModelError(f"lists {len(listed)} models, not 1 to {MOST_MEMBERS}")
            # Overlapping entries would make a small file fill the memory.
            if sum(entries[name].file_size for name in listed) > os.fstat(file.fileno()).st_size:
                raise NotOurModelError("is damaged or truncated")
            files = []
            for name, digest in listed.items():
                data = _bytes(archive, entries[name], entries[name].file_size)
                if digest_of(data) != digest:
                    raise NotOurModelError("is damaged or has been changed")
                files.append(data)
            return files
    except (NotOurModelError, OSError):
        raise
    # A damaged file can make the library raise any exception.
    except Exception:
        raise NotOurModelError("is damaged or truncated") from None


def _bytes(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, largest: int) -> bytes:
    """The content of an uncompressed entry of at most `largest` bytes."""
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > largest:
        raise NotOurModelError("is not a packed model of this version")
    if entry.file_size != entry.compress_size:
        raise NotOurModelError("is damaged or truncated")
    return archive.read(entry)
