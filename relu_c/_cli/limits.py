"""What relu_c promises beyond being faster than its peers: the memory's own speed, no memory, a quick import."""

import importlib
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

import relu_c
from relu_c._cli.timing import interleave, ratio

__all__ = ["Limit", "measure_limits"]


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
    return [*_numpy(), _memory_speed(), _peak_memory(), _import_time()]


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
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
