"""A small residual network with time input, for scores that two layers do not reach."""

from typing import Literal

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key, Scalar
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.randomness import stream


class ResidualMLP(eqx.Module):
    """h_0 = W_in (x, e(t)), h_{k+1} = h_k + (1/L) V_k gelu(W_k h_k + b_k), output W_out h_L.

    e(t) = (cos ω_j t, sin ω_j t) with ω_j from 1 to 1/`shortest_time`, in geometric progression. With the
    factor 1/L of arXiv 2309.01213 a network whose weights are smooth in k discretises a neural ODE, and stays
    one while it is trained if they were at the start: so it is with "tied" weights, one W for all k and
    V = 0, and not with "independent" ones. The output is linear in W_out, zero at the start, so that
    training sets out from the zero function. Take it as a score, or predict the noise by it through
    `NoisePrediction`.
    """

    embed: Float[Array, "width k"]
    inner: Float[Array, "depth width width"]
    bias: Float[Array, "depth width"]
    outer: Float[Array, "depth width width"]
    readout: Float[Array, "d width"]
    shortest_time: float = eqx.field(static=True)

    @classmethod
    def draw(
        cls,
        key: Key,
        dim: int,
        width: int = 128,
        depth: int = 3,
        *,
        frequencies: int = 8,
        shortest_time: float = 0.01,
        start: Literal["independent", "tied"] = "independent",
    ) -> "ResidualMLP":
        """A network at the start of training, float32.

        Args:
            key: of the weights, N(0, 1/inputs) but for W_out = 0 and b = 0.
            dim: d, of points and scores.
            width: of the hidden state.
            depth: L, the number of blocks.
            frequencies: how many ω_j.
            shortest_time: the time scale, above 0, that the last frequency resolves.
            start: weights of each block for itself, or tied along depth with V = 0.
        """
        for name, value in {"dim": dim, "width": width, "depth": depth, "frequencies": frequencies}.items():
            _checks.positive_integer(name, value)
        _checks.real_number("shortest_time", shortest_time, above=0.0)
        _checks.one_of("start", start, ("independent", "tied"))
        inputs = dim + 2 * frequencies

        def normal(name: str, *shape: int) -> Float[Array, "..."]:
            return jax.random.normal(stream(key, name), shape, jnp.float32) / shape[-1] ** 0.5

        tied = start == "tied"
        inner = normal("inner weights", 1 if tied else depth, width, width)
        return cls(
            normal("embedding", width, inputs),
            jnp.broadcast_to(inner, (depth, width, width)),
            jnp.zeros((depth, width), jnp.float32),
            jnp.zeros((depth, width, width)) if tied else normal("outer weights", depth, width, width),
            jnp.zeros((dim, width), jnp.float32),
            shortest_time,
        )

    def __call__(self, time: Scalar, x: Float[Array, "d"]) -> Float[Array, "d"]:
        """The output at one point; 4 L width² flops."""
        frequencies = (self.embed.shape[1] - x.size) // 2
        omega = jnp.geomspace(1, 1 / self.shortest_time, frequencies, dtype=x.dtype)
        phase = omega * time
        hidden = product(self.embed, jnp.concatenate([x, jnp.cos(phase), jnp.sin(phase)]))

        def block(
            hidden: Float[Array, "width"], weights: tuple[Array, Array, Array]
        ) -> tuple[Float[Array, "width"], None]:
            inner, bias, outer = weights
            inside = jax.nn.gelu(product(inner, hidden) + bias)
            return hidden + product(outer, inside) / len(self.bias), None

        hidden, _ = jax.lax.scan(block, hidden, (self.inner, self.bias, self.outer))
        return product(self.readout, hidden)
