"""The measuring process of `bench`: ``python -m relu_c._cli.measure < request.json > measurement.json``.

An instruction set and jax's number of threads can only be set before the libraries are imported. So `bench` starts a
process for each number of threads, in the environment that `environment` says.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np

from relu_c._cli.checks import CommandError
from relu_c._cli.results import LIBRARIES, Measurement, Result, format_size

__all__ = ["Request", "environment", "in_process_of_its_own", "measure"]

# What holds torch, numba, jax and oneDNN to an instruction set; where nothing stands here they use the best they have.
HELD = {
    "baseline": {
        "ATEN_CPU_CAPABILITY": "default",
        "NUMBA_CPU_NAME": "x86-64",
        "XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    },
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "NUMBA_CPU_NAME": "haswell",
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
    },
}
# NumPy's names of what lies beyond AVX2, and, for the baseline, of all that it can leave out.
CHECKED = 2**16  # elements; larger arrays repeat them
BEYOND_AVX2 = ("X86_V4", "AVX512")


@dataclass(frozen=True)
class Request:
    """What to measure.

    Parameters
    ----------
    functions, operations, dtypes, sizes : sequence
        Every combination is a case.
    threads : int
        For all libraries.
    isa : str or None
        Instruction set for all libraries; what each chooses by itself if None.
    limits : bool
        Whether to measure the limits too.
    """

    functions: Sequence[str]
    operations: Sequence[str]
    dtypes: Sequence[str]
    sizes: Sequence[int]
    threads: int = 1
    isa: str | None = None
    limits: bool = False


def environment(isa: str | None, threads: int) -> dict[str, str]:
    """Return the variables that hold all libraries to an instruction set and a number of threads."""
    names = ("RELU_C", "OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
    variables = {f"{name}_NUM_THREADS": str(threads) for name in names} | {"PJRT_NPROC": str(threads)}
    if isa:
        variables |= {"RELU_C_ISA": isa, **HELD.get(isa, {})}
    if isa in HELD:
        found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
        beyond = [name for name in found if isa == "baseline" or name.startswith(BEYOND_AVX2)]
        disabled = os.environ.get("NPY_DISABLE_CPU_FEATURES", "").split()  # of which `found` says nothing
        variables["NPY_DISABLE_CPU_FEATURES"] = " ".join([*disabled, *beyond])
    return variables


def in_process_of_its_own(request: Request) -> Measurement:
    """Return what a process in the environment of the request measures; end with its exit code where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "relu_c._cli.measure"],
        input=json.dumps(asdict(request)),
        env=os.environ | environment(request.isa, request.threads),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.returncode)
    return Measurement.from_json(done.stdout)


def measure(request: Request) -> Measurement:
    """Check that the libraries agree, and time them, in this process."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from relu_c._cli.limits import measure_limits
    from relu_c._cli.peers import Case, set_threads
    from relu_c._cli.timing import interleave, ratio
    from relu_c._ufuncs import instruction_set

    set_threads(request.threads)
    results = []
    functions = [(f, o, d) for d in request.dtypes for f in request.functions for o in request.operations]
    cases = [(*function, size) for function in functions for size in request.sizes]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    # No refreshing by a thread of its own, which would take the processor and the interpreter from what is timed.
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        for function in progress.track(functions, description="checking"):
            Case(*function, CHECKED).check()
        task = progress.add_task("", total=len(cases))
        for key in cases:
            progress.update(task, description=" ".join((*key[:3], format_size(key[3]))), refresh=True)
            case = Case(*key)
            rounds = interleave(case.runs, case.refresh, once=case.is_beyond_caches)
            for library, times in rounds.items():
                seconds = [time / case.calls for time in times]
                measured = min(seconds), median(seconds), ratio(times, rounds["relu_c"])
                results.append(Result(*key, request.threads, instruction_set(), library, *measured))
            progress.advance(task)
    return Measurement(_configuration(), results, measure_limits() if request.limits else [])


def _configuration() -> dict[str, str]:
    from relu_c._config import configuration

    found = {}
    for name in LIBRARIES[1:]:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return configuration() | found | {"processor": _processor(), "measured": f"{datetime.now(UTC):%Y-%m-%d}"}


def _processor() -> str:
    """Return the processor's name, how many of it this process may use, and its last-level cache."""
    name, cache = platform.processor() or platform.machine(), ""
    if Path("/proc/cpuinfo").exists():
        facts = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
        facts = {key.strip(): value.strip() for key, value in facts.items()}
        name = facts.get("model name", name)
    caches = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    if caches:
        cache = f", last-level cache {caches[-1].read_text().strip()}"
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {usable} CPUs{cache}"


def main() -> int:
    """Measure what standard input asks for; return the exit code."""
    try:
        print(measure(Request(**json.load(sys.stdin))).to_json())
    except CommandError as error:
        print(f"relu_c: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
