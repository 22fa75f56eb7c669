"""The ReLU family: functions, gradients, and gradients from the output.

A function without parameters is a ufunc; one with parameters is a wrapper with defaults over a ufunc of `relu_c.ufuncs`,
which takes NumPy's other ufunc arguments (``dtype=``, ``casting=``, ``order=``, ``subok=``) too. The wrappers below are
plans: they return the ufunc and its parameters, and `relu_c._ufuncs.with_parameters` calls it, with `out` and `where`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from relu_c import ufuncs
from relu_c._pages import Page
from relu_c._parameters import Parameter, finite, non_negative, not_nan, positive

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "celu",
    "celu_grad",
    "celu_grad_from_output",
    "channel_weight",
    "elu",
    "elu_grad",
    "elu_grad_from_output",
    "gelu",
    "gelu_grad",
    "gelu_tanh",
    "gelu_tanh_grad",
    "hard_shrink",
    "hard_shrink_grad",
    "hard_shrink_grad_from_output",
    "hard_sigmoid",
    "hard_sigmoid_grad",
    "hard_sigmoid_grad_from_output",
    "hard_swish",
    "hard_swish_grad",
    "hard_tanh",
    "hard_tanh_grad",
    "hard_tanh_grad_from_output",
    "leaky_relu",
    "leaky_relu_grad",
    "leaky_relu_grad_from_output",
    "log_sigmoid",
    "log_sigmoid_grad",
    "log_sigmoid_grad_from_output",
    "mish",
    "mish_grad",
    "prelu",
    "prelu_grad",
    "prelu_grad_from_output",
    "quick_gelu",
    "quick_gelu_grad",
    "relu",
    "relu6",
    "relu6_grad",
    "relu6_grad_from_output",
    "relu_grad",
    "relu_grad_from_output",
    "selu",
    "selu_grad",
    "selu_grad_from_output",
    "sigmoid",
    "sigmoid_grad",
    "sigmoid_grad_from_output",
    "silu",
    "silu_grad",
    "soft_shrink",
    "soft_shrink_grad",
    "soft_shrink_grad_from_output",
    "softplus",
    "softplus_grad",
    "softplus_grad_from_output",
    "softsign",
    "softsign_grad",
    "softsign_grad_from_output",
    "squared_relu",
    "squared_relu_grad",
    "squared_relu_grad_from_output",
    "squareplus",
    "squareplus_grad",
    "squareplus_grad_from_output",
    "swish",
    "swish_grad",
    "tanh",
    "tanh_grad",
    "tanh_grad_from_output",
    "tanh_shrink",
    "tanh_shrink_grad",
    "threshold",
    "threshold_grad",
    "thresholded_relu",
    "thresholded_relu_grad",
    "thresholded_relu_grad_from_output",
]

Out: TypeAlias = "NDArray[Any] | None"

_EXACT = "float16, bfloat16, float32 and float64 results are exact."
_ONCE = "Results are the exact value rounded once."
_NARROW = (
    "float16, bfloat16 and float32 results are the exact value rounded once, those of the gradient with `dy` = 1 too; with "
    "another `dy` they are within 0.5001 ulp"
)
_DEFAULT = (
    "float16, bfloat16 and float32 results for the default {}, those of the gradient with `dy` = 1 too, are the exact value "
    "rounded once; with another {} or `dy` they are within 0.5001 ulp"
)
_ULP = "; float64 within 1 ulp, its gradient within 1 more where `dy` is not 1."
_ROOT = (
    ". float64 within 1 ulp, its gradient within 2 ulp and 1 more where `dy` is not 1; within 1 of the root of the derivative, at {}, "
    "the derivative is within 2**-52 absolutely. A float32 derivative at a neighbour of the root is within 1 ulp."
)
_MINUS_ZERO = "+inf gives +inf and -inf its limit, -0.0. -0.0 stays -0.0."

_relu = Page(
    name="relu",
    summary="Rectified linear unit.",
    formula="max(x, 0)",
    derivative="1 for x > 0, 0 for x <= 0",
    accuracy=_EXACT,
    edges="-0.0 and -inf give +0, +inf gives +inf.",
    integers=True,
    source="V. Nair and G. E. Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010.",
    examples=(
        ">>> relu_c.relu(np.float32([-2, 0, 3]))\narray([0., 0., 3.], dtype=float32)",
        ">>> relu_c.relu_grad(np.float32([5, 5, 5]), np.float32([-2, 0, 3]))\narray([0., 0., 5.], dtype=float32)",
        ">>> relu_c.relu_grad_from_output(np.float32([5, 5, 5]), np.float32([0, 0, 3]))\narray([0., 0., 5.], dtype=float32)",
    ),
)
relu = _relu.forward(ufuncs.relu)
relu_grad = _relu.grad(ufuncs.relu_grad)
relu_grad_from_output = _relu.grad_from_output(ufuncs.relu_grad_from_output)

_relu6 = Page(
    name="relu6",
    summary="Rectified linear unit, capped at 6.",
    formula="min(max(x, 0), 6)",
    derivative="1 for 0 < x < 6, else 0",
    accuracy=_EXACT,
    edges="-0.0 and -inf give +0, +inf gives 6.",
    integers=True,
    source="A. Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010.",
    examples=(
        ">>> relu_c.relu6(np.float32([-2, 3, 8]))\narray([0., 3., 6.], dtype=float32)",
        ">>> relu_c.relu6_grad(1.0, np.float32([-2, 3, 6]))\narray([0., 1., 0.], dtype=float32)",
        ">>> relu_c.relu6_grad_from_output(1.0, np.float32([0, 3, 6]))\narray([0., 1., 0.], dtype=float32)",
    ),
)
relu6 = _relu6.forward(ufuncs.relu6)
relu6_grad = _relu6.grad(ufuncs.relu6_grad)
relu6_grad_from_output = _relu6.grad_from_output(ufuncs.relu6_grad_from_output)

_squared_relu = Page(
    name="squared_relu",
    summary="Square of the rectified linear unit.",
    formula="max(x, 0)**2",
    derivative="2 * max(x, 0)",
    accuracy=_ONCE,
    edges="-0.0 and -inf give +0, +inf gives +inf.",
    source="D. R. So et al., Primer: searching for efficient transformers for language modeling, NeurIPS 2021.",
    output_accuracy="2 * sqrt(y): little is lost, except below the smallest normal number, where `y` has lost digits of `x`, "
    "or all of them.",
    examples=(
        ">>> relu_c.squared_relu(np.float32([-2, 0, 3]))\narray([0., 0., 9.], dtype=float32)",
        ">>> relu_c.squared_relu_grad(1.0, np.float32([-2, 0, 3]))\narray([0., 0., 6.], dtype=float32)",
        ">>> relu_c.squared_relu_grad_from_output(1.0, np.float32([0, 0, 9]))\narray([0., 0., 6.], dtype=float32)",
    ),
)
squared_relu = _squared_relu.forward(ufuncs.squared_relu)
squared_relu_grad = _squared_relu.grad(ufuncs.squared_relu_grad)
squared_relu_grad_from_output = _squared_relu.grad_from_output(ufuncs.squared_relu_grad_from_output)

_slope = Parameter("negative_slope", finite, "finite")
_slope_of_output = Parameter(
    "negative_slope", non_negative, "finite and at least 0, for the output to determine the gradient"
)
_leaky_relu = Page(
    name="leaky_relu",
    summary="Leaky rectified linear unit.",
    formula="x for x > 0, negative_slope * x for x <= 0",
    derivative="1 for x > 0, negative_slope for x <= 0",
    accuracy=_ONCE,
    edges="-0.0 stays -0.0. With a slope of 0 the left piece is +0, at -inf too.",
    source="A. L. Maas, A. Y. Hannun and A. Y. Ng, Rectifier nonlinearities improve neural network acoustic models, ICML 2013.",
    parameters=(("negative_slope", "float or array_like, default 0.01", "Slope for x <= 0; finite."),),
    output_accuracy="Needs a slope of at least 0. The gradient is the one from `x`, to the bit.",
    examples=(
        ">>> relu_c.leaky_relu(np.float32([-2, 0, 3]), 0.25)\narray([-0.5,  0. ,  3. ], dtype=float32)",
        ">>> relu_c.leaky_relu_grad(1.0, np.float32([-2, 0, 3]), 0.25)\narray([0.25, 0.25, 1.  ], dtype=float32)",
        ">>> relu_c.leaky_relu_grad_from_output(1.0, np.float32([-0.5, 0, 3]), 0.25)\narray([0.25, 0.25, 1.  ], dtype=float32)",
    ),
)


@_leaky_relu.forward
def leaky_relu(x: ArrayLike, /, negative_slope: ArrayLike = 0.01, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.leaky_relu, _slope.cast(negative_slope, x)


@_leaky_relu.grad
def leaky_relu_grad(
    dy: ArrayLike, x: ArrayLike, /, negative_slope: ArrayLike = 0.01, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.leaky_relu_grad, _slope.cast(negative_slope, x)


@_leaky_relu.grad_from_output
def leaky_relu_grad_from_output(
    dy: ArrayLike, y: ArrayLike, /, negative_slope: ArrayLike = 0.01, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.leaky_relu_grad_from_output, _slope_of_output.cast(negative_slope, y)


_weight = Parameter("weight", finite, "finite")
_weight_of_output = Parameter("weight", non_negative, "finite and at least 0, for the output to determine the gradient")
_prelu = Page(
    name="prelu",
    summary="Parametric rectified linear unit: a leaky one whose slopes are learned.",
    formula="x for x > 0, weight * x for x <= 0",
    derivative="1 for x > 0, weight for x <= 0",
    accuracy=_ONCE,
    edges="-0.0 stays -0.0. With a weight of 0 the left piece is +0, at -inf too.",
    source="K. He, X. Zhang, S. Ren and J. Sun, Delving deep into rectifiers, ICCV 2015.",
    parameters=(
        (
            "weight",
            "float or array_like",
            "Slope for x <= 0; broadcasts with `x`, see `channel_weight` for one slope per channel.",
        ),
    ),
    output_accuracy="Needs weights of at least 0. The gradient is the one from `x`, to the bit.",
    examples=(
        ">>> relu_c.prelu(np.float32([[-2, 3], [-4, -1]]), np.float32([0.25, 0.5]))\narray([[-0.5,  3. ],\n       [-1. , -0.5]], dtype=float32)",
        ">>> relu_c.prelu_grad(1.0, np.float32([[-2, 3], [-4, -1]]), np.float32([0.25, 0.5]))\narray([[0.25, 1.  ],\n       [0.25, 0.5 ]], dtype=float32)",
        ">>> relu_c.prelu_grad_from_output(1.0, np.float32([[-0.5, 3], [-1, -0.5]]), np.float32([0.25, 0.5]))\narray([[0.25, 1.  ],\n       [0.25, 0.5 ]], dtype=float32)",
    ),
)


@_prelu.forward
def prelu(x: ArrayLike, /, weight: ArrayLike, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.leaky_relu, _weight.cast(weight, x)


@_prelu.grad
def prelu_grad(dy: ArrayLike, x: ArrayLike, /, weight: ArrayLike, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.leaky_relu_grad, _weight.cast(weight, x)


@_prelu.grad_from_output
def prelu_grad_from_output(
    dy: ArrayLike, y: ArrayLike, /, weight: ArrayLike, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.leaky_relu_grad_from_output, _weight_of_output.cast(weight, y)


def channel_weight(weight: ArrayLike, ndim: int, axis: int = 1) -> NDArray[Any]:
    """Shape one weight per channel so that it broadcasts along the channel axis of an array.

    Parameters
    ----------
    weight : array_like of shape (C,)
        One weight per channel.
    ndim : int
        Number of dimensions of the array that the weight goes with.
    axis : int, default 1
        The array's channel axis; negative axes count from the end.

    Returns
    -------
    ndarray
        A view of `weight` with length C at `axis` and 1 elsewhere.

    Raises
    ------
    ValueError
        If `weight` is not one-dimensional or `axis` is out of range.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> images = np.full((2, 3, 4, 4), -1.0, np.float32)  # (N, C, H, W)
    >>> slopes = relu_c.channel_weight(np.float32([0.1, 0.2, 0.3]), images.ndim)
    >>> relu_c.prelu(images, slopes)[0, :, 0, 0]
    array([-0.1, -0.2, -0.3], dtype=float32)
    """
    array = np.asarray(weight)
    if array.ndim != 1:
        raise ValueError(f"weight must have one dimension, the channels, not shape {array.shape}")
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis must be in [{-ndim}, {ndim - 1}] for {ndim} dimensions, not {axis}")
    shape = [1] * ndim
    shape[axis] = array.size
    return array.reshape(shape)


_theta = Parameter("theta", finite, "finite")
_theta_of_output = Parameter("theta", non_negative, "finite and at least 0, for the output to determine the gradient")
_thresholded_relu = Page(
    name="thresholded_relu",
    summary="Rectified linear unit with its threshold at theta.",
    formula="x for x > theta, else 0",
    derivative="1 for x > theta, else 0",
    accuracy=_EXACT,
    edges="x = theta gives +0.",
    source="K. Konda, R. Memisevic and D. Krueger, Zero-bias autoencoders and the benefits of co-adapting features, ICLR 2015.",
    parameters=(("theta", "float or array_like, default 1.0", "The threshold; finite."),),
    output_accuracy="Needs a theta of at least 0. The gradient is the one from `x`, to the bit.",
    examples=(
        ">>> relu_c.thresholded_relu(np.float32([0.5, 1, 1.5]))\narray([0. , 0. , 1.5], dtype=float32)",
        ">>> relu_c.thresholded_relu_grad(1.0, np.float32([0.5, 1, 1.5]))\narray([0., 0., 1.], dtype=float32)",
        ">>> relu_c.thresholded_relu_grad_from_output(1.0, np.float32([0, 0, 1.5]))\narray([0., 0., 1.], dtype=float32)",
    ),
)


@_thresholded_relu.forward
def thresholded_relu(x: ArrayLike, /, theta: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.thresholded_relu, _theta.cast(theta, x)


@_thresholded_relu.grad
def thresholded_relu_grad(
    dy: ArrayLike, x: ArrayLike, /, theta: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.thresholded_relu_grad, _theta.cast(theta, x)


@_thresholded_relu.grad_from_output
def thresholded_relu_grad_from_output(
    dy: ArrayLike, y: ArrayLike, /, theta: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.thresholded_relu_grad_from_output, _theta_of_output.cast(theta, y)


_threshold = Parameter("threshold", finite, "finite")
_value = Parameter("value", finite, "finite")
_threshold_page = Page(
    name="threshold",
    summary="The input above a threshold, a fixed value elsewhere.",
    formula="x for x > threshold, else value",
    derivative="1 for x > threshold, else 0",
    accuracy=_EXACT,
    edges="x = threshold gives `value`.",
    source="The general form of relu (0, 0) and thresholded_relu (theta, 0).",
    parameters=(
        ("threshold", "float or array_like", "The threshold; finite."),
        ("value", "float or array_like", "The result at and below the threshold; finite."),
    ),
    examples=(
        ">>> relu_c.threshold(np.float32([-1, 0.5, 2]), 0.5, -3.0)\narray([-3., -3.,  2.], dtype=float32)",
        ">>> relu_c.threshold_grad(1.0, np.float32([-1, 0.5, 2]), 0.5, -3.0)\narray([0., 0., 1.], dtype=float32)",
    ),
)


@_threshold_page.forward
def threshold(
    x: ArrayLike, /, threshold: ArrayLike, value: ArrayLike, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.threshold, _threshold.cast(threshold, x), _value.cast(value, x)


@_threshold_page.grad
def threshold_grad(
    dy: ArrayLike, x: ArrayLike, /, threshold: ArrayLike, value: ArrayLike, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.threshold_grad, _threshold.cast(threshold, x), _value.cast(value, x)


_min_val = Parameter("min_val", not_nan, "a number")
_max_val = Parameter("max_val", not_nan, "a number")
_hard_tanh = Page(
    name="hard_tanh",
    summary="Clamp to an interval: the piecewise-linear tanh.",
    formula="min(max(x, min_val), max_val)",
    derivative="1 for min_val < x < max_val, else 0",
    accuracy=_EXACT,
    edges="The bounds belong to the flat pieces.",
    integers=True,
    source="R. Collobert, Large scale machine learning, thesis, 2004.",
    parameters=(
        (
            "min_val",
            "float or array_like, default -1.0",
            "Lower bound; -inf for none. For integer `x` an integer, clipped to the dtype.",
        ),
        (
            "max_val",
            "float or array_like, default 1.0",
            "Upper bound, at least `min_val`; +inf for none. For integer `x` as `min_val`.",
        ),
    ),
    examples=(
        ">>> relu_c.hard_tanh(np.float32([-3, 0.5, 2]))\narray([-1. ,  0.5,  1. ], dtype=float32)",
        ">>> relu_c.hard_tanh_grad(1.0, np.float32([-3, 0.5, 1]))\narray([0., 1., 0.], dtype=float32)",
        ">>> relu_c.hard_tanh_grad_from_output(1.0, np.float32([-1, 0.5, 1]))\narray([0., 1., 0.], dtype=float32)",
    ),
)


def _bounds(x: Any, min_val: Any, max_val: Any) -> tuple[Any, Any]:
    """Check the bounds of hard_tanh and convert them to what goes with x."""
    low, high = _min_val.cast(min_val, x), _max_val.cast(max_val, x)
    if np.ndim(min_val) == np.ndim(max_val) == 0 and min_val > max_val:
        raise ValueError(f"min_val must not exceed max_val, but {min_val!r} > {max_val!r}")
    return low, high


def _integer_bound(name: str, value: Any, dtype: np.dtype[Any]) -> Any:
    """Clip an integral bound to an integer dtype, where it has the same effect; infinite bounds too."""
    if np.ndim(value):
        return value
    if value != np.floor(value):
        raise ValueError(f"{name} must be integral for {dtype} operands, not {value!r}")
    limits = np.iinfo(dtype)
    return np.asarray(min(max(value, limits.min), limits.max), dtype)


@_hard_tanh.forward
def hard_tanh(
    x: ArrayLike, /, min_val: ArrayLike = -1.0, max_val: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    low, high = _bounds(x, min_val, max_val)
    dtype = getattr(x, "dtype", None) or np.asarray(x).dtype
    if dtype.kind in "biu":
        if dtype.kind == "b":
            raise TypeError("hard_tanh has no loop for bool operands; convert x to an integer or float dtype")
        low, high = _integer_bound("min_val", min_val, dtype), _integer_bound("max_val", max_val, dtype)
    return ufuncs.hard_tanh, low, high


@_hard_tanh.grad
def hard_tanh_grad(
    dy: ArrayLike,
    x: ArrayLike,
    /,
    min_val: ArrayLike = -1.0,
    max_val: ArrayLike = 1.0,
    *,
    out: Out = None,
    where: ArrayLike = True,
) -> Any:
    return ufuncs.hard_tanh_grad, *_bounds(x, min_val, max_val)


@_hard_tanh.grad_from_output
def hard_tanh_grad_from_output(
    dy: ArrayLike,
    y: ArrayLike,
    /,
    min_val: ArrayLike = -1.0,
    max_val: ArrayLike = 1.0,
    *,
    out: Out = None,
    where: ArrayLike = True,
) -> Any:
    return ufuncs.hard_tanh_grad_from_output, *_bounds(y, min_val, max_val)


_slope_of_sigmoid = Parameter("slope", finite, "finite")
_offset = Parameter("offset", finite, "finite")
_hard_sigmoid = Page(
    name="hard_sigmoid",
    summary="Piecewise-linear sigmoid.",
    formula="min(max(slope * x + offset, 0), 1)",
    derivative="slope where 0 < slope * x + offset < 1, else 0",
    accuracy=_NARROW + "; float64 within 1 ulp (of results above 2**-900, for a slope and offset of one's own).",
    edges="With the defaults x <= -3 gives +0 and x >= 3 gives 1.",
    source="M. Courbariaux, Y. Bengio and J.-P. David, BinaryConnect, NeurIPS 2015.",
    parameters=(
        ("slope", "float or array_like, default 1/6", "Slope of the middle piece; finite."),
        (
            "offset",
            "float or array_like, default 1/2",
            "Value at 0; finite. The two defaults together mean exact sixths and halves.",
        ),
    ),
    output_accuracy="Where `y` is rounded to 0 or 1 the gradient is 0.",
    examples=(
        ">>> relu_c.hard_sigmoid(np.float32([-3, 0, 1.5]))\narray([0.  , 0.5 , 0.75], dtype=float32)",
        ">>> relu_c.hard_sigmoid_grad(1.0, np.float32([-3, 0, 1.5]), 0.2, 0.5)\narray([0. , 0.2, 0.2], dtype=float32)",
        ">>> relu_c.hard_sigmoid_grad_from_output(1.0, np.float32([0, 0.5, 0.8]), 0.2, 0.5)\narray([0. , 0.2, 0.2], dtype=float32)",
    ),
)


def _is_default(slope: Any, offset: Any) -> bool:
    return type(slope) is type(offset) is float and slope == 1 / 6 and offset == 1 / 2


@_hard_sigmoid.forward
def hard_sigmoid(
    x: ArrayLike, /, slope: ArrayLike = 1 / 6, offset: ArrayLike = 1 / 2, *, out: Out = None, where: ArrayLike = True
) -> Any:
    if _is_default(slope, offset):
        return (ufuncs.hard_sigmoid_default,)
    return ufuncs.hard_sigmoid, _slope_of_sigmoid.cast(slope, x), _offset.cast(offset, x)


@_hard_sigmoid.grad
def hard_sigmoid_grad(
    dy: ArrayLike,
    x: ArrayLike,
    /,
    slope: ArrayLike = 1 / 6,
    offset: ArrayLike = 1 / 2,
    *,
    out: Out = None,
    where: ArrayLike = True,
) -> Any:
    if _is_default(slope, offset):
        return (ufuncs.hard_sigmoid_default_grad,)
    return ufuncs.hard_sigmoid_grad, _slope_of_sigmoid.cast(slope, x), _offset.cast(offset, x)


@_hard_sigmoid.grad_from_output
def hard_sigmoid_grad_from_output(
    dy: ArrayLike,
    y: ArrayLike,
    /,
    slope: ArrayLike = 1 / 6,
    offset: ArrayLike = 1 / 2,
    *,
    out: Out = None,
    where: ArrayLike = True,
) -> Any:
    if _is_default(slope, offset):
        return (ufuncs.hard_sigmoid_default_grad_from_output,)
    return ufuncs.hard_sigmoid_grad_from_output, _slope_of_sigmoid.cast(slope, y), _offset.cast(offset, y)


_hard_swish = Page(
    name="hard_swish",
    summary="Piecewise-quadratic swish.",
    formula="x * min(max(x / 6 + 1/2, 0), 1)",
    derivative="0 for x <= -3, (2 x + 3) / 6 between, 1 for x >= 3",
    accuracy=_NARROW + "; float64 within 1 ulp, its gradient within 2 ulp (absolutely, 2**-52, near its root at -3/2).",
    edges="x <= -3 gives -0.0, +inf gives +inf.",
    source="A. Howard et al., Searching for MobileNetV3, ICCV 2019.",
    examples=(
        ">>> relu_c.hard_swish(np.float32([-3, -1.5, 1, 4]))\narray([-0.       , -0.375    ,  0.6666667,  4.       ], dtype=float32)",
        ">>> relu_c.hard_swish_grad(1.0, np.float32([-3, -1.5, 0, 3]))\narray([0. , 0. , 0.5, 1. ], dtype=float32)",
    ),
)
hard_swish = _hard_swish.forward(ufuncs.hard_swish)
hard_swish_grad = _hard_swish.grad(ufuncs.hard_swish_grad)

_lambd = Parameter("lambd", non_negative, "finite and at least 0")
_LAMBD = (("lambd", "float or array_like, default 0.5", "Half-width of the zone that gives 0; finite, at least 0."),)
_hard_shrink = Page(
    name="hard_shrink",
    summary="Hard shrinkage: small inputs become 0, others stay.",
    formula="x for abs(x) > lambd, else 0",
    derivative="1 for abs(x) > lambd, else 0",
    accuracy=_EXACT,
    edges="x = lambd, x = -lambd and -0.0 give +0.",
    source="D. L. Donoho and I. M. Johnstone, Ideal spatial adaptation by wavelet shrinkage, Biometrika 81 (1994).",
    parameters=_LAMBD,
    examples=(
        ">>> relu_c.hard_shrink(np.float32([-2, 0.25, 0.5, 2]))\narray([-2.,  0.,  0.,  2.], dtype=float32)",
        ">>> relu_c.hard_shrink_grad(1.0, np.float32([-2, 0.25, 0.5, 2]))\narray([1., 0., 0., 1.], dtype=float32)",
        ">>> relu_c.hard_shrink_grad_from_output(1.0, np.float32([-2, 0, 0, 2]))\narray([1., 0., 0., 1.], dtype=float32)",
    ),
)


@_hard_shrink.forward
def hard_shrink(x: ArrayLike, /, lambd: ArrayLike = 0.5, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.hard_shrink, _lambd.cast(lambd, x)


@_hard_shrink.grad
def hard_shrink_grad(
    dy: ArrayLike, x: ArrayLike, /, lambd: ArrayLike = 0.5, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.hard_shrink_grad, _lambd.cast(lambd, x)


@_hard_shrink.grad_from_output
def hard_shrink_grad_from_output(
    dy: ArrayLike, y: ArrayLike, /, lambd: ArrayLike = 0.5, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.hard_shrink_grad_from_output, _lambd.cast(lambd, y)


_soft_shrink = Page(
    name="soft_shrink",
    summary="Soft shrinkage: inputs move towards 0 by lambd.",
    formula="x - lambd for x > lambd, x + lambd for x < -lambd, else 0",
    derivative="1 for abs(x) > lambd, else 0",
    accuracy=_ONCE + " (float16 within 0.5001 ulp.)",
    edges="x = lambd, x = -lambd and -0.0 give +0.",
    source="D. L. Donoho and I. M. Johnstone, Ideal spatial adaptation by wavelet shrinkage, Biometrika 81 (1994).",
    parameters=_LAMBD,
    examples=(
        ">>> relu_c.soft_shrink(np.float32([-2, 0.25, 0.5, 2]))\narray([-1.5,  0. ,  0. ,  1.5], dtype=float32)",
        ">>> relu_c.soft_shrink_grad(1.0, np.float32([-2, 0.25, 0.5, 2]))\narray([1., 0., 0., 1.], dtype=float32)",
        ">>> relu_c.soft_shrink_grad_from_output(1.0, np.float32([-1.5, 0, 0, 1.5]))\narray([1., 0., 0., 1.], dtype=float32)",
    ),
)


@_soft_shrink.forward
def soft_shrink(x: ArrayLike, /, lambd: ArrayLike = 0.5, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.soft_shrink, _lambd.cast(lambd, x)


@_soft_shrink.grad
def soft_shrink_grad(
    dy: ArrayLike, x: ArrayLike, /, lambd: ArrayLike = 0.5, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.soft_shrink_grad, _lambd.cast(lambd, x)


@_soft_shrink.grad_from_output
def soft_shrink_grad_from_output(
    dy: ArrayLike, y: ArrayLike, /, lambd: ArrayLike = 0.5, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.soft_shrink_grad_from_output, _lambd.cast(lambd, y)


_softsign = Page(
    name="softsign",
    summary="Softsign: a sigmoid with polynomial tails.",
    formula="x / (1 + abs(x))",
    derivative="1 / (1 + abs(x))**2",
    accuracy=_NARROW + "; float64 within 1 ulp.",
    edges="+inf and -inf give 1 and -1.",
    source="X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.",
    output_accuracy="(1 - abs(y))**2: `y` has lost digits of `x` where it is near 1 or -1; there the absolute error against the gradient from `x` is "
    "about the spacing of `y`.",
    examples=(
        ">>> relu_c.softsign(np.float32([-3, 0, 1]))\narray([-0.75,  0.  ,  0.5 ], dtype=float32)",
        ">>> relu_c.softsign_grad(1.0, np.float32([-3, 0, 1]))\narray([0.0625, 1.    , 0.25  ], dtype=float32)",
        ">>> relu_c.softsign_grad_from_output(1.0, np.float32([-0.75, 0, 0.5]))\narray([0.0625, 1.    , 0.25  ], dtype=float32)",
    ),
)
softsign = _softsign.forward(ufuncs.softsign)
softsign_grad = _softsign.grad(ufuncs.softsign_grad)
softsign_grad_from_output = _softsign.grad_from_output(ufuncs.softsign_grad_from_output)


_sigmoid = Page(
    name="sigmoid",
    summary="Logistic sigmoid.",
    formula="1 / (1 + exp(-x))",
    derivative="exp(-x) / (1 + exp(-x))**2",
    accuracy=_NARROW + _ULP,
    edges="+inf and -inf give 1 and +0.",
    source="D. E. Rumelhart, G. E. Hinton and R. J. Williams, Learning representations by back-propagating errors, Nature 323 (1986).",
    output_accuracy="y * (1 - y): `y` has lost digits of `x` where it is near 1, and all of them where it is 1, which "
    "gives 0; there the absolute error against the gradient from `x` is about the spacing of `y`.",
    examples=(
        ">>> relu_c.sigmoid(np.float32([-2, 0, 3]))\narray([0.11920292, 0.5       , 0.95257413], dtype=float32)",
        ">>> relu_c.sigmoid_grad(1.0, np.float32([-2, 0, 3]))\narray([0.10499358, 0.25      , 0.04517666], dtype=float32)",
        ">>> relu_c.sigmoid_grad_from_output(1.0, np.float32([0, 0.5, 0.75]))\narray([0.    , 0.25  , 0.1875], dtype=float32)",
    ),
)
sigmoid = _sigmoid.forward(ufuncs.sigmoid)
sigmoid_grad = _sigmoid.grad(ufuncs.sigmoid_grad)
sigmoid_grad_from_output = _sigmoid.grad_from_output(ufuncs.sigmoid_grad_from_output)

_log_sigmoid = Page(
    name="log_sigmoid",
    summary="Logarithm of the logistic sigmoid.",
    formula="-log(1 + exp(-x))",
    derivative="1 / (1 + exp(x))",
    accuracy=_NARROW + _ULP,
    edges="-inf gives -inf, +inf its limit, -0.0.",
    source="The log-likelihood of the logistic model: D. R. Cox, The regression analysis of binary sequences, Journal of the Royal Statistical Society B 20 (1958).",
    output_accuracy="1 - exp(y): little is lost where `y` is near 0, for its digits count from there. Where exp(y) is "
    "small the derivative is near 1, within a few spacings.",
    examples=(
        ">>> relu_c.log_sigmoid(np.float32([-2, 0, 3]))\narray([-2.126928  , -0.6931472 , -0.04858735], dtype=float32)",
        ">>> relu_c.log_sigmoid_grad(1.0, np.float32([-2, 0, 3]))\narray([0.8807971 , 0.5       , 0.04742587], dtype=float32)",
        ">>> relu_c.log_sigmoid_grad_from_output(1.0, np.float32([-2, -0.5, -0.0]))\narray([0.86466473, 0.39346933, 0.        ], dtype=float32)",
    ),
)
log_sigmoid = _log_sigmoid.forward(ufuncs.log_sigmoid)
log_sigmoid_grad = _log_sigmoid.grad(ufuncs.log_sigmoid_grad)
log_sigmoid_grad_from_output = _log_sigmoid.grad_from_output(ufuncs.log_sigmoid_grad_from_output)

_tanh = Page(
    name="tanh",
    summary="Hyperbolic tangent.",
    formula="tanh(x)",
    derivative="1 / cosh(x)**2",
    accuracy=_NARROW + _ULP,
    edges="+inf and -inf give 1 and -1. -0.0 stays -0.0.",
    source="Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, Efficient BackProp, in Neural Networks: Tricks of the Trade, 1998.",
    output_accuracy="1 - y**2: `y` has lost digits of `x` where it is near 1 or -1, and all of them at 1 and -1, which "
    "give 0; there the absolute error against the gradient from `x` is about the spacing of `y`.",
    examples=(
        ">>> relu_c.tanh(np.float32([-2, 0, 3]))\narray([-0.9640276,  0.       ,  0.9950548], dtype=float32)",
        ">>> relu_c.tanh_grad(1.0, np.float32([-2, 0, 3]))\narray([0.07065082, 1.        , 0.00986604], dtype=float32)",
        ">>> relu_c.tanh_grad_from_output(1.0, np.float32([-1, -0.5, 0]))\narray([0.  , 0.75, 1.  ], dtype=float32)",
    ),
)
tanh = _tanh.forward(ufuncs.tanh)
tanh_grad = _tanh.grad(ufuncs.tanh_grad)
tanh_grad_from_output = _tanh.grad_from_output(ufuncs.tanh_grad_from_output)

_tanh_shrink = Page(
    name="tanh_shrink",
    summary="Tanh shrinkage: what tanh takes off the input.",
    formula="x - tanh(x)",
    derivative="tanh(x)**2",
    accuracy=_NARROW + _ULP,
    edges="+inf and -inf stay themselves, -0.0 stays -0.0. Near 0, where x and tanh(x) cancel, no digit is lost.",
    source="No paper introduced it; the name, and the function as an activation, are those of Torch (torch.nn.Tanhshrink).",
    examples=(
        ">>> relu_c.tanh_shrink(np.float32([-2, 0, 1e-4]))\narray([-1.0359725e+00,  0.0000000e+00,  3.3333330e-13], dtype=float32)",
        ">>> relu_c.tanh_shrink_grad(1.0, np.float32([-2, 0, 3]))\narray([0.9293492 , 0.        , 0.99013394], dtype=float32)",
    ),
)
tanh_shrink = _tanh_shrink.forward(ufuncs.tanh_shrink)
tanh_shrink_grad = _tanh_shrink.grad(ufuncs.tanh_shrink_grad)

_beta_of_softplus = Parameter("beta", positive, "finite and above 0")
_softplus = Page(
    name="softplus",
    summary="Softplus: a smooth rectified linear unit.",
    formula="log(1 + exp(beta * x)) / beta",
    derivative="1 / (1 + exp(-beta * x))",
    accuracy=_DEFAULT.format("beta", "beta") + _ULP,
    edges="+inf gives +inf, -inf gives +0. No threshold beyond which it is cut off to x or 0.",
    source="C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau and R. Garcia, Incorporating second-order functional knowledge for better option pricing, NIPS 2000.",
    parameters=(
        ("beta", "float or array_like, default 1.0", "Sharpness: the larger, the nearer to relu; finite, above 0."),
    ),
    output_accuracy="1 - exp(-beta * y): little is lost, except where `y` is subnormal or 0.",
    examples=(
        ">>> relu_c.softplus(np.float32([-2, 0, 3]))\narray([0.12692802, 0.6931472 , 3.0485873 ], dtype=float32)",
        ">>> relu_c.softplus_grad(1.0, np.float32([-2, 0, 3]))\narray([0.11920292, 0.5       , 0.95257413], dtype=float32)",
        ">>> relu_c.softplus_grad_from_output(1.0, np.float32([0, 0.5, 3]))\narray([0.        , 0.39346933, 0.95021296], dtype=float32)",
    ),
)


@_softplus.forward
def softplus(x: ArrayLike, /, beta: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.softplus, _beta_of_softplus.cast(beta, x)


@_softplus.grad
def softplus_grad(
    dy: ArrayLike, x: ArrayLike, /, beta: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.softplus_grad, _beta_of_softplus.cast(beta, x)


@_softplus.grad_from_output
def softplus_grad_from_output(
    dy: ArrayLike, y: ArrayLike, /, beta: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.softplus_grad_from_output, _beta_of_softplus.cast(beta, y)


_alpha_of_elu = Parameter("alpha", non_negative, "finite and at least 0")
_elu = Page(
    name="elu",
    summary="Exponential linear unit.",
    formula="x for x > 0, alpha * (exp(x) - 1) for x <= 0",
    derivative="1 for x > 0, alpha * exp(x) for x <= 0",
    accuracy=_DEFAULT.format("alpha", "alpha") + _ULP,
    edges="+inf gives +inf, -inf gives -alpha. -0.0 stays -0.0; with an alpha of 0 the left piece is +0. The "
    "derivative at 0 is alpha.",
    source="D.-A. Clevert, T. Unterthiner and S. Hochreiter, Fast and accurate deep network learning by exponential linear units (ELUs), ICLR 2016.",
    parameters=(("alpha", "float or array_like, default 1.0", "Minus the limit at -inf; finite, at least 0."),),
    output_accuracy="y + alpha for y <= 0: `y` has lost digits of `x` where it is near -alpha, and all of them at "
    "-alpha, which gives 0; there the absolute error against the gradient from `x` is about the spacing of `y`.",
    examples=(
        ">>> relu_c.elu(np.float32([-2, 0, 3]))\narray([-0.86466473,  0.        ,  3.        ], dtype=float32)",
        ">>> relu_c.elu_grad(1.0, np.float32([-2, 0, 3]))\narray([0.13533528, 1.        , 1.        ], dtype=float32)",
        ">>> relu_c.elu_grad_from_output(1.0, np.float32([-1, -0.25, 3]))\narray([0.  , 0.75, 1.  ], dtype=float32)",
    ),
)


@_elu.forward
def elu(x: ArrayLike, /, alpha: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.elu, _alpha_of_elu.cast(alpha, x)


@_elu.grad
def elu_grad(
    dy: ArrayLike, x: ArrayLike, /, alpha: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.elu_grad, _alpha_of_elu.cast(alpha, x)


@_elu.grad_from_output
def elu_grad_from_output(
    dy: ArrayLike, y: ArrayLike, /, alpha: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.elu_grad_from_output, _alpha_of_elu.cast(alpha, y)


_alpha_of_celu = Parameter("alpha", positive, "finite and above 0")
_celu = Page(
    name="celu",
    summary="Continuously differentiable exponential linear unit.",
    formula="x for x > 0, alpha * (exp(x / alpha) - 1) for x <= 0",
    derivative="1 for x > 0, exp(x / alpha) for x <= 0",
    accuracy=_DEFAULT.format("alpha", "alpha") + _ULP,
    edges="+inf gives +inf, -inf gives -alpha. -0.0 stays -0.0.",
    source="J. T. Barron, Continuously differentiable exponential linear units, arXiv:1704.07483, 2017.",
    parameters=(
        (
            "alpha",
            "float or array_like, default 1.0",
            "Minus the limit at -inf, and the scale of the approach to it; finite, above 0.",
        ),
    ),
    output_accuracy="1 + y / alpha for y <= 0: `y` has lost digits of `x` where it is near -alpha, and all of them at "
    "-alpha, which gives 0; there the absolute error against the gradient from `x` is about the spacing of `y`.",
    examples=(
        ">>> relu_c.celu(np.float32([-2, 0, 3]))\narray([-0.86466473,  0.        ,  3.        ], dtype=float32)",
        ">>> relu_c.celu_grad(1.0, np.float32([-2, 0, 3]))\narray([0.13533528, 1.        , 1.        ], dtype=float32)",
        ">>> relu_c.celu_grad_from_output(1.0, np.float32([-1, -0.25, 3]))\narray([0.  , 0.75, 1.  ], dtype=float32)",
    ),
)


@_celu.forward
def celu(x: ArrayLike, /, alpha: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.celu, _alpha_of_celu.cast(alpha, x)


@_celu.grad
def celu_grad(
    dy: ArrayLike, x: ArrayLike, /, alpha: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.celu_grad, _alpha_of_celu.cast(alpha, x)


@_celu.grad_from_output
def celu_grad_from_output(
    dy: ArrayLike, y: ArrayLike, /, alpha: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.celu_grad_from_output, _alpha_of_celu.cast(alpha, y)


_selu = Page(
    name="selu",
    summary="Scaled exponential linear unit: it keeps the mean 0 and the variance 1.",
    formula="scale * x for x > 0, scale * alpha * (exp(x) - 1) for x <= 0",
    derivative="scale for x > 0, scale * alpha * exp(x) for x <= 0",
    accuracy=_NARROW + _ULP,
    edges="scale = 1.0507009873554804934... and alpha = 1.6732632423543772848... are the real numbers, not rounded "
    "ones. +inf gives +inf, -inf gives -scale * alpha. -0.0 stays -0.0. The derivative at 0 is scale * alpha.",
    source="G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, Self-normalizing neural networks, NIPS 2017.",
    output_accuracy="y + scale * alpha for y <= 0: `y` has lost digits of `x` where it is near -scale * alpha; there "
    "the absolute error against the gradient from `x` is about the spacing of `y`.",
    examples=(
        ">>> relu_c.selu(np.float32([-2, 0, 3]))\narray([-1.5201665,  0.       ,  3.152103 ], dtype=float32)",
        ">>> relu_c.selu_grad(1.0, np.float32([-2, 0, 3]))\narray([0.23793288, 1.7580993 , 1.050701  ], dtype=float32)",
        ">>> relu_c.selu_grad_from_output(1.0, np.float32([-1.5, -0.25, 3]))\narray([0.25809935, 1.5080993 , 1.050701  ], dtype=float32)",
    ),
)
selu = _selu.forward(ufuncs.selu)
selu_grad = _selu.grad(ufuncs.selu_grad)
selu_grad_from_output = _selu.grad_from_output(ufuncs.selu_grad_from_output)

_gelu = Page(
    name="gelu",
    summary="Gaussian error linear unit, the exact one.",
    formula="x * Phi(x), Phi(x) = erfc(-x / sqrt(2)) / 2",
    derivative="Phi(x) + x * exp(-x**2 / 2) / sqrt(2 * pi)",
    accuracy=_NARROW + _ROOT.format("-0.7518"),
    edges=_MINUS_ZERO,
    source="D. Hendrycks and K. Gimpel, Gaussian error linear units (GELUs), arXiv:1606.08415, 2016.",
    examples=(
        ">>> relu_c.gelu(np.float32([-2, 0, 3]))\narray([-0.04550026,  0.        ,  2.9959502 ], dtype=float32)",
        ">>> relu_c.gelu_grad(1.0, np.float32([-2, 0, 3]))\narray([-0.0852318,  0.5      ,  1.0119456], dtype=float32)",
    ),
)
gelu = _gelu.forward(ufuncs.gelu)
gelu_grad = _gelu.grad(ufuncs.gelu_grad)

_gelu_tanh = Page(
    name="gelu_tanh",
    summary="Gaussian error linear unit in its tanh form.",
    formula="x * (1 + tanh(u)) / 2, u = sqrt(2 / pi) * (x + 0.044715 * x**3)",
    derivative="(1 + tanh(u)) / 2 + x * u' / (2 * cosh(u)**2), u' = sqrt(2 / pi) * (1 + 0.134145 * x**2)",
    accuracy=_NARROW + _ROOT.format("-0.7525"),
    edges=_MINUS_ZERO,
    source="D. Hendrycks and K. Gimpel, Gaussian error linear units (GELUs), arXiv:1606.08415, 2016.",
    examples=(
        ">>> relu_c.gelu_tanh(np.float32([-2, 0, 3]))\narray([-0.04540231,  0.        ,  2.9963627 ], dtype=float32)",
        ">>> relu_c.gelu_tanh_grad(1.0, np.float32([-2, 0, 3]))\narray([-0.08609926,  0.5       ,  1.0115842 ], dtype=float32)",
    ),
)
gelu_tanh = _gelu_tanh.forward(ufuncs.gelu_tanh)
gelu_tanh_grad = _gelu_tanh.grad(ufuncs.gelu_tanh_grad)

_quick_gelu = Page(
    name="quick_gelu",
    summary="Gaussian error linear unit in its sigmoid form.",
    formula="x / (1 + exp(-1.702 * x))",
    derivative="s * (1 + 1.702 * x * (1 - s)), s = 1 / (1 + exp(-1.702 * x))",
    accuracy=_NARROW + _ROOT.format("-0.7512"),
    edges=_MINUS_ZERO,
    source="D. Hendrycks and K. Gimpel, Gaussian error linear units (GELUs), arXiv:1606.08415, 2016.",
    examples=(
        ">>> relu_c.quick_gelu(np.float32([-2, 0, 3]))\narray([-0.06434137,  0.        ,  2.9819286 ], dtype=float32)",
        ">>> relu_c.quick_gelu_grad(1.0, np.float32([-2, 0, 3]))\narray([-0.07381535,  0.5       ,  1.0245483 ], dtype=float32)",
    ),
)
quick_gelu = _quick_gelu.forward(ufuncs.quick_gelu)
quick_gelu_grad = _quick_gelu.grad(ufuncs.quick_gelu_grad)

_silu = Page(
    name="silu",
    summary="Sigmoid-weighted linear unit.",
    formula="x / (1 + exp(-x))",
    derivative="s * (1 + x * (1 - s)), s = 1 / (1 + exp(-x))",
    accuracy=_NARROW + _ROOT.format("-1.2785"),
    edges=_MINUS_ZERO,
    source="S. Elfwing, E. Uchibe and K. Doya, Sigmoid-weighted linear units for neural network function approximation in reinforcement learning, Neural Networks 107 (2018).",
    examples=(
        ">>> relu_c.silu(np.float32([-2, 0, 3]))\narray([-0.23840584,  0.        ,  2.8577223 ], dtype=float32)",
        ">>> relu_c.silu_grad(1.0, np.float32([-2, 0, 3]))\narray([-0.09078425,  0.5       ,  1.0881041 ], dtype=float32)",
    ),
)
silu = _silu.forward(ufuncs.silu)
silu_grad = _silu.grad(ufuncs.silu_grad)

_beta_of_swish = Parameter("beta", finite, "finite")
_swish = Page(
    name="swish",
    summary="Swish: silu with a sharpness of its own.",
    formula="x / (1 + exp(-beta * x))",
    derivative="s * (1 + beta * x * (1 - s)), s = 1 / (1 + exp(-beta * x))",
    accuracy=_DEFAULT.format("beta", "beta") + _ROOT.format("-1.2785 / beta"),
    edges="With a beta above 0, +inf gives +inf and -inf its limit, -0.0; with one below 0, -inf gives -inf and +inf "
    "gives +0. -0.0 stays -0.0.",
    source="P. Ramachandran, B. Zoph and Q. V. Le, Searching for activation functions, arXiv:1710.05941, 2017.",
    parameters=(
        (
            "beta",
            "float or array_like, default 1.0",
            "Sharpness: 0 halves the input, the larger, the nearer to relu; finite.",
        ),
    ),
    examples=(
        ">>> relu_c.swish(np.float32([-2, 0, 3]), 2.0)\narray([-0.03597242,  0.        ,  2.992582  ], dtype=float32)",
        ">>> relu_c.swish_grad(1.0, np.float32([-2, 0, 3]), 2.0)\narray([-0.05266462,  0.5       ,  1.0123265 ], dtype=float32)",
    ),
)


@_swish.forward
def swish(x: ArrayLike, /, beta: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.swish, _beta_of_swish.cast(beta, x)


@_swish.grad
def swish_grad(
    dy: ArrayLike, x: ArrayLike, /, beta: ArrayLike = 1.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.swish_grad, _beta_of_swish.cast(beta, x)


_mish = Page(
    name="mish",
    summary="Mish: the input gated by the tanh of its softplus.",
    formula="x * tanh(log(1 + exp(x)))",
    derivative="t + x * s * (1 - t**2), t = tanh(log(1 + exp(x))), s = 1 / (1 + exp(-x))",
    accuracy=_NARROW + _ROOT.format("-1.1924"),
    edges=_MINUS_ZERO,
    source="D. Misra, Mish: a self regularized non-monotonic activation function, arXiv:1908.08681, 2019.",
    examples=(
        ">>> relu_c.mish(np.float32([-2, 0, 3]))\narray([-0.2525015,  0.       ,  2.986535 ], dtype=float32)",
        ">>> relu_c.mish_grad(1.0, np.float32([-2, 0, 3]))\narray([-0.10835509,  0.6       ,  1.021107  ], dtype=float32)",
    ),
)
mish = _mish.forward(ufuncs.mish)
mish_grad = _mish.grad(ufuncs.mish_grad)

_b_of_squareplus = Parameter("b", positive, "finite and above 0")
_squareplus = Page(
    name="squareplus",
    summary="Squareplus: an algebraic softplus.",
    formula="(x + sqrt(x**2 + b)) / 2",
    derivative="(1 + x / sqrt(x**2 + b)) / 2",
    accuracy=_DEFAULT.format("b", "b") + _ULP,
    edges="+inf gives +inf, -inf gives +0. For negative x, where x and the root cancel, no digit is lost.",
    source="J. T. Barron, Squareplus: a softplus-like algebraic rectifier, arXiv:2112.11687, 2021.",
    parameters=(
        ("b", "float or array_like, default 4.0", "Width of the bend, squared: 0 would be relu; finite, above 0."),
    ),
    output_accuracy="y**2 / (y**2 + b / 4): little is lost, except where `y` is subnormal or 0.",
    examples=(
        ">>> relu_c.squareplus(np.float32([-2, 0, 3]))\narray([0.41421357, 1.        , 3.3027756 ], dtype=float32)",
        ">>> relu_c.squareplus_grad(1.0, np.float32([-2, 0, 3]))\narray([0.14644662, 0.5       , 0.91602516], dtype=float32)",
        ">>> relu_c.squareplus_grad_from_output(1.0, np.float32([0, 1, 3]))\narray([0. , 0.5, 0.9], dtype=float32)",
    ),
)


@_squareplus.forward
def squareplus(x: ArrayLike, /, b: ArrayLike = 4.0, *, out: Out = None, where: ArrayLike = True) -> Any:
    return ufuncs.squareplus, _b_of_squareplus.cast(b, x)


@_squareplus.grad
def squareplus_grad(
    dy: ArrayLike, x: ArrayLike, /, b: ArrayLike = 4.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.squareplus_grad, _b_of_squareplus.cast(b, x)


@_squareplus.grad_from_output
def squareplus_grad_from_output(
    dy: ArrayLike, y: ArrayLike, /, b: ArrayLike = 4.0, *, out: Out = None, where: ArrayLike = True
) -> Any:
    return ufuncs.squareplus_grad_from_output, _b_of_squareplus.cast(b, y)
