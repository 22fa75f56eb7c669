"""Penalties on weights and activations: L1, L2 and the max-norm constraint.

A penalty is a number that is added to the loss, its gradient an array that is added to the gradient; `strength` scales
both. On weights it is a sum over all of them. On activations `batch_axis` says which axis, or axes, count the samples,
and the penalty is the mean over these of the sum over the units. Elastic net is one of each.

Sums are taken in float64 and a fixed order: the same bits in any memory layout and on any machine.

>>> import numpy as np, relu_c
>>> w, h = np.float32([[3, -4], [0, 1]]), np.float32([[1, 0, 2], [0, 0, 5]])
>>> relu_c.penalties.l2(w, 0.1), relu_c.penalties.l1(h, 0.1, batch_axis=0)  # 0.05 * 26, 0.1 * (3 + 5) / 2
(1.3, 0.4)
>>> dw = np.ones_like(w)
>>> relu_c.penalties.l2_grad(w, 0.5, add_to=dw)
array([[ 2.5, -1. ],
       [ 1. ,  1.5]], dtype=float32)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from relu_c._dtypes import evaluated_in, result_dtype, writable
from relu_c._parameters import non_negative, number, positive
from relu_c._statistics import norms

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["l1", "l1_grad", "l2", "l2_grad", "max_norm"]

Axes: TypeAlias = "int | Sequence[int] | None"

BLOCK = 1 << 16  # elements at a time, for conversions to stay in the cache


def l1(x: ArrayLike, /, strength: float, *, batch_axis: Axes = None) -> float:
    """L1 penalty: the sum of absolute values, which draws weights and activations to exactly 0.

    ``l1(x) = strength * sum(abs(x)) / samples``

    Parameters
    ----------
    x : array_like
        Weights, or activations with `batch_axis`; float16, bfloat16, float32, float64 or integers.
    strength : float
        Factor of the penalty; finite, at least 0.
    batch_axis : int or sequence of int, optional
        The axis of the samples, or axes that count them together. By default, as for weights, samples is 1.

    Returns
    -------
    float
        The penalty; 0.0 for an empty array, NaN if an element is NaN.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `x`.
    ValueError
        For a strength outside its domain, an axis that `x` does not have.

    Notes
    -----
    The convention of Keras: activity regularizers divide by the batch size, weight regularizers do not.

    References
    ----------
    R. Tibshirani, Regression shrinkage and selection via the lasso, Journal of the Royal Statistical Society B 58
    (1996).
    X. Glorot, A. Bordes and Y. Bengio, Deep sparse rectifier neural networks, AISTATS 2011, for activations.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> relu_c.penalties.l1(np.float32([[1, -2], [0, 3]]), 0.5)
    3.0
    >>> relu_c.penalties.l1(np.float32([[1, -2], [0, 3]]), 0.5, batch_axis=0)
    1.5
    """
    x = np.asarray(x)
    scale = _strength_per_sample(x, strength, batch_axis)
    return scale * norms(_blocks(x))[0]


def l1_grad(
    x: ArrayLike,
    /,
    strength: float,
    *,
    batch_axis: Axes = None,
    out: NDArray[Any] | None = None,
    add_to: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Gradient of the L1 penalty.

    ``dx = strength * sign(x) / samples``, 0 where x is 0

    Parameters
    ----------
    x : array_like
        What `l1` was given.
    strength : float
        Factor of the penalty; finite, at least 0.
    batch_axis : int or sequence of int, optional
        The axis of the samples, or axes that count them together. By default, as for weights, samples is 1.
    out : ndarray, optional
        Where the gradient goes; `x` itself, for in place. A new array by default.
    add_to : ndarray, optional
        A gradient that this one is added to, in place, instead; of any float dtype.

    Returns
    -------
    ndarray
        The gradient, in the dtype of `x`; `out` or `add_to` if given.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `x`.
    ValueError
        For a strength outside its domain, an axis that `x` does not have, an `out` or `add_to` that does not fit, or
        both; nothing is written then.

    Notes
    -----
    At 0 every number of [-strength, strength] is a subgradient; 0 leaves zeros where they are. NaN gives NaN.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> relu_c.penalties.l1_grad(np.float32([1, -2, 0]), 0.5)
    array([ 0.5, -0.5,  0. ], dtype=float32)
    """
    return _gradient(np.sign, x, strength, batch_axis, out, add_to)


def l2(x: ArrayLike, /, strength: float, *, batch_axis: Axes = None) -> float:
    """L2 penalty: half the sum of squares, which keeps weights and activations small; weight decay.

    ``l2(x) = strength / 2 * sum(x**2) / samples``

    Parameters
    ----------
    x : array_like
        Weights, or activations with `batch_axis`; float16, bfloat16, float32, float64 or integers.
    strength : float
        Factor of the penalty; finite, at least 0.
    batch_axis : int or sequence of int, optional
        The axis of the samples, or axes that count them together. By default, as for weights, samples is 1.

    Returns
    -------
    float
        The penalty; 0.0 for an empty array, NaN if an element is NaN.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `x`.
    ValueError
        For a strength outside its domain, an axis that `x` does not have.

    Notes
    -----
    With the half, the gradient is ``strength * x``: torch's `weight_decay` and scikit-learn's `alpha` (which divides by
    the samples of the batch) are the strength. Keras leaves the half out: its factor is half the strength.

    References
    ----------
    A. Krogh and J. A. Hertz, A simple weight decay can improve generalization, NIPS 1991.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> relu_c.penalties.l2(np.float32([[3, -4], [0, 1]]), 0.5)
    6.5
    """
    x = np.asarray(x)
    scale = _strength_per_sample(x, strength, batch_axis)
    return scale / 2 * norms(_blocks(x))[1]


