"""How many replicates at a time: by what the compiler reports, and by what happens."""

import jax
import numpy as np
import pytest
from staged_study import Walk
from toy_study import Means

import jaxmem
from jaxmem.sweeping import memory
from jaxmem.sweeping.memory import fitting_width, within_memory


@pytest.fixture(autouse=True)
def forget():
    """What other tests have found."""
    memory._FITTING.clear()


class Lowered:
    """A program that takes `constant` + 10 bytes a replicate."""

    def __init__(self, constant, tried):
        self.constant, self.tried = constant, tried

    def __call__(self, width):
        self.tried.append(width)
        self.temp_size_in_bytes, self.output_size_in_bytes = self.constant + 8 * width, 2 * width
        return self

    def compile(self):
        return self

    def memory_analysis(self):
        return self


@pytest.mark.parametrize(
    ("constant", "first", "most", "budget", "widths"),
    [
        (0, 8, 100, 100, [8]),  # more than half is taken: it stays
        (0, 2, 100, 100, [2, 10]),  # too little
        (0, 2, 7, 100, [2, 7]),  # there are no more
        (0, 200, 7, 100, [7]),
        (0, 40, 100, 100, [40, 10]),  # too much
        (50, 40, 100, 100, [40, 8, 6, 5]),  # and what does not shrink with the width
        (90, 1, 100, 50, [1]),  # one is the least
        (50, 1, 100, 1_000, [1, 16, 76]),  # grows until more than half is taken
    ],
)
def test_a_width_is_what_the_compiler_says_fits(constant, first, most, budget, widths):
    tried = []
    assert fitting_width("it", Lowered(constant, tried), first, most, budget) == widths[-1]
    assert tried == widths
    assert fitting_width("it", Lowered(constant, tried), first, most, budget) == widths[-1]
    assert tried == widths  # remembered


def test_a_compiler_that_says_nothing_leaves_the_estimate():
    class Silent(Lowered):
        def memory_analysis(self):
            return None

    assert fitting_width("it", Silent(0, []), 3, 10, 1) == 3


@pytest.mark.parametrize(
    ("study", "wrong"), [(Means(dims=(3,), loads=(20.0,)), 1e-3), (Walk(rates=(0.5,)), 1e6)]
)
def test_accelerators_take_the_report_instead_of_the_estimate(monkeypatch, study, wrong):
    """On this processor, which is told that it is none; the estimate is far off on either side."""
    expected = jaxmem.sweep(study, replicates=32)
    estimate, reports = type(study).bytes_per_replicate, []
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(
        type(study), "bytes_per_replicate", lambda self, shape: max(1, int(wrong * estimate(self, shape)))
    )
    analysis = jax.stages.Compiled.memory_analysis
    monkeypatch.setattr(
        jax.stages.Compiled, "memory_analysis", lambda self: (reports.append(analysis(self)), reports[-1])[1]
    )
    budget = 20_000
    found = jaxmem.sweep(study, replicates=32, memory_budget=budget, chunk_size=32)
    last = reports[-1].temp_size_in_bytes + reports[-1].output_size_in_bytes
    (width,) = memory._FITTING.values()
    assert last <= budget
    assert last > budget / 3 or width == 32
    for name in expected.data_vars:
        np.testing.assert_allclose(found[name], expected[name], rtol=2e-5, atol=1e-5)


def test_a_device_without_memory_takes_half_as_many_at_a_time():
    tried = []

    def program(width, most):
        tried.append(width)
        if width > most:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")
        return jax.numpy.asarray(width)

    assert within_memory("some", program, 13, 3) == 3
    assert tried == [13, 6, 3]
    assert within_memory("some", program, 13, 3) == 3
    assert tried == [13, 6, 3, 3]  # it is remembered
    with pytest.raises(jax.errors.JaxRuntimeError, match="RESOURCE_EXHAUSTED"):
        within_memory("none", program, 4, 0)

    def broken(width):
        tried.append(width)
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    tried.clear()
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        within_memory("broken", broken, 8)
    assert tried == [8]
