"""Panels of pictures: every image where it belongs, at its own grey or colour."""

import numpy as np
import pytest
import xarray as xr

from jaxmem.describing.pictures import PICTURE_DIMS, as_pictures, picture_coordinates, picture_variable
from jaxmem.plotting import Curve, Panel, plot, plot_pictures

RANDOM = np.random.default_rng(0)
LIMITS = (-1.0, 1.0)
ROWS = (Curve("generated"), Curve("nearest", label="nearest training image"))


def store(channels=1, count=2, replicates=2):
    """Two variables over samples and step, images of 8 × 6."""
    dims = ("samples", "step", "replicate", *PICTURE_DIMS)
    shape = (3, 2, replicates, count, 8, 6, channels)
    names = {"long_name": "generated images", "summary": "none"}
    data = {name: (dims, RANDOM.uniform(-1, 1, shape), names) for name in ("generated", "nearest")}
    loss = RANDOM.uniform(size=(3, 2, replicates))
    data["loss"] = (("samples", "step", "replicate"), loss, {"long_name": "loss", "summary": "mean"})
    coordinates = {
        "samples": ("samples", [4, 16, 64], {"long_name": "training samples n"}),
        "step": [10, 100],
    }
    return xr.Dataset(data, coordinates)


def pixels(axes, row, block, picture, count=2):
    """The image at a place: gaps of one pixel, of two more between blocks."""
    canvas = axes.images[0].get_array()
    left = block * (count * 7 + 1) + picture * 7
    return np.asarray(canvas[9 * row : 9 * row + 8, left : left + 6])


@pytest.mark.parametrize("channels", [1, 3])
def test_every_picture_is_at_its_place(channels):
    dataset = store(channels)
    panel = Panel(ROWS, x="samples", pictures=True, limits=LIMITS)
    figure = plot_pictures(dataset, [panel])
    assert [axes.get_title() for axes in figure.axes] == ["step = 10", "step = 100"]
    for step, axes in enumerate(figure.axes):
        for row, name in enumerate(("generated", "nearest")):
            for block in range(3):
                expected = (dataset[name].values[block, step, 0, 1] + 1) / 2
                expected = np.broadcast_to(expected, (8, 6, 3))
                np.testing.assert_allclose(pixels(axes, row, block, 1), expected, atol=1e-12)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert labels == ["Generated images", "nearest training image"]
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["4", "16", "64"]


def test_the_first_finished_replicate_is_shown_and_nothing_is_grey():
    dataset = store()
    dataset["generated"][0, :, 0] = np.nan
    dataset["generated"][1] = np.nan
    axes = plot_pictures(dataset, [Panel(ROWS, x="samples", pictures=True, limits=LIMITS)]).axes[0]
    expected = (dataset["generated"].values[0, 0, 1, 0] + 1) / 2
    np.testing.assert_allclose(pixels(axes, 0, 0, 0), np.broadcast_to(expected, (8, 6, 3)), atol=1e-12)
    np.testing.assert_allclose(pixels(axes, 0, 1, 0), 0.85)


def test_without_limits_the_extremes_of_all_rows_are_black_and_white():
    dataset = store()
    dataset["nearest"] = dataset["nearest"] / 10
    dataset["generated"][0, 0, 0, 0, 2, 3, 0] = 5.0
    dataset["generated"][2, 0, 0, 1, 4, 1, 0] = -3.0
    axes = plot_pictures(dataset).axes[0]
    assert pixels(axes, 0, 0, 0)[2, 3, 0] == 1
    assert pixels(axes, 0, 2, 1)[4, 1, 0] == 0
    expected = (dataset["nearest"].values[1, 0, 0, 1] + 3) / 8
    np.testing.assert_allclose(pixels(axes, 1, 1, 1), np.broadcast_to(expected, (8, 6, 3)), atol=1e-12)


def test_beside_curves_in_one_figure():
    dataset = store().isel(step=[0])
    figure = plot(
        dataset, panels=[Panel((Curve("loss"),), x="samples"), Panel(ROWS, "samples", pictures=True)]
    )
    assert [len(axes.images) for axes in figure.axes] == [0, 1]
    declared_by_none = plot(dataset)
    assert [len(axes.images) for axes in declared_by_none.axes] == [0, 1]
    declared_by_none.canvas.draw()


def test_one_set_of_pictures_needs_no_coordinate():
    dataset = store().isel(samples=0, step=0, drop=True)
    axes = plot_pictures(dataset).axes[0]
    shown = np.stack([dataset[name].values[0] for name in ("generated", "nearest")])
    expected = (shown[0, 1] - shown.min()) / (shown.max() - shown.min())
    np.testing.assert_allclose(pixels(axes, 0, 0, 1), np.broadcast_to(expected, (8, 6, 3)), atol=1e-12)
    assert list(axes.get_xticks()) == []


def test_a_study_names_and_shapes_its_pictures():
    variable = picture_variable("generated images", "step")
    assert (variable.dims, variable.summary) == (("step", *PICTURE_DIMS), "none")
    found = picture_coordinates(3, (8, 6, 1))
    assert {dim: len(each.values) for dim, each in found.items()} == dict(
        zip(PICTURE_DIMS, (3, 8, 6, 1), strict=True)
    )
    rows = np.arange(2 * 3 * 48.0).reshape(2, 3, 48)
    assert as_pictures(rows, (8, 6, 1))[1, 2, 1, 0, 0] == rows[1, 2, 6]


def test_bad_input_is_one_sentence():
    with pytest.raises(ValueError, match="loss must have the dimensions picture, row, column, channel"):
        plot(store(), panels=[Panel((Curve("loss"),), x="samples", pictures=True)])
    with pytest.raises(ValueError, match="dataset must hold variables with the dimensions picture"):
        plot_pictures(store()[["loss"]])
