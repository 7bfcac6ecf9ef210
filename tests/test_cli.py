"""The command line, as a script would use it."""

import subprocess
import sys

import pytest
import xarray as xr

import jaxmem
from jaxmem.cli import main

GRID = ["--dims", "4", "6", "--loads", "1", "3", "--reference-size", "60", "--seed", "3"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "store"
    words = ["run", "kernel-onset", *GRID, "--replicates", "6", "--store", str(path), "--quiet"]
    assert main(words) == 0
    return path


def test_run_leaves_a_store_that_xarray_opens(store):
    found = xr.open_zarr(store)
    assert found["delta"].sizes == {"dim": 2, "load": 2, "replicate": 6}
    assert found.attrs["study"] == "kernel-onset"
    for name in ("delta", "log_scale", "hellinger_squared", "kl_generated_population", "n"):
        assert name in found.variables
    assert set(jaxmem.summarise(found)) >= {"p_positive", "p_positive_low", "p_positive_high"}


def test_list_and_show(store, capsys):
    assert main(["list"]) == 0
    assert "kernel-onset" in capsys.readouterr().out
    assert main(["show", str(store)]) == 0
    assert "p_positive" in capsys.readouterr().out


def test_plot(store, tmp_path):
    assert main(["plot", str(store), "-o", str(tmp_path / "figure.png")]) == 0
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_run_again_continues(store, capsys):
    words = ["run", "kernel-onset", *GRID, "--replicates", "6", "--store", str(store)]
    assert main(words) == 0
    assert "100%" in capsys.readouterr().err


def test_help_explains_every_field(capsys):
    assert main(["run", "--help"]) == 0
    text = capsys.readouterr().out
    for flag in ("--dims", "--reference-size", "--spikes", "--replicates", "--store", "--learning-rates"):
        assert flag in text
    assert "(default: 300)" in text


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["fly"], "the command must be one of run, list, show, plot, got 'fly'."),
        (["run"], "run needs the name of a study"),
        (["run", "nothing"], "the study must be one of kernel-onset"),
        (["run", "kernel-onset", "--loads", "2", "1"], "load must be strictly increasing, got (2.0, 1.0)."),
        (
            ["run", "kernel-onset", "--replicates", "0"],
            "replicates must be a whole number of at least 1, got 0.",
        ),
        (["run", "kernel-onset", "--figure", "x.doc"], "figure must end in .png, .pdf or .svg"),
        (["show", "/nowhere"], "store must be an existing directory, got '/nowhere', where there is none."),
    ],
)
def test_errors_are_one_sentence(words, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("jaxmem: ")
    assert sentence in lines[0]


def test_another_seed_is_refused(store, capsys):
    words = ["run", "kernel-onset", *GRID[:-1], "4", "--replicates", "6", "--store", str(store)]
    assert main(words) == 1
    assert "was made with seed = 3" in capsys.readouterr().err


def test_traceback_is_there_when_asked_for():
    with pytest.raises(ValueError, match="the study must be one of"):
        main(["run", "nothing", "--traceback"])


def test_interrupt_has_a_sentence(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("jaxmem.cli.run", interrupted)
    assert main(["run", "kernel-onset"]) == 130
    assert "interrupted; finished chunks are kept" in capsys.readouterr().err


def test_a_reader_that_has_seen_enough(store):
    program = f"{sys.executable} -m jaxmem.cli show {store} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", program], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_padding_is_counted(capsys, tmp_path):
    words = ["run", "kernel-onset", "--dims", "6", "--loads", "2", "4", "--reference-size", "10"]
    assert main([*words, "--replicates", "1", "--store", str(tmp_path / "store")]) == 0
    assert "padding wasted: 55%" in capsys.readouterr().err  # 12 and 24 samples in 16 and 64 rows
