"""How many threads a loop may use: from the environment, by call, and through threadpoolctl.

The pool itself is in ``src/threads.c``. A loop over a long contiguous array goes to it; every other loop runs on the
calling thread. The results are the same bits for any number of threads.
"""

import importlib.util
import math
import operator
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, SupportsIndex

from relu_c import _ufuncs

__all__ = ["get_num_threads", "num_threads", "set_num_threads"]

GROUPS = Path("/sys/fs/cgroup")
GROUP_OF_PROCESS = Path("/proc/self/cgroup")


def set_num_threads(n: SupportsIndex) -> None:
    """Set how many threads a loop may use, the calling one included.

    At import it is what the environment variable ``RELU_C_NUM_THREADS`` says, else ``OMP_NUM_THREADS``, else the number
    of CPUs that this process may use. The number holds for the whole process, whichever thread sets it. Threads are
    used only where each gets about a hundred microseconds of work: for contiguous arrays from 1 MiB on, with the
    piecewise-linear functions from 4 MiB. The results do not depend on it.

    Parameters
    ----------
    n : int
        At least 1; more than 1024 count as 1024. In a build without threads the number stays 1.

    Raises
    ------
    TypeError
        If `n` is not an integer.
    ValueError
        If `n` is less than 1.

    See Also
    --------
    num_threads : The same for the length of a block.

    Examples
    --------
    >>> import relu_c
    >>> before = relu_c.get_num_threads()
    >>> relu_c.set_num_threads(1)
    >>> relu_c.get_num_threads()
    1
    >>> relu_c.set_num_threads(before)
    """
    try:
        number = operator.index(n)
    except TypeError:
        raise TypeError(f"n must be an integer of at least 1, not {n!r} ({type(n).__name__})") from None
    if number < 1:
        raise ValueError(f"n must be an integer of at least 1, not {number}")
    _ufuncs.set_num_threads(min(number, _ufuncs.MAX_THREADS))


def get_num_threads() -> int:
    """Return how many threads a loop may use, the calling one included.

    Returns
    -------
    int
        At least 1; always 1 in a build without threads.

    Examples
    --------
    >>> import relu_c
    >>> with relu_c.num_threads(1):
    ...     relu_c.get_num_threads()
    1
    """
    return _ufuncs.get_num_threads()


@contextmanager
def num_threads(n: SupportsIndex) -> Iterator[None]:
    """Use at most so many threads in the ``with`` block, or in the function that this decorates.

    The number holds for the whole process meanwhile, as with `set_num_threads`.

    Parameters
    ----------
    n : int
        As for `set_num_threads`, which also says what is raised.

    Examples
    --------
    >>> import numpy as np, relu_c
    >>> x = np.linspace(-1, 1, 10**6)
    >>> with relu_c.num_threads(1):
    ...     y = relu_c.gelu(x)
    >>> bool(np.all(y == relu_c.gelu(x)))
    True
    """
    before = get_num_threads()
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _usable_cpus() -> int:
    """Return the number of CPUs that this process may use, by its affinity and its control group's quota."""
    try:
        group = GROUP_OF_PROCESS.read_text().rpartition("0::/")[2].strip()
        quota, period = (GROUPS / group / "cpu.max").read_text().split()
        return max(1, min(_cpus(), math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # no such file, or no quota ("max")
        return _cpus()


def _from_environment() -> int:
    """Return the number of threads that the environment asks for, else of the CPUs."""
    for variable in ("RELU_C_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(variable, "").strip()
        if text:
            # OpenMP's variable may be a list, a number for each level of nested parallel regions.
            first = text.partition(",")[0] if variable == "OMP_NUM_THREADS" else text
            try:
                number = int(first)
            except ValueError:
                number = 0
            if number < 1:
                raise ImportError(f"{variable} must be an integer of at least 1, not {text!r}")
            return number
    return _usable_cpus()


def _register(threadpoolctl: Any) -> None:
    """Let threadpoolctl see and limit the number of threads."""

    class ReluCController(threadpoolctl.LibController):  # type: ignore[misc]
        user_api = internal_api = "relu_c"
        filename_prefixes = (Path(_ufuncs.__file__).name.partition(".")[0],)
        check_symbols = ("relu_c_get_num_threads",)  # other packages have a module of this name too

        def get_num_threads(self) -> int:
            return get_num_threads()

        def set_num_threads(self, num_threads: int) -> None:
            set_num_threads(num_threads)

        def get_version(self) -> str:
            import relu_c

            return relu_c.__version__

    threadpoolctl.register(ReluCController)


class _AfterThreadpoolctl:
    """Registers with threadpoolctl when the program imports it, so that relu_c need not."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Let the other finders find threadpoolctl, and register after its execution."""
        if fullname != "threadpoolctl":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _register(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


set_num_threads(_from_environment())
if "threadpoolctl" in sys.modules:
    _register(sys.modules["threadpoolctl"])
else:
    sys.meta_path.insert(0, _AfterThreadpoolctl())
