"""The float dtypes that relu_c knows, for the functions that are not ufuncs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["FLOATS", "evaluated_in", "float_dtype", "result_dtype", "writable"]

FLOATS = ("float16", "bfloat16", "float32", "float64")  # names of scalar types: dtype.name takes ten times as long


def float_dtype(dtype: DTypeLike, name: str = "dtype") -> np.dtype[Any]:
    """Return a dtype that is one of the four, or raise the error that names the argument."""
    result = np.dtype(dtype)
    if result.type.__name__ not in FLOATS:
        raise TypeError(f"{name} must be one of {', '.join(FLOATS)}, not {result.name}")
    return result


def result_dtype(x: NDArray[Any], name: str = "x") -> np.dtype[Any]:
    """Return the dtype of results for an input, or raise the error that names it: integers become float64."""
    if x.dtype.kind in "iub":
        return np.dtype(np.float64)
    if x.dtype.type.__name__ not in FLOATS:
        raise TypeError(f"{name} must be of {', '.join(FLOATS)} or an integer dtype, not {x.dtype}")
    return x.dtype.newbyteorder("=")


def evaluated_in(dtype: np.dtype[Any]) -> type[np.float32 | np.float64]:
    """Return the dtype that results are evaluated in before they are rounded to theirs: float32 for the half types."""
    return np.float64 if dtype.itemsize == 8 else np.float32


def writable(out: NDArray[Any] | None, shape: tuple[int, ...], dtype: np.dtype[Any], name: str = "out") -> NDArray[Any]:
    """Return the array for a result, a new one by default, after a check that it can take it."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{name} must be an ndarray, not {out!r}")
    float_dtype(out.dtype, f"the dtype of {name}")
    if out.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}, not {out.shape}")
    if not out.flags.writeable:
        raise ValueError(f"{name} is read-only")
    return out
