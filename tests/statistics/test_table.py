import fake_stores
import numpy as np
import xarray as xr

from jaxmem.statistics import summarise, summary_table, transition


def test_a_line_per_grid_point_with_the_summary_in_it():
    store = fake_stores.kernel_onset((16, 50, 100), replicates=200)
    summary = summarise(store)
    lines = summary_table(store).splitlines()
    assert lines[0] == "study kernel-onset, seed 0, up to 200 replicates per point"
    header = lines[2].split()
    assert header[:5] == ["dim", "load", "n", "replicates", "p_positive"]
    rows = lines[3 : 3 + 18]
    point = summary.sel(dim=50, load=2.0)
    row = next(row for row in rows if row.split()[:2] == ["50", "2"])
    assert row.split()[2:4] == ["100", "200"]
    assert f"{point['p_positive'].item():.3f} [{point['p_positive_low'].item():.3f}, " in row
    value, error = row.split(" ± ")[0].split()[-1], row.split(" ± ")[1].split()[0]
    assert abs(float(value) - point["hellinger_squared"].item()) < float(error)
    assert abs(float(error) / point["hellinger_squared_standard_error"].item() - 1) < 0.06
    assert rows[0].endswith("inf")
    assert len({len(line) for line in [lines[2], *rows]}) == 1


def test_the_transition_is_told_per_dimension():
    store = fake_stores.kernel_onset((16, 50, 100), replicates=200)
    text = summary_table(store)
    location = transition(store)["location"]
    for dim in (16, 50, 100):
        assert f"dim {dim}: 1/2 at load {location.sel(dim=dim).item():.3g} [" in text
    assert "location ~ d^" in text
    assert "width ~ d^-" in text


def test_a_curve_that_is_not_monotone_is_called_so():
    store = fake_stores.kernel_onset((16, 50), replicates=100)
    said = "not monotone beyond its errors"
    assert said not in summary_table(store)
    store["delta"][0, 0] = 1.0
    lines = summary_table(store).splitlines()
    (line,) = (i for i, line in enumerate(lines) if said in line)
    assert "dim 16" in lines[line - 1]


def test_medians_have_their_intervals_in_brackets():
    values = np.array([[1e6, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, np.inf], [1.0, 2.0] + 6 * [np.nan]])
    store = xr.Dataset({"kl": (("load", "replicate"), values, {"summary": "median"})}, {"load": [1.0, 2.0]})
    lines = summary_table(store).splitlines()
    assert lines[2].split()[-1] == "kl_median"
    assert lines[3].endswith("5.5 [2, inf]")
    assert lines[4].endswith("1.5 [no interval]")


def test_one_replicate_has_no_interval():
    store = fake_stores.kernel_onset((16, 50, 100), replicates=2)
    text = summary_table(store.isel(replicate=[1]))
    assert "between the grid's" in text
    assert text.count("[no interval], between") == 3
    assert "location ~ d^" in text
    assert text.split("location ~ d^")[1].split("\n")[0].endswith(" [no interval]")
    found = transition(store.isel(replicate=[1]))
    for name in ("low", "high", "share", "resamples"):
        assert found[f"location_{name}"].isnull().all()


def test_a_grid_without_a_crossing_says_so():
    text = summary_table(fake_stores.kernel_onset((100,), (0.1, 0.2, 0.4), 50))
    assert "dim 100: no crossing of 1/2 on the grid, [above 0.4]" in text
    assert "d^" not in text


def test_unfinished_points_have_a_dash():
    lines = summary_table(fake_stores.kernel_onset(replicates=10, complete=0)).splitlines()
    assert lines[3].split()[3:] == ["0", "-", "-", "-"]


def test_trajectories_show_their_last_step_and_few_directions_each_their_own():
    rng = np.random.default_rng(0)
    store = xr.Dataset(
        {
            "loss": (("samples", "step", "replicate"), rng.random((2, 9, 5)), {"summary": "mean"}),
            "overlap": (("samples", "direction", "replicate"), rng.random((2, 2, 5)), {"summary": "mean"}),
        },
        {"samples": [32, 64], "step": np.arange(9) * 10, "direction": [1, 2]},
    )
    header = summary_table(store).splitlines()[2]
    assert "loss at step 80" in header
    assert "loss at step 70" not in header
    assert "overlap at direction 1" in header
    assert "overlap at direction 2" in header


def test_a_single_point_without_axes():
    store = xr.Dataset({"delta": ("replicate", [1.0, 2.0, -1.0, 3.0])})
    assert "0.750 [0.301, 0.954]" in summary_table(store)


def test_digits_follow_the_standard_error():
    values = {"a": (1.0, 0.1), "b": (1e9, 1e6), "c": (3e-7, 1e-8), "d": (0.999999, 1e-10), "e": (5.0, 0.0)}
    base = np.array([-1.0, 1.0])  # standard error 1
    store = xr.Dataset(
        {
            name: ("replicate", mean + error * base, {"summary": "mean"})
            for name, (mean, error) in values.items()
        }
    )
    row = summary_table(store).splitlines()[3].split("  ")
    cells = [cell.strip() for cell in row if cell.strip()]
    assert cells[1:] == [
        "1.00 ± 0.10",
        "1.0000e+09 ± 1.0e+06",
        "3.00e-07 ± 1.0e-08",
        "0.999999 ± 1.0e-10",
        "5",
    ]
