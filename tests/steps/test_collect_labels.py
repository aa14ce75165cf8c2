"""The labels of all shards in one table, without holding their timelines in memory."""

import json
import random
import sys
import tracemalloc

from workflow_scripts.labelling.formats import as_csv, as_json
from workflow_scripts.steps import collect_labels

N_MOMENTS = 200


def label(number):
    """What the labeller says of a track of minutes; of every seventh, why it does not."""
    path = f"folder {number % 3}/{number:04d}\n}},{{.wav"
    if number % 7 == 0:
        return {"path": path, "problem": "is empty"}
    moment = {"start": 0.0, "end": 1.9, "class": "tango", "probability": 0.5}
    return {
        "path": path,
        "class": ("tango", "waltz")[number % 2],
        "probability": 0.5,
        "timeline": [moment] * N_MOMENTS,
        "warning": "loud" if number % 5 == 0 else "",
    }


def collected(folder, tracks, monkeypatch, n_shards=3):
    """The files that the step writes for tracks in shards: CSV and JSON."""
    shards = [folder / f"{k}.json" for k in range(n_shards)]
    for k, shard in enumerate(shards):
        shard.write_text("".join(as_json(tracks[k::n_shards])))
    arguments = ["--labels", str(folder / "labels.csv"), "--shards", *map(str, shards)]
    monkeypatch.setattr(sys, "argv", ["collect_labels", *arguments])
    tracemalloc.start()
    collect_labels.main()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # A timeline takes tens of kilobytes in memory, a place a few hundred bytes.
    assert peak < 1_000_000 + 1000 * len(tracks)
    return [(folder / f"labels.{suffix}").read_text() for suffix in ("csv", "json")]


def test_the_tracks_of_all_shards_are_sorted_by_path(tmp_path, monkeypatch, capsys):
    tracks = [label(number) for number in range(50)]
    random.Random(0).shuffle(tracks)
    csv, text = collected(tmp_path, tracks, monkeypatch)
    expected = sorted(tracks, key=lambda track: track["path"])
    assert json.loads(text) == expected
    assert csv == "".join(as_csv(expected))
    printed = capsys.readouterr().out
    labelled = [track for track in tracks if "class" in track]
    n_tango = sum(track["class"] == "tango" for track in labelled)
    assert f"{len(labelled)} tracks labelled" in printed and f", tango {n_tango}" in printed
    assert f"{50 - len(labelled)} could not be labelled" in printed
    assert f"{sum(bool(t['warning']) for t in labelled)} have a warning" in printed


def test_empty_shards_have_no_tracks(tmp_path, monkeypatch, capsys):
    assert json.loads(collected(tmp_path, [], monkeypatch)[1]) == []
    assert "0 tracks labelled" in capsys.readouterr().out


def test_a_large_folder_takes_little_memory(tmp_path, monkeypatch):
    """`collected` measures it."""
    tracks = [label(number) for number in range(100)]
    assert len(json.loads(collected(tmp_path, tracks, monkeypatch)[1])) == 100
