"""Gradients of learned parameters: prelu's weight, swish's beta and elu's alpha, summed to the parameter's shape."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from relu_c._outputs import Target, checked, operands, pair, spread
from relu_c._parameters import Parameter, finite, non_negative
from relu_c._ufuncs import GENERALISED

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["elu_alpha_grad", "elu_grads", "prelu_grads", "prelu_weight_grad", "swish_beta_grad", "swish_grads"]

Out: TypeAlias = "NDArray[Any] | None"
Outs: TypeAlias = "tuple[NDArray[Any] | None, NDArray[Any] | None] | None"

_weight = Parameter("weight", finite, "finite")
_alpha = Parameter("alpha", non_negative, "finite and at least 0")
_beta = Parameter("beta", finite, "finite")

# The loops see their operands as (outer, a, c, b): sums over a and b, each for one outer and c. Which of them the axes
# are, by whether the parameter keeps (K) or has summed (S) them; what is not listed is first transposed to SK.
_SLOTS = {"": "", "K": "c", "S": "b", "SK": "ac", "KS": "cb", "SKS": "acb", "KSK": "oac", "KSKS": "oacb"}


class _Layout(NamedTuple):
    """How the operands of one call look to the loops.

    Parameters
    ----------
    shape : tuple of int
        Of the operands, broadcast.
    axes : tuple of int
        The order of their axes.
    grouped : tuple of int
        The four sizes, outer, a, c and b.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    grouped: tuple[int, int, int, int]


@lru_cache(256)
def _layout(shape: tuple[int, ...], parameter: tuple[int, ...]) -> _Layout:
    axes = tuple(range(len(shape)))
    kept = (1,) * (len(shape) - len(parameter)) + parameter
    for order in (axes, tuple(sorted(axes, key=lambda axis: kept[axis] != 1))):
        long = [axis for axis in order if shape[axis] != 1]
        groups = [
            (key, prod(shape[axis] for axis in group)) for key, group in groupby(long, lambda axis: kept[axis] != 1)
        ]
        slots = _SLOTS.get("".join("K" if key else "S" for key, _ in groups))
        if slots is not None:
            sizes = dict(zip(slots, (size for _, size in groups), strict=True))
            outer, a, c, b = (sizes.get(slot, 1) for slot in "oacb")
            return _Layout(shape, order, (outer, a, c, b))
    raise AssertionError("SK covers all")


def _prepare(dy: ArrayLike, x: ArrayLike, value: Any) -> tuple[list[NDArray[Any]], NDArray[Any], _Layout]:
    """Return dy and x as the loops see them, the parameter as an array, and the layout."""
    dy, x, parameter = operands(dy, x, value)
    layout = _layout(np.broadcast_shapes(dy.shape, x.shape, parameter.shape), parameter.shape)
    arrays = [spread(array, layout.shape).transpose(layout.axes).reshape(layout.grouped) for array in (dy, x)]
    return arrays, parameter, layout


def _parameter_grad(name: str, dy: ArrayLike, x: ArrayLike, value: Any, out: Out) -> Any:
    arrays, parameter, (_, _, (outer, _, c, _)) = _prepare(dy, x, value)
    if out is not None:
        checked("the gradient", out, parameter.shape)
    target = Target(out, (outer, c))
    result = GENERALISED[name](*arrays, parameter.reshape(outer, c), out=target.array)
    target.finish()
    return result.reshape(parameter.shape)[()] if out is None else out


def _grads(name: str, dy: ArrayLike, x: ArrayLike, value: Any, out: Outs, parameter_name: str) -> tuple[Any, Any]:
    arrays, parameter, (shape, axes, grouped) = _prepare(dy, x, value)
    dx, d_parameter = pair(out, ("dx", f"d{parameter_name}"), (shape, parameter.shape))
    outer, _, c, _ = grouped
    targets = Target(dx, grouped, axes), Target(d_parameter, (outer, c))
    results = GENERALISED[name](*arrays, parameter.reshape(outer, c), out=tuple(target.array for target in targets))
    for target in targets:
        target.finish()
    if dx is None:
        back = tuple(sorted(range(len(axes)), key=axes.__getitem__))
        dx = results[0].reshape([shape[axis] for axis in axes]).transpose(back)[()]
    return dx, results[1].reshape(parameter.shape)[()] if d_parameter is None else d_parameter


