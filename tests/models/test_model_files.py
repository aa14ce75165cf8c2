"""Model files: their content, and that damaged or hostile files are refused."""

import copy
import json
import os
import re
import subprocess
import sys
import zipfile
from functools import partial

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tests import hostile_models, model_files
from tests.conftest import ROOT, short_network
from tests.model_files import CLASSES, onnx_of, packed
from workflow_scripts.errors import UserError
from workflow_scripts.models import package
from workflow_scripts.models.metadata import NotOurModelError
from workflow_scripts.models.onnx_file import read
from workflow_scripts.models.runtime import Ensemble

# What other programs add to a packed file: entries, and a comment.
REPACKED = {
    "folders": ({"time_1x60/": b"", "frequency_32x1/": b""}, b""),
    "a note": ({"README.txt": b"from a friend"}, b""),
    "macOS": ({".DS_Store": b"Bud1", "__MACOSX/._manifest.json": b"Mac", "__MACOSX/": b""}, b""),
    "cards of other variants": ({"other/MODEL_CARD.md": b"# Other\n"}, b""),
    "an empty note": ({"a/b/c/empty": b""}, b""),
    "a name with ..": ({"../notes.txt": b"x", "/tmp/notes.txt": b"x"}, b""),
    "a comment": ({}, b"made by hand"),
    "the longest comment": ({}, b"x" * 65_535),
    "nothing": ({}, b""),
}


@pytest.fixture(scope="module")
def onnx_file():
    """The content of an ONNX file."""
    return onnx_of("timefrequency")


def edited(data, edit):
    """The content of the file after `edit` has changed its model in place."""
    model = onnx.load_from_string(data)
    edit(model)
    return model.SerializeToString()


def refused(path):
    """The message with which a file is refused, one sentence."""
    with pytest.raises(UserError) as mistake:
        Ensemble(path)
    assert "\n" not in str(mistake.value)
    return str(mistake.value)


