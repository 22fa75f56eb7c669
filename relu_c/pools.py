"""Maxout: the maximum over pools of units, with its gradient."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from relu_c._outputs import checked, pair
from relu_c._ufuncs import GENERALISED

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = ["maxout", "maxout_grad"]

Outs: TypeAlias = "tuple[NDArray[Any] | None, NDArray[Any] | None] | None"


def _pool(pool_size: Any) -> int:
    size = operator.index(pool_size)
    if not 1 <= size <= 2**32:
        raise ValueError(f"pool_size must be from 1 to 2**32, not {size}")
    return size


def _index_dtype(pool_size: int) -> DTypeLike:
    return np.min_scalar_type(pool_size - 1)


def _axis(axis: Any, ndim: int) -> int:
    position = operator.index(axis)
    if not -ndim <= position < ndim:
        raise ValueError(f"axis must be in [{-ndim}, {ndim - 1}] for {ndim} dimensions, not {position}")
    return position % ndim


def _pools(array: NDArray[Any], axis: int, pool_size: int) -> NDArray[Any]:
    """Return a view with an axis split into pools and the units of each, the latter at the end."""
    shape = (*array.shape[:axis], array.shape[axis] // pool_size, pool_size, *array.shape[axis + 1 :])
    return np.moveaxis(array.reshape(shape), axis + 1, -1)


def maxout(x: ArrayLike, /, pool_size: int, axis: int = -1, *, out: Outs = None) -> tuple[Any, Any]:
    """Maximum over pools of neighbouring units.

    ``y[g] = max(x[g * pool_size], ..., x[(g + 1) * pool_size - 1])`` along the axis

    Parameters
    ----------
    x : array_like
        Input of one dimension or more; float16, float32, float64 or integer.
    pool_size : int
        Units per pool; divides the length of the axis.
    axis : int, default -1
        The axis of the units.
    out : tuple of ndarray or None, optional
        Where `y` and `index` go.

    Returns
    -------
    y : ndarray
        The maxima, in the dtype of `x`; the axis is `pool_size` times shorter.
    index : ndarray of uint8, uint16 or uint32
        Which unit of its pool each maximum is, from 0, in the smallest dtype that holds ``pool_size - 1``.

    Raises
    ------
    TypeError
        For complex, object, string, longdouble and bool operands, or an `out` that is no pair.
    ValueError
        If `pool_size` does not divide the length of the axis, `axis` is out of range, or an output does not fit;
        nothing is written then.

    See Also
    --------
    maxout_grad : The gradient, from the index.

    Notes
    -----
    Among equal units the first wins, 0.0 and -0.0 being equal. NaN wins over all numbers, the first of several.

    References
    ----------
    I. J. Goodfellow et al., Maxout networks, ICML 2013.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> y, index = relu_c.maxout(np.float32([[1, 5, 2], [7, 7, -1]]).reshape(1, 6), 3)
    >>> y
    array([[5., 7.]], dtype=float32)
    >>> index
    array([[1, 0]], dtype=uint8)
    """
    size = _pool(pool_size)
    array = np.asarray(x)
    if array.ndim == 0:
        raise ValueError("x must have at least one dimension, the units")
    position = _axis(axis, array.ndim)
    length = array.shape[position]
    if length % size:
        raise ValueError(f"pool_size must divide the length of axis {axis}, but {length} is no multiple of {size}")
    shape = (*array.shape[:position], length // size, *array.shape[position + 1 :])
    outs = pair(out, ("y", "index"), (shape, shape))
    dtype, index_dtype = array.dtype.newbyteorder("="), _index_dtype(size)
    y, index = GENERALISED["maxout"](_pools(array, position, size), out=outs, signature=(dtype, dtype, index_dtype))
    return y, index


def maxout_grad(
    dy: ArrayLike, index: ArrayLike, /, pool_size: int, axis: int = -1, *, out: NDArray[Any] | None = None
) -> Any:
    """Gradient of `maxout`: dy goes to the unit that was the maximum of its pool, the others get 0.

    ``dx[g * pool_size + k] = dy[g] if k == index[g] else 0`` along the axis

    Parameters
    ----------
    dy : array_like
        Gradient with respect to `y`.
    index : array_like of int
        The index that `maxout` returned; broadcasts with `dy`.
    pool_size : int
        Units per pool.
    axis : int, default -1
        The axis of the units.
    out : ndarray, optional
        Where the result goes. A new array by default.

    Returns
    -------
    ndarray
        The gradient with respect to `x`, in the dtype of `dy`; the axis is `pool_size` times longer.

    Raises
    ------
    TypeError
        For an index that is not of integers, or complex, object, string, longdouble and bool `dy`.
    ValueError
        If the index leaves [0, pool_size), `axis` is out of range, or `out` does not fit; nothing is written then.

    See Also
    --------
    maxout : The function.

    Notes
    -----
    A unit that was not the maximum gets +0, also where `dy` is infinite or NaN.

    References
    ----------
    I. J. Goodfellow et al., Maxout networks, ICML 2013.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> relu_c.maxout_grad(np.float32([[1, 2]]), np.uint8([[1, 0]]), 3)
    array([[0., 1., 0., 2., 0., 0.]], dtype=float32)
    """
    size = _pool(pool_size)
    gradient, which = np.asarray(dy), np.asarray(index)
    if which.dtype.kind not in "iu":
        raise TypeError(f"index must be of an integer dtype, not {which.dtype}")
    if which.size and (which.min() < 0 or which.max() >= size):
        raise ValueError(f"index must be in [0, {size}), but runs from {which.min()} to {which.max()}")
    shape = np.broadcast_shapes(gradient.shape, which.shape)
    if not shape:
        raise ValueError("dy must have at least one dimension, the pools")
    position = _axis(axis, len(shape))
    shape = (*shape[:position], shape[position] * size, *shape[position + 1 :])
    dtype, index_dtype = gradient.dtype.newbyteorder("="), np.dtype(_index_dtype(size))
    if out is not None:
        checked("dx", out, shape)
    result = np.empty(shape, dtype) if out is None else out
    GENERALISED["maxout_grad"](
        gradient,
        which.astype(index_dtype, copy=False),
        out=_pools(result, position, size),
        signature=(dtype, index_dtype, dtype),
    )
    return result
