import subprocess
import sys

import fake_stores
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import to_rgb

from jaxmem import studies
from jaxmem.plotting import Curve, Guide, Panel, plot
from jaxmem.statistics import summarise, transition

LOADS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
PROBABILITY = Panel((Curve("delta"),), transition=True, settings=(("N", "reference_size"),))


def store(**settings):
    return fake_stores.kernel_onset(loads=LOADS, **{"replicates": 60} | settings)


def points(axes):
    """x, y, lower and upper end of every bar, by container."""
    found = []
    for container in axes.containers:
        line, _, (bars,) = container.lines
        ends = np.array([segment[:, 1] for segment in bars.get_segments()]).reshape(-1, 2)
        found.append((line.get_xdata(), line.get_ydata(), ends[:, 0], ends[:, 1]))
    return found


def legend_texts(legend):
    return [text.get_text() for text in legend.get_texts()]


def note_of(figure):
    return figure.get_supxlabel().replace("\n", " ")


def test_points_and_bars_are_the_summary():
    dataset = store()
    axes = plot(dataset, panels=[Panel((Curve("delta"),)), Panel((Curve("hellinger_squared"),))]).axes
    summary = summarise(dataset)
    for i, (x, y, low, high) in enumerate(points(axes[0])):
        np.testing.assert_allclose(x, LOADS, rtol=0.05)  # set apart where bars meet
        np.testing.assert_allclose(y, summary["p_positive"][i])
        np.testing.assert_allclose(low, summary["p_positive_low"][i], atol=1e-12)
        np.testing.assert_allclose(high, summary["p_positive_high"][i], atol=1e-12)
    for i, (_, y, low, high) in enumerate(points(axes[1])):
        np.testing.assert_allclose(y, summary["hellinger_squared"][i])
        np.testing.assert_allclose(
            (high - low) / 2, summary["hellinger_squared_standard_error"][i], atol=1e-12
        )
    assert axes[0].get_xscale() == "log"
    assert axes[0].get_xlabel() == "Load n/d"
    assert axes[0].get_ylabel() == "P(Δ > 0)"


def two_levels():
    """Two panels of which one has several curves, over a hue of three values."""
    dataset = store(dims=(16, 50, 100))
    for name, level in (("low", 1.0), ("high", 2.0)):
        dataset[name] = xr.full_like(dataset["delta"], level).assign_attrs(summary="mean", long_name=name)
    several = Panel((Curve("low", label="train"), Curve("high", label="test")), y_scale="log")
    return dataset, several


def test_a_colour_means_the_same_in_every_panel_and_the_only_legend_covers_none():
    dataset, several = two_levels()
    joined = Panel(several.curves, joined=True)
    figure = plot(dataset, panels=[several, Panel((Curve("delta"),)), joined])
    first, second, third = figure.axes
    colours = [container.lines[0].get_color() for container in second.containers]
    assert len(set(colours)) == 3
    assert [container.lines[0].get_color() for container in first.containers] == 2 * colours
    fills = [container.lines[0].get_fillstyle() for container in first.containers]
    assert fills == ["full"] * 3 + ["none"] * 3
    assert [line.get_color() for line in third.lines] == 2 * colours
    assert len({line.get_linestyle() for line in third.lines}) == 2
    assert not any(axes.get_legend() for axes in figure.axes)
    (legend,) = figure.legends
    assert legend_texts(legend) == [
        *("d = 16", "d = 50", "d = 100", "train (a)", "test (a)"),
        *("train (c)", "test (c)"),
    ]
    figure.draw_without_rendering()
    box = legend.get_window_extent()
    assert all(not box.overlaps(axes.get_window_extent()) for axes in figure.axes)
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1


