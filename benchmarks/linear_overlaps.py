"""Linear overlaps: the direct route against its floor, and the short cut against the direct route.

    python benchmarks/linear_overlaps.py

Direct route, d = 512, n = 1,024: every order parameter and distance of one replicate (two data sets drawn,
two fits, m, q, Q, Bures, operator norm, both divergences, Hellinger) against what it cannot avoid, in float64
and timed alone: two products XᵀX and two symmetric eigendecompositions for an isotropic population, a third
for the Bures distance to a spiked one. Expect at most 1.5.

Short cut, d = 128: distances alone, no overlaps, so one data set and one fit on the direct side. "all
eigenvalues" is Bures and operator norm; "determinant and trace" is KL(learnt‖population). Expect at least 7
and 30 at load 4, and more at load 16. Then 64 loads × 1,000 replicates in one compilation.

All timings are minima over interleaved rounds in this process, compilation apart, with LAPACK on one thread
as in a sweep.
"""

import time

import jax
import jax.numpy as jnp
from threadpoolctl import threadpool_limits
from timing import least_seconds

from jaxmem.metrics import (
    bures,
    convergence,
    hellinger_squared,
    kl_generated_population,
    kl_population_generated,
    latent_recovery,
    memorisation,
    operator_norm,
)
from jaxmem.populations import Gaussian, reduced_sample
from jaxmem.scores import fit_linear_gaussian

ROUNDS = 7
DISTANCES = (bures, operator_norm, kl_generated_population, kl_population_generated, hellinger_squared)


def direct_against_floor(strengths: tuple[float, ...], dim: int = 512, n: int = 1024) -> None:
    population = Gaussian.spiked(dim, strengths)
    eigenvalues = population.eigenvalues if strengths else population.eigenvalues[0]
    decompositions = 3 if strengths else 2

    @jax.jit
    def replicate(key):
        train_a, train_b = population.disjoint_samples(key, n)
        model_a, model_b = fit_linear_gaussian(train_a), fit_linear_gaussian(train_b)
        z = jax.random.normal(jax.random.fold_in(key, 1), (16, dim), jnp.float32)
        return (
            memorisation(model_a.generate(z), train_a),
            convergence(model_a.covariance, model_b.covariance),
            latent_recovery(model_a.covariance),
            *(distance(model_a.covariance, eigenvalues) for distance in DISTANCES),
        )

    key = jax.random.key(0)
    with jax.enable_x64(True):
        rows = population.disjoint_samples(key, n).astype(jnp.float64)
        moment = rows[0].T @ rows[0] / n
        product, eigh = jax.jit(lambda x: x.T @ x), jax.jit(jnp.linalg.eigh)

    def floor():
        with jax.enable_x64(True):
            return [product(x) for x in rows], [eigh(moment) for _ in range(decompositions)]

    took = least_seconds({"direct": lambda: replicate(key), "floor": floor}, ROUNDS)
    print(f"direct route, d = {dim}, n = {n}, spikes {strengths}, m, q, Q and all distances:")
    print(
        f"  {took['direct'] * 1e3:.1f} ms, 2 products and {decompositions} eigendecompositions alone: ",
        end="",
    )
    print(f"{took['floor'] * 1e3:.1f} ms, ratio {took['direct'] / took['floor']:.2f}")


def short_cut_against_direct(dim: int = 128, loads: tuple[int, ...] = (4, 16), replicates: int = 64) -> None:
    population = Gaussian.isotropic(dim)
    measures = {
        "all eigenvalues": lambda covariance: (bures(covariance, 1.0), operator_norm(covariance, 1.0)),
        "determinant and trace": lambda covariance: kl_generated_population(covariance, 1.0),
        "all distances": lambda covariance: [distance(covariance, 1.0) for distance in DISTANCES],
    }
    keys = jax.random.split(jax.random.key(0), replicates)
    many = jax.random.split(jax.random.key(0), 16 * replicates)
    print(f"short cut against direct, d = {dim}, µs per replicate")
    for name, measure in measures.items():
        reduced = jax.jit(
            jax.vmap(lambda key, n, f=measure: f(reduced_sample(key, n, dim).covariance), in_axes=(0, None))
        )
        for load in loads:
            n = load * dim
            direct = jax.jit(
                jax.vmap(
                    lambda key, n=n, f=measure: f(fit_linear_gaussian(population.sample(key, n)).covariance)
                )
            )
            took = least_seconds(
                {
                    "direct": lambda direct=direct: direct(keys),
                    "reduced": lambda reduced=reduced, n=n: reduced(many, n),
                },
                ROUNDS,
            )
            slow, fast = took["direct"] / replicates, took["reduced"] / many.size
            times = f"{slow * 1e6:.0f} against {fast * 1e6:.1f}, ratio {slow / fast:.0f}"
            print(f"  load {load:2d}, {name}: {times}")
        print(f"  compilations of the short cut for these loads: {reduced._cache_size()}")


def load_axis(dim: int = 128, loads: int = 64, replicates: int = 1000) -> None:
    @jax.jit
    def at_load(keys, n):
        def one(key):
            covariance = reduced_sample(key, n, dim).covariance
            return [distance(covariance, 1.0) for distance in DISTANCES]

        return jax.vmap(one)(keys)

    keys = jax.random.split(jax.random.key(0), replicates)
    sizes = [max(1, round(dim * 0.05 * 400 ** (step / (loads - 1)))) for step in range(loads)]
    begin = time.perf_counter()
    jax.block_until_ready([at_load(keys, n) for n in sizes])
    took = time.perf_counter() - begin
    print(f"{loads} loads from 0.05 to 20 × {replicates} replicates, all distances, compilation included:")
    print(f"  {took:.1f} s, {at_load._cache_size()} compilation")


if __name__ == "__main__":
    with threadpool_limits(limits=1, user_api="blas"):
        direct_against_floor(strengths=())
        direct_against_floor(strengths=(3.0,))
        short_cut_against_direct()
        load_axis()
