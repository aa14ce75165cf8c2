"""Segments that filters respond to most: their file, and where a filter responds."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import short_network
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import UserError
from workflow_scripts.interpretation import clips
from workflow_scripts.interpretation.auralisation import place
from workflow_scripts.interpretation.clips import Clip

TRACKS = Tracks.of(
    pd.DataFrame({"track_id": ["a/1", "b/1"], "label": ["a", "b"], "digest": ["0", "1"]}),
    np.array([0, 1]),
)
SOUNDS = pd.DataFrame({"checksum": ["x", "y", "z", "w"]})
RNG = np.random.default_rng(0)
CLIPS = [
    Clip(RNG.random((40, 80), np.float32), (3, 20), (1, 60), 160),
    Clip(RNG.random((40, 80), np.float32), (0, 79), (32, 1), 0),
]


def test_clips_are_read_as_they_were_written(tmp_path):
    clips.write(tmp_path, CLIPS, SOUNDS, TRACKS, (40, 80))
    for found, clip in zip(clips.read(tmp_path, SOUNDS, TRACKS), CLIPS, strict=True):
        assert np.array_equal(found.energies, clip.energies)
        assert (found.place, found.shape) == (clip.place, clip.shape)
        assert found.first_frame == clip.first_frame
    assert CLIPS[0].start(44100 / 1024) == 160 * 1024 / 44100


def test_no_clips(tmp_path):
    none = SOUNDS[:0]
    clips.write(tmp_path, [], none, TRACKS, (40, 80))
    assert clips.read(tmp_path, none, TRACKS) == []


def test_a_missing_a_damaged_and_an_exchanged_file(tmp_path):
    with pytest.raises(UserError, match=r"segments\.npz is missing; remove .* and run snakemake"):
        clips.read(tmp_path, SOUNDS, TRACKS)
    clips.write(tmp_path, CLIPS, SOUNDS, TRACKS, (40, 80))
    with pytest.raises(UserError, match="belongs elsewhere"):
        clips.read(tmp_path, SOUNDS[:2], TRACKS)
    path = tmp_path / clips.FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="is damaged"):
        clips.read(tmp_path, SOUNDS, TRACKS)


class TestPlace:
    def weights(self, shape):
        weight = np.stack([np.zeros(shape), np.ones(shape)]).astype(np.float32)
        return {"t.weight": weight, "t.bias": np.zeros(2, np.float32)}

    @pytest.mark.parametrize(
        ("shape", "pool"), [((1, 60), (40, 1)), ((32, 1), (1, 80)), ((12, 8), (4, 1))]
    )
    def test_is_where_the_filter_covers_what_it_matches(self, shape, pool):
        segment = np.zeros((40, 80), np.float32)
        m, n = shape
        band, frame = min(5, 40 - m), min(13, 80 - n)
        segment[band : band + m, frame : frame + n] = 1
        trunk = short_network({"t": (shape, pool, 2)}).trunks["t"]
        assert place(segment, self.weights(shape), "t", trunk, 1) == (band, frame)

    def test_a_border_that_the_pool_drops_does_not_count(self):
        segment = np.zeros((40, 80), np.float32)
        segment[2, 70:73] = 1
        segment[39, 79] = 9
        # 38 x 80 outputs; fields of 4 x 3 cover 36 x 78 of them.
        trunk = short_network({"t": ((3, 1), (4, 3), 2)}).trunks["t"]
        assert place(segment, self.weights((3, 1)), "t", trunk, 1) == (0, 70)