class TestPackage:
    def test_it_has_the_packed_models(self, tmp_path):
        file = packed(tmp_path / "model.zip", "time_1x60", "frequency_32x1")
        packed_file = package.read(file)
        assert packed_file.classes == CLASSES
        assert {
            v: [m.metadata.fold for m in models] for v, models in packed_file.variants().items()
        } == {
            "time_1x60": [0, 1],
            "frequency_32x1": [0, 1],
        }
        assert packed_file.variants()["time_1x60"][1].onnx == onnx_of("time_1x60", fold=1)
        with zipfile.ZipFile(file) as archive:
            manifest = json.loads(archive.read("manifest.json"))
            assert archive.read("time_1x60/MODEL_CARD.md") == b"# A card\n"
        assert manifest["classes"] == list(CLASSES)
        assert manifest["front_end"]["hop_size"] == 1024

    def test_the_same_models_give_the_same_bytes(self, tmp_path):
        files = [packed(tmp_path / name, "time_1x60") for name in ("a", "b")]
        assert files[0].read_bytes() == files[1].read_bytes()

    def test_a_single_onnx_file_is_read(self, tmp_path, onnx_file):
        (tmp_path / "one.onnx").write_bytes(onnx_file)
        assert package.read(tmp_path / "one.onnx").models[0].onnx == onnx_file

    def test_models_of_different_classes_are_refused(self):
        with pytest.raises(NotOurModelError, match="models of different data sets"):
            package.together([onnx_of("time_1x60"), onnx_of("time_1x60", classes="abc")])

    def test_different_networks_of_one_name_are_refused(self):
        def rename(model):
            metadata("variant", lambda _: "time_1x60")(model)
            model.graph.name = "time_1x60"

        other = edited(onnx_of("time_1x200"), rename)
        with pytest.raises(NotOurModelError, match="different networks under the name time_1x60"):
            package.together([onnx_of("time_1x60"), other])

    @pytest.mark.parametrize("what", REPACKED)
    def test_a_file_that_was_packed_again_is_read(self, tmp_path, what):
        """Other programs add folders, notes and comments, which are never read."""
        original = packed(tmp_path / "model.zip", "time_1x60", "frequency_32x1")
        others, comment = REPACKED[what]
        with zipfile.ZipFile(original) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(tmp_path / "again.zip", "w") as archive:
            for name, data in sorted((entries | others).items()):
                compression = zipfile.ZIP_DEFLATED if name in others else zipfile.ZIP_STORED
                archive.writestr(name, data, compression)
            archive.comment = comment
        before, after = (package.read(tmp_path / name) for name in ("model.zip", "again.zip"))
        assert {m.onnx for m in after.models} == {m.onnx for m in before.models}
        assert [m.metadata for m in after.models] == [m.metadata for m in before.models]
        rewrite(tmp_path / "again.zip", {"time_1x60/fold-1.onnx": onnx_of("time_1x200", fold=1)})
        assert "is damaged or has been changed" in refused(tmp_path / "again.zip")

    def test_what_is_not_listed_is_neither_read_nor_checked(self, tmp_path):
        """Even if it is at the place of another entry."""
        file = hostile_models.many_entries(tmp_path / "model.zip", 3, name=b"strange")
        assert len(package.read(file).models) == 1

    def test_an_end_record_in_a_comment_is_the_end(self, tmp_path):
        """As zipfile takes it. This one declares a list that is not there."""
        file = packed(tmp_path / "model.zip", "frequency_40x1")
        hostile_models.commented(file, b"PK\x05\x06" + b"\x01" * 16 + b"\0\0")
        assert "is damaged or truncated" in refused(file) or "entries" in refused(file)

    def test_a_file_without_a_model_of_its_manifest_is_refused(self, tmp_path):
        file = tmp_path / "model.zip"
        entries = hostile_models.good()
        hostile_models.zip_of(file, {}, json.dumps(hostile_models.manifest_of(entries)))
        assert "has no entry 'frequency_40x1/fold-0.onnx'" in refused(file)

    def test_overlapping_entries_are_refused(self, tmp_path):
        """Otherwise a small file could fill the memory."""
        data = onnx_of("frequency_40x1")
        names = [f"frequency_40x1/fold-{n}.onnx" for n in range(50)]
        manifest = {
            "content": package.CONTENT,
            "version": package.VERSION,
            "models": [{"file": name, "sha256": package.digest_of(data)} for name in names],
        }
        file = tmp_path / "model.zip"
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(package.MANIFEST, json.dumps(manifest))
            archive.writestr(names[0], data)
            first = archive.getinfo(names[0])
            for name in names[1:]:
                again = copy.copy(first)
                again.filename = name
                archive.filelist.append(again)
                archive.NameToInfo[name] = again
        assert file.stat().st_size < 10 * len(data)
        assert "is damaged or truncated" in refused(file)

    def test_a_file_truncated_anywhere_is_refused(self, tmp_path):
        complete = packed(tmp_path / "model.zip", "frequency_40x1").read_bytes()
        cut = tmp_path / "cut.zip"
        for size in range(0, len(complete), 97):
            cut.write_bytes(complete[:size])
            assert str(cut) in refused(cut)

    def test_a_file_that_becomes_shorter_is_named(self, tmp_path):
        file = packed(tmp_path / "model.zip", "frequency_40x1")
        models = package.models_of(file)
        next(models)
        os.truncate(file, 2000)
        with pytest.raises(UserError, match="became shorter while it was read; try again"):
            next(models)

    def test_a_changed_weight_is_detected(self, tmp_path):
        file = packed(tmp_path / "model.zip", "frequency_40x1")
        data = bytearray(file.read_bytes())
        weights = onnx_of("frequency_40x1")
        data[data.index(weights[3000:4000]) + 500] ^= 1
        file.write_bytes(data)
        assert "is damaged" in refused(file)

    def test_another_model_under_the_same_name_is_detected(self, tmp_path):
        file = packed(tmp_path / "model.zip", "frequency_40x1")
        name = "frequency_40x1/fold-0.onnx"
        rewrite(file, {name: onnx_of("frequency_40x1", fold=7)})
        assert "is damaged or has been changed" in refused(file)

    def test_a_compressed_entry_is_refused(self, tmp_path):
        file = packed(tmp_path / "model.zip", "frequency_40x1")
        bomb = {"manifest.json": b" " * 10_000_000}
        rewrite(file, bomb, zipfile.ZIP_DEFLATED)
        assert file.stat().st_size < 1_000_000
        assert "has compressed or encrypted entries" in refused(file)

    @pytest.mark.parametrize(
        "manifest",
        [
            b"",
            b"[]",
            b"[" * 100_000,
            b"{}",
            b'{"content": "musically motivated CNNs", "version": 2}',
            b'{"content": "musically motivated CNNs", "version": 1, "models": []}',
            b'{"content": "musically motivated CNNs", "version": 1, "models": [{"file": "../x"}]}',
        ],
        ids=range(7),
    )
    def test_a_wrong_manifest_is_refused(self, tmp_path, manifest):
        file = packed(tmp_path / "model.zip", "frequency_40x1")
        rewrite(file, {"manifest.json": manifest})
        refused(file)

    @pytest.mark.parametrize(
        "content", [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"\x80\x04."]
    )
    def test_another_file_is_refused(self, tmp_path, content):
        (tmp_path / "model.zip").write_bytes(content)
        assert "use one made by `make model`" in refused(tmp_path / "model.zip")

    def test_a_file_larger_than_memory_is_refused(self, tmp_path):
        with (tmp_path / "large.onnx").open("wb") as file:
            file.truncate(1 << 40)
        assert "is larger than 4 GiB" in refused(tmp_path / "large.onnx")

    def test_a_missing_file_is_refused(self, tmp_path):
        assert "is not a file; check the path" in refused(tmp_path / "none.zip")
        assert "is not a file; check the path" in refused(tmp_path)
        assert "is not a file; check the path" in refused(tmp_path / ("x" * 300))


