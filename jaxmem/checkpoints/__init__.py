"""Files that long runs go on from (ground): written whole or not at all, never taken for another run's."""

from jaxmem.checkpoints.fingerprint import digest_of_numbers as digest_of_numbers
from jaxmem.checkpoints.fingerprint import digest_of_program as digest_of_program
from jaxmem.checkpoints.snapshots import load_snapshot as load_snapshot
from jaxmem.checkpoints.snapshots import save_snapshot as save_snapshot
from jaxmem.checkpoints.trees import load_tree as load_tree
from jaxmem.checkpoints.trees import save_tree as save_tree
