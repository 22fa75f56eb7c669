"""Build of the extensions: the ufuncs, with an object per instruction set, sums over arrays, the oracle of verify.

Each object of `objects` has flags of its own; the rest of an extension has none but `COMMON`.
"""

import os
import platform
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, CompileError, ExecError, PlatformError

COMMON = {
    # Semantics of NaN and infinity stay; no contraction into fma, so that every instruction set gives the same bits.
    # Without traps and errno the compiler may vectorise comparisons and square roots.
    "unix": ["-std=c11", "-O3", "-g0", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"],
    "msvc": ["/std:c11", "/O2", "/fp:precise"],
}
# RELU_C_NO_THREADS=1 in the environment builds without threads, for platforms that have none.
THREADS = {"unix": ["-pthread"], "msvc": []}
NO_THREADS = {"unix": ["-DRELU_C_NO_THREADS"], "msvc": ["/DRELU_C_NO_THREADS"]}
# The tuning: with it gcc orders chains of vectors of either length best, on Zen 3 as well.
INSTRUCTION_SETS = {
    "x86_64": {
        "baseline": {"unix": [], "msvc": []},
        "avx2": {"unix": ["-march=x86-64-v3", "-mtune=icelake-server"], "msvc": ["/arch:AVX2"]},
        "avx512": {
            "unix": ["-march=x86-64-v4", "-mprefer-vector-width=512", "-mtune=icelake-server"],
            "msvc": ["/arch:AVX512"],
        },
    },
    "arm64": {"neon": {"unix": [], "msvc": []}},
}
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}

# gcc interleaves the iterations of a loop only if it schedules before it gives out the registers.
INTERLEAVE = {"unix": ["-fschedule-insns"], "msvc": []}

# One wheel for all versions from 3.11 on, except for free-threaded builds, which have no stable interface.
LIMITED = not sysconfig.get_config_var("Py_GIL_DISABLED")
LIMITED_API = [("Py_LIMITED_API", "0x030B0000")] if LIMITED else []
HEADERS = [str(path) for path in Path("src").glob("*.[hd]*") if "oracle" not in path.name]

HELP = """relu_c needs a working C compiler and Python's headers to build ({problem}).
Debian, Ubuntu: apt install gcc python3-dev | Fedora: dnf install gcc python3-devel | macOS: xcode-select --install
Windows: the Visual Studio Build Tools with "Desktop development with C++"."""


def machine() -> str:
    """Return the machine the build is for: with ARCHFLAGS that of a cross build on macOS."""
    flags = os.environ.get("ARCHFLAGS", "").split()
    name = flags[-1] if flags else platform.machine()
    return MACHINES.get(name.lower(), "other")


def objects(extension: str, kind: str) -> dict[str, list[str]]:
    """Return the sources compiled with flags of their own, and these flags, for a kind of compiler."""
    sets = INSTRUCTION_SETS.get(machine(), {"baseline": {"unix": [], "msvc": []}})
    return {
        "relu_c._ufuncs": {f"src/isa_{name}.c": flags[kind] + INTERLEAVE[kind] for name, flags in sets.items()},
        "relu_c._oracle": {"src/oracle.c": sets.get("avx2", {}).get(kind, [])},  # too slow without fma
    }.get(extension, {})


class BuildExt(build_ext):
    """Check the compiler first, then compile the objects with flags of their own and link them into the extensions."""

    def build_extensions(self) -> None:
        """Stop with a line that says what to install if a program with Python's header does not compile."""
        with tempfile.TemporaryDirectory() as folder:
            probe = Path(folder, "probe.c")
            probe.write_text("#include <Python.h>\n#include <math.h>\nint relu_c_probe;\n")
            try:
                self.compiler.compile([str(probe)], output_dir=folder)
            except (CompileError, CCompilerError, ExecError, PlatformError, OSError) as error:
                sys.exit(HELP.format(problem=error))
        super().build_extensions()

    def build_extension(self, ext: Extension) -> None:
        """Compile the objects with flags of their own, then the rest as usual."""
        kind = "msvc" if self.compiler.compiler_type == "msvc" else "unix"
        without = os.environ.get("RELU_C_NO_THREADS", "0") != "0"
        ext.extra_compile_args = COMMON[kind] + (NO_THREADS if without else THREADS)[kind]
        ext.extra_link_args = ["-lm"] * (kind == "unix") + ([] if without else THREADS[kind])
        for source, flags in objects(ext.name, kind).items():
            ext.extra_objects += self.compiler.compile(
                [source],
                output_dir=self.build_temp,
                extra_postargs=COMMON[kind] + flags,
                depends=ext.depends,
            )
        super().build_extension(ext)


setup(
    ext_modules=[
        Extension(
            "relu_c._ufuncs",
            [
                "relu_c/_ufuncs.pyx",
                *(f"src/{name}.c" for name in ("dispatch", "generalised", "maxout", "runs", "threads")),
            ],
            include_dirs=["src", numpy.get_include()],
            depends=HEADERS,
            define_macros=[
                ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
                ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
                *LIMITED_API,
            ],
            py_limited_api=LIMITED,
        ),
        Extension(
            "relu_c._statistics",
            ["relu_c/_statistics.pyx"],
            include_dirs=["src"],
            depends=["src/base.h", "src/statistics.h"],
            define_macros=LIMITED_API,
            py_limited_api=LIMITED,
        ),
        Extension(
            "relu_c._oracle",
            ["relu_c/_oracle.pyx"],
            include_dirs=["src"],
            depends=["src/oracle.h", "src/oracle_constants.h"],
            define_macros=LIMITED_API,
            py_limited_api=LIMITED,
        ),
    ],
    cmdclass={"build_ext": BuildExt},
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED else {},
)
