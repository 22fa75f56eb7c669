"""Find the last few units of a formula's constant with which every float32 result is the exact value rounded once.

    nudge.py SIGMOID_PUSH=0,0x1p-53,0x1p-52,0x1p-51,0x1p-50 --of sigmoid
    nudge.py SIGMOID_TWO=2:-6:6 --of sigmoid "softplus'" "log_sigmoid'"
    nudge.py QUICK_GELU_SLOPE_SQUARE=0,0x1p-52,0x1p-51 QUICK_GELU_SLOPE_TOP=2/ln2:-6:6 --of "quick_gelu'"

A formula in double is off by some 2^-52, so of 2^32 inputs the one or two whose exact value lies within that of a tie may
come out wrong, and a few beside the root of a derivative. Which ones depends on the last units of the constants, which are
free. Given names of `#define`s in the formula headers and values for them, the script compiles the functions for each
combination, evaluates them where the exact result lies within NEAR ulp of a tie, or near the root, and counts the misrounded
results. A value is a number as Python or C writes it, or START:FROM:TO, the neighbours of START from FROM to TO units in its
last place; 2/ln2 stands for the double nearest to it. Of the values that give 0 take one with others around it, then prove it:
python -m relu_c verify NAME.

The inputs beside ties do not depend on the constants. They come from a sweep of all float32 inputs of the installed relu_c
(a minute for each function, kept in --cache).

The constants of today, each of them found so: SIGMOID_*, SILU_SLOPE_*, QUICK_GELU_PUSH, QUICK_GELU_SLOPE_*, GELU_TANH_*,
TANH_SHRINK_*, SQUAREPLUS_SLOPE_LOSS, MISH_SLOPE_ONE and SUBNORMAL_TIE in smooth_exp.h; LN2_UP in vmath_log_erfc.h, which
rights softplus; SOFTSIGN_ONE in rational.h.
"""

import argparse
import ctypes
import itertools
import math
import os
import re
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from relu_c import _oracle
from relu_c._verify import kernels, sweep

SOURCES = Path(__file__).resolve().parent.parent / "src"
FLAGS = ["-shared", "-fPIC", "-std=c11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"]
MACHINE = {"x86_64": ["-march=x86-64-v3"]}
NEAR = 2e-7
BESIDE_ROOT = 2.0**-7
PART = 1 << 22
LIBRARY = """#define ISA nudged
#include "instruction_set.h"
kernel *nudged_kernel(int ufunc, int dtype) { return relu_c_nudged.kernels[ufunc][dtype]; }
"""


def split(function):
    """Return the name, and whether the derivative is meant (name')."""
    return function.rstrip("'"), function.endswith("'")


def beside_ties(function, cache):
    """Return the float32 inputs whose exact result lies within NEAR of a tie, and those of `verify --sample`."""
    name, derivative = split(function)
    path = cache / f"{name}{'_grad' * derivative}.npy"
    if not path.exists():

        def part(start):
            x = (np.arange(PART, dtype=np.uint32) + np.uint32(start)).view(np.float32)
            *_, close_at, _ = _oracle.check(name, derivative, x, kernels.evaluate(name, derivative, x), NEAR, PART)
            return x[np.array(close_at, int)]

        with ThreadPoolExecutor() as pool:
            found = np.concatenate(list(pool.map(part, range(0, 1 << 32, PART))))
        np.save(path, found)
    sample = sweep.sample(name, derivative)
    inputs = [np.load(path), sample[np.isfinite(sample)]]
    if derivative and name in sweep.ROOTS:  # relative errors grow there: all within BESIDE_ROOT
        root = np.float32(sweep.ROOTS[name])
        steps = int(BESIDE_ROOT / np.spacing(abs(root)))
        bits = np.array(root).view(np.uint32) + np.arange(-steps, steps + 1, dtype=np.int64)
        inputs.append(bits.astype(np.uint32).view(np.float32))
    return np.unique(np.concatenate(inputs).view(np.uint32)).view(np.float32)


def numbers(text):
    """Return the values that a command line argument stands for, as C writes them."""
    start, *ends = text.split(":")
    value = 2 / math.log(2) if start == "2/ln2" else float.fromhex(start) if "0x" in start else float(start)
    low, high = map(int, ends) if ends else (0, 0)
    steps = range(low, high + 1)
    return [(value + k * math.ulp(value)).hex() for k in steps]


