"""Score networks by name, for studies that train one: of images, of vectors, or a user's own."""

from typing import Any, NamedTuple, TypeAlias

import equinox as eqx
from jaxtyping import Array, Float

from jaxmem import _checks as check
from jaxmem._typing import Key, Scalar
from jaxmem.sampling import Schedule
from jaxmem.scores import NoisePrediction, ResidualMLP, TwoLayerReLU, UNet
from jaxmem.scores.image_rows import image_shape_of
from jaxmem.scores.score_model import scores_at
from jaxmem.studies._imported import imported

Size: TypeAlias = tuple[int, int, int] | int
"""Shape (height, width, channels) of images, or the dimension d of vectors."""


class Network:
    """The names that are known; any other is module:function."""

    U_NET = "u-net"
    HALDER = "halder"
    RESIDUAL = "residual"
    TWO_LAYER = "two-layer"
    EMPIRICAL = "empirical"
    POPULATION = "population"
    OF_IMAGES = (U_NET, HALDER)
    EXACT = (EMPIRICAL, POPULATION)


class Layout(NamedTuple):
    """What a network is made of beside its width: levels of channels, blocks, levels with attention."""

    multipliers: tuple[int, ...] = (1, 2)
    blocks: int = 1
    attention: int = 0

    def check(self) -> None:
        """Refuse what no network is made of; names are those of a study's fields."""
        if not self.multipliers:
            raise ValueError("multipliers must hold at least one number, got none.")
        for multiplier in self.multipliers:
            check.positive_integer("multipliers", multiplier)
        check.positive_integer("attention", self.attention, least=0, most=len(self.multipliers))


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
    schedule: Schedule,
    *,
    shortest_time: float,
    layout: Layout,
    time_unit: float = 1.0,
) -> NoisePrediction:
    """A network before training that predicts the noise of a schedule.

    Args:
        name: one of `Network`, or module:function.
        key: of the weights.
        size: of the data.
        width: of the network.
        schedule: time → (μ, σ).
        shortest_time: what the network resolves of the time that it is told.
        layout: what it is made of.
        time_unit: it is told the time in this unit.
    """
    if name == Network.U_NET:
        multipliers, blocks, attention = layout
        network: Any = UNet.draw(
            key, _image(size), width, multipliers, blocks, attention=attention, shortest_time=shortest_time
        )
    elif name == Network.HALDER:
        network = UNet.preset(
            key, "halder", image_shape=_image(size), width=width, shortest_time=shortest_time
        )
    elif name == Network.RESIDUAL:
        network = ResidualMLP.draw(key, _dim(size), width, layout.blocks, shortest_time=shortest_time)
    elif name == Network.TWO_LAYER:
        network = TwoLayerReLU.draw(key, _dim(size), width, time_input=True)
    else:
        network = imported("network", name)(key, size, width)
    return NoisePrediction(network if time_unit == 1 else TimeInUnits(network, time_unit), schedule)


def check_network(name: str, size: Size, allowed: tuple[str, ...], *, layout: Layout, field: str) -> None:
    """Refuse a name that is none of `allowed`, nor module:function, and a network that does not fit the data.

    Raises:
        ValueError: naming the field.
    """
    layout.check()
    if ":" in str(name):
        imported(field, name)
        return
    check.one_of(field, name, allowed)
    if name in Network.OF_IMAGES:
        if isinstance(size, int):
            raise ValueError(
                f"{field} must be residual, or one's own, for data that are no square images, got {name}."
            )
        image_shape_of(size, divisor=8 if name == Network.HALDER else 2 ** (len(layout.multipliers) - 1))


def activations_per_sample(name: str, size: Size, width: int, blocks: int) -> int:
    """About how many numbers a network keeps of one sample while it is trained."""
    if name in Network.OF_IMAGES:
        height, wide, _ = _image(size)
        return 60 * blocks * width * height * wide
    return (4 * blocks + 4) * (width + _dim(size))


def _image(size: Size) -> tuple[int, int, int]:
    assert not isinstance(size, int)
    return size


def _dim(size: Size) -> int:
    return size if isinstance(size, int) else size[0] * size[1] * size[2]
