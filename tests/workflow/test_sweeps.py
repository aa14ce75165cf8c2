"""Rows that sweeps make, rows that `only` selects, and what is wrong with either, in a sentence."""

import copy
import re

import pytest
import yaml

from tests.conftest import ROOT, overlay, shipped_config
from workflow_scripts.errors import UserError
from workflow_scripts.paths import ResultPaths
from workflow_scripts.workflow import configuration, key_paths
from workflow_scripts.workflow.training_settings import settings_of

PAPER = list(shipped_config()["variants"])
LENGTHS = {"base": "time_1x60", "key": "trunks.time.filter.1", "name": "time_1x{}"}


def completed(update, config=None):
    """The completed configuration and its rows."""
    config = overlay(config or shipped_config(), copy.deepcopy(update))
    rows = configuration.complete(config, ROOT / "config.yaml")
    return config, rows


def of_sweep(*values, **changes):
    """The configuration and the rows of one sweep over filter lengths, value by variant."""
    config, rows = completed({"sweeps": {"length": LENGTHS | {"values": [*values]} | changes}})
    return config, rows.sweeps["length"]["rows"]


class TestRows:
    def test_a_row_is_the_base_with_another_value(self):
        config, rows = of_sweep(8, 78)
        assert rows == {"time_1x8": 8, "time_1x78": 78}
        expected = copy.deepcopy(config["variants"]["time_1x60"])
        expected["trunks"]["time"]["filter"] = [1, 78]
        assert config["variants"]["time_1x78"] == expected
        assert list(config["variants"]) == [*PAPER, "time_1x8", "time_1x78"]

    def test_the_value_of_the_base_is_the_base(self):
        for name in ("time_1x{}", "other_{}", None):
            config, rows = of_sweep(8, 60, name=name)
            assert rows["time_1x60"] == 60
            assert len(config["variants"]) == len(PAPER) + 1

    def test_also_if_the_base_has_it_from_the_shared_settings(self):
        rates = {"key": "training.learning_rate", "name": None}
        config, rows = of_sweep(0.001, 0.01, **rates)
        assert rows == {"time_1x60_learning_rate_0_001": 0.001, "time_1x60": 0.01}
        own = settings_of(config, "time_1x60_learning_rate_0_001")["training"]
        assert own == settings_of(config, "time_1x60")["training"] | {"learning_rate": 0.001}

    def test_the_studies_of_the_paper_are_two_sweeps_over_its_own_rows(self):
        """With the bases alone, sweeps make the other rows as config.yaml has them."""
        shipped = shipped_config()
        bases = {name: shipped["variants"][name] for name in ("time_1x60", "frequency_30x1")}
        own = {"value": 200, "input_frames": 250}
        sweeps = {
            "length": LENGTHS | {"values": [60, own]},
            "height": {
                "base": "frequency_30x1",
                "key": "trunks.frequency.filter.0",
                "values": [30, 32, 34, 36, 38, 40],
                "name": "frequency_{}x1",
            },
        }
        made, rows = completed({"sweeps": sweeps}, {"variants": copy.deepcopy(bases)})
        written, _ = completed({})
        assert rows.sweeps["length"]["rows"] == {"time_1x60": 60, "time_1x200": 200}
        heights = {f"frequency_{m}x1": m for m in range(30, 41, 2)}
        assert rows.sweeps["height"]["rows"] == heights
        for name, variant in made["variants"].items():
            assert variant == written["variants"][name], name
        # Beside the rows that config.yaml has, they add none.
        both, again = completed({"sweeps": sweeps})
        assert both["variants"] == written["variants"] and again.sweeps == rows.sweeps

    @pytest.mark.parametrize(
        ("key", "values", "names"),
        [
            ("trunks.time.filter.1", [8], ["time_1x60_filter_1_8"]),
            ("trunks.time.n_filters", [8, 16], ["time_1x60_n_filters_8", "time_1x60_n_filters_16"]),
            ("trunks.time.filter", [[1, 8]], ["time_1x60_filter_1x8"]),
            ("training.learning_rate", [1.0e-5], ["time_1x60_learning_rate_1e_05"]),
            ("training.class_weights", ["balanced"], ["time_1x60_class_weights_balanced"]),
            ("trunks.time", [{"value": {"n_filters": 7}}], ["time_1x60_time_1"]),
        ],
    )
    def test_names(self, key, values, names):
        config, rows = of_sweep(*values, key=key, name=None)
        assert list(rows) == names and list(config["variants"]) == [*PAPER, *names]

    def test_a_structure_updates_that_of_the_base(self):
        config, _ = of_sweep({"value": {"n_filters": 7}}, key="trunks.time", name=None)
        trunk = config["variants"]["time_1x60_time_1"]["trunks"]["time"]
        assert trunk == {"filter": [1, 60], "pool": [40, 1], "n_filters": 7}

    def test_a_value_may_have_further_keys(self):
        longer = {"value": 100, "input_frames": 250, "training.learning_rate": 0.006}
        config, rows = of_sweep(8, longer)
        assert rows == {"time_1x8": 8, "time_1x100": 100}
        row = config["variants"]["time_1x100"]
        assert (row["input_frames"], row["training"]) == (250, {"learning_rate": 0.006})
        assert "training" not in config["variants"]["time_1x8"]

    def test_paths_go_through_lists_of_structures(self):
        tree = {"layers": [{"convolution": [1, 60]}, {"pool": [40, 1]}]}
        key_paths.put(tree, "layers.0.convolution.1", 8)
        assert tree["layers"][0] == {"convolution": [1, 8]}
        assert key_paths.get(tree, "layers.1.pool.0") == 40
        assert not key_paths.problem(tree, "layers.1.pool.0")
        assert not key_paths.problem(tree, "layers.0.dropout"), "the schema knows its keys"
        wrong = key_paths.problem(tree, "layers.0.pool.1")
        assert wrong == "known keys of layers.0: convolution"
        assert key_paths.problem(tree, "layers.2") == "layers is a list; its entries are 0 to 1"
        wrong = key_paths.problem(tree, "layers.0.convolutoin.1")
        assert wrong == "did you mean layers.0.convolution?"

    def test_keys_of_a_list_of_layers(self):
        layers = [{"convolution": [1, 60], "n_filters": 32}, {"pool": ["all", 1]}, {"dropout": 0.5}]
        base = {"architecture": "Time", "input_frames": 80, "trunks": {"time": {"layers": layers}}}
        own = {"base": "deep", "key": "trunks.time.layers.0.convolution.1", "values": [20, 60]}
        filters = {"base": "deep", "key": "trunks.time.layers.0.n_filters", "values": [16]}
        update = {"variants": {"deep": base}, "sweeps": {"length": own, "filters": filters}}
        config, rows = completed(update)
        assert rows.sweeps["length"]["rows"] == {"deep_convolution_1_20": 20, "deep": 60}
        changed = config["variants"]["deep_convolution_1_20"]["trunks"]["time"]["layers"]
        assert changed == [{"convolution": [1, 20], "n_filters": 32}, *layers[1:]]
        changed = config["variants"]["deep_n_filters_16"]["trunks"]["time"]["layers"]
        assert changed == [{"convolution": [1, 60], "n_filters": 16}, *layers[1:]]
        update["sweeps"]["filters"]["key"] = "trunks.time.layers.0.n_filter"
        with pytest.raises(UserError, match=r"^sweeps.filters: .* key n_filter in .*did you mean"):
            completed(update)

    def test_a_row_may_be_the_base_of_a_later_sweep(self):
        sweeps = {"length": LENGTHS | {"values": [8]}}
        filters = {"base": "time_1x8", "key": "trunks.time.n_filters", "values": [4]}
        config, _ = completed({"sweeps": sweeps | {"filters": filters}})
        row = config["variants"]["time_1x8_n_filters_4"]["trunks"]["time"]
        assert (row["filter"], row["n_filters"]) == ([1, 8], 4)

    def test_text_from_the_command_line_is_converted(self):
        """`--config sweeps='{...}'` as Snakemake parses it: all values are text."""
        config, rows = of_sweep("8", "60", {"value": "100", "input_frames": "250"})
        assert rows == {"time_1x8": 8, "time_1x60": 60, "time_1x100": 100}
        assert config["variants"]["time_1x100"]["input_frames"] == 250

    def test_null_removes_a_sweep(self):
        config, rows = completed({"sweeps": {"length": None}})
        assert config["sweeps"] == {} == rows.sweeps