def test_where_other_panels_have_colours_a_panel_without_hue_is_grey():
    dataset, several = two_levels()
    dataset["over_dims"] = dataset["low"].isel(load=0, drop=True).assign_attrs(summary="mean")
    dataset["over_too"] = dataset["over_dims"] * 2
    dataset["over_too"].attrs = dataset["over_dims"].attrs
    alone = Panel((Curve("over_dims", label="one"), Curve("over_too", label="two")), x="dim")
    figure = plot(dataset, panels=[several, alone])
    looks = [container.lines[0] for container in figure.axes[1].containers]
    assert {line.get_color() for line in looks} == {to_rgb("0.3")}
    assert len({line.get_marker() for line in looks}) == 2
    figure = plot(dataset, panels=[alone])  # nothing else has a colour: the curves do
    assert len({container.lines[0].get_color() for container in figure.axes[0].containers}) == 2


def test_a_second_hue_has_colours_of_its_own():
    dataset, _ = two_levels()
    dataset["over_time"] = (
        ("time", "replicate"),
        np.ones((2, dataset.sizes["replicate"])),
        {"summary": "mean"},
    )
    dataset["over_time"] = dataset["over_time"].expand_dims(load=dataset["load"].values)
    figure = plot(dataset.assign_coords(time=[1.0, 2.0]), panels=["delta", "over_time"])
    used = [{container.lines[0].get_color() for container in axes.containers[:3]} for axes in figure.axes]
    assert not used[0] & used[1]


def test_bars_that_meet_are_set_apart_and_others_stay():
    dataset, _ = two_levels()
    (meeting,) = plot(dataset, panels=["low"]).axes
    for x, *_ in points(meeting):
        np.testing.assert_allclose(x, LOADS, rtol=0.08)
    places = np.array([x for x, *_ in points(meeting)])
    assert (np.diff(places, axis=0) > 0).all()
    assert (places[-1, :-1] < places[0, 1:]).all()
    steep = dataset.copy(deep=True)
    steep["low"] *= steep["dim"]
    for x, *_ in points(plot(steep, panels=["low"]).axes[0]):
        np.testing.assert_array_equal(x, LOADS)


def test_what_a_panel_cannot_show_is_marked_at_its_edge():
    dataset, _ = two_levels()
    dataset["low"] = dataset["low"] * (dataset["load"] - 1)  # from -0.75 to 7
    linear = Panel((Curve("low"),), limits=(0.0, 5.0))
    log = Panel((Curve("low"),), y_scale="log")
    inside = Panel((Curve("low"),))
    figure = plot(dataset.isel(dim=[0]), panels=[linear, log, inside])
    marks = [
        {(line.get_marker(), x) for line in axes.lines for x in line.get_xdata() if line.get_marker() in "^v"}
        for axes in figure.axes
    ]
    assert marks == [
        {("v", 0.25), ("v", 0.5), ("^", 8.0)},
        {("v", 0.25), ("v", 0.5), ("v", 1.0)},
        set(),
    ]
    assert "beyond the axis" in legend_texts(figure.legends[0])
    assert figure.axes[0].get_ylim()[0] < 0  # the marker of the value 0 at load 1 is whole
    trajectory = Panel((Curve("low"),), limits=(None, 2.5), joined=True)
    (axes,) = plot(dataset.isel(dim=[0]), panels=[trajectory]).axes
    (mark,) = (line for line in axes.lines if line.get_marker() == "^")
    np.testing.assert_array_equal(mark.get_xdata(), [4.0])  # where it leaves


def test_few_abscissas_are_the_ticks():
    dataset = fake_stores.kernel_onset((16,), (0.3, 0.7, 1.9), 5)
    (axes,) = plot(dataset, panels=["delta"]).axes
    np.testing.assert_array_equal(axes.get_xticks(), [0.3, 0.7, 1.9])
    assert axes.xaxis.get_major_formatter()(0.7, 1) == "0.7"
    crowded = fake_stores.kernel_onset((16,), (0.3, 0.31, 1.9), 5)
    assert 0.31 not in plot(crowded, panels=["delta"]).axes[0].get_xticks()


@pytest.mark.parametrize(
    ("count", "shape"),
    [(1, (1, 1)), (3, (1, 3)), (4, (2, 2)), (5, (2, 3)), (10, (5, 2)), (15, (5, 3))],
)
def test_panels_fill_rows(count, shape):
    figure = plot(store(replicates=3), panels=count * ["delta"])
    grid = figure.axes[-1].get_gridspec()
    assert grid.get_geometry() == shape
    assert len(figure.axes) == count


