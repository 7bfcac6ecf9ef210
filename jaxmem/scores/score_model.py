"""What every trainable score has in common: how it is called, and which of its arrays are trained.

A score model is any equinox module that maps single points: `model(y)` at a fixed noise level, `model(t, y)`
where time is an input, with y (d,), t a scalar and the score (d,). A module of the user's own needs nothing
else. Where a batch can be evaluated faster than point by point, the module says how in a method `on_batch`
of the same arguments with a leading axis. Arrays wrapped in `Fixed` are not trained.
"""

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from jaxmem import _checks
from jaxmem._typing import Scalar
from jaxmem.noising import ornstein_uhlenbeck


@runtime_checkable
class ScoreModel(Protocol):
    """A callable of single points: (y,) or (t, y)."""

    def __call__(self, *inputs: Array) -> Array:
        """The score at one point."""
        ...


class Fixed(eqx.Module):
    """An array that training leaves as it is."""

    value: Float[Array, "..."]


def partition_trainable(model: PyTree) -> tuple[PyTree, PyTree]:
    """(trained, rest): the floating-point arrays outside `Fixed`, and all else; `eqx.combine` joins them."""
    trained = jax.tree.map(eqx.is_inexact_array, model, is_leaf=lambda node: isinstance(node, Fixed))
    return eqx.partition(model, trained)


def scores_at(
    model: Any, y: Float[Array, "b d"], time: Float[Array, "b"] | None = None
) -> Float[Array, "b d"]:
    """The scores of a batch of points, at their times where time is an input of the model."""
    inputs = (y,) if time is None else (time, y)
    return getattr(model, "on_batch", jax.vmap(model))(*inputs)


class NoisePrediction(eqx.Module):
    """The score −r(t, x)/σ(t) of a network r that predicts the noise ξ of x = μ x_0 + σ ξ.

    With the weight σ² its denoising loss σ² ‖s + ξ/σ‖² is ‖r − ξ‖². σ(t) is that of the Ornstein–Uhlenbeck
    process with noise scale λ.
    """

    network: Any
    noise_scale: float = eqx.field(static=True, default=1.0)

    def __check_init__(self) -> None:
        _checks.real_number("noise_scale", self.noise_scale, above=0.0)

    def __call__(self, time: Scalar, x: Float[Array, "d"]) -> Float[Array, "d"]:
        """−r(t, x)/σ(t) at one point."""
        return -self.network(time, x) / self._sigma(time)

    def on_batch(self, time: Float[Array, "b"], x: Float[Array, "b d"]) -> Float[Array, "b d"]:
        """−r(t, x)/σ(t) at a batch of points."""
        return -scores_at(self.network, x, time) / self._sigma(time)[:, None]

    def _sigma(self, time: Float[Array, "..."]) -> Float[Array, "..."]:
        return ornstein_uhlenbeck(time, self.noise_scale).sigma.astype(jnp.result_type(time))
