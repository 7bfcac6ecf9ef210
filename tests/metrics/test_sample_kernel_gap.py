import jax
import numpy as np
import pytest

from jaxmem.metrics import kernel_gap, log_gaussian_overlap, log_sample_overlap, sample_kernel_gap


def reference_gap(train, other, generated, scale):
    """Δ from the definition, self terms dropped, in float64 NumPy."""
    dim, total = train.shape[1], 0.0
    for sign, x in ((1, train), (-1, other)):
        bandwidth = scale * len(x) ** (-1 / dim)

        def kernel(squares, variance):
            return np.exp(-squares / (2 * variance)) / (2 * np.pi * variance) ** (dim / 2)

        within = ((x[:, None] - x) ** 2).sum(-1)[~np.eye(len(x), dtype=bool)]
        between = ((x[:, None] - generated) ** 2).sum(-1)
        total += sign * kernel(within, 2 * bandwidth**2).sum() / len(x) ** 2
        total -= sign * 2 * kernel(between, bandwidth**2).mean()
    return total


@pytest.mark.parametrize("dim", [1, 3, 8])
def test_is_the_gap_of_the_definition(dim):
    generator = np.random.default_rng(dim)
    train, other, generated = (5 + generator.normal(size=(n, dim)).astype(np.float32) for n in (30, 200, 40))
    ours = sample_kernel_gap(train, other, generated, scale=0.7)
    theirs = reference_gap(*(x.astype(np.float64) for x in (train, other, generated)), 0.7)
    np.testing.assert_allclose(float(ours.value) * np.exp(float(ours.log_scale)), theirs, rtol=1e-4)
    padded = np.concatenate([train, np.full((9, dim), 7, np.float32)])
    traced = jax.jit(lambda count: sample_kernel_gap(padded, other, generated, scale=0.7, count=count))(30)
    np.testing.assert_allclose(traced.value, ours.value, rtol=1e-5)


def test_many_samples_of_a_gaussian_give_the_gap_of_their_law():
    generator = np.random.default_rng(0)
    train, other = generator.normal(size=(20, 3)), generator.normal(size=(300, 3))
    generated = 0.3 + 0.8 * generator.normal(size=(100_000, 3))
    mean, covariance = np.full(3, 0.3), 0.64 * np.eye(3)
    ours = log_sample_overlap(train, generated, 0.5)
    np.testing.assert_allclose(ours, log_gaussian_overlap(train, mean, covariance, 0.5), atol=0.02)
    sampled = sample_kernel_gap(train, other, generated, scale=1.0)
    law = kernel_gap(train, other, mean, covariance, scale=1.0)
    np.testing.assert_allclose(sampled.value, law.value, atol=0.02)


def test_copies_are_nearer_to_the_train_set_and_nothing_underflows():
    generator = np.random.default_rng(1)
    for dim in (2, 300):
        train, other = generator.normal(size=(25, dim)), generator.normal(size=(100, dim))
        assert float(sample_kernel_gap(train, other, train[:10], scale=1.0).value) < -0.5
        assert float(sample_kernel_gap(train, other, other[:10], scale=1.0).value) > 0.5


def test_bad_input_is_refused_in_one_sentence():
    x = np.zeros((4, 2))
    with pytest.raises(ValueError, match=r"scale must be a finite number above 0, got 0\.0"):
        sample_kernel_gap(x, x, x, scale=0.0)
    with pytest.raises(ValueError, match="generated must be finite, got nan"):
        sample_kernel_gap(x, x, np.full((4, 2), np.nan), scale=1.0)
