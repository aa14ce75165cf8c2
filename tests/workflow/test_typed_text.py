"""Names and paths on the command line stay the text that was typed, whatever YAML reads in them."""

import datetime

import pytest
import yaml
from snakemake.cli import parse_config
from snakemake.profiles import ProfileConfigFileParser

from tests.conftest import ROOT, overlay, shipped_config
from workflow_scripts.errors import UserError
from workflow_scripts.workflow import configuration, labelling_configuration, typed_text

KEYS = ("name", "audio_dir")


def kept(*entries):
    """The name after Snakemake has read these entries of --config."""
    config = parse_config(entries)
    typed_text.keep(config, entries, KEYS)
    return config["name"]


@pytest.mark.parametrize(
    "text",
    [
        *("001", "1", "20240501_2", "1e5", "0x10", "010", ".5", "-0", "nan", "inf", "٣"),
        *("true", "True", "yes", "on", "2024-05-01", "2024-13-45", "12:30", "None"),
        *("/music/a #1", "/a: b", "[a]", "{a}", "- a", "&a b", "*a", "!x"),
        *("it's", "a'", "a b", "%", "~"),
    ],
)
def test_text_stays_as_it_was_typed(text):
    assert kept(f"name={text}") == text
    assert kept(f"name= '{text.replace(chr(39), 2 * chr(39))}' ") == text


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("'001'", "001"),
        ('"001"', "001"),
        (" '001' ", "001"),
        ("'it''s'", "it's"),
        ("'/a/\udcff'", "/a/\udcff"),
        ("", None),
        ("null", None),
        ("'null'", "null"),
        ("'a' b'", "'a' b'"),
    ],
)
def test_quotes_are_those_of_yaml_and_null_is_none(typed, text):
    assert kept(f"name={typed}") == text


def test_the_last_entry_of_a_key_counts_and_other_keys_stay():
    config = parse_config(["name=1", "folds=05", "name=002"])
    typed_text.keep(config, ["name=1", "folds=05", "name=002"], KEYS)
    assert config == {"name": "002", "folds": 5}


def profile(tmp_path, text):
    """The entries of --config that Snakemake makes of this profile."""
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with path.open() as file:
        return ProfileConfigFileParser().parse(file)["config"]


@pytest.mark.parametrize("value", ["001", "1", "20240501_2", "010", ".5", "true", "2024-05-01"])
def test_a_profile_needs_quotes(tmp_path, value):
    entries = profile(tmp_path, f"config:\n  name: {value}\n")
    with pytest.raises(UserError, match=r"^name in the profile is .*; put the text in quotes, as"):
        typed_text.check_profile(entries, KEYS, ["snakemake", "--profile", "mine"])
    (entry,) = entries
    for words in (("--config", entry), (f"--config={entry}",), (f"-C{entry}",)):
        typed_text.check_profile(entries, KEYS, ["snakemake", *words])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("config:\n  name: '001'\n", "001"),
        ("config:\n  name: mine\n", "mine"),
        ("config:\n  - name='001'\n", "001"),
    ],
)
def test_quoted_text_of_a_profile_is_kept(tmp_path, text, name):
    entries = profile(tmp_path, text)
    typed_text.check_profile(entries, KEYS, ["snakemake"])
    assert kept(*entries) == name


def test_null_in_a_profile_is_refused(tmp_path):
    entries = profile(tmp_path, "config:\n  name: null\n")
    with pytest.raises(UserError, match="name in the profile is null; leave it out there"):
        typed_text.check_profile(entries, KEYS, [])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1, "1"),
        (1.5, "1.5"),
        (True, "True"),
        (datetime.date(2024, 5, 1), "2024-05-01"),
    ],
)
@pytest.mark.parametrize("key", ["name", "audio_dir", "group_by", "listen_to"])
def test_a_file_that_yaml_does_not_read_as_text_is_refused(key, value, shown):
    """In a file, 001 and 1 cannot be told apart."""
    with pytest.raises(UserError) as error:
        configuration.complete(overlay(shipped_config(), {key: value}))
    assert f"key {key} must be of type string or null, not {shown} " in str(error.value)
    assert str(error.value).endswith(", as YAML reads it; put the text in quotes")


@pytest.mark.parametrize(
    "update",
    [
        {"variants": {"timefrequency_init": {"init": {"time": 1}}}},
        {"ballroom": {"archive": 2024}},
        {"ballroom": {"audio_md5": 10**31}},
    ],
)
def test_so_is_text_deeper_in_a_file(update):
    with pytest.raises(UserError, match="as YAML reads it; put the text in quotes"):
        configuration.complete(overlay(shipped_config(), update))


def test_the_configuration_keeps_what_was_typed(tmp_path, monkeypatch):
    (tmp_path / "2024 #1").mkdir()
    monkeypatch.chdir(tmp_path)
    entries = ["dataset=folder", "audio_dir=2024 #1", "name=001", "group_by=1", "folds=4"]
    config = overlay(shipped_config(), parse_config(entries))
    configuration.complete(config, command_line=entries)
    assert (config["audio_dir"], config["name"], config["group_by"]) == ("2024 #1", "001", "1")
    assert config["folds"] == 4


def test_so_does_that_of_labelling(tmp_path, monkeypatch):
    (tmp_path / "2024").mkdir()
    (tmp_path / "1e5").touch()
    monkeypatch.chdir(tmp_path)
    entries = ["model=1e5", "audio_dir=2024", "name=001", "shards=4"]
    config = parse_config(entries)
    labelling_configuration.complete(config, entries)
    assert config == {"model": "1e5", "audio_dir": "2024", "name": "001", "shards": 4}
    with pytest.raises(UserError, match="name must be text, not 1, as YAML reads it; put the text"):
        labelling_configuration.complete({**config, "name": 1})
    with pytest.raises(UserError, match="audio_dir must be text, not 2024, as YAML"):
        labelling_configuration.complete({**config, "audio_dir": yaml.safe_load("2024")})


def test_the_rules_pass_the_command_line_on():
    for name in ("label.smk", "rules/common.smk"):
        assert "workflow.config_settings.config_args" in (ROOT / name).read_text()
