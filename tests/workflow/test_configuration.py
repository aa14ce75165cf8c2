"""config.yaml, its schema and its presets; an error stops a run before its first job."""

import copy

import pytest
import yaml

from tests.conftest import ROOT, overlay, shipped_config
from workflow_scripts.errors import UserError
from workflow_scripts.paths import ResultPaths
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.training_settings import training_of

SCHEMA = yaml.safe_load((ROOT / "config.schema.yaml").read_text())


def complete(update=None, preset=None):
    config = overlay(shipped_config(preset), copy.deepcopy(update or {}))
    configuration.complete(config, ROOT / "config.yaml")
    return config


@pytest.mark.parametrize(
    "preset",
    [
        None,
        "smoke",
        "quick",
        "strict",
        "authors",
        "sweep",
        "sweep_quick",
        "lidy",
        "choi",
        "musicnn",
    ],
)
def test_the_shipped_configuration_and_presets_are_valid(preset):
    config = complete(preset=preset)
    assert config["name"] == (preset or "ballroom")


@pytest.mark.parametrize("own_file_comes_first", [True, False])
def test_the_users_name_wins_over_that_of_a_preset(own_file_comes_first):
    config = shipped_config()
    files = [{"name": "mine"}, yaml.safe_load((ROOT / "presets/quick.yaml").read_text())]
    for file in files if own_file_comes_first else reversed(files):
        overlay(config, copy.deepcopy(file))
    configuration.complete(config, ROOT / "config.yaml")
    assert config["name"] == "mine"


def test_no_preset_sets_the_key_that_belongs_to_the_user():
    for preset in (ROOT / "presets").glob("*.yaml"):
        keys_of_preset = yaml.safe_load(preset.read_text())
        assert "name" not in keys_of_preset and keys_of_preset["preset_name"] == preset.stem


def test_the_name_of_a_preset_leaves_no_trace_in_parameters_and_kept_configurations(tmp_path):
    config = complete(preset="quick")
    assert "preset_name" not in config
    results = ResultPaths(tmp_path)
    configuration.keep(config, results)
    assert configuration.read_complete(results.config) == config


@pytest.mark.parametrize(
    ("value", "words", "expected"),
    [
        (None, ["snakemake"], False),
        (True, ["snakemake", "--config", "seed=1", "replace=true"], True),
        (True, ["snakemake", "--config=replace=true"], True),
        (True, ["snakemake", "-Creplace=True"], True),
        ("true", ["snakemake", "-C", "replace=true"], True),
        ("false", ["snakemake", "-C", "replace=false"], False),
        (False, ["snakemake"], False),
        (True, None, False),
    ],
)
def test_replace_is_no_key_of_the_experiment(value, words, expected):
    config = {"seed": 1} | ({} if value is None else {"replace": value})
    assert configuration.take_replace(config, words) == expected
    assert config == {"seed": 1}


@pytest.mark.parametrize(
    ("value", "words", "sentence"),
    [
        (True, ["snakemake", "--profile", "mine"], "is in a file or a profile"),
        (True, ["snakemake", "--config", "name=replace"], "is in a file or a profile"),
        (1, ["snakemake", "--config", "replace=1"], "must be true or false, not 1"),
        (["x"], ["snakemake", "--config", "replace=[x]"], "must be true or false"),
    ],
)
def test_replace_counts_only_where_it_is_typed(value, words, sentence):
    with pytest.raises(UserError, match=sentence):
        configuration.take_replace({"replace": value}, words)


def test_the_shipped_configuration_is_that_of_the_paper():
    config = complete()
    assert (config["dataset"], config["folds"], len(config["variants"])) == ("ballroom", 10, 12)
    assert config["training"] == {
        "learning_rate": 0.01,
        "batch_size": 10,
        "max_epochs": 2000,
        "dropout": 0.5,
        "patience": 40,
        "min_learning_rate": 0.00001,
        "class_weights": "none",
    }


def keys(part, prefix=""):
    for name, value in part.get("properties", {}).items():
        yield prefix + name, value
        yield from keys(value, f"{prefix}{name}.")


def test_the_schema_describes_each_key_and_has_the_defaults_of_config_yaml():
    shipped = shipped_config()
    for name, part in keys(SCHEMA):
        assert part.get("description"), name
        if name == "variants" or part.get("type") == "object":
            continue
        value = shipped
        for key in name.split("."):
            value = value[key]
        assert part["default"] == value, name


