"""Sums over pixels and images, and their adjoints, that a CPU does as matrix products.

XLA's reduction of a (4096, 8) array to 8 numbers takes 20 to 50 µs there, a product with ones a few; a
training step of a small U-Net has some hundred of them, one for the gradient of every bias. Adding a vector
to every row is `spread_rows`, whose adjoint is `sum_rows`; the norm of a group of channels is made of
`sum_groups` and `spread_groups`. Elsewhere they are reductions.
"""

from functools import partial
from typing import Any

import equinox.internal as eqxi
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.interpreters import ad
from jaxtyping import Array, Float

HIGHEST = lax.Precision.HIGHEST

PRODUCT_UP_TO = 2**15
"""Pixels times channels up to which groups are summed by a product, with a constant of that many rows."""


def sum_rows(x: Float[Array, "n c"]) -> Float[Array, "c"]:
    """Σ_n x_nc."""
    return _SUM_ROWS.bind(x, rows=x.shape[0])[0]


def spread_rows(vector: Float[Array, "c"], rows: int) -> Float[Array, "n c"]:
    """The vector in every row: the adjoint of `sum_rows`."""
    return _SPREAD_ROWS.bind(vector, rows=rows)[0]


def sum_groups(x: Float[Array, "b p c"], groups: int) -> Float[Array, "b g"]:
    """Sums over all pixels p and over `groups` runs of neighbouring channels."""
    return _SUM_GROUPS.bind(x, pixels=x.shape[1], channels=x.shape[2], groups=groups)[0]


def spread_groups(sums: Float[Array, "b g"], pixels: int, channels: int) -> Float[Array, "b p c"]:
    """The number of its group at every pixel and channel: the adjoint of `sum_groups`."""
    groups = sums.shape[1]
    return _SPREAD_GROUPS.bind(sums, pixels=pixels, channels=channels, groups=groups)[0]


def _sum_rows(x: Any, *, rows: int) -> list[Any]:
    def product(x: Any) -> Any:
        return lax.dot_general(jnp.ones((1, rows), x.dtype), x, (((1,), (0,)), ((), ())), precision=HIGHEST)[
            0
        ]

    return [lax.platform_dependent(x, cpu=product, default=lambda x: x.sum(0))]


def _spread_rows(vector: Any, *, rows: int) -> list[Any]:
    return [lax.broadcast_in_dim(vector, (rows, vector.shape[0]), (1,))]


def _sum_groups(x: Any, *, pixels: int, channels: int, groups: int) -> list[Any]:
    size = channels // groups

    def product(x: Any) -> Any:
        member = np.tile(np.repeat(np.eye(groups), size, axis=0), (pixels, 1))
        flat = x.reshape(len(x), pixels * channels)
        summed = (((1,), (0,)), ((), ()))
        return lax.dot_general(flat, jnp.asarray(member, x.dtype), summed, precision=HIGHEST)

    def reduction(x: Any) -> Any:
        return x.reshape(len(x), pixels, groups, size).sum((1, 3))

    on_cpu = product if pixels * channels <= PRODUCT_UP_TO else reduction
    return [lax.platform_dependent(x, cpu=on_cpu, default=reduction)]


def _spread_groups(sums: Any, *, pixels: int, channels: int, groups: int) -> list[Any]:
    shape = (len(sums), pixels, groups, channels // groups)
    return [lax.broadcast_in_dim(sums, shape, (0, 2)).reshape(len(sums), pixels, channels)]


def _linear(bind: Any, primals: Any, tangents: Any, **settings: Any) -> tuple[Any, Any]:
    out = bind()(*primals, **settings)
    (tangent,) = tangents
    if type(tangent) is ad.Zero:
        return out, [ad.Zero(out[0].aval.to_tangent_aval())]
    return out, bind()(tangent, **settings)


def _adjoint(bind: Any, gradients: Any, _: Any, **settings: Any) -> list[Any]:
    return bind()(gradients[0], **settings)


def _shaped(shape: Any, x: Any, **settings: Any) -> list[Any]:
    return [jax.core.ShapedArray(shape(x, **settings), x.dtype)]


def _primitive(name: str, function: Any, shape: Any, own: Any, adjoint: Any) -> Any:
    """A linear function that knows its adjoint, batched by `vmap` of itself."""
    return eqxi.create_vprim(
        f"jaxmem_{name}", function, partial(_shaped, shape), partial(_linear, own), partial(_adjoint, adjoint)
    )


_SUM_ROWS: Any = _primitive(
    "sum_rows",
    _sum_rows,
    lambda x, rows: (x.shape[1],),
    lambda: _SUM_ROWS.bind,
    lambda: _SPREAD_ROWS.bind,
)
_SPREAD_ROWS: Any = _primitive(
    "spread_rows",
    _spread_rows,
    lambda vector, rows: (rows, vector.shape[0]),
    lambda: _SPREAD_ROWS.bind,
    lambda: _SUM_ROWS.bind,
)
_SUM_GROUPS: Any = _primitive(
    "sum_groups",
    _sum_groups,
    lambda x, pixels, channels, groups: (x.shape[0], groups),
    lambda: _SUM_GROUPS.bind,
    lambda: _SPREAD_GROUPS.bind,
)
_SPREAD_GROUPS: Any = _primitive(
    "spread_groups",
    _spread_groups,
    lambda sums, pixels, channels, groups: (sums.shape[0], pixels, channels),
    lambda: _SPREAD_GROUPS.bind,
    lambda: _SUM_GROUPS.bind,
)
