"""The noise levels that a score is trained at, and how often."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32

from jaxmem import _checks
from jaxmem._typing import Key, RealArray, Scalar
from jaxmem.noising import ornstein_uhlenbeck


class NoiseLevels(eqx.Module):
    """k levels x = μ_j x_0 + σ_j ξ with probabilities p_j; times is None where time is no input.

    One level costs no random numbers.
    """

    times: Float32[Array, "k"] | None
    mu: Float32[Array, "k"]
    sigma: Float32[Array, "k"]
    cumulative: Float32[Array, "k"]

    @classmethod
    def single(cls, mu: Scalar | float, sigma: Scalar | float) -> "NoiseLevels":
        """One level, for models of y alone."""
        _checks.real_number("mu", mu)
        _checks.real_number("sigma", sigma, above=0.0)
        mu, sigma = (jnp.asarray(value, jnp.float32)[None] for value in (mu, sigma))
        return cls(None, mu, sigma, jnp.ones_like(sigma))

    @classmethod
    def ornstein_uhlenbeck(
        cls, times: Float[RealArray, "k"], noise_scale: Scalar | float = 1.0
    ) -> "NoiseLevels":
        """The levels of the Ornstein–Uhlenbeck process at k times > 0, with p_j ∝ σ(t_j).

        For models of (t, x). The source (arXiv 2502.03435) takes 100 equally spaced times on [0.01, 1].
        """
        _checks.shape("times", times, None)
        for time in times if not _checks.is_traced(times) else ():
            _checks.real_number("times", time, above=0.0)
        mu, sigma = (
            level.astype(jnp.float32) for level in ornstein_uhlenbeck(jnp.asarray(times), noise_scale)
        )
        cumulative = jnp.cumsum(sigma) / sigma.sum()
        return cls(jnp.asarray(times, jnp.float32), mu, sigma, cumulative.astype(jnp.float32))

    def draw(self, key: Key, batch: int) -> "DrawnLevels":
        """The levels of a batch."""
        if self.sigma.size == 1:
            times = None if self.times is None else jnp.broadcast_to(self.times, (batch,))
            return DrawnLevels(
                times, jnp.broadcast_to(self.mu, (batch,)), jnp.broadcast_to(self.sigma, (batch,))
            )
        uniform = jax.random.uniform(key, (batch,), jnp.float32)
        level = jnp.searchsorted(self.cumulative, uniform, side="right", method="scan_unrolled")
        level = jnp.minimum(level, self.sigma.size - 1)  # rounding may leave the last cumulative under 1
        times = None if self.times is None else self.times[level]
        return DrawnLevels(times, self.mu[level], self.sigma[level])


class DrawnLevels(eqx.Module):
    """One noise level per point of a batch."""

    times: Float32[Array, "b"] | None
    mu: Float32[Array, "b"]
    sigma: Float32[Array, "b"]
