"""Run the labeller on mutated model files and audio, and the listing on odd folders.

    python -m tests.fuzz [--rounds 4000] [--seed 0]

A third of the rounds mutate model files: the bytes of a packed file, of its manifest, of its list
of entries, or of an ONNX file, alone or packed with its new digest, as an attacker would pack it;
the values in the metadata, or the sizes of fields, so that the file stays well-formed. A model may
take at most LARGEST_PEAK of memory. Another third mutate audio in every format in FORMATS, in Ogg
that starts late, in MP4, and as MP3 in WAV. The last third list folders of music with special
files. A worker process uses each file, as in `commands.label`. Allowed outcomes are a prediction, a
refusal with a reason and, for audio, a crash of the worker, which is reported as a refusal. Any
other outcome is a failure, for example another exception, a crash because of a model, a time above
TIME_LIMIT, or more memory than MEMORY_LIMIT. Files that cause failures are kept.
"""

import argparse
import json
import resource
import sys
import tempfile
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import soundfile

from tests import model_files
from tests.audio_files import late_ogg, mp3_in_wav, mp4
from tests.conftest import clicks, short_network
from tests.fuzz_folders import Folders
from tests.model_files import CLASSES, onnx_of, written
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.worker import Worker
from workflow_scripts.errors import UserError
from workflow_scripts.labelling import label_tracks
from workflow_scripts.models import package
from workflow_scripts.models.runtime import Ensemble

# Seconds, 100 times as long as any file here takes.
TIME_LIMIT = 30
# Megabytes of a worker that uses models, and of any worker.
LARGEST_PEAK = 1000
MEMORY_LIMIT = 1500
# Values for the metadata and the manifest: too large, too many, too deep, of another type.
ODD_VALUES = (
    *(None, True, -1, 0, 1, 7, 1 << 31, 1 << 62, 1 << 100, 0.5, 1e300, float("nan"), "", " ", "x"),
    *("=1+1", "../x", "\n", "\u200b", "x" * 10_000, [], {}, [[]] * 1000, ["a", "a"], [1] * 5000),
    *([80, 1], [1, 1], [40, 80], 200, 5000, 100_000, {"a": 1}, ["a", "b", "c"]),
)
# A varint that says so, of sizes of fields: none, many bytes, more than there are, endless.
ODD_SIZES = (b"\0", b"\x80\x01", b"\xff\xff\xff\x7f", b"\xff" * 9 + b"\x01", b"\xff" * 11)
SECONDS = 4
FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "float.wav": ("WAV", "FLOAT"),
    "adpcm.wav": ("WAV", "IMA_ADPCM"),
    "gsm.wav": ("WAV", "GSM610"),
    "w64": ("W64", "PCM_16"),
    "flac": ("FLAC", None),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", None),
    "aiff": ("AIFF", None),
    "caf": ("CAF", None),
    "au": ("AU", None),
    "g721.au": ("AU", "G721_32"),
}
# Codecs of telephones: mono, 8 kHz.
SPEECH = ("gsm.wav", "g721.au")
EXTREMES = (
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\0\0\0\x80",
    b"\x7f\xff\xff\xff",
)
# The bytes in which formats have their headers.
HEAD = 256
CRASHED = "the decoder crashes on it"
LATE = "takes longer than"


