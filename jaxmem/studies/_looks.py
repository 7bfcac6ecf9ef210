"""One look at a score during its training: losses, copies and distances against both splits of the data."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Float32, Float64

from jaxmem import metrics
from jaxmem._typing import Integer, Key, Scalar
from jaxmem.describing.pictures import as_pictures
from jaxmem.describing.variables import Variable
from jaxmem.noising import NoiseSchedule, add_noise
from jaxmem.numerics.linear_algebra import product
from jaxmem.numerics.randomness import stream
from jaxmem.sampling import denoising_implicit
from jaxmem.scores.score_model import scores_at

Features = Callable[[Array], Array]
"""(m, d) → (m, k)."""

Score = Callable[[Any, Any], Any]
"""(t, x) → score at one point; with a method `on_batch` for many where that is faster."""


class Losses(NamedTuple):
    """Noise-prediction losses ‖σ s + ξ‖²/d of each noise level and sample."""

    train: Float64[Array, "level test"]
    test: Float64[Array, "level test"]

    def parting(self) -> Scalar:
        """Test minus train loss, averaged over the levels, in units of its standard error."""
        return _in_standard_errors(self.test.mean(0), self.train.mean(0))

    def parting_by_level(self) -> Float64[Array, "level"]:
        """The same at each level."""
        return jax.vmap(_in_standard_errors)(self.test, self.train)


class Looks(eqx.Module):
    """What a score is looked at with: the same samples, noise and starts every time.

    Attributes:
        key: of all of that.
        train: (capacity, d), of which `count` rows were trained on.
        test: held-out samples; distances take the first as many rows of `train`.
        count: n.
        schedule: of the noise.
        loss_times: the times at which losses are measured.
        walk: decreasing times of the sampler.
        generated_size: samples generated at each look.
        pictures: how many of them are kept as images.
        image_shape: of these; None for none.
        features: rows → rows, in which samples are told to be alike beside pixels; None for pixels alone.
    """

    key: Key
    train: Float32[Array, "capacity d"]
    test: Float32[Array, "test d"]
    count: Integer
    schedule: NoiseSchedule
    loss_times: Float32[Array, "level"]
    walk: Any
    generated_size: int = eqx.field(static=True)
    pictures: int = eqx.field(static=True)
    image_shape: tuple[int, int, int] | None = eqx.field(static=True)
    features: Features | None = eqx.field(static=True, default=None)

    def at(self, score: Score, *, pictures: bool = True) -> dict[str, Array]:
        """All that is seen of a score; names are those of the study's variables."""
        losses = self.losses(score)
        generated = self.generate(score)
        found = {
            "train_loss": losses.train.mean(),
            "test_loss": losses.test.mean(),
            "train_loss_by_level": losses.train.mean(1),
            "test_loss_by_level": losses.test.mean(1),
            "parting": losses.parting(),
            "parting_by_level": losses.parting_by_level(),
            "memorised_fraction": metrics.memorised_fraction(generated, self.train, count=self.count),
        }
        found |= self.against_both_splits(generated)
        if pictures and self.image_shape is not None and self.pictures:
            shown = generated[: self.pictures]
            nearest = metrics.nearest_training(shown, self.train, count=self.count).row
            found["generated"] = as_pictures(shown, self.image_shape)
            found["nearest"] = as_pictures(self.train[nearest], self.image_shape)
        return found

    def against_both_splits(self, generated: Float32[Array, "generated d"]) -> dict[str, Array]:
        """Distances to as many training as test samples, and the share that are no noisy copies."""
        found: dict[str, Array] = {}
        for suffix, features in self._described().items():
            x, train, test = (features(rows) for rows in (generated, self.train, self.test))
            for split, rows in {"train": train[: len(test)], "test": test}.items():
                distances = self.distances(x, rows)
                found |= {f"{name}{suffix}_{split}": value for name, value in distances.items()}
            found[f"authenticity{suffix}"] = metrics.authentic_share(x, train, count=self.count)
        return found

    def _described(self) -> dict[str, Features]:
        """By what samples are told to be alike: suffix of the variables → function."""
        pixels: dict[str, Features] = {"": lambda rows: rows}
        return pixels if self.features is None else pixels | {"_features": self.features}

    def losses(self, score: Score) -> Losses:
        """On the first rows of the train set and on the test samples, as many, with noise of their own."""
        rows = {"train": self.train[: len(self.test)], "test": self.test}

        def at_level(time: Scalar) -> Losses:
            mu, sigma = (value.astype(jnp.float32) for value in self.schedule(time))
            times = jnp.broadcast_to(time, len(self.test))
            each = []
            for split, x in rows.items():
                normal = jax.random.normal(stream(self.key, f"{split} loss", time), x.shape, jnp.float32)
                found = scores_at(score, add_noise(x, normal, mu, sigma), times)
                each.append(((sigma * found + normal) ** 2).mean(1, dtype=jnp.float64))
            return Losses(*each)

        return jax.lax.map(at_level, self.loss_times)

    def generate(self, score: Score) -> Float32[Array, "generated d"]:
        """Samples by DDIM without fresh noise, from the same starts at every look."""
        shape = (self.generated_size, self.train.shape[1])
        sigma = self.schedule(float(self.walk[0])).sigma.astype(jnp.float32)
        starts = sigma * jax.random.normal(stream(self.key, "start"), shape, jnp.float32)

        def one(x: Float32[Array, "d"]) -> Float32[Array, "d"]:
            return denoising_implicit(score, self.key, x, self.walk, self.schedule)

        return jax.vmap(one)(starts)

    def distances(self, x: Float[Array, "m d"], y: Float[Array, "test d"]) -> dict[str, Array]:
        """Sliced Wasserstein, and Fréchet: squared Wasserstein-2 of the Gaussians of the same moments."""
        laws = [_moments(rows) for rows in (x, y)]
        return {
            "sliced_wasserstein": metrics.sliced_wasserstein(stream(self.key, "directions"), x, y),
            "frechet": metrics.gaussian_distances(*laws[0], *laws[1]).bures_squared,
        }

    def of_held_out(self) -> dict[str, Array]:
        """What test samples would give in place of generated ones: no model can have copied them."""
        copied = metrics.memorised_fraction(self.test, self.train, count=self.count)
        found = {"memorised_fraction_test": copied}
        for suffix, features in self._described().items():
            rows = features(self.test), features(self.train)
            found[f"authenticity{suffix}_test"] = metrics.authentic_share(*rows, count=self.count)
        return found


