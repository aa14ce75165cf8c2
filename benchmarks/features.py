"""Time the mel-spectrogram of a 30 s track: ours, Essentia's standard mode, librosa's.

One thread, warm, from the file to the array. The contenders run in turns, and their medians are
compared: our extraction (ours); Essentia's usual loop over frames in Python (essentia_standard);
librosa.load with soundfile's decoder, then librosa.feature.melspectrogram (librosa). librosa uses
precomputed copies of Essentia's window and filters, since its own triangles are linear in Hz.
Before the timing the results are compared: ours and essentia_standard must be identical, librosa
within 1e-5 of the largest band for lossless formats.

Then the step `extract_mel` runs on one track and on many, and its peak memory is printed.

    python benchmarks/features.py [--rounds 15] [--tracks 200] [--json FILE]

Requires librosa: make env DEV=1.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["NUMBA_NUM_THREADS"] = "1"

import essentia.standard as essentia
import librosa
import numpy as np
import pandas as pd
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.weighing import measure
from tests import mel_oracle
from tests.papers import mel_bands
from workflow_scripts import checked_tables
from workflow_scripts.audio.parameters import PAPERS, SAMPLE_RATE
from workflow_scripts.audio.wav import write_wav
from workflow_scripts.dataset.track_tables import TRACKS
from workflow_scripts.demo.composition import compose
from workflow_scripts.demo.dances import DANCES
from workflow_scripts.demo.synthesiser import perform

SECONDS = 30
LOSSLESS = ("wav", "flac")
FORMATS = (*LOSSLESS, "mp3")
TOLERANCE = 1e-5

Contender = Callable[[Path], np.ndarray]


def essentia_standard(audio: Path) -> np.ndarray:
    """Essentia's algorithms, called frame by frame."""
    window = essentia.Windowing(type="blackmanharris62")
    spectrum = essentia.Spectrum(size=PAPERS.frame_size)
    bands = essentia.MelBands(
        numberBands=PAPERS.n_bands, sampleRate=SAMPLE_RATE, inputSize=PAPERS.frame_size // 2 + 1
    )
    sound = essentia.MonoLoader(filename=str(audio), sampleRate=SAMPLE_RATE)()
    frames = essentia.FrameGenerator(sound, frameSize=PAPERS.frame_size, hopSize=PAPERS.hop_size)
    return np.array([bands(spectrum(window(frame))) for frame in frames])


def with_librosa() -> Contender:
    """librosa's mel-spectrogram with Essentia's parameters."""
    window = mel_oracle.window().astype(np.float32)
    filters = mel_oracle.filters().astype(np.float32)
    librosa.filters.mel = lambda **_: filters

    def bands(audio: Path) -> np.ndarray:
        sound, rate = librosa.load(audio, sr=None)
        return librosa.feature.melspectrogram(
            y=sound,
            sr=rate,
            n_fft=PAPERS.frame_size,
            hop_length=PAPERS.hop_size,
            window=window,
            pad_mode="constant",
        ).T

    return bands


def make_tracks(folder: Path) -> dict[str, Path]:
    """One demo track in each format."""
    rng = np.random.default_rng(0)
    sound = perform(compose(next(iter(DANCES.values())), 0, SECONDS, rng), SECONDS, rng)
    tracks = {name: folder / f"track.{name}" for name in FORMATS}
    write_wav(tracks["wav"], sound)
    for name in FORMATS[1:]:
        soundfile.write(tracks[name], soundfile.read(tracks["wav"])[0], SAMPLE_RATE)
    return tracks


def check(contenders: dict[str, Contender], audio: Path, lossless: bool) -> None:
    """Exit if the results differ."""
    ours, standard, librosas = (contender(audio) for contender in contenders.values())
    if ours.tobytes() != standard.tobytes():
        raise SystemExit(f"{audio.name}: ours differs from Essentia's standard mode")
    # Decoders differ for mp3. librosa has no frame centred after the end of the sound.
    if lossless:
        error = np.abs(ours[: len(librosas)] - librosas).max() / ours.max()
        if len(ours) - len(librosas) not in (0, 1) or error > TOLERANCE:
            raise SystemExit(f"{audio.name}: librosa differs by {error:.1e} of the largest band")


def take_turns(contenders: dict[str, Contender], audio: Path, rounds: int) -> dict[str, float]:
    """Median seconds per track of each contender; the first round is a warm-up."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(rounds + 1):
        for name, contender in contenders.items():
            started = time.perf_counter()
            contender(audio)
            if turn:
                times[name].append(time.perf_counter() - started)
    return {name: float(np.median(durations)) for name, durations in times.items()}


def peak_memory(audio: Path, n_tracks: int) -> float:
    """Peak memory in MB of the step that extracts `n_tracks` copies of this audio."""
    digests = [f"{number:064x}" for number in range(n_tracks)]
    tracks, shard = audio.with_name("tracks.csv"), audio.with_name("shard.txt")
    table = pd.DataFrame({"digest": digests, "path": str(audio)})
    checked_tables.write(tracks, table, TRACKS)
    shard.write_text("\n".join(digests))
    step = [sys.executable, "-m", "workflow_scripts.steps.extract_mel", "--tracks", tracks]
    step += ["--shard", shard, "--features", audio.with_name("features.npy")]
    return measure(*step).megabytes


def main() -> None:
    """Print the table; with --json write the row of the wav file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--tracks", type=int, default=200, help="for the peak memory")
    parser.add_argument("--json", type=Path, help="file for the seconds per wav track")
    options = parser.parse_args()
    contenders: dict[str, Contender] = {
        "ours": mel_bands,
        "essentia_standard": essentia_standard,
        "librosa": with_librosa(),
    }
    with tempfile.TemporaryDirectory() as folder:
        tracks = make_tracks(Path(folder))
        print(f"Seconds per track of {SECONDS} s, multiple of real time, speed-up of ours")
        print(f"{'format':<8}{'contender':<18}{'seconds':>9}{'real time':>11}{'ours':>8}")
        rows = {}
        for name, audio in tracks.items():
            check(contenders, audio, name in LOSSLESS)
            rows[name] = take_turns(contenders, audio, options.rounds)
            for contender, median in rows[name].items():
                print(
                    f"{name:<8}{contender:<18}{median:>9.4f}{SECONDS / median:>11.0f}"
                    f"{median / rows[name]['ours']:>8.2f}",
                    flush=True,
                )
        memory = {n: peak_memory(tracks["wav"], n) for n in (1, options.tracks)}
    for n, megabytes in memory.items():
        print(f"Peak memory of the step extract_mel, {n} tracks: {megabytes:.0f} MB")
    if options.json:
        row = rows["wav"] | {"peak_memory_mb": memory[options.tracks]}
        options.json.write_text(json.dumps(row, indent=2) + "\n")


if __name__ == "__main__":
    main()