def mutated(rng, data, others):
    """`data` after one to four random edits."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        size = max(len(data), 1)
        place = int(rng.integers(min(size, HEAD) if rng.random() < 0.5 else size))
        length = int(min(2 ** rng.uniform(0, 14), size))
        match rng.integers(7):
            case 0:
                data[place : place + 1] = bytes([rng.integers(256)])
            case 1:
                data[place : place + 4] = EXTREMES[rng.integers(len(EXTREMES))]
            case 2:
                data[place : place + length] = rng.bytes(length)
            case 3:
                del data[place : place + length]
            case 4:
                data[place:place] = data[:length]
            case 5:
                other = others[rng.integers(len(others))]
                data[place : place + length] = other[place : place + length]
            case 6:
                del data[max(size - length, 0) :]
    return bytes(data)


def odd(rng, value):
    """A JSON value with one of the values in it, or itself, replaced by an odd one."""
    if isinstance(value, dict | list) and value and rng.random() < 0.8:
        keys = list(value) if isinstance(value, dict) else range(len(value))
        key = keys[rng.integers(len(keys))]
        if rng.random() < 0.1:
            del value[key]
        else:
            value[key] = odd(rng, value[key])
        return value
    return ODD_VALUES[rng.integers(len(ODD_VALUES))]


def with_odd_metadata(rng, data):
    """The content of an ONNX file with one to three odd values in its metadata."""
    model = onnx.load_from_string(data)
    for _ in range(rng.integers(1, 4)):
        entry = model.metadata_props[rng.integers(len(model.metadata_props))]
        try:
            entry.value = json.dumps(odd(rng, json.loads(entry.value)))
        except (ValueError, RecursionError):
            entry.value = "[" * 5000
    return model.SerializeToString()


def with_odd_sizes(rng, data):
    """The content of an ONNX file with some numbers before its fields replaced by odd ones."""
    data = bytearray(data)
    fields = [place for place in range(len(data)) if data[place] in (0x0A, 0x3A, 0x2A, 0x4A, 0x72)]
    for _ in range(rng.integers(1, 3)):
        place = fields[rng.integers(len(fields))] + 1
        size = ODD_SIZES[rng.integers(len(ODD_SIZES))]
        data[place : place + rng.integers(1, 4)] = size
    return bytes(data)


def with_odd_directory(rng, data):
    """A packed file with some of the bytes in its list of entries, or in their number, replaced."""
    data = bytearray(data)
    start = data.index(b"PK\x01\x02")
    for _ in range(rng.integers(1, 4)):
        place = int(rng.integers(start, len(data)))
        extreme = EXTREMES[rng.integers(len(EXTREMES))]
        data[place : place + 4] = extreme if rng.random() < 0.7 else data[start : start + 46]
    return bytes(data)


def use_models(path):
    """Apply the models in a file to random energies; raise unless all outputs are finite."""
    rng = np.random.default_rng(0)
    assert peak() < LARGEST_PEAK, "the files before took too much memory"
    ensemble = Ensemble(path)
    energies = rng.random((250, ensemble.front_end.n_bands), np.float32)
    probabilities = ensemble.probabilities(energies)
    assert all(np.isfinite(p).all() for variants in probabilities.values() for p in variants)


def peak():
    """The most memory that this process has had, in megabytes."""
    (line,) = (s for s in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in s)
    return int(line.split()[1]) / 1024


def repacked(path, manifest, entries):
    """Write a packed file of these parts, valid or not."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(package.MANIFEST, manifest)
        for name, data in entries.items():
            archive.writestr(name, data)


class Models:
    """Mutated model files."""

    def __init__(self, folder):
        self._path = folder / "mutated.zip"
        self._onnx = [onnx_of("frequency_32x1", fold) for fold in (0, 1)]
        self._onnx.append(onnx_of("timefrequency"))
        network = short_network({"t": ((96, 4), (1, 10), 4)}, 96, 60, 0, len(CLASSES))
        self._alone = [*self._onnx, written(network, front_end=model_files.SPEECH)]
        packed = folder / "model.zip"
        package.write(packed, package.together(self._onnx), {"frequency_32x1": "# A card\n"})
        self._packed = packed.read_bytes()
        with zipfile.ZipFile(packed) as archive:
            self._manifest = archive.read(package.MANIFEST)
            self._names = [name for name in archive.namelist() if name.endswith(".onnx")]

    def worker(self):
        """A worker that runs `use_models`."""
        return Worker(use_models, TIME_LIMIT)

    def make(self, rng):
        """Write the next file; return what is mutated, and the path."""
        entries = dict(zip(self._names, self._onnx, strict=True))
        match rng.integers(7):
            case 0:
                self._path.write_bytes(mutated(rng, self._packed, self._onnx))
                return "packed file", self._path
            case 1:
                self._path.write_bytes(mutated(rng, self._onnx[0], self._onnx))
                return "single ONNX file", self._path
            case 2:
                repacked(self._path, mutated(rng, self._manifest, self._onnx), entries)
                return "manifest", self._path
            case 3:
                name = self._names[rng.integers(len(self._names))]
                if rng.random() < 0.5:
                    entries[name] = mutated(rng, entries[name], self._onnx)
                else:
                    entries[name] = with_odd_metadata(rng, entries[name])
                manifest = json.loads(self._manifest)
                for listed in manifest["models"]:
                    listed["sha256"] = package.digest_of(entries[listed["file"]])
                repacked(self._path, json.dumps(manifest), entries)
                return "ONNX, packed with its digest", self._path
            case 4:
                data = self._alone[rng.integers(len(self._alone))]
                self._path.write_bytes(with_odd_metadata(rng, data))
                return "values in the metadata", self._path
            case 5:
                data = self._alone[rng.integers(len(self._alone))]
                self._path.write_bytes(with_odd_sizes(rng, data))
                return "sizes of fields", self._path
            case 6:
                self._path.write_bytes(with_odd_directory(rng, self._packed))
                return "list of entries", self._path


