"""Student's t distribution, as in `scipy.stats.t`, whose import takes as long as a short job."""

from scipy import special


def above(t: float, freedom: float) -> float:
    """The probability of a value above `t` with so many degrees of freedom."""
    return float(special.stdtr(freedom, -t))


def quantile(probability: float, freedom: float) -> float:
    """The value that is not exceeded with this probability."""
    return float(special.stdtrit(freedom, probability))
