"""Every function of the table beside its peers, grouped by function, operation, dtype and size.

A round is one run of the case, which is as many calls as ``extra_info`` says. ``python -m relu_c bench`` interleaves
the libraries; quote ratios from there.
"""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from relu_c._cli.peers import Case
from relu_c._cli.results import format_size
from relu_c._cli.timing import ROUNDS


@pytest.fixture(scope="module")
def cases() -> dict[tuple[str, str, str, int], Case]:
    """The current case: its libraries come one after the other, and the largest have a gigabyte of operands."""
    return {}


def test_function(
    benchmark: BenchmarkFixture,
    cases: dict[tuple[str, str, str, int], Case],
    function: str,
    operation: str,
    dtype: str,
    size: int,
    library: str,
) -> None:
    key = (function, operation, dtype, size)
    if key not in cases:
        cases.clear()
        cases[key] = Case(*key)
        cases[key].check()
    case = cases[key]
    benchmark.group = f"{function}, {operation}, {dtype}, {format_size(size)}"
    benchmark.extra_info["calls"] = case.calls
    benchmark.pedantic(case.runs[library], setup=case.refresh, rounds=ROUNDS, warmup_rounds=1)
