"""Gaussian populations against NumPy and SciPy in float64."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from typechecking import unchecked

from jaxmem.populations import Gaussian, GaussianMixture

KEY = jax.random.key(0)


def random_covariance(dim, rank, seed=0):
    root = np.random.default_rng(seed).normal(size=(dim, rank))
    return root @ root.T


def laws():
    mean = np.array([1.0, -2.0, 0.5, 3.0])
    return [
        (Gaussian.isotropic(4, mean=3.0, variance=0.25), np.full(4, 3.0), np.eye(4) / 4),
        (Gaussian.spiked(4, (3.0, -0.5), mean, 2.0), mean, np.diag([8.0, 1.0, 2.0, 2.0])),
        (Gaussian.power_law(4, 1.5, variance=2.0), np.zeros(4), np.diag(2 * np.arange(1, 5) ** -1.5)),
        (Gaussian.from_covariance(mean, random_covariance(4, 6)), mean, random_covariance(4, 6)),
    ]


@pytest.mark.parametrize(("law", "mean", "covariance"), laws())
def test_moments_are_float64_without_global_settings(law, mean, covariance):
    assert not jax.config.jax_enable_x64
    assert law.mean().dtype == law.covariance().dtype == np.float64
    np.testing.assert_allclose(law.mean(), mean, rtol=1e-14)
    np.testing.assert_allclose(law.covariance(), covariance, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("law", "mean", "covariance"), laws())
def test_log_density_and_score(law, mean, covariance):
    x = np.random.default_rng(1).normal(size=(3, 2, 4))
    reference = stats.multivariate_normal(mean, covariance)
    np.testing.assert_allclose(law.log_density(x), reference.logpdf(x), rtol=1e-12)
    with jax.enable_x64(True):
        score = law.score(x)
    np.testing.assert_allclose(score, -(x - mean) @ np.linalg.inv(covariance), rtol=1e-9)
    single = law.score(jnp.asarray(x, jnp.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, score, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("law", "mean", "covariance"), laws())
def test_samples_have_the_law(law, mean, covariance):
    n = 20_000
    x = law.sample(KEY, n)
    assert x.dtype == np.float32
    white = np.linalg.solve(np.linalg.cholesky(covariance), (np.asarray(x, np.float64) - mean).T)
    assert np.abs(white.mean(1)).max() < 4.5 / np.sqrt(n)
    assert np.abs(white @ white.T / n - np.eye(4)).max() < 4.5 * np.sqrt(2 / n)
    assert min(stats.kstest(row, stats.norm.cdf).pvalue for row in white) > 1e-4


@pytest.mark.parametrize("law", [law for law, _, _ in laws()])
def test_prefix_property(law):
    np.testing.assert_allclose(law.sample(KEY, 37)[:5], law.sample(KEY, 5), rtol=1e-6)
    pair = law.disjoint_samples(KEY, 6, sets=3)
    np.testing.assert_allclose(pair[:, :4], law.disjoint_samples(KEY, 4, sets=3), rtol=1e-6)
    assert len(np.unique(np.asarray(pair).reshape(18, 4), axis=0)) == 18


def test_noised():
    for law, mean, covariance in laws():
        noised = law.noised(0.3, 0.8)
        np.testing.assert_allclose(noised.mean(), 0.3 * mean, rtol=1e-14)
        expected = 0.09 * covariance + 0.64 * np.eye(4)
        np.testing.assert_allclose(noised.covariance(), expected, rtol=1e-12, atol=1e-12)


def test_traced_numbers_and_vmap():
    strengths = jnp.array([0.5, 2.0, 4.0])
    keys = jax.random.split(KEY, 3)

    def one(key, strength):
        law = Gaussian.spiked(5, (strength,), mean=strength)
        return law.sample(key, 4), law.log_density(jnp.ones(5)), law.score(jnp.ones(5))

    batched = jax.jit(jax.vmap(one))(keys, strengths)
    for i in range(3):
        for got, expected in zip(batched, one(keys[i], float(strengths[i])), strict=True):
            assert got.dtype == expected.dtype
            np.testing.assert_allclose(got[i], expected, rtol=1e-6)


@pytest.mark.parametrize("rotated", [True, False])
def test_singular_law(rotated):
    """On its support it is the law of its two free coordinates; elsewhere nothing is NaN."""
    covariance = random_covariance(4, 2) if rotated else np.diag([3.0, 0.0, 0.5, 0.0])
    mean = np.array([1.0, 5.0, -1.0, 0.0])
    law = Gaussian.from_covariance(mean, covariance)
    values, vectors = np.linalg.eigh(covariance)
    assert np.sum(np.asarray(law.eigenvalues) == 0) == 2
    along = np.array([[0.3, -1.2], [2.0, 0.1]])
    inside = mean + along @ vectors[:, 2:].T
    expected = stats.multivariate_normal(np.zeros(2), np.diag(values[2:])).logpdf(along)
    np.testing.assert_allclose(law.log_density(inside), expected, rtol=1e-10)
    np.testing.assert_array_equal(law.log_density(inside + 1e-3 * vectors[:, 0]), -np.inf)
    assert np.isfinite(law.log_density(law.sample(KEY, 50))).all()
    with jax.enable_x64(True):
        np.testing.assert_allclose(law.score(inside), -along / values[2:] @ vectors[:, 2:].T, atol=1e-10)
    assert np.isfinite(law.score(jnp.ones(4))).all()
    point = Gaussian.isotropic(4, 2.0, variance=0.0)
    np.testing.assert_array_equal(point.log_density(np.array([[2.0] * 4, [2.1] * 4])), [0.0, -np.inf])


def test_float32_covariance_is_judged_by_its_own_rounding():
    covariance = random_covariance(30, 10).astype(np.float32)
    law = Gaussian.from_covariance(np.zeros(30), covariance)
    assert np.sum(np.asarray(law.eigenvalues) > 0) == 10


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: Gaussian.isotropic(0), "dim must be a whole number of at least 1, got 0"),
        (lambda: Gaussian.isotropic(3, variance=-1.0), "variance must be a finite number at least 0, got -1"),
        (lambda: Gaussian.isotropic(3, mean=np.zeros(2)), r"mean must have shape \(3\), got \(2,\)"),
        (lambda: Gaussian.isotropic(3, mean=np.nan), "mean must be finite, got nan"),
        (lambda: Gaussian.spiked(1, (1.0, 2.0)), r"a list of at most dim = 1 numbers, got \(1.0, 2.0\)"),
        (lambda: Gaussian.spiked(2, 1.0), "strengths must be a list of at most dim = 2 numbers, got 1.0"),
        (lambda: Gaussian.spiked(3, (-1.5,)), "strengths must be a finite number at least -1, got -1.5"),
        (lambda: Gaussian.power_law(3, np.inf), "exponent must be a finite number, got inf"),
        (lambda: Gaussian.from_covariance(np.zeros(2), np.diag([1.0, -1.0])), "positive semi-definite"),
        (lambda: Gaussian.from_covariance(np.zeros(2), np.triu(np.ones((2, 2)))), "must be symmetric"),
        (lambda: Gaussian.from_covariance(np.zeros(3), np.eye(2)), r"mean must have shape \(2\)"),
    ],
)
def test_bad_input_is_one_sentence(build, sentence):
    with unchecked(), pytest.raises(ValueError, match=sentence):
        build()


def test_mixture_of_one_is_the_gaussian():
    law = Gaussian.from_covariance(np.arange(3.0), random_covariance(3, 5))
    mixture = GaussianMixture.of(np.ones(1), [law])
    x = np.random.default_rng(0).normal(size=(7, 3))
    np.testing.assert_allclose(mixture.log_density(x), law.log_density(x), rtol=1e-13)
    np.testing.assert_allclose(mixture.covariance(), law.covariance(), rtol=1e-13, atol=1e-13)
