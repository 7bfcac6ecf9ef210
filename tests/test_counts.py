"""Every function of the first `count` rows of padded samples refuses a count that there are no rows for."""

import jax
import jax.numpy as jnp
import pytest
from typechecking import unchecked

from jaxmem import metrics, scores

KEY = jax.random.key(0)
ROWS = jax.random.normal(KEY, (5, 1))
AVERAGE = metrics.monte_carlo(KEY, ROWS, 3)

FUNCTIONS = {
    "condensation": lambda count: metrics.condensation(KEY, ROWS, 1.0, 1.0, count=count),
    "energy_distance": lambda count: metrics.energy_distance(ROWS, ROWS, count),
    "kernel_gap": lambda count: metrics.kernel_gap(
        ROWS, ROWS, jnp.zeros(1), jnp.eye(1), scale=1.0, count=count
    ),
    "maximum_mean_discrepancy": lambda count: metrics.maximum_mean_discrepancy_squared(
        ROWS, ROWS, count, bandwidth=1.0
    ),
    "mean_squared_gap": lambda count: metrics.mean_squared_gap(
        jnp.sin, jnp.cos, ROWS, 1.0, 1.0, AVERAGE, count=count
    ),
    "memorisation": lambda count: metrics.memorisation(ROWS, ROWS, count),
    "memorised_fraction": lambda count: metrics.memorised_fraction(ROWS, ROWS, count=count),
    "regularity_weight": lambda count: metrics.regularity_weight(ROWS[:, 0], ROWS, 1.0, 1.0, count=count),
    "sample_kernel_gap": lambda count: metrics.sample_kernel_gap(ROWS, ROWS, ROWS, scale=1.0, count=count),
    "semi_empirical_risk": lambda count: metrics.semi_empirical_risk(
        jnp.sin, ROWS, 1.0, 1.0, AVERAGE, count=count
    ),
    "sliced_wasserstein": lambda count: metrics.sliced_wasserstein(KEY, ROWS, ROWS, count),
    "total_variation_of_curve": lambda count: metrics.total_variation_of_curve(
        jnp.sin, ROWS, 1.0, 1.0, count=count
    ),
    "total_variation_of_kinks": lambda count: metrics.total_variation_of_kinks(
        ROWS[:, 0], ROWS[:, 0], ROWS, 1.0, 1.0, count=count
    ),
    "empirical_score": lambda count: scores.empirical_score(ROWS, ROWS, 1.0, 1.0, count=count),
    "empirical_score_on_line": lambda count: scores.empirical_score_on_line(
        ROWS[:, 0], ROWS, 1.0, 1.0, count=count
    ),
    "fit_linear_gaussian": lambda count: scores.fit_linear_gaussian(ROWS, count=count),
    "fit_one_step_denoiser": lambda count: scores.fit_one_step_denoiser(KEY, ROWS, 1.0, count=count),
}


@pytest.mark.parametrize("call", FUNCTIONS.values(), ids=FUNCTIONS)
def test_a_count_without_rows_is_refused(call):
    known = jnp.int32(6)
    for count, given in ((0, "0"), (6, "6"), (known, "6"), (2.5, "2.5")):
        sentence = f"count must be a whole number from [12] to 5, the rows given, got {given}"
        with unchecked(), pytest.raises(ValueError, match=sentence):
            call(count)
    with pytest.raises(ValueError, match="count must be"):  # jit knows this number: it is not traced
        jax.jit(lambda _: call(known))(0)
