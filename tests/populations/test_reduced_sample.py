"""The short cut has exactly the law of the direct route, and that of Wishart matrices."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import ks_2samp

from jaxmem.metrics import (
    bures,
    hellinger_squared,
    kl_generated_population,
    kl_population_generated,
    latent_recovery,
    log_affinity,
    operator_norm,
)
from jaxmem.numerics.precision import with_float64
from jaxmem.populations import Gaussian, reduced_sample
from jaxmem.scores import fit_linear_gaussian

DIM, CAPACITY, VARIANCE, REPLICATES = 12, 40, 1.7, 1500


def measures(covariance, mean, eigenvalues):
    distances = (bures, kl_generated_population, kl_population_generated, log_affinity)
    values = {distance.__name__: distance(covariance, eigenvalues, mean) for distance in distances}
    values["operator_norm"] = operator_norm(covariance, eigenvalues)
    values["first_entry"] = covariance.diagonal()[0]
    return values


@partial(jax.jit, static_argnums=4)
def direct(keys, n, strength, ridge, known_mean):
    population = Gaussian.spiked(DIM, [strength], 0.0, VARIANCE)

    def one(key):
        train = population.sample(key, CAPACITY)
        model = fit_linear_gaussian(train, n, mean=0.0 if known_mean else None, ridge=ridge)
        overlap = latent_recovery(model.covariance)[0]
        return measures(model.covariance, model.mean, population.eigenvalues) | {"overlap": overlap}

    return jax.vmap(one)(keys)


@partial(jax.jit, static_argnums=4)
def short_cut(keys, n, strength, ridge, known_mean):
    eigenvalues = Gaussian.spiked(DIM, [strength], 0.0, VARIANCE).eigenvalues

    def one(key):
        mean, covariance = reduced_sample(
            key, n, DIM, strength=strength, variance=VARIANCE, ridge=ridge, known_mean=known_mean
        )
        return measures(covariance, mean, eigenvalues) | {"overlap": covariance.leading_overlap()}

    return jax.vmap(one)(keys)


@pytest.mark.parametrize(
    ("n", "strength", "ridge", "known_mean"),
    [
        (30, 0.0, 0.0, True),
        (12, 2.5, 0.0, True),
        (13, 2.5, 0.0, False),
        (5, 0.7, 0.3, True),
        (40, 1.5, 0.1, False),
        (2, -0.5, 0.2, False),
    ],
)
def test_law_of_the_direct_route(n, strength, ridge, known_mean):
    ours, theirs = (
        route(jax.random.split(jax.random.key(seed), REPLICATES), n, strength, ridge, known_mean)
        for seed, route in enumerate((direct, short_cut))
    )
    for name in ours:
        a, b = (np.asarray(sample[name], np.float64) for sample in (ours, theirs))
        assert not np.isnan(a).any(), name
        assert not np.isnan(b).any(), name
        if not np.isfinite(a).all():
            assert name.startswith(("kl", "log")), name
            np.testing.assert_array_equal(a, b)  # n < d without ridge: both infinite in every replicate
            continue
        assert ks_2samp(a, b).pvalue > 1e-4, name
        # The mean of Tr C^-1 has no finite standard error near n = d.
        if name != "kl_population_generated" or n > 2 * DIM or ridge > 0:
            assert abs(a.mean() - b.mean()) < 4.5 * np.hypot(a.std(), b.std()) / np.sqrt(REPLICATES), name


def test_traced_numbers_share_a_compilation():
    keys = jax.random.split(jax.random.key(0), REPLICATES)
    short_cut(keys, 1, 0.5, 0.1, True)
    before = short_cut._cache_size()
    for n in (5, 11, 12, 13, 500):
        short_cut(keys, n, 0.1 * n, 1.0 / n, True)
    assert short_cut._cache_size() == before


def test_exact_wishart_moments():
    """E KL in both directions and their parts, n = 400, d = 200: 30.8585 and 70.1466."""
    n, dim, replicates = 400, 200, 2000
    keys = jax.random.split(jax.random.key(5), replicates)

    @jax.jit
    @jax.vmap
    @with_float64
    def draw(key):
        covariance = reduced_sample(key, n, dim).covariance
        return (
            kl_generated_population(covariance, 1.0),
            kl_population_generated(covariance, 1.0),
            covariance.diagonal().sum(),
            covariance.inverse_trace(1.0),
            (covariance.diagonal() ** 2).sum() + 2 * (covariance.off_diagonal() ** 2).sum(),
        )

    log_determinant = digamma((n - np.arange(dim)) / 2).sum() + dim * np.log(2 / n)
    inverse = n * dim / (n - dim - 1)
    expected = (
        -log_determinant / 2,
        (inverse - dim + log_determinant) / 2,
        dim,
        inverse,
        dim * (n + dim + 1) / n,
    )
    np.testing.assert_allclose(expected[:2], (30.8585, 70.1466), rtol=2e-6)
    for values, mean in zip(np.asarray(draw(keys), np.float64), expected, strict=True):
        assert abs(values.mean() - mean) < 4 * values.std() / np.sqrt(replicates)


def test_phase_transition_of_the_spike():
    """Q jumps from 0 at γ θ² = 1 to (1 − 1/(γθ²)) / (1 + 1/(γθ)); d = 2,000 costs no d×d matrix."""
    dim, n, replicates = 2000, 4000, 64
    recover = jax.jit(
        jax.vmap(
            lambda key, strength: reduced_sample(key, n, dim, strength=strength).covariance.leading_overlap(),
            in_axes=(0, None),
        )
    )
    keys = jax.random.split(jax.random.key(6), replicates)
    above = np.asarray(recover(keys, 1.0))
    assert abs(above.mean() - 1 / 3) < 4 * above.std() / 8 + 2 / dim
    assert np.asarray(recover(keys, 0.3)).mean() < 0.02


def test_rank_of_few_samples():
    covariance = reduced_sample(jax.random.key(0), 3, 8).covariance
    values = np.asarray(covariance.eigenvalues())
    assert (values[:3] > 1e-3).all()
    assert np.abs(values[3:]).max() < 1e-14
    assert kl_generated_population(covariance, 1.0) == np.inf
    assert kl_population_generated(covariance, 1.0) == np.inf
    assert hellinger_squared(covariance, 1.0) == 1
    assert covariance.diagonal_squares.dtype == np.float64


def test_vmap_equals_loop():
    keys = jax.random.split(jax.random.key(1), 4)
    sizes = jnp.array([2, 11, 12, 50])
    batch = jax.jit(jax.vmap(lambda key, n: reduced_sample(key, n, DIM, known_mean=False)))(keys, sizes)
    for index, (key, n) in enumerate(zip(keys, sizes, strict=True)):
        mean, covariance = reduced_sample(key, int(n), DIM, known_mean=False)
        np.testing.assert_allclose(batch.mean[index], mean, rtol=1e-6)
        np.testing.assert_allclose(
            batch.covariance.diagonal_squares[index], covariance.diagonal_squares, rtol=2e-6
        )


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"n": 0}, "n must be a whole number of at least 1, got 0"),
        ({"n": 1, "known_mean": False}, "n must be a whole number of at least 2, got 1"),
        ({"dim": 0}, "dim must be a whole number of at least 1, got 0"),
        ({"strength": -1.5}, "strength must be a finite number at least -1, got -1.5"),
        ({"variance": -1.0}, "variance must be a finite number at least 0, got -1"),
        ({"ridge": float("nan")}, "ridge must be a finite number at least 0, got nan"),
    ],
)
def test_bad_input(change, sentence):
    arguments = {"n": 5, "dim": 4} | change
    with pytest.raises(ValueError, match=sentence):
        reduced_sample(jax.random.key(0), **arguments)
