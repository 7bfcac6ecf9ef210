"""A package that declares a study: listed, run, plotted and reported like our own."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

import jaxmem

EXAMPLE = Path(__file__).parents[2] / "docs" / "example_study"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The example as pip lays it out: its module, and its entry points in a folder of metadata."""
    folder = tmp_path_factory.mktemp("site")
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    (module,) = EXAMPLE.glob("*.py")
    (folder / module.name).write_text(module.read_text())
    lines = [
        line
        for group, entries in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in entries.items()))
    ]
    metadata = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "entry_points.txt").write_text("\n".join([*lines, "broken = nothing_here:Study"]))
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    return folder


def run(site, *words):
    environment = os.environ | {"PYTHONPATH": f"{site}{os.pathsep}{Path(__file__).parents[2]}"}
    return subprocess.run(  # noqa: PLW1510 - the status is looked at
        [sys.executable, "-m", "jaxmem.cli", *words], env=environment, capture_output=True, text=True
    )


def test_listed_beside_our_own(site):
    found = run(site, "list").stdout
    assert "kernel-onset" in found
    assert "biased-coin         From the package coin-study." in found


def test_run_plotted_and_reported(site, tmp_path):
    store, figure, page = (tmp_path / name for name in ("coin.zarr", "coin.png", "coin.html"))
    words = ["--flips", "4", "64", "--bias", "0.1", "--replicates", "400", "--store", str(store)]
    done = run(site, "run", "biased-coin", *words, "--figure", str(figure), "--quiet")
    assert done.returncode == 0, done.stderr
    assert figure.stat().st_size > 5_000
    share = (jaxmem.open_store(store)["excess"] > 0).mean("replicate")
    for flips in (4, 64):
        chance = binom.sf(flips // 2, flips, 0.6)
        error = np.sqrt(chance * (1 - chance) / 400)
        assert abs(float(share.sel(flip_count=flips)) - chance) < 4.5 * error
    done = run(site, "report", str(store), "-o", str(page))
    assert done.returncode == 0, done.stderr
    assert "theory" in page.read_text(encoding="utf-8")


def test_one_that_cannot_be_loaded_is_one_sentence(site):
    done = run(site, "run", "broken", "--replicates", "1")
    assert done.returncode == 1
    sentence = "study broken of coin-study cannot be loaded: ModuleNotFoundError: No module named"
    assert done.stderr.startswith(f"jaxmem: {sentence}")
