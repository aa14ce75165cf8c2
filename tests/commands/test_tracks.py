"""tracks.csv of mirdata's data sets, in homes made by hand with the layouts of the real ones."""

import csv
import json

import pandas as pd
import pytest

from workflow_scripts.dataset.track_list import track_list
from workflow_scripts.errors import UserError

mirdata = pytest.importorskip("mirdata", reason="mirdata is optional: pip install mirdata")
command = pytest.importorskip("workflow_scripts.commands.tracks")


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def indexed(monkeypatch, tmp_path, home):
    """Install an index as mirdata downloads it, and the files in it: `indexed(name, tracks)`.

    `tracks` has the files of each track by kind, with their texts; None for one that is missing.
    """

    def install(name, tracks, **texts):
        index = {
            track_id: {kind: [path, "0" * 32] for kind, path in files.items()}
            for track_id, files in tracks.items()
        }
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"version": "1", "tracks": index}))
        monkeypatch.setattr("mirdata.core.Index.get_path", lambda index: str(path))
        for files in tracks.values():
            for kind, file in files.items():
                target = home / file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(texts.get(kind, "audio"))

    return install


def written(home, *arguments):
    """Run the command; the table in the home."""
    name, *options = arguments
    command.main([name, "--home", str(home), *options])
    return pd.read_csv(home / "tracks.csv", dtype=str, keep_default_na=False)


GTZAN = {
    f"{genre}.{n:05}": {
        "audio": f"gtzan_genre/genres/{genre}/{genre}.{n:05}.wav",
        "beats": f"gtzan_tempo_beat-main/beats/gtzan_{genre}_{n:05}.beats",
        "tempo": f"gtzan_tempo_beat-main/tempo/gtzan_{genre}_{n:05}.bpm",
    }
    for genre in ("blues", "hiphop", "jazz")
    for n in range(4)
}


class TestGtzan:
    @pytest.fixture(autouse=True)
    def _installed(self, indexed):
        indexed("gtzan_genre", GTZAN, beats="0.5\t1\n", tempo="120.5\n")

    def test_genre_and_tempo(self, home, capsys):
        table = written(home, "gtzan_genre")
        assert list(table) == ["path", "label", "track_id", "bpm"]
        assert table["label"].tolist() == ["blues"] * 4 + ["hip-hop"] * 4 + ["jazz"] * 4
        assert table["path"][0] == "gtzan_genre/genres/blues/blues.00000.wav"
        assert set(table["bpm"]) == {"120.5"}
        assert capsys.readouterr().out.splitlines() == [
            f"{home}/tracks.csv: 12 tracks of 3 classes: blues 4, hip-hop 4, jazz 4",
            f"To use it: --config dataset=folder audio_dir={home} name=gtzan_genre",
        ]

    def test_the_workflow_reads_it(self, home):
        written(home, "gtzan_genre")
        tracks = track_list(home / "tracks.csv")
        assert tracks["track_id"].tolist() == list(GTZAN)
        assert (tracks["bpm"] == 120.5).all() and tracks["path"].str.startswith(str(home)).all()

    def test_missing_audio_and_annotations(self, home, capsys):
        (home / GTZAN["jazz.00003"]["audio"]).unlink()
        (home / GTZAN["jazz.00002"]["tempo"]).unlink()
        table = written(home, "gtzan_genre")
        assert len(table) == 11 and table["bpm"].tolist()[-1] == ""
        note = "note: 1 of 12 tracks have no audio on disk and are left out: jazz.00003\n"
        assert note in capsys.readouterr().out

    def test_no_audio_at_all(self, home):
        for files in GTZAN.values():
            (home / files["audio"]).unlink()
        with pytest.raises(
            UserError,
            match=rf"^gtzan_genre: none of its 12 audio files is in {home}, for example .*00.wav;",
        ):
            written(home, "gtzan_genre")

    def test_another_file_is_kept(self, home, tmp_path):
        mine = "path,label\nx.wav,a\n"
        (home / "tracks.csv").write_text(mine)
        with pytest.raises(
            UserError, match="exists and is another list; give another FILE, or rep"
        ):
            written(home, "gtzan_genre")
        assert (home / "tracks.csv").read_text() == mine
        written(home, "gtzan_genre", "--replace")
        written(home, "gtzan_genre")
        assert len(track_list(home / "tracks.csv")) == 12

    def test_a_file_elsewhere(self, home, tmp_path):
        command.main(["gtzan_genre", "--home", str(home), "--file", str(tmp_path / "tracks.csv")])
        assert track_list(tmp_path / "tracks.csv")["path"].str.startswith(str(home)).all()
        with pytest.raises(UserError, match=r"reads tracks\.csv, not my\.csv; give FILE=FOLDER/"):
            written(home, "gtzan_genre", "--file", str(tmp_path / "my.csv"))
        with pytest.raises(UserError, match="none is not a folder; make it, or give another FILE"):
            written(home, "gtzan_genre", "--file", str(tmp_path / "none/tracks.csv"))

    @pytest.mark.parametrize(
        ("label", "sentence"),
        [
            ("genres", r"have no attribute genres; did you mean LABEL=genre\?"),
            ("beats", "beats is not a label but BeatData; choose LABEL=NAME, one of genre"),
            ("x", r"no attribute x; choose LABEL=NAME, one of genre \(3 classes\)$"),
        ],
    )
    def test_other_labels(self, home, label, sentence):
        with pytest.raises(UserError, match=sentence):
            written(home, "gtzan_genre", "--label", label)

    def test_a_version_that_does_not_exist(self, home):
        with pytest.raises(
            UserError, match=r"cannot open gtzan_genre: Invalid version 9.*; change"
        ):
            written(home, "gtzan_genre", "--version", "9")


