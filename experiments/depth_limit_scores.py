"""Does a residual score network stay smooth in depth, on either side of memorisation? Beyond system S7.

The question of Marion, Wu, Sander & Biau, arXiv 2309.01213, asked of denoising score matching: a residual MLP
of L blocks with the factor 1/L, from one inner weight for all blocks and outer weights 0, is trained by Adam
on n samples of N(0, I) in d = 8. Few samples are copied in the end, many are not.

    python experiments/depth_limit_scores.py [--quick]

Prints, along the training, the fraction of generated samples that are copies and the exponent in L of the
largest and the mean difference of neighbouring blocks over their largest norm: −1 is a discretised
differential equation, 0 is not. Means over replicates, ± standard errors.

What is seen (L = 8, 16, 32, 3 replicates, 13 minutes on two busy cores):

       n    steps    copies           exponent: largest    mean
       8      100    0.027 ± 0.004    -0.997 ± 0.003       -0.999 ± 0.001
       8    1,000    0.377 ± 0.014    -0.75 ± 0.02         -0.92 ± 0.01
       8    4,000    0.91 ± 0.04      -0.57 ± 0.01         -0.72 ± 0.01
       8   10,000    0.982 ± 0.007    -0.38 ± 0.03         -0.59 ± 0.02
     512      100    0                -0.997 ± 0.006       -0.998 ± 0.002
     512    1,000    0                -0.84 ± 0.02         -0.976 ± 0.002
     512    4,000    0                -0.78 ± 0.02         -0.923 ± 0.002
     512   10,000    0                -0.57 ± 0.03         -0.66 ± 0.01

Under Adam smoothness in depth is lost little by little on both sides: copying is not needed for it. It is
lost sooner where the network copies, at equal steps by 0.1 to 0.2 in the exponent of the largest difference.
Adam divides each gradient by its own size, so that small differences between blocks do not stay small; the
source's theorem is of gradient flow.
"""

import sys
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

import jaxmem
from jaxmem.metrics import memorised_fraction
from jaxmem.noising import OrnsteinUhlenbeckLevels, ornstein_uhlenbeck
from jaxmem.sampling import denoising_implicit, time_grid
from jaxmem.scores import NoisePrediction, ResidualMLP
from jaxmem.training import DenoisingScoreMatching, Training, advance, start_training

DIM, WIDTH, GENERATED = 8, 64, 200
SCHEDULE = OrnsteinUhlenbeckLevels(time_grid(3.0, 0.01, 39, spacing="log"), weight_exponent=2.0)


def problem(rows):
    return Training(DenoisingScoreMatching(rows, SCHEDULE, 64), 1e-3, optax.adam)


def rows_of(key, n):
    return jax.random.normal(jax.random.fold_in(key, 1), (n, DIM))


@eqx.filter_jit
@partial(eqx.filter_vmap, in_axes=(0, None, None))
def begun(key, n, depth):
    model = NoisePrediction(ResidualMLP.draw(key, DIM, WIDTH, depth, start="tied"), ornstein_uhlenbeck)
    return start_training(problem(rows_of(key, n)), jax.random.fold_in(key, 2), model)


@eqx.filter_jit
@partial(eqx.filter_vmap, in_axes=(0, eqx.if_array(0), None, None))
def trained(key, state, n, steps):
    return advance(problem(rows_of(key, n)), state, steps)


@eqx.filter_jit
@partial(eqx.filter_vmap, in_axes=(0, eqx.if_array(0), None))
def seen(key, state, n):
    """Copies, and the largest and mean difference of neighbouring blocks over their largest norm."""
    score, blocks = state.model, state.model.network
    times = jnp.append(SCHEDULE.times, 0.0)
    starts = jax.random.normal(jax.random.fold_in(key, 3), (GENERATED, DIM))
    generated = jax.vmap(lambda x: denoising_implicit(score, key, x, times, SCHEDULE))(starts)
    stacked = jnp.concatenate([leaf.reshape(len(leaf), -1) for leaf in (blocks.inner, blocks.outer)], 1)
    apart = jnp.linalg.norm(jnp.diff(stacked, axis=0), axis=1) / jnp.linalg.norm(stacked, axis=1).max()
    return memorised_fraction(generated, rows_of(key, n)), apart.max(), apart.mean()


def exponents(depths, values):
    """Slope of log values (depth, replicate) over log L, one per replicate."""
    return np.polyfit(np.log(depths), np.log(values), 1)[0]


def said(values):
    return f"{values.mean():7.3f} ± {values.std(ddof=1) / len(values) ** 0.5:.3f}"


def main(quick: bool) -> None:
    depths = (4, 8, 16) if quick else (8, 16, 32)
    looks = (100, 1_000, 2_000) if quick else (100, 1_000, 4_000, 10_000)
    keys = jax.vmap(partial(jaxmem.replicate_key, 0))(jnp.arange(3))
    print("   n   steps  copies           largest, exponent  mean, exponent")
    for n in (8, 512):
        states = [begun(keys, n, depth) for depth in depths]
        for before, step in zip((0, *looks), looks, strict=False):
            states = [trained(keys, state, n, jnp.int32(step - before)) for state in states]
            found = np.array([seen(keys, state, n) for state in states])  # depth, what, replicate
            words = [said(found[-1, 0]), *(said(exponents(depths, found[:, what])) for what in (1, 2))]
            print(f"{n:4d} {step:7,d} {'  '.join(words)}", flush=True)


if __name__ == "__main__":
    main(quick="--quick" in sys.argv[1:])
