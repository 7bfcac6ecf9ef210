"""The base of the forms of a covariance in which its distances to a diagonal one are cheap."""

from abc import abstractmethod
from typing import TypeAlias

import equinox as eqx
from jaxtyping import Array, Float

from jaxmem._typing import RealArray, Scalar, Vector

Diagonal: TypeAlias = Float[RealArray, "d"] | Float[RealArray, ""] | float
"""The diagonal of a d×d matrix; one number stands for that multiple of the identity."""


class AbstractCovariance(eqx.Module):
    """A covariance C on R^d, measured against diagonal matrices D: those of its population's eigenbasis.

    Where D is one number, D = D I commutes with C, and a form may need no further decomposition.
    """

    @property
    @abstractmethod
    def dim(self) -> int:
        """d."""

    @abstractmethod
    def diagonal(self) -> Float[Array, "d"]:
        """C_ii."""

    @abstractmethod
    def log_determinant(self, shift: Diagonal = 0.0) -> Scalar:
        """log det(C + D), −inf where singular."""

    @abstractmethod
    def inverse_trace(self, weights: Diagonal, shift: Diagonal = 0.0) -> Scalar:
        """Tr((C + D)^-1 W); meaningless where C + D is singular."""

    @abstractmethod
    def inverse_quadratic(self, x: Vector, shift: Diagonal = 0.0) -> Scalar:
        """xᵀ (C + D)^-1 x; meaningless where C + D is singular."""

    @abstractmethod
    def root_trace(self, weights: Diagonal = 1.0) -> Scalar:
        """Tr (D^{1/2} C D^{1/2})^{1/2}."""

    @abstractmethod
    def distance_norm(self, other: Diagonal) -> Scalar:
        """Operator norm ‖C − D‖."""