def prelu_weight_grad(dy: ArrayLike, x: ArrayLike, /, weight: ArrayLike, *, out: Out = None) -> Any:
    """Gradient of `prelu` with respect to its weight, summed to the weight's shape.

    ``dweight = sum of dy * x where x < 0``, over every axis along which `weight` broadcasts

    Parameters
    ----------
    dy : array_like
        Gradient with respect to the output.
    x : array_like
        The input that `prelu` was given; broadcasts with `dy`.
    weight : float or array_like
        The weight that `prelu` was given: one for all, one for each of the last axis, or shaped by `channel_weight`.
        Only its shape and dtype count.
    out : ndarray, optional
        Where the result goes, of the weight's shape. A new array by default.

    Returns
    -------
    ndarray or scalar
        The gradient, of the weight's shape, in the common dtype of the operands.

    Raises
    ------
    TypeError
        For complex, object, string and longdouble operands.
    ValueError
        For a scalar weight that is not finite, or an `out` that does not fit; nothing is written then.

    Notes
    -----
    Products are summed in float64, always in the same order, and rounded once: the same bits at any stride, on any
    instruction set and any number of threads. Elements with x >= 0 contribute nothing, whatever `dy` is there; NaN in
    `x` gives NaN.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, Delving deep into rectifiers, ICCV 2015.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> x = np.float32([[-2, 3], [-4, -1]])
    >>> relu_c.prelu_weight_grad(np.ones_like(x), x, np.float32([0.25, 0.5]))
    array([-6., -1.], dtype=float32)
    >>> relu_c.prelu_weight_grad(np.ones_like(x), x, np.float32(0.25))
    np.float32(-7.0)
    """
    return _parameter_grad("prelu_weight_grad", dy, x, _weight.cast(weight, x), out)


def prelu_grads(dy: ArrayLike, x: ArrayLike, /, weight: ArrayLike, *, out: Outs = None) -> tuple[Any, Any]:
    """Both gradients of `prelu`, with respect to its input and its weight, in one pass over memory.

    ``(prelu_grad(dy, x, weight), prelu_weight_grad(dy, x, weight))``, to the bit

    Parameters
    ----------
    dy : array_like
        Gradient with respect to the output.
    x : array_like
        The input that `prelu` was given; broadcasts with `dy`.
    weight : float or array_like
        The weight that `prelu` was given.
    out : tuple of ndarray or None, optional
        Where `dx` and `dweight` go; `dx` may be `dy` or `x`, for in place.

    Returns
    -------
    dx : ndarray
        The gradient with respect to `x`, of the broadcast shape.
    dweight : ndarray or scalar
        The gradient with respect to `weight`, of its shape.

    Raises
    ------
    TypeError
        For complex, object, string and longdouble operands, or an `out` that is no pair.
    ValueError
        For a scalar weight that is not finite, or outputs that do not fit or share memory; nothing is written then.

    Notes
    -----
    See `prelu_grad` and `prelu_weight_grad`.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, Delving deep into rectifiers, ICCV 2015.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> x = np.float32([[-2, 3], [-4, -1]])
    >>> dx, dweight = relu_c.prelu_grads(np.ones_like(x), x, np.float32([0.25, 0.5]))
    >>> dx
    array([[0.25, 1.  ],
           [0.25, 0.5 ]], dtype=float32)
    >>> dweight
    array([-6., -1.], dtype=float32)
    """
    return _grads("prelu_grads", dy, x, _weight.cast(weight, x), out, "weight")


def elu_alpha_grad(dy: ArrayLike, x: ArrayLike, /, alpha: ArrayLike = 1.0, *, out: Out = None) -> Any:
    """Gradient of `elu` with respect to its alpha, summed to alpha's shape.

    ``dalpha = sum of dy * (exp(x) - 1) where x < 0``, over every axis along which `alpha` broadcasts

    Parameters
    ----------
    dy : array_like
        Gradient with respect to the output.
    x : array_like
        The input that `elu` was given; broadcasts with `dy`.
    alpha : float or array_like, default 1.0
        The alpha that `elu` was given. Only its shape and dtype count.
    out : ndarray, optional
        Where the result goes, of alpha's shape. A new array by default.

    Returns
    -------
    ndarray or scalar
        The gradient, of alpha's shape, in the common dtype of the operands.

    Raises
    ------
    TypeError
        For complex, object, string and longdouble operands.
    ValueError
        For a scalar alpha that is below 0 or not finite, or an `out` that does not fit; nothing is written then.

    Notes
    -----
    Terms are formed and summed in float64, always in the same order, and rounded once. Elements with x >= 0 contribute
    nothing, whatever `dy` is there; NaN in `x` gives NaN.

    References
    ----------
    L. Trottier, P. Giguere and B. Chaib-draa, Parametric exponential linear unit for deep convolutional neural
    networks, ICMLA 2017.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> x = np.float32([[-1, 3], [-np.inf, 0]])
    >>> relu_c.elu_alpha_grad(np.ones_like(x), x, np.ones(2, np.float32))
    array([-1.6321206,  0.       ], dtype=float32)
    """
    return _parameter_grad("elu_alpha_grad", dy, x, _alpha.cast(alpha, x), out)


