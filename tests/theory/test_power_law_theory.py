import numpy as np
import pytest

from jaxmem import theory
from jaxmem.theory.deterministic_equivalent import Spectrum, _root


def scaling_convergence(exponent, load):
    """q as d → ∞ at fixed load: eigenvalues u^−a for u uniform on (0, 1), in logarithmic bins, n = load."""
    edges = np.geomspace(1e-30, 1, 6001)
    masses = np.diff(edges)
    values = np.diff(edges ** (1 - exponent)) / (1 - exponent) / masses
    spectrum = Spectrum(values[::-1], masses[::-1])
    return float(spectrum.counts @ _root(spectrum, load, 0.0) ** 2) / spectrum.total


@pytest.mark.parametrize("exponent", [0.0, 0.2, 0.35, 0.65, 0.75, 0.85])
def test_onset_below_one(exponent):
    loads = np.array([1e-6, 1e-4]) if exponent < 0.6 else np.array([1e-8, 1e-6])
    q = [scaling_convergence(exponent, load) for load in loads]
    leading = theory.power_law_onset(exponent, loads)
    np.testing.assert_allclose(q, leading, rtol=0.12)
    # and closer as γ → 0
    assert abs(q[0] / leading[0] - 1) <= abs(q[1] / leading[1] - 1)
    slope = np.log(q[1] / q[0]) / np.log(loads[1] / loads[0])
    assert slope == pytest.approx(min(1, 1 / max(exponent, 1e-9) - 1), abs=0.03)


def test_onset_at_one_half_is_logarithmic():
    loads = np.array([1e-8, 1e-6])
    q = np.array([scaling_convergence(0.5, load) for load in loads])
    # q/γ = ½ log(1/γ) + constant
    assert np.diff(q / loads)[0] == pytest.approx(-0.5 * np.log(100), rel=0.02)


def test_onset_of_a_finite_power_law():
    d, load = 10**5, 1e-3
    q = theory.convergence_from_spectrum(np.arange(1, d + 1.0) ** -0.2, load * d)
    assert q == pytest.approx(theory.power_law_onset(0.2, load), rel=0.01)


def test_every_decade_counts_the_same_at_one():
    d = 10**5
    eigenvalues = 1 / np.arange(1, d + 1.0)
    n = np.array([5, 50, 500, 10_000])
    q = theory.convergence_from_spectrum(eigenvalues, n)
    np.testing.assert_allclose(q, theory.power_law_marginal(n, d), rtol=0.05)
    # log n / log d as log d → ∞ at their fixed ratio
    ratio = theory.power_law_marginal(1e100, 1e200)
    assert ratio == pytest.approx(0.5, abs=0.015)


def endless_gap(exponent, n):
    """1 − q at d = ∞ (10²⁰⁰): the leading thousand eigenvalues one by one, then logarithmic bins."""
    edges = np.concatenate([np.arange(0.5, 1000), np.geomspace(1000, 1e200, 8000)])
    counts = np.diff(edges)
    values = np.arange(1, counts.size + 1.0) ** -exponent
    binned = np.diff(edges ** (1 - exponent)) / (1 - exponent) / counts
    values[999:] = binned[999:]
    spectrum = Spectrum(values[::-1], counts[::-1])
    return np.array([1 - float(spectrum.counts @ _root(spectrum, m, 0.0) ** 2) / spectrum.total for m in n])


@pytest.mark.parametrize("exponent", [1.1, 1.2, 1.5, 1.8, 1.95])
def test_gap_above_one(exponent):
    n = np.array([100.0, 1000.0, 10_000.0])
    error = theory.power_law_gap(exponent, n) / endless_gap(exponent, n) - 1
    assert (np.abs(error) < [0.03, 0.02, 0.015]).all()
    slope = np.log(theory.power_law_gap(exponent, 1e40) / theory.power_law_gap(exponent, 1e39)) / np.log(10)
    assert slope == pytest.approx(1 - exponent, abs=0.01)


def test_gap_at_two_and_above():
    n = np.array([100.0, 10_000.0])
    gap = n * endless_gap(2.0, n)
    assert np.diff(gap)[0] == pytest.approx(6 / np.pi**2 * np.log(100), rel=0.03)
    gap = n * endless_gap(3.0, n)
    assert gap[0] == pytest.approx(gap[1], rel=0.01)


def test_dimension_stops_to_matter_above_one():
    n = 50
    q = [theory.convergence_from_spectrum(np.arange(1, d + 1.0) ** -1.8, n) for d in (10**4, 10**5)]
    assert q[0] == pytest.approx(q[1], abs=1e-3)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"exponent must be below 1 and not 0\.5, got \[0\.5, 0\.7\]"):
        theory.power_law_onset([0.5, 0.7], 0.1)
    with pytest.raises(ValueError, match="exponent must be below 2, got 2"):
        theory.power_law_gap(2.0, 10)
    with pytest.raises(ValueError, match="n must be below d"):
        theory.power_law_marginal(100, 100)
