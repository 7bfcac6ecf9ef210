"""When copies appear, losses part, and the distance to held-out samples turns, along one training."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem.describing.variables import Variable
from jaxmem.studies._turning_points import first_crossing, turning_points


class Criteria(NamedTuple):
    """What counts: a copied share, standard errors between the losses, a relative change of the distance."""

    memorised_share: float
    standard_errors: float
    tolerance: float


def training_times(
    steps: Float[Array, "step"],
    *,
    copied: Float[Array, "step"],
    parting: Float[Array, "step"],
    parting_by_level: Float[Array, "step level"],
    distance: Float[Array, "step"],
    criteria: Criteria,
) -> dict[str, Array]:
    """The times, infinite where they are not reached, and the heights of the distance's turns.

    Args:
        steps: training steps of the looks.
        copied: share of generated samples that are copies, over that of the test samples.
        parting: test minus train loss in units of its standard error.
        parting_by_level: the same at each noise level.
        distance: to the test samples.
        criteria: what counts.
    """
    apart = jnp.asarray(criteria.standard_errors, jnp.float64)
    turns = turning_points(steps, distance, criteria.tolerance)
    near = -(1 + criteria.tolerance) * turns.minimum
    by_level = jax.vmap(first_crossing, (None, 1, None))(steps, parting_by_level, apart)
    return {
        "memorisation_time": first_crossing(steps, copied, jnp.asarray(criteria.memorised_share)),
        "divergence_time": first_crossing(steps, parting, apart),
        "divergence_time_by_level": by_level,
        "generalisation_time": first_crossing(steps, -distance, near),
        "first_minimum": turns.minimum,
        "first_minimum_time": turns.minimum_time,
        "following_maximum": turns.maximum,
        "following_maximum_time": turns.maximum_time,
    }


def time_variables(power_law_over: str, of: str = "") -> dict[str, Variable]:
    """The labels of `training_times`; `of` says which weights."""
    times = {
        "memorisation_time": "memorisation time",
        "divergence_time": "time at which the losses part",
        "generalisation_time": "generalisation time",
        "first_minimum_time": "time of the first minimum of the distance to test",
        "following_maximum_time": "time of the following maximum",
    }
    found = {name: Variable(f"{words}{of}", power_law_over=power_law_over) for name, words in times.items()}
    return found | {
        "divergence_time_by_level": Variable(
            f"time at which the losses part, by noise level{of}", dims=("noise_level",)
        ),
        "first_minimum": Variable(f"first minimum of the distance to test{of}"),
        "following_maximum": Variable(f"following maximum of the distance to test{of}"),
    }
