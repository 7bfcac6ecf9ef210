"""Matrices here are small: BLAS threads cost more than they gain, fivefold on shared cores."""

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    with threadpool_limits(1):
        yield
