import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import gammaln, ive

from jaxmem.populations import Sphere

KEY = jax.random.key(0)


def test_samples_lie_on_a_sphere_in_a_subspace():
    x = np.asarray(Sphere.of(9, 3).sample(KEY, 4000), np.float64)
    np.testing.assert_allclose((x**2).sum(1), 4, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.svd(x, compute_uv=False)[4:], 0, atol=1e-4)
    moments = x.T @ x / len(x)
    np.testing.assert_allclose(moments, Sphere.of(9, 3).covariance(), atol=4.5 / np.sqrt(4000))
    np.testing.assert_allclose(x[:7], Sphere.of(9, 3).sample(KEY, 7), atol=1e-6)
    traced = jax.jit(lambda k: Sphere.of(9, k).sample(KEY, 7))(3)
    np.testing.assert_allclose(traced, x[:7], atol=1e-6)


@pytest.mark.parametrize(("dim", "k", "sigma"), [(3, 1, 0.5), (6, 2, 0.1), (6, 5, 1.0), (20, 7, 0.014)])
def test_noised_density_and_score_are_those_of_bessel_functions(dim, k, sigma):
    """E e^{z cos φ} = Γ(p/2) (2/z)^{p/2−1} I_{p/2−1}(z), and ⟨cos φ⟩ = I_{p/2}(z)/I_{p/2−1}(z)."""
    law = Sphere.of(dim, k).noised(0.8, sigma)
    y = np.asarray(law.sample(KEY, 5), np.float64)
    radius, p = 0.8 * np.sqrt(k + 1), k + 1
    axes = np.linalg.svd(np.asarray(Sphere.of(dim, k).sample(KEY, 200), np.float64))[2][:p]
    along = y @ axes.T @ axes
    length = np.linalg.norm(along, axis=1)
    z, order = radius * length / sigma**2, p / 2 - 1
    log_mean = gammaln(p / 2) + order * np.log(2 / z) + np.log(ive(order, z)) + z
    expected = log_mean - ((y**2).sum(1) + radius**2) / (2 * sigma**2)
    expected -= dim / 2 * np.log(2 * np.pi * sigma**2)
    # the axes come from float32 samples
    np.testing.assert_allclose(law.log_density(y), expected, rtol=1e-6, atol=1e-5)
    cosine = ive(p / 2, z) / ive(order, z)
    score = (radius * (cosine / length)[:, None] * along - y) / sigma**2
    np.testing.assert_allclose(law.score(y), score, rtol=1e-4, atol=1e-4 / sigma)


def test_noising_twice_is_noising_once():
    law = Sphere.of(5, 2)
    twice, once = law.noised(0.9, 0.3).noised(0.5, 0.2), law.noised(0.45, np.hypot(0.15, 0.2))
    y = np.asarray(once.sample(KEY, 4))
    np.testing.assert_allclose(twice.log_density(y), once.log_density(y), rtol=1e-9)
    batch = jax.vmap(once.score)(jnp.asarray(y))
    np.testing.assert_allclose(batch, once.score(y), rtol=1e-5)
    assert batch.dtype == jnp.float32


def test_the_singular_law():
    circle = Sphere.of(4, 1, radius=3.0)
    x = circle.sample(KEY, 6)
    np.testing.assert_allclose(circle.log_density(x), -np.log(6 * np.pi), rtol=1e-6)
    assert np.all(np.isneginf(circle.log_density(x + 0.01)))
    np.testing.assert_array_equal(circle.score(x), 0)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(
        ValueError, match="intrinsic must be a whole number of at least 1 and at most 3, got 4"
    ):
        Sphere.of(4, 4)
    with pytest.raises(ValueError, match=r"radius must be a finite number above 0, got 0\.0"):
        Sphere.of(4, 2, 0.0)
