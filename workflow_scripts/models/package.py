"""The file in which models are handed over: a zip of ONNX files with what they have in common.

It is read as data and never unpacked: nothing in it is compressed, no name in it becomes a path,
and each model's bytes are checked against their digest and then against what models may be.
"""

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import UserError
from workflow_scripts.models import onnx_file
from workflow_scripts.models.metadata import Metadata
from workflow_scripts.models.onnx_file import NotOurModelError, TrainedNetwork

# Its name among the results.
NAME = "model.zip"
MANIFEST = "manifest.json"
CONTENT = "musically motivated CNNs"
VERSION = 1
# Bytes. All ten folds of the paper's twelve networks take 0.3 GB.
LARGEST, LARGEST_MANIFEST = 1 << 32, 1 << 20
MOST_MEMBERS = 10_000
# Of all entries, so that the same models give the same bytes: the earliest that a zip can tell.
TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Model:
    """One trained model: its network as read from its ONNX file, and the bytes of the file."""

    trained: TrainedNetwork
    onnx: bytes

    @property
    def metadata(self) -> Metadata:
        """What the file says about the model."""
        return self.trained.metadata


@dataclass(frozen=True)
class Package:
    """Models that decide together: those of one or more folds of one or more variants.

    All are of one data set and have the same classes.
    """

    models: tuple[Model, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The class names, in the order of the outputs."""
        return self.models[0].metadata.classes

    def variants(self) -> dict[str, list[Model]]:
        """The models of each variant."""
        variants: dict[str, list[Model]] = {}
        for model in self.models:
            variants.setdefault(model.metadata.variant, []).append(model)
        return variants


def together(files: Sequence[bytes]) -> Package:
    """ONNX files as models that decide together.

    Raises NotOurModelError where one is none, or where they cannot.
    """
    models = [Model(onnx_file.read(data), data) for data in files]
    first = models[0].metadata
    networks: dict[str, dict[str, Any]] = {}
    for metadata in (model.metadata for model in models):
        if (metadata.classes, metadata.dataset) != (first.classes, first.dataset):
            raise NotOurModelError("holds models of different data sets")
        if networks.setdefault(metadata.variant, metadata.network) != metadata.network:
            raise NotOurModelError(f"holds different networks under the name {metadata.variant}")
    return Package(tuple(models))


def write(path: Path, package: Package, cards: Mapping[str, str]) -> None:
    """Write models and the model card of each variant as one file."""
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
    told = {MANIFEST: json.dumps(manifest, indent=1).encode()}
    told |= {f"{variant}/MODEL_CARD.md": card.encode() for variant, card in cards.items()}
    with atomic(path) as partial:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, data in (told | entries).items():
                archive.writestr(zipfile.ZipInfo(name, TIME), data)
        # At once: on a full disk the zip file's own clean-up would print a traceback.
        partial.write_bytes(file.getbuffer())


def read(path: Path) -> Package:
    """A packed file, or a single ONNX file.

    Raises UserError where there is none, or where it is damaged, altered or of another kind.
    """
    try:
        if not os.path.isfile(path):  # noqa: PTH113 - Path's raises for some names.
            raise UserError(f"the model {path} is not a file; check the path")
        if path.stat().st_size > LARGEST:
            raise NotOurModelError(f"is larger than {LARGEST >> 30} GiB")
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
            file.seek(0)
            files = _unpacked(file) if packed else [file.read()]
        return together(files)
    except NotOurModelError as reason:
        raise UserError(f"the model {path} {reason}; take one from `make model`") from None
    except OSError as failure:
        raise UserError(f"cannot read the model {path}: {failure.strerror}") from None


def digest_of(data: bytes) -> str:
    """SHA-256, as the manifest has it of each ONNX file."""
    return hashlib.sha256(data).hexdigest()


def _unpacked(file: Any) -> list[bytes]:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = {entry.filename: entry for entry in archive.infolist()}
            manifest = json.loads(_bytes(archive, entries[MANIFEST], LARGEST_MANIFEST))
            if (manifest["content"], manifest["version"]) != (CONTENT, VERSION):
                raise NotOurModelError("is of another kind or version")
            listed = {entry["file"]: entry["sha256"] for entry in manifest["models"]}
            if not 0 < len(listed) <= MOST_MEMBERS:
                raise NotOurModelError(f"lists {len(listed)} models")
            # Entries may lie over each other.
            if sum(entries[name].file_size for name in listed) > os.fstat(file.fileno()).st_size:
                raise NotOurModelError("is damaged or truncated")
            files = []
            for name, digest in listed.items():
                data = _bytes(archive, entries[name], entries[name].file_size)
                if digest_of(data) != digest:
                    raise NotOurModelError("is damaged or has been altered")
                files.append(data)
            return files
    except (NotOurModelError, OSError):
        raise
    # Whatever a damaged file makes the library do.
    except Exception:
        raise NotOurModelError("is damaged or truncated") from None


def _bytes(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, largest: int) -> bytes:
    """An entry that lies in the file as it is."""
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > largest:
        raise NotOurModelError("is of another kind or version")
    if entry.file_size != entry.compress_size:
        raise NotOurModelError("is damaged or truncated")
    return archive.read(entry)
