"""System S6: two denoisers by hand, on sets that share nothing, and what training on few images does."""

import dataclasses
import itertools
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.distance import cdist
from typechecking import unchecked

import jaxmem
from jaxmem.numerics.randomness import stream
from jaxmem.populations import PopulationSettings
from jaxmem.studies import DenoiserConvergence

SMALL = {
    "samples": (3, 20),
    "channels": (4,),
    "population": PopulationSettings(images="field", spikes=(20.0,)),
    "dim": 16,
    "blocks": 1,
    "network": "cnn",
    "steps": 150,
    "test_samples": 12,
    "generated_size": 10,
    "sampling_steps": 6,
    "learning_rate": 3e-3,
    "noise": (0.2, 0.8),
    "pictures": 2,
}
KEY = jaxmem.replicate_key(4, 1)


@pytest.fixture(scope="module")
def study():
    return DenoiserConvergence(**SMALL)


@pytest.fixture(scope="module")
def found(study):
    return jaxmem.sweep(study, replicates=3, seed=4)


def test_variables_and_what_is_trained(study, found):
    assert set(study.variables()) <= set(found)
    assert found["convergence"].dims == ("samples", "channels", "replicate")
    assert found["error_test"].dims == ("samples", "channels", "noise", "replicate")
    assert found["generated_a"].dims[-4:] == ("row", "column", "channel", "replicate")
    assert (found["diverged"] == 0).all()
    few = found.sel(samples=3).mean("replicate")
    assert (few["error_train"] < 0.7 * few["error_other"]).all()  # three images are learnt by heart
    many = found.sel(samples=20).mean("replicate")
    assert (many["error_other"] < few["error_other"]).all()
    assert (many["disagreement"] < few["disagreement"]).all()


class Trained(NamedTuple):
    model: object
    diverged_at: jax.Array


def normals(key, *shape):
    return np.asarray(jax.random.normal(key, shape, jnp.float32), np.float64)


GAINS = np.array([np.repeat([0.9, 0.5], 8), np.repeat([0.7, 0.6], 8)])


class Observed(NamedTuple):
    """What the study measures of f(y) = a y and b y, in halves of the pixels, and what it drew for it."""

    done: dict
    drawn: object
    train: list
    test: np.ndarray
    covariance: np.ndarray


@pytest.fixture(scope="module")
def known(study):
    shape, point = study.shape({"samples": 3, "channels": 4}), {"samples": 3, "channels": 4}
    models = [partial(jnp.multiply, jnp.asarray(g, jnp.float32)) for g in GAINS]
    state = tuple(Trained(model, jnp.int32(-1)) for model in models)
    with jax.enable_x64(True):
        drawn = study._draw(KEY, point, shape)
        seen = study.observe(KEY, point, state, shape=shape)
        done = study.finish(KEY, point, state, {k: v[None] for k, v in seen.items()}, shape=shape)
        covariance = np.asarray(study.population.build(16).covariance())
        done = {name: np.asarray(value) for name, value in done.items()}
    train = [np.asarray(rows, np.float64)[:3] for rows in drawn.train]
    return Observed(done, drawn, train, np.asarray(drawn.test, np.float64), covariance)


def test_errors_by_hand(known):
    """From the streams of the study."""
    done, _, train, test, covariance = known
    assert done["diverged"] == 0
    for level, sigma in enumerate(np.float32([0.2, 0.8])):
        sets = {"train": train, "other": train[::-1], "test": [test, test]}
        for name, pair in sets.items():
            noise = normals(stream(KEY, f"{name} noise", float(sigma)), 20 if name != "test" else 12, 16)
            out = [g * (rows + sigma * noise[: len(rows)]) for g, rows in zip(GAINS, pair, strict=True)]
            error = np.mean([((o - rows) ** 2).mean() for o, rows in zip(out, pair, strict=True)])
            assert done[f"error_{name}"][level] == pytest.approx(error, rel=1e-5)
        apart = ((out[0] - out[1]) ** 2).mean() / 2
        assert done["disagreement"][level] == pytest.approx(apart, rel=1e-5)
        wiener = covariance @ np.linalg.inv(covariance + sigma**2 * np.eye(16))
        best = (test + sigma * noise) @ wiener
        shared = ((out[0] - best) * (out[1] - best)).mean()
        assert done["bias_squared"][level] == pytest.approx(shared, rel=1e-4)
        assert done["minimum_error"][level] == pytest.approx(((best - test) ** 2).mean(), rel=1e-4)
        noised = test[:4] + sigma * normals(stream(KEY, "jacobian noise", float(sigma)), 4, 16)
        risks = [((g * noised - noised) ** 2).mean() - sigma**2 + 2 * sigma**2 * g.mean() for g in GAINS]
        assert done["stein_risk"][level] == pytest.approx(np.mean(risks), rel=1e-5)
        assert done["effective_dimension"][level] == pytest.approx(GAINS.sum() / 2, rel=1e-5)
        spectrum = np.sort(GAINS, 1)[:, ::-1].mean(0)
        np.testing.assert_allclose(done["shrinkage"][level], spectrum, rtol=1e-5)


