"""`jaxmem measure`, as a script would use it."""

import json
import sys

import numpy as np
import pytest

from jaxmem.cli import main
from jaxmem.cli.signals import Stopped

QUICK = ["--permutations", "99", "--resamples", "20", "--projections", "8"]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A model of which one sample in five is a copy."""
    folder, random = tmp_path_factory.mktemp("measure"), np.random.default_rng(8)
    sets = {name: random.normal(size=(100, 5)) for name in ("generated", "train", "held-out")}
    sets["generated"][:20] = sets["train"][:20]
    found = ["measure", *QUICK]
    for name, rows in sets.items():
        np.save(folder / f"{name}.npy", rows)
        found += [f"--{name}", str(folder / f"{name}.npy")]
    return found


def test_json_is_one_object_on_standard_output(words, capsys):
    assert main([*words, "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert 0.2 <= found["memorised_fraction"] < 0.3
    assert found["memorised_fraction_p_value"] < 1e-3
    for name in ("authenticity", "data_copying", "memorisation", "detectable_copies"):
        assert np.isfinite(found[name])
    assert {"energy_distance", "sliced_wasserstein", "kernel_gap"} < set(found["distances"])
    for gap in found["distances"].values():
        assert np.isfinite(gap["delta"])
        assert 0 < gap["p_value"] <= 1
    assert "pair" in printed.err


def test_a_table_tells_the_verdict_and_what_it_rests_on(words, capsys):
    assert main([*words, "--quiet", "--distances", "energy_distance", "--pairs", "2"]) == 0
    printed = capsys.readouterr()
    assert "Copying is seen, at 5 % over all tests, by: memorised fraction" in printed.out
    for word in ("authenticity", "C_T =", "energy distance", "nearest pairs", "one-sided, 95%"):
        assert word in printed.out
    assert "sliced wasserstein" not in printed.out
    assert printed.err == ""


def test_without_held_out_samples_there_is_no_verdict(words, capsys):
    assert main([*words[: words.index("--held-out")], "--quiet"]) == 0
    assert "Without held-out samples there is no baseline" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("added", "status", "sentence"),
    [
        (
            ["--generated", "nowhere.npy"],
            1,
            "generated must be the path of a .npy or .npz file or of a folder",
        ),
        (["--ratio", "2"], 1, "ratio must be a finite number above 0 and at most 1, got 2.0."),
        (["--distances", "hausdorff"], 2, "--distances must be one of energy_distance"),
        (["--features", "nothing"], 1, "features must be a function"),
    ],
)
def test_errors_are_one_sentence(words, added, status, sentence, capsys):
    assert main([*words, *added, "--quiet"]) == status
    printed = capsys.readouterr()
    assert sentence in printed.err
    assert len(printed.err.splitlines()) == 1
    assert not printed.out


def test_train_is_needed_and_help_has_examples(capsys):
    assert main(["measure", "--generated", "g.npy"]) == 2
    assert "jaxmem measure needs --train" in capsys.readouterr().err
    assert main(["measure", "--help"]) == 0
    text = capsys.readouterr().out
    assert "examples\n  jaxmem measure --generated" in text
    assert "--held-out PATH" in text


def test_an_interrupt_speaks_of_no_chunks(words, capsys, monkeypatch):
    def stopped(*_, **__):
        raise Stopped(15)

    monkeypatch.setattr(sys.modules["jaxmem.measuring.measure"], "neighbours", stopped)
    assert main([*words, "--quiet"]) == 143
    assert capsys.readouterr().err == "jaxmem: stopped by SIGTERM.\n"