def test_six_panels_over_two_times_are_rows_not_a_strip():
    times = xr.concat([store(replicates=3)] * 2, "time").assign_coords(time=[1.0, 2.0])
    figure = plot(times, panels=6 * ["delta"])
    assert figure.axes[0].get_gridspec().get_geometry() == (4, 3)
    assert [axes.get_title() for axes in figure.axes] == ["time = 1"] * 6 + ["time = 2"] * 6


def test_theory_without_a_finite_value_is_neither_drawn_nor_named():
    figure = plot(
        store(), panels=["delta"], theory={"delta": lambda point: np.full_like(point["load"], np.nan)}
    )
    assert "theory" not in legend_texts(figure.legends[0])
    assert not any(len(line.get_xdata()) > 100 for line in figure.axes[0].lines)


def test_a_notebook_shows_a_figure_by_itself():
    dataset = store()
    picture = plot(dataset)._repr_png_()
    assert picture.startswith(b"\x89PNG")
    data, _ = DisplayFormatter().format(plot(dataset))
    assert data["image/png"].startswith(b"\x89PNG")


def test_size_and_panels_by_name():
    figure = plot(store(), panels=["kl_generated_population", "delta"], size=(5, 2))
    assert tuple(figure.get_size_inches()) == (5, 2)
    assert [axes.get_ylabel() for axes in figure.axes] == ["KL(generated‖population) (nat)", "P(Δ > 0)"]
    assert figure.axes[1].texts  # the declared panel, with its guides


def test_the_transition_is_marked_where_statistics_put_it():
    dataset = store()
    (axes,) = plot(dataset, panels=[PROBABILITY]).axes
    found = transition(dataset)
    marks = axes.containers[2:]
    for i, mark in enumerate(marks):
        line, _, (bar,) = mark.lines
        np.testing.assert_allclose(line.get_xydata(), [[found["location"][i], 0.5]])
        ends = bar.get_segments()[0][:, 0]
        np.testing.assert_allclose(ends, [found["location_low"][i], found["location_high"][i]])
    assert len(marks) == 2


def test_a_curve_that_does_not_cross_has_no_mark_and_an_unbounded_interval_ends_at_the_edge():
    low = fake_stores.kernel_onset((16, 400), (0.25, 0.5, 1.3), 40)
    (axes,) = plot(low, panels=[PROBABILITY]).axes
    found = transition(low)
    assert np.isposinf(found["location_high"]).all()
    assert np.isnan(found["location"][1])
    (mark,) = axes.containers[2:]
    np.testing.assert_allclose(mark.lines[2][0].get_segments()[0][1, 0], axes.get_xlim()[1])


def test_legend_names_the_hue_and_the_settings():
    (legend,) = plot(store(), panels=[PROBABILITY]).legends
    assert legend_texts(legend) == ["d = 16", "d = 100", "P = 0.5, 95% interval"]
    assert legend.get_title().get_text() == "N = 10,000"


def test_theory_is_a_line_of_coordinates_and_configuration():
    seen = []

    def theory(point):
        seen.append(point)
        return fake_stores.probability(point["dim"], point["load"])

    figure = plot(store(), panels=[Panel((Curve("delta"),))], theory={"delta": theory})
    assert [point["dim"] for point in seen] == [16, 100]
    assert all(point["reference_size"] == 10_000 for point in seen)
    lines = [line for line in figure.axes[0].lines if len(line.get_xdata()) > len(LOADS)]
    for dim, line in zip((16, 100), lines, strict=True):
        x = line.get_xdata()
        assert x[0] == pytest.approx(LOADS[0])
        assert x[-1] == pytest.approx(LOADS[-1])
        np.testing.assert_allclose(line.get_ydata(), fake_stores.probability(dim, x))
    assert "theory" in legend_texts(figure.legends[0])


