"""Initial weights for rectified networks.

Every function takes the shape of the weights and returns them in a new array. The variance goes by the fans, the number
of values that one output is made of (`fan_in`) and that one input goes into (`fan_out`): the length of the input or
output axis, times the receptive field, which is all other axes.

===================  =======================================  ==========================
layout               shape                                    axes
===================  =======================================  ==========================
dense, ``x @ W``     (in, out)                                the default
JAX, TensorFlow      (height, width, in, out)                 the default
torch, ONNX          (out, in, height, width), also (out, in) ``in_axis=1, out_axis=0``
===================  =======================================  ==========================

Numbers are drawn in float64 and rounded once to `dtype`, so the same seed gives the same numbers in every dtype.

>>> import numpy as np, relu_c
>>> w = relu_c.init.he_normal((784, 256), rng=0)
>>> w.shape, w.dtype
((784, 256), dtype('float32'))
>>> round(float(w.var() * 784), 2)
2.0
"""

from __future__ import annotations

import inspect
import math
from operator import index
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from relu_c._dtypes import float_dtype
from relu_c._parameters import finite, number
from relu_c._random import RNG, as_generator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import DTypeLike, NDArray

    Function = TypeVar("Function", bound=Callable[..., Any])

__all__ = [
    "fan_in_uniform",
    "fans",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "orthogonal",
]

Axes: TypeAlias = "int | Sequence[int]"
Mode: TypeAlias = Literal["fan_in", "fan_out", "fan_avg"]

# The standard deviation of a standard normal variable on the condition that it lies in [-2, 2]:
# sqrt(1 - 4 * phi(2) / (2 * Phi(2) - 1)).
TRUNCATED_STD = 0.8796256610342398

_SHARED = {
    "shape": """\
shape : sequence of int
    Shape of the weights, with an input axis and an output axis.""",
    "slope_and_mode": """\
negative_slope : float, default 0.0
    Slope of the activation for x <= 0: 0 for `relu`, 0.01 for the default `leaky_relu`, 1 for none at all.
mode : {'fan_in', 'fan_out', 'fan_avg'}, default 'fan_in'
    What stays the same from layer to layer: the variance of the activations (`fan_in`), of the gradients (`fan_out`),
    or a compromise, by the mean of both fans.""",
    "truncated": """\
truncated : bool, default False
    Whether to redraw what is more than 2 standard deviations off, as JAX and TensorFlow do, from a normal distribution
    that is so much wider that the variance stays; a plain normal distribution, as torch has, otherwise.""",
    "rng": """\
rng : numpy.random.Generator or seed, optional
    Where the numbers come from, by `numpy.random.default_rng`; the same seed gives the same numbers.""",
    "layout": """\
dtype : dtype, default float32
    float16, bfloat16 (with ml_dtypes), float32 or float64.
in_axis, out_axis : int or sequence of int, default -2 and -1
    The input and the output axis, or several that count together; 1 and 0 for torch's layout.""",
    "returns": """\
ndarray
    The weights, C-contiguous.""",
    "raises": """\
TypeError
    For another dtype, for an `rng` that is neither a generator nor a seed.
ValueError
    For a shape without these axes, an axis given twice, or an argument outside its domain.""",
}


def _with_shared_text(function: Function) -> Function:
    """Fill what the docstrings share into the places that name it."""
    text = inspect.cleandoc(function.__doc__ or "")
    for name, shared in _SHARED.items():
        text = text.replace(f"<{name}>", shared)
    function.__doc__ = text
    return function


def fans(shape: Sequence[int], in_axis: Axes = -2, out_axis: Axes = -1) -> tuple[int, int]:
    """Return the fan-in and the fan-out of weights.

    ``fan_in = length of in_axis * receptive field``, ``fan_out = length of out_axis * receptive field``; the receptive
    field is the product of all other axes.

    Parameters
    ----------
    shape : sequence of int
        Shape of the weights.
    in_axis, out_axis : int or sequence of int, default -2 and -1
        The input and the output axis, or several that count together.

    Returns
    -------
    fan_in, fan_out : int

    Raises
    ------
    ValueError
        For a shape without these axes, or an axis given twice.

    Examples
    --------
    >>> import relu_c
    >>> relu_c.init.fans((784, 256))
    (784, 256)
    >>> relu_c.init.fans((64, 32, 3, 3), in_axis=1, out_axis=0)
    (288, 576)
    """
    lengths, inputs, outputs = _layout(shape, in_axis, out_axis)
    axes = range(len(lengths))
    fan_in = math.prod(lengths[axis] for axis in axes if axis not in outputs)
    fan_out = math.prod(lengths[axis] for axis in axes if axis not in inputs)
    return fan_in, fan_out


