"""Two steps in one pass over memory: a bias and an activation, their gradients, a function and its derivative."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import numpy as np

from relu_c._outputs import Target, operands, pair, spread
from relu_c._pages import page
from relu_c._parameters import Parameter, finite, non_negative
from relu_c._ufuncs import GENERALISED

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "bias_elu",
    "bias_elu_grad",
    "bias_gelu",
    "bias_gelu_grad",
    "bias_gelu_tanh",
    "bias_gelu_tanh_grad",
    "bias_hard_swish",
    "bias_hard_swish_grad",
    "bias_leaky_relu",
    "bias_leaky_relu_grad",
    "bias_mish",
    "bias_mish_grad",
    "bias_quick_gelu",
    "bias_quick_gelu_grad",
    "bias_relu",
    "bias_relu6",
    "bias_relu6_grad",
    "bias_relu_grad",
    "bias_selu",
    "bias_selu_grad",
    "bias_sigmoid",
    "bias_sigmoid_grad",
    "bias_silu",
    "bias_silu_grad",
    "bias_squared_relu",
    "bias_squared_relu_grad",
    "bias_tanh",
    "bias_tanh_grad",
    "elu_with_grad",
    "gelu_tanh_with_grad",
    "gelu_with_grad",
    "hard_swish_with_grad",
    "leaky_relu_with_grad",
    "mish_with_grad",
    "quick_gelu_with_grad",
    "relu6_with_grad",
    "relu_with_grad",
    "selu_with_grad",
    "sigmoid_with_grad",
    "silu_with_grad",
    "squared_relu_with_grad",
    "tanh_with_grad",
]

F = TypeVar("F", bound=Callable[..., Any])
Out: TypeAlias = "NDArray[Any] | None"
Outs: TypeAlias = "tuple[NDArray[Any] | None, NDArray[Any] | None] | None"


class Bias(Protocol):
    """An activation of x + bias."""

    def __call__(self, x: ArrayLike, bias: ArrayLike, /, *, axis: int = -1, out: Out = None) -> Any:
        """Return it."""


class BiasGrad(Protocol):
    """The gradients of an activation of x + bias."""

    def __call__(
        self, dy: ArrayLike, x: ArrayLike, bias: ArrayLike, /, *, axis: int = -1, out: Outs = None
    ) -> tuple[Any, Any]:
        """Return dx and dbias."""


class WithGrad(Protocol):
    """An activation and its derivative."""

    def __call__(self, x: ArrayLike, /, *, out: Outs = None) -> tuple[Any, Any]:
        """Return both."""


_slope = Parameter("negative_slope", finite, "finite")
_alpha = Parameter("alpha", non_negative, "finite and at least 0")


def _bias(name: str, x: ArrayLike, bias: ArrayLike, parameters: tuple[Any, ...], axis: int, out: Out) -> Any:
    ufunc = GENERALISED[name]
    if axis == -1:
        return ufunc(x, bias, *parameters, out=out)
    return ufunc(x, bias, *parameters, out=out, axes=[axis, -1, *((),) * len(parameters), axis])


def _bias_grad(
    name: str, dy: ArrayLike, x: ArrayLike, bias: ArrayLike, parameters: tuple[Any, ...], axis: int, out: Outs
) -> tuple[Any, Any]:
    upstream, array, shift = operands(dy, x, bias)
    shape = array.shape if upstream.shape == array.shape else np.broadcast_shapes(upstream.shape, array.shape)
    position = operator.index(axis)
    if not -len(shape) <= position < len(shape):
        raise ValueError(f"axis must be in [{-len(shape)}, {len(shape) - 1}] for {len(shape)} dimensions, not {axis}")
    position %= len(shape)
    channels = shape[position]
    if shift.shape != (channels,):
        raise ValueError(f"bias must have shape ({channels},), one for each along axis {axis} of x, not {shift.shape}")
    dx, dbias = pair(out, ("dx", "dbias"), (shape, (channels,)))
    grouped = prod(shape[:position]), channels, prod(shape[position + 1 :])
    arrays = [spread(one, shape).reshape(grouped) for one in (upstream, array)]
    target = Target(dx, grouped)
    grad, sums = GENERALISED[name](*arrays, shift, *parameters, out=(target.array, dbias))
    target.finish()
    return grad.reshape(shape) if dx is None else dx, sums


def _with_grad(name: str, x: ArrayLike, parameters: tuple[Any, ...], out: Outs) -> tuple[Any, Any]:
    outs: Any = None, None
    if out is not None:
        outs = pair(out, ("y", "derivative"), (np.shape(x), np.shape(x)))
    y, derivative = GENERALISED[name](x, *parameters, out=outs)
    return y, derivative


@lru_cache(64)
def _operand(parameter: Parameter, value: float, dtype: np.dtype[Any]) -> Any:
    return parameter.cast(value, np.empty(0, dtype))


def _scalar(parameter: Parameter, value: Any, x: Any) -> Any:
    """Return what the ufunc takes for a scalar parameter; a program gives the same number again and again."""
    if type(value) is float and type(x) is np.ndarray:
        return _operand(parameter, value, x.dtype)
    if np.ndim(value):
        raise TypeError(f"{parameter.name} must be one number here, not an array of shape {np.shape(value)}")
    return parameter.cast(value, x)


_DTYPES = "float16, bfloat16, float32 or float64. Integers become floats."
_AXIS = ("axis", "int, default -1", "The axis of `x` that the bias goes along.")
_TYPES = "TypeError\n    For complex, object, string and longdouble operands"
_PASS = (
    "One pass over memory, not two; the same bits at any stride, on any instruction set, with any number of threads. "
)
_EXAMPLE = ">>> x = np.float32([[-2, 1], [3, -1]])\n"


def _document_bias(function: F, name: str, parameters: list[tuple[str, str, str]]) -> F:
    function.__doc__ = page(
        f"`{name}` of a biased input, what follows a matrix product, in one pass.\n\n"
        f"``bias_{name}(x, bias) = {name}(x + bias)``",
        [
            ("x", "array_like", f"Input of one dimension or more; {_DTYPES}"),
            ("bias", "array_like of shape (n,)", "What is added to `x` along its axis of length n."),
            *parameters,
            _AXIS,
            ("out", "ndarray, optional", "Where the result goes; `x`, for in place. A new array by default."),
        ],
        [("y", "ndarray", "The result, of the shape of `x`, in the common dtype of the operands.")],
        _TYPES
        + ".\nValueError\n    For operands that do not fit"
        + (", or a parameter outside its domain" if parameters else "")
        + "; nothing is written then.",
        f"{_PASS}The sum is rounded to the dtype: the result has the bits of ``{name}(x + bias)``.",
        f"See `{name}`.",
        _EXAMPLE + ">>> bias = np.float32([0.5, -0.5])\n"
        f">>> bool((relu_c.bias_{name}(x, bias) == relu_c.{name}(x + bias)).all())\nTrue",
    )
    return function


def _document_bias_grad(function: F, name: str, parameters: list[tuple[str, str, str]]) -> F:
    function.__doc__ = page(
        f"Gradients of `bias_{name}` with respect to its input and its bias, in one pass.\n\n"
        f"``dx = {name}_grad(dy, x + bias)``, ``dbias = sum of dx over every axis but that of the bias``",
        [
            ("dy", "array_like", "Gradient with respect to the output; broadcasts with `x`."),
            ("x", "array_like", f"The input that `bias_{name}` was given."),
            ("bias", "array_like of shape (n,)", f"The bias that `bias_{name}` was given."),
            *parameters,
            _AXIS,
            ("out", "tuple of ndarray or None, optional", "Where `dx` and `dbias` go; `dx` may be `dy` or `x`."),
        ],
        [
            ("dx", "ndarray", "The gradient with respect to `x`, in the common dtype of the operands."),
            ("dbias", "ndarray of shape (n,)", "The gradient with respect to the bias, in the same dtype."),
        ],
        _TYPES
        + ", or an `out` that is no pair.\nValueError\n    For operands and outputs that do not fit, or share "
        + "memory"
        + (", a parameter outside its domain" if parameters else "")
        + ";\n    nothing is written then.",
        f"{_PASS}`dx` has the bits of ``{name}_grad(dy, x + bias)``; its elements are summed in float64, always in the "
        "same order, and rounded once.",
        f"See `{name}`.",
        _EXAMPLE + ">>> bias = np.float32([0.5, -0.5])\n"
        f">>> dx, dbias = relu_c.bias_{name}_grad(np.ones_like(x), x, bias)\n"
        f">>> bool((dx == relu_c.{name}_grad(1.0, x + bias)).all())\nTrue\n"
        ">>> bool((dbias == dx.sum(axis=0)).all())\nTrue",
    )
    return function


def _document_with_grad(function: F, name: str, parameters: list[tuple[str, str, str]]) -> F:
    function.__doc__ = page(
        f"`{name}` and its derivative, in one pass.\n\n``{name}_with_grad(x) = {name}(x), {name}_grad(1, x)``",
        [
            ("x", "array_like", f"Input of any shape; {_DTYPES}"),
            *parameters,
            ("out", "tuple of ndarray or None, optional", "Where the results go; one of them may be `x`."),
        ],
        [("y, derivative", "ndarray or scalar", "The results, of the shape of `x`, in its dtype.")],
        _TYPES
        + ", or an `out` that is no pair.\nValueError\n    For outputs that do not fit or share memory"
        + (", or a parameter outside its domain" if parameters else "")
        + "; nothing is written\n    then.",
        f"{_PASS}Results have the bits of the two functions.",
        f"See `{name}`.",
        f">>> x = np.float32([-2, 0.5, 3])\n>>> y, derivative = relu_c.{name}_with_grad(x)\n"
        f">>> bool((y == relu_c.{name}(x)).all() and (derivative == relu_c.{name}_grad(1.0, x)).all())\nTrue",
    )
    return function


def _fused(name: str) -> tuple[Bias, BiasGrad, WithGrad]:
    """Return the three functions of an activation without parameters."""
    names = f"bias_{name}", f"bias_{name}_grad", f"{name}_with_grad"

    def bias_forward(x: ArrayLike, bias: ArrayLike, /, *, axis: int = -1, out: Out = None) -> Any:
        return _bias(names[0], x, bias, (), axis, out)

    def bias_grad(
        dy: ArrayLike, x: ArrayLike, bias: ArrayLike, /, *, axis: int = -1, out: Outs = None
    ) -> tuple[Any, Any]:
        return _bias_grad(names[1], dy, x, bias, (), axis, out)

    def with_grad(x: ArrayLike, /, *, out: Outs = None) -> tuple[Any, Any]:
        return _with_grad(names[2], x, (), out)

    for function, own in zip((bias_forward, bias_grad, with_grad), names, strict=True):
        function.__name__ = function.__qualname__ = own
    _document_bias(bias_forward, name, [])
    _document_bias_grad(bias_grad, name, [])
    _document_with_grad(with_grad, name, [])
    return bias_forward, bias_grad, with_grad


bias_relu, bias_relu_grad, relu_with_grad = _fused("relu")
bias_relu6, bias_relu6_grad, relu6_with_grad = _fused("relu6")
bias_squared_relu, bias_squared_relu_grad, squared_relu_with_grad = _fused("squared_relu")
bias_hard_swish, bias_hard_swish_grad, hard_swish_with_grad = _fused("hard_swish")
bias_sigmoid, bias_sigmoid_grad, sigmoid_with_grad = _fused("sigmoid")
bias_tanh, bias_tanh_grad, tanh_with_grad = _fused("tanh")
bias_selu, bias_selu_grad, selu_with_grad = _fused("selu")
bias_gelu, bias_gelu_grad, gelu_with_grad = _fused("gelu")
bias_gelu_tanh, bias_gelu_tanh_grad, gelu_tanh_with_grad = _fused("gelu_tanh")
bias_quick_gelu, bias_quick_gelu_grad, quick_gelu_with_grad = _fused("quick_gelu")
bias_silu, bias_silu_grad, silu_with_grad = _fused("silu")
bias_mish, bias_mish_grad, mish_with_grad = _fused("mish")

_SLOPE = [("negative_slope", "float, default 0.01", "Slope for x + bias <= 0; finite.")]
_ALPHA = [("alpha", "float, default 1.0", "Scale of the left piece; finite, at least 0.")]


def bias_leaky_relu(
    x: ArrayLike, bias: ArrayLike, /, negative_slope: float = 0.01, *, axis: int = -1, out: Out = None
) -> Any:
    return _bias("bias_leaky_relu", x, bias, (_scalar(_slope, negative_slope, x),), axis, out)


def bias_leaky_relu_grad(
    dy: ArrayLike,
    x: ArrayLike,
    bias: ArrayLike,
    /,
    negative_slope: float = 0.01,
    *,
    axis: int = -1,
    out: Outs = None,
) -> tuple[Any, Any]:
    return _bias_grad("bias_leaky_relu_grad", dy, x, bias, (_scalar(_slope, negative_slope, x),), axis, out)


def leaky_relu_with_grad(x: ArrayLike, /, negative_slope: float = 0.01, *, out: Outs = None) -> tuple[Any, Any]:
    return _with_grad("leaky_relu_with_grad", x, (_scalar(_slope, negative_slope, x),), out)


_document_bias(bias_leaky_relu, "leaky_relu", _SLOPE)
_document_bias_grad(bias_leaky_relu_grad, "leaky_relu", _SLOPE)
_document_with_grad(leaky_relu_with_grad, "leaky_relu", _SLOPE)


def bias_elu(x: ArrayLike, bias: ArrayLike, /, alpha: float = 1.0, *, axis: int = -1, out: Out = None) -> Any:
    return _bias("bias_elu", x, bias, (_scalar(_alpha, alpha, x),), axis, out)


def bias_elu_grad(
    dy: ArrayLike,
    x: ArrayLike,
    bias: ArrayLike,
    /,
    alpha: float = 1.0,
    *,
    axis: int = -1,
    out: Outs = None,
) -> tuple[Any, Any]:
    return _bias_grad("bias_elu_grad", dy, x, bias, (_scalar(_alpha, alpha, x),), axis, out)


def elu_with_grad(x: ArrayLike, /, alpha: float = 1.0, *, out: Outs = None) -> tuple[Any, Any]:
    return _with_grad("elu_with_grad", x, (_scalar(_alpha, alpha, x),), out)


_document_bias(bias_elu, "elu", _ALPHA)
_document_bias_grad(bias_elu_grad, "elu", _ALPHA)
_document_with_grad(elu_with_grad, "elu", _ALPHA)
