import numpy as np
import pytest
import xarray as xr

from jaxmem.plotting import Curve, Guide, Panel, plot
from jaxmem.plotting.phase_map import cell_edges

LOADS = np.array([0.1, 1.0, 10.0])
STRENGTHS = np.array([0.5, 1.0, 2.0, 4.0])


def phase_map(values):
    raw = np.repeat(values[..., None], 3, axis=-1)
    return xr.Dataset(
        {"overlap": (("strength", "load", "replicate"), raw, {"summary": "mean", "long_name": "overlap Q"})},
        {"strength": ("strength", STRENGTHS), "load": ("load", LOADS)},
    )


VALUES = np.arange(12.0).reshape(4, 3)
PANEL = Panel((Curve("overlap"),), y="strength", y_scale="log")


def drawn(figure):
    mesh = figure.axes[0].collections[0]
    return mesh, np.ma.filled(np.ma.asarray(mesh.get_array()), np.nan).reshape(4, 3)


def test_cells_hold_the_means_and_surround_their_coordinates():
    figure = plot(phase_map(VALUES), panels=[PANEL])
    mesh, shown = drawn(figure)
    np.testing.assert_array_equal(shown, VALUES)
    corners = mesh.get_coordinates()
    np.testing.assert_allclose(corners[0, :, 0], 10.0 ** np.array([-1.5, -0.5, 0.5, 1.5]))
    np.testing.assert_allclose(corners[:, 0, 1], 2.0 ** np.array([-1.5, -0.5, 0.5, 1.5, 2.5]))
    assert mesh.get_clim() == (0, 11)
    assert figure.axes[1].get_ylabel() == "Overlap Q"


def test_missing_and_infinite_points_differ_from_large_ones():
    values = VALUES.copy()
    values[0, 0], values[1, 1] = np.nan, np.inf
    mesh, _ = drawn(plot(phase_map(values), panels=[PANEL]))
    colours = mesh.to_rgba(mesh.get_array()).reshape(4, 3, 4)
    np.testing.assert_allclose(colours[0, 0, :3], 0.85, atol=0.01)
    np.testing.assert_allclose(colours[1, 1, :3], 1.0)
    limited = plot(phase_map(VALUES), panels=[Panel((Curve("overlap"),), y="strength", limits=(0, 5))])
    mesh, shown = drawn(limited)
    assert shown.max() == 5
    assert mesh.to_rgba(np.array([5.0]))[0, :3] == pytest.approx(mesh.cmap(1.0)[:3])


def test_an_unfinished_map_is_drawn():
    plot(phase_map(np.full((4, 3), np.nan)), panels=[PANEL]).canvas.draw()


def test_theory_is_contours_and_guides_are_lines():
    shapes = []

    def theory(point):
        shapes.append(np.broadcast_shapes(point["load"].shape, point["strength"].shape))
        return point["load"] * point["strength"]

    panel = Panel(
        (Curve("overlap", theory),),
        y="strength",
        y_scale="log",
        guides=(Guide("edge", curve=lambda x: x**-0.5),),
    )
    figure = plot(phase_map(VALUES), panels=[panel])
    assert shapes == [(400, 400)]
    contours = figure.axes[0].collections[1]
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        np.testing.assert_allclose(np.prod(path.vertices, axis=1), level, rtol=1e-3)
    line = next(line for line in figure.axes[0].lines if len(line.get_xdata()) > 10)
    np.testing.assert_allclose(line.get_ydata(), line.get_xdata() ** -0.5)
    assert "contours: theory" in figure.get_supxlabel()


def test_a_constant_theory_has_no_contours():
    panel = Panel((Curve("overlap", lambda point: 0.0),), y="strength")
    assert len(plot(phase_map(VALUES), panels=[panel]).axes[0].collections) == 1


def test_edges():
    np.testing.assert_allclose(cell_edges(np.array([1.0, 2.0, 4.0]), "linear"), [0.5, 1.5, 3.0, 5.0])
    np.testing.assert_allclose(cell_edges(np.array([1.0, 4.0, 16.0]), "log"), [0.5, 2, 8, 32])
    np.testing.assert_allclose(cell_edges(np.array([3.0]), "linear"), [2.5, 3.5])
