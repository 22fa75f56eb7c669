"""The pool of threads: the same bits for any number of them, the control, forks, many callers; and streamed stores."""

import contextlib
import multiprocessing
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import threadpoolctl
from common import FLOATS, every_float, every_ufunc, operands
from oracle import assert_same_bits

import relu_c
from relu_c import _threads
from relu_c._ufuncs import HAS_THREADS, MAX_THREADS, UFUNCS, _set_limits

GRAIN = 2**12  # bytes: with it, arrays of a few thousand elements are worth threads
NEVER = 2**62
THREADS = (1, 2, 3, 7)  # more than most machines that run this have cores
linux = pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
threaded = pytest.mark.skipif(not HAS_THREADS, reason="built without threads")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


@pytest.fixture(autouse=True)
def own_number():
    """Leave the number of threads as it was."""
    before = relu_c.get_num_threads()
    yield
    relu_c.set_num_threads(before)


@pytest.fixture
def small_grain():
    """Make short arrays worth threads, and streamed stores."""
    _set_limits(GRAIN, 4 * GRAIN)
    yield
    _set_limits()


@pytest.fixture
def only_threads():
    """Make short arrays worth threads."""
    _set_limits(GRAIN, NEVER)
    yield
    _set_limits()


def run(code, **environment):
    """Run Python in a process of its own, with warnings as errors; return what it prints."""
    clean = {k: v for k, v in os.environ.items() if k not in ("RELU_C_NUM_THREADS", "OMP_NUM_THREADS")}
    clean["OPENBLAS_NUM_THREADS"] = "1"  # whose threads would be counted with ours
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(command, env=clean | environment, capture_output=True, text=True, timeout=120)


def printed(code, **environment):
    """Return what a process prints that ends well."""
    process = run(code, **environment)
    assert (process.returncode, process.stderr) == (0, "")
    return process.stdout.strip()


# The same bits.


@every_ufunc
@every_float
def test_same_bits_for_any_number_of_threads(name, dtype, isa, small_grain):
    size = np.dtype(dtype).itemsize
    for length in (2 * GRAIN // size - 1, 2 * GRAIN // size, 3 * GRAIN // size + 17, 8 * GRAIN // size + 5):
        given = operands(name, dtype, length)
        _set_limits(NEVER, NEVER)
        expected = UFUNCS[name](*given)
        _set_limits(GRAIN, 4 * GRAIN)
        for n in THREADS:
            relu_c.set_num_threads(n)
            assert_same_bits(UFUNCS[name](*given), expected)


@every_ufunc
def test_same_bits_in_place_with_scalars_and_off_the_line(name, small_grain):
    length = 6 * GRAIN // 4 + 3
    for shift in (0, 1, 7, 15):
        given = [np.concatenate([np.zeros(shift, np.float32), a])[shift:] for a in operands(name, np.float32, length)]
        scalars = [*given[: 2 if "_grad" in name else 1], *(a[0] for a in given[2 if "_grad" in name else 1 :])]
        for case in (given, scalars):
            relu_c.set_num_threads(1)
            _set_limits(NEVER, NEVER)
            expected = UFUNCS[name](*case)
            _set_limits(GRAIN, 4 * GRAIN)
            relu_c.set_num_threads(3)
            around = np.full(length + 2 * shift + 2, 7, np.float32)
            out = around[shift + 1 : shift + 1 + length]
            assert UFUNCS[name](*case, out=out) is out
            assert_same_bits(out, expected)
            assert np.all(around[: shift + 1] == 7)
            assert np.all(around[shift + 1 + length :] == 7)
            x = case[0].copy()
            assert_same_bits(UFUNCS[name](x, *case[1:], out=x), expected)


@pytest.mark.parametrize("code", np.typecodes["AllInteger"])
def test_same_bits_for_integers(code, small_grain):
    x = np.random.default_rng(1).integers(0, 100, 5 * GRAIN).astype(code) - np.dtype(code).type(3)
    relu_c.set_num_threads(1)
    _set_limits(NEVER, NEVER)
    expected = relu_c.relu(x), relu_c.relu6(x)
    _set_limits(GRAIN, 4 * GRAIN)
    relu_c.set_num_threads(3)
    assert np.array_equal(relu_c.relu(x), expected[0])
    assert np.array_equal(relu_c.relu6(x), expected[1])


@pytest.mark.parametrize("name", ["relu", "softsign", "elu", "silu_grad"])
@every_float
def test_same_bits_around_the_usual_grain(name, dtype):
    """The usual grains: 2 MiB, 1 MiB and 512 KiB of output a thread."""
    grain = {"relu": 2**21, "softsign": 2**20}.get(name, 2**19) // np.dtype(dtype).itemsize
    for length in (2 * grain - 1, 2 * grain, 5 * grain + 3):
        given = operands(name, dtype, length)
        with relu_c.num_threads(1):
            expected = UFUNCS[name](*given)
        with relu_c.num_threads(4):
            assert_same_bits(UFUNCS[name](*given), expected)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "relu_grad", "gelu"])
