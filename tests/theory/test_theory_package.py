import subprocess
import sys

import numpy as np
import pytest

from jaxmem import theory


def test_theory_needs_only_numpy_and_scipy():
    code = """
import sys
import jaxmem.theory as theory
theory.convergence([0.5, 2.0])
theory.latent_recovery_from_spectrum([3.0, 1.0, 1.0], [4, 5])
heavy = {"jax", "jaxlib", "jaxtyping", "equinox", "xarray", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


LIMITS = [
    theory.convergence,
    theory.bures_per_dimension,
    theory.half_moment,
    theory.operator_norm,
    theory.marchenko_pastur_log_moment,
    lambda load: theory.latent_recovery(1.0, load),
    lambda load: theory.convergence_from_spectrum([2.0, 1.0], load),
    lambda load: theory.bures_from_spectrum([2.0, 1.0], load),
    lambda load: theory.expected_kl_from_spectrum([2.0, 1.0], load, 0.1).generated_population,
    lambda load: theory.log_affinity_from_spectrum([2.0, 1.0], load, 0.1),
    lambda load: theory.operator_norm_from_spectrum([2.0, 1.0], load),
    lambda load: theory.memorisation(np.multiply(10, load), 10),
    lambda load: theory.expected_operator_norm(np.multiply(10, load), 10),
]


@pytest.mark.parametrize("function", LIMITS)
def test_scalars_and_arrays_of_any_shape_agree(function):
    loads = np.array([[0.5, 1.0], [2.0, 8.0]])
    values = function(loads)
    assert values.shape == (2, 2)
    assert values.dtype == np.float64
    for index in np.ndindex(2, 2):
        single = function(float(loads[index]))
        assert isinstance(single, float)
        assert single == pytest.approx(values[index], rel=1e-14, nan_ok=True)
    assert function(loads.tolist()).tolist() == values.tolist()
