"""The command line, as a script would use it."""

import csv
import dataclasses
import io
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import jax
import numpy as np
import pytest
import xarray as xr

import jaxmem
from jaxmem.cli import main, running
from jaxmem.cli.configuration import configuration_path
from jaxmem.cli.encoding import written_out
from jaxmem.cli.options import field_docstrings
from jaxmem.studies import STUDIES

GRID = ["--dims", "4", "6", "--loads", "1", "3", "--reference-size", "60", "--seed", "3"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("cli") / "store"
    words = ["run", "kernel-onset", *GRID, "--replicates", "6", "--store", str(path), "--quiet"]
    assert main(words) == 0
    return path


def labelled(dataset):
    """What xarray's own plots label."""
    return [dataset[name] for name in dataset.variables if name != "completed"]


def test_run_leaves_a_store_that_xarray_opens(store):
    found = xr.open_zarr(store)
    assert found["delta"].sizes == {"dim": 2, "load": 2, "replicate": 6}
    assert found.attrs["study"] == "kernel-onset"
    assert all(one.attrs["long_name"] and one.attrs["units"] for one in labelled(found))
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
        (
            ["fly"],
            "the command must be one of run, list, show, plot, report, check, measure, completion, got",
        ),
        (["run"], "run needs the name of a study"),
        (["run", "nothing"], "the study must be one of kernel-onset"),
        (["run", "kernel-onset", "--loads", "2", "1"], "loads must be strictly increasing, got (2.0, 1.0)."),
        (
            ["run", "kernel-onset", "--replicates", "0"],
            "replicates must be a whole number of at least 1, got 0.",
        ),
        (["run", "kernel-onset", "--figure", "x.doc"], "figure must end in .png, .pdf or .svg"),
        (
            ["run", "kernel-onset", "--memory-budget", "-5"],
            "memory_budget must be a whole number of at least 1, got -5.",
        ),
        (["run", "kernel-onset", "--samples", "no.npy"], "samples must be the path of a .npy or .npz file"),
        (["run", "--config", "no.toml"], "config must be a TOML file, got 'no.toml', where there is none."),
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


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "condensation", "--seed", "1.5"], "--seed must be a whole number, got '1.5'."),
        (["run", "condensation", "--dims", "4", "x"], "--dims must be a whole number, got 'x'."),
        (["run", "condensation", "--times", "soon"], "--times must be a number, got 'soon'."),
        (["run", "condensation", "--seed"], "--seed needs one value."),
        (["run", "condensation", "--dimss", "3"], "has no flag --dimss; did you mean --dims?"),
        (["run", "condensation", "--quiet", "no"], "cannot place the word 'no'"),
        (["run", "condensation", "--quiet=no"], "--quiet takes no value, got 'no'."),
        (["run", "reverse-steps", "--scheme", "rk"], "--scheme must be one of euler-maruyama, euler, heun"),
        (["show"], "jaxmem show needs STORE"),
        (["plot", "store"], "jaxmem plot needs --output/-o"),
        (["completion", "perl"], "SHELL must be one of bash, zsh, tcsh, got 'perl'."),
        (["run", "--config"], "--config needs 1 value."),
    ],
)
def test_what_cannot_be_understood_is_one_sentence_with_status_2(words, sentence, capsys):
    assert main(words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("jaxmem: ")
    assert sentence in line


@pytest.fixture
def configured(monkeypatch, tmp_path):
    """What a command line makes of its words, without running it."""
    found = {}
    monkeypatch.setattr("jaxmem.cli.running.run", lambda study, options: found.update(s=study, o=options))
    monkeypatch.setattr("jaxmem.cli.running.write_configuration", lambda *_: None)

    def configure(*words):
        assert main(["run", *words]) == 0
        return found["s"], found["o"]

    return configure


def test_values_become_what_the_fields_are(configured):
    words = "--time 1 2 --noise-scale none --bandwidth 3 --mean -1e-1 0 --spikes 2 -0.5 --reference_size 1e4"
    study, options = configured(
        "kernel-onset", *words.split(), "--draws", "inf", "--fresh-reference", "--dims", "4"
    )
    assert study == jaxmem.studies.KernelOnset(
        dims=(4,),
        time=(1.0, 2.0),
        bandwidth=3.0,
        population=jaxmem.populations.PopulationSettings(mean=(-0.1, 0.0), spikes=(2.0, -0.5)),
        draws=float("inf"),
        fresh_reference=True,
        reference_size=10_000,
    )
    assert type(study.reference_size) is int
    assert (options.replicates, options.seed, options.store) == (300, 0, None)
    assert configured("learning-rate")[1].replicates == STUDIES["learning-rate"].default_replicates


@pytest.mark.parametrize("name", STUDIES)
def test_defaults_are_the_studys_own_and_quick_is_a_smaller_one(configured, name):
    assert configured(name)[0] == STUDIES[name]()
    study, options = configured(name, "--quick", "--seed", "7")
    changed = {"replicates": options.replicates} | {
        field.name: getattr(study, field.name)
        for field in dataclasses.fields(study)
        if getattr(study, field.name) != getattr(STUDIES[name](), field.name)
    }
    assert changed == dict(STUDIES[name].quick)
    assert changed


def test_what_was_run_is_written_beside_the_store_and_repeats_it(configured, monkeypatch, tmp_path, store):
    written = tomllib.loads((store.parent / "store.toml").read_text())
    assert (written["study"], written["dims"], written["seed"]) == ("kernel-onset", [4, 6], 3)
    assert written["population"]["mean"] == 0.0
    monkeypatch.undo()
    found = {}
    monkeypatch.setattr("jaxmem.cli.running.run", lambda study, options: found.update(s=study, o=options))
    monkeypatch.setattr("jaxmem.cli.running.write_configuration", lambda *_: None)
    assert main(["run", "--config", str(store.parent / "store.toml"), "--seed", "5"]) == 0
    assert found["s"].dims == (4, 6)
    assert found["s"] == jaxmem.studies.KernelOnset(dims=(4, 6), loads=(1.0, 3.0), reference_size=60)
    assert (found["o"].replicates, found["o"].seed, found["o"].store) == (6, 5, store)


def test_what_was_not_said_is_left_to_the_study_and_arrays_are_repeated_by_path(tmp_path, monkeypatch):
    """A study may derive the defaults of one field from another's value: it must see what was said alone."""
    monkeypatch.chdir(tmp_path)
    np.save("covariance.npy", np.eye(3))
    found, said = {}, {}
    monkeypatch.setattr("jaxmem.cli.running.run", lambda study, options: found.update(study=study))
    given = running.study_with
    monkeypatch.setattr(
        running,
        "study_with",
        lambda kind, options, values: given(kind, options, said.update(values) or values),
    )
    Path("here").mkdir()
    words = ["--covariance", "covariance.npy", "--dims", "3", "--loads", "1"]
    assert main(["run", "linear-overlaps", *words, "--store", "here/store.zarr"]) == 0
    assert said == {
        "covariance": "covariance.npy",
        "dims": (3,),
        "loads": (1.0,),
        "store": Path("here/store.zarr"),
    }
    written = tomllib.loads(Path("here/store.toml").read_text())
    assert written["population"]["covariance"] == str(tmp_path / "covariance.npy")
    assert (written["loads"], written["store"]) == ([1.0], "store.zarr")
    monkeypatch.chdir("here")
    assert main(["run", "--config", "store.toml"]) == 0
    assert (found["study"].dims, said["store"]) == ((3,), tmp_path / "here" / "store.zarr")
    found["study"].population.check((3,))


def test_a_configuration_lies_beside_its_store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for store, expected in {
        "results/a.zarr": tmp_path / "results" / "a.toml",
        "results/a.1.2": tmp_path / "results" / "a.1.2.toml",
        ".": tmp_path.parent / f"{tmp_path.name}.toml",
    }.items():
        assert configuration_path(Path(store)) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('study = "condensation"', "config must be of kernel-onset, got"),
        ('study = "kernel-onset"\ndim = 3', "config must set fields of kernel-onset only, got dim in"),
        ('study = "kernel-onset"\n[population]\nsize = 3', "only, got population.size in"),
        ("dims = 3", 'config must name its study, as in study = "kernel-onset"'),
        ("dims = = 3", "config must be a TOML file, got"),
    ],
)
def test_a_bad_configuration_has_a_sentence(text, sentence, tmp_path, capsys):
    (tmp_path / "run.toml").write_text(text)
    assert main(["run", "kernel-onset", "--config", str(tmp_path / "run.toml")]) == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert sentence in line


