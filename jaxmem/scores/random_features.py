"""The random-feature score s_A(x) = A tanh(W x/√d), W ~ N(0, 1) fixed, A trained from 0.

Source: arXiv 2502.00336 and 2505.17638.

Linear in A, so its denoising loss is quadratic: `jaxmem.training.random_feature_flow` solves its gradient
flow in closed form.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key
from jaxmem.numerics.randomness import stream
from jaxmem.scores.score_model import Fixed


class RandomFeatures(eqx.Module):
    """s_A with the readout A (d, p) and the fixed directions W (p, d)."""

    readout: Float[Array, "d p"]
    directions: Fixed

    @classmethod
    def draw(cls, key: Key, dim: int, features: int) -> "RandomFeatures":
        """W from `key`, A = 0, float32; the first directions are those of any smaller p."""
        _checks.positive_integer("dim", dim)
        _checks.positive_integer("features", features)
        directions = jax.random.normal(stream(key, "directions"), (features, dim), jnp.float32)
        return cls(jnp.zeros((dim, features), jnp.float32), Fixed(directions))

    @_checks.real_arrays("x")
    def features(self, x: Float[Array, "*batch d"]) -> Float[Array, "*batch p"]:
        """φ(x) = tanh(W x/√d)."""
        directions = self.directions.value
        along = jnp.matmul(x, directions.T, precision=jax.lax.Precision.HIGHEST)
        return jnp.tanh(along / directions.shape[1] ** 0.5)

    @_checks.real_arrays("x")
    def __call__(self, x: Float[Array, "*batch d"]) -> Float[Array, "*batch d"]:
        """A φ(x); 4 d p flops a point."""
        return jnp.matmul(self.features(x), self.readout.T, precision=jax.lax.Precision.HIGHEST)
