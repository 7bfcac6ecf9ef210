"""One file a question (floor 3): the floors below composed into one replicate, its axes and variables."""

from jaxmem.studies._study import Study as Study
from jaxmem.studies.condensation import Condensation as Condensation
from jaxmem.studies.kernel_onset import KernelOnset as KernelOnset
from jaxmem.studies.learning_rate import LearningRate as LearningRate
from jaxmem.studies.linear_overlaps import LinearOverlaps as LinearOverlaps
from jaxmem.studies.memorisation_time import MemorisationTime as MemorisationTime
from jaxmem.studies.nonlinear_onset import NonlinearOnset as NonlinearOnset
from jaxmem.studies.reverse_steps import ReverseSteps as ReverseSteps

STUDIES: dict[str, type[Study]] = {
    study.name: study
    for study in (
        KernelOnset,
        LinearOverlaps,
        ReverseSteps,
        LearningRate,
        NonlinearOnset,
        Condensation,
        MemorisationTime,
    )
}
"""Every study by the name that the command line uses."""
