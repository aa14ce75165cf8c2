"""Student's t distribution against `scipy.stats`."""

import numpy as np
from scipy import stats

from workflow_scripts.results import students_t


def test_values_are_exactly_those_of_scipy_stats():
    rng = np.random.default_rng(0)
    for freedom in (1, 4, 9, 2.94, 697):
        for t in (0.0, np.inf, -np.inf, *rng.normal(size=10), *rng.normal(size=10) * 100):
            assert students_t.above(t, freedom) == stats.t.sf(t, freedom)
        for probability in (0.025, 0.5, 0.975, *rng.uniform(size=10)):
            assert students_t.quantile(probability, freedom) == stats.t.ppf(probability, freedom)
    assert np.isnan(students_t.above(np.nan, 4))
