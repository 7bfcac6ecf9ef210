"""The page of a store: its numbers are those of the summary, its lines the theory, and nothing is fetched."""

import re

import numpy as np
import pytest
import xarray as xr
from pages import figures, values

import jaxmem
from jaxmem.cli import main
from jaxmem.describing.pictures import PICTURE_DIMS
from jaxmem.studies import LinearOverlaps
from jaxmem.theory import convergence

RANDOM = np.random.default_rng(3)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Through the command line, so that a configuration lies beside it."""
    path = tmp_path_factory.mktemp("stores") / "few.zarr"
    words = ["run", "linear-overlaps", "--dims", "16", "24", "--loads", "0.5", "1", "4", "--replicates", "3"]
    assert main([*words, "--quantities", "convergence", "memorisation", "--quiet", "--store", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def page(store, tmp_path_factory):
    return jaxmem.report(store, tmp_path_factory.mktemp("pages") / "page.html").read_text(encoding="utf-8")


def test_points_bars_and_what_hovering_tells(store, page):
    summary = jaxmem.summarise(jaxmem.open_store(store))
    _, (data, layout) = figures(page)
    assert layout["xaxis"]["type"] == "log"
    points = [trace for trace in data if "error_y" in trace]
    assert [trace["name"] for trace in points] == ["d = 16", "d = 24"]
    for trace, dim in zip(points, (16, 24), strict=True):
        one = summary.sel(dim=dim)
        np.testing.assert_allclose(values(trace["x"]), [0.5, 1, 4])
        np.testing.assert_allclose(values(trace["y"]), one["convergence"])
        error = one["convergence_standard_error"]
        for end in ("array", "arrayminus"):
            np.testing.assert_allclose(values(trace["error_y"][end]), error, rtol=1e-9)
        told = values(trace["customdata"])
        np.testing.assert_allclose(told[:, 0], one["convergence"] - error)
        np.testing.assert_allclose(told[:, 1], one["convergence"] + error)
        np.testing.assert_allclose(told[:, 2], np.rint(np.array([0.5, 1, 4]) * dim))
        np.testing.assert_allclose(told[:, 3], 3)


def test_curves_of_one_panel_are_told_apart(tmp_path):
    """As in the figure: colour is the samples', dashes and hollow points the curve's."""
    shape = {"samples": 2, "network_width": 1, "step": 3, "replicate": 2}
    drawn = RANDOM.random(tuple(shape.values()))
    losses = {name: (tuple(shape), drawn, {"summary": "mean"}) for name in ("train_loss", "test_loss")}
    labels = {"samples": [12, 24], "network_width": [4], "step": [1, 10, 100]}
    dataset = xr.Dataset(losses, labels, {"study": "training-dynamics", "seed": 0, "configuration": "{}"})
    dataset["samples"].attrs["long_name"] = "training samples n"
    page = jaxmem.report(dataset, tmp_path / "page.html").read_text("utf-8")
    data, layout = figures(page)[0]
    looks = {
        one["name"]: (one["line"]["color"], one["line"]["dash"], one["marker"]["symbol"]) for one in data
    }
    assert len(set(looks.values())) == 4
    assert looks["train, n = 12"][0] == looks["test, n = 12"][0] != looks["train, n = 24"][0]
    assert (looks["train, n = 12"][1], looks["test, n = 12"][1]) == ("solid", "dash")
    assert looks["test, n = 24"][2].endswith("-open")
    assert layout["height"] >= 370 + 4 / 2 * 22  # room for every name


def test_theory_lines(page):
    """q of isotropic data is the function of the load that theory has, of the same group as its points."""
    _, (data, _) = figures(page)
    line = next(trace for trace in data if trace.get("name") == "d = 24, theory")
    n = np.rint(values(line["x"]) * 24)
    np.testing.assert_allclose(values(line["y"]), convergence(n / 24), rtol=0.02)
    assert line["legendgroup"] == next(t for t in data if t["name"] == "d = 24")["legendgroup"]


def test_table_and_origin(store, page):
    """Rows that sort, the same as CSV, the command, and the configuration."""
    text = re.search(r'<script type="text/csv" id="summary-1">(.*?)</script>', page, re.DOTALL).group(1)
    lines = text.strip().splitlines()
    assert len(lines) == 1 + 6
    assert len(re.findall("<tr>", page)) == 1 + 6
    summary = jaxmem.summarise(jaxmem.open_store(store))
    column = lines[0].split(",").index("memorisation")
    found = [float(line.split(",")[column]) for line in lines[1:]]
    np.testing.assert_allclose(found, summary["memorisation"].values.ravel())
    assert f"jaxmem run linear-overlaps --config {store.with_suffix('.toml')} --store {store}" in page
    assert "<dt>estimate_mean</dt><dd>False</dd>" in page
    assert f"<dt>jaxmem</dt><dd>{jaxmem.__version__}</dd>" in page


def test_nothing_is_fetched(page):
    """No element with an address elsewhere; the drawing library is in the page."""
    body = re.sub(r"<script>/\*\*.*?</script>", "", page, flags=re.DOTALL)
    assert len(body) < len(page) - 10**6
    assert not re.findall(r"(?:src|href|action)\s*=\s*[\"']?(?:https?:)?//", body)
    assert "@import" not in body


def test_transitions_and_pictures(tmp_path):
    """A probability that crosses 1/2, and images, of two stores."""
    rng = np.random.default_rng(0)
    loads = np.array([0.5, 1.0, 2.0, 4.0])
    delta = rng.normal(size=(4, 40)) + np.array([-3, -1, 1, 3])[:, None]
    sign = xr.Dataset(
        {"delta": (("load", "replicate"), delta, {"summary": "sign", "long_name": "Δ"})}, {"load": loads}
    )
    sign.attrs = {"study": "kernel-onset", "seed": 0, "configuration": '{"reference_size": 9}'}
    shown = xr.Dataset(
        {"image": (("load", *PICTURE_DIMS, "replicate"), rng.random((4, 2, 4, 4, 1, 1)))}, {"load": loads}
    )
    page = jaxmem.report([sign, shown], tmp_path / "two.html").read_text(encoding="utf-8")
    ((data, _),) = figures(page)
    diamond = next(trace for trace in data if trace["name"] == "transition")
    found = jaxmem.statistics.transition(sign)
    assert values(diamond["x"])[0] == pytest.approx(float(found["location"]))
    high = float(found["location_high"] - found["location"])
    assert values(diamond["error_x"]["array"])[0] == pytest.approx(high)
    assert page.count('<img alt="pictures" src="data:image/png;base64,') == 1
    assert "transition of p_positive along the load" in page
    assert "summary-2" in page


def test_bad_input_is_refused(store, tmp_path, capsys):
    with pytest.raises(ValueError, match=r"output must be a .html file, got 'page.pdf'"):
        jaxmem.report(store, "page.pdf")
    with pytest.raises(ValueError, match="stores must hold at least one store, got none"):
        jaxmem.report([], tmp_path / "page.html")
    assert main(["report", str(tmp_path / "none"), "-o", str(tmp_path / "page.html")]) == 1
    assert "must be an existing directory" in capsys.readouterr().err
    assert main(["report", str(store), "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").is_file()


def test_studies_panels_are_drawn(page):
    """Those whose variables the store has: m and q."""
    declared = [panel.curves[0].variable for panel in LinearOverlaps.panels]
    assert declared[:2] == ["memorisation", "convergence"]
    assert len(figures(page)) == 2
    assert "Convergence q" in page
