"""Steps that read damaged results refuse them or write what they wrote before."""

import numpy as np
import pytest

from tests.fuzz_results import Results, fuzz
from tests.runs import DATA


@pytest.mark.endurance
def test_damaged_results_are_refused_or_change_nothing(done, tmp_path):
    results = Results(done[0] / "workflow" / DATA, tmp_path)
    counts, failures = fuzz(results, 40, np.random.default_rng(0))
    assert not failures
    outcomes = {result for _, result in counts}
    assert outcomes <= {"refused", "same outputs"} and "refused" in outcomes