def test_show_as_csv_and_json(store, capsys):
    assert main(["show", str(store), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    summary = jaxmem.summarise(xr.open_zarr(store))
    grid = [("4", "1.0"), ("4", "3.0"), ("6", "1.0"), ("6", "3.0")]
    assert [(row["dim"], row["load"]) for row in rows] == grid
    assert float(rows[2]["p_positive"]) == summary["p_positive"][1, 0]
    assert rows[2]["n"] == "6"
    assert main(["show", str(store), "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["variables"]["p_positive"]["values"] == summary["p_positive"].values.tolist()
    assert found["coordinates"]["load"]["values"] == [1.0, 3.0]
    assert found["attributes"]["study"] == "kernel-onset"
    infinite = next(name for name in found["variables"] if name.startswith("kl_generated_population"))
    assert found["variables"][infinite]["values"][0][0] == "inf"  # n = d


def test_plot_takes_size_panels_and_resolution(store, tmp_path):
    path = tmp_path / "figure.png"
    words = ["--size", "3", "2", "--dots-per-inch", "50", "--panels", "delta", "--confidence", "0.8"]
    assert main(["plot", str(store), "-o", str(path), *words]) == 0
    header = path.read_bytes()[16:24]
    assert (int.from_bytes(header[:4]), int.from_bytes(header[4:])) == (150, 100)


def test_every_help_has_examples_and_no_line_breaks_of_the_source(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for words in (["run", name] for name in STUDIES):
        assert main([*words, "--help"]) == 0
        text = capsys.readouterr().out
        assert f"  jaxmem run {words[1]} --quick" in text
        assert "\ngrid: " in text
        assert "\nsweep: " in text
        wide = [line for line in text.splitlines() if len(line) > 80 and not line.startswith("  jaxmem")]
        assert all("=" in line for line in wide)  # a formula set off in a docstring
        assert "|" not in text.split("\ngrid: ")[1].replace("‖", "")
    for command in ("list", "show", "plot", "completion"):
        assert main([command, "--help"]) == 0
        assert f"examples\n  jaxmem {command}" in capsys.readouterr().out


def test_every_field_of_every_study_is_documented():
    for study in STUDIES.values():
        assert {field.name for field in dataclasses.fields(study)} <= set(field_docstrings(study))


def test_the_registry_says_what_the_studies_say():
    for name, summary in STUDIES.summaries().items():
        assert STUDIES[name].name == name
        assert STUDIES[name].__doc__.splitlines()[0] == summary


def test_listing_and_version_load_no_jax_and_degrade_where_symbols_cannot_be_shown():
    program = (
        "import sys; from jaxmem.cli import main; assert main(['list']) == main(['--version']) == 0; "
        "assert not {'jax', 'numpy', 'xarray'} & set(sys.modules)"
    )
    for encoding in ("ascii", "cp1252"):
        environment = os.environ | {"PYTHONIOENCODING": encoding}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"P(Delta > 0)" in done.stdout


def test_symbols_are_written_out():
    assert written_out("Δ ≥ σ² − ½ ‖Σ̂‖ λ_max é ☃") == "Delta >= sigma2 - 1/2 ||Sigma|| lambda_max e ?"


def test_completion_knows_commands_studies_and_flags(capsys):
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    for word in ("memorisation-time", "--dots-per-inch", "--reference-size", "euler-maruyama"):
        assert word in script
    checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_another_seed_is_refused(store, capsys):
    words = ["run", "kernel-onset", *GRID[:-1], "4", "--replicates", "6", "--store", str(store)]
    assert main(words) == 1
    assert "was made with seed = 3" in capsys.readouterr().err


def test_traceback_is_there_when_asked_for():
    with pytest.raises(ValueError, match="the study must be one of"):
        main(["run", "nothing", "--traceback"])


def test_interrupt_has_a_sentence(monkeypatch, capsys, tmp_path):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("jaxmem.cli.running.run", interrupted)
    monkeypatch.chdir(tmp_path)
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


@pytest.mark.parametrize("before", [None, "elsewhere"])
def test_the_compilation_cache_is_given_back(tmp_path, monkeypatch, before):
    """A user's own settings hold again after the run."""
    name, config = "JAX_COMPILATION_CACHE_DIR", jax.config.jax_compilation_cache_dir
    monkeypatch.delenv(name, raising=False)
    if before is not None:
        monkeypatch.setenv(name, before)
    with running.cached_compilations(tmp_path / "cache"):
        assert (tmp_path / "cache").is_dir()
        assert os.environ[name] == jax.config.jax_compilation_cache_dir == str(tmp_path / "cache")
    assert jax.config.jax_compilation_cache_dir == config
    assert os.environ.get(name) == before
