"""What every study asks of an accelerator, lowered for one that need not be there: nothing is compiled."""

import re

import jax
import jax.numpy as jnp
import pytest
from jax import export
from typechecking import unchecked

import jaxmem
from jaxmem.studies import STUDIES

SYMMETRIC = {"cusolver_syevd_ffi", "Eigh"}
FACTORISED = {"Qr", "ProductOfElementaryHouseholderReflectors"}
ASKED = {
    "kernel-onset": SYMMETRIC | FACTORISED | {"cusolver_potrf_ffi", "cusolver_gesvdj_ffi"},
    "linear-overlaps": SYMMETRIC,
    "reverse-steps": SYMMETRIC,
    "learning-rate": SYMMETRIC,
    "nonlinear-onset": set(),
    "condensation": set(),
    "memorisation-time": SYMMETRIC | FACTORISED,
    "denoiser-convergence": SYMMETRIC,
    "depth-limit": set(),
    "training-dynamics": SYMMETRIC | FACTORISED | {"cusolver_gesvdj_ffi"},
}
"""The library calls of each study, CUDA's and XLA's own on a TPU; a new study says its own."""


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_lowers_for_cuda_and_tpu_with_every_product_in_full_precision(name, monkeypatch):
    """A product that does not ask for it is TF32 on a Hopper and bfloat16 on a TPU, silently.

    On a TPU nothing is float64, which its compiler cannot decompose.
    """
    quick = {field: value for field, value in STUDIES[name].quick.items() if field != "replicates"}
    study = STUDIES[name](**quick)
    point = {coordinate: values[0] for coordinate, values in study.axes().items()}
    shape = study.shape(point)

    def simulate(key, numbers):
        return study.simulate(key, point | numbers, shape=shape)

    numbers = {coordinate: jnp.asarray(value) for coordinate, value in point.items()}
    asked = set()
    for platform, wide in (("cuda", True), ("tpu", False)):
        monkeypatch.setenv("JAXMEM_FLOAT64", str(int(wide)))
        with jax.enable_x64(wide), unchecked():  # of types, that say float64 where there is none
            lowered = export.export(jax.jit(simulate), platforms=[platform])(
                jaxmem.replicate_key(0, 0), numbers
            )
        program = lowered.mlir_module()
        product = r"^.*stablehlo\.(?:dot_general|convolution).*xf(?:32|64)>.*$"
        products = re.findall(product, program, re.MULTILINE)
        loose = [line.strip() for line in products if line.count("HIGHEST") != 2]
        assert not loose, loose[:3]
        asked |= set(re.findall(r"custom_call @([\w.$]+)", program))
        assert wide or not re.search(r"xf64>|<f64>", program)
    assert asked == ASKED[name]
