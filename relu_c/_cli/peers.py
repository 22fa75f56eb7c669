"""How NumPy, SciPy, numexpr, numba, jax and torch spell each function: the one list behind `bench` and the benchmarks.

Each spelling but jax's writes into the output that it is given, through the library's own ``out=`` or in-place form,
and takes its temporaries from buffers that are already there. `set_threads` says on how many threads they run.
"""

import importlib
import importlib.util
import math
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import cache, partial
from typing import Any, TypeAlias

import numpy as np

import relu_c
from relu_c._cli.checks import CommandError
from relu_c._cli.results import FUNCTIONS, LIBRARIES, MEMORY

__all__ = ["PEERS", "Case", "Spelling", "set_threads", "spellings"]

THRESHOLD, VALUE = 0.5, -1.0  # threshold's parameters, which have no defaults


def _import(name: str) -> Any:
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


numexpr = _import("numexpr")
special: Any = _import("scipy.special") if importlib.util.find_spec("scipy") else None
numba = _import("numba")
os.environ.setdefault("PJRT_NPROC", "1")  # jax's threads, which only the environment sets
jax = _import("jax")
if jax:
    jax.config.update("jax_enable_x64", True)
torch = _import("torch")
_threads = 1


def set_threads(threads: int) -> None:
    """Let every library but jax use so many threads."""
    global _threads
    _threads = threads
    for library in filter(None, (relu_c, numexpr, numba, torch)):
        library.set_num_threads(threads)


@dataclass(slots=True)
class Operands:
    """What one call reads and writes: NumPy arrays, or torch tensors over the same memory.

    In place, `y` is `x`. The scratches and masks are for spellings that need a temporary; `weight` is prelu's.
    """

    x: Any
    dy: Any
    y: Any
    scratch: Any
    scratch2: Any
    mask: Any
    mask2: Any
    weight: Any


Call: TypeAlias = Callable[[Operands], object]


@dataclass(frozen=True)
class Spelling:
    """How one library spells a function: a call on `Operands`, or an expression of numexpr or numba.

    Parameters
    ----------
    forward, gradient : callable or str
        The function from `x` to `y` and its gradient from `dy` and `x` to `y`.
    in_place : callable, optional
        The function from `x` to `x`, where the library has another form for it.
    tolerance : float, optional
        Known difference to the exact result, where it is beyond `Case.TOLERANCE`.
    loses : float, optional
        Factor by which cancellation takes the difference beyond `Case.TOLERANCE`, in any dtype.
    pure : bool, optional
        Whether it returns a new array, into `y`, and has no form in place.
    """

    forward: Call | str
    gradient: Call | str
    in_place: Call | None = None
    tolerance: float = 0.0
    loses: float = 1.0
    pure: bool = False

    def bind(self, operation: str, compiler: Callable[[str], Call]) -> Call:
        """Return the call for an operation; the library's compiler makes one of an expression."""
        if operation == "gradient":
            spelled = self.gradient
        elif operation == "in place" and self.in_place:
            spelled = self.in_place
        else:
            spelled = self.forward
        return compiler(spelled) if isinstance(spelled, str) else spelled


def _names(expression: str) -> tuple[list[str], list[str]]:
    """Return the operands and the constants that an expression names."""
    used = set(re.findall(r"\w+", expression))
    return [name for name in ("x", "dy", "weight") if name in used], [name for name in CONSTANTS if name in used]


def _numexpr(expression: str, dtype: np.dtype[Any]) -> Call:
    kind = float if dtype == np.float32 else numexpr.necompiler.double  # numexpr's "float" is float32
    arrays, constants = _names(expression)
    program = numexpr.NumExpr(expression, [(name, kind) for name in (*arrays, *constants)])
    values = [np.asarray(CONSTANTS[name], dtype) for name in constants]
    return lambda o: program(*[getattr(o, name) for name in arrays], *values, out=o.y, ex_uses_vml=False)


@cache
def _numba(expression: str, dtype: np.dtype[Any]) -> Call:
    """Compile a ufunc from numexpr's expression. An integer in it would widen float32, so it becomes a constant."""
    arrays, constants = _names(expression)
    integers = set(re.findall(INTEGER, expression))
    namespace = {name: getattr(math, name) for name in ("erfc", "exp", "expm1", "log1p", "sqrt", "tanh")}
    namespace |= {name: dtype.type(CONSTANTS[name]) for name in constants}
    namespace |= {f"_{integer}": dtype.type(integer) for integer in integers}
    namespace["where"] = numba.njit(lambda condition, a, b: a if condition else b, inline="always")
    body = re.sub(INTEGER, r"_\g<0>", expression)
    scalar = eval(f"lambda {', '.join(arrays)}: {body}", namespace)
    kind = numba.from_dtype(dtype)
    target = "parallel" if _threads > 1 else "cpu"
    ufunc = numba.vectorize([kind(*[kind] * len(arrays))], target=target)(scalar)
    return lambda o: ufunc(*[getattr(o, name) for name in arrays], out=o.y)


INTEGER = r"(?<!\*\* )\b\d+\b"
"""An integer that is no exponent."""


def _passed_where(mask: Callable[[Operands], Any]) -> Call:
    """Return NumPy's ``dy * mask``."""
    return lambda o: np.multiply(o.dy, mask(o), out=o.y)


def _within(o: Operands, bound: float) -> Any:
    return np.less(np.absolute(o.x, out=o.scratch), bound, out=o.mask)


def _beyond(o: Operands, bound: float) -> Any:
    return np.greater(np.absolute(o.x, out=o.scratch), bound, out=o.mask)


def _numpy_squared_relu(o: Operands) -> None:
    np.maximum(o.x, 0, out=o.y)
    np.multiply(o.y, o.y, out=o.y)


