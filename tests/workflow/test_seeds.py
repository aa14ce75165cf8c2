"""Two seeds of two small networks: the jobs, the files, the table, archive and adoption."""

import json
import shutil
import tarfile

import numpy as np
import pandas as pd
import pytest

from tests.conftest import clicks, write_wav
from tests.runs import DATA, UP_TO_THE_TABLE, finished, run_module

SEEDS = "seeds=[2016,7]"
VARIANTS = ["time_1x60", "frequency_32x1"]
OF_A_SEED = ("folds.csv", "scaler.json", "baselines.csv", "models/*/*/*", "predictions/*/*")


def files_of_a_seed(folder):
    """Content and time of the files of one seed."""
    paths = [path for pattern in OF_A_SEED for path in folder.glob(pattern)]
    return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in paths}


def accuracies(folder, variant):
    """The accuracy of each fold in %, from the files of predictions."""
    tables = map(pd.read_csv, sorted((folder / "predictions" / variant).glob("*.csv")))
    return [100 * (table["predicted"] == table["label"]).mean() for table in tables]


@pytest.fixture
def two_seeds(again):
    """A finished run of one seed, continued with another one up to the table."""
    removed = ("blackbox_12x8", "timefrequency", "timefrequency_init")
    again.own.write_text("variants:\n" + "".join(f"  {name}: null\n" for name in removed))
    again.before = files_of_a_seed(again.results)
    again.jobs = finished(again.run(SEEDS, *UP_TO_THE_TABLE))
    return again


@pytest.mark.endurance
def test_an_added_seed_makes_only_its_own_files_and_the_table(two_seeds):
    assert two_seeds.jobs == {
        **{"assign_folds": 1, "fit_scaler": 1, "evaluate_baselines": 1},
        **{"train": 6, "evaluate": 2, "tabulate": 1},
    }
    assert files_of_a_seed(two_seeds.results) == two_seeds.before
    other = two_seeds.results / "seeds/7"
    fits = [json.loads(path.read_text()) for path in other.glob("models/*/*/fit.json")]
    assert [fit["seed"] for fit in fits] == [7] * 6
    table = pd.read_csv(two_seeds.results / "table1.csv").set_index("variant")
    assert table.index.tolist() == VARIANTS and (table["n_seeds"] == 2).all()
    for variant in VARIANTS:
        folds = np.array([accuracies(folder, variant) for folder in (two_seeds.results, other)])
        assert folds.shape == (2, 3)
        assert table.loc[variant, "accuracy_mean"] == pytest.approx(folds.mean())
        assert table.loc[variant, "accuracy_std"] == pytest.approx(folds.std())
        assert table.loc[variant, "accuracy_std_seeds"] == pytest.approx(folds.mean(axis=1).std())
    assert two_seeds.plan(SEEDS) == {}
    # A removed seed stays on disk.
    assert two_seeds.plan() == {"tabulate": 1}
    assert finished(two_seeds.run(*UP_TO_THE_TABLE)) == {"tabulate": 1}
    assert (other / "models/time_1x60/fold-0/weights.npz").exists()
    assert (pd.read_csv(two_seeds.results / "table1.csv")["n_seeds"] == 1).all()


@pytest.mark.endurance
def test_a_new_track_reaches_the_folds_of_all_seeds_in_one_run(two_seeds):
    rng = np.random.default_rng(5)
    write_wav(two_seeds.folder / "audio/slow/new.wav", clicks(rng, 75, 8))
    jobs = finished(two_seeds.run(SEEDS, *UP_TO_THE_TABLE))
    assert (jobs["assign_folds"], jobs["train"], jobs["evaluate"], jobs["tabulate"]) == (
        2,
        12,
        4,
        1,
    )
    for folder in (two_seeds.results, two_seeds.results / "seeds/7"):
        assert "slow/new" in set(pd.read_csv(folder / "folds.csv")["track_id"])
    assert two_seeds.plan(SEEDS) == {}


@pytest.mark.endurance
def test_archive_and_adoption_keep_the_models_of_all_seeds(two_seeds):
    folder, other = two_seeds.folder / "workflow", two_seeds.results / "seeds/7"
    # Left by a seed that is no longer configured.
    shutil.copytree(other, other.with_name("8"))
    code, output = run_module("commands.archive", DATA, "two.tar.gz", folder=folder)
    assert code == 0, output
    with tarfile.open(folder / "two.tar.gz") as archive:
        names = archive.getnames()
    packed = {name.partition("seeds/")[2] for name in names if "/seeds/" in name}
    made = {f"7/{path.relative_to(other)}" for path in files_of_a_seed(other)}
    unneeded = {name for name in made if name.endswith(("/checkpoint", "/.lock"))}
    assert made - unneeded <= packed and not unneeded & packed
    assert not [name for name in packed if name.startswith("8/")]
    damaged = other / "models/time_1x60/fold-1/history.csv"
    content = damaged.read_text()
    damaged.write_text(content.replace("1", "2", 1))
    code, output = run_module("commands.archive", DATA, "two.tar.gz", folder=folder)
    assert code == 1 and f"{DATA}/seeds/7/models/time_1x60/fold-1/history.csv" in output
    damaged.write_text(content)

    weights = other / "models/time_1x60/fold-1/weights.npz"
    before = weights.read_bytes()
    shutil.rmtree(folder / ".snakemake")
    # Those of another checkout are refused.
    shutil.rmtree(folder / "data/features")
    assert run_module("commands.adopt", DATA, folder=folder)[0] == 0
    assert not weights.exists()
    two_seeds.run(SEEDS, "--", weights.relative_to(folder))
    log = (other / "logs/train/time_1x60/fold-1.log").read_text()
    assert "trained by another checkout" in log and "epoch 1:" not in log
    assert weights.read_bytes() == before
