import numpy as np
import pytest
from covariance_draws import assert_within
from scipy.special import gamma

from jaxmem import theory


def test_known_values():
    assert theory.equivariant_convergence(1) == pytest.approx(np.pi / 4, rel=1e-14)
    assert theory.equivariant_convergence(1, real=True) == pytest.approx(2 / np.pi, rel=1e-14)
    n = np.array([2.0, 5.0, 20.0])
    expected = (gamma(n + 0.5) / np.sqrt(n) / gamma(n)) ** 2
    np.testing.assert_allclose(theory.equivariant_convergence(n), expected, rtol=1e-13)
    expected = 2 / n * (gamma((n + 1) / 2) / gamma(n / 2)) ** 2
    np.testing.assert_allclose(theory.equivariant_convergence(n, real=True), expected, rtol=1e-13)
    large = np.array([1e4, 1e8])
    np.testing.assert_allclose(1 - theory.equivariant_convergence(large), 1 / (4 * large), rtol=1e-3)
    np.testing.assert_allclose(
        1 - theory.equivariant_convergence(large, real=True), 1 / (2 * large), rtol=1e-3
    )


@pytest.mark.parametrize("n", [1, 3, 20])
def test_convolutions_fitted_to_stationary_fields(n):
    """Two power spectra from disjoint sets of real fields of odd size, any spectrum: q of the two maps.

    In the limit q = Tr A^{1/2} B^{1/2}/Tr Σ; frequency 0 is the only real one, and is given no power.
    """
    rng, size = np.random.default_rng(n), 33
    power = 1 / (1 + np.minimum(np.arange(size), size - np.arange(size)) ** 2.0)
    power[0] = 0
    fields = np.fft.ifft(np.sqrt(power) * np.fft.fft(rng.standard_normal((400, 2, n, size)))).real
    estimate = (np.abs(np.fft.fft(fields)) ** 2).mean(2) / size
    overlaps = np.sqrt(estimate[:, 0] * estimate[:, 1]).sum(-1) / power.sum()
    assert_within(overlaps, theory.equivariant_convergence(n))
    # and of the real frequency alone
    constant = np.square(rng.standard_normal((4000, 2, n))).mean(-1)
    assert_within(np.sqrt(constant).prod(-1), theory.equivariant_convergence(n, real=True))


@pytest.mark.parametrize(("n", "block"), [(1, 4), (3, 4), (4, 4), (9, 4), (2, 9), (12, 9)])
def test_hermitian_blocks_in_simulation(n, block):
    rng = np.random.default_rng(10 * n + block)
    rows = rng.standard_normal((2, 1500, n, block)) + 1j * rng.standard_normal((2, 1500, n, block))
    _, values, vectors = np.linalg.svd(rows / np.sqrt(2 * n), full_matrices=False)
    a, b = (vectors.conj().swapaxes(-1, -2) * values[..., None, :]) @ vectors
    overlaps = np.einsum("rij,rji->r", a, b).real / block
    assert_within(overlaps, theory.block_convergence(n, block))


def test_blocks_lead_from_the_convolution_to_the_limit_of_many_dimensions():
    n = np.array([1, 2, 5, 40])
    np.testing.assert_allclose(theory.block_convergence(n, 1), theory.equivariant_convergence(n), rtol=1e-13)
    loads = np.array([0.25, 1.0, 4.0])
    for block, tolerance in ((16, 1e-3), (64, 8e-5), (400, 3e-6)):
        exact = theory.block_convergence(loads * block, block)
        np.testing.assert_allclose(exact, theory.convergence(loads), rtol=tolerance)
        assert (exact > theory.convergence(loads)).all()
    # 1 − q ~ p/(4n), and at n = 1 a rank-one block: q = (Γ(p + ½)/(p Γ(p)))²
    assert 1 - theory.block_convergence(10**6, 4) == pytest.approx(1e-6, rel=1e-3)
    assert theory.block_convergence(1, 7) == pytest.approx((gamma(7.5) / gamma(7) / 7) ** 2, rel=1e-12)
    assert isinstance(theory.block_convergence(3, 4), float)
    assert theory.block_convergence([[1], [2]], [1, 4, 16]).shape == (2, 3)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"n must be a finite number above 0, got 0\.0\."):
        theory.equivariant_convergence(0)
    with pytest.raises(ValueError, match=r"block must be whole numbers of at least 1, got 1\.5\."):
        theory.block_convergence(3, 1.5)


