"""What two denoisers do to noised images: their errors, what they share of them, and their Jacobians."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32

from jaxmem import metrics
from jaxmem._typing import Integer, Key, Scalar
from jaxmem.numerics.randomness import stream
from jaxmem.populations import AbstractPopulation
from jaxmem.scores.score_model import scores_at

Rows = Float32[Array, "rows d"]

MOST_DENSE, LEADING, PROBES = 400, 32, 32
"""Pixels up to which Jacobians are dense; above, leading eigenvalues, and random signs for the trace."""


def errors_by_noise(
    key: Key,
    models: Sequence[Any],
    train: tuple[Float32[Array, "capacity d"], Float32[Array, "capacity d"]],
    test: Float32[Array, "test d"],
    noise: Sequence[float],
    *,
    count: Integer,
    exact: AbstractPopulation | None,
) -> dict[str, Array]:
    """Mean squared errors per pixel at each noise level, means over samples and the two models.

    Args:
        key: of the noise, the same for both models on held-out images.
        models: A and B, y → x.
        train: their train sets, of which the first `count` rows are samples.
        test: held-out images.
        noise: σ.
        count: n.
        exact: the population, where its best denoiser is known.
    """

    def noised(name: str, rows: Rows, sigma: Scalar) -> Rows:
        return rows + sigma * jax.random.normal(stream(key, f"{name} noise", sigma), rows.shape, jnp.float32)

    def error(output: Rows, rows: Rows, counted: Integer | int) -> Scalar:
        each = ((output - rows) ** 2).mean(1, dtype=jnp.float64)
        inside = jnp.arange(len(rows)) < counted
        return jnp.where(inside, each, 0).sum() / inside.sum()

    def at_noise(sigma: Scalar) -> dict[str, Array]:
        found: dict[str, Array] = {}
        for name, sets in {"train": train, "other": train[::-1]}.items():
            pairs = [
                (scores_at(model, noised(name, rows, sigma)), rows)
                for model, rows in zip(models, sets, strict=True)
            ]
            found[f"error_{name}"] = mean_of(error(*pair, count) for pair in pairs)
        y = noised("test", test, sigma)
        outputs = [scores_at(model, y) for model in models]
        found["error_test"] = mean_of(error(output, test, len(test)) for output in outputs)
        found["disagreement"] = ((outputs[0] - outputs[1]).astype(jnp.float64) ** 2).mean() / 2
        if exact is not None:
            best = exact.denoise(y, 1.0, sigma)
            off = [(output - best).astype(jnp.float64) for output in outputs]
            found["bias_squared"] = (off[0] * off[1]).mean()
            found["minimum_error"] = ((best - test) ** 2).mean(dtype=jnp.float64)
        return found

    return jax.lax.map(at_noise, jnp.asarray(noise, jnp.float32))


def jacobians_by_noise(
    key: Key, models: Sequence[Any], images: Rows, noise: Sequence[float]
) -> dict[str, Array]:
    """Trace, leading eigenvalues and Stein's risk at each noise level, means over images and models."""
    dim = images.shape[1]

    def at_image(model: Any, pair: tuple[Integer, Float[Array, "d"]]) -> tuple[Scalar, Array]:
        number, y = pair
        if dim <= MOST_DENSE:
            matrix = metrics.jacobian(model, y)
            return jnp.trace(matrix), metrics.jacobian_spectrum(matrix).values
        own = stream(key, "jacobian probes", number)
        values = metrics.leading_jacobian_spectrum(model, y, own, kept_directions(dim)).values
        return metrics.jacobian_trace(model, y, own, PROBES), values

    def of_model(model: Any, y: Rows, sigma: Scalar) -> dict[str, Array]:
        trace, values = jax.lax.map(partial(at_image, model), (jnp.arange(len(y)), y))
        return {
            "stein_risk": metrics.stein_risk(scores_at(model, y), y, sigma, trace).mean(),
            "effective_dimension": trace.mean(),
            "shrinkage": values.mean(0),
        }

    def at_noise(sigma: Scalar) -> dict[str, Array]:
        normal = jax.random.normal(stream(key, "jacobian noise", sigma), images.shape, jnp.float32)
        found = [of_model(model, images + sigma * normal, sigma) for model in models]
        return {name: mean_of(one[name] for one in found) for name in found[0]}

    return jax.lax.map(at_noise, jnp.asarray(noise, jnp.float32))


def kept_directions(dim: int) -> int:
    """Eigenvalues of a Jacobian that are kept of images of so many pixels."""
    return dim if dim <= MOST_DENSE else LEADING


def mean_of(values: Any) -> Array:
    """The mean over the two models."""
    return jnp.stack(list(values)).mean(0)
