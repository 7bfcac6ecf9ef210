"""Order parameter m: how close a generated sample comes to a training sample (arXiv 2605.21402)."""

from typing import TypeAlias

import jax.numpy as jnp
from jaxtyping import Array, Float, Float32

from jaxmem import _checks
from jaxmem._typing import Integer, RealArray, Samples, Vector
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.precision import with_float64

Centre: TypeAlias = Vector | Float[RealArray, ""] | float
"""A point, or the same number in every coordinate."""


@with_float64
@_checks.real_arrays("generated", "train", "mean")
def memorisation(
    generated: Float[RealArray, "generated d"],
    train: Samples,
    count: Integer | None = None,
    *,
    mean: Centre = 0.0,
) -> Float32[Array, ""]:
    """m = max_k |cos(x̂, x_k)| over the train set, averaged over the generated samples x̂.

    Args:
        generated: x̂, one a row. More rows estimate the mean of the same m; they do not raise it.
        train: x_k, (n, d), or (capacity, d) with rows from `count` on ignored.
        count: how many rows of `train` are samples, traced or not; all by default.
        mean: about which angles are measured: data far from the origin all point the same way.

    Returns:
        m in [0, 1], float32: angles to about 1e-6. A sample at the mean counts 0. For isotropic data m² is
        near 2 log(n) (1/n + 1/d), not 0, on the side of generalisation.

    Cost: generated · n · d multiplications, and as many numbers as cosines in memory.
    """
    _checks.samples("generated", generated)
    _checks.samples("train", train, dim=generated.shape[1], count=count)
    _checks.resolved(("generated", generated), ("train", train))
    generated, train = _directions(generated, mean), _directions(train, mean)
    cosines = jnp.abs(product(generated, train.T))
    if count is not None:
        cosines = jnp.where(jnp.arange(train.shape[0]) < count, cosines, 0)
    return jnp.minimum(cosines.max(-1), 1).mean()


def _directions(x: Float[RealArray, "n d"], mean: Centre) -> Float32[Array, "n d"]:
    """(x − mean) / |x − mean|, 0 at the mean; scaled first, so that no unit over- or underflows."""
    centred = jnp.asarray(x, jnp.float64) - mean
    largest = jnp.abs(centred).max(-1, keepdims=True)
    scaled = centred / jnp.where(largest > 0, largest, 1)
    norms = jnp.linalg.norm(scaled, axis=-1, keepdims=True)
    return (scaled / jnp.where(norms > 0, norms, 1)).astype(jnp.float32)
