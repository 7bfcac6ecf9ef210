"""A sweep whose workers are jobs of a batch queue: SLURM's, or processes of this machine to try it out.

    pip install 'jaxmem[cluster]' dask-jobqueue
    python sweep_on_queue.py local results/trial.zarr          # two jobs on this machine, a minute
    python sweep_on_queue.py slurm /shared/overlaps.zarr       # 64 jobs, run on the login node

Each job is one worker of one core, asks for an hour, and takes no new chunk in its last five minutes; the
queue sends another for as long as the sweep lasts. Run it again and it goes on where it stopped. Other queues
(PBS, LSF, SGE, HTCondor, …) have classes of the same arguments in dask_jobqueue.
"""

import sys

import distributed
from dask_jobqueue import SLURMCluster
from dask_jobqueue.local import LocalCluster

import jaxmem
from jaxmem.studies import LinearOverlaps

JOB = {"cores": 1, "processes": 1, "memory": "4GB"}
ENDING = ["--lifetime", "55m", "--lifetime-stagger", "4m"]


def main(queue: str, store: str) -> None:
    """Sweep, and say what was found."""
    if queue == "local":
        jobs, replicates = 2, 40
        cluster = LocalCluster(**JOB)
    else:
        jobs, replicates = 64, 10_000
        cluster = SLURMCluster(**JOB, walltime="01:00:00", worker_extra_args=ENDING)
    study = LinearOverlaps(dims=(32, 64), loads=(0.5, 1.0, 2.0), direct=True)
    with cluster, distributed.Client(cluster) as client:
        cluster.adapt(minimum_jobs=1, maximum_jobs=jobs)
        dataset = jaxmem.sweep(
            study,
            replicates=replicates,
            store=store,
            executor=client,
            workers=jobs,  # the most there will be: the queue starts them when it can
            progress=True,
        )
    print(jaxmem.summarise(dataset)["convergence"].to_series())


if __name__ == "__main__":
    main(*sys.argv[1:])