def test_config_yaml_has_every_key_with_a_comment():
    # The paper's networks have short trunks.
    lists = ("layers", "back_end")
    lines = (ROOT / "config.yaml").read_text().splitlines()
    for name, _ in keys(SCHEMA):
        key = name.split(".")[-1]
        if key in lists:
            continue
        row = next(i for i, line in enumerate(lines) if line.strip().startswith(f"{key}:"))
        above = [line.strip() for line in lines[max(row - 2, 0) : row]]
        assert any(line.startswith("#") for line in above), name


def test_seed_is_the_first_of_seeds():
    config = complete({"seeds": [3, 1, 2]})
    assert (config["seed"], config["seeds"]) == (3, [3, 1, 2])
    assert complete({"seed": 3, "seeds": [3, 1]})["seed"] == 3
    # Read from the text of --config.
    assert complete({"seeds": "[4, 5]"})["seed"] == 4


def test_one_seed_in_a_list_is_no_list():
    assert complete({"seeds": [7]}) == complete({"seed": 7})
    assert complete({"seeds": None}) == complete()


@pytest.mark.parametrize(
    ("update", "sentence"),
    [
        ({"seeds": [1, 2], "seed": 2}, "seed is 2, but the first of seeds is 1; remove seed, or"),
        ({"seeds": []}, "configuration key seeds has 0 entries and must have at least 1"),
        ({"seeds": [1, 1]}, "configuration key seeds is wrong: "),
        ({"seeds": 7}, "configuration key seeds must be of type array or null, not 7"),
        ({"seeds": [1, "x"]}, "configuration key seeds.1 must be of type integer, not 'x'"),
        ({"seeds": [1, True]}, "configuration key seeds.1 must be of type integer, not True"),
        ({"seeds": [1, -1]}, "configuration key seeds.1 must be at least 0, not -1"),
    ],
)
def test_wrong_seeds_are_rejected(update, sentence):
    with pytest.raises(UserError) as error:
        complete(update)
    assert str(error.value).startswith(sentence)


def test_the_authors_preset_changes_only_what_their_script_does():
    default, authors = complete(), complete(preset="authors")
    assert {key: authors[key] for key in default if default[key] != authors[key]} == {
        "name": "authors",
        "replicas": "keep",
        "stratified": False,
        "validation": "segments",
    }


def test_the_strict_preset_changes_only_what_uses_test_tracks_in_training():
    default, strict = complete(), complete(preset="strict")
    assert default["normalisation"] == "dataset", "as in the paper"
    assert {key: strict[key] for key in default if default[key] != strict[key]} == {
        "name": "strict",
        "normalisation": "train",
        "replicas": "drop",
    }


def test_the_quick_preset_ends_all_trainings_by_one_rule():
    """No network of the demo leads Table I by a longer training."""
    default, quick = complete(), complete(preset="quick")
    trainings = [training_of(quick, variant) for variant in default["variants"]]
    for key in ("max_epochs", "patience", "min_learning_rate", "dropout"):
        assert len({training[key] for training in trainings}) == 1, key
    for training in trainings:
        assert training["learning_rate"] >= 2 * training["min_learning_rate"], "two halvings"


def test_defaults_are_filled_in():
    variants = {"mine": {"architecture": "Time", "input_frames": 80}}
    variants["mine"]["trunks"] = {"time": {"filter": [1, 60], "pool": [40, 1]}}
    config = {"variants": variants, "dataset": "demo"}
    configuration.complete(config, ROOT / "config.yaml")
    assert config["name"] == "demo" and config["folds"] == 10
    assert config["training"]["batch_size"] == 10
    assert config["variants"]["mine"]["trunks"]["time"]["n_filters"] == 32
    assert config["variants"]["mine"]["hidden"] == 0 and config["variants"]["mine"]["init"] == {}


def test_keys_have_the_order_of_config_yaml_not_that_of_an_overlay():
    shipped = shipped_config()
    init = shipped["variants"]["timefrequency_init"]
    reordered = {key: init[key] for key in reversed(init)}
    reordered["trunks"] = {key: init["trunks"][key] for key in reversed(init["trunks"])}
    variants = {"mine": copy.deepcopy(init), "timefrequency_init": reordered}
    config = {
        "variants": variants | {k: v for k, v in shipped["variants"].items() if v != reordered}
    }
    config["variants"]["timefrequency_init"] = reordered
    configuration.complete(config, ROOT / "config.yaml")
    assert list(config["variants"]) == [*shipped["variants"], "mine"]
    assert list(config["variants"]["timefrequency_init"])[:5] == list(init)
    assert list(config["variants"]["timefrequency_init"]["trunks"]) == ["time", "frequency"]