def rewrite(file, changed, compression=zipfile.ZIP_STORED):
    """Replace or add entries of a zip file."""
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()} | changed
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def add_node(operator, **attributes):
    def edit(model):
        model.graph.node.append(helper.make_node(operator, ["mel"], ["more"], **attributes))

    return edit


def set_operator(model):
    model.graph.node[0].op_type = "Sub"


def set_domain(model):
    model.graph.node[0].domain = "com.hostile"


def pad(model):
    (node,) = (n for n in model.graph.node if n.output[0] == "time.map")
    node.attribute.append(helper.make_attribute("pads", [0, 0, 1_000_000, 1_000_000]))


def larger_pool(model):
    (node,) = (n for n in model.graph.node if n.output[0] == "time.maxima")
    node.attribute[0].ints[0] = 1


def external(model):
    array = model.graph.initializer[-1]
    array.ClearField("raw_data")
    array.data_location = onnx.TensorProto.EXTERNAL
    array.external_data.append(onnx.StringStringEntryProto(key="location", value="/etc/passwd"))


def huge(model):
    model.graph.initializer[-1].dims[0] = 1 << 40


def many_dimensions(model):
    model.graph.initializer[-1].dims.extend([1] * 100_000)


def values(name, numbers):
    def edit(model):
        (array,) = (a for a in model.graph.initializer if a.name == name)
        array.raw_data = np.array(numbers, np.float32).tobytes()

    return edit


def negative(model):
    model.graph.initializer[-1].dims[0] = -1


def doubles(model):
    array = np.zeros(len(CLASSES))
    model.graph.initializer[-1].CopyFrom(numpy_helper.from_array(array, "output.bias"))


def duplicate(model):
    model.graph.initializer.append(model.graph.initializer[-1])


def missing(model):
    del model.graph.initializer[-1]


def function(model):
    model.functions.add().name = "f"


def newer(model):
    model.opset_import[0].version = 99


def other_input(model):
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 41


def metadata(name, change):
    def edit(model):
        (entry,) = (e for e in model.metadata_props if e.key == name)
        entry.value = json.dumps(change(json.loads(entry.value)))

    return edit


def trunks(**change):
    def edit(network):
        network["trunks"]["time"] |= change
        return network

    return metadata("network", edit)


def submessage(number, content):
    """A field with this number of a protobuf message."""
    length, size = b"", len(content)
    while size >= 0x80:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


