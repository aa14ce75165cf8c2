"""Small or sparse model files that would cost a reader time or memory, one function for each."""

import json
import os
import socket
import struct
import zipfile

import onnx

from tests.conftest import network_of, short_network
from tests.model_files import metadata_of, onnx_of, written
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.models import package

GIB = 1 << 30
# Bytes of the record at the end of a zip file.
END_SIZE = 22
# Field numbers of onnx.proto.
GRAPH, METADATA, INITIALIZER, NODE = 7, 14, 5, 1
DIMS, DATA_TYPE, NAME, RAW_DATA = 1, 2, 8, 9


def varint(number):
    """A number, in groups of seven bits."""
    groups = bytearray()
    while number >= 0x80:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*groups, number])


def size_of(pieces):
    """The bytes of pieces: bytes, and numbers of zeros that take no space on the disk."""
    return sum(piece if isinstance(piece, int) else len(piece) for piece in pieces)


def message(number, *pieces):
    """A field with this number that holds the pieces, as pieces."""
    return [varint(number << 3 | 2) + varint(size_of(pieces)), *pieces]


def write(path, pieces):
    """Write pieces to a sparse file; return its path."""
    with path.open("wb") as file:
        for piece in pieces:
            if isinstance(piece, int):
                file.seek(piece, os.SEEK_CUR)
            else:
                file.write(piece)
        file.truncate(file.tell())
    return path


def tensor(name, shape, kind=1, n_bytes=None, more=b""):
    """An array of zeros."""
    dims = b"".join(varint(DIMS << 3) + varint(size) for size in shape)
    size = 4
    for length in shape:
        size *= length
    named = message(NAME, name.encode())
    data = message(RAW_DATA, size if n_bytes is None else n_bytes)
    return message(INITIALIZER, dims, varint(DATA_TYPE << 3) + varint(kind), more, *named, *data)


def metadata_fields(texts):
    """The metadata of a file."""
    fields = []
    for key, value in texts.items():
        entry = message(1, key.encode()) + message(2, value.encode())
        fields += message(METADATA, *entry)
    return fields


def sparse_model(of, **changes):
    """A complete file of a network with zeros as weights, and `changes` of its metadata."""
    texts = metadata_of(of).texts() | as_texts(changes)
    arrays = {"compression": (), "one": (), "mean": (), "std": ()} | {
        name: (shape[0], 1, *shape[1:]) if len(shape) == 3 else shape
        for name, shape in of.weight_shapes().items()
    }
    tensors = [piece for name, shape in arrays.items() for piece in tensor(name, shape)]
    tensors += tensor("channel_axis", (1,), kind=7, n_bytes=8)
    return [*message(GRAPH, *tensors), *metadata_fields(texts)]


def as_texts(values):
    """Metadata as a file holds them: texts, or values as JSON."""
    return {k: v if isinstance(v, str) else json.dumps(v) for k, v in values.items()}


def wide(hidden):
    """A network of one trunk with this number of hidden units."""
    return short_network({"time": ((40, 80), (1, 1), 1)}, 40, 80, hidden, 3)


def with_settings(entry, **values):
    """The content of a small file with other values in `front_end` or another entry."""
    stated = json.loads(metadata_of(SMALL).texts()[entry])
    return with_metadata(**{entry: stated | values})


def different_front_ends(path, n):
    """A packed file of `n` models whose front ends all are as large as one may be."""
    entries = {}
    for fold in range(n):
        largest = FrontEnd(8000, 16_384, 16_384, "hann", 512, 0, 4000, 1 + fold)
        network = short_network({"t": ((512, 80), (1, 1), 1)}, 512, 80, 0, 3)
        entries[f"any/fold-{fold}.onnx"] = written(network, fold=fold, front_end=largest)
    return zip_of(path, entries)


def edited(data, edit):
    """The content of an ONNX file after `edit` has changed its model in place."""
    model = onnx.load_from_string(data)
    edit(model)
    return model.SerializeToString()


