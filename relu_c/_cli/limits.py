"""What relu_c promises beside its peers: the memory's own speed, no memory, a quick call and a quick import."""

import importlib
import inspect
import os
import re
import subprocess
import sys
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

import relu_c
from relu_c._cli.timing import ENOUGH, interleave, ratio

__all__ = ["PIECEWISE", "Limit", "measure_limits"]

PIECEWISE = (
    *("relu", "relu6", "squared_relu", "leaky_relu", "prelu", "thresholded_relu", "threshold", "hard_tanh"),
    *("hard_sigmoid", "hard_swish", "hard_shrink", "soft_shrink", "softsign"),
)
"""The functions without an exponential."""


@dataclass(frozen=True)
class Limit:
    """One measurement and its bar.

    Parameters
    ----------
    name : str
        What is measured.
    measured, bar : str
        In words, with units.
    met : bool
        Whether the bar is met.
    """

    name: str
    measured: str
    bar: str
    met: bool


def measure_limits() -> list[Limit]:
    """Measure all of them; takes some seconds and 128 MiB."""
    return [*_numpy(), *_calls(), _memory_speed(), _peak_memory(), _import_time()]


def _numpy() -> list[Limit]:
    x = np.random.default_rng(0).standard_normal(2**17, np.float32)
    y = np.empty_like(x)
    bars = {"np.maximum(x, 0, out=y)": 5.0, "np.clip(x, 0, np.inf, out=y)": 2.0, "np.copyto(y, x)": 0.95}
    times = interleave(
        {
            "relu_c": lambda: relu_c.relu(x, out=y),
            "np.maximum(x, 0, out=y)": lambda: np.maximum(x, 0, out=y),
            "np.clip(x, 0, np.inf, out=y)": lambda: np.clip(x, 0, np.inf, out=y),
            "np.copyto(y, x)": lambda: np.copyto(y, x),  # no loop from x to y is quicker than the memory
        }
    )
    found = {name: ratio(times[name], times["relu_c"]) for name in bars}
    return [
        Limit(f"relu, float32, 128Ki: {name} / relu_c", f"{found[name]:.2f}x", f"{bar:g}x", found[name] >= bar)
        for name, bar in bars.items()
    ]


def _calls() -> list[Limit]:
    """Compare calls on 64 elements with np.tanh's: of the functions whose arithmetic takes no time beside the call.

    The slowest ufunc and the slowest function with parameters count, gradients included.
    """
    names = [name for name in relu_c.activations.__all__ if name.partition("_grad")[0] in PIECEWISE]
    functions = {name: getattr(relu_c, name) for name in names}
    runs = {"np.tanh": _run(np.tanh, 1, 0)}
    for name, function in functions.items():
        if isinstance(function, np.ufunc):
            runs[name] = _run(function, function.nin, 0)
        else:
            arguments = inspect.signature(function).parameters.values()
            operands = [a for a in arguments if a.kind is a.POSITIONAL_ONLY]
            required = [a for a in arguments if a.kind is a.POSITIONAL_OR_KEYWORD and a.default is a.empty]
            runs[name] = _run(function, len(operands), len(required))
    times = interleave(runs)
    found = {name: ratio(times[name], times["np.tanh"]) for name in functions}
    limits = []
    for kind, bar in (("ufunc", 1.0), ("function with parameters", 1.3)):
        names = [name for name in found if isinstance(functions[name], np.ufunc) == (kind == "ufunc")]
        name = max(names, key=found.__getitem__)
        measured = f"{found[name]:.2f}x ({name})"
        limits.append(
            Limit(
                f"64 elements: slowest piecewise-linear {kind} / np.tanh(x, out=y)",
                measured,
                f"{bar}x",
                found[name] <= bar / ENOUGH,
            )
        )
    return limits


def _run(function: Callable[..., Any], operands: int, parameters: int) -> Callable[[], float]:
    x = np.linspace(-4, 4, 64, dtype=np.float32)
    arguments = ", ".join(["x"] * operands + ["0.5"] * parameters)
    timer = timeit.Timer(f"function({arguments}, out=y)", globals={"function": function, "x": x, "y": x.copy()})
    return partial(timer.timeit, 500)


def _memory_speed() -> Limit:
    """Compare relu with the quickest loop that reads, changes and writes an array in place.

    None of these loops depends on its data, so that the array needs no refreshing.
    """
    x = np.random.default_rng(0).standard_normal(2**25, np.float32)
    bits = x.view(np.int64)
    loops = {"np.negative": lambda: np.negative(x, out=x), "np.invert": lambda: np.invert(bits, out=bits)}
    if find_spec("torch"):
        torch = importlib.import_module("torch")
        tensor = torch.from_numpy(x)
        loops["torch.neg_"] = lambda: torch.neg_(tensor)
    times = interleave({"relu_c": lambda: relu_c.relu(x, out=x), **loops})
    name = min(loops, key=lambda name: ratio(times[name], times["relu_c"]))
    found = ratio(times[name], times["relu_c"])
    return Limit(f"relu, float32, 32Mi, in place: {name} / relu_c", f"{found:.2f}x", "0.9x", found >= 0.9)


# getrusage would not do: its ru_maxrss starts from what the parent had at the fork.
PEAK = """
import numpy as np, relu_c
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
x = np.ones(2**25, np.float32)
relu_c.set_num_threads(1)  # a worker has a stack, of which it touches 8 KiB
relu_c.relu(x[:64], out=x[:64])
before = peak()
relu_c.relu(x, out=x)
print(peak() - before)
"""


def _peak_memory() -> Limit:
    name = "relu, float32, 32Mi (128 MiB), in place, one thread: peak memory beyond the array"
    if not Path("/proc/self/status").exists():
        return Limit(name, "Linux only", "64 KiB", True)
    grown = int(_python("-c", PEAK).stdout)
    return Limit(name, f"{grown} KiB", "64 KiB", grown <= 64)


def _import_time() -> Limit:
    pattern = re.compile(r"\| *(\d+) \| relu_c$", re.MULTILINE)
    reports = [_python("-X", "importtime", "-c", "import numpy, relu_c").stderr for _ in range(5)]
    milliseconds = min(int(pattern.findall(report)[0]) for report in reports) / 1000
    bar = 20 if find_spec("ml_dtypes") else 10
    return Limit("import relu_c, beyond import numpy", f"{milliseconds:.1f} ms", f"{bar} ms", milliseconds <= bar)


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Compiled modules are kept, as they usually are: a first import compiles them.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=True)
