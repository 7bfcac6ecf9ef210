"""Shapes and types in jaxmem's signatures are checked at every call that a test makes."""

import os
import sys
from importlib.metadata import version
from pathlib import Path

# Most of the suite is XLA compiling programs that run once: their optimisation does not pay, and the older
# emitters of jaxlib (a flag that will not last) compile in two thirds of the time.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_llvm_disable_expensive_passes=true --xla_backend_optimization_level=0"
    + (" --xla_cpu_use_fusion_emitters=false" if version("jaxlib").startswith("0.10.") else ""),
)

import jax
import pytest
from jaxtyping import install_import_hook

sys.path.insert(0, str(Path(__file__).parent))
install_import_hook("jaxmem", "typechecking.typechecker")


@pytest.fixture(scope="module", autouse=True)
def forget_compiled_programs():
    """They take gigabytes over the whole suite, and few serve two files."""
    yield
    jax.clear_caches()
