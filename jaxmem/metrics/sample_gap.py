"""The gap Δ_D: the question of the kernel gap, asked of any other distance D between samples."""

from collections.abc import Callable

from jaxtyping import Float

from jaxmem import _checks
from jaxmem._typing import Integer, RealArray, Reference, Samples, Scalar
from jaxmem.numerics.precision import with_float64


@with_float64
@_checks.real_arrays("train", "reference", "generated")
def sample_gap(
    distance: Callable[..., Scalar],
    train: Samples,
    reference: Reference,
    generated: Float[RealArray, "generated d"],
    count: Integer | None = None,
    *,
    reference_count: Integer | None = None,
) -> Scalar:
    """Δ_D = D(train, generated) − D(reference, generated); memorising: below 0.

    Args:
        distance: D(x, y, count), such as `energy_distance` or `partial(sliced_wasserstein, key)`; the same
            directions serve both terms.
        train: (n, d), or (capacity, d) with rows from `count` on ignored.
        reference: (N, d), fresh samples of the population.
        generated: samples of the model.
        count: n, traced or not; all rows of `train` by default.
        reference_count: how many rows of `reference` to compare with; all by default. A distance that is
            biased by the size of its samples (sliced Wasserstein, or any with unbiased=False) favours the
            larger: there give n, or Δ_D > 0 for n ≪ N whatever the model.
    """
    return distance(train, generated, count) - distance(reference, generated, reference_count)
