"""Kernel ridge regression: from the rows of one space to those of another, by examples of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sightglass.checks import check_matrix, check_positive, check_same_width
from sightglass.errors import InputError

if TYPE_CHECKING:
    from jaxtyping import Float, Float64

_WHERE = "Kernel ridge regression"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KernelRidge:
    """A smooth function through nearly all of the examples.

    ``f(x) = sum_i exp(-gamma |x - x_i|^2) c_i`` with ``(K + ridge I) C = Y``.

    Attributes:
        inputs: The examples' rows that the function is given, ``(n, p)``.
        coefficients: ``(n, q)``.
        gamma: How fast an example's say falls off with distance.

    Source:
        Saunders, Gammerman & Vovk 1998, "Ridge regression learning algorithm in dual variables".
    """

    inputs: Float64[np.ndarray, "n p"]
    coefficients: Float64[np.ndarray, "n q"]
    gamma: float

    @classmethod
    def fit(
        cls,
        inputs: Float[np.ndarray, "n p"],
        outputs: Float[np.ndarray, "n q"],
        *,
        gamma: float = 1.0,
        ridge: float = 0.1,
    ) -> KernelRidge:
        """The function that the examples teach.

        Args:
            inputs: At least one row.
            outputs: As many rows.
            gamma: Above 0.
            ridge: Above 0; the higher, the less a single example counts.

        Raises:
            InputError: If there is no example, numbers of rows differ, or a number is not above 0.
            ShapeError: If a matrix does not have two axes.
        """
        check_positive(gamma, where=_WHERE, name="gamma")
        check_positive(ridge, where=_WHERE, name="ridge")
        wide, wanted = np.asarray(inputs, np.float64), np.asarray(outputs, np.float64)
        check_matrix(wide, where=_WHERE, name="inputs")
        check_matrix(wanted, where=_WHERE, name="outputs")
        if len(wide) != len(wanted) or not len(wide):
            raise InputError(
                f"{_WHERE}: one output per input, and at least one, are needed, got inputs "
                f"{wide.shape} and outputs {wanted.shape}."
            )
        kernel = _kernel(wide, wide, gamma)
        kernel[np.diag_indices_from(kernel)] += ridge
        return cls(inputs=wide, coefficients=np.linalg.solve(kernel, wanted), gamma=gamma)

    def predict(self, inputs: Float[np.ndarray, "m p"]) -> Float64[np.ndarray, "m q"]:
        """The function's values; memory grows with ``m`` times the number of examples.

        Raises:
            ShapeError: If the rows are of another width than the examples'.
        """
        wide = np.asarray(inputs, np.float64)
        check_same_width(wide, self.inputs, where=_WHERE, names=("inputs", "examples"))
        values: Float64[np.ndarray, "m q"] = _kernel(wide, self.inputs, self.gamma) @ (
            self.coefficients
        )
        return values


def _kernel(
    first: Float64[np.ndarray, "m p"], second: Float64[np.ndarray, "n p"], gamma: float
) -> Float64[np.ndarray, "m n"]:
    squares = (first * first).sum(axis=1)[:, None] + (second * second).sum(axis=1)
    # Rounding can put the distance of a row to itself below 0.
    distances = np.maximum(squares - 2 * first @ second.T, 0.0)
    kernel: Float64[np.ndarray, "m n"] = np.exp(-gamma * distances)
    return kernel
