"""The site: built strictly, nothing fetched from elsewhere, and its code runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "docs" / "site" / "pages"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Strict: a broken link, an unknown name or a docstring of other arguments is an error."""
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "-q", "-f", str(ROOT / "docs/site/mkdocs.yml")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        [*words, "-d", str(folder)], check=False, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_system_and_experiment_has_its_place(site):
    for number in range(1, 9):
        text = (site / "systems" / f"s{number}" / "index.html").read_text(encoding="utf-8")
        assert "What is seen" in text
        assert "Attributes" in text or "attribute" in text
    experiments = (site / "experiments" / "index.html").read_text(encoding="utf-8")
    figures = list((ROOT / "docs" / "site" / "figures").glob("*.png"))
    assert len(figures) >= 4
    assert not [path.name for path in figures if f'figures/{path.name}"' not in experiments]
    for path in (ROOT / "experiments").glob("*.py"):
        assert f'id="{path.stem}"' in experiments
    own = (site / "own-study" / "index.html").read_text(encoding="utf-8")
    assert "class BiasedCoin" in re.sub("<[^>]*>", "", own)


def test_every_public_name_and_tutorial_is_there(site):
    """A name as an anchor of its package's page; tutorials with what their cells gave."""
    import jaxmem  # noqa: PLC0415

    for package in ("metrics", "theory", "populations", "statistics", "sweeping"):
        text = (site / "reference" / package / "index.html").read_text(encoding="utf-8")
        names = [name for name in dir(getattr(jaxmem, package)) if not name.startswith("_")]
        functions = [
            one
            for name in names
            if getattr(one := getattr(getattr(jaxmem, package), name), "__qualname__", "")
        ]
        assert len(functions) >= 8
        missing = [f"{one.__module__}.{one.__qualname__}" for one in functions]
        assert not [place for place in missing if f'id="{place}"' not in text]
    for path in (PAGES / "tutorials").glob("*.ipynb"):
        text = (site / "tutorials" / path.stem / "index.html").read_text(encoding="utf-8")
        assert "jp-OutputArea-output" in text
        assert "Traceback" not in text
    first = (site / "tutorials" / "first_sweep" / "index.html").read_text(encoding="utf-8")
    assert 'src="data:image/png;base64,' in first
    assert "location_high" in first


def test_nothing_is_fetched_from_elsewhere(site):
    """Links lead away; scripts, styles, fonts and pictures do not."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert not re.findall(r"<(?:script|img|iframe)[^>]*src=[\"']?(?:https?:)?//", text), page
        assert not re.findall(r"<link[^>]*rel=[\"']?(?:stylesheet|preconnect)[^>]*//", text), page


@pytest.mark.parametrize("page", sorted(PAGES.rglob("*.md")), ids=lambda page: page.stem)
def test_code_runs(page):
    """The blocks of a page one after the other, as a reader would."""
    names = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(block, str(page), "exec"), names)


def test_commands_are_understood(capsys):
    """Each study that a page runs is one, and so is each of its flags."""
    from jaxmem.cli import main  # noqa: PLC0415

    commands = {
        line
        for page in PAGES.rglob("*.md")
        for line in page.read_text(encoding="utf-8").splitlines()
        if line.startswith("jaxmem run ")
    }
    assert len(commands) >= 8
    for line in commands:
        study, flags = line.split()[2], re.findall(r"--[a-z-]+", line)
        assert main(["run", study, "--help"]) == 0
        told = capsys.readouterr().out
        assert [flag for flag in flags if flag not in told] == [], line