def check_features(field: str, features: Features, dim: int) -> None:
    """Refuse a function that does not return a row for each row.

    Raises:
        ValueError: naming the field.
    """
    rows = jax.ShapeDtypeStruct((3, dim), jnp.float32)
    try:
        found = jax.eval_shape(features, rows)
    except Exception as error:
        said = (str(error).splitlines() or [""])[0]
        raise ValueError(f"{field} must take rows (m, {dim}) under jax.jit; it fails: {said}") from error
    if getattr(found, "ndim", 0) != 2 or found.shape[0] != 3:
        raise ValueError(f"{field} must return (m, k) for rows (m, {dim}), got {found} for m = 3.")


def look_variables(test_samples: int, of: str = "", *, features: bool = False) -> dict[str, Variable]:
    """The labels of what `Looks.at` returns beside pictures; `of` says which weights."""
    found = {"memorised_fraction": Variable(f"fraction memorised{of}", dims=("step",))}
    spaces = {"": "", "_features": " in features"} if features else {"": ""}
    for suffix, where in spaces.items():
        found[f"authenticity{suffix}"] = Variable(f"authentic share{where}{of}", dims=("step",))
    for split in ("train", "test"):
        found |= {
            f"{split}_loss": Variable(f"{split} loss per dimension{of}", dims=("step",)),
            f"{split}_loss_by_level": Variable(
                f"{split} loss by noise level{of}", dims=("step", "noise_level")
            ),
        }
        for suffix, where in spaces.items():
            for name, words in {"sliced_wasserstein": "sliced Wasserstein", "frechet": "Fréchet"}.items():
                long_name = f"{words} distance to {test_samples} {split} samples{where}{of}"
                found[f"{name}{suffix}_{split}"] = Variable(long_name, dims=("step",))
    return found


def held_out_variables(*, features: bool = False) -> dict[str, Variable]:
    """The labels of what `Looks.of_held_out` returns."""
    found = {
        "memorised_fraction_test": Variable("fraction memorised of the test samples", dims=("step",)),
        "authenticity_test": Variable("authentic share of the test samples"),
    }
    if features:
        found["authenticity_features_test"] = Variable("authentic share of the test samples in features")
    return found


def _moments(rows: Array) -> tuple[Float64[Array, "d"], Float64[Array, "d d"]]:
    rows = jnp.asarray(rows, jnp.float64)
    centred = rows - rows.mean(0)
    return rows.mean(0), product(centred.T, centred) / (len(rows) - 1)


def _in_standard_errors(x: Float64[Array, "m"], y: Float64[Array, "m"]) -> Scalar:
    error = jnp.sqrt((x.var(ddof=1) + y.var(ddof=1)) / x.size)
    return (x.mean() - y.mean()) / jnp.where(error > 0, error, 1)
