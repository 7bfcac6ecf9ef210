"""One file a question (floor 3): the floors below composed into one replicate, its axes and variables.

Names load when first used, so that the studies can be listed and completed without JAX.
"""

import importlib
from typing import TYPE_CHECKING, Any

from jaxmem.studies._registry import Registry as Registry

if TYPE_CHECKING:
    from jaxmem.describing.panels import Curve as Curve
    from jaxmem.describing.panels import Guide as Guide
    from jaxmem.describing.panels import Panel as Panel
    from jaxmem.describing.panels import Theory as Theory
    from jaxmem.describing.variables import Coordinate as Coordinate
    from jaxmem.describing.variables import Variable as Variable
    from jaxmem.numerics.padding import padded_size as padded_size
    from jaxmem.numerics.randomness import stream as stream
    from jaxmem.studies._staged import StagedStudy as StagedStudy
    from jaxmem.studies._study import Point as Point
    from jaxmem.studies._study import Study as Study
    from jaxmem.studies._study import axis as axis
    from jaxmem.studies._study import number as number
    from jaxmem.studies.condensation import Condensation as Condensation
    from jaxmem.studies.denoiser_convergence import DenoiserConvergence as DenoiserConvergence
    from jaxmem.studies.depth_limit import DepthLimit as DepthLimit
    from jaxmem.studies.kernel_onset import KernelOnset as KernelOnset
    from jaxmem.studies.learning_rate import LearningRate as LearningRate
    from jaxmem.studies.linear_overlaps import LinearOverlaps as LinearOverlaps
    from jaxmem.studies.memorisation_time import MemorisationTime as MemorisationTime
    from jaxmem.studies.nonlinear_onset import NonlinearOnset as NonlinearOnset
    from jaxmem.studies.reverse_steps import ReverseSteps as ReverseSteps
    from jaxmem.studies.training_dynamics import TrainingDynamics as TrainingDynamics

STUDIES = Registry(
    {
        "kernel-onset": (
            "KernelOnset",
            "P(Δ > 0), Hellinger and Kullback–Leibler of the one-step linear denoiser over the load n/d.",
        ),
        "linear-overlaps": (
            "LinearOverlaps",
            "Memorisation m, convergence q, latent recovery Q and distances of linear Gaussian models over "
            "the load.",
        ),
        "reverse-steps": (
            "ReverseSteps",
            "Distance to the population of what K reverse diffusion steps with the linear score generate.",
        ),
        "learning-rate": (
            "LearningRate",
            "Excess risk, sharpness and total variation of a trained two-layer score over the learning rate.",
        ),
        "nonlinear-onset": (
            "NonlinearOnset",
            "P(Δ > 0) and fraction memorised of a trained nonlinear score, over load, dimension and width.",
        ),
        "condensation": (
            "Condensation",
            "Posterior weights of noised training points, over time t, samples n and dimension d.",
        ),
        "memorisation-time": (
            "MemorisationTime",
            "Memorised fraction and losses of a random-feature score over training time and samples.",
        ),
        "denoiser-convergence": (
            "DenoiserConvergence",
            "Convergence q, memorisation m, latent recovery Q and errors of two blind denoisers, over "
            "samples.",
        ),
        "depth-limit": (
            "DepthLimit",
            "Differences of neighbouring layers, distance to the limit of depth, and loss, over layers and "
            "time.",
        ),
        "training-dynamics": (
            "TrainingDynamics",
            "Losses, copies and distances of a score network along its training, over samples, width and "
            "batch.",
        ),
    }
)
"""Every study by the name that the command line uses; each is imported when it is looked up."""


_FOR_AUTHORS = {
    "Study": "studies._study",
    "StagedStudy": "studies._staged",
    "Point": "studies._study",
    "axis": "studies._study",
    "number": "studies._study",
    "Variable": "describing.variables",
    "Coordinate": "describing.variables",
    "Panel": "describing.panels",
    "Curve": "describing.panels",
    "Guide": "describing.panels",
    "Theory": "describing.panels",
    "stream": "numerics.randomness",
    "padded_size": "numerics.padding",
}
"""What a study of one's own is written with; docs/example_study is one, in a package of its own."""


def __getattr__(name: str) -> Any:
    if name in _FOR_AUTHORS:
        return getattr(importlib.import_module(f"jaxmem.{_FOR_AUTHORS[name]}"), name)
    for study, class_name in STUDIES.classes().items():
        if class_name == name:
            return STUDIES[study]
    raise AttributeError(f"module 'jaxmem.studies' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_FOR_AUTHORS, *STUDIES.classes().values()])
