"""Distances between Gaussians against NumPy, closed forms, and limits where covariances are singular."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typechecking import unchecked

from jaxmem.metrics import gaussian_distances, operator_norm_distance
from jaxmem.populations import Gaussian
from jaxmem.scores import fit_one_step_denoiser, generated_law

FIELDS = ("hellinger_squared", "log_affinity", "kl_12", "kl_21", "bures_squared")
SINGULAR = {"hellinger_squared": 1.0, "log_affinity": -np.inf, "kl_12": np.inf, "kl_21": np.inf}


def random_law(dim, rank, seed):
    generator = np.random.default_rng(seed)
    root = generator.normal(size=(dim, rank))
    return generator.normal(size=dim), root @ root.T


def reference(mean_1, sigma_1, mean_2, sigma_2):
    """The textbook formulas, for regular covariances."""
    offset, middle, dim = mean_1 - mean_2, (sigma_1 + sigma_2) / 2, len(mean_1)

    def log_det(sigma):
        return np.linalg.slogdet(sigma)[1]

    def divergence(a, b):
        means = offset @ np.linalg.solve(b, offset)
        return (np.trace(np.linalg.solve(b, a)) - dim + log_det(b) - log_det(a) + means) / 2

    log_affinity = (log_det(sigma_1) + log_det(sigma_2)) / 4 - log_det(middle) / 2
    log_affinity -= offset @ np.linalg.solve(middle, offset) / 8
    roots = np.linalg.cholesky(sigma_1).T @ np.linalg.cholesky(sigma_2)
    fidelity = np.linalg.svd(roots, compute_uv=False).sum()
    bures = offset @ offset + np.trace(sigma_1) + np.trace(sigma_2) - 2 * fidelity
    divergences = divergence(sigma_1, sigma_2), divergence(sigma_2, sigma_1)
    return dict(zip(FIELDS, (1 - np.exp(log_affinity), log_affinity, *divergences, bures), strict=True))


def assert_distances(got, expected, **tolerance):
    for name, value in expected.items():
        assert getattr(got, name).dtype == np.float64
        np.testing.assert_allclose(getattr(got, name), value, err_msg=name, **tolerance)


@pytest.mark.parametrize("dim", [1, 2, 10, 60])
def test_textbook_formulas(dim):
    first, second = random_law(dim, 2 * dim, 0), random_law(dim, 3 * dim, 1)
    assert_distances(gaussian_distances(*first, *second), reference(*first, *second), rtol=1e-11)


def test_one_dimension_by_hand():
    """N(1, 4) and N(0, 1)."""
    got = gaussian_distances(np.ones(1), np.full((1, 1), 4.0), np.zeros(1), np.ones((1, 1)))
    affinity = math.sqrt(2 * 2 / 5) * math.exp(-1 / 20)
    expected = {
        "hellinger_squared": 1 - affinity,
        "log_affinity": math.log(affinity),
        "kl_12": (4 + 1 - 1) / 2 - math.log(2),
        "kl_21": (1 + 1) / 8 - 1 / 2 + math.log(2),
        "bures_squared": 1 + (2 - 1) ** 2,
    }
    assert_distances(got, expected, rtol=1e-14)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-6, 6), min_size=4, max_size=4), st.lists(st.floats(-6, 6), min_size=4, max_size=4))
def test_diagonal_closed_form_over_many_scales(exponents_1, exponents_2):
    """Eigenvalues from 1e-6 to 1e6 in the same matrix, each coordinate on its own."""
    a, b = 10.0 ** np.array(exponents_1), 10.0 ** np.array(exponents_2)
    got = gaussian_distances(np.zeros(4), np.diag(a), np.zeros(4), np.diag(b))
    expected = {
        "log_affinity": np.sum(np.log(2 * np.sqrt(a * b) / (a + b))) / 2,
        "kl_12": np.sum(a / b - 1 - np.log(a / b)) / 2,
        "kl_21": np.sum(b / a - 1 - np.log(b / a)) / 2,
    }
    assert_distances(got, expected, rtol=1e-3, atol=1e-12)
    bures = np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)
    np.testing.assert_allclose(got.bures_squared, bures, atol=1e-12 * (a + b).sum())


def test_equal_laws():
    for rank in (5, 2):
        law = random_law(5, rank, 0)
        got = gaussian_distances(*law, *law)
        zero = dict.fromkeys(("hellinger_squared", "log_affinity", "kl_12", "kl_21"), 0.0)
        assert_distances(got, zero, atol=1e-15)
        np.testing.assert_allclose(got.bures_squared, 0.0, atol=1e-12)


def test_nearly_equal_laws_keep_their_digits():
    """Σ₁ = (1 + e) Σ₂: KL = d e²/4 to leading order, at e = 1e-6 far below the rounding of log det."""
    mean, sigma = random_law(20, 60, 0)
    small = 1e-6
    got = gaussian_distances(mean, (1 + small) * sigma, mean, sigma)
    expected = {"kl_12": 5 * small**2, "kl_21": 5 * small**2, "log_affinity": -20 * small**2 / 16}
    assert_distances(got, expected, rtol=1e-5)


def test_bures_of_laws_that_are_nearly_equal():
    mean, sigma = random_law(5, 9, 0)
    shifted = gaussian_distances(mean, sigma, mean + np.array([1e-8, 0, 0, 0, 0]), sigma)
    np.testing.assert_allclose(shifted.bures_squared, 1e-16, rtol=1e-6)
    ones = gaussian_distances(np.zeros(5), np.eye(5), np.full(5, 1e-8), np.eye(5))
    np.testing.assert_allclose(ones.bures_squared, 5e-16, rtol=1e-12)
    scaled = gaussian_distances(mean, (1 + 1e-9) * sigma, mean, sigma)
    np.testing.assert_allclose(scaled.bures_squared, np.trace(sigma) * 1e-18 / 4, rtol=1e-5)


def test_affinity_survives_where_hellinger_rounds():
    dim = 300
    got = gaussian_distances(np.zeros(dim), np.eye(dim), np.zeros(dim), 100 * np.eye(dim))
    assert float(got.hellinger_squared) == 1.0
    np.testing.assert_allclose(np.exp(np.asarray(got.log_affinity) / dim), np.sqrt(20 / 101), rtol=1e-12)


@pytest.mark.parametrize("rotated", [False, True])
def test_common_singular_support_gives_the_law_on_it(rotated):
    basis = np.linalg.qr(np.random.default_rng(4).normal(size=(7, 7)))[0] if rotated else np.eye(7)
    columns = basis[:, [0, 2, 5]]
    first, second = random_law(3, 6, 0), random_law(3, 6, 1)
    origin = basis[:, 1] * 4.0
    lifted = [
        value
        for mean, sigma in (first, second)
        for value in (origin + columns @ mean, columns @ sigma @ columns.T)
    ]
    expected = reference(*first, *second)
    assert_distances(gaussian_distances(*lifted), expected, rtol=1e-9)
    assert_distances(gaussian_distances(*lifted, ranks=(3, 3)), expected, rtol=1e-9)
    lifted[0] = lifted[0] + 1e-3 * basis[:, 1]
    assert_distances(gaussian_distances(*lifted), SINGULAR)
    bures = expected["bures_squared"] + 1e-6
    np.testing.assert_allclose(gaussian_distances(*lifted).bures_squared, bures, rtol=1e-9)


@pytest.mark.parametrize(("rank_1", "rank_2"), [(3, 6), (6, 3), (3, 3), (0, 6), (1, 2)])
def test_different_supports_are_mutually_singular(rank_1, rank_2):
    (mean_1, sigma_1), (mean_2, sigma_2) = random_law(6, rank_1, 0), random_law(6, rank_2, 1)
    got = gaussian_distances(mean_1, sigma_1, mean_2, sigma_2)
    assert_distances(got, SINGULAR)
    assert_distances(gaussian_distances(mean_1, sigma_1, mean_2, sigma_2, ranks=(rank_1, rank_2)), SINGULAR)
    # W2² is continuous: the limit of slightly regularised covariances.
    near = reference(mean_1, sigma_1 + 1e-10 * np.eye(6), mean_2, sigma_2 + 1e-10 * np.eye(6))
    np.testing.assert_allclose(got.bures_squared, near["bures_squared"], rtol=1e-4)


def test_point_masses():
    zero = np.zeros((3, 3))
    same = gaussian_distances(np.ones(3), zero, np.ones(3), zero)
    assert_distances(same, dict.fromkeys(FIELDS, 0.0))
    apart = gaussian_distances(np.ones(3), zero, np.zeros(3), zero)
    assert_distances(apart, SINGULAR | {"bures_squared": 3.0})
    beside = gaussian_distances(np.ones(3), zero, np.zeros(3), np.diag([4.0, 1.0, 0.0]))
    assert_distances(beside, SINGULAR | {"bures_squared": 8.0}, rtol=1e-14)


def test_bures_of_commuting_and_of_rank_one_laws():
    """Rank one: Tr (Σ₁^{1/2} Σ₂ Σ₁^{1/2})^{1/2} = √(uᵀ Σ₂ u) for Σ₁ = u uᵀ."""
    u, sigma = random_law(5, 8, 2)
    got = gaussian_distances(np.zeros(5), np.outer(u, u), np.zeros(5), sigma).bures_squared
    np.testing.assert_allclose(got, u @ u + np.trace(sigma) - 2 * np.sqrt(u @ sigma @ u), rtol=1e-12)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_law_of_the_denoiser_at_the_threshold(exponent):
    """Singular up to n = d, regular from n = d + 1 on, where the factor s B gives a reference without Σ.

    With t the squared singular values of Σ_p^{-1/2} s B: 2 KL(g‖p) = Σ (t − 1 − log t) + |Σ_p^{-1/2} o|².
    """
    dim = 60
    population = Gaussian.power_law(dim, exponent, mean=10.0)
    eigenvalues = np.asarray(population.eigenvalues)
    target = population.mean(), population.covariance()
    train = population.sample(jax.random.key(dim), dim + 1)
    singular = generated_law(fit_one_step_denoiser(jax.random.key(0), train[:dim]))
    assert_distances(gaussian_distances(*singular, *target), SINGULAR)
    assert_distances(gaussian_distances(*singular, *target, ranks=(dim - 1, dim)), SINGULAR)

    denoiser = fit_one_step_denoiser(jax.random.key(0), train)
    law = generated_law(denoiser)
    factor = np.asarray(denoiser.slope) * np.sqrt(float(denoiser.input_variance))
    white = factor / np.sqrt(eigenvalues)[:, None]
    t = np.linalg.svd(white, compute_uv=False) ** 2
    offset = (np.asarray(law[0]) - np.asarray(target[0])) / np.sqrt(eigenvalues)
    expected = {
        "kl_12": (np.sum(t - 1 - np.log(t)) + offset @ offset) / 2,
        "kl_21": (np.sum(1 / t - 1 + np.log(t)) + np.sum(np.linalg.solve(white, offset) ** 2)) / 2,
    }
    condition = t.max() / t.min()
    assert 1e6 < condition < 1e12
    tolerance = 1e-15 * condition
    assert_distances(gaussian_distances(*law, *target), expected, rtol=tolerance)
    assert_distances(gaussian_distances(*law, *target, ranks=(dim, dim)), expected, rtol=tolerance)


def test_known_ranks_decide_beyond_rounding():
    """Identity plus an excess of 1e14 along one direction: regular, but only if the ranks say so."""
    for seed in range(6):
        u = np.random.default_rng(seed).normal(size=8)
        excess = 1e14 * np.outer(u, u) / (u @ u)
        laws = np.zeros(8), np.eye(8) + excess, np.zeros(8), np.eye(8)
        assert_distances(gaussian_distances(*laws), SINGULAR)
        got = gaussian_distances(*laws, ranks=(8, 8))
        np.testing.assert_allclose(got.log_affinity, np.log(1e14) / 4 - np.log(1e14 / 2) / 2, atol=0.05)
        np.testing.assert_allclose(got.kl_12, 1e14 / 2, rtol=0.1)


def test_float32_covariance_is_judged_by_its_own_rounding():
    mean, sigma = random_law(20, 5, 0)
    single = sigma.astype(np.float32)
    got = gaussian_distances(mean, single, mean, np.eye(20))
    assert_distances(got, SINGULAR)
    assert_distances(gaussian_distances(mean, np.eye(20), mean, single), SINGULAR)


def test_symmetry_and_invariance():
    first, second = random_law(6, 9, 0), random_law(6, 12, 1)
    forth, back = gaussian_distances(*first, *second), gaussian_distances(*second, *first)
    for name, other in zip(
        FIELDS, ("hellinger_squared", "log_affinity", "kl_21", "kl_12", "bures_squared"), strict=True
    ):
        np.testing.assert_allclose(getattr(forth, name), getattr(back, other), rtol=1e-11)
    scale = np.diag(10.0 ** np.arange(-3, 3)) @ np.random.default_rng(2).normal(size=(6, 6))
    moved = [scale @ v if v.ndim == 1 else scale @ v @ scale.T for v in (*first, *second)]
    assert_distances(
        gaussian_distances(*moved), {n: np.asarray(getattr(forth, n)) for n in FIELDS[:4]}, rtol=1e-5
    )


def test_vmap_inside_jit_equals_loop():
    laws = [[random_law(4, rank, seed) for rank, seed in ((6, 0), (2, 1), (4, 2))], [random_law(4, 8, 3)] * 3]
    arguments = [np.stack([law[i] for law in side]) for side in laws for i in (0, 1)]
    with_ranks = jax.vmap(lambda *values: gaussian_distances(*values[:4], ranks=values[4:]))
    with jax.enable_x64(True):  # a user's own jit makes float32 of float64 otherwise
        batched = jax.jit(jax.vmap(gaussian_distances))(*arguments)
        known = jax.jit(with_ranks)(*arguments, jnp.array([4, 2, 4]), jnp.array([4, 4, 4]))
    for i in range(3):
        single = gaussian_distances(*(argument[i] for argument in arguments))
        np.testing.assert_allclose([each[i] for each in batched], single, rtol=1e-9)
        np.testing.assert_allclose([each[i] for each in known], single, rtol=1e-9)


def test_operator_norm_distance():
    sigma_1, sigma_2 = random_law(7, 9, 0)[1], random_law(7, 9, 1)[1]
    expected = np.linalg.norm(sigma_1 - sigma_2, 2)
    np.testing.assert_allclose(operator_norm_distance(sigma_1, sigma_2), expected, rtol=1e-13)
    np.testing.assert_allclose(operator_norm_distance(sigma_2, sigma_1), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({1: np.triu(np.ones((2, 2)))}, "covariance_1 must be symmetric"),
        ({3: -np.eye(2)}, "covariance_2 must be positive semi-definite"),
        ({3: np.eye(3)}, r"covariance_2 must have shape \(2, 2\), got \(3, 3\)"),
        ({2: np.zeros(3)}, r"mean_2 must have shape \(2\), got \(3,\)"),
        ({0: np.array([0.0, np.nan])}, r"mean_1 must be finite, got nan at index \(1,\)"),
        ({1: np.full((2, 2), np.nan)}, "covariance_1 must be finite"),
    ],
)
def test_bad_input_is_one_sentence(change, sentence):
    arguments = {0: np.zeros(2), 1: np.eye(2), 2: np.zeros(2), 3: np.eye(2)} | change
    with unchecked(), pytest.raises(ValueError, match=sentence):
        gaussian_distances(*arguments.values())