def test_same_bits_beyond_the_cache(name):
    given = operands(name, np.float32, 2**25 + 11)
    _set_limits(NEVER, NEVER)
    expected = UFUNCS[name](*given)
    _set_limits()
    for n in (1, 3):
        relu_c.set_num_threads(n)
        assert_same_bits(UFUNCS[name](*given), expected)


def test_operands_that_overlap(small_grain):
    memory = operands("elu", np.float32, 8 * GRAIN)[0]
    for n in THREADS:
        relu_c.set_num_threads(n)
        expected = relu_c.elu(memory[:-1].copy())
        shifted = memory.copy()
        assert_same_bits(relu_c.elu(shifted[:-1], out=shifted[1:]), expected)
        shifted = memory.copy()
        assert_same_bits(relu_c.elu(shifted[1:], out=shifted[:-1]), relu_c.elu(memory[1:].copy()))


def test_no_floating_point_warning_from_any_thread(small_grain):
    relu_c.set_num_threads(3)
    x = np.tile(np.float32([np.nan, np.inf, -np.inf, 1e38, -1e38, 1e-45]), 4 * GRAIN)
    with np.errstate(all="raise"):
        relu_c.gelu(x)
        relu_c.relu(x)
        relu_c.leaky_relu(np.float64(x))


# Which threads work.

WORKERS = "len(os.listdir('/proc/self/task')) - threads"
IMPORT = "import os, numpy as np, relu_c; threads = len(os.listdir('/proc/self/task')); "


@linux
@threaded
def test_workers_start_when_first_needed_and_no_more_than_needed():
    code = IMPORT + (
        f"relu_c.set_num_threads(5); relu_c.gelu(np.zeros(2**18 - 16, 'f')); print({WORKERS});"
        f"relu_c.gelu(np.zeros(2**18, 'f')); print({WORKERS}); relu_c.gelu(np.zeros(2**20, 'f')); print({WORKERS});"
        f"relu_c.set_num_threads(2); relu_c.gelu(np.zeros(2**20, 'f')); print({WORKERS})"
    )
    assert printed(code).split() == ["0", "1", "4", "4"]


@linux
@pytest.mark.parametrize("call", ["relu_c.relu(np.zeros(2**20 - 16, 'f'))", "relu_c.gelu(np.zeros(2**21, 'f')[::2])"])
def test_short_and_strided_runs_stay_on_the_calling_thread(call):
    assert printed(IMPORT + f"relu_c.set_num_threads(5); {call}; print({WORKERS})") == "0"


@linux
def test_one_thread_has_no_workers():
    assert printed(IMPORT + f"relu_c.gelu(np.zeros(2**22, 'f')); print({WORKERS})", RELU_C_NUM_THREADS="1") == "0"


# Control.


def test_set_and_get():
    for n in (1, 3, np.int8(2), MAX_THREADS):
        assert relu_c.set_num_threads(n) is None
        assert relu_c.get_num_threads() == (n if HAS_THREADS else 1)
    relu_c.set_num_threads(10**30)
    assert relu_c.get_num_threads() == (MAX_THREADS if HAS_THREADS else 1)


@pytest.mark.parametrize("bad", [0, -1, -(10**30), np.int64(-5)])
def test_too_few_threads_is_a_value_error(bad):
    before = relu_c.get_num_threads()
    for call in (relu_c.set_num_threads, lambda n: relu_c.num_threads(n).__enter__()):
        with pytest.raises(ValueError, match=rf"^n must be an integer of at least 1, not {int(bad)}$"):
            call(bad)
    assert relu_c.get_num_threads() == before


@pytest.mark.parametrize("bad", [2.0, "2", None, [2], np.float32(2)])
def test_no_integer_is_a_type_error(bad):
    before = relu_c.get_num_threads()
    for call in (relu_c.set_num_threads, lambda n: relu_c.num_threads(n).__enter__()):
        with pytest.raises(TypeError, match=r"^n must be an integer of at least 1, not .*\(") as error:
            call(bad)
        assert repr(bad) in str(error.value)
    assert relu_c.get_num_threads() == before


@threaded
def test_context_manager_restores_and_nests():
    relu_c.set_num_threads(4)
    with relu_c.num_threads(3):
        assert relu_c.get_num_threads() == 3
        with contextlib.suppress(KeyError), relu_c.num_threads(1):
            assert relu_c.get_num_threads() == 1
            raise KeyError
        assert relu_c.get_num_threads() == 3
    assert relu_c.get_num_threads() == 4

    @relu_c.num_threads(2)
    def decorated():
        return relu_c.get_num_threads()

    assert (decorated(), decorated()) == (2, 2)
    assert relu_c.get_num_threads() == 4