def test_generated_images_by_hand(known):
    """Heun's method from the study's starts, and the order parameters of what it gives."""
    done, drawn, train, _, _ = known
    mean = np.asarray(drawn.mean, np.float64)
    walk = np.append(np.geomspace(2.0, 0.04, 6), 0.0)
    generated = []
    for gain in GAINS:
        x = mean + 2.0 * normals(stream(KEY, "start"), 10, 16)
        for now, following in itertools.pairwise(walk):
            slope = (x - gain * x) / now  # dx/dσ = −σ s with s = (f(x) − x)/σ²
            ahead = x + (following - now) * slope
            if following > 0:
                slope = (slope + (ahead - gain * ahead) / following) / 2
            x = x + (following - now) * slope
        generated.append(x)
    about = [x - mean for x in generated]
    cosines = (about[0] * about[1]).sum(1) / np.prod([np.linalg.norm(x, axis=1) for x in about], 0)
    assert done["convergence"] == pytest.approx(cosines.mean(), rel=1e-4)
    closest, copied, overlap = [], [], []
    for x, rows in zip(generated, train, strict=True):
        closest.append((1 - cdist(x - mean, rows - mean, "cosine")).__abs__().max(1).mean())
        two = np.sort(cdist(x, rows), 1)
        copied.append((two[:, 0] < two[:, 1] / 3).mean())
        leading = np.linalg.svd(x - x.mean(0))[2][0]
        overlap.append((leading @ np.asarray(drawn.leading)) ** 2)
    assert done["memorisation"] == pytest.approx(np.mean(closest), rel=1e-4)
    assert done["memorised_fraction"] == pytest.approx(np.mean(copied))
    assert done["latent_recovery"] == pytest.approx(np.mean(overlap), rel=1e-3)
    np.testing.assert_allclose(done["generated_b"].reshape(2, 16), generated[1][:2], rtol=1e-3, atol=1e-4)
    nearest = train[0][cdist(generated[0][:2], train[0]).argmin(1)]
    np.testing.assert_allclose(done["nearest_a"].reshape(2, 16), nearest, rtol=1e-6)


def test_the_leading_direction_is_that_of_the_population(study):
    """The spike of the field, along a wave: θ = 20 in units of the variance rules its covariance."""
    with jax.enable_x64(True):
        drawn = study._draw(KEY, {"samples": 3}, study.shape({"samples": 3, "channels": 4}))
        covariance = np.asarray(study.population.build(16).covariance())
    assert abs(np.linalg.eigh(covariance)[1][:, -1] @ np.asarray(drawn.leading)) == pytest.approx(1)


def test_the_ascent_of_two_linear_models(study):
    """Without injected noise each image shrinks by 1 − h (1 − a), until its residual is small."""
    ascent = dataclasses.replace(study, sampler="ascent", ascent_step=0.2, ascent_noise=1.0)
    starts = 2.0 * normals(stream(KEY, "start"), 10, 16)
    found = ascent._generate(KEY, lambda y: 0.75 * y, jnp.zeros(16))
    level = 0.25 * np.sqrt((starts**2).mean(1))
    steps = np.ceil(np.log(level / 0.1) / -np.log(0.95))
    np.testing.assert_allclose(found, starts * 0.95 ** steps[:, None], rtol=1e-4)
    noisy = dataclasses.replace(ascent, ascent_noise=0.5)
    pair = [noisy._generate(KEY, lambda y, a=a: a * y, jnp.zeros(16)) for a in (0.75, 0.7)]
    assert float(jaxmem.metrics.sampled_convergence(*pair)) > 0.5  # the same starts, and the same noise


def test_no_image_is_in_two_sets():
    images = np.arange(60.0)[:, None, None] + np.zeros((1, 4, 4))
    with unchecked():
        population = PopulationSettings(images=images / 100)
    study = DenoiserConvergence(**SMALL | {"population": population})
    with jax.enable_x64(True):
        drawn = study._draw(KEY, {"samples": 20}, study.shape({"samples": 20, "channels": 4}))
    sets = [np.asarray(rows)[:, 0] for rows in (*drawn.train, drawn.test)]
    assert [len(one) for one in sets] == [20, 20, 12]
    assert len(np.unique(np.concatenate(sets))) == 52


def test_bad_input_is_refused():
    def sentence(match, **settings):
        with unchecked(), pytest.raises(ValueError, match=match):
            DenoiserConvergence(**SMALL | settings)

    sentence("images must be given, a data set or a law of images, got none", population=PopulationSettings())
    sentence("image_shape must have a height and width divisible by 8", network="u-net", blocks=3)
    sentence("noise must be a finite number above 0, got 0", noise=(0.0, 1.0))
    sentence("network must be one of u-net, cnn, linear, got 'mlp'", network="mlp")
    sentence("pictures must be a whole number of at least 0 and at most 10, got 11", pictures=11)
    images = np.random.default_rng(0).normal(size=(50, 4, 4))
    with unchecked():
        few = PopulationSettings(images=images)
    sentence("test_samples must leave 20 samples .* 50 there are to each of 2 sets, got 12", population=few)
