"""Gated units (glu, reglu, geglu, swiglu), on two arrays or on one that packs both, and crelu."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np

from relu_c._outputs import Target, checked, operands, pair
from relu_c._pages import page
from relu_c._ufuncs import GENERALISED, document

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "crelu",
    "crelu_grad",
    "geglu",
    "geglu_grad",
    "geglu_packed",
    "geglu_packed_grad",
    "glu",
    "glu_grad",
    "glu_packed",
    "glu_packed_grad",
    "reglu",
    "reglu_grad",
    "reglu_packed",
    "reglu_packed_grad",
    "swiglu",
    "swiglu_grad",
    "swiglu_packed",
    "swiglu_packed_grad",
]

F = TypeVar("F", bound=Callable[..., Any])
Out: TypeAlias = "NDArray[Any] | None"
Outs: TypeAlias = "tuple[NDArray[Any] | None, NDArray[Any] | None] | None"
Order: TypeAlias = Literal["gate_value", "value_gate"]


@dataclass(frozen=True)
class _Unit:
    """What the docstrings of one gated unit say; its methods decorate its functions.

    Parameters
    ----------
    name, activation : str
        The unit, and what its gate goes through.
    packing : str
        Which order the peers use.
    source : str
        Where it was introduced.
    examples : tuple of str
        A doctest for each function.
    order : str
        The default order, if there is one.
    """

    name: str
    activation: str
    packing: str
    source: str
    examples: tuple[str, str, str, str]
    order: str = ""

    def forward(self, ufunc: np.ufunc) -> np.ufunc:
        """Document the unit itself."""
        text = page(
            f"Gated unit with `{self.activation}`.\n\n``{self.name}(gate, value) = {self.activation}(gate) * value``",
            [
                ("gate", "array_like", "What opens or closes the gate; float16, bfloat16, float32 or float64."),
                ("value", "array_like", "What passes; broadcasts with `gate`."),
                ("out", "ndarray, optional", "Where the result goes; an operand itself, for in place."),
                ("where", "array_like of bool, optional", "Elements to compute; the others keep what `out` holds."),
            ],
            [("y", "ndarray or scalar", "The result, of the broadcast shape, in the common dtype of the operands.")],
            "TypeError\n    For complex, object, string and longdouble operands.",
            f"NaN in either operand gives NaN, and so does a closed gate before an infinite value. {self._accuracy()}",
            self.source,
            self.examples[0],
        )
        document(ufunc, text, "relu_c", self.name)
        return ufunc

    def grad(self, function: F) -> F:
        """Document its gradients."""
        function.__doc__ = page(
            f"Gradients of `{self.name}` with respect to both its operands, in one pass over memory.\n\n"
            f"``dgate = dy * value * {self.activation}'(gate)``, ``dvalue = dy * {self.activation}(gate)``",
            [
                ("dy", "array_like", "Gradient with respect to the output."),
                ("gate, value", "array_like", f"The operands that `{self.name}` was given; all broadcast."),
                ("out", "tuple of ndarray or None, optional", "Where `dgate` and `dvalue` go; operands, for in place."),
            ],
            [("dgate, dvalue", "ndarray or scalar", "The gradients, of the broadcast shape.")],
            _RAISES + "\nValueError\n    For outputs that do not fit or share memory; nothing is written then.",
            _CLOSED + self._accuracy(),
            self.source,
            self.examples[1],
        )
        return function

    def packed(self, function: F) -> F:
        """Document the unit on a packed array."""
        function.__doc__ = page(
            f"`{self.name}` of an array that holds gate and value one after the other along an axis.\n\n"
            f"``{self.name}_packed(concatenate([gate, value])) = {self.activation}(gate) * value``",
            [
                ("x", "array_like", "Gate and value, each half of the axis."),
                *self._packing(),
                ("out", "ndarray, optional", "Where the result goes; a half of `x`, for in place."),
            ],
            [("y", "ndarray", f"The result, to the bit that of `{self.name}`; its axis is half as long.")],
            _RAISES + _HALVES,
            f"{self.packing} {self._accuracy()}",
            self.source,
            self.examples[2],
        )
        return function

    def packed_grad(self, function: F) -> F:
        """Document its gradient on a packed array."""
        function.__doc__ = page(
            f"Gradient of `{self.name}_packed`, packed like its input, in one pass over memory.\n\n"
            f"``dx = concatenate({self.name}_grad(dy, gate, value))``",
            [
                ("dy", "array_like", "Gradient with respect to the output; broadcasts to its shape."),
                ("x", "array_like", f"The input that `{self.name}_packed` was given."),
                *self._packing(),
                ("out", "ndarray, optional", "Where the result goes; `x`, for in place."),
            ],
            [("dx", "ndarray", "The gradient with respect to `x`, of its shape.")],
            _RAISES + _HALVES,
            _CLOSED + self._accuracy(),
            self.source,
            self.examples[3],
        )
        return function

    def _packing(self) -> list[tuple[str, str, str]]:
        kind = f'{{"gate_value", "value_gate"}}{f", default {self.order!r}" if self.order else ""}'
        return [("axis", "int, default -1", "The axis that holds both."), ("order", kind, "Which half is which.")]

    def _accuracy(self) -> str:
        if self.name == "reglu":
            return "Products are rounded once."
        return (
            "float16, bfloat16 and float32 results are within 0.5001 ulp; float64 rounds the activation, within 1 ulp, "
            "and every product."
        )


_RAISES = "TypeError\n    For complex, object, string and longdouble operands."
_HALVES = (
    "\nValueError\n    For an unknown order, an axis out of range or of odd length, or an `out` that does not fit;\n"
    "    nothing is written then."
)
_CLOSED = (
    "Where a derivative is 0 the gradient is +0 whatever `dy` is, infinite and NaN included; NaN in `gate` gives NaN, "
    "and NaN in `value` a NaN `dgate`. "
)
_CLASH = (
    'No order is the default, since the peers differ: the gate is the first half ("gate_value") in Transformer Engine and '
    "MindSpore, the second (\"value_gate\") in torch's glu. ONNX's SwiGLU takes the two apart, the gate first."
)
_SHAZEER = "N. Shazeer, GLU variants improve transformer, 2020."


def _position(axis: int, x: NDArray[Any]) -> int:
    """Return an axis counted from the first, after a check."""
    position = operator.index(axis)
    if not -x.ndim <= position < x.ndim:
        raise ValueError(f"axis must be in [{-x.ndim}, {x.ndim - 1}] for {x.ndim} dimensions, not {position}")
    return position % x.ndim


def _packing(x: NDArray[Any], axis: int, order: str) -> tuple[int, int, tuple[int, ...], tuple[int, int, int]]:
    """Return which half is gate and which value, the shape of a half, and that of the array with the halves apart."""
    if order not in ("gate_value", "value_gate"):
        raise ValueError(f'order must be "gate_value" or "value_gate", not {order!r}')
    position = _position(axis, x)
    length = x.shape[position]
    if length % 2:
        raise ValueError(f"axis {axis} must have an even length, for a gate and a value, not {length}")
    half = (*x.shape[:position], length // 2, *x.shape[position + 1 :])
    gate = int(order == "value_gate")
    return gate, 1 - gate, half, (prod(half[:position]), 2, prod(half[position:]))


def _grad(name: str, dy: ArrayLike, gate: ArrayLike, value: ArrayLike, out: Outs) -> tuple[Any, Any]:
    outs: Any = None, None
    if out is not None:
        shape = np.broadcast_shapes(*map(np.shape, (dy, gate, value)))
        outs = pair(out, ("dgate", "dvalue"), (shape, shape))
    dgate, dvalue = GENERALISED[name](dy, gate, value, out=outs)
    return dgate, dvalue


def _packed(name: str, x: ArrayLike, axis: int, order: str, out: Out) -> Any:
    array = np.asarray(x)
    gate, value, half, apart = _packing(array, axis, order)
    if out is not None:
        checked("y", out, half)
    target = Target(out, (apart[0], apart[2]))
    halves = array.reshape(apart)
    result = GENERALISED[f"packed_{name}"](halves[:, gate], halves[:, value], out=target.array)
    target.finish()
    return result.reshape(half) if out is None else out


def _packed_grad(name: str, dy: ArrayLike, x: ArrayLike, axis: int, order: str, out: Out) -> Any:
    ufunc = GENERALISED[f"packed_{name}_grad"]
    upstream, array = operands(dy, x)
    gate, value, half, apart = _packing(array, axis, order)
    upstream = np.broadcast_to(upstream, half).reshape(apart[0], apart[2])
    dx = _result(ufunc, (upstream, array, array), array.shape, out, "dx")
    target, halves = Target(dx, apart), array.reshape(apart)
    outs = target.array[:, gate], target.array[:, value]
    ufunc(upstream, halves[:, gate], halves[:, value], out=outs)
    target.finish()
    return dx


def _result(
    ufunc: np.ufunc, arrays: tuple[NDArray[Any], ...], shape: tuple[int, ...], out: Out, name: str
) -> NDArray[Any]:
    """Return the array for a result: the one given, after a check, or a new one of the dtype that the ufunc gives."""
    if out is not None:
        checked(name, out, shape)
        return out
    dtypes: Any = (*(array.dtype for array in arrays), *(None,) * ufunc.nout)
    return np.empty(shape, ufunc.resolve_dtypes(dtypes)[-1])


_glu = _Unit(
    name="glu",
    activation="sigmoid",
    packing="The order of torch, JAX, MindSpore and Keras is the default: the value first, ``glu_packed([a, b]) = a * sigmoid(b)``.",
    source="Y. N. Dauphin, A. Fan, M. Auli and D. Grangier, Language modeling with gated convolutional networks, ICML 2017.",
    examples=(
        ">>> relu_c.glu(np.float32([0, 2]), np.float32([3, 3]))\narray([1.5      , 2.6423912], dtype=float32)",
        ">>> dgate, dvalue = relu_c.glu_grad(1.0, np.float32([0, 2]), np.float32([3, 3]))\n>>> dgate\n"
        "array([0.75      , 0.31498075], dtype=float32)\n>>> dvalue\narray([0.5      , 0.8807971], dtype=float32)",
        ">>> relu_c.glu_packed(np.float32([[3, 3, 0, 2]]))\narray([[1.5      , 2.6423912]], dtype=float32)",
        ">>> relu_c.glu_packed_grad(1.0, np.float32([[3, 3, 0, 2]]))\narray([[0.5       , 0.8807971 , 0.75      , 0.31498075]], dtype=float32)",
    ),
    order="value_gate",
)
glu = _glu.forward(GENERALISED["glu"])


@_glu.grad
def glu_grad(dy: ArrayLike, gate: ArrayLike, value: ArrayLike, /, *, out: Outs = None) -> tuple[Any, Any]:
    return _grad("glu_grad", dy, gate, value, out)


@_glu.packed
def glu_packed(x: ArrayLike, /, axis: int = -1, *, order: Order = "value_gate", out: Out = None) -> Any:
    return _packed("glu", x, axis, order, out)


@_glu.packed_grad
def glu_packed_grad(
    dy: ArrayLike, x: ArrayLike, /, axis: int = -1, *, order: Order = "value_gate", out: Out = None
) -> Any:
    return _packed_grad("glu", dy, x, axis, order, out)


_reglu = _Unit(
    name="reglu",
    activation="relu",
    packing=_CLASH,
    source=_SHAZEER,
    examples=(
        ">>> relu_c.reglu(np.float32([-1, 2]), np.float32([3, 3]))\narray([0., 6.], dtype=float32)",
        ">>> dgate, dvalue = relu_c.reglu_grad(1.0, np.float32([-1, 2]), np.float32([3, 3]))\n>>> dgate\n"
        "array([0., 3.], dtype=float32)\n>>> dvalue\narray([0., 2.], dtype=float32)",
        '>>> relu_c.reglu_packed(np.float32([[-1, 2, 3, 3]]), order="gate_value")\narray([[0., 6.]], dtype=float32)',
        '>>> relu_c.reglu_packed_grad(1.0, np.float32([[-1, 2, 3, 3]]), order="gate_value")\narray([[0., 3., 0., 2.]], dtype=float32)',
    ),
)
reglu = _reglu.forward(GENERALISED["reglu"])


@_reglu.grad
def reglu_grad(dy: ArrayLike, gate: ArrayLike, value: ArrayLike, /, *, out: Outs = None) -> tuple[Any, Any]:
    return _grad("reglu_grad", dy, gate, value, out)


@_reglu.packed
def reglu_packed(x: ArrayLike, /, axis: int = -1, *, order: Order, out: Out = None) -> Any:
    return _packed("reglu", x, axis, order, out)


@_reglu.packed_grad
def reglu_packed_grad(dy: ArrayLike, x: ArrayLike, /, axis: int = -1, *, order: Order, out: Out = None) -> Any:
    return _packed_grad("reglu", dy, x, axis, order, out)


_geglu = _Unit(
    name="geglu",
    activation="gelu",
    packing=_CLASH,
    source=_SHAZEER,
    examples=(
        ">>> relu_c.geglu(np.float32([-1, 2]), np.float32([3, 3]))\narray([-0.47596577,  5.863499  ], dtype=float32)",
        ">>> dgate, dvalue = relu_c.geglu_grad(1.0, np.float32([-1, 2]), np.float32([3, 3]))\n>>> dgate\n"
        "array([-0.24994642,  3.2556953 ], dtype=float32)\n>>> dvalue\narray([-0.15865526,  1.9544997 ], dtype=float32)",
        '>>> relu_c.geglu_packed(np.float32([[-1, 2, 3, 3]]), order="gate_value")\narray([[-0.47596577,  5.863499  ]], dtype=float32)',
        '>>> relu_c.geglu_packed_grad(1.0, np.float32([[-1, 2, 3, 3]]), order="gate_value")\narray([[-0.24994642,  3.2556953 , -0.15865526,  1.9544997 ]],\n      dtype=float32)',
    ),
)
geglu = _geglu.forward(GENERALISED["geglu"])


@_geglu.grad
def geglu_grad(dy: ArrayLike, gate: ArrayLike, value: ArrayLike, /, *, out: Outs = None) -> tuple[Any, Any]:
    return _grad("geglu_grad", dy, gate, value, out)


@_geglu.packed
def geglu_packed(x: ArrayLike, /, axis: int = -1, *, order: Order, out: Out = None) -> Any:
    return _packed("geglu", x, axis, order, out)


@_geglu.packed_grad
def geglu_packed_grad(dy: ArrayLike, x: ArrayLike, /, axis: int = -1, *, order: Order, out: Out = None) -> Any:
    return _packed_grad("geglu", dy, x, axis, order, out)


_swiglu = _Unit(
    name="swiglu",
    activation="silu",
    packing=_CLASH,
    source=_SHAZEER,
    examples=(
        ">>> relu_c.swiglu(np.float32([-1, 2]), np.float32([3, 3]))\narray([-0.80682427,  5.2847824 ], dtype=float32)",
        ">>> dgate, dvalue = relu_c.swiglu_grad(1.0, np.float32([-1, 2]), np.float32([3, 3]))\n>>> dgate\n"
        "array([0.21698846, 3.2723527 ], dtype=float32)\n>>> dvalue\narray([-0.26894143,  1.7615942 ], dtype=float32)",
        '>>> relu_c.swiglu_packed(np.float32([[-1, 2, 3, 3]]), order="gate_value")\narray([[-0.80682427,  5.2847824 ]], dtype=float32)',
        '>>> relu_c.swiglu_packed_grad(1.0, np.float32([[-1, 2, 3, 3]]), order="gate_value")\narray([[ 0.21698846,  3.2723527 , -0.26894143,  1.7615942 ]],\n      dtype=float32)',
    ),
)
swiglu = _swiglu.forward(GENERALISED["swiglu"])


@_swiglu.grad
def swiglu_grad(dy: ArrayLike, gate: ArrayLike, value: ArrayLike, /, *, out: Outs = None) -> tuple[Any, Any]:
    return _grad("swiglu_grad", dy, gate, value, out)


@_swiglu.packed
def swiglu_packed(x: ArrayLike, /, axis: int = -1, *, order: Order, out: Out = None) -> Any:
    return _packed("swiglu", x, axis, order, out)


@_swiglu.packed_grad
def swiglu_packed_grad(dy: ArrayLike, x: ArrayLike, /, axis: int = -1, *, order: Order, out: Out = None) -> Any:
    return _packed_grad("swiglu", dy, x, axis, order, out)


def crelu(x: ArrayLike, /, axis: int = -1, *, out: Out = None) -> Any:
    """Concatenated rectified linear unit: the positive part, then the negative one, along an axis.

    ``crelu(x) = concatenate([relu(x), relu(-x)], axis)``

    Parameters
    ----------
    x : array_like
        Input of one dimension or more; float16, bfloat16, float32 or float64. Integers become floats.
    axis : int, default -1
        The axis that doubles.
    out : ndarray, optional
        Where the result goes. A new array by default.

    Returns
    -------
    y : ndarray
        The result, in the dtype of `x`; the axis is twice as long.

    Raises
    ------
    TypeError
        For complex, object, string and longdouble operands.
    ValueError
        For an axis out of range or an `out` that does not fit; nothing is written then.

    Notes
    -----
    Results are exact. Zeros of either sign give +0 twice; NaN gives NaN twice.

    References
    ----------
    W. Shang, K. Sohn, D. Almeida and H. Lee, Understanding and improving convolutional neural networks via concatenated
    rectified linear units, ICML 2016.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> relu_c.crelu(np.float32([[-2, 3]]))
    array([[0., 3., 2., 0.]], dtype=float32)
    """
    array = np.asarray(x)
    position = _position(axis, array)
    before, after = array.shape[:position], array.shape[position:]
    shape = (*before, 2 * after[0], *after[1:])
    y = _result(GENERALISED["crelu"], (array,), shape, out, "y")
    target = Target(y, (prod(before), 2, prod(after)))
    GENERALISED["crelu"](array.reshape(prod(before), prod(after)), out=(target.array[:, 0], target.array[:, 1]))
    target.finish()
    return y


def crelu_grad(dy: ArrayLike, x: ArrayLike, /, axis: int = -1, *, out: Out = None) -> Any:
    """Gradient of `crelu`.

    ``dx = positive_dy where x > 0, -negative_dy where x < 0, else 0``, the halves of `dy` along the axis

    Parameters
    ----------
    dy : array_like
        Gradient with respect to the output; broadcasts to its shape.
    x : array_like
        The input that `crelu` was given.
    axis : int, default -1
        The axis that doubled.
    out : ndarray, optional
        Where the result goes; `x`, for in place. A new array by default.

    Returns
    -------
    dx : ndarray
        The gradient with respect to `x`, of its shape.

    Raises
    ------
    TypeError
        For complex, object, string and longdouble operands.
    ValueError
        For an axis out of range or operands that do not fit; nothing is written then.

    Notes
    -----
    Results are exact. At x = 0 the gradient is +0 whatever `dy` is, infinite and NaN included; NaN in `x` gives NaN.

    References
    ----------
    W. Shang, K. Sohn, D. Almeida and H. Lee, Understanding and improving convolutional neural networks via concatenated
    rectified linear units, ICML 2016.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> relu_c.crelu_grad(np.float32([[1, 2, 3, 4]]), np.float32([[-2, 3]]))
    array([[-3.,  2.]], dtype=float32)
    """
    upstream, array = operands(dy, x)
    position = _position(axis, array)
    before, after = array.shape[:position], array.shape[position:]
    apart = (prod(before), 2, prod(after))
    both = np.broadcast_to(upstream, (*before, 2 * after[0], *after[1:])).reshape(apart)
    dx = _result(GENERALISED["crelu_grad"], (both, both, array), array.shape, out, "dx")
    target, flat = Target(dx, (apart[0], apart[2])), array.reshape(apart[0], apart[2])
    GENERALISED["crelu_grad"](both[:, 0], both[:, 1], flat, out=target.array)
    target.finish()
    return dx