def test_null_removes_a_variant():
    config = complete({"variants": {"frequency_30x1": None}})
    assert "frequency_30x1" not in config["variants"] and len(config["variants"]) == 11


def test_a_folder_of_audio_is_a_valid_data_set(tmp_path):
    config = complete({"dataset": "folder", "audio_dir": str(tmp_path), "name": "mine"})
    assert config["name"] == "mine"


@pytest.mark.parametrize(
    "update",
    [
        {"name": "demo\n"},
        {"variants": {"mine\n": shipped_config()["variants"]["time_1x60"]}},
        {"ballroom": {"audio_md5": "0" * 32 + "\n"}},
    ],
)
def test_a_line_break_at_the_end_of_a_name_is_refused(update):
    """It would end the command line of a rule."""
    with pytest.raises(UserError, match=r"is wrong|cannot be used"):
        complete(update)


def test_a_truth_value_is_not_a_name():
    with pytest.raises(UserError, match=r"key name must be of type .*, not True"):
        complete({"name": True})


@pytest.mark.parametrize("value", [10**400, 10**5000], ids=["400", "5000"])
def test_a_number_without_a_float_is_refused(value):
    with pytest.raises(UserError, match="the number learning_rate has more than 300 digits; give"):
        complete({"training": {"learning_rate": value}})
    with pytest.raises(UserError, match="the number seed has more than 300 digits; give"):
        complete({"seed": value})


def test_tracks_to_leave_out_are_a_list_or_a_file(tmp_path):
    (tmp_path / "faults.txt").touch()
    for value in (None, ["a/b", "c/d"], str(tmp_path / "faults.txt")):
        assert complete({"exclude": value})["exclude"] == value


def test_a_tilde_in_audio_dir_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "music").mkdir()
    config = complete({"dataset": "folder", "audio_dir": "~/music"})
    assert config["audio_dir"] == str(tmp_path / "music")


def test_a_tilde_in_the_path_of_an_archive_is_expanded(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "data1.tar.gz").touch()
    config = complete({"ballroom": {"archive": "~/data1.tar.gz"}})
    assert config["ballroom"]["archive"] == str(tmp_path / "data1.tar.gz")
    assert config["ballroom"]["tempi_archive"] is None


def test_braces_in_the_path_of_an_archive_are_rejected(tmp_path):
    archive = tmp_path / "a{b}"
    archive.touch()
    with pytest.raises(UserError, match="has braces, which Snakemake reads as wildcards"):
        complete({"ballroom": {"archive": str(archive)}})


def test_archives_are_not_checked_for_other_data_sets():
    complete({"dataset": "demo", "ballroom": {"archive": "/nowhere.tar.gz"}})


