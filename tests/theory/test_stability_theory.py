import numpy as np
import pytest

from jaxmem import theory


def test_threshold():
    assert theory.largest_stable_sharpness(0.5, 1000) == pytest.approx(0.004)
    assert theory.largest_stable_sharpness([0.5, 0.05], 10).tolist() == pytest.approx([0.4, 4.0])


def test_sharpness_is_at_least_the_roughness_of_the_network():
    """λ_max(2 E ∇s ∇sᵀ) ≥ (4/m) TV for random networks, E over Y by a fine quadrature."""
    data, mu, sigma, width = np.array([-1.0, -0.3, 0.4, 1.1, 1.6]), 0.9, 0.3, 30
    y = np.linspace(-4, 5, 4001)
    density = np.exp(-((y[:, None] - mu * data) ** 2) / (2 * sigma**2)).sum(1)
    density /= density.sum()
    for seed in range(5):
        generator = np.random.default_rng(seed)
        outer, inner, bias = generator.standard_normal((3, width)) * np.array([[1.0], [1.0], [0.7]])
        active = (inner * y[:, None] + bias > 0).astype(float)
        gradient = np.concatenate(
            [active * (inner * y[:, None] + bias), active * outer * y[:, None], active * outer], 1
        )
        sharpness = 2 * np.linalg.eigvalsh((gradient.T * density) @ gradient)[-1] / width**2
        kinks = -bias / inner
        weights = theory.noised_weight(kinks, data, mu, sigma)
        variation = (np.abs(outer * inner) * weights).sum() / width
        assert sharpness >= theory.smallest_sharpness(variation, width) > 0


def test_bound_joins_threshold_and_sharpness():
    width, rate = 200, 0.1
    bound = theory.stable_roughness_bound(rate)
    sharpness = theory.smallest_sharpness(bound, width)
    assert sharpness == pytest.approx(theory.largest_stable_sharpness(rate, width))
    assert theory.stable_roughness_bound(rate, 4.0, 3.0) == pytest.approx(5 + 2)
    with pytest.raises(ValueError, match=r"learning_rate must be a finite number above 0, got 0\.0\."):
        theory.stable_roughness_bound(0.0)
