"""``python benchmarks/threads.py [PART ...]``: what the pool of threads, and the stores that bypass the cache, gain.

``scaling``  each function alone, one thread against the pool, by size.
``layers``   a matrix product and an activation in turn, as every network runs them: the product's own threads must not
             suffer from the pool's, nor the activation from theirs.
``large``    out of place with ``out=``: streamed stores against plain ones, and torch where it is installed.

The contenders run in interleaved rounds. A ratio is the first one's time divided by the second's: the median over the
rounds and, in brackets, of the best times, which is what remains on a machine with other work. Tables are Markdown.
"""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import relu_c
from relu_c import _ufuncs
from relu_c._cli.bench import format_size, parse_size
from relu_c._cli.timing import interleave, ratio

SMOOTH = ("elu", "selu", "softplus", "sigmoid", "tanh", "silu", "gelu", "gelu_tanh", "mish")
LINEAR = ("relu", "leaky_relu", "hard_swish", "softsign")
SIZES = tuple(2**k for k in (14, 16, 17, 18, 19, 20, 21, 22, 23, 25))
THREADS = relu_c.get_num_threads()
NEVER = 2**62  # bytes: always plain stores


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {"scaling": scaling, "layers": layers, "large": large}
    parser.add_argument("part", nargs="*", help=f"of {', '.join(parts)} (default: all)")
    parser.add_argument("--function", nargs="*", help="other functions than each part's own")
    parser.add_argument("--size", nargs="*", type=parse_size, help="other sizes than each part's own, such as 64Ki 1Mi")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--repeat", type=int, default=1, help="times nine rounds")
    arguments = parser.parse_args()
    relu_c.show_config()
    for name in arguments.part or parts:
        print(f"\n{name}\n")
        parts[name](arguments)


def with_threads(n: int, call: Callable[[], object]) -> Callable[[], None]:
    """Return a call that runs with so many threads."""

    def run() -> None:
        relu_c.set_num_threads(n)
        call()

    return run


def measure(runs: dict[str, Callable[[], object]], repeat: int) -> dict[str, list[float]]:
    """Return the times of interleaved rounds."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeat):
        for name, seconds in interleave(runs).items():
            times[name] += seconds
    relu_c.set_num_threads(THREADS)
    return times


def ratios(theirs: list[float], ours: list[float]) -> str:
    """Return the median ratio, and that of the best times."""
    return f"{ratio(theirs, ours):.2f} ({min(theirs) / min(ours):.2f})"


def header(*names: str) -> None:
    """Print a table's head."""
    print("|".join(("", *names, "")))
    print("|".join(("", *("---" for _ in names), "")))


def scaling(arguments: argparse.Namespace) -> None:
    """Time one thread against the pool, in place of nothing: from one array into another."""
    sizes = arguments.size or SIZES
    header("function", *map(format_size, sizes))
    for name in arguments.function or (*LINEAR, *SMOOTH):
        function, cells = getattr(relu_c, name), []
        for size in sizes:
            x = np.random.default_rng(1).standard_normal(size).astype(arguments.dtype)
            call = partial(function, x, out=np.empty_like(x))
            runs = {str(n): with_threads(n, call) for n in (1, THREADS)}
            times = measure(runs, arguments.repeat)
            cells.append(ratios(times["1"], times[str(THREADS)]))
        print("|".join(("", name, *cells, "")), flush=True)


def layers(arguments: argparse.Namespace) -> None:
    """Time x @ w, then the activation of the product in place: without it, with one thread, with the pool."""
    header("function", "elements", "product, ms", "activation, ms: one thread", "the pool", "both, one thread / pool")
    random = np.random.default_rng(1)
    width = 512
    w = random.standard_normal((width, width)).astype(arguments.dtype) / np.sqrt(width, dtype=arguments.dtype)
    for name in arguments.function or ("relu", "gelu"):
        function = getattr(relu_c, name)
        for size in arguments.size or (20 * width, 200 * width, 512 * width, 2048 * width, 8000 * width, 20000 * width):
            x = random.standard_normal((size // width, width)).astype(arguments.dtype)
            y = np.empty_like(x)

            def layer(x: Any = x, y: Any = y, function: Any = function) -> None:
                np.matmul(x, w, out=y)
                function(y, out=y)

            runs: dict[str, Callable[[], object]] = {"product": partial(np.matmul, x, w, out=y)}
            runs |= {str(n): with_threads(n, layer) for n in (1, THREADS)}
            times = measure(runs, arguments.repeat)
            product = min(times["product"])
            alone = [f"{(min(times[str(n)]) - product) * 1e3:.3f}" for n in (1, THREADS)]
            both = ratios(times["1"], times[str(THREADS)])
            print("|".join(("", name, str(size), f"{product * 1e3:.3f}", *alone, both, "")), flush=True)


def large(arguments: argparse.Namespace) -> None:
    """Time plain stores and torch against relu_c as it is, on one thread and on all."""
    torch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
    sizes = arguments.size or tuple(2**k for k in range(20, 26))
    header("function", "threads", "against", *map(format_size, sizes))
    for name in arguments.function or ("relu", "leaky_relu"):
        cells: dict[tuple[int, str], list[str]] = {}
        for size in sizes:
            x = np.random.default_rng(1).standard_normal(size).astype(arguments.dtype)
            y = np.empty_like(x)
            call = partial(getattr(relu_c, name), x, out=y)

            def plain(call: Callable[[], object] = call) -> None:
                _ufuncs._set_limits(stream_from=NEVER)
                call()
                _ufuncs._set_limits()

            for n in sorted({1, THREADS}):
                runs = {"relu_c": with_threads(n, call), "plain stores": with_threads(n, plain)}
                if torch:
                    torch.set_num_threads(n)
                    runs["torch"] = spelled_for_torch(torch, name, torch.from_numpy(x), torch.from_numpy(y))
                times = measure(runs, arguments.repeat)
                for peer in [*runs][1:]:
                    cells.setdefault((n, peer), []).append(ratios(times[peer], times["relu_c"]))
        for (n, peer), row in sorted(cells.items()):
            print("|".join(("", name, str(n), peer, *row, "")), flush=True)


def spelled_for_torch(torch: Any, name: str, x: Any, y: Any) -> Callable[[], object]:
    """Return torch's call that writes into y."""
    if name == "relu":
        return lambda: torch.clamp_min(x, 0, out=y)
    return partial(getattr(torch._C._nn, name), x, out=y)


if __name__ == "__main__":
    main()
