"""Laws of images with exact densities and scores, against sums written out and Monte Carlo."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp
from typechecking import unchecked

from jaxmem.populations import BinaryPatterns, ContourImages, GaussianField, ShiftedTemplate, spike_patterns

H, W = 4, 3
D = H * W
N = 4_000
KEY = jax.random.key(5)
POINTS = np.random.default_rng(0).normal(size=(5, D))
TEMPLATE = np.random.default_rng(1).normal(size=(H, W))
RANDOM = spike_patterns("random", 2, H, W)


def stationary(spectrum):
    """(1/d) Σ_ω P(ω) cos ω·(p − q), written out."""
    down, across = np.indices((H, W)).reshape(2, -1)
    waves = (
        2
        * np.pi
        * (np.outer(down, np.arange(H))[:, :, None] / H + np.outer(across, np.arange(W))[:, None] / W)
    )
    total = np.cos(waves[:, None] - waves[None])
    return np.einsum("pqkj,kj->pq", total, spectrum) / D


def wave_number():
    k, j = np.minimum(np.arange(H), H - np.arange(H)), np.minimum(np.arange(W), W - np.arange(W))
    return np.sqrt(k[:, None] ** 2 + j**2)


SPECTRUM = 1 / (0.5 + wave_number() ** 1.5)
SPECTRUM *= 2.0 / SPECTRUM.mean()
FIELD = stationary(SPECTRUM)
SPIKED = FIELD + 2 * (3 * np.outer(RANDOM[0], RANDOM[0]) + np.outer(RANDOM[1], RANDOM[1]))
SIGNS = np.array([[a, b] for a in (-1, 1) for b in (-1, 1)])


def field(**values):
    return GaussianField.power_law(H, W, 1.5, 0.5, variance=2.0, mean=0.3, **values)


def mixture(means, variance):
    """log of an equal mixture of Gaussians of one white noise."""
    return lambda x: (
        logsumexp([stats.multivariate_normal(m, variance * np.eye(D)).logpdf(x) for m in means], axis=0)
        - np.log(len(means))
    )


SHIFTED = [np.roll(TEMPLATE, (u, v), (0, 1)).ravel() for u in range(H) for v in range(W)]
LAWS = {
    "field": (field(), lambda x: stats.multivariate_normal(np.full(D, 0.3), FIELD).logpdf(x)),
    "spiked field": (
        field(strengths=np.array([3.0, 1.0]), patterns=RANDOM),
        lambda x: stats.multivariate_normal(np.full(D, 0.3), SPIKED).logpdf(x),
    ),
    "noised field": (
        field(strengths=np.array([3.0, 1.0]), patterns=RANDOM).noised(0.6, 0.5),
        lambda x: stats.multivariate_normal(np.full(D, 0.18), 0.36 * SPIKED + 0.25 * np.eye(D)).logpdf(x),
    ),
    "patterns": (
        BinaryPatterns(np.array([1.5, 0.7]), RANDOM, 0.8, mean=0.2),
        mixture(0.2 + (SIGNS * [1.5, 0.7]) @ RANDOM, 0.64),
    ),
    "noised patterns": (
        BinaryPatterns(np.array([1.5, 0.7]), RANDOM, 0.8, mean=0.2).noised(0.5, 0.3),
        mixture(0.1 + 0.5 * (SIGNS * [1.5, 0.7]) @ RANDOM, 0.25 * 0.64 + 0.09),
    ),
    "shifts": (ShiftedTemplate(TEMPLATE, 0.5, 0.4), mixture([0.4 + s for s in SHIFTED], 0.25)),
    "noised shifts": (
        ShiftedTemplate(TEMPLATE, 0.0, 0.4).noised(0.7, 0.6),
        mixture([0.28 + 0.7 * s for s in SHIFTED], 0.36),
    ),
}


@pytest.mark.parametrize("name", LAWS)
def test_density_and_score(name):
    law, log_density = LAWS[name]
    with jax.enable_x64(True):
        x = jnp.asarray(POINTS)
        np.testing.assert_allclose(law.log_density(x), log_density(POINTS), rtol=1e-11)
        gradient = jax.vmap(jax.grad(law.log_density))(x)
        np.testing.assert_allclose(law.score(x), gradient, rtol=1e-9, atol=1e-10)
        step = 1e-5 * np.eye(D)[2]
        slope = (log_density(POINTS + step) - log_density(POINTS - step)) / 2e-5
        np.testing.assert_allclose(law.score(x)[:, 2], slope, rtol=1e-6, atol=1e-7)
    single = law.score(jnp.asarray(POINTS, jnp.float32))
    assert single.dtype == jnp.float32
    np.testing.assert_allclose(single, gradient, rtol=1e-4, atol=1e-5)


def assert_moments(law, n=N):
    """Mean and every entry of the covariance within 5 standard errors; a smaller draw is the first rows."""
    drawn = law.sample(KEY, n)
    assert drawn.dtype == jnp.float32
    np.testing.assert_array_equal(drawn[:7], law.sample(KEY, 7))
    rows = np.asarray(drawn, np.float64) - np.asarray(law.mean())
    error = rows.std(0) / np.sqrt(n)
    assert np.all(np.abs(rows.mean(0)) < 5 * error)
    products = rows[:, :, None] * rows[:, None]
    deviation = np.abs(products.mean(0) - np.asarray(law.covariance()))
    assert np.all(deviation < 5 * products.std(0) / np.sqrt(n) + 1e-9)
    return rows


@pytest.mark.parametrize("name", [name for name in LAWS if not name.startswith("noised")])
def test_samples_have_the_moments_and_the_score_their_identities(name):
    law, _ = LAWS[name]
    rows = assert_moments(law)
    score = np.asarray(law.score(law.sample(KEY, N)), np.float64)
    assert np.all(np.abs(score.mean(0)) < 5 * score.std(0) / np.sqrt(N))
    along = (rows * score).sum(1)
    assert abs(along.mean() + D) < 5 * along.std() / np.sqrt(N)


@pytest.mark.parametrize("regularity", [0.5, 2.0])
def test_contours_have_their_covariance(regularity):
    law = ContourImages(6, 5, regularity, variance=2.0, mean=0.5)
    assert law.image_shape == (6, 5, 1)
    assert_moments(law, 6_000)
    np.testing.assert_allclose(np.diag(law.covariance()), 2.0, rtol=1e-12)
    for call in (lambda: law.score(POINTS), lambda: law.log_density(POINTS), lambda: law.noised(1.0, 1.0)):
        with unchecked(), pytest.raises(ValueError, match="contours have no"):
            call()


@pytest.mark.parametrize("regularity", [0.4, 0.7])
def test_contours_are_as_regular_as_they_say(regularity):
    """E(g(u + 2δ) − g(u))² is 2^2α times E(g(u + δ) − g(u))² between the pixel and the image."""
    power = np.asarray(ContourImages(4, 16_384, regularity)._contour())
    correlation = np.fft.ifft(power).real
    spread = correlation[0] - correlation
    assert np.log2(spread[64] / spread[32]) == pytest.approx(2 * regularity, abs=0.04)


def test_field_denoiser_is_the_wiener_filter():
    law = LAWS["spiked field"][0]
    y = np.asarray(POINTS, np.float32)
    gain = 0.8 * SPIKED @ np.linalg.inv(0.64 * SPIKED + 0.49 * np.eye(D))
    expected = 0.3 + (y - 0.8 * 0.3) @ gain.T
    np.testing.assert_allclose(law.denoise(y, 0.8, 0.7), expected, rtol=1e-4, atol=1e-5)


def test_shift_denoiser_is_the_softmax_over_shifts():
    law = ShiftedTemplate(TEMPLATE)
    y = np.asarray(POINTS, np.float32)
    logits = -((y[:, None] - 0.8 * np.array(SHIFTED)) ** 2).sum(-1) / (2 * 0.49)
    weights = np.exp(logits - logsumexp(logits, axis=1, keepdims=True))
    np.testing.assert_allclose(law.denoise(y, 0.8, 0.7), weights @ SHIFTED, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="without noise has no score: use noised"):
        law.score(y)


def test_field_eigenvalues_and_latents():
    plain, spiked = LAWS["field"][0], LAWS["spiked field"][0]
    for law, matrix in ((plain, FIELD), (spiked, SPIKED)):
        np.testing.assert_allclose(law.covariance(), matrix, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(law.eigenvalues(), np.linalg.eigvalsh(matrix)[::-1], rtol=1e-9)
        assert law.image_shape == (H, W, 1)
    rows, latents = (
        np.asarray(each, np.float64) for each in jax.tree.leaves(spiked.sample_with_latents(KEY, N))
    )
    products = latents[:, :, None] * (rows - 0.3)[:, None]
    expected = np.sqrt([[6.0], [2.0]]) * RANDOM
    assert np.all(np.abs(products.mean(0) - expected) < 5 * products.std(0) / np.sqrt(N))


def test_a_template_at_every_shift_is_the_same_law():
    law, turned = ShiftedTemplate(TEMPLATE, 0.5), ShiftedTemplate(np.roll(TEMPLATE, (1, 2), (0, 1)), 0.5)
    np.testing.assert_allclose(law.log_density(POINTS), turned.log_density(POINTS), rtol=1e-12)


@pytest.mark.parametrize("kind", ["fourier", "localised", "random"])
def test_patterns_are_orthonormal(kind):
    most = {"fourier": 63, "localised": 16, "random": 64}[kind]
    rows = spike_patterns(kind, most, 8, 8)
    np.testing.assert_allclose(rows @ rows.T, np.eye(most), atol=1e-12)
    np.testing.assert_array_equal(rows[:3], spike_patterns(kind, 3, 8, 8))
    with pytest.raises(ValueError, match=f"spikes must be at most {most} {kind} patterns"):
        spike_patterns(kind, most + 1, 8, 8)


def test_waves_are_eigenvectors_of_every_field_and_bumps_are_local():
    waves = spike_patterns("fourier", D - 1, H, W)
    along = waves @ FIELD @ waves.T
    np.testing.assert_allclose(along, np.diag(np.diag(along)), atol=1e-10)
    assert np.all(np.diff(np.diag(along)) < 1e-10)
    bumps = spike_patterns("localised", 16, 8, 8)
    assert np.all((bumps > 0).sum(1) == 4)
    assert np.all((bumps > 0).sum(0) == 1)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: GaussianField(np.zeros((3, 3))), "spectrum must be a finite number above 0"),
        (lambda: GaussianField(np.arange(1.0, 10).reshape(3, 3)), "spectrum must be the same at ω and −ω"),
        (lambda: GaussianField(np.ones((3, 3)), np.ones(2), np.ones((1, 9))), "must be 2 rows of 9 pixels"),
        (lambda: GaussianField(np.ones((3, 3)), -np.ones(1), np.ones((1, 9))), "strengths must be a finite"),
        (lambda: BinaryPatterns(np.ones(2), np.ones((2, 9)), 1.0), "patterns must be orthonormal"),
        (lambda: BinaryPatterns(np.ones(2), RANDOM, 0.0), "noise must be a finite number above 0"),
        (lambda: ShiftedTemplate(np.ones(3), 1.0), "template must have shape"),
        (lambda: ContourImages(8, 8, 0.0), "regularity must be a finite number above 0"),
        (lambda: ContourImages(8, 1, 1.0), "width must be a whole number of at least 2"),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    with unchecked(), pytest.raises(ValueError, match=sentence):
        call()