def _layout(
    shape: Sequence[int], in_axis: Axes, out_axis: Axes
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Return the shape, the input axes and the output axes, checked and counted from 0."""
    try:
        lengths = tuple(index(length) for length in shape)
    except TypeError as error:
        raise TypeError(f"shape must be a sequence of whole numbers, not {shape!r}") from error
    if any(length < 0 for length in lengths):
        raise ValueError(f"shape must have no negative length, not {lengths}")
    inputs = normalize_axis_tuple(in_axis, len(lengths), "in_axis")
    outputs = normalize_axis_tuple(out_axis, len(lengths), "out_axis")
    if shared := set(inputs) & set(outputs):
        raise ValueError(f"in_axis and out_axis must differ; axis {min(shared)} of shape {lengths} is both")
    return lengths, inputs, outputs


def _variance(scale: float, mode: str, shape: Sequence[int], in_axis: Axes, out_axis: Axes) -> float:
    """Return scale / fan."""
    fan_in, fan_out = fans(shape, in_axis, out_axis)
    choices = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    if mode not in choices:
        raise ValueError(f"mode must be one of {', '.join(map(repr, choices))}, not {mode!r}")
    return scale / max(choices[mode], 1)  # a fan is 0 only where there are no weights


def _normal(variance: float, truncated: bool, shape: Sequence[int], rng: RNG, dtype: DTypeLike) -> NDArray[Any]:
    result, generator = float_dtype(dtype), as_generator(rng)
    draws = generator.standard_normal(tuple(shape))
    if truncated:
        outside = np.flatnonzero(np.abs(draws) > 2)
        while outside.size:
            draws.flat[outside] = generator.standard_normal(outside.size)
            outside = outside[np.abs(draws.flat[outside]) > 2]
        draws /= TRUNCATED_STD
    draws *= math.sqrt(variance)
    return draws.astype(result, copy=False)


def _uniform(variance: float, shape: Sequence[int], rng: RNG, dtype: DTypeLike) -> NDArray[Any]:
    result, bound = float_dtype(dtype), math.sqrt(3 * variance)
    return as_generator(rng).uniform(-bound, bound, tuple(shape)).astype(result, copy=False)


@_with_shared_text
def he_normal(
    shape: Sequence[int],
    *,
    negative_slope: float = 0.0,
    mode: Mode = "fan_in",
    truncated: bool = False,
    rng: RNG = None,
    dtype: DTypeLike = np.float32,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
) -> NDArray[Any]:
    """He (Kaiming) initialisation, normal: keeps the variance through rectified layers.

    ``variance = 2 / ((1 + negative_slope**2) * fan)``

    Parameters
    ----------
    <shape>
    <slope_and_mode>
    <truncated>
    <rng>
    <layout>

    Returns
    -------
    <returns>

    Raises
    ------
    <raises>

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, Delving deep into rectifiers, ICCV 2015.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> kernel = relu_c.init.he_normal((64, 32, 3, 3), rng=0, in_axis=1, out_axis=0)  # torch's layout
    >>> round(float(kernel.var() * 32 * 3 * 3), 1)
    2.0
    """
    scale = 2 / (1 + number("negative_slope", negative_slope, finite, "finite") ** 2)
    return _normal(_variance(scale, mode, shape, in_axis, out_axis), truncated, shape, rng, dtype)


@_with_shared_text
def he_uniform(
    shape: Sequence[int],
    *,
    negative_slope: float = 0.0,
    mode: Mode = "fan_in",
    rng: RNG = None,
    dtype: DTypeLike = np.float32,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
) -> NDArray[Any]:
    """He (Kaiming) initialisation, uniform: keeps the variance through rectified layers.

    Within ``±sqrt(6 / ((1 + negative_slope**2) * fan))``, of variance ``2 / ((1 + negative_slope**2) * fan)``.

    Parameters
    ----------
    <shape>
    <slope_and_mode>
    <rng>
    <layout>

    Returns
    -------
    <returns>

    Raises
    ------
    <raises>

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, Delving deep into rectifiers, ICCV 2015.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> w = relu_c.init.he_uniform((600, 100), rng=0)
    >>> bool(np.abs(w).max() <= 0.1), round(float(w.var() * 600), 1)
    (True, 2.0)
    """
    scale = 2 / (1 + number("negative_slope", negative_slope, finite, "finite") ** 2)
    return _uniform(_variance(scale, mode, shape, in_axis, out_axis), shape, rng, dtype)


@_with_shared_text
def glorot_normal(
    shape: Sequence[int],
    *,
    truncated: bool = False,
    rng: RNG = None,
    dtype: DTypeLike = np.float32,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
) -> NDArray[Any]:
    """Glorot (Xavier) initialisation, normal: for units that are linear around 0, such as tanh.

    ``variance = 2 / (fan_in + fan_out)``

    Parameters
    ----------
    <shape>
    <truncated>
    <rng>
    <layout>

    Returns
    -------
    <returns>

    Raises
    ------
    <raises>

    References
    ----------
    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> w = relu_c.init.glorot_normal((300, 500), rng=0)
    >>> round(float(w.var() * (300 + 500) / 2), 2)
    1.0
    """
    return _normal(_variance(1, "fan_avg", shape, in_axis, out_axis), truncated, shape, rng, dtype)


@_with_shared_text
def glorot_uniform(
    shape: Sequence[int],
    *,
    rng: RNG = None,
    dtype: DTypeLike = np.float32,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
) -> NDArray[Any]:
    """Glorot (Xavier) initialisation, uniform: for units that are linear around 0, such as tanh.

    Within ``±sqrt(6 / (fan_in + fan_out))``, of variance ``2 / (fan_in + fan_out)``.

    Parameters
    ----------
    <shape>
    <rng>
    <layout>

    Returns
    -------
    <returns>

    Raises
    ------
    <raises>

    References
    ----------
    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> w = relu_c.init.glorot_uniform((200, 400), rng=0)
    >>> bool(np.abs(w).max() <= 0.1), round(float(w.var() * (200 + 400) / 2), 2)
    (True, 1.0)
    """
    return _uniform(_variance(1, "fan_avg", shape, in_axis, out_axis), shape, rng, dtype)


@_with_shared_text
def lecun_normal(
    shape: Sequence[int],
    *,
    truncated: bool = False,
    rng: RNG = None,
    dtype: DTypeLike = np.float32,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
) -> NDArray[Any]:
    """LeCun initialisation, normal: the one that self-normalizing networks of `selu` need.

    ``variance = 1 / fan_in``

    Parameters
    ----------
    <shape>
    <truncated>
    <rng>
    <layout>

    Returns
    -------
    <returns>

    Raises
    ------
    <raises>

    References
    ----------
    Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, Efficient BackProp, in Neural Networks: Tricks of the Trade, 1998.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> w = relu_c.init.lecun_normal((500, 300), rng=0)
    >>> round(float(w.var() * 500), 1)
    1.0
    """
    return _normal(_variance(1, "fan_in", shape, in_axis, out_axis), truncated, shape, rng, dtype)


@_with_shared_text
def lecun_uniform(
    shape: Sequence[int],
    *,
    rng: RNG = None,
    dtype: DTypeLike = np.float32,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
) -> NDArray[Any]:
    """LeCun initialisation, uniform: the one that self-normalizing networks of `selu` need.

    Within ``±sqrt(3 / fan_in)``, of variance ``1 / fan_in``.

    Parameters
    ----------
    <shape>
    <rng>
    <layout>

    Returns
    -------
    <returns>

    Raises
    ------
    <raises>

    References
    ----------
    Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, Efficient BackProp, in Neural Networks: Tricks of the Trade, 1998.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> w = relu_c.init.lecun_uniform((300, 200), rng=0)
    >>> bool(np.abs(w).max() <= 0.1), round(float(w.var() * 300), 2)
    (True, 1.0)
    """
    return _uniform(_variance(1, "fan_in", shape, in_axis, out_axis), shape, rng, dtype)


@_with_shared_text
def fan_in_uniform(
    shape: Sequence[int],
    *,
    rng: RNG = None,
    dtype: DTypeLike = np.float32,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
) -> NDArray[Any]:
    """Uniform within one over the square root of the fan-in, the heuristic older than its analysis.

    Within ``±1 / sqrt(fan_in)``, of variance ``1 / (3 * fan_in)``.

    Parameters
    ----------
    <shape>
    <rng>
    <layout>

    Returns
    -------
    <returns>

    Raises
    ------
    <raises>

    Notes
    -----
    Tutorials call it Xavier initialisation; Glorot and Bengio name it the commonly used heuristic, show that the
    variance falls layer by layer under it, and derive `glorot_uniform`, which is sqrt(3) wider for a square layer. It
    is what torch's Linear and Conv layers start from. Through rectified layers the variance falls to a sixth each time.

    References
    ----------
    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010,
    equation 1.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> w = relu_c.init.fan_in_uniform((400, 200), rng=0)
    >>> bool(np.abs(w).max() <= 0.05), round(float(w.var() * 400), 2)
    (True, 0.33)
    """
    return _uniform(_variance(1 / 3, "fan_in", shape, in_axis, out_axis), shape, rng, dtype)


@_with_shared_text
def orthogonal(
    shape: Sequence[int],
    *,
    gain: float = 1.0,
    rng: RNG = None,
    dtype: DTypeLike = np.float32,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
) -> NDArray[Any]:
    """Random orthogonal matrix, times gain: it keeps the length of every vector, not just on the average.

    The matrix has a column for each index of the output axis, its rows are all other axes. It has orthogonal columns,
    or orthogonal rows where those are fewer, each of length `gain`.

    Parameters
    ----------
    <shape>
    gain : float, default 1.0
        Length of the columns, or rows; sqrt(2) makes up for what `relu` takes.
    <rng>
    <layout>

    Returns
    -------
    <returns>

    Raises
    ------
    <raises>

    Notes
    -----
    The Q of a QR decomposition of normal numbers, with the signs that make every orthogonal matrix equally likely
    (Mezzadri 2007). LAPACK computes it, so the last bits of the same seed's numbers may differ between machines.

    References
    ----------
    A. M. Saxe, J. L. McClelland and S. Ganguli, Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks, ICLR 2014.
    F. Mezzadri, How to generate random matrices from the classical compact groups, Notices of the AMS 54 (2007).

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> w = relu_c.init.orthogonal((5, 3), rng=0, dtype=np.float64)
    >>> np.abs(w.T @ w - np.eye(3)).max() < 1e-15
    np.True_
    """
    lengths, _, outputs = _layout(shape, in_axis, out_axis)
    others = tuple(axis for axis in range(len(lengths)) if axis not in outputs)
    order = (*others, *outputs)
    rows, columns = (math.prod(lengths[axis] for axis in axes) for axes in (others, outputs))
    result, generator, gain = float_dtype(dtype), as_generator(rng), number("gain", gain, finite, "finite")
    q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
    q *= gain * np.copysign(1, np.diagonal(r))
    matrix = q if rows >= columns else q.T
    weights = matrix.reshape([lengths[axis] for axis in order]).transpose(np.argsort(order))
    return weights.astype(result, order="C", copy=False)


@_with_shared_text
def identity(
    shape: Sequence[int],
    *,
    gain: float = 1.0,
    dtype: DTypeLike = np.float32,
    in_axis: Axes = -2,
    out_axis: Axes = -1,
) -> NDArray[Any]:
    """Identity, times gain: the recurrent weights of an IRNN.

    Input k goes to output k with weight `gain`; a convolution has it in the middle of its receptive field and passes
    the channels on. Everything else is 0, surplus inputs and outputs too.

    Parameters
    ----------
    <shape>
    gain : float, default 1.0
        The weight; below 1 an IRNN forgets, for tasks that need no long memory.
    <layout>

    Returns
    -------
    <returns>

    Raises
    ------
    <raises>

    Notes
    -----
    An IRNN is a recurrent network of `relu` units with this, zero biases, and input weights drawn with a standard
    deviation of 0.001.

    References
    ----------
    Q. V. Le, N. Jaitly and G. E. Hinton, A simple way to initialize recurrent networks of rectified linear units,
    arXiv:1504.00941, 2015.

    Examples
    --------
    >>> import relu_c
    >>> relu_c.init.identity((3, 3), gain=0.5)
    array([[0.5, 0. , 0. ],
           [0. , 0.5, 0. ],
           [0. , 0. , 0.5]], dtype=float32)
    >>> relu_c.init.identity((3, 1, 1))[:, 0, 0]  # the kernel of a convolution in one dimension
    array([0., 1., 0.], dtype=float32)
    """
    lengths, inputs, outputs = _layout(shape, in_axis, out_axis)
    weights = np.zeros(lengths, float_dtype(dtype))
    place: list[Any] = [length // 2 for length in lengths]
    sizes = [tuple(lengths[axis] for axis in axes) for axes in (inputs, outputs)]
    channels = np.arange(min(map(math.prod, sizes)))
    for axes, size in zip((inputs, outputs), sizes, strict=True):
        for axis, position in zip(axes, np.unravel_index(channels, size), strict=True):
            place[axis] = position
    if weights.size:
        weights[tuple(place)] = number("gain", gain, finite, "finite")
    return weights