def compiled(constants, names):
    """Return the library of the loops of `names` with other values of constants."""
    with tempfile.TemporaryDirectory() as folder:
        for path in SOURCES.glob("*.[hd]*"):
            text = path.read_text()
            for constant, value in constants.items():
                text = re.sub(rf"(?m)^(#define {constant}) +[^/\n]+", rf"\1 {value} ", text)
            if path.name == "activations.def":
                rows = [line for line in text.splitlines() if not line.startswith("ACTIVATION(")]
                kept = [line for line in text.splitlines() if re.match(rf"ACTIVATION\(({'|'.join(names)}),", line)]
                end = rows.index("#undef ACTIVATION")
                text = "\n".join([*rows[:end], *kept, *rows[end:], ""])
            elif path.name == "units.def":  # the formulas in double, also where bounds decide
                text = re.sub(r"(?m)^BOUNDED\(.*\n", "", text)
            Path(folder, path.name).write_text(text)
        source, library = Path(folder, "nudged.c"), Path(folder, "nudged.so")
        source.write_text(LIBRARY)
        compiler = shlex.split(os.environ.get("CC", "cc"))
        flags = [*FLAGS, *MACHINE.get(os.uname().machine, [])]
        subprocess.run([*compiler, *flags, f"-I{folder}", str(source), "-o", str(library)], check=True)
        loops = ctypes.CDLL(str(library))
    loops.nudged_kernel.restype = ctypes.c_void_p
    return loops


def evaluate(loops, index, derivative, x, parameters):
    """Return float32 results of a loop."""
    y = np.empty_like(x)
    arrays = [*([np.ones_like(x)] if derivative else []), x, *parameters, y]
    data = (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
    strides = (ctypes.c_ssize_t * len(arrays))(*(array.itemsize if array.size > 1 else 0 for array in arrays))
    float32 = 1 + (SOURCES / "kernels.h").read_text().split("enum dtype {")[1].split("FLOAT32")[0].count(",") - 1
    address = loops.nudged_kernel(index, float32)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_void_p)(address)(data, x.size, strides)
    return y


def ufuncs(names):
    """Return the numbers of the ufuncs of `names` in a table of these rows only."""
    table = (SOURCES / "activations.def").read_text()
    found, stems = {}, re.findall(r"(?m)^ACTIVATION\((\w+),.*?(FROM_\w+)\)", table)
    for stem, gradient in stems:
        if stem in names:
            found[stem], found[stem + "'"] = len(found), len(found) + 1
            if gradient == "FROM_OUTPUT":
                found[stem + " from output"] = len(found)
    return found


def main():
    """Print the count of misrounded results for each value."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("choice", nargs="+", metavar="CONSTANT=VALUE,...")
    parser.add_argument("--of", required=True, nargs="+", metavar="NAME", help="functions; NAME' is a derivative")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "relu_c_nudge"))
    arguments = parser.parse_args()
    arguments.cache.mkdir(exist_ok=True)
    choices = {}
    for text in arguments.choice:
        constant, _, values = text.partition("=")
        choices[constant] = [v for one in values.split(",") for v in numbers(one)]
    headers = "".join(path.read_text() for path in SOURCES.glob("*.h"))
    unknown = [constant for constant in choices if not re.search(rf"(?m)^#define {constant} ", headers)]
    if unknown:
        sys.exit(f"no #define of {', '.join(unknown)} in {SOURCES}")
    inputs = {function: beside_ties(function, arguments.cache) for function in arguments.of}
    stems = {split(function)[0] for function in arguments.of}
    index = ufuncs(stems)
    for values in itertools.product(*choices.values()):
        loops = compiled(dict(zip(choices, values, strict=True)), stems)
        counts = []
        for function, x in inputs.items():
            name, derivative = split(function)
            parameters = [np.array([p], np.float32) for p in kernels._defaults(name)]
            y = evaluate(loops, index[function], derivative, x, parameters)
            row = sweep._compare(name, derivative, sweep._beside_root(name, derivative), x, y)
            examples = " ".join(x.hex() for x in row.examples[:3])
            counts.append(f"{function}: {row.misrounded} {examples}")
        print(" ".join(values), " | ".join(counts), flush=True)


if __name__ == "__main__":
    main()
