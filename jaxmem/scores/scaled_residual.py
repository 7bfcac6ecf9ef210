"""A residual network in the scaling in which it discretises an ordinary differential equation in depth.

    h_0 = A x,    h_{k+1} = h_k + (1/(L √m)) V_{k+1} φ(W_{k+1} h_k/√q),    F(x) = B h_L,

k = 0 … L − 1, with V_k (q, m) and W_k (m, q): the Euler scheme in steps of 1/L of
dh/ds = V(s) φ(W(s) h/√q)/√m, where its weights are smooth in s = k/L.

Source: Marion, Wu, Sander & Biau, ICLR 2024, arXiv 2309.01213, section 3.
"""

from collections.abc import Callable
from typing import Literal, get_args

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.randomness import stream

Activation = Literal["gelu", "tanh", "relu", "identity"]
Start = Literal["tied", "smooth", "independent"]

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "gelu": jax.nn.gelu,
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
            activation: φ.
        """
        for name, value in {"dim": dim, "width": width, "depth": depth}.items():
            _checks.positive_integer(name, value)
        _checks.one_of("start", start, get_args(Start))
        _checks.one_of("activation", activation, get_args(Activation))
        layers = {"tied": 1, "smooth": NODES, "independent": depth}[start]
        normals = jax.random.normal(stream(key, f"{start} weights"), (layers, width, dim), jnp.float32)
        normals = normals.astype(jnp.result_type(float))
        if start == "smooth":
            inner = product(jnp.asarray(smooth_paths(depth)), normals.reshape(NODES, -1))
            inner = inner.reshape(depth, width, dim)
        else:
            inner = jnp.broadcast_to(normals, (depth, width, dim))
        return cls(jnp.zeros((depth, dim, width), inner.dtype), inner, activation)

    def __call__(self, x: Float[Array, "q"]) -> Float[Array, "q"]:
        """F at one point."""
        return self.on_batch(x[None])[0]

    def on_batch(self, x: Float[Array, "b q"]) -> Float[Array, "b q"]:
        """F at a batch of points."""
        depth, dim, width = self.outer.shape
        inside, outside = 1 / dim**0.5, 1 / (depth * width**0.5)

        def layer(h: Float[Array, "b q"], weights: tuple[Array, Array]) -> tuple[Array, None]:
            outer, inner = weights
            hidden = FUNCTIONS[self.activation](product(h, inner.T) * inside)
            return h + product(hidden, outer.T) * outside, None

        return jax.lax.scan(layer, x.astype(self.outer.dtype), (self.outer, self.inner))[0]


def smooth_paths(depth: int) -> Float[np.ndarray, "depth nodes"]:
    """What makes paths of a Gaussian process at s_k = (k − ½)/L from independent normals.

    Its covariance is exp(−(s − s')²/2ℓ²) at the Gauss–Legendre nodes of [0, 1]; between them a path is the
    polynomial through its values, so that the same normals give the same path at every depth.
    """
    nodes = (np.polynomial.legendre.leggauss(NODES)[0] + 1) / 2
    covariance = np.exp(-((nodes[:, None] - nodes) ** 2) / (2 * LENGTH**2))
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0))
    places = (np.arange(depth) + 0.5) / depth
    differences = nodes[:, None] - nodes + np.eye(NODES)
    lagrange = np.ones((depth, NODES))
    for j in range(NODES):
        others = np.delete(np.arange(NODES), j)
        lagrange[:, j] = ((places[:, None] - nodes[others]) / differences[j, others]).prod(1)
    return lagrange @ root