def test_keys_of_giantsteps(indexed, home):
    """The key is in a file of each track, the tempo in another; a track may have several genres."""
    tracks = {
        f"{n}": {"audio": f"audio/{n}.mp3", "key": f"keys/{n}.txt", "meta": f"meta/{n}.json"}
        for n in range(4)
    }
    meta = {"bpm": "128", "genres": [{"name": "a"}, {"name": "b"}], "artists": [{"name": "c"}]}
    indexed("giantsteps_key", tracks, key="D minor\n", meta=json.dumps(meta))
    (home / "keys/0.txt").write_text("C major\n")
    table = written(home, "giantsteps_key")
    assert table["label"].tolist() == ["C major", *["D minor"] * 3]
    assert set(table["bpm"]) == {"128"} and "genres" not in table


def medley(home, indexed, subsets, instrument="flute"):
    ids = [f"id{n}" for n in range(len(subsets))]
    indexed("medley_solos_db", {i: {"audio": f"audio/Medley-solos-DB_{i}.wav"} for i in ids})
    (home / "annotation").mkdir()
    with (home / "annotation/Medley-solos-DB_metadata.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["subset", "instrument", "instrument_id", "song_id", "uuid4"])
        for n, (track_id, subset) in enumerate(zip(ids, subsets, strict=True)):
            rows.writerow([subset, instrument if n % 2 else "clarinet", n % 2, 100 + n, track_id])


def test_instruments_and_the_split_of_medley_solos_db(indexed, home, capsys):
    medley(home, indexed, ["training", "training", "validation", "validation", "test", "test"])
    table = written(home, "medley_solos_db")
    assert table["label"].tolist() == ["clarinet", "flute"] * 3
    assert table["split"].tolist() == ["train"] * 2 + ["validation"] * 2 + ["test"] * 2
    assert table["song_id"].tolist() == [str(n) for n in range(100, 106)]
    assert "Its column split has 2 train, 2 validation, 2 test; split_by=split uses it." in (
        capsys.readouterr().out
    )


def test_a_split_without_validation_tracks(indexed, home, capsys):
    medley(home, indexed, ["training", "test"] * 2)
    written(home, "medley_solos_db")
    assert "split_by needs all three parts" in capsys.readouterr().out


def test_metadata_that_are_missing(indexed, home):
    medley(home, indexed, ["training", "test"])
    (home / "annotation/Medley-solos-DB_metadata.csv").unlink()
    with pytest.raises(UserError, match=r"none of its tracks has a value of instrument: Metadata"):
        written(home, "medley_solos_db")


def test_tracks_with_several_labels_are_refused(indexed, home):
    """Of IRMAS, training tracks have one instrument, test tracks several."""
    tracks = {
        "[gel][dru][pop_roc]0829__1": {"annotation": None, "audio": "gel/[gel][dru][pop_roc]1.wav"},
        "test": {"annotation": "test.txt", "audio": "test.wav"},
    }
    tracks = {k: {kind: f for kind, f in v.items() if f} for k, v in tracks.items()}
    tracks["[gel][dru][pop_roc]0829__1"]["annotation"] = "unused.txt"
    indexed("irmas", tracks, annotation="gel\t\npia\t\n")
    with pytest.raises(UserError, match=r"^irmas: its tracks have several labels \(genre, instrum"):
        written(home, "irmas")
    with pytest.raises(
        UserError, match=r"^irmas: 1 of 2 tracks, for example test, have several val"
    ):
        written(home, "irmas", "--label", "instrument")
    table = written(home, "irmas", "--label", "genre")
    assert table["label"].tolist() == ["pop_roc"]


def test_several_recordings_of_a_track(indexed, home):
    recordings = ("audio_hex_cln", "audio_hex", "audio_mic", "audio_mix")
    names = [f"0{n}_{style}1-150-E_solo" for n, style in enumerate(("BN", "Jazz", "Rock"))]
    tracks = {
        name: {"jams": f"annotation/{name}.jams"} | {r: f"{r}/{name}.wav" for r in recordings}
        for name in names
    }
    indexed("guitarset", tracks)
    with pytest.raises(
        UserError, match="each track has 4 recordings; choose AUDIO=audio_hex_cln_pa"
    ):
        written(home, "guitarset")
    table = written(home, "guitarset", "--audio", "audio_mic_path")
    assert table["label"].tolist() == ["Bossa Nova", "Jazz", "Rock"]
    assert set(table["bpm"]) == {"150"} and set(table["mode"]) == {"solo"}
    assert table["path"].str.startswith("audio_mic/").all()


def test_a_data_set_that_needs_more_packages(monkeypatch, home):
    def lacking(*_, **__):
        raise ModuleNotFoundError("No module named 'DALI'")

    monkeypatch.setattr(mirdata, "initialize", lacking)
    with pytest.raises(
        UserError, match=r"for dali; install them: .* pip install 'mirdata\[dali\]'$"
    ):
        written(home, "dali")


def test_data_sets_that_cannot_be_opened(indexed, home):
    with pytest.raises(UserError, match="mirdata has no data set gtzan; did you mean gtzan_genre"):
        written(home, "gtzan")
    with pytest.raises(
        UserError, match="home is not a folder; give that of gtzan_genre as DATA_HO"
    ):
        written(home, "gtzan_genre")
    home.mkdir()
    with pytest.raises(
        UserError, match=r"has not downloaded its index of gtzan_genre; run python -c"
    ):
        written(home, "gtzan_genre")