def with_metadata(**values):
    """The content of a small file with other metadata: texts, or values to write as JSON."""
    texts = as_texts(values)

    def edit(model):
        for entry in model.metadata_props:
            entry.value = texts.get(entry.key, entry.value)

    return edited(onnx_of("frequency_32x1"), edit)


def with_dimensions(size, n, n_arrays=1):
    """A file whose filters have `n` dimensions of this size, in its metadata and its arrays."""
    shape = [1, 1] + [size] * (n - 2)
    trunks = {
        f"t{k}": huge_network()["trunks"]["time"] | {"filter": shape} for k in range(n_arrays)
    }
    metadata = metadata_of(SMALL).texts() | {
        "network": json.dumps(huge_network() | {"trunks": trunks}, separators=(",", ":"))
    }
    packed = b"".join(message(DIMS, b"".join(map(varint, [1, *shape]))))
    tensors = [
        piece for name in trunks for piece in tensor(f"{name}.weight", (), n_bytes=4, more=packed)
    ]
    rest = ("compression", "one", "mean", "std", *(f"{name}.bias" for name in trunks))
    tensors += [
        piece for name in (*rest, "output.weight", "output.bias") for piece in tensor(name, ())
    ]
    tensors += tensor("channel_axis", (1,), kind=7, n_bytes=8)
    return b"".join(
        bytes(piece) if isinstance(piece, int) else piece
        for piece in [*message(GRAPH, *tensors), *metadata_fields(metadata)]
    )


def zip_of(path, entries, manifest=None, compression=zipfile.ZIP_STORED):
    """Write a packed file of these entries; return its path."""
    if manifest is None:
        manifest = json.dumps(manifest_of(entries))
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(package.MANIFEST, manifest)
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def manifest_of(entries):
    """A manifest that lists the ONNX files in `entries`."""
    return {
        "content": package.CONTENT,
        "version": package.VERSION,
        "models": [
            {"file": name, "sha256": package.digest_of(data)}
            for name, data in entries.items()
            if name.endswith(".onnx")
        ],
    }


def good(variant="frequency_40x1"):
    """The entries of a valid packed file."""
    return {f"{variant}/fold-0.onnx": onnx_of(variant)}


def many_entries(path, n, declared=None, name=b"x" * 8):
    """A valid packed file with `n` more entries in its list; its end declares `declared`."""
    data = zip_of(path, good()).read_bytes()
    place = data.rindex(b"PK\x05\x06")
    start = struct.unpack_from("<L", data, place + 16)[0]
    one = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, len(name),
                      *(0,) * 6) + name  # fmt: skip
    directory = data[start:place] + one * n
    count = min(2 + n, 0xFFFF) if declared is None else declared
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), start, 0)
    path.write_bytes(data[:start] + directory + end)
    return path


def with_end(path, change):
    """A valid packed file after `change` has edited its bytes."""
    data = bytearray(zip_of(path, good()).read_bytes())
    path.write_bytes(change(data))
    return path


def commented(path, comment):
    """The zip file with a comment; return its path."""
    data = path.read_bytes()
    path.write_bytes(data[:-2] + struct.pack("<H", len(comment)) + comment)
    return path