@threaded
def test_number_holds_for_the_whole_process():
    relu_c.set_num_threads(3)
    with ThreadPoolExecutor(1) as other:
        assert other.submit(relu_c.get_num_threads).result() == 3
        other.submit(relu_c.set_num_threads, 2).result()
    assert relu_c.get_num_threads() == 2


SHOW = "import relu_c; print(relu_c.get_num_threads())"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"RELU_C_NUM_THREADS": "3"}, 3),
        ({"RELU_C_NUM_THREADS": " 5 ", "OMP_NUM_THREADS": "2"}, 5),
        ({"RELU_C_NUM_THREADS": "", "OMP_NUM_THREADS": "2"}, 2),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"OMP_NUM_THREADS": " 6 , 3 "}, 6),
        ({"OMP_NUM_THREADS": "100000"}, MAX_THREADS),
    ],
)
def test_environment(environment, expected):
    assert printed(SHOW, **environment) == str(expected if HAS_THREADS else 1)


@pytest.mark.parametrize("variable", ["RELU_C_NUM_THREADS", "OMP_NUM_THREADS"])
@pytest.mark.parametrize("bad", ["0", "-2", "two", "1.5", ",4"])
def test_bad_environment_is_an_import_error(variable, bad):
    process = run(SHOW, **{variable: bad})
    assert process.returncode != 0
    last = process.stderr.splitlines()[-1]
    assert last == f"ImportError: {variable} must be an integer of at least 1, not {bad!r}"


def test_a_list_is_for_openmp_only():
    assert "ImportError: RELU_C_NUM_THREADS" in run(SHOW, RELU_C_NUM_THREADS="4,2").stderr


def test_default_is_the_cpus_of_the_process():
    assert printed(SHOW) == str(_threads._usable_cpus() if HAS_THREADS else 1)


@linux
def test_default_follows_the_affinity():
    one = min(os.sched_getaffinity(0))
    assert printed(f"import os; os.sched_setaffinity(0, {{{one}}}); {SHOW}") == "1"