class Audio:
    """Mutated audio."""

    def __init__(self, folder):
        self._folder = folder
        self._model = folder / "small.onnx"
        self._model.write_bytes(onnx_of("frequency_32x1"))
        sound = clicks(np.random.default_rng(0), 120, SECONDS)
        stereo = np.stack([sound, sound[::-1]], axis=1)
        self._sounds = {}
        for suffix, (form, subtype) in FORMATS.items():
            path = folder / f"sound.{suffix}"
            rate = 48000 if suffix == "opus" else 8000 if suffix in SPEECH else 44100
            signal = sound if suffix in SPEECH else stereo
            soundfile.write(path, signal, rate, format=form, subtype=subtype)
            self._sounds[suffix] = path.read_bytes()
        for suffix in ("ogg", "opus"):
            self._sounds[f"late.{suffix}"] = late_ogg(self._sounds[suffix], 600 * 48000)
        self._sounds["mp3.wav"] = mp3_in_wav(self._sounds["mp3"])
        self._sounds["late.m4a"] = mp4(sound, film=11, late=2)

    def worker(self):
        """A worker that labels a track, as in `commands.label`."""
        return Worker(partial(label_tracks.label_one, self._model), TIME_LIMIT)

    def make(self, rng):
        """Write the next file; return its format, and the path."""
        suffix = list(self._sounds)[rng.integers(len(self._sounds))]
        path = self._folder / f"mutated.{suffix}"
        path.write_bytes(mutated(rng, self._sounds[suffix], list(self._sounds.values())))
        return suffix, path


def outcome(worker, path):
    """The outcome of a file, in a word or two, and whether it is allowed."""
    try:
        worker(path)
    except NotAudioError as reason:
        if LATE in str(reason):
            return "too late", False
        crashed = CRASHED in str(reason)
        return ("decoder ended", True) if crashed else ("refused", True)
    except UserError as reason:
        return ("refused", "\n" not in str(reason))
    except Exception as failure:
        return type(failure).__name__, False
    return "used", True


def fuzz(kind, rounds, rng, keep):
    """Counts by (what is mutated, outcome), and the files of failures, copied to `keep`."""
    counts, failures = Counter(), []
    with kind.worker() as worker:
        for number in range(rounds):
            mutation, path = kind.make(rng)
            result, allowed = outcome(worker, path)
            if not isinstance(kind, Audio) and result == "decoder ended":
                result, allowed = "process ended", False
            counts[mutation, result] += 1
            if not allowed:
                kept = keep / f"{type(kind).__name__}-{number}-{result}{path.suffix}"
                kept.write_bytes(path.read_bytes())
                failures.append(kept)
    return counts, failures


def main():
    """Run the rounds; print the counts; exit with code 1 after a failure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keep = Path(tempfile.mkdtemp(prefix="fuzz-"))
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for kind in (Models(Path(folder)), Audio(Path(folder)), Folders(Path(folder))):
            rng = np.random.default_rng(options.seed)
            counts, failures = fuzz(kind, options.rounds // 3, rng, keep)
            failed += failures
            outcomes = sorted({result for _, result in counts})
            print(f"{type(kind).__name__:<30}" + "".join(f"{o:>16}" for o in outcomes))
            for mutation in sorted({mutation for mutation, _ in counts}):
                row = "".join(f"{counts[mutation, o]:>16}" for o in outcomes)
                print(f"{mutation:<30}{row}", flush=True)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"largest process: {largest} MB")
    if largest > MEMORY_LIMIT:
        sys.exit(f"a process took more than {MEMORY_LIMIT} MB")
    if failed:
        sys.exit(f"{len(failed)} failures, kept in {keep}")
    keep.rmdir()


if __name__ == "__main__":
    main()