def l2_grad(
    x: ArrayLike,
    /,
    strength: float,
    *,
    batch_axis: Axes = None,
    out: NDArray[Any] | None = None,
    add_to: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Gradient of the L2 penalty.

    ``dx = strength * x / samples``

    Parameters
    ----------
    x : array_like
        What `l2` was given.
    strength : float
        Factor of the penalty; finite, at least 0.
    batch_axis : int or sequence of int, optional
        The axis of the samples, or axes that count them together. By default, as for weights, samples is 1.
    out : ndarray, optional
        Where the gradient goes; `x` itself, for in place. A new array by default.
    add_to : ndarray, optional
        A gradient that this one is added to, in place, instead; of any float dtype.

    Returns
    -------
    ndarray
        The gradient, in the dtype of `x`; `out` or `add_to` if given.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `x`.
    ValueError
        For a strength outside its domain, an axis that `x` does not have, an `out` or `add_to` that does not fit, or
        both; nothing is written then.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> relu_c.penalties.l2_grad(np.float32([1, -2, 0]), 0.5)
    array([ 0.5, -1. ,  0. ], dtype=float32)
    """
    return _gradient(None, x, strength, batch_axis, out, add_to)


def max_norm(
    w: ArrayLike, /, limit: float, *, axis: int | Sequence[int] = -2, out: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Max-norm constraint: shrink the weights of the units whose norm exceeds the limit to the limit.

    ``w * min(1, limit / norm)``, ``norm = sqrt(sum(w**2))`` of each unit

    Parameters
    ----------
    w : array_like
        Weights; float16, bfloat16, float32, float64 or integers.
    limit : float
        The largest norm that a unit's weights may have; finite, above 0.
    axis : int or sequence of int, default -2
        The axes of one unit's weights: -2 for ``x @ w``, (1, 2, 3) for a kernel in torch's layout.
    out : ndarray, optional
        Where the result goes; `w` itself, for in place, as after each step of training. A new array by default.

    Returns
    -------
    ndarray
        The constrained weights, in the dtype of `w`.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `w`.
    ValueError
        For a limit outside its domain, an axis that `w` does not have, an `out` that does not fit; nothing is written
        then.

    Notes
    -----
    Units within the limit keep their bits, and so do units whose norm is infinite or NaN. The norm is summed in float64
    and the product rounded once.

    References
    ----------
    G. E. Hinton, N. Srivastava, A. Krizhevsky, I. Sutskever and R. R. Salakhutdinov, Improving neural networks by
    preventing co-adaptation of feature detectors, arXiv:1207.0580, 2012.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> relu_c.penalties.max_norm(np.float32([[3, 1], [4, 1]]), 2.5)  # the columns have norms 5 and 1.4
    array([[1.5, 1. ],
           [2. , 1. ]], dtype=float32)
    """
    w = np.asarray(w)
    limit = number("limit", limit, positive, "finite and above 0")
    y = writable(out, w.shape, result_dtype(w, "w"))
    axes = normalize_axis_tuple(axis, w.ndim, "axis")
    with np.errstate(all="ignore"):
        norm = np.sqrt(np.add.reduce(np.square(w, dtype=np.float64, order="C"), axis=axes, keepdims=True))
        factor = np.where((norm > limit) & (norm < math.inf), limit / norm, 1.0)
        np.multiply(w, factor, out=y, casting="same_kind")
    return y


def _strength_per_sample(x: NDArray[Any], strength: float, batch_axis: Axes) -> float:
    result_dtype(x)
    strength = number("strength", strength, non_negative, "finite and at least 0")
    if batch_axis is None:
        return strength
    axes = normalize_axis_tuple(batch_axis, x.ndim, "batch_axis")
    samples: int = math.prod(x.shape[axis] for axis in axes)
    return strength / max(1, samples)


def _blocks(x: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the elements in C order, a block at a time."""
    flat, dtype = x.reshape(-1), evaluated_in(result_dtype(x))
    for start in range(0, x.size, BLOCK):
        yield np.ascontiguousarray(flat[start : start + BLOCK], dtype)


def _gradient(
    direction: np.ufunc | None,
    x: ArrayLike,
    strength: float,
    batch_axis: Axes,
    out: NDArray[Any] | None,
    add_to: NDArray[Any] | None,
) -> NDArray[Any]:
    """Fill out with the strength times the direction of x, or x itself, or add it."""
    if out is not None and add_to is not None:
        raise ValueError("out and add_to exclude each other")
    x = np.asarray(x)
    scale = _strength_per_sample(x, strength, batch_axis)
    dtype = result_dtype(x)
    dx = writable(out, x.shape, dtype) if add_to is None else writable(add_to, x.shape, dtype, "add_to")
    factor = evaluated_in(np.result_type(dtype, dx))(scale)
    with np.errstate(all="ignore"):
        if add_to is not None:
            np.add(dx, factor * (x if direction is None else direction(x)), out=dx, casting="same_kind")
        else:
            source = x if direction is None else direction(x, out=dx, casting="same_kind")
            np.multiply(source, factor, out=dx, casting="same_kind")
    return dx
