"""The variants that are packed into a model file."""

import pytest

from workflow_scripts.commands.pack_model import best_of


@pytest.mark.parametrize("name", ["010", "1e3", "NA", "true"])
def test_a_name_that_looks_like_another_value_stays_text(tmp_path, name):
    columns = "variant,accuracy_mean,segment_accuracy_mean,parameters"
    (tmp_path / "table1.csv").write_text(f"{columns}\n020,80,80,9\n{name},90,80,9\n")
    assert best_of(tmp_path / "table1.csv") == name
