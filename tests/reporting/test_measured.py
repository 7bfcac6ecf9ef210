"""The page of one's own samples: figures and numbers are those of the measurement, pairs are shown."""

import re

import numpy as np
import pytest
from pages import figures, values

import jaxmem
from jaxmem.cli import main
from jaxmem.measuring import read_pictures
from jaxmem.reporting import report_measurement

RANDOM = np.random.default_rng(4)
FEW = {"permutations": 99, "resamples": 20, "distances": ["energy_distance"]}


@pytest.fixture(scope="module")
def sets():
    train, held_out, fresh = (RANDOM.integers(0, 256, (60, 4, 4), np.uint8) for _ in range(3))
    return {"generated": np.concatenate([train[:15], fresh[:45]]), "train": train, "held_out": held_out}


@pytest.fixture(scope="module")
def found(sets):
    return jaxmem.measure(**sets, **FEW)


def test_figures_and_numbers(found, sets, tmp_path):
    given = {name: sets[name] for name in ("generated", "train")}
    page = report_measurement(found, tmp_path / "page.html", **given).read_text("utf-8")
    (shares, _), (tests, layout), (cells, _) = figures(page)
    generated, held_out = shares
    np.testing.assert_allclose(values(generated["y"]), [found.memorised.value, found.authentic.value])
    high = found.memorised.high - found.memorised.value
    assert values(generated["error_y"]["array"])[0] == pytest.approx(high)
    np.testing.assert_allclose(values(held_out["y"]), [found.memorised.held_out, found.authentic.held_out])
    low = found.authentic.held_out - found.authentic.held_out_low
    assert values(held_out["error_y"]["arrayminus"])[1] == pytest.approx(low)
    assert dict(zip(tests[0]["y"], values(tests[0]["x"]), strict=True)) == pytest.approx(
        {name.replace("_", " "): p for name, p in found.p_values.items()}
    )
    assert layout["shapes"][0]["x0"] == pytest.approx(0.05 / 4)
    np.testing.assert_allclose(
        values(cells[0]["y"]), [cell.z for cell in found.data_copying.cells if cell.used]
    )
    assert page.count('<img alt="pictures"') == 1
    text = re.search(r'<script type="text/csv" id="measured">(.*?)</script>', page, re.DOTALL).group(1)
    rows = dict(line.split(",") for line in text.strip().splitlines())
    assert float(rows["memorised_fraction"]) == found.memorised.value
    assert float(rows["energy_distance_p_value"]) == found.distances["energy_distance"].p_value
    assert "Copying is seen" in page


def test_rows_have_no_pictures_and_no_held_out_no_tests(sets, tmp_path):
    rows = {name: sets[name].reshape(60, -1) / 1.0 for name in ("generated", "train")}
    alone = jaxmem.measure(**rows, **FEW)
    page = report_measurement(alone, tmp_path / "page.html", **rows).read_text("utf-8")
    ((shares, _),) = figures(page)
    assert [trace["name"] for trace in shares] == ["generated"]
    assert "<img" not in page


def test_pictures_of_what_is_given(sets, tmp_path):
    np.save(tmp_path / "images.npy", sets["train"])
    np.save(tmp_path / "rows.npy", np.zeros((3, 16)))
    expected = sets["train"][..., None] / 127.5 - 1
    for source in (sets["train"], tmp_path / "images.npy"):
        np.testing.assert_allclose(read_pictures("train", source), expected, atol=1e-6)
    assert read_pictures("train", tmp_path / "rows.npy") is None
    assert read_pictures("train", np.zeros((3, 16))) is None


def test_from_the_command_line(sets, tmp_path, capsys):
    words = [
        "measure",
        "--quiet",
        "--permutations",
        "99",
        "--resamples",
        "20",
        "--distances",
        "energy_distance",
    ]
    for name, images in sets.items():
        np.save(tmp_path / f"{name}.npy", images)
        words += [f"--{name.replace('_', '-')}", str(tmp_path / f"{name}.npy")]
    assert main([*words, "--report", str(tmp_path / "page.pdf")]) == 1
    assert "output must be a .html file" in capsys.readouterr().err
    assert main([*words, "--report", str(tmp_path / "page.html")]) == 0
    assert "memorised fraction" in capsys.readouterr().out
    assert '<img alt="pictures"' in (tmp_path / "page.html").read_text("utf-8")
