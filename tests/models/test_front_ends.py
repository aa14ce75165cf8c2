"""Models of any front end: exported, packed, read and used, or refused with the wrong key."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from tests.conftest import clicks, network_of, short_network, write_wav
from tests.hostile_models import edited, with_metadata
from tests.model_files import CLASSES, PAPERS, SPEECH, metadata_of, onnx_of, trained, written
from workflow_scripts.audio.front_end import mel_bands
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset import normalisation
from workflow_scripts.dataset.normalisation import Sums, compress
from workflow_scripts.errors import UserError
from workflow_scripts.labelling.label_tracks import label_one
from workflow_scripts.models import method, onnx_file, package
from workflow_scripts.models.metadata import NotOurModelError
from workflow_scripts.models.onnx_file import read
from workflow_scripts.models.runtime import Session
from workflow_scripts.networks.engine import engine_class

FRONT_ENDS = {
    "the paper's": PAPERS,
    "16 kHz, 96 bands": SPEECH,
    "no compression": replace(PAPERS, compression=None),
    "little compression": replace(PAPERS, compression=1.0),
    "a square window, hop of 3/4": replace(SPEECH, window="square", hop_size=384, compression=None),
    "triangular, a range": FrontEnd(22050, 1024, 220, "triangular", 48, 60, 8000, 100),
}
# Difference of a probability.
TOLERANCE = 1e-5


@pytest.fixture(params=FRONT_ENDS)
def front_end(request):
    return FRONT_ENDS[request.param]


def two_trunks(front_end, frames=30):
    """A network with the bands of the front end."""
    n_bands = front_end.n_bands
    trunks = {
        "time": ((1, 10), (n_bands, 1), 4),
        "frequency": ((n_bands // 2, 1), (1, frames), 4),
    }
    return short_network(trunks, n_bands, frames, 0, len(CLASSES))


def music(rate, seconds=6):
    """Clicks at this sampling rate, as 16-bit samples."""
    sound = clicks(np.random.default_rng(0), 120, seconds)
    return np.interp(np.arange(int(seconds * rate)) / rate, np.arange(len(sound)) / 44100, sound)


def a_model(energies, front_end):
    """A model with the scaler of these energies (frames, bands)."""
    scaler = normalisation.fit(Sums.of(energies, front_end.compression))
    return replace(trained(two_trunks(front_end), front_end=front_end), scaler=scaler)


def of_engine(model, energies):
    """The probabilities of the segments of a track, computed by PyTorch or MXNet from features."""
    network, front_end = model.network, model.metadata.front_end
    n_segments = len(energies) // network.frames
    segments = energies[: n_segments * network.frames].reshape(n_segments, network.frames, -1)
    inputs = model.scaler(compress(segments, front_end.compression)).transpose(0, 2, 1)
    engine = engine_class("mxnet")(network, model.weights, dropout=0.5, gpu=False)
    return engine.probabilities(np.ascontiguousarray(inputs))


def test_a_wav_file_is_labelled_as_by_the_engine(tmp_path, front_end):
    """From the packed file, which says what to compute; at other sampling rates too."""
    rate = 32000
    write_wav(tmp_path / "a.wav", music(rate), rate)
    energies = mel_bands(tmp_path / "a.wav", front_end)
    assert energies.shape[1] == front_end.n_bands
    assert abs(len(energies) / front_end.frame_rate - 6) < 3 / front_end.frame_rate
    model = a_model(energies, front_end)
    package.write(tmp_path / "m.zip", package.together([model.onnx_bytes()]), {})
    prediction = label_one(tmp_path / "m.zip", tmp_path / "a.wav")
    expected = of_engine(model, energies)
    assert np.ptp(expected, axis=0).max() > 0.01
    found = [moment.probabilities for moment in prediction.timeline]
    assert np.abs(np.subtract(found, expected)).max() < TOLERANCE
    seconds = model.network.frames / front_end.frame_rate
    starts = [moment.start for moment in prediction.timeline]
    assert starts == pytest.approx(np.arange(len(expected)) * seconds)


def test_quiet_music_keeps_its_digits(tmp_path, front_end):
    """Energies of 1e-5, of which 1 + C x keeps two digits in float32 if C is 1."""
    rng = np.random.default_rng(0)
    energies = 1e-5 * rng.exponential(size=(600, front_end.n_bands)).astype(np.float32)
    model = a_model(energies, front_end)
    session = Session(model.onnx_bytes())
    segments = energies.reshape(20, 30, -1)
    expected = of_engine(model, energies)
    assert np.abs(session.probabilities(segments) - expected).max() < TOLERANCE


def test_a_file_keeps_the_front_end(tmp_path, front_end):
    data = written(two_trunks(front_end), front_end=front_end)
    onnx_file.write(tmp_path / "a.onnx", data)
    model = read(data)
    assert model.metadata.front_end == front_end and model.onnx_bytes() == data
    graph = onnx.load_from_string(data).graph
    operators = {node.op_type for node in graph.node}
    assert ("Log" in operators) == (front_end.compression is not None)
    # Only where float32 is not enough.
    assert ("Cast" in operators) == (
        front_end.compression is not None and front_end.compression < 1000
    )
    shape = graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in shape] == ["segments", 30, front_end.n_bands]


def test_whole_numbers_give_the_same_bytes():
    """22050 and 22050.0, as a configuration may have them."""
    whole = FrontEnd(min_frequency=0, max_frequency=22050, compression=10_000)
    decimal = FrontEnd(min_frequency=0.0, max_frequency=22050.0, compression=10_000.0)
    network = network_of("frequency_40x1", 3)
    assert written(network, front_end=whole) == written(network, front_end=decimal)


def test_models_of_different_front_ends_are_not_packed():
    files = [
        written(two_trunks(front_end), f"v{number}", front_end=front_end)
        for number, front_end in enumerate([PAPERS, replace(PAPERS, compression=1.0)])
    ]
    with pytest.raises(NotOurModelError, match="has models with different front ends"):
        package.together(files)


def test_a_packed_file_of_different_front_ends_is_refused(tmp_path, monkeypatch):
    files = [
        written(two_trunks(front_end), f"v{number}", front_end=front_end)
        for number, front_end in enumerate([PAPERS, SPEECH])
    ]
    monkeypatch.setattr(package, "_check_together", lambda _: None)
    package.write(tmp_path / "m.zip", package.together(files), {})
    monkeypatch.undo()
    with pytest.raises(UserError, match=r"has models with different front ends, .*; use one made"):
        package.check(tmp_path / "m.zip")


REFUSED = "uses a mel-spectrogram that this version does not compute: "


def bad(entry, **values):
    """The content of a file with other values in an entry of its metadata."""
    texts = metadata_of(network_of("frequency_32x1", 3)).texts()
    return with_metadata(**{entry: json.loads(texts[entry]) | values})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"window": "kaiser"}, "window is 'kaiser', which is unknown"),
        ({"window": "hann"}, "window_coefficients is "),
        ({"window": ["hann"]}, r"window is \['hann'\], which is unknown"),
        ({"n_bands": 10**9}, "n_bands is 1000000000, not a whole number from 2 to 512"),
        ({"n_bands": 40.0}, "n_bands is 40.0, not a whole number"),
        ({"hop_size": 0}, "hop_size is 0, not a whole number from 32"),
        ({"hop_size": True}, "hop_size is True, not a whole number"),
        ({"hop_size": 10**4000}, "hop_size is 1000000000000000000"),
        ({"frame_size": 1 << 40}, "frame_size is 1099511627776, not a whole number"),
        ({"sample_rate": "44100"}, "sample_rate is '44100', not a whole number"),
        ({"sample_rate": None}, "sample_rate is None, not a whole number"),
        ({"highFrequencyBound": 30_000}, "max_frequency is 30000, not a number of Hz up to half"),
        ({"highFrequencyBound": float("nan")}, "max_frequency is nan, not a number"),
        ({"lowFrequencyBound": -1}, "min_frequency is -1, not a number"),
        ({"lowFrequencyBound": []}, r"min_frequency is \[\], not a number"),
        ({"n_bands": 250}, "n_bands is 250, too many for frequencies 21.5332 Hz apart"),
        ({"warpingFormula": "slaneyMel"}, "warpingFormula is 'slaneyMel', not as this version"),
        ({"mel_constants": [1127.01048, 701]}, r"mel_constants is \[1127.01048, 701\], not as"),
        ({"more": [[]] * 50_000}, r"more is \[\[\], .*, not as this version has it"),
        ({"x" * 10_000: 1}, "x{40} is 1, not as this version has it"),
    ],
)  # fmt: skip
def test_a_front_end_that_cannot_be_computed_is_named(values, reason):
    with pytest.raises(NotOurModelError, match=f"^{REFUSED}{reason}") as refusal:
        read(bad("front_end", **values))
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "compression is nan, neither null nor a number above 0"),
        (0, "compression is 0, neither"),
        (1e300, r"compression is 1e\+300, neither"),
        ("ln(1 + 10000 energy)", "compression is 'ln"),
        ([10_000], r"compression is \[10000\], neither"),
    ],
)
def test_a_compression_that_cannot_be_computed_is_named(value, reason):
    with pytest.raises(NotOurModelError, match=f"^{REFUSED}{reason}"):
        read(bad("graph", compression=value))


@pytest.mark.parametrize("value", [None, 100])
def test_another_compression_than_that_of_the_graph_is_refused(value):
    compressed = "the energy itself" if value is None else "ln(1 + compression energy)"
    with pytest.raises(NotOurModelError, match="damaged"):
        read(bad("graph", compression=value, compressed=compressed))


@pytest.mark.parametrize("entry", ["front_end", "graph", "segments", "vote"])
@pytest.mark.parametrize("value", ["null", "[]", "3", '"x"', "{}"])
def test_an_entry_that_is_no_description_is_refused(entry, value):
    with pytest.raises(NotOurModelError):
        read(with_metadata(**{entry: value}))


def format_2():
    """The metadata that version wrote, as texts."""
    values = json.loads((Path(__file__).parent / "format-2.json").read_text())
    return {key: json.dumps(value) for key, value in values.items()}


class TestFormat2:
    """Files of the version before: with its metadata, word by word."""

    def file(self, **changes):
        def edit(model):
            texts = format_2() | {key: json.dumps(value) for key, value in changes.items()}
            onnx.helper.set_model_props(model, texts)

        return edited(onnx_of("timefrequency"), edit)

    def test_they_have_the_papers_front_end(self):
        model = read(self.file())
        assert model.metadata.front_end == PAPERS
        assert model.onnx_bytes() == onnx_of("timefrequency")

    def test_they_give_the_same_probabilities(self):
        """As their own graph, which that version ran."""
        energies = np.random.default_rng(0).exponential(size=(5, 80, 40)).astype(np.float32) / 1000
        own = onnxruntime.InferenceSession(self.file()).run(None, {"mel": energies})[0]
        ours = Session(read(self.file()).onnx_bytes()).probabilities(energies)
        assert np.array_equal(ours, own)

    @pytest.mark.parametrize(
        ("entry", "value"),
        [
            ("front_end", {"hop_size": 512}),
            ("front_end", {"window_sum": 1}),
            ("graph", {"compression": "energy"}),
            ("graph", {"compression": 10_000}),
            ("segments", {"hop": 40}),
            ("segments", {"silence": {}}),
            ("vote", {"track": "the last class"}),
        ],
    )
    def test_what_they_could_not_say_is_refused(self, entry, value):
        changed = json.loads(format_2()[entry]) | value
        with pytest.raises(NotOurModelError):
            read(self.file(**{entry: changed}))


def test_the_description_has_all_settings():
    """Two front ends differ in their description if they differ at all."""
    different = [
        PAPERS,
        *FRONT_ENDS.values(),
        *(replace(PAPERS, window=name) for name in ("hann", "square", "blackmanharris74")),
        replace(PAPERS, min_frequency=20),
        replace(PAPERS, max_frequency=20_000),
        replace(PAPERS, hop_size=512),
    ]
    texts = {json.dumps(method.entries(front_end, 80)) for front_end in different}
    assert len(texts) == len(different) - 1
    for front_end in different:
        entries = json.loads(json.dumps(method.entries(front_end, 80)))
        assert method.read(entries["front_end"], entries["graph"]) == front_end
