"""System S6: two denoisers by hand, on sets that share nothing, and what training on few images does."""

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


def test_by_hand(study):
    """Two known models, f(y) = a y and b y in halves of the pixels, from the streams of the study."""
    shape, point = study.shape({"samples": 3, "channels": 4}), {"samples": 3, "channels": 4}
    gains = np.array([np.repeat([0.9, 0.5], 8), np.repeat([0.7, 0.6], 8)])
    state = tuple(Trained(partial(jnp.multiply, jnp.asarray(g, jnp.float32)), jnp.int32(-1)) for g in gains)
    with jax.enable_x64(True):
        drawn = study._draw(KEY, point, shape)
        seen = study.observe(KEY, point, state, shape=shape)
        done = study.finish(KEY, point, state, {k: v[None] for k, v in seen.items()}, shape=shape)
    assert done["diverged"] == 0
    train = [np.asarray(rows, np.float64)[:3] for rows in drawn.train]
    test, mean = np.asarray(drawn.test, np.float64), np.asarray(drawn.mean, np.float64)
    for level, sigma in enumerate(np.float32([0.2, 0.8])):
        sets = {"train": train, "other": train[::-1], "test": [test, test]}
        for name, pair in sets.items():
            noise = normals(stream(KEY, f"{name} noise", float(sigma)), 20 if name != "test" else 12, 16)
            out = [g * (rows + sigma * noise[: len(rows)]) for g, rows in zip(gains, pair, strict=True)]
            error = np.mean([((o - rows) ** 2).mean() for o, rows in zip(out, pair, strict=True)])
            assert done[f"error_{name}"][level] == pytest.approx(error, rel=1e-5)
        apart = ((out[0] - out[1]) ** 2).mean() / 2
        assert done["disagreement"][level] == pytest.approx(apart, rel=1e-5)
    walk = np.append(np.geomspace(2.0, 0.04, 6), 0.0)
    generated = []
    for gain in gains:
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
    sentence("samples must leave two sets and 12 held-out images of the 50 there are, got 20", population=few)
