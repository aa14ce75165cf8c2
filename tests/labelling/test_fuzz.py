"""A few hundred mutated files; `python -m tests.fuzz` runs more."""

import numpy as np
import pytest

from tests.fuzz import Audio, Models, fuzz
from tests.fuzz_folders import Folders


@pytest.mark.endurance
@pytest.mark.parametrize("kind", [Models, Audio, Folders])
def test_mutated_files_are_used_or_refused_with_a_reason(kind, tmp_path):
    seed = np.random.SeedSequence().entropy
    counts, failures = fuzz(kind(tmp_path), 400, np.random.default_rng(seed), tmp_path)
    assert not failures, (seed, counts)
    assert counts.total() == 400
    # Without an effect, mutations would test nothing.
    assert sum(n for (_, result), n in counts.items() if result == "refused") > 40
