"""What other libraries make of the functions, for the same oracle to measure.

torch has most of them; its derivatives are autograd's. For NumPy, the usual idiom stands, with SciPy's functions where
it has them. What they make of NaN is a convention, not an error, and left out: NaN stands for it.
"""

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["evaluators", "functions"]

Array = NDArray[Any]
Function = Callable[[Any], Any]


def evaluators() -> dict[str, Callable[[str, int, Array], Array]]:
    """Return, by name and version of each installed library, ``evaluate(name, derivative, x)``."""
    found: dict[str, Callable[[str, int, Array], Array]] = {}
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
        found[f"torch {torch.__version__.partition('+')[0]}"] = _torch
    if importlib.util.find_spec("scipy"):
        import scipy

        found[f"NumPy {np.__version__}, SciPy {scipy.__version__}"] = _numpy
    return found


def functions(library: str) -> list[tuple[str, int]]:
    """Return the functions, and the derivatives, that a library has."""
    if library.startswith("torch"):
        return [(name, derivative) for name in _torch_functions() for derivative in (0, 1)]
    return [(name, derivative) for name, pair in _numpy_functions().items() for derivative in range(len(pair))]


def _torch(name: str, derivative: int, x: Array) -> Array:
    import torch

    nan = np.isnan(x)
    given = torch.from_numpy(x.copy()).requires_grad_(bool(derivative))
    y = _torch_functions()[name](given)
    if derivative:
        (y,) = torch.autograd.grad(y, given, torch.ones_like(y))
    return np.where(nan, x, y.numpy())


def _torch_functions() -> dict[str, Function]:
    import torch
    from torch.nn import functional

    return {
        "relu": functional.relu,
        "relu6": functional.relu6,
        "squared_relu": lambda x: functional.relu(x) ** 2,
        "leaky_relu": functional.leaky_relu,
        "thresholded_relu": lambda x: functional.threshold(x, 1.0, 0.0),
        "hard_tanh": functional.hardtanh,
        "hard_sigmoid": functional.hardsigmoid,
        "hard_swish": functional.hardswish,
        "hard_shrink": functional.hardshrink,
        "soft_shrink": functional.softshrink,
        "softsign": functional.softsign,
        "sigmoid": torch.sigmoid,
        "log_sigmoid": functional.logsigmoid,
        "tanh": torch.tanh,
        "tanh_shrink": functional.tanhshrink,
        "softplus": functional.softplus,
        "elu": functional.elu,
        "celu": functional.celu,
        "selu": functional.selu,
        "gelu": functional.gelu,
        "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
        "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
        "silu": functional.silu,
        "mish": functional.mish,
        "squareplus": lambda x: (x + torch.sqrt(x * x + 4)) / 2,
    }


def _numpy(name: str, derivative: int, x: Array) -> Array:
    with np.errstate(all="ignore"):
        return np.where(np.isnan(x), x, _numpy_functions()[name][derivative](x))


def _numpy_functions() -> dict[str, tuple[Function, ...]]:
    from scipy.special import expit, log_expit, ndtr

    scale, alpha = 1.0507009873554805, 1.6732632423543772

    def elu(x: Any) -> Any:
        return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))

    def elu_grad(x: Any) -> Any:
        return np.where(x > 0, x.dtype.type(1), np.exp(np.minimum(x, 0)))

    return {
        "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(x.dtype)),
        "squared_relu": (lambda x: np.maximum(x, 0) ** 2, lambda x: 2 * np.maximum(x, 0)),
        "hard_sigmoid": (lambda x: np.clip(x / 6 + 0.5, 0, 1),),
        "hard_swish": (lambda x: x * np.clip(x / 6 + 0.5, 0, 1),),
        "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: 1 / (1 + np.abs(x)) ** 2),
        "sigmoid": (expit, lambda x: expit(x) * (1 - expit(x))),
        "log_sigmoid": (log_expit, lambda x: expit(-x)),
        "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
        "tanh_shrink": (lambda x: x - np.tanh(x), lambda x: np.tanh(x) ** 2),
        "softplus": (lambda x: np.logaddexp(0, x), expit),
        "elu": (elu, elu_grad),
        "selu": (
            lambda x: scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
            lambda x: scale * np.where(x > 0, x.dtype.type(1), alpha * np.exp(np.minimum(x, 0))),
        ),
        "gelu": (
            lambda x: x * ndtr(x),
            lambda x: ndtr(x) + x * np.exp(x * x / -2) / np.sqrt(2 * np.pi).astype(x.dtype),
        ),
        "gelu_tanh": (lambda x: 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))),),
        "quick_gelu": (lambda x: x * expit(1.702 * x),),
        "silu": (lambda x: x * expit(x), lambda x: expit(x) * (1 + x * (1 - expit(x)))),
        "mish": (lambda x: x * np.tanh(np.logaddexp(0, x)),),
        "squareplus": (lambda x: (x + np.sqrt(x * x + 4)) / 2, lambda x: (1 + x / np.sqrt(x * x + 4)) / 2),
    }
