"""Where a device has no float64: everything in float32, forced here on the CPU, and what accuracy is left."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from typechecking import unchecked

import jaxmem
from jaxmem.metrics import kernel_gap
from jaxmem.numerics.precision import PRODUCTS, SWITCH, as_float64, has_float64, image_precision
from jaxmem.scores import UNet
from jaxmem.studies import Condensation, KernelOnset, LinearOverlaps, ReverseSteps
from jaxmem.sweeping import StoreError

pytestmark = pytest.mark.filterwarnings("ignore:Explicitly requested dtype float64")

LEFT = [
    (
        KernelOnset(dims=(16,), loads=(0.5, 2.0), reference_size=500),
        {"delta": 2e-5, "hellinger_squared": 5e-4, "bures_squared": 2e-4},
    ),
    (
        LinearOverlaps(dims=(16,), loads=(2.0,), direct=True),
        {"convergence": 2e-6, "memorisation": 2e-6, "latent_recovery": 5e-5, "bures": 5e-6},
    ),
    (ReverseSteps(dims=(8,), loads=(2.0,)), {"bures": 5e-6, "kl_generated_population": 5e-6}),
    (Condensation(samples=(64,)), {"participation": 5e-6, "log_ratio": 5e-6}),
]


@pytest.mark.parametrize(("study", "left"), LEFT, ids=lambda value: getattr(value, "name", ""))
def test_what_accuracy_is_left(monkeypatch, study, left):
    """Largest difference over the largest value of a variable; the draws are the same."""
    expected = jaxmem.sweep(study, replicates=3)
    monkeypatch.setenv(SWITCH, "0")
    with unchecked():  # of types, that say float64
        found = jaxmem.sweep(study, replicates=3)
    apart = {
        name: (np.abs(found[name] - expected[name]).max() / np.abs(expected[name]).max()).item()
        for name in left
    }
    assert all(0 < apart[name] < tolerance for name, tolerance in left.items()), apart


def test_who_decides(monkeypatch):
    monkeypatch.delenv(SWITCH, raising=False)
    assert has_float64()
    monkeypatch.setattr(jax, "default_backend", lambda: "tpu")
    assert not has_float64()
    monkeypatch.setenv(SWITCH, "1")
    assert has_float64()
    monkeypatch.setenv(SWITCH, "0")
    assert as_float64.__wrapped__(1.0).dtype == jnp.float32
    with unchecked():
        assert as_float64([1.0]).dtype == jnp.float32
        with jax.enable_x64(True):  # nor where the caller has it
            assert as_float64([1.0]).dtype == jnp.float32
    monkeypatch.setenv(SWITCH, "no")
    with pytest.raises(ValueError, match="JAXMEM_FLOAT64 must be 0 or 1, got 'no'"):
        has_float64()


def test_a_store_is_of_one_precision(monkeypatch, tmp_path):
    study = Condensation(samples=(8,))
    jaxmem.sweep(study, replicates=1, store=tmp_path / "s")
    assert jaxmem.open_store(tmp_path / "s").attrs["float64"]
    monkeypatch.setenv(SWITCH, "0")
    with (
        unchecked(),
        pytest.raises(StoreError, match="made with float64 = True and cannot be"),
    ):
        jaxmem.sweep(study, replicates=2, store=tmp_path / "s")


def test_products_of_networks_of_images_may_be_fast(monkeypatch, tmp_path):
    """And of nothing else: the kernel gap keeps its own."""
    network = UNet.draw(jax.random.key(0), (4, 4, 1), 4, (1, 2), 1, attention=1)
    rows = jnp.zeros((3, 16))

    def precisions(function, *words):
        with jax.enable_x64(True):
            program = export.export(jax.jit(function), platforms=["cuda"])(*words).mlir_module()
        product = r"^.*stablehlo\.(?:dot_general|convolution).*xf(?:32|64)>.*$"
        lines = re.findall(product, program, re.MULTILINE)
        assert lines
        return {"HIGHEST" in line for line in lines}

    def gap(rows):
        return kernel_gap(rows, rows, jnp.zeros(16), jnp.eye(16), scale=1.0).value

    assert precisions(lambda x: network.on_batch(jnp.ones(3), x), rows) == {True}
    monkeypatch.setenv(PRODUCTS, "fast")
    jax.clear_caches()
    assert precisions(lambda x: network.on_batch(jnp.ones(3), x), rows) == {False}
    assert precisions(gap, rows) == {True}
    study = Condensation(samples=(8,))
    with unchecked():
        jaxmem.sweep(study, replicates=1, store=tmp_path / "s")
    monkeypatch.setenv(PRODUCTS, "full")
    with pytest.raises(StoreError, match="made with image_products = 'DEFAULT' and cannot be continued"):
        jaxmem.sweep(study, replicates=2, store=tmp_path / "s")
    monkeypatch.setenv(PRODUCTS, "quick")
    with pytest.raises(ValueError, match="JAXMEM_IMAGE_PRODUCTS must be full or fast, got 'quick'"):
        image_precision()
    jax.clear_caches()
