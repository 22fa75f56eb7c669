"""What the test modules share: the names of the table, the dtypes, and operands that cover the ground."""

import inspect
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ml_dtypes import bfloat16, finfo
from oracle import ACTIVATIONS, PRECISION, Expected, split

import relu_c
from relu_c import activations
from relu_c._ufuncs import UFUNCS

FLOATS = tuple(PRECISION)
HALVES = (np.float16, bfloat16)
HARD_CASES = Path(relu_c.__file__).parent / "_verify" / "hardcases.txt"
INTEGERS = tuple(np.dtype(code).type for code in np.typecodes["AllInteger"])

every_ufunc = pytest.mark.parametrize("name", UFUNCS)
every_float = pytest.mark.parametrize("dtype", FLOATS)


def keeps_integers(name):
    """Return whether a ufunc of the table has integer loops."""
    ufunc = UFUNCS[name]
    return ufunc.resolve_dtypes((np.dtype(np.int8),) * ufunc.nin + (None,))[-1] == np.int8


def parameters_of(name):
    """Return the parameter samples of a ufunc of the table."""
    return ACTIVATIONS[split(name)[0]].parameters


def every_sample(*kinds):
    """Parametrise a test over the parameter samples of the ufuncs of the given kinds, of all without any."""
    names = [name for name in UFUNCS if not kinds or split(name)[1] in kinds]
    samples = [(name, parameters) for name in names for parameters in parameters_of(name)]
    ids = [f"{name}({', '.join(f'{parameter:.3g}' for parameter in parameters)})" for name, parameters in samples]
    return pytest.mark.parametrize(("name", "parameters"), samples, ids=ids)


def as_arrays(parameters, dtype):
    """Return a parameter sample rounded to the dtype, as NumPy does it."""
    return tuple(np.asarray(parameter, dtype) for parameter in parameters)


def special(dtype, name, parameters):
    """Return NaN, infinities, zeros, the ends of the normal and subnormal numbers, kinks, roots, their neighbours."""
    info = finfo(dtype)
    largest_subnormal = np.nextafter(info.tiny, dtype(0))
    ends = np.array([0, info.smallest_subnormal, largest_subnormal, info.tiny, 1, 3, info.max, np.inf], dtype)
    activation, scalars = ACTIVATIONS[split(name)[0]], [*map(float, as_arrays(parameters, dtype))]
    root = activation.root(*scalars)
    turns = np.array([*activation.kinks(*scalars), *([] if root is None else [root])], np.float64).astype(dtype)
    around = [turns, np.nextafter(turns, dtype(-np.inf)), np.nextafter(turns, dtype(np.inf))]
    return np.concatenate([np.array([np.nan], dtype), ends, -ends, *around])


@np.errstate(invalid="ignore")  # ml_dtypes warns of NaN
def sample(dtype, name, parameters):
    """Return the special values, an even grid, random bits, and what is hard to round."""
    info, random = finfo(dtype), np.random.default_rng(1)
    grid = np.linspace(-8, 8, 801).astype(dtype)
    size = np.dtype(dtype).itemsize
    bits = random.integers(0, 2 ** (8 * size), 800, np.uint64).astype(f"u{size}").view(dtype)
    bits[np.isnan(bits)] = np.nan  # NumPy's own casts warn of signalling ones
    odd = np.concatenate([np.arange(1, 200, 2), random.integers(0, 2 ** (info.nmant - 2), 100) * 2 + 1])
    halves = odd.astype(dtype) * info.smallest_subnormal  # ties after halving: hard_swish
    sixths = [3 * odd * float(info.eps) / 2 ** (1 + below) for below in (0, 1)]  # (x + 3) / 6 is a tie: hard_sigmoid
    tails = [random.uniform(-end, end, 100).astype(dtype) for end in (30, 120, 800)]  # where exponentials vanish
    hard = np.concatenate([halves, *sixths]).astype(dtype)
    swept = [hard_to_round(split(name)[0])] if dtype == np.float32 else []
    return np.concatenate([special(dtype, name, parameters), grid, bits, *tails, hard, -hard, *swept])


@cache
def hard_to_round(name):
    """Return the float32 inputs where a function or its derivative lies next to a tie, from sweeps of all inputs."""
    rows = map(str.split, HARD_CASES.read_text().splitlines())
    bits = [int(row[2], 16) for row in rows if row[0] == ("silu" if name == "swish" else name)]
    return np.array(bits, np.uint32).view(np.float32)


def every_half(dtype, *_):
    """Return all values of a half type."""
    return np.arange(2**16, dtype=np.uint16).view(dtype)


@np.errstate(invalid="ignore")  # ml_dtypes warns of NaN
def upstream(size, dtype):
    """Return gradients to propagate: special values and random ones, all signs."""
    info, random = finfo(dtype), np.random.default_rng(2)
    dy = (random.standard_normal(size) * np.exp2(random.integers(-8, 8, size))).astype(dtype)
    specials = [np.nan, np.inf, -np.inf, 0, -0.0, 1, -1, info.max, -info.max, info.tiny, info.smallest_subnormal]
    dy[random.random(size) < 0.1] = random.choice(np.array(specials, dtype))
    return dy


@cache
def expected(name, parameters, dtype, points=sample, random_dy=False):
    """Return what a ufunc must give at `points`, a function above, with dy = 1 or random; y also the exact output."""
    stem, kind = split(name)
    x = points(dtype, name, parameters)
    if kind == "_grad_from_output":
        x = np.concatenate([expected(stem, parameters, dtype, points).nearest, x])
    dy = (upstream(x.size, dtype) if random_dy else np.ones_like(x),) if kind else ()
    return Expected(name, *dy, x, *as_arrays(parameters, dtype))


def operands(name, dtype, shape):
    """Return operands of a shape: values of all kinds, and parameters that change between the samples by element."""
    samples, size, random = parameters_of(name), np.prod(shape, dtype=int), np.random.default_rng(4)
    x = random.choice(sample(dtype, name, samples[0]), size)
    dy = [upstream(size, dtype)] if split(name)[1] else []
    parameters = np.array(samples, dtype)[random.integers(len(samples), size=size)].T
    return [array.reshape(shape) for array in (*dy, x, *parameters)]


@cache
def expected_of_operands(name, dtype):
    """Return what a ufunc must give for `operands`."""
    return Expected(name, *operands(name, dtype, 1000))


def row_of(function):
    """Return the name of the ufunc that a public function passes its parameters to: prelu shares leaky_relu's."""
    return function.replace("prelu", "leaky_relu")


def scalar_parameters(name):
    """Return the names of a public function's parameters that come after its operands."""
    function = getattr(relu_c, name)
    if isinstance(function, np.ufunc):
        return []
    return [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]


def given(name, dtype, size=20):
    """Return the operands of a public function, and the first sample of its parameters as floats, by name."""
    row = row_of(name)
    arrays = operands(row, dtype, size)[: 2 if split(row)[1] else 1]
    return arrays, dict(zip(scalar_parameters(name), parameters_of(row)[0], strict=True))


PUBLIC = [name for name in activations.__all__ if row_of(name) in UFUNCS]
every_public = pytest.mark.parametrize("name", PUBLIC)
every_wrapper = pytest.mark.parametrize("name", [name for name in PUBLIC if scalar_parameters(name)])
every_parameter = pytest.mark.parametrize(
    ("name", "parameter"), [(name, parameter) for name in PUBLIC for parameter in scalar_parameters(name)]
)