def test_the_example_in_the_docs():
    page = (ROOT / "docs/configuration.md").read_text()
    (example,) = re.findall(r"```yaml\n(sweeps:.*?)```", page, flags=re.DOTALL)
    config, rows = completed(yaml.safe_load(example))
    lengths = rows.sweeps["filter_length"]["rows"]
    assert [*lengths] == ["time_1x16", "time_1x30", "time_1x45", "time_1x60", "time_1x200"]
    assert "time_1x60" in rows.sweeps["filters"]["rows"]
    assert "time_1x60_filter_1_16" not in config["variants"]
    # Its name without a template, as the page says.
    assert [*of_sweep(16, name=None)[1]] == ["time_1x60_filter_1_16"]


@pytest.mark.parametrize(("preset", "n"), [("sweep", 31), ("sweep_quick", 13)])
def test_the_presets_have_the_rows_of_the_paper_among_theirs(preset, n):
    config, rows = completed({}, shipped_config(preset))
    lengths, heights = (rows.sweeps[s]["rows"] for s in ("filter_length", "filter_height"))
    assert [*config["variants"]] and len(config["variants"]) == n == len(lengths) + len(heights)
    assert (min(lengths.values()), max(lengths.values())) == (8, 78)
    assert (min(heights.values()), max(heights.values())) == (8, 40)
    paper = {"sweep": 7, "sweep_quick": 4}[preset]
    assert len({*config["variants"]} & {*PAPER}) == paper


