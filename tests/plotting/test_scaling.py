import fake_stores
import numpy as np
import pytest
import xarray as xr

from jaxmem.plotting import plot_transition
from jaxmem.statistics import finite_size_scaling, transition


def test_estimates_and_laws_are_those_of_statistics():
    found = transition(fake_stores.kernel_onset((16, 50, 100, 200), tuple(np.geomspace(0.1, 40, 14)), 200))
    figure = plot_transition(found)
    law = finite_size_scaling(found)
    for axes, name in zip(figure.axes, ("location", "width"), strict=True):
        points = axes.containers[0].lines[0]
        np.testing.assert_allclose(points.get_xdata(), [16, 50, 100, 200])
        np.testing.assert_allclose(points.get_ydata(), found[name])
        line = next(line for line in axes.lines if len(line.get_xdata()) > 100)
        slope = np.polyfit(np.log(line.get_xdata()), np.log(line.get_ydata()), 1)[0]
        assert slope == pytest.approx(law[f"{name}_exponent"].item())
    assert figure.axes[0].get_ylabel() == "Load where P crosses 0.5"
    assert figure.axes[1].get_ylabel() == "Width from P = 0.1 to 0.9 (decades)"


def test_bounds_are_triangles():
    found = transition(fake_stores.kernel_onset((16, 50, 1600), (0.1, 0.2, 0.5, 1.0, 2.0, 4.0), 200))
    axes = plot_transition(found).axes[0]
    (triangle,) = (line for line in axes.lines if line.get_marker() == "^" and len(line.get_xdata()))
    np.testing.assert_allclose(triangle.get_xydata(), [[1600, 4.0]])


def test_other_dimensions_must_be_selected():
    store = fake_stores.kernel_onset(replicates=9)
    both = xr.concat([store, store], "time").assign_coords(time=[1.0, 2.0])
    with pytest.raises(ValueError, match=r"must have the dimension dim only, got .*; select the rest\."):
        plot_transition(transition(both, resamples=9))