def field_covariance(height, width, power):
    """Σ of a stationary field by its definition, entry by entry."""
    down, across = np.indices((height, width)).reshape(2, -1)
    phases = np.exp(2j * np.pi * (np.outer(down, down) / height + np.outer(across, across) / width))
    return (phases * power.ravel() @ phases.conj().T).real / (height * width)


POWER = 1 / (1 + np.hypot(np.minimum(np.arange(6), 6 - np.arange(6))[:, None], [0, 1, 2, 1]) ** 2)


def test_blocks_of_a_stationary_field():
    """Stride 1: the powers themselves; in all strides the blocks have all eigenvalues of Σ."""
    covariance = field_covariance(6, 4, POWER)
    values, real = theory.block_spectrum(covariance, (6, 4, 1), 1)
    np.testing.assert_allclose(values[:, 0], POWER.ravel(), rtol=1e-12)
    np.testing.assert_array_equal(np.flatnonzero(real), [0, 2, 12, 14])
    values, real = theory.block_spectrum(covariance, (6, 4, 1), 2)
    assert values.shape == (6, 4)
    assert real.sum() == 2
    np.testing.assert_allclose(np.sort(values.ravel()), np.sort(POWER.ravel()), rtol=1e-12)
    # what is no stationary field is averaged over translations
    spike = np.zeros(24)
    spike[7] = 1
    values, _ = theory.block_spectrum(np.outer(spike, spike), (6, 4, 1), 1)
    np.testing.assert_allclose(values, 1 / 24, rtol=1e-12)


def test_convergence_of_fields():
    n = np.array([1.0, 4.0])
    covariance = field_covariance(6, 4, POWER)
    share = POWER.ravel()[[0, 2, 12, 14]].sum() / POWER.sum()
    expected = share * theory.equivariant_convergence(n, real=True)
    expected = expected + (1 - share) * theory.equivariant_convergence(n)
    np.testing.assert_allclose(theory.field_convergence(covariance, (6, 4, 1), 1, n), expected, rtol=1e-12)
    white = theory.field_convergence(np.eye(24), (6, 4, 1), 2, n)
    mixed = 2 / 3 * theory.block_convergence(n, 4) + theory.convergence_from_spectrum(np.ones(4), n) / 3
    np.testing.assert_allclose(white, mixed, rtol=1e-12)
    dense = theory.convergence_from_spectrum(np.linalg.eigvalsh(covariance), n)
    square = theory.field_convergence(covariance, (1, 24, 1), 1, n)
    assert (square > dense).all()
    with pytest.raises(ValueError, match="stride must divide images of 6 × 4 pixels, got 5"):
        theory.block_spectrum(covariance, (6, 4, 1), 5)


def test_what_translations_leave_of_a_direction():
    """A wave is its own; of a pair of coinciding powers both count; a bump keeps its leading wave alone."""
    covariance = field_covariance(6, 4, POWER)
    assert theory.field_recovery(covariance, (6, 4, 1), 1) == pytest.approx(1, rel=1e-9)
    bump = np.zeros((6, 4))
    bump[2:4, 1] = np.sqrt(0.5)
    spiked = np.eye(24) + 5 * np.outer(bump, bump)
    waves = np.abs(np.fft.fft2(bump)) ** 2 / 24
    tied = waves[waves > waves.max() - 1e-9].sum()
    assert theory.field_recovery(spiked, (6, 4, 1), 1) == pytest.approx(tied, rel=1e-9)
    assert theory.field_recovery(spiked, (6, 4, 1), 2) > tied
    assert theory.field_recovery(spiked, (6, 4, 1), 1, directions=24) == pytest.approx(1, rel=1e-9)
