"""``pytest benchmarks``: the cases of ``python -m relu_c bench`` under pytest-benchmark.

``--max-size N`` leaves out the larger arrays. As a smoke test, ``--benchmark-disable --max-size 4096`` checks every
case and runs it once.
"""

import pytest

from relu_c._cli.bench import SIZES
from relu_c._cli.peers import set_threads, spellings
from relu_c._cli.results import FUNCTIONS, OPERATIONS

DTYPES = ("float32", "float64")
set_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--max-size", type=int, default=SIZES[-1], metavar="N", help="largest array, in elements")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "library" not in metafunc.fixturenames:
        return
    sizes = [size for size in SIZES if size <= metafunc.config.getoption("--max-size")]
    metafunc.parametrize(
        ("function", "operation", "dtype", "size", "library"),
        [
            (function, operation, dtype, size, library)
            for function in FUNCTIONS
            for operation in OPERATIONS
            for dtype in DTYPES
            for size in sizes
            for library in ("relu_c", *spellings(function, operation, dtype))
        ],
    )
