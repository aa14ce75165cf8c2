"""Content digests of files, and their cache."""

import hashlib
import os

import numpy as np
import pytest

from tests.audio_folders import HOSTILE, touch
from workflow_scripts.dataset import shards
from workflow_scripts.dataset.digests import digests


class TestDigests:
    def test_digests_are_the_sha256_of_the_content(self, tmp_path):
        touch(tmp_path, "x", "y")
        found = digests([str(tmp_path / n) for n in "xy"], 2, tmp_path / "cache.csv")
        assert found == [hashlib.sha256(n.encode()).hexdigest() for n in "xy"]

    def settled(self, folder, *names):
        """Files with an old modification time."""
        touch(folder, *names)
        for name in names:
            os.utime(folder / name, ns=(0, 10**18))
        return [str(folder / name) for name in names]

    def test_a_file_is_read_once(self, tmp_path, monkeypatch):
        paths, cache = self.settled(tmp_path, "x", "y"), tmp_path / "cache.csv"
        read = []
        original = hashlib.file_digest
        monkeypatch.setattr(
            hashlib, "file_digest", lambda f, n: (read.append(f.name), original(f, n))[1]
        )
        first = digests(paths, 1, cache)
        assert read == paths
        assert digests(paths, 1, cache) == first and read == paths
        (tmp_path / "y").write_bytes(b"other content")
        assert digests(paths, 1, cache)[1] == hashlib.sha256(b"other content").hexdigest()
        assert read == [*paths, paths[1]]
        (tmp_path / "new").write_bytes(b"new")
        digests([*paths, str(tmp_path / "new")], 1, cache)
        assert read[-1] == str(tmp_path / "new")

    def test_a_file_that_may_still_change_is_read_again(self, tmp_path):
        """On a coarse clock, the new content may have the same size and time."""
        touch(tmp_path, "x")
        now = (tmp_path / "x").stat().st_mtime_ns
        digests([str(tmp_path / "x")], 1, tmp_path / "cache.csv")
        (tmp_path / "x").write_bytes(b"y")
        os.utime(tmp_path / "x", ns=(now, now))
        (found,) = digests([str(tmp_path / "x")], 1, tmp_path / "cache.csv")
        assert found == hashlib.sha256(b"y").hexdigest()

    @pytest.mark.parametrize("text", ["", "path,size\n", "\0\1\2", "path,size,mtime_ns,digest\nx"])
    def test_a_damaged_cache_is_ignored(self, tmp_path, text):
        paths = self.settled(tmp_path, "x")
        (tmp_path / "cache.csv").write_text(text)
        found = digests(paths, 1, tmp_path / "cache.csv")
        assert found == [hashlib.sha256(b"x").hexdigest()]

    def test_digests_of_unusual_names_are_cached(self, tmp_path, monkeypatch):
        paths = self.settled(tmp_path, *HOSTILE, "NA", "null")
        first = digests(paths, 1, tmp_path / "cache.csv")
        monkeypatch.setattr(hashlib, "file_digest", None)
        assert digests(paths, 1, tmp_path / "cache.csv") == first

    def test_paths_that_are_not_regular_files_have_no_digest(self, tmp_path):
        (tmp_path / "dangling").symlink_to("nowhere")
        os.mkfifo(tmp_path / "pipe")
        names = ["missing", "dangling", "pipe", "."]
        found = digests([str(tmp_path / n) for n in names], 1, tmp_path / "cache.csv")
        assert found == [""] * 4

    def test_digests_are_spread_evenly_over_the_shards(self):
        found = [hashlib.sha256(bytes([i % 256, i // 256])).hexdigest() for i in range(800)]
        sizes = np.bincount([shards.shard_of(d, 4) for d in found], minlength=4)
        assert len(sizes) == 4 and sizes.min() > 150