INVALID = [
    ({"fold": 3}, r"unknown configuration key fold in config; did you mean folds\?"),
    (
        {"training": {"epochs": 3}},
        "unknown configuration key epochs in training; did you mean max_epochs\\?",
    ),
    ({"folds": 2}, "configuration key folds must be at least 3, not 2"),
    ({"folds": "ten"}, "configuration key folds must be of type integer, not 'ten'"),
    ({"folds": "2020-13-45"}, "folds must be of type integer, not '2020-13-45'"),
    ({"folds": 9999 * "["}, "folds must be of type integer, not"),
    (
        {"training": {"learning_rate": "1e-3"}},
        "learning_rate must be of type number, not '1e-3' .*"
        "write it with a decimal point and a signed exponent",
    ),
    ({"training": {"max_epochs": "1e3"}}, "must be of type integer, not '1e3' .*; write 1000"),
    ({"folds": 3.0}, "folds must be of type integer, not 3.0 .*; write 3"),
    ({"training": {"dropout": float("nan")}}, "dropout must be of type number, not nan"),
    ({"training": None}, "training must be of type object, not None"),
    ({"variants": {2020: None}}, "the key 2020 in variants is not text; put it in quotes"),
    ({"variants": {"a-b": None}}, "the name 'a-b' in variants cannot be used"),
    (
        {"variants": {"time_1x60": {"trunks": {"output": {"filter": [1, 2], "pool": [1, 1]}}}}},
        "the name 'output' in variants.time_1x60.trunks cannot be used",
    ),
    ({"dataset": "folder", "audio_dir": "~nobody-here"}, "audio_dir ~nobody-here is not a folder"),
    (
        {"ballroom": {"archive": "/nowhere.tar.gz"}},
        "ballroom.archive /nowhere.tar.gz is not a file; check the path",
    ),
    ({"ballroom": {"tempi_archive": "."}}, r"ballroom.tempi_archive \. is not a file"),
    ({"ballroom": {"archive": "~nobody-here/a"}}, "ballroom.archive ~nobody-here/a is not a file"),
    ({"ballroom": {"archive": 1}}, "ballroom.archive must be of type string or null, not 1"),
    ({"ballroom": {"audio_urls": []}}, "ballroom.audio_urls has 0 entries"),
    ({"ballroom": {"audio_urls": "https://a/b"}}, "audio_urls must be of type array"),
    ({"ballroom": {"audio_urls": ["ftp://a/b"]}}, r"ballroom.audio_urls.0 is wrong: 'ftp://a/b'"),
    ({"ballroom": {"tempi_urls": ["https://a/b", "file:///b"]}}, "ballroom.tempi_urls.1 is wrong"),
    ({"ballroom": {"tempi_urls": ["https:///b"]}}, "ballroom.tempi_urls.0 is wrong"),
    ({"ballroom": {"audio_url": "https://a/b"}}, "did you mean audio_urls"),
    ({"dataset": "folder", "audio_dir": "x" * 300}, "is not a folder"),
    (
        {"on_bad_audio": "ignore"},
        "on_bad_audio must be one of fail, skip, use_truncated, not 'ignore'",
    ),
    ({"replicas": True}, "replicas must be one of keep, group, drop, not True"),
    ({"augmentation": {"pitch": 1}}, "unknown configuration key pitch in augmentation; did you"),
    ({"augmentation": {"mixing": 2}}, "augmentation.mixing must be at most 1, not 2"),
    ({"sampling_hop": 0}, "sampling_hop must be at least 1, not 0"),
    ({"front_end": {"window": "kaiser"}}, "front_end.window must be one of hamming, hann,"),
    ({"front_end": {"n_bands": 10**9}}, "front_end.n_bands must be at most 512, not 1000000000"),
    ({"front_end": {"frame_size": 2047}}, "front_end.frame_size is 2047, an odd number; choose an"),
    (
        {"front_end": {"sample_rate": 16000, "max_frequency": 11025}},
        "front_end.max_frequency is 11025, not .* up to half of sample_rate, 8000; lower it, or",
    ),
    (
        {"front_end": {"n_bands": 250}},
        "front_end.n_bands is 250, too many for frequencies 21.5332 Hz apart: .*; lower it, or",
    ),
    (
        {"validation": "segments", "sampling": "onset"},
        "validation: segments needs sampling: contiguous, not onset",
    ),
    (
        {"split_by": "split", "group_by": "singer"},
        'split_by says which tracks train, validate and test, so group_by: "singer" cannot '
        "apply; set group_by: null or remove split_by",
    ),
    ({"split_by": "split", "stratified": False}, "so stratified: false cannot apply; set "),
    ({"split_by": "split", "validation": "segments"}, 'set validation: "tracks" or remove spl'),
    ({"folds": True}, "configuration key folds must be of type integer, not True"),
    ({"training": {"learning_rate": 0}}, "training.learning_rate must be greater than 0, not 0"),
    (
        {"training": {"learning_rate": 1e-31, "min_learning_rate": 0}},
        "training.learning_rate must be at least 1e-30, not 1e-31",
    ),
    ({"training": {"dropout": 1}}, "training.dropout must be less than 1, not 1"),
    ({"dataset": "balroom"}, "dataset must be one of ballroom, demo, folder, not 'balroom'"),
    ({"name": "../up"}, "configuration key name is wrong"),
    ({"dataset": "folder"}, "dataset is folder, but audio_dir is not set"),
    (
        {"exclude": "nowhere.txt"},
        "exclude nowhere.txt is not a file; check the path, or give a list",
    ),
    ({"exclude": 2016}, "configuration key exclude must be of type string or array or null, not"),
    ({"exclude": [7]}, "configuration key exclude.0 must be of type string, not 7"),
    ({"dataset": "folder", "audio_dir": "/nowhere"}, "audio_dir /nowhere is not a folder"),
    ({"audio_dir": "."}, "audio_dir is ., but dataset is ballroom; add dataset=folder"),
    ({"variants": {"time_1x60": {"input_frames": 50}}}, r"larger than its input \(40, 50\)"),
    ({"variants": {"blackbox_12x8": {"hidden": 50_000}}}, "blackbox_12x8: .* parameters.* smaller"),
    (
        {"variants": {"frequency_30x1": {"trunks": {"frequency": {"filter": [41, 1]}}}}},
        r"variants.frequency_30x1: the filter \(41, 1\) of trunk frequency is larger",
    ),
    (
        {"variants": {"time_1x60": {"trunks": {"time": {"pool": [41, 1]}}}}},
        r"the pool \(41, 1\) of trunk time is larger than its input \(40, 21\); change the network",
    ),
    ({"variants": {"mine": {"architecture": "Time"}}}, "variants.mine lacks input_frames; add it"),
    (
        {"variants": {"time_1x60": {"training": {"lr": 1}}}},
        "unknown configuration key lr in variants.time_1x60.training",
    ),
    (
        {"variants": {"timefrequency_init": {"init": {"time": "time_2x60"}}}},
        "variants.timefrequency_init.init: there is no variant time_2x60; known variants:",
    ),
    (
        {"variants": {"timefrequency_init": {"init": {"tempo": "time_1x60"}}}},
        "there is no trunk tempo; it has time, frequency",
    ),
    (
        {"variants": {"timefrequency_init": {"init": {"time": "frequency_32x1"}}}},
        "frequency_32x1 has no trunk time",
    ),
    (
        {"variants": {"timefrequency_init": {"init": {"time": "time_1x200"}}}},
        "time_1x200 has 250 input_frames, this variant has 80; they must be equal",
    ),
    (
        {"variants": {"timefrequency_init": {"init": {"frequency": "frequency_34x1"}}}},
        r"the filter of trunk frequency is \[32, 1\], but \[34, 1\] in frequency_34x1",
    ),
    (
        {"variants": {"timefrequency": {"init": {"time": "timefrequency_init"}}}},
        "timefrequency_init has an init itself",
    ),
    ({"training": {"learning_rate": 1e-6}}, "training.learning_rate 1e-06 is below min_learning"),
    (
        {"variants": {"time_1x60": {"training": {"min_learning_rate": 1}}}},
        "variants.time_1x60.training.learning_rate 0.01 is below min_learning_rate 1",
    ),
    ({"variants": dict.fromkeys(shipped_config()["variants"])}, "variants leaves out all networks"),
]


