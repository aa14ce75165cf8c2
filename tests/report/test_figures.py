"""The figures of the report: colours, labels, findings and data."""

import csv
import io
import re
import xml.etree.ElementTree as ET

import matplotlib
import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.fake_results import FakeResults
from tests.papers import PAPERS
from workflow_scripts.interpretation.clips import Clip
from workflow_scripts.report import (
    figure_data,
    figures,
    findings,
    line_labels,
    material,
    palette,
    segment_figures,
    segment_texts,
    svg,
    weight_figures,
)
from workflow_scripts.report.drawings import drawings
from workflow_scripts.report.svg import INK
from workflow_scripts.steps.report import parse

SVG = "{http://www.w3.org/2000/svg}"
VARIANTS = ["blackbox_12x8", "time_1x60", "frequency_32x1", "timefrequency", "timefrequency_init"]
STYLE = (ROOT / "workflow_scripts/report/templates/style.css").read_text(encoding="utf-8")
# The backgrounds of the page, light and dark, and that of files and paper.
BACKGROUNDS = [*re.findall(r"--page: (#[0-9a-f]{6});", STYLE)[:2], "#ffffff"]
# Above and below the scale of maps of tempi.
ENDS_OF_SCALE = [
    matplotlib.colors.to_hex(matplotlib.colormaps["viridis"](end)) for end in (0.0, 1.0)
]
HERTZ = np.geomspace(60, 20000, 40)
FRAME_RATE = PAPERS.frame_rate