@pytest.mark.parametrize(("quota", "most"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", 10**6)])
def test_default_follows_the_quota(quota, most, tmp_path, monkeypatch):
    group = tmp_path / "a.slice" / "b.scope"
    group.mkdir(parents=True)
    (group / "cpu.max").write_text(quota + "\n")
    (tmp_path / "cgroup").write_text("0::/a.slice/b.scope\n")
    monkeypatch.setattr(_threads, "GROUP_OF_PROCESS", tmp_path / "cgroup")
    monkeypatch.setattr(_threads, "GROUPS", tmp_path)
    monkeypatch.setattr(_threads, "_cpus", lambda: 8)
    assert _threads._usable_cpus() == min(8, most)


def test_show_config_tells_the_number(capsys):
    relu_c.set_num_threads(3)
    relu_c.show_config()
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("threads"))
    assert line.partition(" : ")[2] == ("3" if HAS_THREADS else "1 (built without threads)")


# threadpoolctl.


def own(info):
    """Return what threadpoolctl tells of relu_c."""
    (entry,) = [entry for entry in info if entry["user_api"] == "relu_c"]
    return entry


def test_threadpoolctl_sees_and_limits():
    relu_c.set_num_threads(3)
    entry = own(threadpoolctl.threadpool_info())
    assert (entry["num_threads"], entry["version"]) == (3 if HAS_THREADS else 1, relu_c.__version__)
    with threadpoolctl.threadpool_limits(1):
        assert relu_c.get_num_threads() == 1
    assert relu_c.get_num_threads() == (3 if HAS_THREADS else 1)
    with threadpoolctl.threadpool_limits(2, user_api="relu_c"):
        assert relu_c.get_num_threads() == (2 if HAS_THREADS else 1)
    assert relu_c.get_num_threads() == (3 if HAS_THREADS else 1)


INFO = "print([e['num_threads'] for e in threadpoolctl.threadpool_info() if e['user_api'] == 'relu_c'])"


@pytest.mark.parametrize(
    "order",
    [
        "import relu_c, threadpoolctl",
        "import threadpoolctl, relu_c",
        "import threadpoolctl; threadpoolctl.threadpool_info(); import relu_c",
        "import relu_c, importlib; threadpoolctl = importlib.import_module('threadpoolctl')",
    ],
)
def test_threadpoolctl_in_any_order(order):
    assert printed(f"{order}; {INFO}", RELU_C_NUM_THREADS="2") == ("[2]" if HAS_THREADS else "[1]")


def test_import_leaves_threadpoolctl_alone():
    code = "import sys, relu_c; print('threadpoolctl' in sys.modules)"
    assert printed(code) == "False"


def test_no_threadpoolctl_is_no_trouble():
    code = "import sys, relu_c; sys.path[:] = []; import threadpoolctl"
    assert run(code).stderr.splitlines()[-1] == "ModuleNotFoundError: No module named 'threadpoolctl'"


# Many callers, forks, the end.


def checked(seed, calls=30):
    """Compute on all threads, and return whether every result is right."""
    given = operands("elu", np.float32, 4 * GRAIN + seed)
    expected = given[0].copy()
    for part in np.array_split(np.arange(expected.size), 100):  # too short for the pool
        expected[part] = UFUNCS["elu"](given[0][part], given[1][part])
    got = [UFUNCS["elu"](*given) for _ in range(calls)]
    return all(np.array_equal(array, expected, equal_nan=True) for array in got)


def test_many_callers(only_threads):
    relu_c.set_num_threads(4)
    with ThreadPoolExecutor(8) as callers:
        assert all(callers.map(checked, range(32)))


def test_number_changes_while_others_compute(only_threads):
    with ThreadPoolExecutor(4) as callers:
        results = [callers.submit(checked, seed) for seed in range(16)]
        for n in [1, 5, 2, 9] * 50:
            relu_c.set_num_threads(n)
        assert all(result.result() for result in results)


def child_computes():
    """Fork, and return whether the child computed the right results, on workers of its own."""
    child = os.fork()
    if child == 0:
        right = False
        try:
            right = checked(1)
        finally:
            os._exit(0 if right else 1)
    for _ in range(600):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        threading.Event().wait(0.1)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


@forks
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_child_of_a_fork_computes(only_threads):
    relu_c.set_num_threads(3)
    assert checked(0)
    for _ in range(5):
        assert child_computes()
        assert checked(2)


@forks
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_child_of_a_fork_while_a_team_runs_computes(only_threads):
    relu_c.set_num_threads(3)
    stop, right = threading.Event(), []

    def compute():
        while not stop.is_set():
            right.append(checked(3, calls=3))

    others = [threading.Thread(target=compute) for _ in range(2)]
    for other in others:
        other.start()
    try:
        children = [child_computes() for _ in range(20)]
    finally:
        stop.set()
        for other in others:
            other.join()
    assert all(children)
    assert right
    assert all(right)


@forks
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_multiprocessing_with_fork(only_threads):
    relu_c.set_num_threads(3)
    assert checked(0)
    with multiprocessing.get_context("fork").Pool(3) as pool:
        assert all(pool.map_async(checked, range(12)).get(120))


@linux
def test_a_fork_sends_idle_workers_home():
    """Python from 3.12 on warns of a fork in a process with several threads; `printed` makes warnings errors."""
    code = IMPORT + (
        "relu_c.set_num_threads(4); x = np.ones(2**20, 'f'); y = relu_c.gelu(x); child = os.fork();"
        "same = bool((relu_c.gelu(x) == y).all());"
        "os._exit(0 if same else 1) if child == 0 else None;"
        f"print(os.waitpid(child, 0)[1], same, {WORKERS})"
    )
    assert printed(code) == f"0 True {3 if HAS_THREADS else 0}"


def test_exit_after_work():
    assert printed("import numpy as np, relu_c; relu_c.gelu(np.zeros(2**21)); print(1)", RELU_C_NUM_THREADS="4") == "1"


def test_exit_while_threads_work():
    code = (
        "import threading, time, numpy as np, relu_c; x = np.ones(2**22, 'f'); ready = threading.Event()\n"
        "def forever():\n"
        "    while True: relu_c.gelu(x); ready.set()\n"
        "for _ in range(3): threading.Thread(target=forever, daemon=True).start()\n"
        "ready.wait(60); print('end')"
    )
    for _ in range(3):
        assert printed(code, RELU_C_NUM_THREADS="4") == "end"


# Streamed stores.


@every_ufunc
def test_streamed_stores_give_the_same_bits(name, isa):
    for dtype in FLOATS:
        given = operands(name, dtype, 9000)
        expected = UFUNCS[name](*given)
        out = np.full(9001, 7, dtype)  # pages that have been written: others get plain stores
        _set_limits(2048, 2048)
        try:
            with relu_c.num_threads(1):
                UFUNCS[name](*given, out=out[1:])
        finally:
            _set_limits()
        assert_same_bits(out[1:], expected)
        assert out[0] == 7


def test_array_never_written_before():
    """A fresh array beyond the cache has plain stores, the same one streamed ones when it is written again."""
    x = np.arange(-(2**24), 2**24, dtype=np.int32)
    _set_limits(NEVER, 2**26)
    try:
        y = relu_c.relu(x)
        assert np.array_equal(y, np.maximum(x, 0))
        y[:] = -7
        assert relu_c.relu(x, out=y) is y
    finally:
        _set_limits()
    assert np.array_equal(y, np.maximum(x, 0))
