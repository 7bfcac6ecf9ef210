"""The condensation study against the theory's share, its limits, and one replicate alone."""

import numpy as np
import pytest

import jaxmem
from jaxmem import theory
from jaxmem.studies import Condensation

GRID = {"dims": (4, 60), "samples": (20, 400), "times": (0.01, 0.2, 0.6, 1.0, 1.5, 3.0), "points": 40}


@pytest.fixture(scope="module")
def found():
    return jaxmem.sweep(Condensation(**GRID), replicates=20, seed=3)


def test_the_share_follows_the_theory(found):
    time, n = found["time"].values, found["samples"].values[:, None]
    predicted = theory.condensed_share(time, n, 60)
    condensed = found["condensed"].sel(dim=60)
    assert condensed.dims == ("samples", "time", "replicate")
    error = condensed.std("replicate") / np.sqrt(20)
    # 0.06: the normal law and the mean over the others are limits d → ∞
    assert (abs(condensed.mean("replicate") - predicted) < 4.5 * error + 0.06).all()


def test_limits_in_time(found):
    early, late = found.sel(time=0.01, dim=60), found.sel(time=3.0, dim=60)
    assert (early["condensed"] == 1).all()
    np.testing.assert_allclose(early["participation"], 1, atol=1e-9)
    np.testing.assert_allclose(early["largest_weight"], 1, atol=1e-9)
    assert (late["condensed"] < 0.3).all()
    # nearly uniform weights: log Z_own − log Z_others near −log(n − 1), up to its own width μ √d
    gap = late["log_ratio"].mean("replicate") + np.log(found["samples"] - 1)
    assert (abs(gap) < np.exp(-3.0) * np.sqrt(60)).all()


def test_a_replicate_alone_is_what_was_stored(found):
    point = {"dim": 4, "samples": 400, "time": 0.2}
    alone = Condensation(**GRID).simulate(jaxmem.replicate_key(3, 7), point)
    for name, value in alone.items():
        np.testing.assert_allclose(found[name].sel(point)[7], value, rtol=1e-6)  # normals in float32


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"dims": (0,)}, "dims must be a whole number of at least 1, got 0"),
        ({"samples": (1, 10)}, "samples must be a whole number of at least 2, got 1"),
        ({"samples": (10, 5)}, "samples must be strictly increasing"),
        ({"times": (0.0, 1.0)}, "times must be a finite number above 0"),
        ({"points": 0}, "points must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_input_is_refused(fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        Condensation(**fields)
