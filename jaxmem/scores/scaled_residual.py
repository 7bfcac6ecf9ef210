"""A residual network in the scaling in which it discretises an ordinary differential equation in depth.

    h_0 = A x,    h_{k+1} = h_k + (1/(L √m)) V_{k+1} φ(W_{k+1} h_k/√q),    F(x) = B h_L,

k = 0 … L − 1, with V_k (q, m) and W_k (m, q): the Euler scheme in steps of 1/L of
dh/ds = V(s) φ(W(s) h/√q)/√m, where its weights are smooth in s = k/L.

Source: Marion, Wu, Sander & Biau, ICLR 2024, arXiv 2309.01213, section 3.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key
from jaxmem.numerics.interpolation import lagrange_basis, legendre_nodes
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.randomness import stream

Activation = Literal["gelu", "tanh", "relu", "identity"]
Start = Literal["tied", "smooth", "independent"]

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": partial(jax.nn.gelu, approximate=True),
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "identity": lambda x: x,
}

NODES = 12
"""Points along the depth at which a smooth start is drawn; the polynomial through them is it everywhere."""

LENGTH = 0.5
"""Correlation length, in units of the depth, of a smooth start."""


class ScaledResidual(eqx.Module):
    """The network with A = B = I, so that q = d; a scan over its layers, never unrolled."""

    outer: Float[Array, "L q m"]
    inner: Float[Array, "L m q"]
    activation: Activation = eqx.field(static=True, default="gelu")

    @classmethod
    def draw(
        cls,
        key: Key,
        dim: int,
        width: int,
        depth: int,
        *,
        start: Start = "tied",
        activation: Activation = "gelu",
    ) -> "ScaledResidual":
        """The network at the start of training, V = 0, in the widest floating type that is enabled.

        Args:
            key: of W.
            dim: q, that of inputs and outputs.
            width: m.
            depth: L.
            start: "tied", one W ~ N(0, 1) for all layers; "smooth", each entry a Gaussian process of variance
                1 along the depth; "independent", W_k ~ N(0, 1) each.
            activation: φ; GELU in its form with tanh, within 5e-4 of x Φ(x).
        """
        for name, value in {"dim": dim, "width": width, "depth": depth}.items():
            _checks.positive_integer(name, value)
        _checks.one_of("start", start, get_args(Start))
        _checks.one_of("activation", activation, get_args(Activation))
        inner = starting_weights(key, start, middles(depth), width, dim)
        return cls(jnp.zeros((depth, dim, width), inner.dtype), inner, activation)

    def __call__(self, x: Float[Array, "q"]) -> Float[Array, "q"]:
        """F at one point."""
        return self.on_batch(x[None])[0]

    def on_batch(self, x: Float[Array, "b q"]) -> Float[Array, "b q"]:
        """F at a batch of points."""
        return _last_state(self.activation, x.astype(self.outer.dtype), self.outer, self.inner)


Weights = tuple[Array, Array]
"""V and W, of a layer or stacked over the layers."""


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _last_state(activation: Activation, x: Array, outer: Array, inner: Array) -> Array:
    """h_L at inputs (b, q).

    A layer's backward pass needs h, φ and φ' alone: four products, no activation computed again, and two
    thirds of the time of differentiating the scan, which keeps every intermediate of the activation.
    """
    return _forward(activation, x, outer, inner)[0]


def _forward(activation: Activation, x: Array, outer: Array, inner: Array) -> tuple[Array, Any]:
    inside, outside = _scales(outer)

    def layer(h: Array, weights: Weights) -> tuple[Array, Any]:
        v, w = weights
        a = product(h, w.T) * inside
        hidden, slope = jax.jvp(FUNCTIONS[activation], (a,), (jnp.ones_like(a),))
        return h + product(hidden, v.T) * outside, (h, hidden, slope)

    h, kept = jax.lax.scan(layer, x, (outer, inner))
    return h, (outer, inner, kept)


def _backward(activation: Activation, kept: Any, pull: Array) -> tuple[Array, Array, Array]:
    outer, inner, states = kept
    inside, outside = _scales(outer)

    def layer(pull: Array, of_layer: Any) -> tuple[Array, Weights]:
        v, w, (h, hidden, slope) = of_layer
        back = product(pull, v) * slope * (inside * outside)
        return pull + product(back, w), (product(pull.T, hidden) * outside, product(back.T, h))

    pull, (outer_slopes, inner_slopes) = jax.lax.scan(layer, pull, (outer, inner, states), reverse=True)
    return pull, outer_slopes, inner_slopes


_last_state.defvjp(_forward, _backward)


def _scales(outer: Array) -> tuple[float, float]:
    """1/√q and 1/(L √m)."""
    depth, dim, width = outer.shape
    return 1 / dim**0.5, 1 / (depth * width**0.5)


def starting_weights(
    key: Key, start: Start, places: Float[np.ndarray, "places"], width: int, dim: int
) -> Float[Array, "places {width} {dim}"]:
    """W at some places along the depth before training, in the widest floating type that is enabled."""
    count = {"tied": 1, "smooth": NODES, "independent": len(places)}[start]
    normals = jax.random.normal(stream(key, f"{start} weights"), (count, width, dim), jnp.float32)
    normals = normals.astype(jnp.result_type(float))
    if start == "smooth":
        return along_depth(smooth_paths(places), normals)
    return jnp.broadcast_to(normals, (len(places), width, dim))


def along_depth(matrix: Float[np.ndarray, "places nodes"], weights: Float[Array, "nodes a b"]) -> Array:
    """Weights (places, a, b) of a path along the depth that is linear in its values at the nodes."""
    flat = product(jnp.asarray(matrix, weights.dtype), weights.reshape(len(weights), -1))
    return flat.reshape(len(matrix), *weights.shape[1:])


def middles(depth: int) -> Float[np.ndarray, "depth"]:
    """s_k = (k − ½)/L, where the layers lie along the depth."""
    return (np.arange(depth) + 0.5) / depth


def smooth_paths(places: Float[np.ndarray, "places"]) -> Float[np.ndarray, "places nodes"]:
    """What makes values at some places of a Gaussian process along the depth from independent normals.

    Its covariance is exp(−(s − s')²/2ℓ²) at the Gauss–Legendre nodes of [0, 1]; between them a path is the
    polynomial through its values, so that the same normals give the same path at every depth.
    """
    nodes, _ = legendre_nodes(NODES)
    values, vectors = np.linalg.eigh(np.exp(-((nodes[:, None] - nodes) ** 2) / (2 * LENGTH**2)))
    return np.asarray(lagrange_basis(nodes, places)) @ (vectors * np.sqrt(np.maximum(values, 0)))