def elu_grads(dy: ArrayLike, x: ArrayLike, /, alpha: ArrayLike = 1.0, *, out: Outs = None) -> tuple[Any, Any]:
    """Both gradients of `elu`, with respect to its input and its alpha, in one pass over memory.

    ``(elu_grad(dy, x, alpha), elu_alpha_grad(dy, x, alpha))``, to the bit

    Parameters
    ----------
    dy : array_like
        Gradient with respect to the output.
    x : array_like
        The input that `elu` was given; broadcasts with `dy`.
    alpha : float or array_like, default 1.0
        The alpha that `elu` was given.
    out : tuple of ndarray or None, optional
        Where `dx` and `dalpha` go; `dx` may be `dy` or `x`, for in place.

    Returns
    -------
    dx : ndarray
        The gradient with respect to `x`, of the broadcast shape.
    dalpha : ndarray or scalar
        The gradient with respect to `alpha`, of its shape.

    Raises
    ------
    TypeError
        For complex, object, string and longdouble operands, or an `out` that is no pair.
    ValueError
        For a scalar alpha that is below 0 or not finite, or outputs that do not fit or share memory; nothing is written
        then.

    Notes
    -----
    See `elu_grad` and `elu_alpha_grad`.

    References
    ----------
    L. Trottier, P. Giguere and B. Chaib-draa, Parametric exponential linear unit for deep convolutional neural
    networks, ICMLA 2017.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> dx, dalpha = relu_c.elu_grads(np.float32([1, 1]), np.float32([-1, 3]), 0.5)
    >>> dx
    array([0.18393973, 1.        ], dtype=float32)
    >>> dalpha
    np.float32(-0.63212055)
    """
    return _grads("elu_grads", dy, x, _alpha.cast(alpha, x), out, "alpha")


def swish_beta_grad(dy: ArrayLike, x: ArrayLike, /, beta: ArrayLike = 1.0, *, out: Out = None) -> Any:
    """Gradient of `swish` with respect to its beta, summed to beta's shape.

    ``dbeta = sum of dy * x**2 * sigmoid(beta * x) * sigmoid(-beta * x)``, over every axis along which `beta` broadcasts

    Parameters
    ----------
    dy : array_like
        Gradient with respect to the output.
    x : array_like
        The input that `swish` was given; broadcasts with `dy`.
    beta : float or array_like, default 1.0
        The beta that `swish` was given.
    out : ndarray, optional
        Where the result goes, of beta's shape. A new array by default.

    Returns
    -------
    ndarray or scalar
        The gradient, of beta's shape, in the common dtype of the operands.

    Raises
    ------
    TypeError
        For complex, object, string and longdouble operands.
    ValueError
        For a scalar beta that is not finite, or an `out` that does not fit; nothing is written then.

    Notes
    -----
    Terms are formed and summed in float64, always in the same order, and rounded once. Where the sigmoids' product
    vanishes, at infinite `x` too, an element contributes nothing, whatever `dy` is there; NaN in `x` gives NaN.

    References
    ----------
    P. Ramachandran, B. Zoph and Q. V. Le, Searching for activation functions, 2017.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> x = np.float32([[-1, 2], [1, np.inf]])
    >>> relu_c.swish_beta_grad(np.ones_like(x), x, np.float32([1, 0.5]))
    array([0.39322385, 0.7864477 ], dtype=float32)
    """
    return _parameter_grad("swish_beta_grad", dy, x, _beta.cast(beta, x), out)


def swish_grads(dy: ArrayLike, x: ArrayLike, /, beta: ArrayLike = 1.0, *, out: Outs = None) -> tuple[Any, Any]:
    """Both gradients of `swish`, with respect to its input and its beta, in one pass over memory.

    ``(swish_grad(dy, x, beta), swish_beta_grad(dy, x, beta))``, to the bit

    Parameters
    ----------
    dy : array_like
        Gradient with respect to the output.
    x : array_like
        The input that `swish` was given; broadcasts with `dy`.
    beta : float or array_like, default 1.0
        The beta that `swish` was given.
    out : tuple of ndarray or None, optional
        Where `dx` and `dbeta` go; `dx` may be `dy` or `x`, for in place.

    Returns
    -------
    dx : ndarray
        The gradient with respect to `x`, of the broadcast shape.
    dbeta : ndarray or scalar
        The gradient with respect to `beta`, of its shape.

    Raises
    ------
    TypeError
        For complex, object, string and longdouble operands, or an `out` that is no pair.
    ValueError
        For a scalar beta that is not finite, or outputs that do not fit or share memory; nothing is written then.

    Notes
    -----
    See `swish_grad` and `swish_beta_grad`.

    References
    ----------
    P. Ramachandran, B. Zoph and Q. V. Le, Searching for activation functions, 2017.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> dx, dbeta = relu_c.swish_grads(np.float32([1, 1]), np.float32([-1, 2]))
    >>> dx
    array([0.07232949, 1.0907842 ], dtype=float32)
    >>> dbeta
    np.float32(0.61658627)
    """
    return _grads("swish_grads", dy, x, _beta.cast(beta, x), out, "beta")
