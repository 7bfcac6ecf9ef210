import numpy as np
import pytest
from covariance_draws import assert_within
from scipy.integrate import quad
from scipy.special import betaincc, gammaln, hyp2f1

from jaxmem import theory
from jaxmem.theory.memorisation import TERMS, _mixture_weights


def largest_cosines(n, d, count, seed, generated=8):
    """The replicates' mean over generated samples of max_k |cos(x̂, x_k)|, x̂ = Σ̂^{1/2} z ~ Xᵀg."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        train = generator.standard_normal((n, d))
        outputs = generator.standard_normal((generated, n)) @ train
        cosines = outputs @ train.T / np.linalg.norm(outputs, axis=1)[:, None] / np.linalg.norm(train, axis=1)
        yield np.abs(cosines).max(1).mean()


@pytest.mark.parametrize("n", [2, 5, 20, 100, 400])
@pytest.mark.parametrize("d", [30, 100, 400])
def test_simulation(n, d):
    draws = list(largest_cosines(n, d, 60 if n * d > 10**4 else 300, seed=n + d))
    expected = theory.memorisation(n, d)
    assert_within(draws, expected, allowance=0.005 * expected)


@pytest.mark.parametrize(
    ("d", "n", "excess"),
    [
        (2, 2, 0.042),
        (3, 3, 0.031),
        (5, 5, 0.020),
        (10, 10, 0.011),
        (3, 20, 0.008),
        (10, 20, 0.008),
        (3, 2000, 0),
    ],
)
def test_excess_in_few_dimensions(d, n, excess):
    """At the worst n of each d it is what the docstring says, and never too low."""
    ratio = np.array(list(largest_cosines(n, d, 200 if n > 100 else 3000, seed=n + d, generated=16)))
    mean, error = ratio.mean(), ratio.std() / np.sqrt(ratio.size)
    found = theory.memorisation(n, d) / mean - 1
    assert -4 * error / mean < found < excess + 4 * error / mean
    if n <= 10:
        assert found > excess - 0.003 - 4 * error / mean


def test_the_model_draws_as_the_representation_does():
    # x̂ = Σ̂^{1/2} z itself, by an eigendecomposition, has the same m as Xᵀg
    generator = np.random.default_rng(1)
    n, d, draws = 30, 20, []
    for _ in range(600):
        train = generator.standard_normal((n, d))
        values, vectors = np.linalg.eigh(train.T @ train / n)
        output = vectors * np.sqrt(values) @ vectors.T @ generator.standard_normal(d)
        cosines = train @ output / np.linalg.norm(output) / np.linalg.norm(train, axis=1)
        draws.append(np.abs(cosines).max())
    assert_within(draws, theory.memorisation(n, d), allowance=0.01)


def test_limits():
    np.testing.assert_array_equal(theory.memorisation([1, 7, 1], [50, 1, 1]), 1)
    # d = ∞: the largest of n normal numbers over their length; n = 2: 2√2/π
    assert theory.memorisation(2, 1e8) == pytest.approx(2 * np.sqrt(2) / np.pi, rel=1e-6)
    # n = ∞ at fixed d: fresh points on the sphere, |cos| uniform for d = 3
    assert theory.memorisation(1e4, 3) == pytest.approx(1 - 1 / 10001, rel=1e-4)
    # leading order: the ratio tends to 1 from below, as 1 − (log log n)/(4 log n)
    n = np.array([1e4, 1e8, 1e12])
    ratio = theory.memorisation(n, 1e9) / theory.leading_memorisation(n, 1e9)
    assert (np.diff(ratio) > 0).all()
    assert 0.85 < ratio[0] < ratio[-1] < 1
    assert isinstance(theory.memorisation(100, 100), float)


def test_one_cosine_in_closed_form():
    """One cosine has density (1 − c²)^{(d−3)/2} ₂F₁(d/2, d/2; (n + d)/2; c²), and E cos² ≈ 1/n + 1/d."""
    n, d = 12, 9
    log_norm = (
        gammaln((n + d - 1) / 2) + gammaln(d / 2) - gammaln((n + d) / 2) - gammaln((d - 1) / 2)
    ) - gammaln(0.5)

    def density(c):
        return 2 * np.exp(log_norm) * (1 - c**2) ** ((d - 3) / 2) * hyp2f1(d / 2, d / 2, (n + d) / 2, c**2)

    generator = np.random.default_rng(2)
    train = generator.standard_normal((20_000, n, d))
    outputs = np.einsum("rn,rnd->rd", generator.standard_normal((20_000, n)), train)
    cosines = np.einsum("rd,rd->r", outputs, train[:, 0])
    cosines /= np.linalg.norm(outputs, axis=1) * np.linalg.norm(train[:, 0], axis=1)
    total, square = quad(density, 0, 1)[0], quad(lambda c: c**2 * density(c), 0, 1)[0]
    fourth = quad(lambda c: c**4 * density(c), 0, 1)[0]
    assert_within(np.stack([cosines**2, cosines**4], -1), np.array([square, fourth]) / total)
    assert square / total == pytest.approx(1 / n + 1 / d, rel=0.15)
    # what the module integrates is this density: the tail of its mixture at one point
    weights = _mixture_weights(n, d)
    tail = weights @ betaincc(0.5 + TERMS[: weights.size], (min(n, d) - 1) / 2, 0.5**2)
    assert tail == pytest.approx(quad(density, 0.5, 1)[0] / total, rel=1e-6)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match=r"n must be a finite number at least 1, got 0\.0\."):
        theory.memorisation(0, 10)
    with pytest.raises(ValueError, match=r"d must be a finite number at least 1, got nan\."):
        theory.leading_memorisation(10, np.nan)
