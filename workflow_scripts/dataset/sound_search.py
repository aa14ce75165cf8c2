"""Find tracks of one recording by their sound."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.dataset import fingerprints
from workflow_scripts.dataset.candidates import candidates
from workflow_scripts.dataset.sets import Sets
from workflow_scripts.dataset.similarity import Match, Profile

# Of 748 made copies (MP3 at 64 and 128 kbit/s, Ogg, 8 kHz, -12 dB, shifted, cut, and two of these)
# none scores less than 0.93. Of 5 700 pairs of different recordings none scores more than 0.906,
# although some are one pattern, played twice on one drum kit. Two such takes score 0.927 if one is
# cut to 20 s: they are doubtful because they repeat themselves.
REPLICA, DOUBTFUL = 0.92, 0.91
# A track that repeats itself resembles another one made of its loop as much as it resembles itself.
AS_SIMILAR = 0.02
# Less in common than this says too little.
SHORTEST = round(5 * PAPERS.frame_rate)
# And less of the longer track: a mix must not join all tracks that are played in it.
LEAST_OF_LONGER = 0.1
# A loop is nevertheless a copy if its score is this and it starts and ends at the same place, up to
# so many frames that encoders add.
SAME_LOOP, SAME_PLACE = 0.98, 8
# A track is compared until so many comparisons have found nothing new of it.
MOST_IN_VAIN = 20
# Profiles in memory: 1 MB for each track of 30 s.
HELD = 64


def similar(
    n_tracks: int, energies: Callable[[int], np.ndarray], folder: Path
) -> Iterator[tuple[int, int, float, bool]]:
    """Pairs of tracks that sound alike: first < second, score, and whether they are replicas.

    `energies` returns the energies of a track, see `comparable.comparable`. Pairs that are not
    replicas are doubtful. Large sets of replicas are not compared pair by pair, but all are linked.
    Temporary files are in `folder`.
    """
    prints = (fingerprints.fingerprint(energies(track), track) for track in range(n_tracks))
    pairs = candidates(prints, folder)
    profile = lru_cache(HELD)(lambda track: Profile(energies(track)))
    sets, in_vain = Sets(n_tracks), np.zeros(n_tracks, int)
    for first, second in zip(pairs["first"].tolist(), pairs["second"].tolist(), strict=True):
        # One of them is enough: a new copy must find a set whose tracks have all been compared.
        if min(in_vain[first], in_vain[second]) >= MOST_IN_VAIN:
            continue
        match = profile(first).match(profile(second))
        replica = match.score >= REPLICA and is_certain(match, profile(first), profile(second))
        if not (replica and sets.join(first, second)):
            in_vain[[first, second]] += 1
        if match.score >= DOUBTFUL:
            yield first, second, match.score, replica


def is_certain(match: Match, first: Profile, second: Profile) -> bool:
    """Whether tracks that match must be of one recording.

    A part of a few seconds may be similar by chance. Tracks made of one loop match too: if a track
    repeats itself, a replica must be almost equal and start and end at the same place.
    """
    longer = max(first.n_frames, second.n_frames)
    if match.n_frames < max(SHORTEST, LEAST_OF_LONGER * longer):
        return False
    apart = max(abs(match.lag), abs(first.n_frames - second.n_frames))
    same_loop = match.score >= SAME_LOOP and apart <= SAME_PLACE
    loop = match.score - AS_SIMILAR
    return same_loop or (
        first.resemblance_to_itself() < loop and second.resemblance_to_itself() < loop
    )