def only_others(path):
    """A zip file without a manifest; return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README.txt", b"x")
    return path


def zip64(data):
    """The file with the records that zip files above 4 GiB have, which declare 2^40 entries."""
    place = data.rindex(b"PK\x05\x06")
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1 << 40, 1 << 40, 1 << 40, 0
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, place, 1)
    return data[:place] + record + locator + data[place:]


def flagged(data):
    """The file with its entries marked as encrypted."""
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = data.find(signature)
        while place >= 0:
            data[place + offset] |= 1
            place = data.find(signature, place + 1)
    return data


def duplicated(path):
    """A packed file with two entries of one name."""
    zip_of(path, good() | {"frequency_40x1/fold-1.onnx": onnx_of("frequency_40x1")})
    path.write_bytes(path.read_bytes().replace(b"fold-1", b"fold-0"))
    return path


def renamed(path, name):
    """A packed file whose model has another name, in the file and in the manifest."""
    return zip_of(path, {name: onnx_of("frequency_40x1")})


def many_models(path, n, of, **changes):
    """A packed file of `n` sparse models that all have the same content."""
    entries, texts = {}, as_texts(changes)
    for fold in range(n):
        content = sparse_model(of, fold=fold, **texts)
        entries[f"any/fold-{fold}.onnx"] = b"".join(map(bytes, content))
    return zip_of(path, entries)


def seven_large(path):
    """A sparse packed file of seven models that each is as large as a model may be."""
    network = short_network({"t": ((1, 1), (1, 1), 1)}, 40, 80, 20_300, 3)
    entries, start, pieces, directory = {}, 0, [], b""
    for fold in range(7):
        entries[f"any/fold-{fold}.onnx"] = sparse_model(network, fold=fold)
    listed = [{"file": name, "sha256": "0" * 64} for name in entries]
    manifest = json.dumps(manifest_of({}) | {"models": listed}).encode()
    for name, content in ({package.MANIFEST: [manifest]} | entries).items():
        size = size_of(content)
        fields = struct.pack("<5H3L2H", 20, 0, 0, 0, 33, 0, size, size, len(name), 0)
        pieces += [b"PK\x03\x04" + fields + name.encode(), *content]
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + fields
        directory += struct.pack("<3H2L", 0, 0, 0, 0, start) + name.encode()
        start = size_of(pieces)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 8, 8, len(directory), start, 0)
    return write(path, [*pieces, directory, end])


def special(path, kind):
    """A file that is not a regular one."""
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(path))
        case "broken link":
            path.symlink_to("nowhere")
        case "link to itself":
            path.symlink_to(path.name)
    return path


def many_with(**changes):
    """The content of a packed file of 400 models, each with such a change of its network."""
    return lambda path: many_models(path, 400, SMALL, network=huge_network() | changes)


def huge_network(frames=80, **trunk):
    """A description of a network, as in the metadata."""
    values = {"filter": [1, 1], "pool": [40, frames], "n_filters": 1} | trunk
    return {"input_frames": frames, "trunks": {"time": values}, "hidden": 0, "init": {}}


def layered(layers):
    """A description of a network with one trunk of layers, as in the metadata."""
    return huge_network() | {"trunks": {"time": {"layers": layers}}}


def in_blocks(depth):
    """A convolution in many blocks."""
    layers = [{"convolution": [1, 1], "n_filters": 1}]
    for _ in range(depth):
        layers = [*layers[:1], {"add": layers}]
    return layers


NESTED = "[" * 100_000
SMALL = network_of("frequency_40x1", 3)
ONNX = {
    "one array of 99 990 dimensions": lambda: with_dimensions(1 << 62, 99_990),
    "four arrays of 99 990 dimensions": lambda: with_dimensions(1 << 62, 99_990, 4),
    "four arrays of 30 000 dimensions": lambda: with_dimensions(9, 30_000, 4),
    "a filter of 99 990 dimensions": lambda: with_metadata(
        network=huge_network(filter=[3] * 99_990)
    ),
    "more filters than NumPy can count": lambda: with_metadata(
        network=huge_network(n_filters=1 << 70)
    ),
    "half a million trunks": lambda: with_metadata(
        network=huge_network() | {"trunks": {f"t{n}": 1 for n in range(500_000)}}
    ),
    "a hundred thousand layers": lambda: with_metadata(
        network=layered([{"convolution": [1, 1], "n_filters": 1}] * 100_000)
    ),
    "blocks in blocks": lambda: with_metadata(network=layered(in_blocks(200))),
    "a layer of 99 990 dimensions": lambda: with_metadata(
        network=layered([{"convolution": [1] * 99_990, "n_filters": 1}])
    ),
    "a layer with more filters than NumPy can count": lambda: with_metadata(
        network=layered([{"convolution": [1, 1], "n_filters": 1 << 70}])
    ),
    "layers with an unknown one": lambda: with_metadata(
        network=layered([{"convolution": [1, 1], "n_filters": 1}, {"recurrent": 5}])
    ),
    "layers that do not fit": lambda: with_metadata(
        network=layered([{"convolution": [41, 1], "n_filters": 1}])
    ),
    "layers of gigabytes": lambda: with_metadata(
        network=layered([{"convolution": [1, 1], "n_filters": 4096, "padding": "same"}] * 60)
    ),
    "a trunk named output": lambda: with_metadata(
        network=huge_network() | {"trunks": {"output": huge_network()["trunks"]["time"]}}
    ),
    "outputs of 100 GB": lambda: with_metadata(
        network=huge_network(100_000, n_filters=4096, filter=[1, 1], pool=[1, 1])
    ),
    "hours for each track": lambda: with_metadata(
        network=huge_network(1000, n_filters=2500, filter=[20, 500], pool=[21, 501])
    ),
    "a thousand classes for each frame": lambda: with_metadata(
        network=huge_network(1), classes=[f"c{n}" for n in range(1000)]
    ),
    "metadata of 10 MB": lambda: with_metadata(dataset="x" * 10_000_000),
    "metadata of nested lists": lambda: with_metadata(network=NESTED),
    "a number of 200 000 digits": lambda: with_metadata(fold="1" * 200_000),
    "a billion bands": lambda: with_settings("front_end", n_bands=10**9),
    "a hop of 0": lambda: with_settings("front_end", hop_size=0),
    "a frame of a terabyte": lambda: with_settings("front_end", frame_size=1 << 40),
    "a sampling rate of 4000 digits": lambda: with_settings("front_end", sample_rate=10**4000),
    "bands above Nyquist": lambda: with_settings("front_end", highFrequencyBound=1e308),
    "bands without a frequency": lambda: with_settings("front_end", n_bands=512),
    "a window of nested lists": lambda: with_settings("front_end", window=[[[]]] * 50_000),
    "a compression that is no number": lambda: with_settings("graph", compression=float("nan")),
    "silences of a billion frames": lambda: with_settings("segments", silence={"shortest": 10**9}),
    "an infinite accuracy": lambda: with_metadata(accuracy="1e999"),
    "100 000 classes": lambda: with_metadata(classes=[f"{n}" for n in range(100_000)]),
    "a class name of 200 000 characters": lambda: with_metadata(classes=["x" * 200_000, "y"]),
    "a blank class": lambda: with_metadata(classes=["a", " ", "c"]),
    "an empty class": lambda: with_metadata(classes=["a", "", "c"]),
    "an invisible class": lambda: with_metadata(classes=["a", "\u200b\u2060", "c"]),
    "a class of two lines": lambda: with_metadata(classes=["a", "b\nc", "c"]),
    "a class that is not Unicode": lambda: with_metadata(classes=["a", "\udcff", "c"]),
    "two forms of one class": lambda: with_metadata(classes=["\u00e9", "e\u0301", "c"]),
    "half precision": lambda: edited(
        onnx_of("frequency_32x1"),
        lambda m: setattr(m.graph.initializer[-1], "data_type", onnx.TensorProto.FLOAT16),
    ),
    "a million nodes": lambda: b"".join(message(GRAPH, bytes([NODE << 3 | 2, 0]) * 1_000_000)),
    "nested groups": lambda: b"\x3b" * 1_000_000,
    "nested messages": lambda: _nested(2000),
    "an endless number": lambda: b"\xff" * 1_000_000,
    "a length of 2^63": lambda: varint(GRAPH << 3 | 2) + varint(1 << 63) + bytes(1000),
    "zeros": lambda: bytes(1000),
    "nothing": lambda: b"",
}
FILES = {
    "a hidden layer of 20 million units": lambda p: write(p, sparse_model(wide(20_000_000))),
    "400 million parameters": lambda p: write(
        p, sparse_model(short_network({"t": ((1, 1), (1, 1), 2)}, 40, 80, 60_000, 3))
    ),
    "4 GiB of zeros": lambda p: write(p, [4 * GIB]),
    "4 GiB of zeros in a graph": lambda p: write(p, message(GRAPH, 4 * GIB)),
    "half a GiB of zeros": lambda p: write(p, [GIB // 2]),
    "4 GiB after the start of a zip": lambda p: write(p, [b"PK\x03\x04", 4 * GIB]),
    "3 GiB after the start of a zip": lambda p: write(p, [b"PK\x03\x04", 3 * GIB]),
    "a million entries": lambda p: many_entries(p, 1_000_000),
    "a million entries that are not counted": lambda p: many_entries(p, 1_000_000, declared=2),
    "2000 entries": lambda p: many_entries(p, 2000),
    "a million entries before a comment": lambda p: commented(
        many_entries(p, 1_000_000), b"x" * 65_535
    ),
    "1000 entries with names of 60 000": lambda p: many_entries(p, 1000, name=b"x" * 60_000),
    "a trillion entries of a large zip": lambda p: with_end(p, zip64),
    "encrypted entries": lambda p: with_end(p, flagged),
    "a comment that ends too early": lambda p: with_end(p, lambda d: d[:-2] + b"\x05\0hell"),
    "a comment that ends too late": lambda p: with_end(p, lambda d: d[:-2] + b"\x05\0hello!"),
    "zeros for a comment": lambda p: with_end(p, lambda d: d + bytes(END_SIZE)),
    "the end of a large zip before a comment": lambda p: with_end(
        p, lambda d: zip64(d)[:-2] + b"\x05\0hello"
    ),
    "only other entries": lambda p: only_others(p),
    "a model twice in the manifest": lambda p: zip_of(
        p, good(), json.dumps(manifest_of(good()) | {"models": manifest_of(good())["models"] * 2})
    ),
    "bytes after the end": lambda p: with_end(p, lambda d: d + bytes(70_000)),
    "bytes before the start": lambda p: with_end(p, lambda d: d[:4] + bytes(70_000) + d[4:]),
    "two entries of one name": duplicated,
    "a name with ..": lambda p: renamed(p, "../fold-0.onnx"),
    "an absolute name": lambda p: renamed(p, "/tmp/fold-0.onnx"),
    "compressed zeros": lambda p: zip_of(
        p, good() | {"a/b": bytes(20_000_000)}, compression=zipfile.ZIP_DEFLATED
    ),
    "513 models": lambda p: many_models(p, 513, SMALL),
    "3 models with different front ends": lambda p: different_front_ends(p, 3),
    "100 models that are slow together": lambda p: many_models(
        p, 100, short_network({"t": ((4, 40), (37, 41), 500)}, 40, 80, 0, 3)
    ),
    "400 models with much in a network": many_with(more=[[]] * 55_000),
    "400 models with much in a trunk": many_with(
        trunks={"time": huge_network()["trunks"]["time"] | {"more": [[]] * 55_000}}
    ),
    "400 models with many donors": many_with(init={f"t{n}": "v" for n in range(15_000)}),
    "400 models with a list of donors": many_with(init=[[]] * 55_000),
    "seven models of 65 million parameters": seven_large,
    "a manifest of nested lists": lambda p: zip_of(p, good(), NESTED),
    "a manifest of 20 MB": lambda p: zip_of(p, good(), " " * 20_000_000),
    "a manifest of numbers": lambda p: zip_of(p, good(), "[" + "1," * 400_000 + "1]"),
    "a manifest of a text": lambda p: zip_of(p, good(), json.dumps("x" * 1_000_000)),
    "a manifest without models": lambda p: zip_of(p, {}),
    "a manifest with lists as names": lambda p: zip_of(
        p, good(), json.dumps(manifest_of({}) | {"models": [{"file": [], "sha256": ""}]})
    ),
    **{
        f"a {kind}": lambda p, kind=kind: special(p, kind)
        for kind in ("folder", "pipe", "socket", "broken link", "link to itself")
    },
}


def _nested(depth):
    content = b""
    for _ in range(depth):
        content = b"".join(message(GRAPH, content))
    return content


def make(folder):
    """Write every file to `folder`; return their paths by what they are."""
    paths = {}
    for number, (what, content) in enumerate(ONNX.items()):
        paths[what] = folder / f"{number}.onnx"
        paths[what].write_bytes(content())
    for number, (what, create) in enumerate(FILES.items(), len(ONNX)):
        paths[what] = create(folder / f"{number}.zip")
    return paths