class TestReading:
    def test_an_exported_model_is_read(self, onnx_file):
        model = read(onnx_file)
        assert model.metadata.classes == CLASSES and model.metadata.variant == "timefrequency"
        assert model.onnx_bytes() == onnx_file

    def test_a_model_of_version_0_9_0_is_read(self, onnx_file):
        """Its metadata say less, and the same."""
        old = [
            "library",
            "sample_rate",
            "channels",
            "frame_size",
            "hop_size",
            "first_frame",
            "window",
            "n_bands",
            "lowFrequencyBound",
            "highFrequencyBound",
            "warpingFormula",
            "weighting",
            "normalize",
            "type",
            "log",
        ]

        def edit(model, hop_size=1024):
            kept = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
            for added in ("level", "graph", "vote", "segments"):
                kept.pop(added)
            kept["format"] = 1
            kept["front_end"] = {k: kept["front_end"][k] for k in old} | {"hop_size": hop_size}
            helper.set_model_props(model, {k: json.dumps(v) for k, v in kept.items()})

        model = read(edited(onnx_file, edit))
        assert model.onnx_bytes() == onnx_file and model.metadata.level is None
        with pytest.raises(NotOurModelError, match="mel-spectrogram"):
            read(edited(onnx_file, partial(edit, hop_size=512)))

    @pytest.mark.parametrize(
        "edit",
        [
            add_node("Identity"),
            add_node("Loop", body=helper.make_graph([], "body", [], [])),
            set_operator,
            set_domain,
            pad,
            larger_pool,
            function,
            newer,
            other_input,
        ],
    )
    def test_the_graph_in_a_file_is_ignored(self, tmp_path, onnx_file, edit):
        hostile = edited(onnx_file, edit)
        assert hostile != onnx_file and read(hostile).onnx_bytes() == onnx_file
        energies = np.random.default_rng(0).random((160, 40), np.float32)
        probabilities = []
        for name, data in {"original": onnx_file, "hostile": hostile}.items():
            (tmp_path / name).write_bytes(data)
            probabilities.append(Ensemble(tmp_path / name).probabilities(energies)[80][0])
        assert np.array_equal(*probabilities)

    @pytest.mark.parametrize(
        "edit",
        [
            external,
            huge,
            many_dimensions,
            negative,
            doubles,
            duplicate,
            missing,
            metadata("format", lambda _: 4),
            metadata("format", lambda _: 2.0),
            metadata("format", lambda _: True),
            metadata("format", lambda _: 1),
            metadata("classes", lambda _: "abc"),
            metadata("classes", lambda names: dict.fromkeys(names)),
            metadata("level", lambda _: {"input": "as_recorded", "lowest": True, "highest": 2}),
            metadata("level", lambda _: {"input": "as_recorded", "lowest": -1001, "highest": 2}),
            metadata("level", lambda _: {"input": "as_recorded", "lowest": 0, "highest": 10**300}),
            metadata("classes", lambda names: [*names, "more"]),
            metadata("classes", lambda names: ["same"] * len(names)),
            metadata("classes", lambda names: [1, 2, 3]),
            metadata("classes", lambda names: ["x" * 1000, *names[1:]]),
            metadata("classes", lambda names: None),
            metadata("fold", lambda _: "../../etc"),
            metadata("variant", lambda _: {"a": 1}),
            metadata("network", lambda _: []),
            metadata("network", lambda network: network | {"input_frames": -80}),
            metadata("network", lambda network: network | {"input_frames": 1e300}),
            metadata("network", lambda network: network | {"input_frames": 80.0}),
            metadata("network", lambda network: network | {"hidden": 1 << 60}),
            metadata("front_end", lambda settings: settings | {"hop_size": 512}),
            metadata("front_end", lambda settings: settings | {"window_sum": 1}),
            metadata("segments", lambda settings: settings | {"hop": 40}),
            metadata("vote", lambda _: {}),
            metadata("level", lambda _: {"input": "loud", "lowest": 0, "highest": 1}),
            metadata("seed", lambda _: None),
            metadata("accuracy", lambda _: True),
            metadata("variant", lambda _: "../x"),
            trunks(n_filters=1 << 40),
            trunks(n_filters=-32),
            lambda model: model.metadata_props.extend([onnx.StringStringEntryProto()] * 100_001),
            trunks(n_filters="32"),
            trunks(pool=[0, 0]),
            trunks(pool=[1, 1]),
            trunks(filter=[1]),
            trunks(filter=[1, 60, 1]),
            values("compression", 1),
            values("std", 0),
            values("std", np.nan),
            values("mean", np.inf),
            values("output.bias", [np.nan] * len(CLASSES)),
        ],
    )
    def test_wrong_arrays_or_metadata_are_refused(self, onnx_file, edit):
        with pytest.raises(NotOurModelError) as reason:
            read(edited(onnx_file, edit))
        assert "\n" not in str(reason.value)

    @pytest.mark.parametrize("field", ["nodes", "initializers", "metadata", "a tensor's data"])
    def test_a_file_of_empty_messages_takes_little_memory(self, tmp_path, field):
        """Each takes two bytes of the file; read by the onnx library, 70 to 150 of memory."""
        number = {"nodes": 1, "initializers": 5, "metadata": 14, "a tensor's data": 13}[field]
        content = bytes([number << 3 | 2, 0]) * 5_000_000
        if field == "a tensor's data":
            content = submessage(5, content)
        if field != "metadata":
            content = submessage(7, content)
        (tmp_path / "model.onnx").write_bytes(content)
        program = (
            "import resource, sys\n"
            "from pathlib import Path\n"
            "from workflow_scripts.models.onnx_file import NotOurModelError, read\n"
            "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "data = Path(sys.argv[1]).read_bytes()\n"
            "before = peak()\n"
            "try:\n    read(data)\n"
            "except NotOurModelError:\n    print(peak() - before)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, tmp_path / "model.onnx"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert int(done.stdout) < 20_000, "kilobytes, twice the file"

    def test_a_network_that_would_fill_the_memory_is_refused(self):
        """The file is valid and has 50 kilobytes; one segment would take 60 GB."""
        trunk = ((1, 1), (40, 100_000), 4096)
        data = model_files.written(short_network({"time": trunk}, 40, 100_000, 0, 3))
        assert len(data) < 100_000
        with pytest.raises(NotOurModelError):
            read(data)
        read(model_files.written(short_network({"time": ((1, 1), (40, 100), 4096)}, 40, 100, 0, 3)))


def test_no_module_unpickles():
    for folder in ("models", "labelling"):
        for path in (ROOT / "workflow_scripts" / folder).glob("*.py"):
            assert not re.search(r"pickle|np\.load|eval\(|exec\(", path.read_text()), path
