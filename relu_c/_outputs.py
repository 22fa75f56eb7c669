"""What functions over generalised ufuncs share: operands as arrays, checks of ``out=``, views of it in other shapes."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["Target", "checked", "operands", "pair", "spread"]


def operands(*values: Any) -> list[np.ndarray[Any, Any]]:
    """Return the operands as arrays; Python's numbers take the common dtype of the others, as in NumPy.

    Parameters
    ----------
    *values : array_like
        The operands.

    Returns
    -------
    list of ndarray
        The arrays.
    """
    if all(isinstance(value, np.ndarray) for value in values):
        return list(values)
    weak = [isinstance(value, int | float) and not isinstance(value, np.generic) for value in values]
    arrays = [np.asarray(value) for value in values]
    strong = [array for array, is_weak in zip(arrays, weak, strict=True) if not is_weak]
    if not any(weak) or not strong:
        return arrays
    common = np.result_type(*strong)
    dtype = common if common.kind not in "biu" else np.dtype(np.float64)
    return [array.astype(dtype) if is_weak else array for array, is_weak in zip(arrays, weak, strict=True)]


def spread(array: np.ndarray[Any, Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Return an array broadcast to a shape: itself where it has the shape already.

    Parameters
    ----------
    array : ndarray
        The array.
    shape : tuple of int
        The shape.

    Returns
    -------
    ndarray
        The array, or a view of it that is not to be written to.
    """
    return array if array.shape == shape else np.broadcast_to(array, shape)


def checked(name: str, out: Any, shape: tuple[int, ...]) -> None:
    """Check an output that was given: an array, writeable, of the result's shape.

    Parameters
    ----------
    name : str
        What the output is called, for the error.
    out : object
        What was given.
    shape : tuple of int
        The result's shape.

    Raises
    ------
    TypeError
        If it is no array.
    ValueError
        If it is read-only or has another shape.
    """
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out: {name} must be a NumPy array, not {type(out).__name__}")
    if not out.flags.writeable:
        raise ValueError(f"out: {name} is read-only")
    if out.shape != shape:
        raise ValueError(f"out: {name} must have shape {shape}, not {out.shape}")


def pair(out: Any, names: tuple[str, str], shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> tuple[Any, Any]:
    """Check ``out=`` of a function with two outputs: a pair, each an array or None, that share no memory.

    Parameters
    ----------
    out : object
        What was given; None for neither.
    names : tuple of str
        What the outputs are called, for the error.
    shapes : tuple
        The results' shapes.

    Returns
    -------
    tuple
        The two.

    Raises
    ------
    TypeError
        If it is no tuple of two, or an element is neither an array nor None.
    ValueError
        If an array is read-only or of another shape, or the two share memory.
    """
    if out is None:
        return None, None
    if not isinstance(out, tuple) or len(out) != 2:
        raise TypeError(f"out must be a tuple ({', '.join(names)}) of arrays or None, not {type(out).__name__}")
    for name, one, shape in zip(names, out, shapes, strict=True):
        if one is not None:
            checked(name, one, shape)
    first, second = out
    if first is not None and second is not None and np.shares_memory(first, second):
        raise ValueError(f"out: {names[0]} and {names[1]} share memory, so one result would overwrite the other")
    return first, second


class Target:
    """An output seen in the shape that a ufunc wants: a view where there is one, else an array that is copied back.

    Parameters
    ----------
    out : ndarray or None
        What was given; None lets the ufunc make the array.
    shape : tuple of int
        The shape that the ufunc wants.
    axes : sequence of int, optional
        The order of the axes of `out` that `shape` groups; as they are by default.
    """

    def __init__(self, out: Any, shape: tuple[int, ...], axes: Any = None) -> None:
        self.out: Any = out if out is None or axes is None else out.transpose(axes)
        self.array: Any = None if out is None else self.out.reshape(shape)

    def finish(self) -> None:
        """Copy the result back, where it went to a copy."""
        if self.out is not None and self.out.size and not np.may_share_memory(self.array, self.out):
            self.out[...] = self.array.reshape(self.out.shape)
