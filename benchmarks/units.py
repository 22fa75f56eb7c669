"""``python benchmarks/units.py [PART ...]``: fused passes, gated units, learned parameters and maxout.

Each beside the steps that it joins and NumPy's idiom, in float32, with ``out=``, 512 columns. The rivals' results are
first checked to agree; then all run in interleaved rounds. A ratio is a rival's time divided by relu_c's: the median
over the rounds and, in brackets, of the best times, which is what remains on a machine with other work. The table is
Markdown.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np

import relu_c
from relu_c._cli.bench import format_size, parse_size
from relu_c._cli.timing import interleave, ratio
from relu_c._ufuncs import GENERALISED

COLUMNS = 512
SIZES = (2**17, 2**25)
FUSED = [name.removesuffix("_with_grad") for name in GENERALISED if name.endswith("_with_grad")]
GATED = [name.removeprefix("packed_") for name in GENERALISED if name.startswith("packed_") and "grad" not in name]

Rivals = dict[str, Callable[[], Any]]


def arrays(size: int, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal((size // COLUMNS, COLUMNS), np.float32) for _ in range(count)]


def biased(name: str, size: int) -> Rivals:
    """bias_<name> against a sum and the function, and for relu against np.maximum."""
    function, fused = getattr(relu_c, name), getattr(relu_c, f"bias_{name}")
    x, y = arrays(size, 2)
    bias = x[0].copy()
    rivals = {
        "fused": lambda: fused(x, bias, out=y),
        "two steps": lambda: function(np.add(x, bias, out=y), out=y),
    }
    if name == "relu":
        rivals["NumPy"] = lambda: np.maximum(np.add(x, bias, out=y), 0, out=y)
    return rivals


def biased_in_place(name: str, size: int) -> Rivals:
    """The same in place; x drifts, so that the rivals' results are not comparable."""
    function, fused = getattr(relu_c, name), getattr(relu_c, f"bias_{name}")
    (x,) = arrays(size, 1)
    bias = np.zeros(COLUMNS, np.float32)
    return {
        "fused": lambda: fused(x, bias, out=x),
        "two steps": lambda: function(np.add(x, bias, out=x), out=x),
    }


def biased_grad(name: str, size: int) -> Rivals:
    """bias_<name>_grad against the sum again, the gradient, and its sum over the rows."""
    grad, fused = getattr(relu_c, f"{name}_grad"), getattr(relu_c, f"bias_{name}_grad")
    dy, x, z, dx = arrays(size, 4)
    bias, dbias = x[0].copy(), np.empty(COLUMNS, np.float32)

    def steps() -> tuple[np.ndarray, np.ndarray]:
        grad(dy, np.add(x, bias, out=z), out=dx)
        return dx, dx.sum(axis=0, out=dbias)

    return {"fused": lambda: fused(dy, x, bias, out=(dx, dbias)), "steps": steps}


def with_grad(name: str, size: int) -> Rivals:
    """<name>_with_grad against the two calls."""
    function, grad, both = getattr(relu_c, name), getattr(relu_c, f"{name}_grad"), getattr(relu_c, f"{name}_with_grad")
    x, y, slope = arrays(size, 3)
    return {
        "fused": lambda: both(x, out=(y, slope)),
        "two calls": lambda: (function(x, out=y), grad(np.float32(1), x, out=slope)),
    }


