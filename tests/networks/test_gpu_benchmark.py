"""benchmarks/gpu.py, as far as it can be tested without a GPU."""

import json
import sys

import pytest

pytest.importorskip("torch", reason="make env TORCH=1 installs PyTorch")

from benchmarks import gpu, gpu_members, gpu_processes, projection, table1
from tests.conftest import network_of, short_network
from tests.networks.test_architecture import TABLE_1


def test_the_networks_equal_the_configuration():
    assert list(table1.VARIANTS) == list(TABLE_1)
    for name, network in table1.VARIANTS.items():
        assert network == network_of(name)


def test_the_hours_of_table_1():
    """By hand, for two networks."""
    rows = [
        projection.Epochs("a", alone=0.09, speedup=2, side_by_side=0.18),
        projection.Epochs("b", alone=0.18, speedup=4, side_by_side=0.36),
    ]
    assert rows[0].hours() == pytest.approx((0.5, 0.25, 0.1))
    total = projection.total(rows)
    assert list(total) == list(projection.WAYS)
    assert list(total.values()) == pytest.approx([1.5, 0.5, 0.3])
    text = projection.lines(rows)
    assert "2 networks x 10 folds x 2000 epochs" in text[0]
    assert text[-1].split() == ["20", "trainings", "1.50", "0.50", "0.30"]
    assert len({len(line) for line in text[2:]}) == 1, "columns are aligned"


@pytest.fixture
def small(monkeypatch):
    """A network and few tracks, so that an epoch takes milliseconds."""
    monkeypatch.setattr(table1, "TRACKS", {"train": 3, "validation": 1})
    monkeypatch.setattr(gpu_members, "STEPS", 3)
    return short_network({"time": ([1, 6], [4, 1], 3)}, 4, 80)


def test_folds_side_by_side_are_timed(small):
    assert 0 < gpu_members.time_steps(small, 2, rounds=1, gpu=False) < 1e6
    assert 0 < gpu_members.time_epoch(small, 2, rounds=2, gpu=False) < 10


def test_all_tables_and_the_file_of_measurements(monkeypatch, tmp_path, capsys):
    """With given durations in place of a GPU's."""
    file = tmp_path / "gpu.json"
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--json", str(file)])
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(gpu.torch.cuda, "get_device_name", lambda: "NVIDIA Fake")
    times = {"pytorch_eager": 300.0, "torch": 60.0}
    monkeypatch.setattr(gpu, "time_steps", lambda shape, rounds: dict(times))
    monkeypatch.setattr(gpu, "time_epoch", lambda shape, rounds: 0.09)
    monkeypatch.setattr(gpu_processes, "steps_a_second", lambda name, n: min(n, 4) * 1e4)
    monkeypatch.setattr(gpu_members, "time_steps", lambda shape, n, rounds: 60 / n)
    monkeypatch.setattr(gpu_members, "time_epoch", lambda shape, n, rounds: 0.018 * n)
    gpu.main()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("NVIDIA Fake, PyTorch ")
    assert printed[-1].split() == ["120", "trainings", "6.00", "1.50", "1.20"]
    rows = [line.split() for line in printed]
    assert ["time_1x60", "300.0", "60.0", "5.00", "180"] in rows
    assert ["time_1x60", "10000", "20000", "40000", "40000", "40000", "4"] in rows
    assert ["time_1x60", "60.0", "30.0", "12.0", "6.0"] in rows
    assert ["time_1x60", "0.090", "4.00", "0.180", "0.50", "0.12", "0.10"] in rows
    record = json.loads(file.read_text())
    assert record["device"] == "NVIDIA Fake"
    assert record["hours_of_table1"] == pytest.approx(
        {"alone": 6, "shared": 1.5, "side by side": 1.2}
    )
    assert [row["network"] for row in record["epochs"]] == list(TABLE_1)
