"""Units that draw random numbers: rrelu, noisy_relu and dropout.

In a training loop, make one generator, ``np.random.default_rng(seed)``, and hand it to every call: it moves on. A seed
as ``rng=`` gives the same numbers at every call. Numbers are drawn one after the other, in C order, so they depend
neither on the memory layout nor on the number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from relu_c._dtypes import evaluated_in, result_dtype, writable
from relu_c._parameters import non_negative, number
from relu_c._random import RNG, as_generator
from relu_c.activations import prelu, prelu_grad
from relu_c.ufuncs import relu, relu_grad_from_output, sigmoid

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["dropout", "dropout_grad", "noisy_relu", "noisy_relu_grad_from_output", "rrelu", "rrelu_grad"]

BLOCK = 1 << 16  # random numbers at a time: they stay in the cache


def rrelu(
    x: ArrayLike,
    /,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    *,
    rng: RNG = None,
    out: NDArray[Any] | None = None,
) -> tuple[Any, Any]:
    """Randomised leaky rectified linear unit: a slope of its own for every element while the network trains.

    ``rrelu(x) = x for x > 0, slope * x for x <= 0``, the slope uniform between `lower` and `upper`

    Parameters
    ----------
    x : array_like
        Input of any shape; float16, bfloat16, float32 or float64. Integers become float64.
    lower, upper : float, default 1/8 and 1/3
        Bounds of the slopes; finite, 0 <= lower <= upper.
    rng : numpy.random.Generator or seed, optional
        Where the slopes come from. Without it, as for a trained network, every slope is the mean of the bounds.
    out : ndarray, optional
        Where `y` goes; `x` itself, for in place. A new array by default.

    Returns
    -------
    y : ndarray or scalar
        The result, in the dtype of `x`.
    slope : ndarray or float
        The slopes drawn, of the shape and dtype of `y`; the mean slope, a float, without `rng`. The gradient needs it.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `x`, for an `rng` that is neither a generator nor a seed.
    ValueError
        For bounds outside their domain; nothing is drawn or written then.

    Notes
    -----
    `y` is `prelu` of `x` and the slopes, with its accuracy and its edges. Since slopes are at least 0, the gradient can
    come from the output too: ``prelu_grad_from_output(dy, y, slope)``.

    References
    ----------
    B. Xu, N. Wang, T. Chen and M. Li, Empirical evaluation of rectified activations in convolutional network,
    arXiv:1505.00853, 2015.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> x = np.float32([-2, -2, 0, 3])
    >>> y, slope = relu_c.rrelu(x, rng=np.random.default_rng(0))
    >>> bool(np.all((1 / 8 <= slope) & (slope <= 1 / 3))), bool(np.all(y == relu_c.prelu(x, slope)))
    (True, True)
    >>> y, slope = relu_c.rrelu(x, 0.25, 0.75)
    >>> y, slope
    (array([-1., -1.,  0.,  3.], dtype=float32), 0.5)
    """
    x = np.asarray(x)
    dtype = result_dtype(x)
    lower = number("lower", lower, non_negative, "finite and at least 0")
    upper = number("upper", upper, lambda value: lower <= value < np.inf, f"finite and at least lower = {lower!r}")
    if rng is None:
        mean = lower + (upper - lower) / 2
        return prelu(x, mean, out=out), mean
    y = writable(out, x.shape, dtype)
    slope = as_generator(rng).random(x.shape, evaluated_in(dtype))
    slope *= upper - lower
    slope += lower
    slope = np.minimum(slope, upper).astype(dtype, copy=False)  # the sum may have been rounded up
    return _finished(prelu(x, slope, out=y), out), _finished(slope, None)


def rrelu_grad(dy: ArrayLike, x: ArrayLike, /, slope: ArrayLike, *, out: NDArray[Any] | None = None) -> Any:
    """Gradient of `rrelu` from its input.

    ``dx = dy * f'(x)``, ``f'(x) = 1 for x > 0, slope for x <= 0``

    Parameters
    ----------
    dy : array_like
        Gradient with respect to the output; 1.0 gives the derivative itself.
    x : array_like
        The input that `rrelu` was given; broadcasts with `dy`.
    slope : array_like
        The slopes that `rrelu` returned.
    out : ndarray, optional
        Where the result goes; an operand itself, for in place. A new array by default.

    Returns
    -------
    dx : ndarray or scalar
        The gradient with respect to `x`, in the common dtype of the operands.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble operands.

    Notes
    -----
    It is `prelu_grad`, with its accuracy and its edges.

    References
    ----------
    B. Xu, N. Wang, T. Chen and M. Li, Empirical evaluation of rectified activations in convolutional network,
    arXiv:1505.00853, 2015.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> x = np.float32([-2, 0, 3])
    >>> y, slope = relu_c.rrelu(x, 0.25, 0.75)
    >>> relu_c.rrelu_grad(np.float32([2, 2, 2]), x, slope)
    array([1., 1., 2.], dtype=float32)
    """
    return prelu_grad(dy, x, slope, out=out)


def noisy_relu(x: ArrayLike, /, *, rng: RNG, out: NDArray[Any] | None = None) -> Any:
    """Noisy rectified linear unit: `relu` of the input plus normal noise whose variance is the input's sigmoid.

    ``noisy_relu(x) = max(0, x + sqrt(sigmoid(x)) * z)``, z standard normal

    Parameters
    ----------
    x : array_like
        Input of any shape; float16, bfloat16, float32 or float64. Integers become float64.
    rng : numpy.random.Generator or seed
        Where the noise comes from; None for a generator seeded by the system.
    out : ndarray, optional
        Where the result goes; `x` itself, for in place. A new array by default.

    Returns
    -------
    y : ndarray or scalar
        The result, in the dtype of `x`. Its gradient comes from `noisy_relu_grad_from_output`.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `x`, for an `rng` that is neither a generator nor a seed.

    Notes
    -----
    +inf gives +inf, -inf gives +0, NaN gives NaN. float16 and bfloat16 are evaluated in float32 and rounded once. A
    trained network takes `relu`.

    It samples the sum of infinitely many binary units that share their weights and have biases -0.5, -1.5, -2.5, ...:
    their number that is on has about the mean of `softplus` and the variance of `sigmoid`.

    References
    ----------
    V. Nair and G. E. Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> y = relu_c.noisy_relu(np.full(100_000, 5.0), rng=np.random.default_rng(0))
    >>> round(float(y.mean()), 2), round(float(y.var()), 2)  # sigmoid(5) = 0.993
    (5.0, 0.99)
    """
    x = np.asarray(x)
    dtype = result_dtype(x)
    y = writable(out, x.shape, dtype)
    noise = as_generator(rng).standard_normal(x.shape, evaluated_in(dtype))
    wide = x.astype(noise.dtype, copy=False)
    deviation = np.asarray(sigmoid(wide))
    np.sqrt(deviation, out=deviation)
    noise *= deviation
    noise += wide
    return _finished(relu(noise, out=y), out)


def noisy_relu_grad_from_output(dy: ArrayLike, y: ArrayLike, /, *, out: NDArray[Any] | None = None) -> Any:
    """Gradient of `noisy_relu` from its output.

    ``dx = dy for y > 0, else +0``

    Parameters
    ----------
    dy : array_like
        Gradient with respect to the output.
    y : array_like
        The output of `noisy_relu`; broadcasts with `dy`.
    out : ndarray, optional
        Where the result goes; an operand itself, for in place. A new array by default.

    Returns
    -------
    dx : ndarray or scalar
        The gradient with respect to `x`, in the common dtype of `dy` and `y`.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble operands.

    Notes
    -----
    The noise is a constant here, although its variance changes with `x`: it is the gradient of the unit as it was
    sampled, which tells whether it was on. `relu_grad_from_output` is the same function.

    References
    ----------
    V. Nair and G. E. Hinton, Rectified linear units improve restricted Boltzmann machines, ICML 2010.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> relu_c.noisy_relu_grad_from_output(np.float32([5, 5]), np.float32([0, 3]))
    array([0., 5.], dtype=float32)
    """
    return relu_grad_from_output(dy, y, out=out)


def dropout(
    x: ArrayLike, /, rate: float, *, rng: RNG, packed: bool = False, out: NDArray[Any] | None = None
) -> tuple[Any, NDArray[Any]]:
    """Drop elements at random, and make the others larger so that the mean stays.

    ``dropout(x) = x / (1 - rate)`` with probability ``1 - rate``, else +0

    Parameters
    ----------
    x : array_like
        Input of any shape; float16, bfloat16, float32 or float64. Integers become float64.
    rate : float
        Probability that an element is dropped; in [0, 1).
    rng : numpy.random.Generator or seed
        Where the choice comes from; None for a generator seeded by the system.
    packed : bool, default False
        Whether the mask takes one bit per element instead of one byte.
    out : ndarray, optional
        Where `y` goes; `x` itself, for in place. A new array by default.

    Returns
    -------
    y : ndarray or scalar
        The result, in the dtype of `x`.
    mask : ndarray
        What the gradient needs: True for what was kept, of the shape of `x`. Packed, the bits of it in C order, lowest
        first, in an array of uint8 of one dimension.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `x`, for an `rng` that is neither a generator nor a seed.
    ValueError
        For a rate outside [0, 1); nothing is drawn or written then.

    Notes
    -----
    A dropped infinity or NaN is +0, a kept one stays. ``1 / (1 - rate)`` is rounded to the dtype of `x`, to float32 for
    float16 and bfloat16, and its product with `x` is rounded once. The rate counts in multiples of ``2**-32``. The same
    seed drops the same elements in every dtype. A trained network leaves dropout out.

    References
    ----------
    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, Dropout: a simple way to prevent neural
    networks from overfitting, Journal of Machine Learning Research 15 (2014).

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> rng = np.random.default_rng(0)
    >>> y, mask = relu_c.dropout(np.ones((100, 100), np.float32), 0.5, rng=rng)
    >>> np.unique(y), round(float(mask.mean()), 2)
    (array([0., 2.], dtype=float32), 0.5)
    >>> y, bits = relu_c.dropout(np.ones((100, 100), np.float32), 0.5, rng=rng, packed=True)
    >>> mask.nbytes, bits.nbytes
    (10000, 1250)
    """
    x = np.asarray(x)
    rate = _rate(rate)
    y = writable(out, x.shape, result_dtype(x))
    mask = _kept(x.shape, rate, as_generator(rng))
    result = _finished(_keep(x, mask, rate, y), out)
    return result, np.packbits(mask, bitorder="little") if packed else mask


def dropout_grad(
    dy: ArrayLike, /, mask: NDArray[np.bool | np.uint8], rate: float, *, out: NDArray[Any] | None = None
) -> Any:
    """Gradient of `dropout`.

    ``dx = dy / (1 - rate)`` for what was kept, else +0

    Parameters
    ----------
    dy : array_like
        Gradient with respect to the output.
    mask : ndarray of bool or uint8
        The mask that `dropout` returned; uint8 if it is packed.
    rate : float
        The rate that `dropout` was given.
    out : ndarray, optional
        Where the result goes; `dy` itself, for in place. A new array by default.

    Returns
    -------
    dx : ndarray or scalar
        The gradient with respect to `x`, in the dtype of `dy`.

    Raises
    ------
    TypeError
        For complex, object, string or longdouble `dy`, for a mask of another dtype.
    ValueError
        For a mask whose size does not go with `dy`, a rate outside [0, 1); nothing is written then.

    Notes
    -----
    Where an element was dropped the result is +0 whatever `dy` is, infinite and NaN included.

    References
    ----------
    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, Dropout: a simple way to prevent neural
    networks from overfitting, Journal of Machine Learning Research 15 (2014).

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> relu_c.dropout_grad(np.float32([1, 2, 3]), np.array([True, False, True]), 0.5)
    array([2., 0., 6.], dtype=float32)
    >>> relu_c.dropout_grad(np.float32([1, 2, 3]), np.uint8([0b101]), 0.5)
    array([2., 0., 6.], dtype=float32)
    """
    dy = np.asarray(dy)
    rate = _rate(rate)
    kept = _unpacked(np.asarray(mask), dy.shape, dy.size)
    return _finished(_keep(dy, kept, rate, writable(out, dy.shape, result_dtype(dy, "dy"))), out)


def _rate(rate: float) -> float:
    return number("rate", rate, lambda value: 0 <= value < 1, "in [0, 1)")


def _kept(shape: tuple[int, ...], rate: float, generator: np.random.Generator) -> NDArray[np.bool]:
    """Return a mask that is False with probability rate, to 32 bits; only where 16 do not decide are more drawn."""
    mask = np.empty(shape, np.bool)
    flat = mask.reshape(-1)
    high, low = divmod(min(round(rate * 2**32), 2**32 - 1), 2**16)  # an element is kept from this number on
    for start in range(0, flat.size, BLOCK):
        block = flat[start : start + BLOCK]
        draws = generator.integers(0, 2**16, block.size, np.uint16)
        np.greater(draws, high, out=block)
        undecided = np.flatnonzero(draws == high)
        block[undecided] = generator.integers(0, 2**16, undecided.size, np.uint16) >= low
    return mask


def _unpacked(mask: NDArray[Any], shape: tuple[int, ...], size: int) -> NDArray[np.bool]:
    """Return a mask, packed or not, as one of bool in the shape given."""
    if mask.dtype == np.uint8:
        if mask.shape != (-(-size // 8),):
            raise ValueError(f"a packed mask for shape {shape} has {-(-size // 8)} bytes, not shape {mask.shape}")
        return np.unpackbits(mask, count=size, bitorder="little").view(np.bool).reshape(shape)
    if mask.dtype != np.bool:
        raise TypeError(f"mask must be of bool, or of uint8 if it is packed, not {mask.dtype}")
    if mask.shape != shape:
        raise ValueError(f"mask must have the shape of dy, {shape}, not {mask.shape}")
    return mask


def _keep(x: NDArray[Any], mask: NDArray[np.bool], rate: float, y: NDArray[Any]) -> NDArray[Any]:
    """Fill y with x / (1 - rate) where the mask is True, else +0."""
    scale = evaluated_in(result_dtype(x))(1 / (1 - rate))
    with np.errstate(all="ignore"):
        np.multiply(x, scale, out=y, casting="same_kind")
    # The bits of a float times 0 or 1: NaN becomes +0 too, and it is 20 times as fast as a masked copy.
    bits = y.view(f"u{y.itemsize}")
    np.multiply(bits, mask, out=bits)
    return y


def _finished(y: Any, out: NDArray[Any] | None) -> Any:
    """Return the result as a ufunc does: a scalar for a scalar, unless it went into out."""
    return y if out is not None or np.ndim(y) else y[()]
