"""Shapes and types in jaxmem's signatures are checked at every call that a test makes."""

import sys
from pathlib import Path

from jaxtyping import install_import_hook

sys.path.insert(0, str(Path(__file__).parent))
install_import_hook("jaxmem", "typechecking.typechecker")
