"""A data set as a population."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from typechecking import unchecked

from jaxmem.populations import Empirical

DATA = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
KEY = jax.random.key(2)


def rows(samples):
    return {tuple(row) for row in np.asarray(samples).reshape(-1, 3)}


def test_moments_are_those_of_the_rows():
    law = Empirical(DATA)
    wide = DATA.astype(np.float64)
    np.testing.assert_allclose(law.mean(), wide.mean(0), rtol=1e-14)
    np.testing.assert_allclose(law.covariance(), np.cov(wide.T, ddof=0), rtol=1e-13)
    assert (law.dim, law.size) == (3, 40)


def test_draws_are_without_replacement():
    law = Empirical(DATA)
    assert rows(law.sample(KEY, 40)) == rows(DATA)
    np.testing.assert_array_equal(law.sample(KEY, 40)[:7], law.sample(KEY, 7))
    assert not np.array_equal(law.sample(KEY, 40), law.sample(jax.random.key(3), 40))


def test_every_row_is_as_likely():
    law = Empirical(DATA)
    first = jax.vmap(lambda key: law.sample(key, 1)[0, 0])(jax.random.split(KEY, 4_000))
    counts = [np.sum(np.asarray(first) == value) for value in DATA[:, 0]]
    assert sum(counts) == 4_000
    assert stats.chisquare(counts).pvalue > 1e-4


def test_disjoint_samples_share_no_row():
    law = Empirical(DATA)
    first, second = law.disjoint_samples(KEY, 20)
    assert rows(first) | rows(second) == rows(DATA)
    np.testing.assert_array_equal(law.disjoint_samples(KEY, 5), law.disjoint_samples(KEY, 20)[:, :5])


def test_noised_law_is_the_kernel_density():
    mu, sigma = 0.8, 0.3
    x = np.random.default_rng(1).normal(size=(6, 3))
    wide = DATA.astype(np.float64)
    kernels = [stats.multivariate_normal(mu * row, sigma**2 * np.eye(3)).pdf(x) for row in wide]
    law = Empirical(DATA).noised(mu, sigma)
    np.testing.assert_allclose(law.log_density(x), np.log(np.mean(kernels, 0)), rtol=1e-12)
    weights = np.array(kernels) / np.sum(kernels, 0)
    with jax.enable_x64(True):
        np.testing.assert_allclose(law.score(x), (mu * weights.T @ wide - x) / sigma**2, rtol=1e-9)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Empirical(DATA).sample(KEY, 41), "n must be a whole number .* at most 40, got 41"),
        (lambda: Empirical(DATA).disjoint_samples(KEY, 21), "at most 40, got 42"),
        (lambda: Empirical(np.full((3, 2), np.nan)), "samples must be finite, got nan at index"),
        (lambda: Empirical(DATA).score(jnp.ones(3)), "no score: use noised"),
        (lambda: Empirical(DATA).log_density(jnp.ones(3)), "no density: use noised"),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    with unchecked(), pytest.raises(ValueError, match=sentence):
        call()
