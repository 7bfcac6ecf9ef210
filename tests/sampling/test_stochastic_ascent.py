"""The ascent of a blind denoiser: by a NumPy loop, its noise, and where it stops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxmem.numerics.randomness import stream
from jaxmem.sampling import stochastic_ascent

KEY = jax.random.key(3)
X = np.random.default_rng(0).normal(size=40).astype(np.float32)


@pytest.mark.parametrize("share", [0.1, 1.0])
def test_by_hand(share):
    """f(y) = y/2 with steps of 0.2: the residual is −y/2."""
    x, number = X.astype(float), 0
    injected = np.sqrt((1 - 0.2 * share) ** 2 - 0.8**2)
    while np.sqrt((x**2).mean()) / 2 > 0.1 and number < np.ceil(3 * np.log(10) / (0.2 * share)):
        noise = np.asarray(jax.random.normal(stream(KEY, "ascent", number), (40,), jnp.float32))
        x = x - 0.1 * x + injected * np.sqrt((x**2).mean()) / 2 * noise
        number += 1
    found = stochastic_ascent(lambda y: y / 2, KEY, X, step=0.2, noise_share=share, end=0.1)
    assert number > 10
    np.testing.assert_allclose(found, x, rtol=1e-4, atol=1e-5)


def test_it_stops_where_it_does_not_descend():
    """A residual that never falls: after three times the steps of one that does."""
    found = stochastic_ascent(lambda y: y + 1, KEY, X, step=0.5, noise_share=1.0, end=0.1)
    np.testing.assert_allclose(found, X + 0.5 * np.ceil(3 * np.log(10) / 0.5), rtol=1e-5)


def test_bad_input_is_refused():
    for values, sentence in (
        ({"end": 2.0}, "start must be a finite number above 2"),
        ({"step": 0.0}, "step must be a finite number above 0"),
        ({"noise_share": 2.0}, "noise_share must be a finite number above 0"),
    ):
        with pytest.raises(ValueError, match=sentence):
            stochastic_ascent(lambda y: y, KEY, X, **values)