def test_a_theory_that_does_not_depend_on_the_hue_is_one_line():
    figure = plot(store(), panels=[Panel((Curve("delta", theory=lambda point: point["load"] / 8),))])
    assert sum(len(line.get_xdata()) > len(LOADS) for line in figure.axes[0].lines) == 1


def test_theory_must_name_what_is_drawn():
    with pytest.raises(ValueError, match="theory must name variables that are drawn, got detla"):
        plot(store(), theory={"detla": lambda point: 0.0})


def test_infinite_means_are_arrows_at_the_edge():
    figure = plot(store(), panels=[Panel((Curve("kl_generated_population"),))])
    arrows = [
        line for line in figure.axes[0].lines if line.get_marker() == "^" and len(line.get_xdata()) == 3
    ]
    assert len(arrows) == 2
    for arrow in arrows:
        np.testing.assert_array_equal(arrow.get_xdata(), [0.25, 0.5, 1.0])
        assert (arrow.get_ydata() > 0.9).all()  # in units of the axes
    for x, y, _, _ in points(figure.axes[0]):
        np.testing.assert_allclose(x, [2, 4, 8], rtol=0.05)
        assert np.isfinite(y).all()
    assert "infinite" in legend_texts(figure.legends[0])


def test_a_transformed_variable_is_averaged_after_the_transform():
    def per_dimension(array):
        return np.exp(array / array["dim"]).assign_attrs(summary="mean", long_name="affinity", units="1")

    dataset = store()
    (axes,) = plot(dataset, panels=[Panel((Curve("log_affinity", transform=per_dimension),))]).axes
    expected = np.exp(dataset["log_affinity"] / dataset["dim"]).mean("replicate")
    for i, (_, y, _, _) in enumerate(points(axes)):
        np.testing.assert_allclose(y, expected[i])
    assert axes.get_ylabel() == "Affinity"


def test_several_curves_share_axes_in_a_colour_each():
    panel = Panel((Curve("delta", label="P"), Curve("hellinger_squared", label="H²")))
    figure = plot(store(), panels=[panel])
    assert len(points(figure.axes[0])) == 4
    assert legend_texts(figure.legends[0]) == ["d = 16", "d = 100", "P", "H²"]


def test_another_dimension_takes_the_place_of_a_single_hue_or_makes_rows():
    times = xr.concat([store(), store()], "time").assign_coords(
        time=("time", [1.0, 2.0], {"long_name": "time T"})
    )
    figure = plot(times.isel(dim=[1]), panels=[PROBABILITY])
    assert legend_texts(figure.legends[0])[:2] == ["T = 1", "T = 2"]
    assert "d = 100" in note_of(figure)
    rows = plot(times, panels=[PROBABILITY, Panel((Curve("hellinger_squared"),))])
    assert [axes.get_title() for axes in rows.axes] == ["T = 1", "T = 1", "T = 2", "T = 2"]
    assert [axes.get_title(loc="left") for axes in rows.axes] == ["a", "b", "c", "d"]


def test_of_many_rows_six_are_shown_and_the_note_says_so():
    times = xr.concat([store()] * 11, "time").assign_coords(time=np.arange(11.0))
    figure = plot(times, panels=[Panel((Curve("delta"),))])
    assert [axes.get_title() for axes in figure.axes] == [f"time = {t}" for t in (0, 2, 4, 6, 8, 10)]
    assert "6 of 11 values of time shown" in note_of(figure)


def test_a_coordinate_of_two_dimensions_may_be_the_abscissa():
    (axes,) = plot(store(), panels=[Panel((Curve("delta"),), x="n")]).axes
    found = points(axes)
    np.testing.assert_array_equal(found[0][0], 16 * np.array(LOADS))
    np.testing.assert_array_equal(found[1][0], 100 * np.array(LOADS))