def _numpy_squared_relu_grad(o: Operands) -> None:
    np.maximum(o.x, 0, out=o.y)
    np.add(o.y, o.y, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _numpy_leaky(slope: Callable[[Operands], Any]) -> Spelling:
    def forward(o: Operands) -> None:  # for slopes of at most 1
        np.multiply(o.x, slope(o), out=o.scratch)
        np.maximum(o.x, o.scratch, out=o.y)

    def gradient(o: Operands) -> None:
        np.multiply(o.dy, slope(o), out=o.y)
        np.copyto(o.y, o.dy, where=np.greater(o.x, 0, out=o.mask))

    return Spelling(forward, gradient)


def _numpy_threshold(o: Operands) -> None:
    np.less_equal(o.x, THRESHOLD, out=o.mask)
    if o.y is not o.x:
        np.copyto(o.y, o.x)
    np.copyto(o.y, VALUE, where=o.mask)


def _numpy_hard_sigmoid(o: Operands) -> None:
    np.multiply(o.x, 1 / 6, out=o.y)
    np.add(o.y, 0.5, out=o.y)
    np.clip(o.y, 0, 1, out=o.y)


def _numpy_hard_sigmoid_grad(o: Operands) -> None:
    np.multiply(o.dy, 1 / 6, out=o.y)
    np.multiply(o.y, _within(o, 3), out=o.y)


def _numpy_hard_swish(o: Operands) -> None:
    np.multiply(o.x, 1 / 6, out=o.scratch)
    np.add(o.scratch, 0.5, out=o.scratch)
    np.clip(o.scratch, 0, 1, out=o.scratch)
    np.multiply(o.x, o.scratch, out=o.y)


def _numpy_hard_swish_grad(o: Operands) -> None:
    np.multiply(o.x, 1 / 3, out=o.y)
    np.add(o.y, 0.5, out=o.y)
    np.copyto(o.y, 0, where=np.less_equal(o.x, -3, out=o.mask))
    np.copyto(o.y, 1, where=np.greater_equal(o.x, 3, out=o.mask))
    np.multiply(o.y, o.dy, out=o.y)


def _numpy_soft_shrink(o: Operands) -> None:
    np.clip(o.x, -0.5, 0.5, out=o.scratch)
    np.subtract(o.x, o.scratch, out=o.y)


def _numpy_softsign(o: Operands) -> None:
    np.absolute(o.x, out=o.scratch)
    np.add(o.scratch, 1, out=o.scratch)
    np.divide(o.x, o.scratch, out=o.y)


def _numpy_softsign_grad(o: Operands) -> None:
    np.absolute(o.x, out=o.scratch)
    np.add(o.scratch, 1, out=o.scratch)
    np.multiply(o.scratch, o.scratch, out=o.scratch)
    np.divide(o.dy, o.scratch, out=o.y)


def _torch_squared_relu(o: Operands) -> None:
    torch.clamp_min(o.x, 0, out=o.y)
    torch.mul(o.y, o.y, out=o.y)


def _torch_squared_relu_grad(o: Operands) -> None:
    torch.clamp_min(o.x, 0, out=o.y)
    torch.add(o.y, o.y, out=o.y)
    torch.mul(o.y, o.dy, out=o.y)


def _torch_prelu(o: Operands) -> None:
    o.y = torch.prelu(o.x, o.weight)  # has no out=


def _torch_prelu_grad(o: Operands) -> None:
    torch.mul(o.dy, o.weight, out=o.y)
    torch.where(torch.gt(o.x, 0, out=o.mask), o.dy, o.y, out=o.y)


def _torch_softsign(o: Operands) -> None:
    torch.abs(o.x, out=o.scratch)
    torch.add(o.scratch, 1, out=o.scratch)
    torch.div(o.x, o.scratch, out=o.y)


def _torch_softsign_grad(o: Operands) -> None:
    torch.abs(o.x, out=o.scratch)
    torch.add(o.scratch, 1, out=o.scratch)
    torch.mul(o.scratch, o.scratch, out=o.scratch)
    torch.div(o.dy, o.scratch, out=o.y)


def _numpy_one_plus_exp(x: Any, out: Any) -> None:
    np.exp(x, out=out)
    np.add(out, 1, out=out)


def _numpy_sigmoid(o: Operands) -> None:
    np.negative(o.x, out=o.y)
    _numpy_one_plus_exp(o.y, o.y)
    np.reciprocal(o.y, out=o.y)


def _numpy_slope_of_sigmoid(o: Operands) -> None:
    """From y, the sigmoid."""
    np.subtract(1, o.y, out=o.scratch)
    np.multiply(o.y, o.scratch, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _numpy_sigmoid_grad(o: Operands) -> None:
    _numpy_sigmoid(o)
    _numpy_slope_of_sigmoid(o)


def _numpy_log1p_exp(o: Operands) -> None:
    """log1p(exp(-abs(x))), the smooth part of softplus and log_sigmoid, into the scratch."""
    np.absolute(o.x, out=o.scratch)
    np.negative(o.scratch, out=o.scratch)
    np.exp(o.scratch, out=o.scratch)
    np.log1p(o.scratch, out=o.scratch)


def _numpy_log_sigmoid(o: Operands) -> None:
    _numpy_log1p_exp(o)
    np.minimum(o.x, 0, out=o.y)
    np.subtract(o.y, o.scratch, out=o.y)


def _numpy_log_sigmoid_grad(o: Operands) -> None:
    _numpy_one_plus_exp(o.x, o.y)
    np.divide(o.dy, o.y, out=o.y)


def _numpy_softplus(o: Operands) -> None:
    _numpy_log1p_exp(o)
    np.maximum(o.x, 0, out=o.y)
    np.add(o.y, o.scratch, out=o.y)


def _numpy_softplus_grad(o: Operands) -> None:
    np.negative(o.x, out=o.y)
    _numpy_one_plus_exp(o.y, o.y)
    np.divide(o.dy, o.y, out=o.y)


def _numpy_tanh_grad(o: Operands) -> None:
    np.tanh(o.x, out=o.y)
    np.multiply(o.y, o.y, out=o.y)
    np.subtract(1, o.y, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _numpy_tanh_shrink(o: Operands) -> None:
    np.tanh(o.x, out=o.scratch)
    np.subtract(o.x, o.scratch, out=o.y)


def _numpy_tanh_shrink_grad(o: Operands) -> None:
    np.tanh(o.x, out=o.y)
    np.multiply(o.y, o.y, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _numpy_elu(o: Operands) -> None:
    np.minimum(o.x, 0, out=o.scratch)
    np.expm1(o.scratch, out=o.scratch)
    np.maximum(o.x, 0, out=o.y)
    np.add(o.y, o.scratch, out=o.y)


def _numpy_elu_grad(o: Operands) -> None:
    np.minimum(o.x, 0, out=o.y)
    np.exp(o.y, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _numpy_selu(o: Operands) -> None:
    np.minimum(o.x, 0, out=o.scratch)
    np.expm1(o.scratch, out=o.scratch)
    np.multiply(o.scratch, SCALE * ALPHA, out=o.scratch)
    np.maximum(o.x, 0, out=o.y)
    np.multiply(o.y, SCALE, out=o.y)
    np.add(o.y, o.scratch, out=o.y)


def _numpy_selu_grad(o: Operands) -> None:
    np.minimum(o.x, 0, out=o.y)
    np.exp(o.y, out=o.y)
    np.multiply(o.y, SCALE * ALPHA, out=o.y)
    np.copyto(o.y, SCALE, where=np.greater(o.x, 0, out=o.mask))
    np.multiply(o.y, o.dy, out=o.y)


def _numpy_tanh_of_gelu(o: Operands) -> None:
    np.multiply(o.x, o.x, out=o.scratch)
    np.multiply(o.scratch, CUBIC, out=o.scratch)
    np.add(o.scratch, LINEAR, out=o.scratch)
    np.multiply(o.scratch, o.x, out=o.scratch)
    np.tanh(o.scratch, out=o.scratch)


def _numpy_gelu_tanh(o: Operands) -> None:
    _numpy_tanh_of_gelu(o)
    np.add(o.scratch, 1, out=o.scratch)
    np.multiply(o.scratch, 0.5, out=o.scratch)
    np.multiply(o.x, o.scratch, out=o.y)


def _numpy_gelu_tanh_grad(o: Operands) -> None:
    _numpy_tanh_of_gelu(o)
    np.multiply(o.x, o.x, out=o.y)
    np.multiply(o.y, 3 * CUBIC, out=o.y)
    np.add(o.y, LINEAR, out=o.y)
    np.multiply(o.y, o.x, out=o.y)
    np.multiply(o.scratch, o.scratch, out=o.scratch2)
    np.subtract(1, o.scratch2, out=o.scratch2)
    np.multiply(o.y, o.scratch2, out=o.y)
    np.add(o.y, o.scratch, out=o.y)
    np.add(o.y, 1, out=o.y)
    np.multiply(o.y, 0.5, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _numpy_gated(beta: float) -> Spelling:
    """Gate x by sigmoid(beta x)."""

    def forward(o: Operands) -> None:
        np.multiply(o.x, -beta, out=o.scratch)
        _numpy_one_plus_exp(o.scratch, o.scratch)
        np.divide(o.x, o.scratch, out=o.y)

    def gradient(o: Operands) -> None:
        np.multiply(o.x, -beta, out=o.scratch)
        _numpy_one_plus_exp(o.scratch, o.scratch)
        np.reciprocal(o.scratch, out=o.scratch)
        _slope_of_gated(o, beta)

    return Spelling(forward, gradient, loses=2)


def _slope_of_gated(o: Operands, beta: float) -> None:
    """From the scratch, sigmoid(beta x)."""
    np.subtract(1, o.scratch, out=o.y)
    np.multiply(o.y, o.x, out=o.y)
    np.multiply(o.y, beta, out=o.y)
    np.add(o.y, 1, out=o.y)
    np.multiply(o.y, o.scratch, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _numpy_mish(o: Operands) -> None:
    np.exp(o.x, out=o.scratch)
    np.log1p(o.scratch, out=o.scratch)
    np.tanh(o.scratch, out=o.scratch)
    np.multiply(o.x, o.scratch, out=o.y)


def _numpy_mish_grad(o: Operands) -> None:
    np.negative(o.x, out=o.scratch)
    _numpy_one_plus_exp(o.scratch, o.scratch)
    np.divide(o.x, o.scratch, out=o.scratch)
    np.exp(o.x, out=o.y)
    np.log1p(o.y, out=o.y)
    np.tanh(o.y, out=o.y)
    np.multiply(o.y, o.y, out=o.scratch2)
    np.subtract(1, o.scratch2, out=o.scratch2)
    np.multiply(o.scratch, o.scratch2, out=o.scratch)
    np.add(o.y, o.scratch, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _numpy_root_of_squareplus(o: Operands) -> None:
    np.multiply(o.x, o.x, out=o.scratch)
    np.add(o.scratch, 4, out=o.scratch)
    np.sqrt(o.scratch, out=o.scratch)


def _numpy_squareplus(o: Operands) -> None:
    _numpy_root_of_squareplus(o)
    np.add(o.x, o.scratch, out=o.y)
    np.multiply(o.y, 0.5, out=o.y)


def _numpy_squareplus_grad(o: Operands) -> None:
    _numpy_root_of_squareplus(o)
    np.divide(o.x, o.scratch, out=o.y)
    np.add(o.y, 1, out=o.y)
    np.multiply(o.y, 0.5, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _scipy_sigmoid_grad(o: Operands) -> None:
    special.expit(o.x, out=o.y)
    _numpy_slope_of_sigmoid(o)


def _scipy_log_sigmoid_grad(o: Operands) -> None:
    np.negative(o.x, out=o.y)
    special.expit(o.y, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _scipy_softplus(o: Operands) -> None:
    np.negative(o.x, out=o.y)
    special.log_expit(o.y, out=o.y)
    np.negative(o.y, out=o.y)


def _scipy_softplus_grad(o: Operands) -> None:
    special.expit(o.x, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _scipy_gelu(o: Operands) -> None:
    special.ndtr(o.x, out=o.scratch)
    np.multiply(o.x, o.scratch, out=o.y)


def _scipy_gelu_grad(o: Operands) -> None:
    np.multiply(o.x, o.x, out=o.scratch)
    np.multiply(o.scratch, -0.5, out=o.scratch)
    np.exp(o.scratch, out=o.scratch)
    np.multiply(o.scratch, 1 / math.sqrt(2 * math.pi), out=o.scratch)
    np.multiply(o.scratch, o.x, out=o.scratch)
    special.ndtr(o.x, out=o.y)
    np.add(o.y, o.scratch, out=o.y)
    np.multiply(o.y, o.dy, out=o.y)


def _scipy_gated(beta: float) -> Spelling:
    """Gate x by sigmoid(beta x)."""

    def sigmoid(o: Operands) -> None:
        np.multiply(o.x, beta, out=o.scratch)
        special.expit(o.scratch, out=o.scratch)

    def forward(o: Operands) -> None:
        sigmoid(o)
        np.multiply(o.x, o.scratch, out=o.y)

    def gradient(o: Operands) -> None:
        sigmoid(o)
        _slope_of_gated(o, beta)

    return Spelling(forward, gradient, loses=2)


def _torch_sigmoid_grad(o: Operands) -> None:
    torch.sigmoid(o.x, out=o.scratch)
    _aten.sigmoid_backward.grad_input(o.dy, o.scratch, grad_input=o.y)


def _torch_log_sigmoid_grad(o: Operands) -> None:
    _aten.log_sigmoid_forward.output(o.x, output=o.y, buffer=o.scratch)
    _aten.log_sigmoid_backward.grad_input(o.dy, o.x, o.scratch, grad_input=o.y)


def _torch_tanh_grad(o: Operands) -> None:
    torch.tanh(o.x, out=o.scratch)
    _aten.tanh_backward.grad_input(o.dy, o.scratch, grad_input=o.y)


def _torch_tanh_shrink(o: Operands) -> None:
    torch.tanh(o.x, out=o.scratch)
    torch.sub(o.x, o.scratch, out=o.y)


def _torch_tanh_shrink_grad(o: Operands) -> None:
    torch.tanh(o.x, out=o.y)
    torch.mul(o.y, o.y, out=o.y)
    torch.mul(o.y, o.dy, out=o.y)


def _torch_elu(alpha: float = 1.0, scale: float = 1.0) -> Spelling:
    """Elu, with other factors selu, and with an alpha of 1 celu."""
    return Spelling(
        lambda o: _nn.elu(o.x, alpha, scale, out=o.y),
        lambda o: _aten.elu_backward.grad_input(o.dy, alpha, scale, 1, False, o.x, grad_input=o.y),
        in_place=lambda o: _nn.elu_(o.x, alpha, scale),
    )


def _torch_gelu(approximate: str) -> Spelling:
    return Spelling(
        lambda o: _nn.gelu(o.x, approximate=approximate, out=o.y),
        lambda o: _aten.gelu_backward.grad_input(o.dy, o.x, approximate=approximate, grad_input=o.y),
        in_place=lambda o: _nn.gelu_(o.x, approximate=approximate),
        loses=16,
    )


def _torch_gated(beta: float) -> Spelling:
    """Gate x by sigmoid(beta x); the derivative is silu's at beta x."""

    def forward(o: Operands) -> None:
        torch.mul(o.x, beta, out=o.scratch)
        torch.sigmoid(o.scratch, out=o.scratch)
        torch.mul(o.x, o.scratch, out=o.y)

    def gradient(o: Operands) -> None:
        torch.mul(o.x, beta, out=o.scratch)
        _aten.silu_backward.grad_input(o.dy, o.scratch, grad_input=o.y)

    return Spelling(forward, gradient)


def _torch_mish_grad(o: Operands) -> None:
    o.y = _aten.mish_backward(o.dy, o.x)  # has no out=


def _torch_root_of_squareplus(o: Operands) -> None:
    torch.mul(o.x, o.x, out=o.scratch)
    torch.add(o.scratch, 4, out=o.scratch)
    torch.sqrt(o.scratch, out=o.scratch)


def _torch_squareplus(o: Operands) -> None:
    _torch_root_of_squareplus(o)
    torch.add(o.x, o.scratch, out=o.y)
    torch.mul(o.y, 0.5, out=o.y)


def _torch_squareplus_grad(o: Operands) -> None:
    _torch_root_of_squareplus(o)
    torch.div(o.x, o.scratch, out=o.y)
    torch.add(o.y, 1, out=o.y)
    torch.mul(o.y, 0.5, out=o.y)
    torch.mul(o.y, o.dy, out=o.y)


def _jax(function: str, spellings: dict[str, Spelling]) -> Spelling:
    """Spell a function with jax's own, or else numexpr's expression; its gradient is jax's derivative of it."""
    expression = str(spellings["numexpr"].forward) if "numexpr" in spellings else ""
    namespace = vars(jax.numpy) | CONSTANTS

    def value(x: Any, weight: Any) -> Any:
        if function in JAX:
            return JAX[function](x)
        return eval(expression, namespace | {"x": x, "weight": weight})

    compiled = jax.jit(value)
    slope = jax.jit(lambda dy, x, weight: jax.vjp(lambda x: value(x, weight), x)[1](dy)[0])

    def forward(o: Operands) -> None:
        o.y = compiled(o.x, o.weight).block_until_ready()

    def gradient(o: Operands) -> None:
        o.y = slope(o.dy, o.x, o.weight).block_until_ready()

    return Spelling(forward, gradient, loses=32, pure=True)


_nn: Any = torch and torch._C._nn  # what torch.nn.functional calls; it takes out=
_aten: Any = torch and torch.ops.aten
CHANNELS = 64
SCALE, ALPHA = 1.0507009873554804934, 1.6732632423543772848  # selu's
LINEAR = math.sqrt(2 / math.pi)  # gelu_tanh's, and the next
CUBIC = 0.044715 * LINEAR
CONSTANTS = {
    "half": 0.5,
    "third": 1 / 3,
    "sixth": 1 / 6,
    "slope": 0.01,
    "value": VALUE,
    "scale": SCALE,
    "scaled_alpha": SCALE * ALPHA,
    "linear": LINEAR,
    "cubic": CUBIC,
    "quick": 1.702,
    "root_half": math.sqrt(0.5),
    "density": 1 / math.sqrt(2 * math.pi),
}
"""What numexpr's expressions name: a literal fraction in them would be a float64 and widen float32."""

PARAMETERS: dict[str, Callable[[Operands], tuple[Any, ...]]] = {
    "prelu": lambda o: (o.weight,),
    "threshold": lambda o: (THRESHOLD, VALUE),
}
"""What relu_c is called with beyond the operands, where it has no default."""

PEERS: dict[str, dict[str, Spelling]] = {
    "celu": {
        "numpy": Spelling(_numpy_elu, _numpy_elu_grad),
        "numexpr": Spelling("where(x > 0, x, expm1(x))", "where(x > 0, dy, dy * exp(x))"),
        "torch": _torch_elu(),
    },
    "elu": {
        "numpy": Spelling(_numpy_elu, _numpy_elu_grad),
        "numexpr": Spelling("where(x > 0, x, expm1(x))", "where(x > 0, dy, dy * exp(x))"),
        "torch": _torch_elu(),
    },
    "gelu": {
        "scipy": Spelling(_scipy_gelu, _scipy_gelu_grad),  # NumPy and numexpr have no erf
        "numba": Spelling(
            "half * x * erfc(-x * root_half)",
            "dy * (half * erfc(-x * root_half) + x * density * exp(-half * x * x))",
            loses=2,
        ),
        "torch": _torch_gelu("none"),
    },
    "gelu_tanh": {
        "numpy": Spelling(_numpy_gelu_tanh, _numpy_gelu_tanh_grad, loses=16),
        "numexpr": Spelling(
            "half * x * (1 + tanh(x * (linear + cubic * x * x)))",
            "half * dy * (1 + tanh(x * (linear + cubic * x * x)) + x * (linear + 3 * cubic * x * x)"
            " * (1 - tanh(x * (linear + cubic * x * x)) ** 2))",
            loses=16,
        ),
        "torch": _torch_gelu("tanh"),
    },
    "hard_shrink": {
        "numpy": Spelling(
            lambda o: np.multiply(o.x, _beyond(o, 0.5), out=o.y),
            _passed_where(lambda o: _beyond(o, 0.5)),
        ),
        "numexpr": Spelling("where(abs(x) > half, x, 0)", "where(abs(x) > half, dy, 0)"),
        "torch": Spelling(
            lambda o: torch.hardshrink(o.x, 0.5, out=o.y),
            lambda o: _aten.hardshrink_backward.grad_input(o.dy, o.x, 0.5, grad_input=o.y),
        ),
    },
    "hard_sigmoid": {
        "numpy": Spelling(_numpy_hard_sigmoid, _numpy_hard_sigmoid_grad),
        "numexpr": Spelling(
            "where(x <= -3, 0, where(x >= 3, 1, x * sixth + half))", "where(abs(x) < 3, dy * sixth, 0)"
        ),
        "torch": Spelling(
            lambda o: _nn.hardsigmoid(o.x, out=o.y),
            lambda o: _aten.hardsigmoid_backward.grad_input(o.dy, o.x, grad_input=o.y),
            in_place=lambda o: _nn.hardsigmoid_(o.x),
            tolerance=1e-7,  # the 1/6 of torch's gradient is a float32, for float64 too
        ),
    },
    "hard_swish": {
        "numpy": Spelling(_numpy_hard_swish, _numpy_hard_swish_grad),
        "numexpr": Spelling(
            "where(x <= -3, 0, where(x >= 3, x, x * (x * sixth + half)))",
            "where(x <= -3, 0, where(x >= 3, dy, dy * (x * third + half)))",
        ),
        "torch": Spelling(
            lambda o: _nn.hardswish(o.x, out=o.y),
            lambda o: _aten.hardswish_backward.out(o.dy, o.x, out=o.y),
            in_place=lambda o: _nn.hardswish_(o.x),
        ),
    },
    "hard_tanh": {
        "numpy": Spelling(lambda o: np.clip(o.x, -1, 1, out=o.y), _passed_where(lambda o: _within(o, 1))),
        "numexpr": Spelling("where(x <= -1, -1, where(x >= 1, 1, x))", "where(abs(x) < 1, dy, 0)"),
        "torch": Spelling(
            lambda o: torch.clamp(o.x, -1, 1, out=o.y),
            lambda o: _aten.hardtanh_backward.grad_input(o.dy, o.x, -1, 1, grad_input=o.y),
            in_place=lambda o: _nn.hardtanh_(o.x, -1, 1),
        ),
    },
    "leaky_relu": {
        "numpy": _numpy_leaky(lambda o: 0.01),
        "numexpr": Spelling("where(x > 0, x, slope * x)", "where(x > 0, dy, slope * dy)"),
        "torch": Spelling(
            lambda o: _nn.leaky_relu(o.x, 0.01, out=o.y),
            lambda o: _aten.leaky_relu_backward.grad_input(o.dy, o.x, 0.01, False, grad_input=o.y),
            in_place=lambda o: _nn.leaky_relu_(o.x, 0.01),
        ),
    },
    "log_sigmoid": {
        "numpy": Spelling(_numpy_log_sigmoid, _numpy_log_sigmoid_grad),
        "scipy": Spelling(lambda o: special.log_expit(o.x, out=o.y), _scipy_log_sigmoid_grad),
        "numexpr": Spelling("where(x < 0, x, 0) - log1p(exp(-abs(x)))", "dy / (1 + exp(x))"),
        "torch": Spelling(lambda o: _nn.log_sigmoid(o.x, out=o.y), _torch_log_sigmoid_grad),
    },
    "mish": {
        "numpy": Spelling(_numpy_mish, _numpy_mish_grad, loses=2),
        "numexpr": Spelling(
            "x * tanh(log1p(exp(x)))", "dy * (tanh(log1p(exp(x))) + x * (1 - tanh(log1p(exp(x))) ** 2) / (1 + exp(-x)))"
        ),
        "torch": Spelling(
            lambda o: _nn.mish(o.x, out=o.y), _torch_mish_grad, in_place=lambda o: _nn.mish_(o.x), loses=2
        ),
    },
    "prelu": {
        "numpy": _numpy_leaky(lambda o: o.weight),
        "numexpr": Spelling("where(x > 0, x, weight * x)", "where(x > 0, dy, weight * dy)"),
        "torch": Spelling(_torch_prelu, _torch_prelu_grad, in_place=lambda o: o.x.copy_(torch.prelu(o.x, o.weight))),
    },
    "quick_gelu": {
        "numpy": _numpy_gated(1.702),
        "scipy": _scipy_gated(1.702),
        "numexpr": Spelling(
            "x / (1 + exp(-quick * x))",
            "dy * (1 / (1 + exp(-quick * x))) * (1 + quick * x * (1 - (1 / (1 + exp(-quick * x)))))",
        ),
        "torch": _torch_gated(1.702),
    },
    "relu": {
        "numpy": Spelling(
            lambda o: np.maximum(o.x, 0, out=o.y), _passed_where(lambda o: np.greater(o.x, 0, out=o.mask))
        ),
        "numexpr": Spelling("where(x > 0, x, 0)", "where(x > 0, dy, 0)"),
        "torch": Spelling(
            lambda o: torch.clamp_min(o.x, 0, out=o.y),
            lambda o: _aten.threshold_backward.grad_input(o.dy, o.x, 0, grad_input=o.y),
            in_place=lambda o: torch.relu_(o.x),
        ),
    },
    "relu6": {
        "numpy": Spelling(
            lambda o: np.clip(o.x, 0, 6, out=o.y),
            _passed_where(
                lambda o: np.logical_and(np.greater(o.x, 0, out=o.mask), np.less(o.x, 6, out=o.mask2), out=o.mask)
            ),
        ),
        "numexpr": Spelling("where(x <= 0, 0, where(x >= 6, 6, x))", "where((x > 0) & (x < 6), dy, 0)"),
        "torch": Spelling(
            lambda o: torch.clamp(o.x, 0, 6, out=o.y),
            lambda o: _aten.hardtanh_backward.grad_input(o.dy, o.x, 0, 6, grad_input=o.y),
            in_place=lambda o: _nn.hardtanh_(o.x, 0, 6),
        ),
    },
    "selu": {
        "numpy": Spelling(_numpy_selu, _numpy_selu_grad),
        "numexpr": Spelling(
            "where(x > 0, scale * x, scaled_alpha * expm1(x))", "where(x > 0, scale * dy, scaled_alpha * dy * exp(x))"
        ),
        "torch": _torch_elu(ALPHA, SCALE),
    },
    "sigmoid": {
        "numpy": Spelling(_numpy_sigmoid, _numpy_sigmoid_grad),
        "scipy": Spelling(lambda o: special.expit(o.x, out=o.y), _scipy_sigmoid_grad),
        "numexpr": Spelling("1 / (1 + exp(-x))", "dy / ((1 + exp(x)) * (1 + exp(-x)))"),
        "torch": Spelling(lambda o: torch.sigmoid(o.x, out=o.y), _torch_sigmoid_grad),
    },
    "silu": {
        "numpy": _numpy_gated(1.0),
        "scipy": _scipy_gated(1.0),
        "numexpr": Spelling("x / (1 + exp(-x))", "dy * (1 / (1 + exp(-x))) * (1 + x * (1 - (1 / (1 + exp(-x)))))"),
        "torch": Spelling(
            lambda o: _nn.silu(o.x, out=o.y),
            lambda o: _aten.silu_backward.grad_input(o.dy, o.x, grad_input=o.y),
            in_place=lambda o: _nn.silu_(o.x),
        ),
    },
    "soft_shrink": {
        "numpy": Spelling(_numpy_soft_shrink, _passed_where(lambda o: _beyond(o, 0.5))),
        "numexpr": Spelling("where(x > half, x - half, where(x < -half, x + half, 0))", "where(abs(x) > half, dy, 0)"),
        "torch": Spelling(
            lambda o: _nn.softshrink(o.x, 0.5, out=o.y),
            lambda o: _aten.softshrink_backward.grad_input(o.dy, o.x, 0.5, grad_input=o.y),
        ),
    },
    "softplus": {
        "numpy": Spelling(_numpy_softplus, _numpy_softplus_grad),
        "scipy": Spelling(_scipy_softplus, _scipy_softplus_grad),
        "numexpr": Spelling("where(x > 0, x, 0) + log1p(exp(-abs(x)))", "dy / (1 + exp(-x))"),
        "torch": Spelling(
            lambda o: _nn.softplus(o.x, 1, 20, out=o.y),
            lambda o: _aten.softplus_backward.grad_input(o.dy, o.x, 1, 20, grad_input=o.y),
        ),
    },
    "softsign": {
        "numpy": Spelling(_numpy_softsign, _numpy_softsign_grad),
        "numexpr": Spelling("x / (1 + abs(x))", "dy / (1 + abs(x)) ** 2"),
        "torch": Spelling(_torch_softsign, _torch_softsign_grad),
    },
    "squared_relu": {
        "numpy": Spelling(_numpy_squared_relu, _numpy_squared_relu_grad),
        "numexpr": Spelling("where(x > 0, x * x, 0)", "where(x > 0, 2 * x * dy, 0)"),
        "torch": Spelling(_torch_squared_relu, _torch_squared_relu_grad),
    },
    "squareplus": {
        "numpy": Spelling(_numpy_squareplus, _numpy_squareplus_grad),
        "numexpr": Spelling("half * (x + sqrt(x * x + 4))", "half * dy * (1 + x / sqrt(x * x + 4))"),
        "torch": Spelling(_torch_squareplus, _torch_squareplus_grad),
    },
    "swish": {
        "numpy": _numpy_gated(1.0),
        "scipy": _scipy_gated(1.0),
        "numexpr": Spelling("x / (1 + exp(-x))", "dy * (1 / (1 + exp(-x))) * (1 + x * (1 - (1 / (1 + exp(-x)))))"),
        "torch": _torch_gated(1.0),
    },
    "tanh": {
        "numpy": Spelling(lambda o: np.tanh(o.x, out=o.y), _numpy_tanh_grad, loses=2),
        "numexpr": Spelling("tanh(x)", "dy * (1 - tanh(x) ** 2)"),
        "torch": Spelling(lambda o: torch.tanh(o.x, out=o.y), _torch_tanh_grad),
    },
    "tanh_shrink": {
        "numpy": Spelling(_numpy_tanh_shrink, _numpy_tanh_shrink_grad),
        "numexpr": Spelling("x - tanh(x)", "dy * tanh(x) ** 2"),
        "torch": Spelling(_torch_tanh_shrink, _torch_tanh_shrink_grad),
    },
    "threshold": {
        "numpy": Spelling(_numpy_threshold, _passed_where(lambda o: np.greater(o.x, THRESHOLD, out=o.mask))),
        "numexpr": Spelling("where(x > half, x, value)", "where(x > half, dy, 0)"),
        "torch": Spelling(
            lambda o: torch.threshold(o.x, THRESHOLD, VALUE, out=o.y),
            lambda o: _aten.threshold_backward.grad_input(o.dy, o.x, THRESHOLD, grad_input=o.y),
            in_place=lambda o: torch.threshold_(o.x, THRESHOLD, VALUE),
        ),
    },
    "thresholded_relu": {
        "numpy": Spelling(
            lambda o: np.multiply(o.x, np.greater(o.x, 1, out=o.mask), out=o.y),
            _passed_where(lambda o: np.greater(o.x, 1, out=o.mask)),
        ),
        "numexpr": Spelling("where(x > 1, x, 0)", "where(x > 1, dy, 0)"),
        "torch": Spelling(
            lambda o: torch.threshold(o.x, 1, 0, out=o.y),
            lambda o: _aten.threshold_backward.grad_input(o.dy, o.x, 1, grad_input=o.y),
            in_place=lambda o: torch.threshold_(o.x, 1, 0),
        ),
    },
}
"""The spellings of each function by library, with relu_c's default parameters or `PARAMETERS`."""

JAX: dict[str, Callable[[Any], Any]] = jax and {
    **{name: getattr(jax.nn, name) for name in FUNCTIONS if hasattr(jax.nn, name)},
    "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    "gelu_tanh": jax.nn.gelu,
    "quick_gelu": lambda x: x * jax.nn.sigmoid(1.702 * x),
    "softsign": jax.nn.soft_sign,
    "tanh": jax.numpy.tanh,
}
"""What jax has itself."""

for _function, _spellings in PEERS.items():
    if "numexpr" in _spellings:
        _spellings["numba"] = _spellings["numexpr"]
    if jax:
        _spellings["jax"] = _jax(_function, _spellings)


def spellings(function: str, operation: str, dtype: str) -> dict[str, Spelling]:
    """Return the spellings of the installed libraries that have the function, the operation and the dtype.

    NumPy's ufuncs make float32 of much that meets bfloat16; jax rounds half types on the way and misses the kinks.
    """
    have = {"float16": ("numpy", "scipy", "torch"), "bfloat16": ("torch",)}.get(dtype, LIBRARIES)
    found = {name: PEERS[function][name] for name in have if name in PEERS[function] and importlib.util.find_spec(name)}
    return {name: spelling for name, spelling in found.items() if not (spelling.pure and operation == "in place")}


def _relu_c(function: str, operation: str) -> Call:
    call = getattr(relu_c, f"{function}_grad" if operation == "gradient" else function)
    given = PARAMETERS.get(function)
    if operation == "gradient":
        return (lambda o: call(o.dy, o.x, *given(o), out=o.y)) if given else lambda o: call(o.dy, o.x, out=o.y)
    return (lambda o: call(o.x, *given(o), out=o.y)) if given else lambda o: call(o.x, out=o.y)


class Case:
    """One function, operation, dtype and size: the operands, and what each library makes of them.

    A look at the clock takes as long as a call on a small array, so what is timed is a run of `calls` calls. In place,
    each call of a run has an array of its own and `refresh` restores them all: a second call on the same array would
    see other data (relu only non-negative numbers, leaky_relu ever smaller ones).

    Parameters
    ----------
    function : str
        One of `FUNCTIONS`.
    operation : str
        One of `OPERATIONS`.
    dtype : str
        One of `DTYPES`.
    size : int
        Elements of each array, a multiple of 64 for prelu, which has 64 channels.

    Attributes
    ----------
    runs : dict of str to callable
        A run by library, relu_c first.
    calls : int
        The calls of a run.
    is_beyond_caches : bool
        Whether each array has 64 MiB or more.
    tolerances : dict of str to float
        How far each library's results may be from relu_c's.
    """

    TOLERANCE = {"float16": 8e-3, "bfloat16": 6e-2, "float32": 1e-6, "float64": 1e-14}  # noqa: RUF012
    """Largest difference to another library's result, relative to the result where that is beyond 1."""

    def __init__(self, function: str, operation: str, dtype: str, size: int) -> None:
        self.name = f"{function}, {operation}, {dtype}, {size} elements"
        self.dtype = np.dtype(dtype)
        self.calls = min(max(65536 // size, 1), 128)
        self.is_beyond_caches = size * self.dtype.itemsize >= 2**26
        shape = (-1, CHANNELS) if function == "prelu" else (-1,)
        rng = np.random.default_rng(0)
        self._source = self._draw(rng, size).reshape(shape)
        x = np.empty((self.calls if operation == "in place" else 1, *self._source.shape), dtype)
        self._x = x
        shared = Operands(
            x=x[0],
            dy=self._draw(rng, size).reshape(shape),
            y=np.empty_like(x[0]),
            scratch=np.empty_like(x[0]),
            scratch2=np.empty_like(x[0]),
            mask=np.empty(x[0].shape, bool),
            mask2=np.empty(x[0].shape, bool),
            weight=np.linspace(0, 0.5, CHANNELS).astype(dtype),
        )
        operands = [replace(shared, x=row, y=row) for row in x] if operation == "in place" else [shared] * self.calls
        calls = {"relu_c": _relu_c(function, operation)}
        self.tolerances = {"relu_c": 0.0}
        for library, spelling in spellings(function, operation, dtype).items():
            compiler = partial(_numba if library == "numba" else _numexpr, dtype=self.dtype)
            calls[library] = spelling.bind(operation, compiler)
            self.tolerances[library] = max(self.TOLERANCE[dtype] * spelling.loses, spelling.tolerance)
        converted = {"jax": _jax_arrays, "torch": _tensors}
        self.refresh()
        self._operands = {library: converted.get(library, list)(operands) for library in calls}
        self._calls = calls
        self.runs = {library: self._run(library) for library in calls}
        if size >= 4096:  # below, a call's overhead hides the memory
            in_place = operation == "in place" or self.is_beyond_caches  # there a copy first reads what it overwrites
            self.runs[MEMORY] = _memory_pass(operands, in_place=in_place)

    def _draw(self, rng: np.random.Generator, size: int) -> Any:
        values = rng.normal(0, 3, min(size, 65536)).astype(self.dtype)
        values[values % 0.5 == 0] += 0.25  # away from the kinks, where conventions differ
        return np.resize(values, size)

    def _run(self, library: str) -> Callable[[], None]:
        call, operands = self._calls[library], self._operands[library]

        def run() -> None:
            with np.errstate(over="ignore"):  # exp in float16
                for o in operands:
                    call(o)

        return run

    @staticmethod
    def _as_float64(y: Any) -> Any:
        return y.double().numpy() if torch and isinstance(y, torch.Tensor) else np.asarray(y).astype(np.float64)

    def refresh(self) -> None:
        """Restore the inputs."""
        np.copyto(self._x, self._source)

    def check(self) -> None:
        """Raise `CommandError` where a library's result differs from relu_c's by more than `TOLERANCE`."""
        results = {}
        for library, call in self._calls.items():
            self.refresh()
            operands = self._operands[library][0]
            with np.errstate(over="ignore"):
                call(operands)
            results[library] = self._as_float64(operands.y)
        ours = results["relu_c"]
        for library, theirs in results.items():
            worst = float(np.max(np.abs(theirs - ours) / np.maximum(np.abs(ours), 1)))
            if not worst <= self.tolerances[library]:
                raise CommandError(f"{self.name}: {library} differs from relu_c by {worst:.2g}; nothing was timed")


def _memory_pass(operands: list[Operands], *, in_place: bool) -> Callable[[], None]:
    """Return a run that reads and writes as many bytes as x has: in place, or a copy."""

    def parts(o: Operands) -> list[tuple[Any, Any]]:
        x, scratch = (array.reshape(-1).view(np.int64) for array in (o.x, o.scratch))
        shares = _threads if x.nbytes >= _threads * 2**23 else 1  # less does not make up for the pool
        return list(zip(np.array_split(x if in_place else scratch, shares), np.array_split(x, shares), strict=True))

    function = np.invert if in_place else np.copyto
    passes = [parts(o) for o in operands]

    def run() -> None:
        for pairs in passes:
            if len(pairs) == 1:
                function(*pairs[0])
            else:
                list(_pool(len(pairs)).map(function, *zip(*pairs, strict=True)))

    return run


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


def _jax_arrays(operands: list[Operands]) -> list[Operands]:
    """Return the operands that jax reads as its arrays; it has no others."""
    o = operands[0]
    nothing = {field.name: None for field in fields(o)}
    read = {name: jax.numpy.asarray(getattr(o, name)) for name in ("x", "dy", "weight")}
    return [Operands(**nothing | read)] * len(operands)


def _tensors(operands: list[Operands]) -> list[Operands]:
    """Return the operands as tensors over the same memory; what was shared or the same object stays so."""
    tensors: dict[int, Any] = {}

    def tensor(array: Any) -> Any:
        if id(array) not in tensors:
            bfloat = array.dtype.name == "bfloat16"  # which torch does not take from NumPy
            given = torch.from_numpy(array.view(np.int16) if bfloat else array)
            tensors[id(array)] = given.view(torch.bfloat16) if bfloat else given
        return tensors[id(array)]

    return [Operands(*(tensor(getattr(o, field.name)) for field in fields(o))) for o in operands]
