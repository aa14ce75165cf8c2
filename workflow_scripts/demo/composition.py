"""Compose demo tracks: a dance's rhythm with a random key, tempo and arrangement."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from workflow_scripts.demo.dances import TEMPO_RANKS, TRACKS_A_DANCE, Dance

STRENGTH = {"X": 1.0, "x": 0.7, "o": 0.35}
# Percussion that may join in any dance: a stroke on each beat and a soft one after it.
GUESTS = ("hat", "ride", "shaker", "maracas", "brush", "tamborim")
MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 11)


@dataclass(frozen=True)
class Note:
    """One sound of `player`, a key of DRUMS or TIMBRES.

    `start` and `duration` are in seconds; `pitch` is a MIDI number, None for drums; `loudness` is a
    factor of the amplitude.
    """

    start: float
    duration: float
    player: str
    pitch: int | None
    loudness: float


@dataclass(frozen=True)
class Score:
    """A composed track; `bpm` is an integer, as in the Ballroom annotations."""

    bpm: int
    notes: list[Note]


@dataclass(frozen=True)
class _Arrangement:
    """The choices that are fixed for one track."""

    key: int
    scale: tuple[int, ...]
    progression: list[int]
    bass: str
    chords: str
    melodies: list[str]
    chord_player: str
    melody_player: str
    bass_player: str
    drums: dict[str, str]
    levels: dict[str, float]


def compose(dance: Dance, number: int, seconds: float, rng: np.random.Generator) -> Score:
    """Track `number` (0 ... TRACKS_A_DANCE - 1) of a dance, `seconds` long.

    Each track draws its tempo from its own tenth of the dance's tempo distribution. The track
    starts at a random position in the bar.
    """
    rank = (number + rng.random()) / TRACKS_A_DANCE
    bpm = round(float(np.interp(rank, TEMPO_RANKS, dance.tempi)))
    arrangement = _arrange(dance, rng)
    bar = dance.beats * 60 / bpm
    start = -rng.random() * bar
    n_bars = int(np.ceil((seconds - start) / bar))
    notes = []
    for number_of_bar in range(n_bars):
        for note in _bar(dance, arrangement, number_of_bar, bar, rng):
            at = start + number_of_bar * bar + note.start + rng.normal(0, 0.004)
            if 0 <= at < seconds:
                notes.append(Note(at, note.duration, note.player, note.pitch, note.loudness))
    return Score(bpm, notes)


def _arrange(dance: Dance, rng: np.random.Generator) -> _Arrangement:
    # A drum may be missing and a guest may join, so that no single sound identifies a dance.
    drums = dict(dance.drums)
    if len(drums) > 3 and rng.random() < 0.7:
        del drums[rng.choice(list(drums))]
    guest = rng.choice(GUESTS)
    if rng.random() < 0.7:
        drums[guest] = ("x.o." if dance.steps == 4 else "x.o") * dance.beats
    parts = [*drums, "bass", "chords", "melody"]
    return _Arrangement(
        key=int(rng.integers(-5, 7)),
        scale=MINOR if rng.random() < dance.minor else MAJOR,
        progression=[int(degree) - 1 for degree in rng.choice(dance.progressions)],
        bass=rng.choice(dance.bass),
        chords=rng.choice(dance.chords),
        melodies=list(rng.permutation(dance.melodies)),
        chord_player=rng.choice(dance.chord_players),
        melody_player=rng.choice(dance.melody_players),
        bass_player=rng.choice(["upright_bass", "electric_bass"]),
        drums=drums,
        levels={part: float(rng.uniform(0.6, 1.1)) for part in parts},
    )


def _bar(
    dance: Dance, arrangement: _Arrangement, number: int, bar: float, rng: np.random.Generator
) -> Iterator[Note]:
    """The notes of one bar; their times are relative to the start of the bar."""
    step = bar / (dance.beats * dance.steps)
    degree = arrangement.progression[number // dance.bars_a_chord % len(arrangement.progression)]
    phrase, place = divmod(number, 8)
    levels = arrangement.levels

    fill = place == 7 and rng.random() < 0.7
    for drum, pattern in arrangement.drums.items():
        for i, stroke, _ in _strokes(pattern, number, dance):
            loudness = STRENGTH[stroke] * levels[drum] * rng.uniform(0.85, 1.0)
            yield Note(i * step, step, drum, None, loudness)
    if fill and "snare" in arrangement.drums:
        for i in range((dance.beats - 1) * dance.steps, dance.beats * dance.steps):
            yield Note(i * step, step, "snare", None, 0.6 * levels["snare"])

    for i, stroke, held in _strokes(arrangement.bass, number, dance):
        pitch = 36 + arrangement.key + _pitch(arrangement.scale, degree, int(stroke) - 1)
        loudness = 0.8 * levels["bass"] * rng.uniform(0.85, 1.0)
        length = min(held, 2 * dance.steps) * step
        yield Note(i * step, 0.9 * length, arrangement.bass_player, pitch, loudness)

    for i, stroke, held in _strokes(arrangement.chords, number, dance):
        length = min(held, dance.steps) * step
        loudness = 0.4 * STRENGTH[stroke] * levels["chords"] * rng.uniform(0.85, 1.0)
        for third in (0, 2, 4):
            pitch = _near(60, arrangement.key + _pitch(arrangement.scale, degree, third))
            yield Note(i * step, 0.8 * length, arrangement.chord_player, pitch, loudness)

    # A phrase has eight bars; the melody rests in the last two of every second phrase.
    melody = arrangement.melodies[phrase % len(arrangement.melodies)]
    if place >= 6 and phrase % 2:
        return
    walk = 0
    for i, _, held in _strokes(melody, number, dance):
        walk += int(rng.choice([-2, -1, 1, 2]))
        chord_tone = degree + (0, 2, 4)[walk % 3] if i == 0 else degree + walk % 7
        pitch = 72 + arrangement.key % 12 - 6 + _pitch(arrangement.scale, chord_tone, 0)
        loudness = 0.6 * levels["melody"] * rng.uniform(0.8, 1.0)
        yield Note(i * step, 0.95 * held * step, arrangement.melody_player, pitch, loudness)


def _strokes(pattern: str, bar: int, dance: Dance) -> Iterator[tuple[int, str, int]]:
    """Yield (step in the bar, stroke, its length in steps) for each stroke of the bar."""
    length = dance.beats * dance.steps
    first = bar * length % len(pattern)
    for i in range(first, first + length):
        if pattern[i] in ".-":
            continue
        held = 1
        # In patterns without "-", a stroke lasts until the next one.
        held_by = "-" if "-" in pattern else ".-"
        while i + held < len(pattern) and pattern[i + held] in held_by:
            held += 1
        yield i - first, pattern[i], held


def _pitch(scale: tuple[int, ...], degree: int, above: int) -> int:
    """Semitones from the key note to the note `above` scale steps above a degree."""
    octave, place = divmod(degree + above, len(scale))
    return 12 * octave + scale[place]


def _near(centre: int, pitch: int) -> int:
    """`pitch`, moved by octaves into the range from `centre` - 6 to `centre` + 5."""
    return centre - 6 + (pitch - centre + 6) % 12