def test_trajectories_are_lines_in_bands():
    values = np.random.default_rng(0).random((2, 40, 6))
    dataset = xr.Dataset(
        {
            "loss": (("samples", "step", "replicate"), values, {"summary": "mean", "long_name": "test loss"}),
            "completed": (("samples", "replicate"), np.ones((2, 6), np.int8)),
        },
        {"samples": [32, 64], "step": np.arange(1, 41)},
    )
    figure = plot(dataset)
    (axes,) = figure.axes
    assert axes.get_xlabel() == "Step"
    assert len(axes.collections) == 2
    np.testing.assert_allclose(axes.lines[1].get_ydata(), values[1].mean(axis=-1))
    assert legend_texts(figure.legends[0]) == ["samples = 32", "samples = 64"]


def test_guides_are_drawn_and_named():
    panel = Panel(
        (Curve("delta"),),
        guides=(Guide("n = d", x=1.0), Guide("half", y=0.5), Guide("line", curve=lambda x: x / 8)),
    )
    (axes,) = plot(store(), panels=[panel]).axes
    assert {text.get_text() for text in axes.texts} == {"n = d", "half", "line"}


def test_the_note_says_what_was_run():
    note = note_of(plot(store(), panels=[PROBABILITY, Panel((Curve("hellinger_squared"),))]))
    assert note.startswith("study kernel-onset, seed 0, 60 replicates; ")
    assert "95% Wilson intervals of probabilities, standard errors of means" in note
    part = store(complete=0.5)
    part["completed"][0, 0] = 1
    assert "30 to 60 replicates per point" in note_of(plot(part, panels=[PROBABILITY]))


def test_unfinished_and_single_point_stores_are_drawn():
    plot(store(complete=0), panels=[PROBABILITY]).canvas.draw()
    plot(fake_stores.kernel_onset((16,), (1.0,), 5)).canvas.draw()
    single = fake_stores.kernel_onset((16,), LOADS, 5).isel(dim=0)
    assert not plot(single, panels=[PROBABILITY]).axes[0].get_title()


def test_a_study_declares_its_panels_and_misses_those_without_variables(monkeypatch):
    class Declared:
        panels = (PROBABILITY, Panel((Curve("delta_energy"),)))

    monkeypatch.setattr(studies, "STUDIES", {"kernel-onset": Declared})
    assert len(plot(store()).axes) == 1
    unknown = store().assign_attrs(study="my-own")
    assert [axes.get_ylabel() for axes in plot(unknown).axes] == [
        "P(Δ > 0)",
        "Squared Hellinger distance H²",
        "KL(generated‖population) (nat)",
    ]


def test_the_figure_of_kernel_onset():
    figure = plot(store())
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "P(Δ > 0)",
        "$(1 - H^2)^{1/d}$",
        "Squared Hellinger distance H²",
    ]
    assert len(figure.legends) == 1


@pytest.mark.parametrize(
    ("panels", "sentence"),
    [
        ([], "panels must hold at least one panel, got none"),
        ([Panel((Curve("log_scale"),))], "summary of log_scale must be sign, mean, median or fraction"),
        (
            ["detla"],
            "panels must name variables among delta, hellinger_squared, kl_generated_population, got",
        ),
    ],
)
def test_bad_panels(panels, sentence):
    with pytest.raises(ValueError, match=sentence):
        plot(store(), panels=panels)


@pytest.mark.parametrize("size", [(1,), (1, 2, 3), (0, 1)])
def test_bad_sizes(size):
    with pytest.raises(ValueError, match="size must be"):
        plot(store(replicates=2), size=size)


def test_a_dataset_without_anything_to_draw():
    with pytest.raises(ValueError, match="dataset must hold a variable with a summary to draw, got none"):
        plot(xr.Dataset({"a": ("replicate", [1.0])}))
    with pytest.raises(ValueError, match="delta must have an axis to be drawn over"):
        plot(xr.Dataset({"delta": ("replicate", [1.0])}))


def test_global_settings_and_pyplot_are_not_touched():
    before = dict(mpl.rcParams)
    plot(store()).canvas.draw()
    assert dict(mpl.rcParams) == before
    program = (
        "import sys; from jaxmem.plotting.inline import InlineFigure; InlineFigure(1, 1)._repr_png_(); "
        "import jaxmem.plotting; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