def packed(name: str, size: int) -> Rivals:
    """<name>_packed against NumPy's idiom on the two halves, and the unit on them."""
    unit, whole = getattr(relu_c, name), getattr(relu_c, f"{name}_packed")
    (x,) = arrays(size, 1)
    gate, value = x[:, : COLUMNS // 2], x[:, COLUMNS // 2 :]
    y, opened = np.empty(gate.shape, np.float32), np.empty(gate.shape, np.float32)
    rivals = {
        "packed": lambda: whole(x, order="gate_value", out=y),
        "on views": lambda: unit(gate, value, out=y),
    }

    def sigmoid() -> np.ndarray:
        np.exp(np.negative(gate, out=opened), out=opened)
        return np.divide(1, np.add(opened, 1, out=opened), out=opened)

    if name == "glu":
        rivals["NumPy"] = lambda: np.multiply(sigmoid(), value, out=y)
    elif name == "swiglu":
        rivals["NumPy"] = lambda: np.multiply(np.multiply(sigmoid(), gate, out=opened), value, out=y)
    elif name == "reglu":
        rivals["NumPy"] = lambda: np.multiply(np.maximum(gate, 0, out=opened), value, out=y)
    return rivals


def maxout(pool_size: int, size: int) -> Rivals:
    """Maxout against the maximum, and the index of it, over a reshaped array."""
    (x,) = arrays(size, 1)
    pools = x.reshape(-1, COLUMNS // pool_size, pool_size)
    y, index = relu_c.maxout(x, pool_size)
    return {
        "maxout": lambda: relu_c.maxout(x, pool_size, out=(y, index))[0],
        "max": lambda: pools.max(axis=-1, out=y),
        "max and argmax": lambda: (pools.max(axis=-1, out=y), pools.argmax(axis=-1))[0],
    }


def prelu_grads(channels: str, size: int) -> Rivals:
    """Both gradients of prelu in one pass against relu_c's own in two, and NumPy's idiom."""
    dy, x, dx = arrays(size, 3)
    weight = np.full(COLUMNS if channels == "columns" else (), 0.25, np.float32)
    axis = 0 if channels == "columns" else None

    def numpy() -> tuple[np.ndarray, np.ndarray]:
        np.multiply(dy, np.where(x > 0, np.float32(1), weight), out=dx)
        return dx, np.sum(dy * np.minimum(x, 0), axis=axis, dtype=np.float64)

    return {
        "one pass": lambda: relu_c.prelu_grads(dy, x, weight, out=(dx, None)),
        "two passes": lambda: (relu_c.prelu_grad(dy, x, weight, out=dx), relu_c.prelu_weight_grad(dy, x, weight)),
        "NumPy": numpy,
    }


PARTS: dict[str, tuple[Callable[[Any, int], Rivals], list[Any]]] = {
    "bias": (biased, FUSED),
    "bias in place": (biased_in_place, FUSED),
    "bias gradient": (biased_grad, FUSED),
    "value and derivative": (with_grad, FUSED),
    "packed gates": (packed, GATED),
    "maxout": (maxout, [2, 4]),
    "prelu, both gradients": (prelu_grads, ["columns", "one"]),
}


def agree(results: list[Any]) -> bool:
    """Return whether the results are the same within a few float32 roundings; sums lose more."""
    first, *others = (result if isinstance(result, tuple) else (result,) for result in results)
    return all(
        np.allclose(one, other, rtol=1e-4, atol=1e-5 if np.ndim(one) == 2 else 1e-4 * COLUMNS)
        for result in others
        for one, other in zip(first, result, strict=True)
    )


def kept(result: Any) -> Any:
    """Return a copy of a result, for the arrays are used again."""
    return tuple(map(np.copy, result)) if isinstance(result, tuple) else np.copy(result)


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help=f"of {', '.join(map(repr, PARTS))} (default: all)")
    parser.add_argument("--size", nargs="*", type=parse_size, default=SIZES, help="elements, such as 128Ki 32Mi")
    parser.add_argument("--threads", type=int, default=1, help="threads for relu_c (default: 1)")
    arguments = parser.parse_args()
    relu_c.set_num_threads(arguments.threads)
    relu_c.show_config()
    print("\n| | size | relu_c, Gelem/s | rival | ratio |\n|---|---|---|---|---|")
    for part in arguments.part or PARTS:
        rivals_of, subjects = PARTS[part]
        for size in arguments.size:
            for subject in subjects:
                rivals = rivals_of(subject, size)
                if part != "bias in place" and not agree([kept(run()) for run in rivals.values()]):
                    raise SystemExit(f"{part}, {subject}: the rivals disagree")
                ours, *others = rivals
                times = interleave(rivals, once=size >= 2**22)
                for other in others:
                    figures = f"{ratio(times[other], times[ours]):.2f} ({min(times[other]) / min(times[ours]):.2f})"
                    speed = size / min(times[ours]) / 1e9
                    print(
                        f"| {part}, {subject} | {format_size(size)} | {speed:.2f} | {other} | {figures} |", flush=True
                    )


if __name__ == "__main__":
    main()
