"""Grid, batching, store, resume (floor 3): runs any study everywhere and knows nothing of diffusion."""

from jaxmem.numerics.randomness import replicate_key as replicate_key
from jaxmem.sweeping.batching import compilations as compilations
from jaxmem.sweeping.errors import StoreError as StoreError
from jaxmem.sweeping.errors import WorkersError as WorkersError
from jaxmem.sweeping.estimating import estimate as estimate
from jaxmem.sweeping.grid import families as families
from jaxmem.sweeping.integrity import check_store as check_store
from jaxmem.sweeping.run import sweep as sweep
from jaxmem.sweeping.store import Store as Store
from jaxmem.sweeping.store import open_store as open_store
from jaxmem.sweeping.workers import cluster as cluster
