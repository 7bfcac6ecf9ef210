"""Experiments on a folder of one's own: the file's own words, with fewer steps."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jaxmem

EXPERIMENTS = Path(__file__).parents[1] / "experiments"
FEW = {
    "training_dynamics_samples": {
        "network": "residual",
        "samples": (8, 16),
        "widths": (4,),
        "steps": 6,
        "snapshots": 3,
        "first_step": 2,
        "generated_size": 4,
        "test_samples": 4,
        "sampling_steps": 2,
        "chain_steps": 20,
    },
    "denoiser_convergence_images": {
        "samples": (1, 8, 16, 20),
        "network": "linear",
        "channels": (4,),
        "blocks": 1,
        "steps": 4,
        "test_samples": 8,
        "generated_size": 4,
        "sampling_steps": 2,
    },
}
STUDIES = {
    "training_dynamics_samples": "TrainingDynamics",
    "denoiser_convergence_images": "DenoiserConvergence",
}


@pytest.fixture
def folder(tmp_path):
    """Sixty pictures in colour, of which the experiments make squares of eight pixels."""
    (tmp_path / "faces").mkdir()
    generator = np.random.default_rng(0)
    for number in range(60):
        pixels = generator.integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "faces" / f"{number}.png")
    return tmp_path / "faces"


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_a_folder_of_ones_own_goes_through(name, folder, tmp_path, monkeypatch, capsys):
    """From the words of the command to the figure; the last n is cut to what the experiment asks for."""
    spec = importlib.util.spec_from_file_location(name, EXPERIMENTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    study, asked = getattr(module, STUDIES[name]), []

    def small(**settings):
        asked.append(settings)
        return study(**settings | FEW[name])

    monkeypatch.setattr(module, STUDIES[name], small)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [name])
    module.main([str(folder), "8", "--quick"])
    (settings,) = asked
    assert settings["population"].image_shape(0) in {(8, 8, 1), (8, 8, 3)}
    (store,) = (tmp_path / "results").glob("*.zarr")
    assert store.name == f"{name.removesuffix('_samples').removesuffix('_images')}_faces_quick.zarr"
    found = jaxmem.open_store(store)
    assert found["completed"].all()
    assert found.attrs["study"] == study.name
    assert store.with_suffix(".png").is_file()
    assert "n = 8" in capsys.readouterr().out or name.startswith("training")
