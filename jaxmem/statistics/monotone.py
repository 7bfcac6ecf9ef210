"""Whether a curve of probabilities is monotone, as far as its replicates can tell."""

import numpy as np
from jaxtyping import Float
from scipy.special import bdtrc


def is_monotone(
    curve: Float[np.ndarray, "x replicate"], *, increasing: bool = True, confidence: float = 0.95
) -> bool:
    """Whether no later point is significantly below an earlier one (with `increasing` False, above).

    For each pair of points the replicates that changed are counted, those that fell against those that rose:
    if P did not fall, the former are at most a half of them by chance (McNemar's test, exact). It holds
    whether or not a replicate's values over x depend on each other. The level 1 − `confidence` is shared out
    among all pairs (Bonferroni), so that a monotone curve passes with probability `confidence` at least.

    Args:
        curve: what each replicate adds to P, in order of x; NaN where missing.
        increasing: the direction.
        confidence: above 0 and below 1.
    """
    rising = curve if increasing else -curve
    before, after = np.triu_indices(len(curve), k=1)
    fell = (rising[after] < rising[before]).sum(axis=1)  # False for NaN
    rose = (rising[after] > rising[before]).sum(axis=1)
    chance = np.where(fell > 0, bdtrc(np.maximum(fell - 1, 0), fell + rose, 0.5), 1.0)
    return bool((chance >= (1 - confidence) / max(len(before), 1)).all())
