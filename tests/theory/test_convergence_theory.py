import numpy as np
import pytest
from covariance_draws import assert_within, covariances, mean_and_error, root
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxmem import theory


def overlaps(eigenvalues, n, count, seed, ridge=0.0):
    matrices = [m + ridge * np.eye(m.shape[0]) for m in covariances(eigenvalues, n, 2 * count, seed)]
    pairs = zip(matrices[::2], matrices[1::2], strict=True)
    return [(root(a) * root(b)).sum() / np.sqrt(np.trace(a) * np.trace(b)) for a, b in pairs]


def test_known_values():
    np.testing.assert_allclose(theory.convergence([0.5, 2.0]), [0.435057, 0.870115], atol=5e-7)
    eigenvalues = 1 / np.arange(1, 201)
    q = theory.convergence_from_spectrum(eigenvalues, [20, 100, 400])
    np.testing.assert_allclose(q, [0.3818, 0.7164, 0.9343], atol=5e-5)
    assert isinstance(theory.convergence(2), float)
    assert isinstance(theory.convergence_from_spectrum(eigenvalues, 20), float)


def test_limits_of_the_load():
    assert theory.convergence(1e-6) == pytest.approx(1e-6, rel=1e-6)
    assert 1 - theory.convergence(1e6) == pytest.approx(0.25e-6, rel=1e-6)
    at_one = (8 / (3 * np.pi)) ** 2
    np.testing.assert_allclose(theory.convergence([1 - 1e-9, 1, 1 + 1e-9]), at_one, rtol=1e-8)
    assert theory.convergence(1.0) == pytest.approx(at_one, rel=1e-14)
    loads = np.geomspace(1e-3, 1e3, 200)
    assert (np.diff(theory.convergence(loads)) > 0).all()


@pytest.mark.parametrize("ridge", [0.0, 1e-6, 0.1, 3.0])
def test_isotropic_law_and_any_spectrum_agree(ridge):
    loads = np.array([1e-3, 0.05, 0.5, 1 - 1e-9, 1.0, 1 + 1e-9, 2.0, 20.0, 1e4])
    general = theory.convergence_from_spectrum(np.ones(7), 7 * loads, ridge)
    np.testing.assert_allclose(general, theory.convergence(loads, ridge), rtol=1e-13)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("load", [0.05, 0.3, 1.0, 3.0, 20.0])
def test_simulation_on_the_grid(exponent, load):
    d, n = 100, round(100 * load)
    eigenvalues = np.arange(1, d + 1.0) ** -exponent
    q = overlaps(eigenvalues, n, 8, seed=round(10 * exponent + 1000 * load))
    assert_within(q, theory.convergence_from_spectrum(eigenvalues, n), allowance=0.35 / n)


@pytest.mark.parametrize(("exponent", "load"), [(0.0, 0.5), (1.0, 0.05), (2.0, 2.0)])
def test_simulation_in_four_hundred_dimensions(exponent, load):
    d, n = 400, round(400 * load)
    eigenvalues = np.arange(1, d + 1.0) ** -exponent
    q = overlaps(eigenvalues, n, 4, seed=5)
    assert_within(q, theory.convergence_from_spectrum(eigenvalues, n), allowance=0.35 / n)


@pytest.mark.parametrize("ridge", [0.02, 0.5])
def test_simulation_with_a_ridge(ridge):
    eigenvalues = 1 / np.arange(1, 101.0)
    for n in (20, 200):
        q = overlaps(eigenvalues, n, 20, seed=n, ridge=ridge)
        assert_within(q, theory.convergence_from_spectrum(eigenvalues, n, ridge), allowance=0.35 / n)


def test_spikes_do_not_change_convergence():
    # their share of the trace vanishes: |Δq| ≤ k θ/d
    for d in (10**3, 10**4):
        spiked = np.concatenate([np.ones(d - 3), 1 + np.array([0.5, 2.0, 5.0])])
        difference = theory.convergence_from_spectrum(spiked, 0.5 * d) - theory.convergence(0.5)
        assert abs(difference) < 7.5 / d


def test_large_samples_exactly_to_first_order():
    eigenvalues = np.array([4.0, 2.0, 1.0, 1.0, 0.25])
    n = 4000
    gap = n * (1 - np.array(overlaps(eigenvalues, n, 1200, seed=7)))
    expected = n * (1 - theory.large_sample_convergence(eigenvalues, n))
    assert mean_and_error(gap)[1] < 0.03 * expected
    assert_within(gap, expected)
    # without its two finite-size terms, the deterministic equivalent
    share = (eigenvalues**2).sum() / eigenvalues.sum() ** 2
    bulk = 1e8 * (1 - theory.convergence_from_spectrum(eigenvalues, 1e8))
    assert bulk == pytest.approx(expected - 0.25 + share / 2, rel=1e-5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=8),
    st.floats(0.1, 100),
    st.floats(0, 1e3),
    st.floats(1e-6, 1e6),
)
def test_any_spectrum_gives_a_cosine_that_grows_with_n_and_has_no_unit(eigenvalues, n, ridge, unit):
    eigenvalues = np.array(eigenvalues)
    q, more = theory.convergence_from_spectrum(eigenvalues, [n, 2 * n], ridge)
    assert 0 < q <= more * (1 + 1e-14) <= 1 + 1e-13
    scaled = theory.convergence_from_spectrum(unit * eigenvalues, n, unit * ridge)
    assert scaled == pytest.approx(q, rel=1e-12)
    distance = theory.bures_from_spectrum(eigenvalues, n, ridge)
    assert -1e-13 < distance < 2 + ridge * eigenvalues.size / eigenvalues.sum()


def test_ten_thousand_eigenvalues_on_fifty_loads():
    eigenvalues = 1 / np.arange(1, 10_001.0)
    n = np.geomspace(10, 1e6, 50)
    q = theory.convergence_from_spectrum(eigenvalues, n)
    assert q.shape == (50,)
    assert (np.diff(q) > 0).all()


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"load must be a finite number above 0, got -1\.0\."):
        theory.convergence(-1.0)
    with pytest.raises(ValueError, match=r"ridge must be a finite number at least 0, got -0\.1\."):
        theory.convergence_from_spectrum([1.0, 2.0], 3, ridge=-0.1)
    with pytest.raises(ValueError, match=r"eigenvalues must be a finite number at least 0, got nan\."):
        theory.convergence_from_spectrum([1.0, np.nan], 3)
