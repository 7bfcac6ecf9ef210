"""The two-layer ReLU network in mean-field scaling (arXiv 2502.03435, section 4 and its experiments).

    s_θ(z) = (1/m) Σ_l w2_l relu(w1_l · z + b_l),

with z = y, or z = (t, y) where time is an input. At the start w2 ~ N(0, 1), w1 ~ N(0, 1/k) with k the number
of inputs, b = 0. Because of the factor 1/m gradients are of order 1/m too: the source's step for learning
rate η is m·η, and a minimum is linearly stable where λ_max(Hessian) ≤ 2/(mη).
"""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key
from jaxmem.numerics.randomness import stream
from jaxmem.scores.line_network import line_network
from jaxmem.scores.score_model import Fixed


class TwoLayerReLU(eqx.Module):
    """s_θ with inner weights w1 (m, k), biases b (m,) and outer weights w2 (m, d)."""

    inner: Float[Array, "m k"] | Fixed
    bias: Float[Array, "m"]
    outer: Float[Array, "m d"]

    @classmethod
    def draw(
        cls,
        key: Key,
        dim: int,
        width: int = 1000,
        *,
        time_input: bool = False,
        inner: Literal["normal", "signs"] = "normal",
    ) -> "TwoLayerReLU":
        """A network at the start of training, float32.

        Args:
            key: of the weights.
            dim: d, of points and scores.
            width: m, the number of neurons.
            time_input: whether the first input is time.
            inner: "normal" for trained w1 ~ N(0, 1/k), "signs" for w1 = ±1 with equal probability, fixed.
        """
        _checks.positive_integer("dim", dim)
        _checks.positive_integer("width", width)
        _checks.one_of("inner", inner, ("normal", "signs"))
        inputs = dim + time_input
        outer = jax.random.normal(stream(key, "outer weights"), (width, dim), jnp.float32)
        bias = jnp.zeros(width, jnp.float32)
        if inner == "signs":
            signs = jax.random.rademacher(stream(key, "inner weights"), (width, inputs), jnp.float32)
            return cls(Fixed(signs), bias, outer)
        normal = jax.random.normal(stream(key, "inner weights"), (width, inputs), jnp.float32)
        return cls(normal / inputs**0.5, bias, outer)

    @property
    def width(self) -> int:
        """m."""
        return self.outer.shape[-2]

    @property
    def inner_weights(self) -> Float[Array, "m k"]:
        """w1, trained or not."""
        return self.inner.value if isinstance(self.inner, Fixed) else self.inner

    def __call__(self, *inputs: Float[Array, "..."]) -> Float[Array, "d"]:
        """s_θ at one point, y or (t, y)."""
        return self.on_batch(*(jnp.asarray(entry)[None] for entry in inputs))[0]

    def on_batch(self, *inputs: Float[Array, "b ..."]) -> Float[Array, "b d"]:
        """s_θ at b points; (k + d) m multiplications a point, or O(log m) on the line if b ≫ 1."""
        points = jnp.concatenate([entry.reshape(len(entry), -1) for entry in inputs], 1)
        inner = self.inner_weights
        if inner.shape == self.outer.shape == (self.width, 1):
            return line_network(points[:, 0], inner[:, 0], self.bias, self.outer[:, 0])[:, None]
        # The bias as one more weight of a constant input: its gradient is then a row of a matrix product,
        # where a separate sum over the batch is not vectorised on the CPU (3 times the whole step).
        points = jnp.concatenate([points, jnp.ones((len(points), 1), points.dtype)], 1)
        weights = jnp.concatenate([inner, self.bias[:, None]], 1)
        hidden = jax.nn.relu(jnp.matmul(points, weights.T, precision=jax.lax.Precision.HIGHEST))
        return jnp.matmul(hidden, self.outer, precision=jax.lax.Precision.HIGHEST) / self.width

    def kinks(self) -> tuple[Float[Array, "m"], Float[Array, "m"]]:
        """For d = 1: where s_θ changes slope, −b/w1, and by how much, |w1| w2/m; −b/0 is infinite or NaN."""
        inner = self.inner_weights
        if inner.shape[-1] != 1 or self.outer.shape[-1] != 1:
            raise ValueError(
                f"Only a network on the line has kinks, got {inner.shape[-1]} inputs and "
                f"{self.outer.shape[-1]} outputs."
            )
        return -self.bias / inner[:, 0], jnp.abs(inner[:, 0]) * self.outer[:, 0] / self.width
