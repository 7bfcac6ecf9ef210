import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate

from jaxmem.metrics import regularity_weight, total_variation_of_curve, total_variation_of_kinks
from jaxmem.scores import TwoLayerReLU, empirical_score_on_line

DATA = np.array([[0.3], [-1.2], [0.9], [2.0], [-0.1]])
MU = 0.9


def weight_without_noise(z):
    """min{π⁺, π⁻} straight from the definition: probabilities and conditional means over the data."""
    places = MU * DATA[:, 0]

    def side(selected, distance):
        return selected.mean() ** 2 * distance[selected].mean() if selected.any() else 0.0

    return np.array([min(side(places > x, places - x), side(places < x, x - places)) for x in z])


def test_the_weight_is_its_definition_averaged_over_noise():
    sigma = 0.4
    grid = np.linspace(-6, 6, 40_001)
    plain = weight_without_noise(grid)
    y = np.array([-1.0, 0.0, 0.5, 1.7])
    normal = np.exp(-((grid - y[:, None]) ** 2) / (2 * sigma**2)) / np.sqrt(2 * np.pi) / sigma
    expected = scipy.integrate.trapezoid(normal * plain, grid)
    np.testing.assert_allclose(regularity_weight(y, DATA, MU, sigma), expected, rtol=4e-4)
    outside = regularity_weight(np.array([-1.2 * MU - 1e-6, 2.0 * MU + 1e-6]), DATA, MU, sigma)
    assert not np.any(outside)


def test_without_noise_it_is_the_minimum_itself():
    y = np.linspace(-1.0, 1.7, 13)
    np.testing.assert_allclose(regularity_weight(y, DATA, MU, 1e-5), weight_without_noise(y), atol=1e-5)


def test_padding_is_ignored():
    padded = np.concatenate([DATA, np.full((4, 1), -7.0)])
    y = np.linspace(-1, 1.5, 7)
    expected = regularity_weight(y, DATA, MU, 0.3)
    np.testing.assert_allclose(regularity_weight(y, padded, MU, 0.3, count=5), expected, rtol=1e-12)


@pytest.mark.parametrize("sigma", [0.5, 0.01])
def test_variation_of_the_empirical_score_against_a_fine_grid(sigma):
    def curvature(y):
        return empirical_score_on_line(y, DATA, MU, sigma).curvature

    places = np.sort(MU * DATA[:, 0])
    middles, gaps = (places[1:] + places[:-1]) / 2, np.diff(places)
    fine = np.linspace(-1, 1, 8001)[:, None] * np.minimum(30 * sigma**2 / gaps, gaps / 2) + middles
    grid = np.unique(np.concatenate([fine.ravel(), np.linspace(places[0], places[-1], 4001)]))
    values = np.abs(np.asarray(curvature(grid))) * np.asarray(regularity_weight(grid, DATA, MU, sigma))
    total = scipy.integrate.trapezoid(values, grid)
    ours = total_variation_of_curve(curvature, DATA, MU, sigma)
    np.testing.assert_allclose(ours, total, rtol=2e-4)
    padded = np.concatenate([DATA, np.full((3, 1), 50.0)])
    again = total_variation_of_curve(curvature, padded, MU, sigma, count=5)
    np.testing.assert_allclose(again, ours, rtol=1e-9)


def test_the_empirical_score_is_above_its_lower_bound():
    """TV ≥ μ³ n Δ³/(2¹² σ⁴) where 16 n³ e^{−μ²Δ²/4σ²} ≤ 1: at the least spacing Δ = 0.4 for σ ≤ 0.062."""
    for sigma in (0.06, 0.03, 0.01):
        assert 16 * 5**3 * np.exp(-(MU**2) * 0.4**2 / (4 * sigma**2)) <= 1
        variation = total_variation_of_curve(
            lambda y, sigma=sigma: empirical_score_on_line(y, DATA, MU, sigma).curvature, DATA, MU, sigma
        )
        assert variation >= MU**3 * 5 * 0.4**3 / (2**12 * sigma**4)


def test_kinks_count_by_their_weight_and_add_up_where_they_coincide():
    kinks = np.array([0.2, -3.0, 0.5, 0.2, np.inf, np.nan], np.float32)
    changes = np.array([1.0, 9.0, -2.0, -0.4, 5.0, 0.0], np.float32)
    weights = np.asarray(regularity_weight(kinks[[0, 2]].astype(np.float64), DATA, MU, 0.3))
    expected = 0.6 * weights[0] + 2 * weights[1]
    ours = total_variation_of_kinks(kinks, changes, DATA, MU, 0.3)
    np.testing.assert_allclose(ours, expected, rtol=1e-6)


def test_a_fine_network_of_kinks_has_the_variation_of_its_curve():
    """Kinks on a grid with changes s'' dy are a piecewise linear copy of the score."""
    grid, step = np.linspace(-1.1, 1.8, 20_001, retstep=True)

    def curvature(y):
        return empirical_score_on_line(y, DATA, MU, 0.4).curvature

    kinks = total_variation_of_kinks(grid, np.asarray(curvature(grid)) * step, DATA, MU, 0.4)
    np.testing.assert_allclose(kinks, total_variation_of_curve(curvature, DATA, MU, 0.4), rtol=1e-3)


def test_a_network_at_the_start_has_one_kink_and_vmap_equals_a_loop():
    def one(key):
        kinks, changes = TwoLayerReLU.draw(key, 1, 30).kinks()
        return total_variation_of_kinks(kinks, changes, DATA, MU, 0.3), changes.sum()

    keys = jax.random.split(jax.random.key(0), 3)
    variation, change = jax.jit(jax.vmap(one))(keys)
    weight = float(regularity_weight(np.array(0.0), DATA, MU, 0.3))
    np.testing.assert_allclose(variation, jnp.abs(change) * weight, rtol=1e-5)
