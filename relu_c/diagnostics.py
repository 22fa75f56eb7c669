"""What a network's activations do: the shares of zeros and of active units, and a monitor of its layers.

>>> import numpy as np, relu_c
>>> monitor = relu_c.diagnostics.Monitor()
>>> rng = np.random.default_rng(0)
>>> w = relu_c.init.he_normal((20, 5), rng=rng)
>>> for _ in range(10):
...     z = rng.standard_normal((32, 20), np.float32) @ w
...     z[:, 3] -= 100  # a bias that kills
...     monitor.update("hidden", relu_c.relu(z))
>>> monitor["hidden"].dead
array([3])
>>> monitor["hidden"].samples, relu_c.diagnostics.sparsity(relu_c.relu(z), axis=0)[3]
(320, np.float64(1.0))
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from relu_c._dtypes import evaluated_in, result_dtype
from relu_c._parameters import not_nan, number
from relu_c._statistics import moments, tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray
    from rich.table import Table

__all__ = ["Activity", "LayerStatistics", "Monitor", "activity", "sparsity"]

Counts: TypeAlias = "NDArray[np.int64]"
Floats: TypeAlias = "NDArray[np.float64]"

BLOCK = 1 << 17  # elements at a time, for conversions and the second look to stay in the cache
LISTED = 10  # dead units that a report names


class Activity(NamedTuple):
    """Shares of the outputs, from 0 to 1: a float each, or an array with one for each unit.

    Parameters
    ----------
    zero : float or ndarray
        Exactly 0, of either sign.
    active : float or ndarray
        Above 0, +inf included.
    nonfinite : float or ndarray
        NaN or infinite.
    """

    zero: Any
    active: Any
    nonfinite: Any


def activity(y: ArrayLike, /, axis: int | Sequence[int] | None = None) -> Activity:
    """Return which shares of the outputs are zero, active and not finite, in one pass.

    Parameters
    ----------
    y : array_like
        Outputs of an activation; float16, bfloat16, float32, float64 or integers.
    axis : int or sequence of int, optional
        Axes to go over: 0 for the share of the samples, for each unit (its lifetime sparsity), -1 for the share of the
        units, for each sample (population sparsity). All by default.

    Returns
    -------
    Activity
        The shares `zero`, `active` and `nonfinite`, of the shape of the other axes; NaN where there are no outputs. A
        NaN is neither zero nor active, yet it counts among the outputs.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `y`.
    ValueError
        For an axis that `y` does not have.

    References
    ----------
    B. Willmore and D. J. Tolhurst, Characterizing the sparseness of neural codes, Network 12 (2001).

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> y = np.float32([[0, 1, 2], [0, 0, np.nan]])
    >>> zero, active, nonfinite = relu_c.diagnostics.activity(y, axis=0)
    >>> zero, active, nonfinite
    (array([1. , 0.5, 0. ]), array([0. , 0.5, 0.5]), array([0. , 0. , 0.5]))
    """
    y = np.asarray(y)
    dtype = _evaluated_in(y)
    axes = tuple(range(y.ndim)) if axis is None else normalize_axis_tuple(axis, y.ndim, "axis")
    kept = tuple(a for a in range(y.ndim) if a not in axes)
    shape = tuple(y.shape[a] for a in kept)
    counts = np.zeros((4, math.prod(shape)), np.int64)
    for block in _blocks(y, kept, dtype):
        tally(block, math.nan, math.nan, counts)
    outputs = math.prod(y.shape[a] for a in axes)
    counts[2] = outputs - counts[2]
    shares = counts[:3].reshape(3, *shape) / outputs if outputs else np.full((3, *shape), math.nan)
    return Activity(*(shares if shape else map(float, shares)))


def sparsity(y: ArrayLike, /, axis: int | Sequence[int] | None = None) -> Any:
    """Return the share of the outputs that are exactly 0.

    Parameters
    ----------
    y : array_like
        Outputs of an activation; float16, bfloat16, float32, float64 or integers.
    axis : int or sequence of int, optional
        Axes to go over: 0 for the share of the samples, for each unit (its lifetime sparsity), -1 for the share of the
        units, for each sample (population sparsity). All by default.

    Returns
    -------
    float or ndarray
        From 0 to 1, of the shape of the other axes; NaN where there are no outputs. Both zeros count; NaN does not.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `y`.
    ValueError
        For an axis that `y` does not have.

    References
    ----------
    X. Glorot, A. Bordes and Y. Bengio, Deep sparse rectifier neural networks, AISTATS 2011.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> y = relu_c.relu(np.random.default_rng(0).standard_normal((1000, 100)))
    >>> round(relu_c.diagnostics.sparsity(y), 2)
    0.5
    >>> relu_c.diagnostics.sparsity(np.float32([[0, 1], [0, 0]]), axis=0)
    array([1. , 0.5])
    """
    return activity(y, axis).zero


class LayerStatistics:
    """What a monitor has seen of one layer; each array holds a number for each unit.

    Parameters
    ----------
    units : int
        Number of units.
    unit_axis : int
        Their axis in the outputs.
    limits : tuple of float, optional
        Outputs at or beyond these are saturated.

    Attributes
    ----------
    samples : int
        Outputs seen of each unit: the product of the lengths of all axes but the units'.
    zero, active, nonfinite : ndarray of int64
        How many of them were exactly 0, above 0, and infinite or NaN.
    saturated : ndarray of int64 or None
        How many were at or beyond the limits.
    mean, variance : ndarray of float64
        Of the finite ones; NaN where there were none. The variance divides by their number.
    """

    def __init__(self, units: int, unit_axis: int = -1, limits: tuple[float, float] | None = None) -> None:
        self.unit_axis = unit_axis
        self.limits = _ordered(limits)
        self.samples = 0
        self.zero, self.active, self.nonfinite = np.zeros((3, units), np.int64)
        self.saturated: Counts | None = None if limits is None else np.zeros(units, np.int64)
        self._mean, self._squares = np.zeros((2, units))

    @property
    def units(self) -> int:
        """Number of units."""
        return len(self.zero)

    @property
    def mean(self) -> Floats:
        """Mean of the finite outputs."""
        return np.where(self._finite, self._mean, math.nan)

    @property
    def variance(self) -> Floats:
        """Variance of the finite outputs."""
        return np.where(self._finite, self._squares, math.nan) / np.maximum(self._finite, 1)

    @property
    def dead(self) -> NDArray[np.intp]:
        """Indices of the units that were 0 in every sample: no sample moved them, and none gave them a gradient."""
        return np.flatnonzero((self.zero == self.samples) & (self.samples > 0))

    @property
    def _finite(self) -> Counts:
        return self.samples - self.nonfinite

    def update(self, y: ArrayLike) -> None:
        """Take the outputs of one batch.

        Parameters
        ----------
        y : array_like
            The outputs; all axes but the units' count samples.
        """
        y = np.asarray(y)
        dtype, axis = _evaluated_in(y), normalize_axis_index(self.unit_axis, y.ndim, "unit_axis")
        if y.shape[axis] != self.units:
            raise ValueError(f"y must have {self.units} units at axis {self.unit_axis}, not shape {y.shape}")
        for block in _blocks(y, (axis,), dtype):
            self._take(block)

    def _take(self, block: NDArray[Any]) -> None:
        """Take an array (samples, units, samples); the moments are merged as by Chan, Golub and LeVeque (1979)."""
        counts, sums = np.zeros((4, self.units), np.int64), np.zeros((2, self.units))
        tally(block, *(self.limits or (math.nan, math.nan)), counts)
        first = block[0, :, 0]
        shift = self._mean if self.samples else np.where(np.isfinite(first), first, 0).astype(np.float64)
        moments(block, shift, sums)

        zero, active, finite, saturated = counts
        before, samples = self._finite, block.shape[0] * block.shape[2]
        self.samples += samples
        self.zero += zero
        self.active += active
        self.nonfinite += samples - finite
        if self.saturated is not None:
            self.saturated += saturated
        with np.errstate(all="ignore"):
            offset = sums[0] / np.maximum(finite, 1)
            squares = np.maximum(sums[1] - offset * sums[0], 0)
            share = finite / np.maximum(self._finite, 1)
            step = shift + offset - self._mean
            self._mean += step * share
            self._squares += squares + step**2 * before * share


class Monitor:
    """Statistics of a network's layers, batch after batch: dead units, sparsity, mean, spread, saturation.

    ``print(monitor)`` gives a table in plain text; with the package rich, ``rich.print(monitor)`` a coloured one.

    Notes
    -----
    A unit is dead if it was exactly 0 in every sample seen: the sign of a ReLU that no longer learns, if the samples
    are many. Units of `leaky_relu` or `elu` are never dead. NaN and infinite outputs are counted, and left out of mean
    and deviation. Gradients can be watched too, under a name of their own: where they explode, their deviation grows
    and some are not finite; where they vanish, it shrinks. The table leaves out the columns of saturated and of
    non-finite outputs where there is nothing to tell.

    References
    ----------
    L. Lu, Y. Shin, Y. Su and G. E. Karniadakis, Dying ReLU and initialization: theory and numerical examples,
    arXiv:1903.06733, 2019.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> monitor = relu_c.diagnostics.Monitor()
    >>> monitor.update("hidden", np.float32([[0, 1, 2], [0, 0, 4]]))
    >>> monitor.update("hidden", np.float32([[0, 3, 0]]))
    >>> monitor.update("output", np.float32([[0.5], [0.995]]), limits=(0.01, 0.99))
    >>> print(monitor)
    layer   units  samples   zero  active  dead    mean     std  saturated
    hidden      3        3  55.6%   44.4%     1   1.111   1.449          -
    output      1        2   0.0%  100.0%     0  0.7475  0.2475      50.0%
    dead in hidden: 0
    >>> monitor["hidden"].active, monitor["hidden"].mean
    (array([0, 2, 2]), array([0.        , 1.33333333, 2.        ]))
    """

    def __init__(self) -> None:
        self.layers: dict[str, LayerStatistics] = {}

    def update(
        self, layer: str, y: ArrayLike, *, unit_axis: int = -1, limits: tuple[float, float] | None = None
    ) -> None:
        """Take the outputs of one layer for one batch.

        Parameters
        ----------
        layer : str
            Name of the layer; a new name begins a new one.
        y : array_like
            The outputs: float16, bfloat16, float32, float64 or integers. All axes but the units' count samples.
        unit_axis : int, default -1
            The axis of the units; 1 for the channels of images (N, C, H, W).
        limits : tuple of float, optional
            Outputs at or below the first, or at or above the second, count as saturated: (0, 6) for relu6, (0.01, 0.99)
            for a sigmoid.

        Raises
        ------
        TypeError
            For complex, object, string or longdouble `y`.
        ValueError
            For another number of units, another `unit_axis` or other `limits` than the layer had before, for an axis
            that `y` does not have; nothing is counted then.
        """
        y = np.asarray(y)
        limits = _ordered(limits)
        known = self.layers.get(layer)
        if known is None:
            known = LayerStatistics(y.shape[normalize_axis_index(unit_axis, y.ndim, "unit_axis")], unit_axis, limits)
        elif (known.unit_axis, known.limits) != (unit_axis, limits):
            raise ValueError(
                f"layer {layer!r} began with unit_axis={known.unit_axis} and limits={known.limits}, "
                f"not unit_axis={unit_axis} and limits={limits}"
            )
        known.update(y)
        self.layers[layer] = known

    def __getitem__(self, layer: str) -> LayerStatistics:
        return self.layers[layer]

    def reset(self) -> None:
        """Forget everything."""
        self.layers.clear()

    def __str__(self) -> str:
        columns = self._columns()
        widths = [max(map(len, column)) for column in columns]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in zip(*columns, strict=True)
        ]
        return "\n".join(lines + self._dead())

    def __repr__(self) -> str:
        return f"<Monitor of {', '.join(self.layers) or 'nothing'}>"

    def __rich__(self) -> Table:
        from rich.table import Table

        table = Table(caption="\n".join(self._dead()) or None)
        headings, *rows = zip(*self._columns(), strict=True)
        for heading in headings:
            table.add_column(heading, justify="left" if heading == "layer" else "right", overflow="fold")
        for layer, row in zip(self.layers.values(), rows, strict=True):
            table.add_row(*row, style="red" if layer.dead.size else None)
        return table

    def _columns(self) -> list[tuple[str, ...]]:
        """Return the columns of the table, each with its heading first, without those that have nothing to tell."""
        columns = zip(_HEADINGS, *map(self._cells, self.layers), strict=True)
        return [column for column in columns if set(column[1:]) - {_OMITTED.get(column[0])}]

    def _cells(self, layer: str) -> list[str]:
        """Return the row of a layer: over all its units."""
        seen = self[layer]
        outputs, finite = seen.samples * seen.units, seen._finite
        count = finite.sum()
        with np.errstate(all="ignore"):
            mean = np.sum(seen._mean * finite) / count
            deviation = np.sqrt(np.sum(seen._squares + finite * (seen._mean - mean) ** 2) / count)
            zero, active = (f"{np.sum(counts) / outputs:.1%}" for counts in (seen.zero, seen.active))
            saturated = "-" if seen.saturated is None else f"{np.sum(seen.saturated) / outputs:.1%}"
        return [
            layer,
            str(seen.units),
            str(seen.samples),
            zero,
            active,
            str(seen.dead.size),
            f"{mean:.4g}",
            f"{deviation:.4g}",
            saturated,
            str(seen.nonfinite.sum()),
        ]

    def _dead(self) -> list[str]:
        """Return a line for each layer with dead units, which names them."""
        lines = []
        for layer, seen in self.layers.items():
            if seen.dead.size:
                named = ", ".join(map(str, seen.dead[:LISTED]))
                more = f" and {seen.dead.size - LISTED} more" if seen.dead.size > LISTED else ""
                lines.append(f"dead in {layer}: {named}{more}")
        return lines


_HEADINGS = ("layer", "units", "samples", "zero", "active", "dead", "mean", "std", "saturated", "non-finite")
_OMITTED = {"saturated": "-", "non-finite": "0"}  # columns, and the cell that has nothing to tell


def _evaluated_in(y: NDArray[Any]) -> type[np.float32 | np.float64]:
    return evaluated_in(result_dtype(y, "y"))


def _ordered(limits: tuple[float, float] | None) -> tuple[float, float] | None:
    """Return the limits as floats, checked."""
    if limits is None:
        return None
    low, high = (number("limits", limit, not_nan, "numbers") for limit in limits)
    if low > high:
        raise ValueError(f"limits must be in order, not {limits!r}")
    return low, high


def _blocks(y: NDArray[Any], kept: tuple[int, ...], dtype: DTypeLike) -> Iterator[NDArray[Any]]:
    """Yield an array a block at a time, in C order as (samples, units, samples); the axes kept are the units."""
    first, last = (kept[0], kept[-1] + 1) if kept else (y.ndim, y.ndim)
    if last - first != len(kept):  # other axes between them
        y = np.moveaxis(y, kept, range(-len(kept), 0))
        first, last = y.ndim - len(kept), y.ndim
    units, inner = math.prod(y.shape[first:last]), math.prod(y.shape[last:])
    leading = len(y) if first else 1
    length = max(1, BLOCK * leading // max(1, y.size))
    for start in range(0, leading if y.size else 0, length):
        part = y[start : start + length] if first else y
        yield part.reshape(-1, units, inner).astype(dtype, "C", copy=False)