INVALID = [
    ({"base": "time_1x61"}, "sweeps.length.base: there is no variant time_1x61; did you mean tim"),
    ({"base": "x"}, "sweeps.length.base: there is no variant x; known variants: blackbox_12x8, "),
    (
        {"key": "trunks.tmie.filter.1"},
        "sweeps.length: time_1x60 has no key trunks.tmie.filter.1; did you mean trunks.time?",
    ),
    (
        {"key": "n_filters"},
        "sweeps.length: time_1x60 has no key n_filters; did you mean trunks.time.n_filters?",
    ),
    (
        {"key": "training.lr"},
        "sweeps.length: time_1x60 has no key training.lr; known keys of training: learning_rate,",
    ),
    (
        {"key": "trunks.time.filter.2"},
        "sweeps.length: time_1x60 has no key trunks.time.filter.2; trunks.time.filter is a list; ",
    ),
    (
        {"key": "hidden.1"},
        "sweeps.length: time_1x60 has no key hidden.1; hidden is a single value",
    ),
    (
        {"values": [8, "long"]},
        "sweeps.length: configuration key variants.time_1xlong.trunks.time.filter.1 must be of "
        "type integer, not 'long'",
    ),
    ({"values": [8, 60, 8]}, "sweeps.length.values has 8 twice; remove one"),
    ({"values": [8, "8"]}, "sweeps.length.values has 8 twice; remove one"),
    ({"values": [8, {"value": 8, "input_frames": 250}]}, "sweeps.length.values has 8 twice"),
    ({"values": []}, "configuration key sweeps.length.values has 0 entries"),
    ({"values": 8}, "configuration key sweeps.length.values must be of type array, not 8"),
    (
        {"values": [{"input_frames": 250}]},
        "configuration key sweeps.length.values.0 lacks value; add it",
    ),
    (
        {"values": [{"value": 8, "input_frame": 250}]},
        "sweeps.length: time_1x60 has no key input_frame; did you mean input_frames?",
    ),
    (
        {"values": [8, 81]},
        "sweeps.length makes variants.time_1x81: the filter (1, 81) of trunk time is larger than ",
    ),
    (
        {"base": "timefrequency_init", "name": None, "values": [8]},
        "sweeps.length makes variants.timefrequency_init_filter_1_8.init: the filter of trunk time",
    ),
    (
        {"values": [{"value": 200, "input_frames": 260}]},
        "sweeps.length makes a row time_1x200, but variants has time_1x200 with other settings; gi",
    ),
    (
        {"key": "training.learning_rate", "values": [1.0e-5, 1.0000001e-5]},
        "sweeps.length gives the name time_1x1e_05 to two rows; set its name",
    ),
    ({"name": "time"}, "configuration key sweeps.length.name is wrong: 'time' does not match"),
    ({"name": "_{}"}, "sweeps.length: the name '_8' in variants cannot be used; choose another"),
    ({"value": [8]}, "unknown configuration key value in sweeps.length; did you mean values?"),
]


@pytest.mark.parametrize(("changes", "sentence"), INVALID)
def test_an_invalid_sweep_is_reported_in_one_sentence(changes, sentence):
    with pytest.raises(UserError) as error:
        of_sweep(8, **changes)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)


