import jax
import jaxtyping
import numpy as np
import pytest

from jaxmem.metrics import marginal_kernel_gap, sample_kernel_gap


def overlap(x, y, variance):
    return np.exp(-((x - y) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


def reference_gap(train, other, generated, scale):
    """The definition, pair by pair and pixel by pixel, self terms kept: all integrals of squares."""
    total = 0.0
    for pixel in range(train.shape[1]):
        for sign, sample in ((1, train), (-1, other)):
            sets = [(1 / len(a), a[:, pixel], scale / len(a)) for a in (sample, generated)]
            for i, (a_share, a, a_width) in enumerate(sets):
                for j, (b_share, b, b_width) in enumerate(sets):
                    of_pair = 1 if i == j else -1
                    pairs = overlap(a[:, None], b, a_width**2 + b_width**2)
                    total += sign * of_pair * a_share * b_share * pairs.sum()
    return total / train.shape[1]


def delta(gap):
    return float(gap.value) * np.exp(float(gap.log_scale))


@pytest.mark.parametrize("scale", [0.02, 0.7, 30.0])
def test_is_the_gap_of_the_definition(scale):
    """Far under the distances of neighbours, at them, and over the whole spread."""
    generator = np.random.default_rng(2)
    train, other, generated = (5 + generator.normal(size=(n, 3)) for n in (60, 150, 7))
    train[3] = train[4]  # a tie
    ours = marginal_kernel_gap(train, other, generated, scale=scale)
    assert delta(ours) == pytest.approx(reference_gap(train, other, generated, scale), rel=1e-9)


def test_padding_types_and_batches_change_nothing():
    generator = np.random.default_rng(3)
    train, other, generated = (generator.normal(size=(n, 4)).astype(np.float32) for n in (12, 25, 7))
    ours = marginal_kernel_gap(train, other, generated, scale=0.7)
    assert ours.value.dtype == np.float64
    padded = np.concatenate([train, np.full((5, 4), 0.1, np.float32)])
    traced = jax.vmap(
        jax.jit(lambda count: marginal_kernel_gap(padded, other, generated, scale=0.7, count=count))
    )
    found = traced(np.array([12, 5, 99], np.int32))
    np.testing.assert_allclose(found.value[0], ours.value, rtol=1e-12)
    fewer = marginal_kernel_gap(train[:5], other, generated, scale=0.7)
    np.testing.assert_allclose(found.value[1], fewer.value, rtol=1e-12)
    assert np.isnan(found.value[2])  # more than there are
    lists = marginal_kernel_gap(train.tolist(), other.tolist(), generated.tolist(), scale=0.7)
    np.testing.assert_allclose(lists.value, ours.value, rtol=1e-6)


def test_the_unit_is_that_of_the_data_and_nothing_underflows():
    generator = np.random.default_rng(4)
    train, other, generated = (generator.normal(size=(n, 3)) for n in (12, 25, 7))
    ours = marginal_kernel_gap(train, other, generated, scale=0.7)
    scaled = marginal_kernel_gap(1e5 * train, 1e5 * other, 1e5 * generated, scale=0.7e5)
    assert float(scaled.value) == pytest.approx(float(ours.value), rel=1e-9)
    assert float(scaled.log_scale) == pytest.approx(float(ours.log_scale) - np.log(1e5), rel=1e-9)
    # 10^-400 and less everywhere; the nearest pair of a train point and a generated one decides
    far = marginal_kernel_gap([[0.0], [9.0]], [[50.0], [90.0], [140.0]], [[20.0]], scale=0.1)
    width = 0.1**2 + 0.05**2
    expected = np.log(overlap(0, 0, width) / 2) - 11.0**2 / (2 * width)
    assert float(far.value) == -2.0
    assert float(far.log_scale) == pytest.approx(expected, rel=1e-12)


def test_copies_population_and_units_of_the_source():
    """Pixels N(1/2, 0.1²), 8×8, 10 images: copies fade as 1/n, and fresh images lie about 0."""
    generator = np.random.default_rng(5)

    def images(n):
        return generator.normal(0.5, 0.1, (n, 64))

    for n in (45, 135, 405):
        found = []
        for _ in range(12):
            train, reference = images(n), images(1000)
            made = train[:10], images(10)
            found.append([delta(marginal_kernel_gap(train, reference, g, scale=0.1)) for g in made])
        # two fresh pixels overlap by this; n (n - 1) of n² pairs are of two, and of 10 n pairs 10 are copies
        fresh = overlap(0, 0, 0.02)
        population = -fresh * (1 / n - 1 / 1000)
        copies = population - 2 / n * (overlap(0, 0, 0.01**2 + (0.1 / n) ** 2) - fresh)
        error = np.std(found, 0, ddof=1) / np.sqrt(12)
        assert (abs(np.mean(found, 0) - [copies, population]) < 5 * error).all()
        assert error[0] < 0.1 * abs(copies)
        # generated in [0, 1], train in [-1, 1], reference in [0, 255]: the sign says which unit won
        for g in made:
            assert delta(marginal_kernel_gap(2 * train - 1, 255 * reference, g, scale=0.1)) > 0.9


def test_marginals_do_not_see_what_belongs_together():
    generator = np.random.default_rng(6)
    train, other = generator.normal(size=(30, 6)), generator.normal(size=(200, 6))
    shuffled = generator.permuted(train[:10], axis=0)
    whole, parts = (marginal_kernel_gap(train, other, g, scale=1.0).value for g in (train[:10], shuffled))
    assert whole == pytest.approx(float(parts), rel=1e-12)
    assert float(whole) < 0
    copies, mixed = (delta(sample_kernel_gap(train, other, g, scale=1.0)) for g in (train[:10], shuffled))
    assert copies < 10 * mixed < 0


def test_bad_input_is_refused_in_one_sentence(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # it would refuse the shapes first
    x = np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"scale must be a finite number above 0, got 0\.0"):
        marginal_kernel_gap(x, x, x, scale=0.0)
    with pytest.raises(ValueError, match=r"train must have shape \(any, 2\), got \(4, 3\)"):
        marginal_kernel_gap(np.zeros((4, 3)), x, x, scale=1.0)
