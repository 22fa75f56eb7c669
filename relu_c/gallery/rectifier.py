"""The rectifier and its derivative.

The rectified linear unit returns its input where that is positive, and 0 elsewhere: f(x) = max(0, x). For one number
that is a line of Python, `rectified`. For an array the same line in a loop would take a Python call an element;
`relu_c.relu` is a ufunc, so `rectified_array` is one call, in place if you like.

Its derivative is the simplest there is: 1 where the input is positive, 0 elsewhere. At 0 itself the function has a
kink and no derivative; any slope from 0 to 1 is a subgradient, and by custom it is 0 (the dot in the picture; the
ring is the limit from the right). So a unit passes the gradient on whole, or not at all: no factor below 1 that would
shrink it from layer to layer as the sigmoid's does (at most 1/4).

One difference hides in the scalar listing: Python's ``max(0.0, x)`` returns 0.0 for a NaN, because every comparison
with NaN is false. A network that went wrong then looks right. `relu_c.relu` keeps the NaN.

The picture shows both listings: the dots are the scalar one on the whole numbers from -10 to 10, the line is the
array.

Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", ICML 2010; Glorot, Bordes and
Bengio, "Deep sparse rectifier neural networks", AISTATS 2011.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

import relu_c
from relu_c.gallery._network import Array
from relu_c.gallery._style import BLUE, INK, ORANGE, panels

VERDICT = "reproduced"


def rectified(x: float) -> float:
    """Return the rectifier of one number.

    >>> rectified(3.0), rectified(0.0), rectified(-1000.0)
    (3.0, 0.0, 0.0)
    """
    return max(0.0, x)


def rectified_array(x: Array) -> Array:
    """Overwrite an array with its rectifier, and return it.

    >>> rectified_array(np.array([-2.0, -0.5, 0.0, 3.0]))
    array([0., 0., 0., 3.])
    """
    y: Array = relu_c.relu(x, out=x)
    return y


@dataclass
class Results:
    """The rectifier on whole numbers by the scalar listing, and on a grid by the array listing, with its derivative."""

    numbers: list[float]
    scalar: list[float]
    grid: Array
    array: Array
    derivative: Array
    of_nan: tuple[float, float]  # by the scalar listing, by relu_c


def run(quick: bool = False) -> Results:
    """Evaluate both listings; nothing here takes time, so that `quick` changes nothing."""
    numbers = [float(x) for x in range(-10, 11)]
    grid = np.linspace(-10, 10, 2001)
    nan = float("nan")
    return Results(
        numbers,
        [rectified(x) for x in numbers],
        grid,
        rectified_array(grid.copy()),
        relu_c.relu_grad(1.0, grid),
        (rectified(nan), float(relu_c.relu(nan))),
    )


def check(results: Results) -> None:
    """Assert that the listings agree, and that the derivative is a step."""
    assert np.array_equal(relu_c.relu(results.numbers), results.scalar), "the listings differ"
    assert np.array_equal(results.array, [rectified(x) for x in results.grid]), "the listings differ"
    assert np.array_equal(results.derivative, results.grid > 0), "the derivative is not a step"
    # Between two points of the grid that have no kink between them, the derivative is the difference quotient.
    slopes = np.diff(results.array) / np.diff(results.grid)
    inner = results.grid[:-1] * results.grid[1:] > 0
    assert np.allclose(slopes[inner], results.derivative[1:][inner]), "the derivative is not the slope"
    by_max, by_relu = results.of_nan
    assert by_max == 0, f"max(0.0, nan) is {by_max}"
    assert np.isnan(by_relu), f"relu_c.relu(nan) is {by_relu}"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    by_max, by_relu = results.of_nan
    slopes = sorted(set(results.derivative.tolist()))
    return (
        f"{len(results.grid) + len(results.numbers)} inputs, largest difference between scalar and array listing "
        f"{max(abs(results.array - [rectified(x) for x in results.grid])):g}; slopes {slopes}, at 0 "
        f"{relu_c.relu_grad(1.0, 0.0):g}; of NaN: max gives {by_max:g}, relu_c gives {by_relu:g}"
    )


def picture(results: Results) -> Figure:
    """Draw the function and its derivative."""
    figure, (left, right) = panels(
        "The rectifier passes what is positive, and its gradient whole",
        "f(x) = max(0, x)",
        "f\N{PRIME}(x): 0 or 1",
        height=3.4,
    )
    left.plot(results.grid, results.array, color=BLUE, label="array: relu_c.relu(x, out=x)")
    left.plot(results.numbers, results.scalar, "o", color=INK, markersize=3.5, label="scalar: max(0.0, x)")
    left.set(xticks=range(-10, 11, 5), xlabel="x", ylabel="f(x)")
    left.legend(frameon=False, fontsize=9)
    positive = results.grid > 0
    for side in (~positive, positive):
        right.plot(results.grid[side], results.derivative[side], color=ORANGE)
    right.plot(0, 0, "o", color=ORANGE, label="value at 0, by custom")
    right.plot(0, 1, "o", color=ORANGE, markerfacecolor="white", label="limit from the right")
    right.set(xticks=range(-10, 11, 5), yticks=(0, 1), xlabel="x", ylabel="f\N{PRIME}(x)", ylim=(-0.1, 1.25))
    right.legend(frameon=False, fontsize=9, loc="center left")
    return figure