def luminance(rgb):
    """The relative luminance of WCAG 2.2, of red, green and blue from 0 to 1."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def rgb_of(text):
    return [int(text[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def contrast(a, b):
    """The contrast ratio of WCAG 2.2."""
    lighter, darker = sorted((luminance(a), luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def texts(figure):
    root = ET.fromstring(svg.text_of(figure, "name"))
    return [element.text or "" for element in root.iter(f"{SVG}text")]


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures") / "results"
    results = FakeResults(folder, ["a", "b", "c"], 60, VARIANTS, n_folds=3)
    return material.read(parse(results.report_arguments()))


@pytest.fixture(scope="module")
def drawn(read):
    return {drawing.name: (drawing, svg.text_of(drawing.figure, "f")) for drawing in drawings(read)}


class TestColours:
    def test_both_schemes_have_a_background(self):
        assert len(set(BACKGROUNDS)) == 3
        assert luminance(rgb_of(BACKGROUNDS[0])) > 0.9 > 0.1 > luminance(rgb_of(BACKGROUNDS[1]))

    def test_lines_and_marks_have_a_contrast_of_3_in_both_schemes(self, drawn):
        found = set()
        for name, (_, document) in drawn.items():
            for style in re.findall(r'style="([^"]*)"', document):
                values = dict(part.split(": ", 1) for part in style.split("; ") if ": " in part)
                for kind in ("fill", "stroke"):
                    colour = values.get(kind, "none")
                    if not colour.startswith("#") or "font-family" in values:
                        continue
                    opacity = float(values.get("opacity", values.get(f"{kind}-opacity", 1)))
                    if (colour, opacity) == ("#808080", 0.3):
                        continue  # the grid, which may be faint
                    if name.startswith("tempo-") and colour in ENDS_OF_SCALE:
                        continue  # part of the colour bar
                    found.add(colour)
                    if colour == INK:
                        continue  # the colour of the page's text
                    for background in map(rgb_of, BACKGROUNDS):
                        seen = [
                            opacity * c + (1 - opacity) * b
                            for c, b in zip(rgb_of(colour), background, strict=True)
                        ]
                        assert contrast(seen, background) >= 3, (name, style)
        assert {palette.BLUE, palette.ORANGE, palette.GREEN, palette.RED, palette.PURPLE} < found

    def test_each_colour_of_the_palette(self):
        colours = {*palette.COLOUR_OF.values(), palette.GREY}
        assert len(colours) == 6
        for colour in colours:
            for background in BACKGROUNDS:
                assert contrast(rgb_of(colour), rgb_of(background)) >= 3, (colour, background)

    @pytest.mark.parametrize("name", ["Blues", "RdBu"])
    def test_text_in_cells_has_a_contrast_of_4_5(self, name):
        cells = matplotlib.colormaps[name](np.linspace(0, 1, 256))
        for cell, text in zip(cells, palette.text_on(cells), strict=True):
            assert contrast(cell[:3], rgb_of(text)) >= 4.5

    def test_text_in_cells_does_not_take_the_colour_of_the_page(self):
        assert INK not in (palette.DARK_TEXT, palette.LIGHT_TEXT)

    def test_no_two_variants_of_an_architecture_share_a_dash_pattern(self, read):
        table = read.interventions
        of_one = table[table["variant"] == "time_1x60"]
        names = [f"t{number}" for number in range(len(palette.DASHES))]
        several = pd.concat([of_one.assign(variant=name) for name in names])
        figure = figures.interventions(several, "shift", dict.fromkeys(names, "Time"))
        lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > 2]
        assert len({str(line._unscaled_dash_pattern) for line in lines}) == len(names)


class TestLabels:
    def test_labels_do_not_overlap_keep_their_order_and_stay_near(self):
        rng = np.random.default_rng(0)
        for _ in range(50):
            n = int(rng.integers(1, 12))
            wanted, heights = rng.uniform(0, 100, n), rng.uniform(2, 8, n)
            places = line_labels.spread(wanted, heights, 0, 100)
            order = np.argsort(wanted)
            gaps = np.diff(places[order])
            touching = (heights[order][1:] + heights[order][:-1]) / 2
            assert (gaps >= touching - 1e-9).all()
            assert (places - heights / 2 >= -1e-9).all() and (places + heights / 2 <= 100.1).all()

    def test_labels_with_room_stay_where_they_are(self):
        assert line_labels.spread([50, 10, 90], [5, 5, 5], 0, 100).tolist() == [50, 10, 90]
        assert line_labels.spread([50, 50], [10, 10], 0, 100).tolist() == [45, 55]

    def test_every_line_is_labelled_and_no_figure_has_a_legend(self, drawn):
        for name, (drawing, document) in drawn.items():
            assert all(axes.get_legend() is None for axes in drawing.figure.axes), name
            if name in ("stretch", "shift"):
                assert all(f">{variant}</text>" in document for variant in VARIANTS)
            if name.startswith("curves-"):
                assert ">training</text>" in document and ">validation</text>" in document


class TestDrawings:
    def test_names(self, drawn):
        expected = {"answer", "accuracies", "differences", "stretch", "shift", "tempi"}
        for variant in VARIANTS:
            expected |= {f"{kind}-{variant}" for kind in ("confusions", "curves", "weights")}
        expected |= {f"tempo-{v}" for v in ("time_1x60", "timefrequency", "timefrequency_init")}
        expected |= {
            f"spectra-{v}-frequency"
            for v in ("frequency_32x1", "timefrequency", "timefrequency_init")
        }
        assert set(drawn) == expected and next(iter(drawn)) == "answer"

    def test_each_has_a_finding_and_data(self, drawn):
        for name, (drawing, _) in drawn.items():
            rows = list(csv.DictReader(io.StringIO(drawing.csv)))
            assert rows and len(rows) == len(drawing.data), name
            assert not any(column.startswith("Unnamed") for column in rows[0])
            if name != "answer":
                assert drawing.finding.endswith("."), name

    def test_colours_that_encode_numbers_have_a_bar(self, drawn):
        kinds = ("differences", "confusions", "tempo-", "weights-blackbox")
        for name, (drawing, _) in drawn.items():
            bars = [axes for axes in drawing.figure.axes if axes.get_label() == "<colorbar>"]
            has_images = any(axes.images for axes in drawing.figure.axes)
            assert bool(bars) == has_images == name.startswith(kinds), name

    def test_they_are_as_wide_as_the_page(self, drawn):
        for name, (drawing, document) in drawn.items():
            assert drawing.figure.get_figwidth() == figures.WIDTH, name
            assert "max-width: min(52rem, 833px)" in svg.inline(document, name), name

    def test_data_of_curves_and_weights_are_exact(self, read, drawn):
        rows = pd.read_csv(io.StringIO(drawn["curves-time_1x60"][0].csv))
        histories = pd.concat(read.histories["time_1x60"], ignore_index=True)
        assert rows["fold"].value_counts().to_dict() == dict.fromkeys(range(3), 9)
        assert rows["validation_loss"].tolist() == pytest.approx(
            histories["validation_loss"].tolist()
        )
        rows = pd.read_csv(io.StringIO(drawn["weights-blackbox_12x8"][0].csv), dtype={"trunk": str})
        weight = read.first_weights["blackbox_12x8"]["rectangle.weight"]
        assert len(rows) == weight.size
        first = rows[rows["filter"] == 3]
        assert np.array_equal(first["weight"].to_numpy(np.float32), weight[3].ravel())
        assert first["band"].iloc[-1] == 11
        assert first["seconds"].iloc[-1] == pytest.approx(7 * 1024 / 44100, abs=1e-6)

    def test_data_of_accuracies_say_seed_and_fold(self, read, drawn):
        rows = drawn["accuracies"][0].data
        (seed,) = {own.seed for own in read.of_seeds}
        assert len(rows) == 3 * len(VARIANTS) and set(rows["seed"]) == {seed}
        two = figure_data.accuracies({"x": [1.0, 2, 3, 4]}, {"x": 5.0}, [7, 8])
        assert two["seed"].tolist() == [7, 7, 8, 8] and two["fold"].tolist() == [0, 1, 0, 1]
        assert two["accuracy"].tolist() == [1, 2, 3, 4] and set(two["baseline_accuracy"]) == {5}

    def test_data_of_interventions_are_those_of_the_table(self, read, drawn):
        rows = pd.read_csv(io.StringIO(drawn["shift"][0].csv))
        table = read.interventions[read.interventions["intervention"] == "shift"]
        assert rows["accuracy_mean"].tolist() == pytest.approx(table["accuracy_mean"].tolist())


class TestFindings:
    def test_folds_and_means(self):
        sentence = findings.accuracies({"x": [50.0, 70.0], "y": [40.0, 50.0]})
        assert "differ by up to 20.0 points (x: 50.0 to 70.0 %)" in sentence
        assert "the means of the 2 networks differ by up to 15.0 points." in sentence
        assert findings.accuracies({"x": [50.0, 70.0]}).endswith("folds: 50.0 to 70.0 %.")

    def test_a_best_epoch_that_is_the_last(self):
        def of(*folds):
            return findings.curves(
                [
                    pd.DataFrame({"epoch": [1, 2, 3], "validation_accuracy": accuracies})
                    for accuracies in folds
                ]
            )

        peak, rising = [0.1, 0.5, 0.4], [0.1, 0.2, 0.3]
        assert "The best epoch is the last in 2 of 3 folds: longer" in of(peak, rising, rising)
        assert of(peak, peak) == "Trained for 3 epochs per fold; best epoch: 2."
        assert "is the last here" in of(rising)

    def test_tempi(self):
        none, some = np.full(4, np.nan), np.array([np.nan, 100, 120, 140])
        sentence = findings.tempi({"x": none, "y": some})
        assert sentence.startswith("3 of the 4 temporal filters of y have a tempo, the largest")
        assert "below 120 BPM" in sentence
        assert findings.tempi({"x": none}) == "No temporal filter has a tempo."

    def test_the_largest_weight_of_the_strongest_spectral_filter(self):
        chosen = pd.DataFrame({"filter": [1, 0], "offset": [2.0, 0.0], "strength": [0.2, 0.1]})
        chosen = chosen.assign(most_affected_class=["Tango", "a"], gain=0.1)
        weight = np.zeros((2, 3, 1))
        weight[1, :, 0] = [0.1, -0.5, 0.2]
        sentence = findings.spectral(chosen, weight, HERTZ)
        assert "filter, 1, which affects Tango most, has its largest weight, a negative" in sentence
        assert f"at {HERTZ[3]:.0f} Hz." in sentence
        data = figure_data.spectral(chosen, weight, HERTZ)
        assert data["band"].tolist() == [2, 3, 4, 0, 1, 2]
        assert data["weight"].tolist() == [0.1, -0.5, 0.2, 0, 0, 0]
        assert data["hertz"].tolist() == HERTZ[[2, 3, 4, 0, 1, 2]].tolist()

    def test_strengths(self):
        sentence = findings.weights({"t": np.array([0.1, 0.25, -0.1]), "f": np.array([1.0])})
        assert "Of the 3 filters of t, number 1 is the strongest (0.250); 1 has none" in sentence
        assert "Of the 1 filter of f, number 0 is the strongest (1.000); all" in sentence


class TestWeights:
    @pytest.mark.parametrize("shape", [(1, 60), (1, 1), (40, 1), (12, 8), (2, 2)])
    @pytest.mark.parametrize("n_filters", [1, 8, 9, 32])
    def test_each_filter_is_drawn_with_its_number_in_order_of_strength(self, shape, n_filters):
        weight = np.random.default_rng(0).normal(size=(n_filters, *shape))
        strengths = pd.Series(np.linspace(1, -1, n_filters), range(n_filters)[::-1])
        figure = weight_figures.weights({"trunk": (strengths, weight)}, FRAME_RATE)
        titles = [t for t in texts(figure) if re.fullmatch(r"\d+: -?\d\.\d{3}", t)]
        assert [int(title.split(":")[0]) for title in titles] == list(strengths.index)
        assert "-0.000" not in " ".join(titles)
        axes = figure.axes[0]
        if min(shape) > 1:
            assert len(axes.images) == n_filters
            shown = axes.images[0].get_array()
            assert np.array_equal(shown, weight[strengths.index[0]])

    def test_weights_of_zero(self):
        strengths = pd.Series([0.0], [0])
        for shape in ((1, 8), (8, 1), (4, 4)):
            weight_figures.weights({"t": (strengths, np.zeros((1, *shape)))}, FRAME_RATE)

    def test_only_the_strongest_of_many_filters(self, read, monkeypatch):
        monkeypatch.setattr(weight_figures, "MOST_FILTERS", 5)
        drawing = next(d for d in drawings(read) if d.name == "weights-time_1x60")
        table = read.filters["time_1x60"]
        strongest = table[table["fold"] == 0].nlargest(5, "strength")["filter"]
        assert list(drawing.data["filter"].unique()) == list(strongest)


class TestSegments:
    clips = (
        Clip(np.full((40, 80), 2.0, np.float32), (3, 10), (1, 60), 43),
        Clip(np.zeros((40, 80), np.float32), (5, 0), (1, 60), 0),
    )

    def test_the_rectangle_is_where_the_filter_is(self):
        figure = segment_figures.spectrograms(self.clips, HERTZ, PAPERS)
        panels = [axes for axes in figure.axes if axes.images]
        assert len(panels) == 2
        seconds = 1024 / 44100
        rectangle = panels[0].patches[-1]
        assert rectangle.get_xy() == pytest.approx(((43 + 10) * seconds, 3))
        assert rectangle.get_width() == pytest.approx(60 * seconds)
        assert rectangle.get_height() == 1
        assert panels[0].get_xlim() == pytest.approx((43 * seconds, (43 + 80) * seconds))
        labels = [label.get_text() for label in panels[0].get_yticklabels()]
        assert labels == [f"{HERTZ[band]:.0f}" for band in (0, 10, 20, 29, 39)]

    def test_silence(self):
        silent = self.clips[1]
        assert "Hz" in texts(segment_figures.spectrograms([silent], HERTZ, PAPERS))

    def test_finding_and_data(self):
        sentence = segment_texts.finding(self.clips, HERTZ, FRAME_RATE)
        assert "covers 1 mel band and 1.39 s" in sentence
        assert "most from 1.23 s and 0.00 s on" in sentence
        assert f"at {HERTZ[3]:.0f} to {HERTZ[5]:.0f} Hz" in sentence
        data = figure_data.segments(self.clips, FRAME_RATE)
        assert len(data) == 2 * 40 * 80
        last = data[data["clip"] == 0].iloc[-1]
        assert (last["band"], last["energy"]) == (39, 2.0)
        assert last["seconds"] == pytest.approx((43 + 79) * 1024 / 44100, abs=1e-3)


def test_only_the_most_accurate_of_many_networks_are_compared_in_the_figure():
    names = [f"v{number}" for number in range(30)]
    pairs = pd.DataFrame(
        [
            {"first": a, "second": b, "difference": 1.0, "p_holm": 0.5}
            for number, a in enumerate(names)
            for b in names[number + 1 :]
        ]
    )
    shown = texts(figures.differences(pairs, names[: figures.MOST_COMPARED], 0.05))
    assert shown.count("v19") == 2 and "v20" not in shown
    assert shown.count("+1") == shown.count("-1") == 190
