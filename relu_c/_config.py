"""What this build is and what it runs on."""

import platform

import numpy as np

import relu_c
from relu_c._ufuncs import COMPILER, HAS_THREADS, available_instruction_sets, get_num_threads, instruction_set

__all__ = ["configuration", "show_config"]


def configuration() -> dict[str, str]:
    """Return the version, the instruction sets, the compiler and the threads, in words."""
    return {
        "relu_c": relu_c.__version__,
        "instruction set": instruction_set(),
        "available": ", ".join(available_instruction_sets()),
        "compiler": COMPILER,
        "threads": str(get_num_threads()) if HAS_THREADS else "1 (built without threads)",
        "NumPy": np.__version__,
        "Python": platform.python_version(),
        "machine": platform.machine(),
    }


def show_config() -> None:
    """Print the version, the instruction set in use and those available, the compiler and the threads.

    Examples
    --------
    >>> import relu_c
    >>> relu_c.show_config()  # doctest: +ELLIPSIS
    relu_c          : ...
    instruction set : ...
    """
    for name, value in configuration().items():
        print(f"{name:<15} : {value}")