@pytest.mark.parametrize(("update", "sentence"), INVALID)
def test_an_invalid_configuration_is_reported_in_one_sentence(update, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        complete(update)
    assert "\n" not in str(error.value)


def test_text_from_the_command_line_is_converted():
    """`--config stratified=false training='{max_epochs: 4}'` as Snakemake parses it."""
    config = complete(
        {
            "stratified": "false",
            "training": {"max_epochs": "4", "dropout": "0.25"},
            "variants": {"time_1x200": {"input_frames": "260"}},
        }
    )
    assert config["stratified"] is False
    assert (config["training"]["max_epochs"], config["training"]["dropout"]) == (4, 0.25)
    assert config["variants"]["time_1x200"]["input_frames"] == 260


class TestCheckData:
    def results_of(self, folder, dataset, audio_dir=None):
        results = folder / "results"
        results.mkdir()
        configuration.keep({"dataset": dataset, "audio_dir": audio_dir}, ResultPaths(results))
        return results

    def check(self, results, dataset, audio_dir=None):
        configuration.check_data({"dataset": dataset, "audio_dir": audio_dir}, ResultPaths(results))

    def test_results_of_another_data_set_are_rejected(self, tmp_path):
        results = self.results_of(tmp_path, "demo")
        self.check(results, "demo")
        with pytest.raises(UserError, match=r"of data set demo, but this run uses data set ballr"):
            self.check(results, "ballroom")
        with pytest.raises(UserError, match=r"of data set demo, but this run uses /my; give this"):
            self.check(results, "folder", "/my")

    def test_results_of_a_moved_folder_are_accepted_and_of_another_rejected(self, tmp_path):
        old, new = tmp_path / "old", tmp_path / "new"
        old.mkdir()
        results = self.results_of(tmp_path, "folder", str(old))
        old.rename(new)
        self.check(results, "folder", str(new))
        old.mkdir()
        with pytest.raises(UserError, match=r"has results of .*/old, but this run uses .*/new;"):
            self.check(results, "folder", str(new))

    def test_results_without_a_saved_configuration_are_accepted(self, tmp_path):
        self.check(tmp_path, "demo")