def test_two_sweeps_that_make_one_name_are_rejected():
    sweeps = {"length": LENGTHS | {"values": [8]}}
    sweeps["filters"] = LENGTHS | {"values": [8], "key": "trunks.time.n_filters"}
    with pytest.raises(UserError) as error:
        completed({"sweeps": sweeps})
    assert str(error.value) == (
        "sweeps.filters makes a row time_1x8, but sweeps.length makes time_1x8 with other settings;"
        " give the rows of sweeps.filters another name"
    )


def test_a_sweep_with_the_name_of_a_variant_is_rejected():
    with pytest.raises(UserError, match=r"^sweeps.time_1x60 has the name of a variant; give the"):
        completed({"sweeps": {"time_1x60": LENGTHS | {"values": [8]}}})


class TestOnly:
    def test_donors_come_along_in_the_order_of_the_table(self):
        config, rows = completed({"only": ["timefrequency_init"]})
        assert list(config["variants"]) == ["time_1x60", "frequency_32x1", "timefrequency_init"]
        assert list(rows.all_variants) == PAPER

    def test_a_sweep_stands_for_its_rows(self):
        sweeps = {"length": LENGTHS | {"values": [8, 78]}}
        config, rows = completed({"sweeps": sweeps, "only": ["length", "frequency_32x1"]})
        assert list(config["variants"]) == ["frequency_32x1", "time_1x8", "time_1x78"]
        assert rows.sweeps["length"]["rows"] == {"time_1x8": 8, "time_1x78": 78}

    def test_a_sweep_has_the_rows_that_remain(self):
        sweeps = {"length": LENGTHS | {"values": [8, 78]}}
        config, rows = completed({"sweeps": sweeps, "only": ["time_1x78"]})
        assert list(config["variants"]) == ["time_1x78"]
        assert rows.sweeps["length"]["rows"] == {"time_1x78": 78}
        _, rows = completed({"sweeps": sweeps, "only": ["time_1x60"]})
        assert rows.sweeps == {}

    @pytest.mark.parametrize("value", ["time_1x60", ["time_1x60"], ["time_1x60", "time_1x60"]])
    def test_one_name(self, value):
        assert list(completed({"only": value})[0]["variants"]) == ["time_1x60"]

    @pytest.mark.parametrize("value", [None, "null", ""])
    def test_null_is_all(self, value):
        assert list(completed({"only": value})[0]["variants"]) == PAPER

    @pytest.mark.parametrize(
        ("update", "sentence"),
        [
            (
                {"only": ["time_1x6"]},
                "only: there is no variant or sweep time_1x6; did you mean time_1x60?",
            ),
            ({"only": "all"}, "only: there is no variant or sweep all; known names: blackbox_12x8"),
            ({"only": []}, "configuration key only has 0 entries and must have at least 1"),
            ({"only": 3}, "configuration key only must be of type array or null, not 3"),
            ({"only": [3]}, "configuration key only.0 must be of type string, not 3"),
            (
                {"only": ["time_1x60"], "listen_to": "frequency_32x1"},
                "listen_to is frequency_32x1, which only leaves out; add it to only, or set listen",
            ),
        ],
    )
    def test_wrong_names_are_reported_in_one_sentence(self, update, sentence):
        with pytest.raises(UserError) as error:
            completed(update)
        assert str(error.value).startswith(sentence)


# A run of some rows, among them one of a sweep without its base.
SOME = {
    "name": "mine",
    "sweeps": {"length": LENGTHS | {"values": [8, {"value": 200, "input_frames": 250}]}},
    "only": ["time_1x8", "time_1x200", "timefrequency_init"],
}


class TestKept:
    """results/NAME/config.yaml, used as the configuration, makes the same rows."""

    def test_the_same_rows_again(self, tmp_path):
        config, rows = completed(SOME)
        results = ResultPaths(tmp_path)
        configuration.keep(config, results, rows.all_variants)
        kept = yaml.safe_load(results.config.read_text())
        assert list(kept["variants"]) == [*PAPER, "time_1x8"]
        again = configuration.complete(kept, results.config)
        assert kept == config and again == rows
        # Also as an overlay of config.yaml.
        overlaid = overlay(shipped_config(), yaml.safe_load(results.config.read_text()))
        assert configuration.complete(overlaid, ROOT / "config.yaml") == rows
        assert overlaid == config

    def test_commands_read_the_rows_of_the_table(self, tmp_path):
        config, rows = completed(SOME)
        results = ResultPaths(tmp_path)
        configuration.keep(config, results, rows.all_variants)
        assert configuration.read_complete(results.config) == config
