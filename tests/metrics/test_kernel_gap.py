"""Δ against numerical integration, and against pair sums in float64 NumPy that share no code with it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import trapezoid
from scipy.special import logsumexp
from scipy.stats import norm
from typechecking import unchecked

from jaxmem.metrics import (
    kernel_bandwidth,
    kernel_gap,
    kernel_gap_from_logs,
    log_gaussian_overlap,
    log_self_overlap,
)


def fitted_law(train, rng, time=2.0):
    """Mean and covariance of what the one-step denoiser generates, in float64 (spec S1), λ = e^-2T."""
    train = train.astype(np.float64)
    mu = np.exp(-time)
    noise_variance = np.exp(-2 * time) * (1 - mu**2)
    noised = mu * train + np.sqrt(noise_variance) * rng.standard_normal(train.shape)
    mean = train.mean(0)
    slope = np.linalg.lstsq(noised - noised.mean(0), train - mean, rcond=None)[0].T
    variance = train.var(0, ddof=1).mean() if len(train) > 1 else 0.0
    law_mean = mean + slope @ (mu * mean - noised.mean(0))
    return law_mean, (mu**2 * variance + noise_variance) * slope @ slope.T


def expected_logs(samples, mean, covariance, scale=1.0):
    """(log S, log C) of a sample."""
    samples = samples.astype(np.float64)
    n, d = samples.shape
    variance = scale**2 * n ** (-2 / d)
    centred = samples - samples.mean(0)
    norms = (centred**2).sum(1)
    squares = (norms[:, None] + norms - 2 * centred @ centred.T)[np.triu_indices(n, 1)]
    pairs = -np.maximum(squares, 0) / (4 * variance)
    log_self = logsumexp(pairs) + np.log(2) - 2 * np.log(n) if n > 1 else -np.inf
    smoothed = covariance + variance * np.eye(d)
    centred = samples - mean
    squares = (centred * np.linalg.solve(smoothed, centred.T).T).sum(1)
    log_cross = logsumexp(-squares / 2) - np.log(n) - np.linalg.slogdet(2 * np.pi * smoothed)[1] / 2
    return log_self - d / 2 * np.log(4 * np.pi * variance), log_cross


def expected_gap(train, reference, mean, covariance, scale=1.0):
    """(value, log scale) of Δ."""
    (s_t, c_t), (s_o, c_o) = (expected_logs(x, mean, covariance, scale) for x in (train, reference))
    top = max(s_t, c_t, s_o, c_o)
    return np.exp(s_t - top) - np.exp(s_o - top) - 2 * np.exp(c_t - top) + 2 * np.exp(c_o - top), top


SMALL = (24, 150, 9)
"""n, N and d that tests share, as they then share compilations."""


def padded(train, capacity):
    """Train sets of many sizes in arrays of one shape: one compilation for all of them."""
    return np.concatenate([train, np.zeros((capacity - len(train), train.shape[1]), train.dtype)])


def problem(seed, n, size, dim, mean=10.0):
    """Train set, reference and the fitted law, as the source draws them."""
    rng = np.random.default_rng(seed)
    train = (mean + rng.standard_normal((n, dim))).astype(np.float32)
    reference = (mean + rng.standard_normal((size, dim))).astype(np.float32)
    return train, reference, *fitted_law(train, rng)


@pytest.mark.parametrize(("n", "size", "scale"), [(3, 20, 1.0), (7, 40, 2.5)])
def test_definition_by_numerical_integration_in_one_dimension(n, size, scale):
    train, reference, mean, covariance = problem(n, n, size, 1, mean=0.3)
    grid = np.linspace(-12, 12, 40_001)
    generated = norm.pdf(grid, mean[0], np.sqrt(covariance[0, 0]))

    def distance(sample):
        kernels = norm.pdf(grid[:, None], sample[:, 0].astype(np.float64), scale / len(sample))
        return trapezoid((kernels.mean(1) - generated) ** 2, grid)

    gap = kernel_gap(train, reference, mean, covariance, scale=scale)
    expected = distance(train) - distance(reference)
    assert float(gap.value) * np.exp(float(gap.log_scale)) == pytest.approx(expected, rel=1e-5)


def test_definition_by_numerical_integration_in_two_dimensions():
    train, reference, mean, _ = problem(5, 6, 30, 2, mean=0.0)
    covariance = np.array([[1.3, -0.6], [-0.6, 0.8]])
    axis = np.linspace(-7, 7, 701)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), -1)
    inverse = np.linalg.inv(covariance)
    exponent = -np.einsum("...i,ij,...j", grid - mean, inverse, grid - mean) / 2
    generated = np.exp(exponent) / (2 * np.pi * np.sqrt(np.linalg.det(covariance)))

    def distance(sample):
        width = len(sample) ** -0.5
        density = sum(norm.pdf(grid, point, width).prod(-1) for point in sample) / len(sample)
        return trapezoid(trapezoid((density - generated) ** 2, axis), axis)

    gap = kernel_gap(train, reference, mean, covariance, scale=1.0)
    expected = distance(train) - distance(reference)
    assert float(gap.value) * np.exp(float(gap.log_scale)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("dim", "size", "loads", "replicates"),
    [
        (16, 1000, (0.1, 0.5, 1.0, 1.3, 2.0, 4.0, 10.0), 8),
        (100, 1000, (0.1, 0.5, 1.0, 1.3, 2.0, 4.0, 10.0), 2),
        (400, 500, (0.1, 1.0, 2.5), 1),
    ],
)
def test_sign_and_size_agree_with_float64_at_every_load(dim, size, loads, replicates):
    """benchmarks/accuracy.py does the same with more of everything."""
    for load in loads:
        errors = []
        for seed in range(replicates):
            n = round(load * dim)
            train, *others = problem(seed, n, size, dim)
            gap = kernel_gap(padded(train, round(max(loads) * dim)), *others, scale=1.0, count=n)
            value, log_scale = expected_gap(train, *others)
            assert np.sign(gap.value) == np.sign(value)
            assert float(gap.log_scale) == pytest.approx(log_scale, abs=1e-4)
            ours = np.log(abs(float(gap.value))) + float(gap.log_scale)
            errors.append(abs(ours - np.log(abs(value)) - log_scale))
        assert np.median(errors) < 3e-4


@pytest.mark.parametrize(
    ("dim", "replicates", "known"),
    [
        (16, 60, {4: (0, 0.02), 16: (0, 0.02), 32: (0.46, 0.05), 64: (0.89, 0.03), 128: (0.91, 0.03)}),
        (100, 30, {50: (0, 0.02), 100: (0.05, 0.03), 400: (0.23, 0.06)}),
    ],
)
def test_known_probabilities_of_the_source_system(dim, replicates, known):
    for n, (expected, error) in known.items():
        gaps = []
        for seed in range(replicates):
            train, *others = problem((dim, seed), n, 1000, dim)
            gaps.append(kernel_gap(padded(train, max(known)), *others, scale=1.0, count=n))
        share = np.mean([float(gap.value) > 0 for gap in gaps])
        assert abs(share - expected) < 4.5 * np.hypot(error, np.sqrt(expected * (1 - expected) / replicates))


@settings(max_examples=40, deadline=None)
@given(
    dim=st.sampled_from([2, 9]),
    n=st.integers(1, 24),
    scale=st.floats(0.3, 3.0),
    mean=st.floats(-100.0, 100.0),
    seed=st.integers(0, 2**16),
)
def test_any_size_scale_and_place(dim, n, scale, mean, seed):
    rng = np.random.default_rng(seed)
    train, reference = (
        (mean + rng.standard_normal((rows, dim))).astype(np.float32) for rows in (n, SMALL[1])
    )
    root = rng.standard_normal((dim, dim))
    law = mean + rng.standard_normal(dim), root @ root.T
    gap = kernel_gap(padded(train, SMALL[0]), reference, *law, scale=scale, count=n)
    value, log_scale = expected_gap(train, reference, *law, scale=scale)
    assert float(gap.value) == pytest.approx(value, abs=3e-5)
    assert float(gap.log_scale) == pytest.approx(log_scale, abs=3e-5)


@pytest.mark.parametrize("dim", [2, 9])
def test_float64_pair_sums_keep_float64_digits(dim):
    drawn = problem(1, *SMALL[:2], dim)
    gap = kernel_gap(*drawn, scale=1.0, dtype=jnp.float64)
    assert [float(gap.value), float(gap.log_scale)] == pytest.approx(expected_gap(*drawn), rel=1e-12)


@pytest.mark.parametrize("dim", [1, 4])
def test_narrow_kernels_of_low_dimensions_keep_their_digits(dim):
    rng = np.random.default_rng(dim)
    train, reference = (10 + rng.standard_normal((rows, dim)) for rows in (40, 3000))
    law = np.full(dim, 10.0), np.eye(dim)
    gap = kernel_gap(train, reference, *law, scale=0.1)
    value, log_scale = expected_gap(train, reference, *law, scale=0.1)
    assert float(gap.value) == pytest.approx(value, rel=1e-5)
    assert float(gap.log_scale) == pytest.approx(log_scale, abs=1e-6)


def test_singular_and_ill_conditioned_laws():
    """The law of n = d + 1 samples has condition numbers of 1e6 and more; that of one sample has rank 0."""
    dim, size = 16, 1000
    for n in (1, 5, dim, dim + 1):
        train, *others = problem(3, n, size, dim)
        gap = kernel_gap(padded(train, 160), *others, scale=1.0, count=n)
        value, log_scale = expected_gap(train, *others)
        assert float(gap.value) == pytest.approx(value, rel=1e-4)
        assert float(gap.log_scale) == pytest.approx(log_scale, abs=1e-5)
    assert np.linalg.cond(problem(3, dim + 1, 2, dim)[3]) > 1e6


def test_bandwidths_far_below_the_spread():
    """ε = 2e-3 to 1e-3 at d = 9: exponents of 1e6, which float32 inner products do not hold."""
    rng = np.random.default_rng(0)
    train, reference = (np.repeat(rng.standard_normal((k, 9)), 3, 0) for k in (8, 50))
    train, reference = (x + 1e-3 * rng.standard_normal(x.shape) for x in (train, reference))
    law = np.zeros(9), np.eye(9)
    gap = kernel_gap(train, reference, *law, scale=2e-3)
    value, log_scale = expected_gap(train, reference, *law, scale=2e-3)
    assert float(gap.value) == pytest.approx(value, rel=1e-4)
    assert float(gap.log_scale) == pytest.approx(log_scale, abs=1e-4)


def test_laws_of_large_and_small_axes():
    """A spike of 1e10 beside a bulk of 1e-4: float32 rounds the former by more than the latter."""
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((9, 9)))[0]
    scales = np.append(1e5, np.full(8, 1e-2))
    x = rng.standard_normal((30, 9)) * scales @ axes.T
    covariance = axes * scales**2 @ axes.T
    found = log_gaussian_overlap(x, np.zeros(9), covariance, 1e-2)
    whitened = x @ axes / np.sqrt(scales**2 + 1e-4)
    expected = logsumexp(-(whitened**2).sum(1) / 2) - np.log(30) - np.log(scales**2 + 1e-4).sum() / 2
    assert float(found) == pytest.approx(expected - 9 / 2 * np.log(2 * np.pi), abs=1e-3)


def test_derivatives_of_two_orders():
    train, reference, mean, covariance = problem(3, *SMALL)
    along = np.random.default_rng(0).standard_normal(train.shape)

    def value(train):
        return kernel_gap(train, reference, mean, covariance, scale=1.0).value

    @jax.jit
    def both(train):
        slope = jax.grad(value)
        return (slope(train) * along).sum(), (
            jax.grad(lambda x: (slope(x) * along).sum())(train) * along
        ).sum()

    step = 1e-4
    values = [
        np.prod(expected_gap(train + t * along, reference, mean, covariance)[0]) for t in (-step, 0, step)
    ]
    slope, bent = both(jnp.asarray(train))
    assert float(slope) == pytest.approx((values[2] - values[0]) / (2 * step), rel=1e-3)
    assert float(bent) == pytest.approx((values[2] - 2 * values[1] + values[0]) / step**2, rel=1e-2)


def test_no_dimension_underflows():
    gap = kernel_gap(*problem(0, 20, 100, 1000), scale=1.0)
    assert float(gap.log_scale) < -800  # exp(−745) is the smallest float64
    assert 0 < abs(float(gap.value)) <= 3


def test_one_sample_and_copies_of_samples():
    train, reference, mean, covariance = problem(0, *SMALL)
    one = kernel_gap(train, reference, mean, covariance, scale=1.0, count=1)
    value, log_scale = expected_gap(train[:1], reference, mean, covariance)
    assert [float(one.value), float(one.log_scale)] == pytest.approx([value, log_scale], abs=1e-5)
    assert float(log_self_overlap(train, 0.5, 1)) == -np.inf
    assert np.isfinite(kernel_gap(train, reference[:1], mean, covariance, scale=1.0, count=1).value)
    copies = np.repeat(train[:1], 24, 0)
    pairs_of_zero_distance = np.log(23 / 24) - 9 / 2 * np.log(4 * np.pi * 0.25)
    assert float(log_self_overlap(copies, 0.5)) == pytest.approx(pairs_of_zero_distance, abs=1e-5)


def test_change_of_units():
    """x → s x: Δ is an integral of squared densities, so only its scale moves, by s^-d."""
    train, reference, mean, covariance = problem(2, *SMALL)
    gap = kernel_gap(train, reference, mean, covariance, scale=1.0)
    moved = kernel_gap(1000 * train, 1000 * reference, 1e3 * mean, 1e6 * covariance, scale=1e3)
    assert float(moved.value) == pytest.approx(float(gap.value), abs=1e-5)
    assert float(moved.log_scale) == pytest.approx(float(gap.log_scale) - 9 * np.log(1e3), abs=1e-5)


def test_train_equal_to_reference_has_no_gap():
    train, _, mean, covariance = problem(2, *SMALL)
    assert float(kernel_gap(train, train, mean, covariance, scale=1.0).value) == 0


@pytest.mark.parametrize("capacity", [24, 300])
def test_padding_is_ignored_for_known_and_traced_counts(capacity):
    train, reference, mean, covariance = problem(4, 20, *SMALL[1:])
    padding = np.full((capacity, train.shape[1]), 1e6, np.float32)
    padding[:20] = train
    expected = kernel_gap(train, reference, mean, covariance, scale=1.0)

    def padded_gap(count):
        return kernel_gap(padding, reference, mean, covariance, scale=1.0, count=count)

    for gap in (padded_gap(20), jax.jit(padded_gap)(jnp.asarray(20))):
        assert float(gap.value) == pytest.approx(float(expected.value), abs=1e-6)
        assert float(gap.log_scale) == pytest.approx(float(expected.log_scale), abs=1e-6)


@pytest.mark.parametrize("tile", [16, 50, 1000])
def test_tiles_change_nothing(tile):
    reference = problem(4, *SMALL)[1]
    expected, overlap = log_self_overlap(reference, 0.6), log_self_overlap(reference, 0.6, tile=tile)
    assert float(overlap) == pytest.approx(float(expected), abs=2e-6)


def test_pieces_make_the_gap():
    train, reference, mean, covariance = problem(6, *SMALL)
    whole = kernel_gap(train, reference, mean, covariance, scale=1.5)
    widths = [kernel_bandwidth(1.5, rows, 9) for rows in SMALL[:2]]
    known = log_self_overlap(reference, widths[1])
    reused = kernel_gap(train, reference, mean, covariance, scale=1.5, log_reference_overlap=known)
    pieces = kernel_gap_from_logs(
        log_self_overlap(train, widths[0]),
        log_gaussian_overlap(train, mean, covariance, widths[0]),
        known,
        log_gaussian_overlap(reference, mean, covariance, widths[1]),
    )
    assert float(reused.value) == float(whole.value) == float(pieces.value)
    logs = [expected_logs(x, mean, covariance, 1.5) for x in (train, reference)]
    assert float(whole.log_scale) == pytest.approx(np.max(logs), abs=1e-5)


def test_vmap_in_any_nesting_equals_a_loop():
    drawn = [problem(seed, *SMALL) for seed in range(4)]
    counts = jnp.asarray([1, 8, 23, 24])
    batch = [*(jnp.stack([jnp.asarray(p[i]) for p in drawn]) for i in range(4)), counts]

    def gap(train, reference, mean, covariance, count):
        return kernel_gap(train, reference, mean, covariance, scale=1.0, count=count)

    expected = [gap(*(leaf[i] for leaf in batch)) for i in range(4)]
    nested = [leaf.reshape(2, 2, *leaf.shape[1:]) for leaf in batch]
    for result in (jax.vmap(jax.jit(gap))(*batch), jax.jit(jax.vmap(jax.vmap(gap)))(*nested)):
        assert result.value.dtype == jnp.float64
        assert np.ravel(result.value) == pytest.approx([float(g.value) for g in expected], abs=1e-5)
        assert np.ravel(result.log_scale) == pytest.approx([float(g.log_scale) for g in expected], abs=1e-5)


def test_a_gap_prints_its_numbers():
    gap = kernel_gap_from_logs(0.0, -1.0, -2.0, -3.0)
    assert repr(gap) == f"KernelGap(value={float(gap.value):.8f}, log_scale=0.)"
    jax.jit(lambda x: repr(kernel_gap_from_logs(x, x, x, x)) and x)(1.0)  # traced, it has none


def test_a_count_beyond_the_rows_gives_no_number():
    train, reference, mean, covariance = problem(4, *SMALL)
    gap = jax.jit(lambda count: kernel_gap(train, reference, mean, covariance, scale=1.0, count=count))(25)
    assert np.isnan(gap.value)


def test_types_and_settings_of_the_caller():
    train, reference, mean, covariance = problem(6, *SMALL)
    gap = kernel_gap(train, reference, mean, covariance, scale=1.0)
    assert gap.value.dtype == gap.log_scale.dtype == jnp.float64
    assert not jax.config.jax_enable_x64
    wide = kernel_gap(train.astype(np.float64), reference.astype(np.float64), mean, covariance, scale=1.0)
    single = kernel_gap(
        *(jnp.asarray(array, jnp.float32) for array in (train, reference, mean, covariance)), scale=1.0
    )
    assert float(wide.value) == pytest.approx(float(gap.value), abs=1e-6)
    assert float(single.value) == pytest.approx(float(gap.value), abs=1e-4)
    with jax.enable_x64(True):
        assert float(kernel_gap(train, reference, mean, covariance, scale=1.0).value) == float(gap.value)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scale": 0.0}, "scale must be a finite number above 0, got 0.0."),
        ({"reference": np.zeros((5, 3))}, r"reference must have shape \(any, 4\), got \(5, 3\)"),
        ({"train": np.full((5, 4), np.nan)}, r"train must be finite, got nan at index \(0, 0\)"),
        ({"mean": np.zeros(3)}, r"mean must have shape \(4\), got \(3,\)"),
        ({"covariance": -np.eye(4)}, "covariance must be positive semi-definite"),
        ({"covariance": np.triu(np.ones((4, 4)))}, "covariance must be symmetric"),
        ({"count": 0}, "count must be a whole number from 1 to 5, the rows given, got 0"),
        ({"count": 6}, "count must be a whole number from 1 to 5, the rows given, got 6"),
        ({"dtype": np.float16}, "dtype must be one of float32, float64, got 'float16'"),
        ({"tile": 0}, "tile must be a whole number of at least 1, got 0"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(change, sentence):
    rng = np.random.default_rng(0)
    arguments = {
        "train": rng.standard_normal((5, 4)),
        "reference": rng.standard_normal((8, 4)),
        "mean": np.zeros(4),
        "covariance": np.eye(4),
        "scale": 1.0,
    }
    with unchecked(), pytest.raises(ValueError, match=sentence):
        kernel_gap(**(arguments | change))
