"""The neural ODE that a residual network becomes as its number of layers grows.

    dh/ds = V(s) φ(W(s) h/√q)/√m,   h(0) = x,   F(x) = h(1),

the limit L → ∞ of `ScaledResidual`, whose layer k lies at s_k = (k − ½)/L. V and W are the polynomials
through their values at P Gauss–Legendre nodes s_j of [0, 1], of weights w_j. With g(s) the functional
gradient of a loss, ∂ℓ/∂Z_j = ∫ l_j(s) g(s) ds, and the quadrature is exact for polynomials of degree 2P − 1,
so that

    g(s_j) = (1/w_j) ∂ℓ/∂Z_j

up to what of g is no polynomial of degree P: the gradient flow dZ(s)/dt = −g(s), to which that of the
network, dZ_k/dt = −L ∂ℓ/∂Z_k, converges, is followed with an error that falls exponentially in P.

Source: Marion, Wu, Sander & Biau, ICLR 2024, arXiv 2309.01213, sections 3 and 4.
"""

from typing import Any, Literal, get_args

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

from jaxmem import _checks
from jaxmem._typing import Key
from jaxmem.numerics.interpolation import lagrange_basis, legendre_nodes
from jaxmem.numerics.linear_algebra import product
from jaxmem.scores.scaled_residual import (
    FUNCTIONS,
    NODES,
    Activation,
    ScaledResidual,
    along_depth,
    middles,
    starting_weights,
)

Adjoint = Literal["discretise", "backsolve"]

ADJOINTS: dict[str, Any] = {
    "discretise": diffrax.DirectAdjoint(),  # the checkpointed one cannot be traced inside shard_map
    "backsolve": diffrax.BacksolveAdjoint(),
}
"""Differentiating the steps of the solver, or solving the adjoint equation backwards in depth."""


class ContinuousResidual(eqx.Module):
    """The limit with A = B = I, solved by the Dormand–Prince method of order 8 in equal steps.

    A step that adapts to h alone would be one at V = 0, where nothing moves, and its gradient wrong.

    Attributes:
        outer: V at the nodes.
        inner: W at the nodes.
        activation: φ.
        adjoint: "discretise", the gradient of the steps taken, or "backsolve", the adjoint equation.
        steps: of the solver (a count). At n = 100, q = 16, m = 32 and a trained path, gradients by the nodes
            are right to 5e-8 of the largest with 16 steps, 1e-5 with 8, 1e-3 with 4.
    """

    outer: Float[Array, "P q m"]
    inner: Float[Array, "P m q"]
    activation: Activation = eqx.field(static=True, default="gelu")
    adjoint: Adjoint = eqx.field(static=True, default="discretise")
    steps: int = eqx.field(static=True, default=16)

    def __check_init__(self) -> None:
        _checks.one_of("activation", self.activation, tuple(FUNCTIONS))
        _checks.one_of("adjoint", self.adjoint, get_args(Adjoint))
        _checks.positive_integer("steps", self.steps)

    @classmethod
    def draw(
        cls,
        key: Key,
        dim: int,
        width: int,
        *,
        nodes: int = NODES,
        start: Literal["tied", "smooth"] = "tied",
        activation: Activation = "gelu",
        adjoint: Adjoint = "discretise",
        steps: int = 16,
    ) -> "ContinuousResidual":
        """The limit at the start of training, V = 0, of the networks that `ScaledResidual.draw` makes.

        Args:
            key: of W; with the same key the networks have the weights of this path.
            dim: q, that of inputs and outputs.
            width: m.
            nodes: P, a count; a smooth start has 12.
            start: "tied" or "smooth"; independent layers have no limit.
            activation: φ.
            adjoint: see the class.
            steps: see the class.
        """
        for name, value in {"dim": dim, "width": width, "nodes": nodes}.items():
            _checks.positive_integer(name, value)
        _checks.one_of("start", start, ("tied", "smooth"))
        if start == "smooth" and nodes != NODES:
            raise ValueError(f"nodes must be {NODES} for a smooth start, got {nodes}.")
        inner = starting_weights(key, start, legendre_nodes(nodes)[0], width, dim)
        outer = jnp.zeros((nodes, dim, width), inner.dtype)
        return cls(outer, inner, activation, adjoint, steps)

    def __call__(self, x: Float[Array, "q"]) -> Float[Array, "q"]:
        """F at one point."""
        return self.on_batch(x[None])[0]

    def on_batch(self, x: Float[Array, "b q"]) -> Float[Array, "b q"]:
        """F at a batch of points."""
        count, dim, width = self.outer.shape
        nodes, _ = legendre_nodes(count)
        inside, outside = 1 / dim**0.5, 1 / width**0.5

        def field(s: Any, h: Float[Array, "b q"], weights: tuple[Array, Array]) -> Float[Array, "b q"]:
            basis = lagrange_basis(nodes, jnp.asarray(s)[None])
            v, w = (product(basis, leaf.reshape(count, -1)).reshape(leaf.shape[1:]) for leaf in weights)
            return product(FUNCTIONS[self.activation](product(h, w.T) * inside), v.T) * outside

        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(field),
            diffrax.Dopri8(),
            t0=0.0,
            t1=1.0,
            dt0=1 / self.steps,
            y0=x.astype(self.outer.dtype),
            args=(self.outer, self.inner),
            adjoint=ADJOINTS[self.adjoint],
            max_steps=self.steps + 1,  # 1/steps may be rounded down
        )
        assert solution.ys is not None
        return solution.ys[-1]

    def layers(self, depth: int) -> ScaledResidual:
        """The network of so many layers with the weights of this path at their places."""
        depth = _checks.positive_integer("depth", depth)
        outer, inner = (self._at_middles(leaf, depth) for leaf in (self.outer, self.inner))
        return ScaledResidual(outer, inner, self.activation)

    def _at_middles(self, leaf: Float[Array, "P a b"], depth: int) -> Float[Array, "L a b"]:
        nodes, _ = legendre_nodes(len(leaf))
        return along_depth(np.asarray(lagrange_basis(nodes, middles(depth))), leaf)


def functional_gradient(slopes: ContinuousResidual) -> ContinuousResidual:
    """g at the nodes, from the gradient ∂ℓ/∂Z_j of a loss: a path along the depth, as the weights are."""

    def over_weights(leaf: Float[Array, "P a b"]) -> Float[Array, "P a b"]:
        _, weights = legendre_nodes(len(leaf))
        return leaf / jnp.asarray(weights, leaf.dtype)[:, None, None]

    return jax.tree.map(over_weights, slopes)


def functional_descent(learning_rate: Any) -> optax.GradientTransformation:
    """Gradient descent Z(s) ← Z(s) − η g(s) of a `ContinuousResidual`: that of networks in steps of η L."""

    def update(slopes: Any, _: Any) -> Any:
        return jax.tree.map(lambda leaf: -learning_rate * leaf, functional_gradient(slopes))

    return optax.stateless(update)
