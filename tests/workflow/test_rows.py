"""A target for each row of the table, and runs of some rows only."""

import json

import pandas as pd
import pytest
import yaml

from tests.conftest import shipped_config
from tests.runs import DATA, VARIANTS, finished, planned
from workflow_scripts.commands.finished_results import FinishedResults

SWEEP = {"base": "time_1x60", "key": "trunks.time.filter.1", "values": [60, 20]}


def row_of(results, variant):
    """The row of a variant in rows/, and that in table1.csv, as text without their checksums."""
    tables = [results / "rows" / f"{variant}.csv", results / "table1.csv"]
    found = [pd.read_csv(csv, dtype=str, keep_default_na=False).iloc[:, :-1] for csv in tables]
    return [table[table["variant"] == variant].to_dict("records") for table in found]


class TestTarget:
    def test_it_writes_and_prints_the_row_of_the_table(self, again):
        output = again.run("--", "timefrequency_init")
        assert finished(output) == {"tabulate_row": 1, "timefrequency_init": 1}
        own, whole = row_of(again.results, "timefrequency_init")
        assert own == whole and len(own) == 1
        page = (again.results / "rows/timefrequency_init.md").read_text()
        assert page.startswith("# Table I of smoke\n") and page in output
        assert "| timefrequency_init " in page and "| time_1x60 " not in page
        assert "any of its" not in page, "nothing to compare with"
        # It prints the row again, without work.
        output = again.run("--", "timefrequency_init")
        assert finished(output) == {"timefrequency_init": 1} and page in output

    def test_it_trains_the_folds_of_the_row_and_its_donors(self, workflow):
        jobs = planned(workflow("-n", "timefrequency_init"))
        assert jobs["train"] == 30 and jobs["evaluate"] == 1
        assert "tabulate" not in jobs and "interpret" not in jobs

    def test_rows_of_sweeps_have_targets_and_rules_keep_their_names(self, workflow, tmp_path):
        variants = {"train": shipped_config()["variants"]["time_1x60"]}
        own = tmp_path / "own.yaml"
        own.write_text(yaml.safe_dump({"variants": variants, "sweeps": {"length": SWEEP}}))
        output = workflow("--configfile", str(own), "--list")
        assert "\ntime_1x60_filter_1_20\n" in output and "\nfrequency_40x1\n" in output
        assert output.count("note: train is a rule of the workflow, so the variant of this na") == 1
        jobs = planned(workflow("--configfile", str(own), "-n", "results/ballroom/rows/train.csv"))
        assert (jobs["train"], jobs["tabulate_row"]) == (10, 1)


class TestOnly:
    @pytest.mark.endurance
    def test_the_other_rows_leave_the_table_but_not_the_disk(self, again):
        with again.own.open("a") as file:
            file.write("only: [timefrequency_init]\n")
        jobs = again.plan()
        assert jobs == {"tabulate": 1}
        again.run("--", f"{DATA}/table1.csv")
        table = pd.read_csv(again.results / "table1.csv")
        assert table["variant"].tolist() == ["time_1x60", "frequency_32x1", "timefrequency_init"]
        assert (again.results / "models/timefrequency/fold-0/weights.npz").exists()
        assert list(yaml.safe_load((again.results / "config.yaml").read_text())["only"])
        trained = json.loads((again.results / ".trained.json").read_text())
        assert len(trained) == 3 * len(VARIANTS), "trainings that are left out are still noted"
        # They come back without a training.
        again.own.write_text(again.own.read_text().replace("only: [timefrequency_init]\n", ""))
        assert again.plan() == {"tabulate": 1}

    def test_replaced_trainings_are_those_of_the_chosen_rows(self, again):
        with again.own.open("a") as file:
            file.write("seed: 7\nonly: [frequency_32x1]\n")
        code, output = again.run("--", f"{DATA}/table1.csv", check=False)
        assert code != 0 and "this run would replace 3 finished trainings" in output


@pytest.mark.endurance
class TestSweep:
    def test_a_run_trains_the_new_rows_and_writes_their_table_and_figure(self, again):
        with again.own.open("a") as file:
            file.write(yaml.safe_dump({"sweeps": {"length": SWEEP}, "only": ["length"]}))
        output = again.run("--", f"{DATA}/report.html")
        jobs = finished(output)
        assert jobs["train"] == 3 and jobs["tabulate"] == jobs["report"] == 1
        rows = pd.read_csv(again.results / "sweeps.csv")
        assert rows["variant"].tolist() == ["time_1x60", "time_1x60_filter_1_20"]
        assert rows["value"].tolist() == [60, 20]
        table = pd.read_csv(again.results / "table1.csv")
        assert table["variant"].tolist() == rows["variant"].tolist()
        assert (again.results / "figures/sweep-length.svg").exists()
        # As `make tables` and `make archive` make it.
        before = (again.results / "sweeps.csv").read_bytes()
        (again.results / "sweeps.csv").unlink()
        FinishedResults.open(again.results).write_tables(again.results)
        assert (again.results / "sweeps.csv").read_bytes() == before
