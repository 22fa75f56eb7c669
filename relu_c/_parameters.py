"""Checks and conversion of the functions' parameters."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["Parameter", "finite", "non_negative", "not_nan"]

_FLOAT64 = np.dtype(np.float64)


class Parameter:
    """A parameter of a function: its name and its domain.

    Called with a value and the array it goes with, it returns what the ufunc takes. A scalar (ndim 0) is cast to the
    array's float dtype (float64 for integers), so that it never changes the result's dtype, and then checked; arrays
    are left as they are. The conversion is cached: a call with the same value and dtype costs a look-up.

    Parameters
    ----------
    name : str
        The parameter's name, for the error.
    test : callable
        Whether a float lies in the domain.
    domain : str
        The domain in words, for the error.
    """

    def __init__(self, name: str, test: Callable[[float], bool], domain: str) -> None:
        self.name = name
        self.test = test
        self.domain = domain
        self._cached = lru_cache(maxsize=128)(self._convert)

    def __call__(self, value: Any, x: Any) -> Any:
        if type(value) is not float:
            if isinstance(value, (str, bytes, complex, np.complexfloating)) or value is None:
                raise TypeError(f"{self.name} must be a real number or an array of them, not {value!r}")
            if np.ndim(value):
                return value
            value = float(value)
        try:
            dtype = x.dtype
        except AttributeError:
            if hasattr(x, "__array_ufunc__"):  # a pandas DataFrame: each column has its own dtype
                dtype = _FLOAT64
                self._convert(value, dtype)
                return value
            dtype = np.asarray(x).dtype
        # 0.0 and -0.0 are equal keys, but not the same parameter.
        return self._cached(value, dtype) if value else self._convert(value, dtype)

    def _convert(self, value: float, dtype: np.dtype[Any]) -> Any:
        with np.errstate(over="ignore"):
            array = np.asarray(value, dtype if dtype.kind not in "biu" else _FLOAT64)
        if not self.test(float(array)):
            raise ValueError(f"{self.name} must be {self.domain}, not {value!r} ({array.dtype} {array!s})")
        array.flags.writeable = False
        return array


def finite(value: float) -> bool:
    """Return whether the value is neither infinite nor NaN."""
    return value - value == 0


def non_negative(value: float) -> bool:
    """Return whether the value is finite and not below 0."""
    return finite(value) and value >= 0


def not_nan(value: float) -> bool:
    """Return whether the value is a number; infinities are."""
    return value == value
