"""relu_c: the ReLU family for NumPy, as real ufuncs with gradients, in place and correctly rounded.

>>> import numpy as np, relu_c
>>> x = np.float32([-2, -0.5, 0, 3])
>>> relu_c.relu(x, out=x)
array([0., 0., 0., 3.], dtype=float32)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from relu_c import _threads, ufuncs
from relu_c import activations as _activations
from relu_c import fused as _fused
from relu_c import gates as _gates
from relu_c import learned as _learned
from relu_c import pools as _pools
from relu_c import stochastic as _stochastic
from relu_c._config import show_config
from relu_c._threads import *  # noqa: F403
from relu_c.activations import *  # noqa: F403
from relu_c.fused import *  # noqa: F403
from relu_c.gates import *  # noqa: F403
from relu_c.learned import *  # noqa: F403
from relu_c.pools import *  # noqa: F403
from relu_c.stochastic import *  # noqa: F403

if TYPE_CHECKING:
    from relu_c import diagnostics, init, penalties

__version__ = "0.1.0"

__all__ = [
    *_activations.__all__,
    *_fused.__all__,
    *_gates.__all__,
    *_learned.__all__,
    *_pools.__all__,
    *_stochastic.__all__,
    *_threads.__all__,
    "diagnostics",
    "init",
    "penalties",
    "show_config",
    "ufuncs",
]

_SUBMODULES = ("diagnostics", "init", "penalties")  # imported when first asked for


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return import_module(f"relu_c.{name}")
    raise AttributeError(f"module 'relu_c' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_SUBMODULES})
