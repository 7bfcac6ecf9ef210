"""Mixtures against SciPy, automatic differentiation and Monte Carlo."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from typechecking import unchecked

from jaxmem.populations import Gaussian, GaussianMixture

KEY = jax.random.key(1)
WEIGHTS = np.array([0.2, 0.5, 0.3])


def components(rotated):
    generator = np.random.default_rng(3)
    means, roots = generator.normal(size=(3, 3)), generator.normal(size=(3, 3, 5))
    if rotated:
        return [Gaussian.from_covariance(m, r @ r.T) for m, r in zip(means, roots, strict=True)]
    return [Gaussian(m, r[:, 0] ** 2 + 0.1) for m, r in zip(means, roots, strict=True)]


@pytest.fixture(params=[True, False], ids=["rotated", "axis-aligned"])
def parts(request):
    return components(request.param)


def reference_log_density(parts, x):
    densities = [stats.multivariate_normal(p.mean(), p.covariance()).pdf(x) for p in parts]
    return np.log(WEIGHTS @ np.stack(densities).reshape(3, -1)).reshape(x.shape[:-1])


def test_log_density(parts):
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    mixture = GaussianMixture.of(WEIGHTS, parts)
    np.testing.assert_allclose(mixture.log_density(x), reference_log_density(parts, x), rtol=1e-12)


def test_score_is_the_gradient(parts):
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    mixture = GaussianMixture.of(WEIGHTS, parts).noised(0.7, 0.4)
    with jax.enable_x64(True):
        gradient = jax.jit(jax.vmap(jax.vmap(jax.grad(mixture.log_density))))(x)
        np.testing.assert_allclose(mixture.score(x), gradient, rtol=1e-10, atol=1e-12)
    single = mixture.score(jnp.asarray(x, jnp.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, gradient, rtol=1e-4, atol=1e-4)


def test_far_tail_has_the_score_of_the_widest_component():
    mixture = GaussianMixture.of(
        np.array([0.5, 0.5]), [Gaussian.isotropic(2), Gaussian.isotropic(2, 0.0, 4.0)]
    )
    far = jnp.array([1e4, 0.0], jnp.float32)
    np.testing.assert_allclose(mixture.score(far), -far / 4, rtol=1e-6)


def test_samples_have_the_moments(parts):
    n = 40_000
    mixture = GaussianMixture.of(WEIGHTS, parts)
    x = np.asarray(mixture.sample(KEY, n), np.float64)
    mean = WEIGHTS @ np.stack([p.mean() for p in parts])
    covariance = sum(
        w * (np.asarray(p.covariance()) + np.outer(np.asarray(p.mean()) - mean, np.asarray(p.mean()) - mean))
        for w, p in zip(WEIGHTS, parts, strict=True)
    )
    np.testing.assert_allclose(mixture.mean(), mean, rtol=1e-13)
    np.testing.assert_allclose(mixture.covariance(), covariance, rtol=1e-12)
    assert (np.abs(x.mean(0) - mean) < 4.5 * np.sqrt(np.diag(covariance) / n)).all()
    products = np.einsum("ni,nj->nij", x - mean, x - mean)
    assert (np.abs(products.mean(0) - covariance) < 4.5 * products.std(0) / np.sqrt(n)).all()


def test_each_sample_comes_from_one_component():
    """Narrow components far apart: weights and spreads are seen directly."""
    n = 10_000
    for axes in (None, np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]):
        means = [[-50.0, 0.0], [0.0, 0.0], [50.0, 0.0]]
        parts = [Gaussian(np.array(m), np.array([1.0, 4.0]), axes) for m in means]
        x = np.asarray(GaussianMixture.of(WEIGHTS, parts).sample(KEY, n))
        labels = np.rint(x[:, 0] / 50).astype(int) + 1
        shares = np.bincount(labels, minlength=3) / n
        assert (np.abs(shares - WEIGHTS) < 4.5 * np.sqrt(WEIGHTS * (1 - WEIGHTS) / n)).all()
        for j, part in enumerate(parts):
            rows = x[labels == j] - np.array(means[j])
            spread = rows.T @ rows / len(rows)
            assert np.abs(spread - np.asarray(part.covariance())).max() < 4.5 * 4 * np.sqrt(2 / len(rows))


def test_prefix_property(parts):
    mixture = GaussianMixture.of(WEIGHTS, parts)
    np.testing.assert_allclose(mixture.sample(KEY, 33)[:6], mixture.sample(KEY, 6), rtol=1e-5, atol=1e-6)


def test_noised_moments(parts):
    mixture = GaussianMixture.of(WEIGHTS, parts)
    noised = mixture.noised(0.6, 0.5)
    np.testing.assert_allclose(noised.mean(), 0.6 * np.asarray(mixture.mean()), rtol=1e-13)
    expected = 0.36 * np.asarray(mixture.covariance()) + 0.25 * np.eye(3)
    np.testing.assert_allclose(noised.covariance(), expected, rtol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_simplex(k):
    base = Gaussian.spiked(4, (3.0,), mean=1.0)
    mixture = GaussianMixture.simplex(base, k, 2.5)
    means = np.asarray(mixture.components.centre)
    distances = np.linalg.norm(means[:, None] - means, axis=-1)
    np.testing.assert_allclose(distances[~np.eye(k, dtype=bool)], 2.5, rtol=1e-12)
    np.testing.assert_allclose(mixture.mean(), np.ones(4), rtol=1e-12)
    np.testing.assert_array_equal(means[:, k - 1 :], 1.0)
    expected = np.array([4.0, 1.0, 1.0, 1.0])
    expected[: k - 1] += 2.5**2 / (2 * k)
    np.testing.assert_allclose(mixture.covariance(), np.diag(expected), atol=1e-12)


def test_two_components_sit_on_the_first_axis():
    means = GaussianMixture.simplex(Gaussian.isotropic(3), 2, 6.0).components.centre
    np.testing.assert_allclose(np.sort(means[:, 0]), [-3.0, 3.0], rtol=1e-13)


def test_vmap_over_separation():
    def one(separation):
        mixture = GaussianMixture.simplex(Gaussian.isotropic(3), 2, separation)
        return mixture.sample(KEY, 5), mixture.score(jnp.ones(3)), mixture.covariance()

    separations = jnp.array([0.0, 1.0, 4.0])
    batched = jax.jit(jax.vmap(one))(separations)
    for i, separation in enumerate(separations):
        for got, expected in zip(batched, one(float(separation)), strict=True):
            np.testing.assert_allclose(got[i], expected, rtol=1e-5, atol=1e-6)


def test_mixed_forms_of_components():
    law = Gaussian.from_covariance(np.zeros(2), np.array([[2.0, 1.0], [1.0, 2.0]]))
    mixture = GaussianMixture.of(np.array([0.5, 0.5]), [law, Gaussian.isotropic(2, mean=1.0)])
    np.testing.assert_allclose(mixture.covariance(), [[1.75, 0.75], [0.75, 1.75]], rtol=1e-12)


@pytest.mark.parametrize(
    ("weights", "dims", "sentence"),
    [
        (np.array([0.5, 0.6]), (2, 2), "weights must be at least 0 and sum to 1"),
        (np.array([1.5, -0.5]), (2, 2), "weights must be at least 0 and sum to 1"),
        (np.array([1.0]), (2, 2), r"weights must have shape \(2\)"),
        (np.array([0.5, 0.5]), (2, 3), r"Gaussians of one dimension, got \[2, 3\]"),
    ],
)
def test_bad_input_is_one_sentence(weights, dims, sentence):
    with unchecked(), pytest.raises(ValueError, match=sentence):
        GaussianMixture.of(weights, [Gaussian.isotropic(d) for d in dims])


def test_too_many_components():
    with pytest.raises(ValueError, match=r"k must be at most dim \+ 1 = 3 components, got 4"):
        GaussianMixture.simplex(Gaussian.isotropic(2), 4, 1.0)
