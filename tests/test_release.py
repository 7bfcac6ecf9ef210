"""What would be published: built, its metadata checked, and run from the wheel alone."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import jaxmem

ROOT = Path(__file__).parents[1]


def run(*words, **settings):
    done = subprocess.run(
        [sys.executable, *map(str, words)], check=False, capture_output=True, text=True, **settings
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel by way of the sdist, with the tools that are here."""
    folder = tmp_path_factory.mktemp("dist")
    run("-m", "build", "--no-isolation", "--outdir", folder, ROOT)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, source


def test_metadata(built):
    assert "FAILED" not in run("-m", "twine", "check", "--strict", *built)
    wheel, source = built
    assert wheel.name == f"jaxmem-{jaxmem.__version__}-py3-none-any.whl"
    assert source.name == f"jaxmem-{jaxmem.__version__}.tar.gz"


def test_the_wheel_holds_the_package_and_nothing_else(built):
    wheel, source = built
    files = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    tracked = {str(path.relative_to(ROOT)) for path in (ROOT / "jaxmem").rglob("*.py")} | {"jaxmem/py.typed"}
    assert files == tracked
    with tarfile.open(source) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "pyproject.toml", "CHANGELOG.md"} <= held


def test_it_runs_from_the_wheel(built, tmp_path):
    """In a folder without the repository; its dependencies are those of this environment."""
    wheel, _ = built
    environment = os.environ | {"PYTHONPATH": str(wheel)}
    assert "kernel-onset" in run("-m", "jaxmem.cli", "list", cwd=tmp_path, env=environment)
    told = run("-c", "import jaxmem; print(jaxmem.__file__)", cwd=tmp_path, env=environment)
    assert told.startswith(str(wheel))
