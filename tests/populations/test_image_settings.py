"""Images in a configuration: what they build, what they refuse, and how they are stored."""

import dataclasses
import json
import pickle

import jax
import numpy as np
import pytest
from sklearn.datasets import load_digits
from typechecking import unchecked

from jaxmem.populations import (
    BinaryPatterns,
    ContourImages,
    Empirical,
    GaussianField,
    PopulationSettings,
    ShiftedTemplate,
    load_images,
)

COLOUR = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), np.uint8)


def settings(**values):
    with unchecked():
        return PopulationSettings(**values)


def test_shipped_images_are_a_population():
    described = settings(images="digits")
    described.check([64])
    law = described.build(64)
    assert isinstance(law, Empirical)
    assert law.image_shape == described.image_shape(64) == (8, 8, 1)
    assert (described.data_dim, described.available) == (64, 1797)
    np.testing.assert_array_equal(law.rows, load_digits().data / 8 - 1)
    assert described == settings(images="digits") != settings(images="digits", image_size=4)
    assert settings(images="digits", image_size=4).data_dim == 16


def test_patches_know_their_regions():
    with pytest.warns(UserWarning, match="repeat another one"):
        law = settings(images="photographs", image_size=16).build(256)
    assert (law.region, law.image_shape) == (16, (16, 16, 1))


def test_arrays_and_files(tmp_path):
    np.save(tmp_path / "images.npy", COLOUR)
    path = str(tmp_path / "images.npy")
    for given in (COLOUR, path):
        described = settings(images=given)
        described.check([48])
        np.testing.assert_array_equal(described.build(48).rows, load_images(COLOUR).rows)
        assert described.image_shape(48) == (4, 4, 3)
        grey = settings(images=given, grey_images=True, image_size=2)
        assert grey.image_shape(4) == (2, 2, 1)
        np.testing.assert_array_equal(grey.build(4).rows, load_images(COLOUR, grey=True, size=2).rows)
        again = dataclasses.replace(described, image_size=2)
        np.testing.assert_array_equal(again.build(12).rows, load_images(COLOUR, size=2).rows)
    assert pickle.loads(pickle.dumps(settings(images=COLOUR))) == settings(images=COLOUR.copy())


def test_stored_configuration_comes_back(tmp_path):
    path = tmp_path / "images.npy"
    np.save(path, COLOUR)
    described = settings(images=str(path))
    stored = json.loads(json.dumps(dataclasses.asdict(described)))
    assert settings(**stored) == described
    np.save(path, COLOUR[::-1])
    with pytest.raises(ValueError, match=r"must hold what they held before, but .*images\.npy has changed"):
        settings(**stored).check([48])
    stored["images"] = str(settings(images=COLOUR).images)
    with pytest.raises(ValueError, match="given in memory, so hand their array over again"):
        settings(**stored).check([48])


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"images": "field", "spikes": (3.0,), "spike_patterns": "localised"}, GaussianField),
        ({"images": "patterns", "spikes": (3.0, 2.0)}, BinaryPatterns),
        ({"images": "shifts", "spikes": (9.0,)}, ShiftedTemplate),
        ({"images": "contours", "regularity": 1.5}, ContourImages),
    ],
)
def test_laws(values, kind):
    described = settings(**values, variance=2.0, mean=0.5)
    described.check([16, 64])
    law = described.build(16)
    assert isinstance(law, kind)
    assert law.image_shape == described.image_shape(16) == (4, 4, 1)
    assert np.isinf(described.available)
    spikes = sum(described.spikes)
    white = {"shifts": 9 - 16 * (law.mean()[0] - 0.5) ** 2 / 2, "contours": 0}.get(values["images"], spikes)
    np.testing.assert_allclose(np.trace(np.asarray(law.covariance())), 2 * (16 + white), rtol=1e-9)


def test_numbers_of_a_field_are_axes():
    described = settings(images="field", spectrum_exponent=(1.0, 3.0), spikes=(2.0,), spike_scale=(0.5, 1.0))

    def spectrum(exponent):
        return described.build(16, {"spectrum_exponent": exponent, "spike_scale": 0.5}).spectrum

    with jax.enable_x64(True):
        found = jax.jit(jax.vmap(spectrum))(np.array([1.0, 3.0]))
    wave = np.hypot(*np.meshgrid([0, 1, 2, 1], [0, 1, 2, 1]))
    for row, exponent in zip(found, (1.0, 3.0), strict=True):
        expected = 1 / (1 + wave**exponent)
        np.testing.assert_allclose(row, expected / expected.mean(), rtol=1e-12)


@pytest.mark.parametrize(
    ("values", "dims", "sentence"),
    [
        ({"images": "digits"}, (64, 100), "dims must be 64, the pixels of images of 8 × 8 × 1, got 100"),
        ({"images": "digits", "mean": 1.0}, (64,), "mean must stay 0.0 with images, got 1.0"),
        ({"images": "digits", "samples": COLOUR[:, 0, :, 0]}, (64,), "samples must stay None with images"),
        ({"images": "nowhere"}, (64,), "images must be one of digits, mnist, photographs, or the path"),
        ({"image_size": 8}, (64,), "image_size must stay None with no images, got 8"),
        ({"regularity": 1.0}, (64,), "regularity must stay 2.0 with no images, got 1.0"),
        (
            {"images": "field"},
            (64, 50),
            "dims must be squares, such as 64, .* got 50",
        ),
        ({"images": "field", "image_size": 8}, (16,), "dims must be 64, the square of image_size 8, got 16"),
        ({"images": "field", "exponent": 1.0}, (64,), "exponent must stay 0.0 with images field, got 1.0"),
        ({"images": "field", "variance": 0.0}, (64,), "variance must be a finite number above 0"),
        ({"images": "field", "spikes": (-1.0,)}, (64,), "spikes times spike_scale must be a finite number"),
        ({"images": "field", "spikes": (1.0,) * 64}, (64,), "spikes must be at most 63 fourier patterns"),
        ({"images": "patterns"}, (64,), "spikes must be the strengths of the patterns"),
        ({"images": "shifts"}, (64,), "spikes must be one strength with images shifts"),
        ({"images": "contours", "spikes": (1.0,)}, (64,), r"spikes must stay \(\) with images contours"),
        ({"images": COLOUR[:1]}, (48,), "images must be at least 2, got 1"),
    ],
)
def test_bad_input_is_one_sentence(values, dims, sentence):
    with pytest.raises(ValueError, match=sentence):
        settings(**values).check(dims)
