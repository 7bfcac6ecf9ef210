"""Score networks by name, for studies that train one: of images, of vectors, or a user's own."""

import importlib
from collections.abc import Callable
from typing import Any, TypeAlias

import equinox as eqx
from jaxtyping import Array, Float

from jaxmem import _checks as check
from jaxmem._typing import Key, Scalar
from jaxmem.noising import NoiseSchedule
from jaxmem.scores import NoisePrediction, ResidualMLP, UNet
from jaxmem.scores.image_rows import image_shape_of
from jaxmem.scores.score_model import scores_at

Size: TypeAlias = tuple[int, int, int] | int
"""Shape (height, width, channels) of images, or the dimension d of vectors."""


class Network:
    """The names that are known; any other is module:function."""

    U_NET = "u-net"
    RESIDUAL = "residual"
    EMPIRICAL = "empirical"
    POPULATION = "population"
    TRAINED = (U_NET, RESIDUAL)
    EXACT = (EMPIRICAL, POPULATION)


class TimeInUnits(eqx.Module):
    """A network that is told the time in units of `unit`, say steps of a chain as a share of the chain."""

    network: Any
    unit: float = eqx.field(static=True)

    def __call__(self, time: Scalar, x: Float[Array, "d"]) -> Float[Array, "d"]:
        """The network at one point."""
        return self.network(time / self.unit, x)

    def on_batch(self, time: Float[Array, "b"], x: Float[Array, "b d"]) -> Float[Array, "b d"]:
        """The network at a batch of points."""
        return scores_at(self.network, x, time / self.unit)


def draw_network(
    name: str,
    key: Key,
    size: Size,
    width: int,
    schedule: NoiseSchedule,
    *,
    longest: float,
    multipliers: tuple[int, ...],
    blocks: int,
    attention: int,
) -> NoisePrediction:
    """A network before training that predicts the noise of `schedule`, whose times end at `longest`.

    The network is told t/`longest`, from 0 to 1.
    """
    if name == Network.U_NET:
        assert not isinstance(size, int)
        network: Any = UNet.draw(
            key, size, width, multipliers, blocks, attention=attention, shortest_time=1 / longest
        )
    elif name == Network.RESIDUAL:
        network = ResidualMLP.draw(key, _dim(size), width, blocks, shortest_time=1 / longest)
    else:
        network = _imported(name)(key, size, width)
    return NoisePrediction(TimeInUnits(network, longest), schedule)


def check_network(name: str, size: Size, *, law: bool, levels: int) -> None:
    """Refuse a name that is none, and a network that does not fit the data.

    Raises:
        ValueError: naming the field `network`.
    """
    if ":" in str(name):
        _imported(name)
        return
    check.one_of("network", name, (*Network.TRAINED, *Network.EXACT))
    if name == Network.U_NET and isinstance(size, int):
        raise ValueError(
            f"network must be residual, or one's own, for data that are no images, got {name}; images are "
            "asked for by images."
        )
    if name == Network.U_NET and not isinstance(size, int):
        image_shape_of(size, divisor=2 ** (levels - 1))
    if name == Network.POPULATION and not law:
        raise ValueError(f"network must be another than {name} for a data set, whose law is not known.")


def activations_per_sample(name: str, size: Size, width: int, blocks: int) -> int:
    """About how many numbers a network keeps of one sample while it is trained."""
    if name == Network.U_NET and not isinstance(size, int):
        height, wide, _ = size
        return 60 * blocks * width * height * wide
    return 6 * (blocks + 1) * (width + _dim(size))


def _dim(size: Size) -> int:
    return size if isinstance(size, int) else size[0] * size[1] * size[2]


def _imported(name: str) -> Callable[..., Any]:
    module, _, function = str(name).partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f"network must be module:function of an importable module, got {name!r}: {error}."
        ) from None
    if not callable(found):
        raise ValueError(f"network must name a function, got {name!r}, which is {found!r}.")
    return found
