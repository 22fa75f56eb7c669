"""verify: what is wrong is found, the oracle agrees with MPFR, the command works, docs/ACCURACY.md holds."""

import json
import re
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from ml_dtypes import bfloat16

from relu_c import _oracle
from relu_c._cli import main
from relu_c._ufuncs import UFUNCS, _use_isa, available_instruction_sets, instruction_set
from relu_c._verify import kernels, parameters, peers, reference, report, sweep

ROOT = Path(__file__).parents[1]
PRIME = "\N{PRIME}"
ROWS = [(name, derivative) for name in kernels.functions() for derivative in kernels.derivatives(name)]
LABELS = {reference.label(*row): row for row in ROWS}

every_function = pytest.mark.parametrize("name", kernels.functions())
every_derivative = pytest.mark.parametrize("derivative", [0, 1], ids=["", "derivative"])
every_row = pytest.mark.parametrize(("name", "derivative"), ROWS, ids=LABELS)


def right(name, derivative, x):
    """Return results a kernel would give: float64 arithmetic, good enough for these functions."""
    with np.errstate(all="ignore"):
        wide = x.astype(np.float64)
        if name == "relu":
            y = (wide > 0) * 1.0 if derivative else np.where(wide > 0, wide, 0.0)
        elif derivative:
            y = 1 / (1 + np.abs(wide)) / (1 + np.abs(wide))
        else:
            y = np.where(np.isinf(wide), np.sign(wide), wide / (1 + np.abs(wide)))
        return np.where(np.isnan(wide), np.nan, y).astype(x.dtype)


def wrong_at(values, kernel=right, steps=1):
    """Return a kernel that is some units off at given inputs."""

    def wrong(name, derivative, x):
        y = kernel(name, derivative, x)
        at = np.isin(x, np.array(values, x.dtype))
        for _ in range(steps):
            y[at] = np.nextafter(y[at], x.dtype.type(np.inf))
        return y

    return wrong


def check(name, derivative, kernel, **arguments):
    """Return the rows of a sample, or of what `arguments` says."""
    arguments = {"sample": True, "derivatives": [derivative]} | arguments
    return sweep.rows(sweep.verify([name], evaluate=kernel, **arguments))


# What is checked


def test_every_function_of_the_table_has_an_oracle():
    assert set(kernels.functions()) <= set(sweep.functions())
    assert set(sweep.functions()) == set(reference.FUNCTIONS) == set(reference.LIMITS)
    for name in kernels.functions():
        known = list(range(len(reference.FUNCTIONS[name])))
        assert kernels.derivatives(name) == known == list(range(len(reference.LIMITS[name])))


def test_no_function_is_left_out():
    checked = {kernels.ufunc(*row).__name__ for row in ROWS}
    assert {name for name in UFUNCS if name not in checked and not name.startswith("hard_sigmoid_default")} == {
        "threshold",  # has no defaults
        "threshold_grad",
    }


def test_a_function_without_oracle_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(kernels, "functions", lambda: ["relu", "new_relu"])
    monkeypatch.setattr(kernels, "derivatives", lambda name: [0, 1])
    assert main(["verify", "--sample"]) == 1
    assert "no oracle for new_relu" in capsys.readouterr().err


@every_function
def test_sample_is_right(name):
    in_use = instruction_set()
    try:
        derivatives = kernels.derivatives(name)
        arguments = {"isa": available_instruction_sets(), "select": _use_isa, "derivatives": derivatives}
        rows = check(name, None, kernels.evaluate, **arguments)
    finally:
        _use_isa(in_use)
    assert len(rows) == len(derivatives) * len(available_instruction_sets())
    for row in rows:
        assert row.misrounded == 0, row
        assert row.max_ulp <= 0.5
        assert len(row.near_root) <= 3


# What the sweep finds


def test_right_passes():
    for derivative in (False, True):
        (row,) = check("relu", derivative, right)
        assert (row.misrounded, row.max_ulp) == (0, 0.0)
        assert row.inputs > 250_000


@pytest.mark.parametrize("name", ["relu", "softsign"])
def test_wrong_is_found(name):
    (row,) = check(name, False, wrong_at([1.0, 2.5], kernels.evaluate))
    assert row.misrounded == 2
    assert set(row.examples) == {1.0, 2.5}
    assert row.max_ulp >= 0.75
    assert row.witness in (1.0, 2.5)


@every_row
def test_wrong_kernel_is_found(name, derivative):
    x = [float(v) for v in sweep.sample(name, derivative)[[1000, 100_000, 200_000]] if np.isfinite(v)]
    (row,) = check(name, derivative, wrong_at(x, kernels.evaluate))
    y = kernels.evaluate(name, derivative, np.array(x, np.float32))
    assert row.misrounded == np.count_nonzero(np.isfinite(y))


def test_nan_and_limits_are_checked():
    for value, result in ((np.nan, 1.0), (np.inf, np.nan), (-np.inf, np.nan), (-0.0, -0.0)):
        kernel = lambda name, derivative, x, v=value, r=result: np.where(  # noqa: E731
            np.isnan(x) if v != v else (x == v) & (np.signbit(x) == np.signbit(v)),
            np.float32(r),
            right("relu", False, x),
        )
        (row,) = check("relu", False, kernel)
        assert row.misrounded >= 1, value


@pytest.mark.parametrize("name", [name for name in sweep.ROOTS if name != "hard_swish"])
def test_one_ulp_beside_a_root_is_listed(name):
    beside = sweep._beside_root(name, True)
    assert len(beside) == 2
    assert beside[0] < sweep.ROOTS[name] < beside[1]

    def once(name, derivative, x):
        exact = [reference.correctly_rounded(name, derivative, v) for v in beside]
        y = kernels.evaluate(name, derivative, x)
        for v, value in zip(beside, exact, strict=True):
            y[x == v] = value
        return y

    (row,) = check(name, True, once)
    assert (row.misrounded, row.near_root) == (0, [])
    (row,) = check(name, True, wrong_at(beside[:1], wrong_at(beside[:1], once, 2)))
    assert row.misrounded == 1
    (row,) = check(name, True, _towards(beside[0], once))
    assert row.misrounded == 0
    assert [x for x, _ in row.near_root] == beside[:1]
    assert row.max_ulp <= 0.5


def _towards(x, kernel):
    """Return a kernel whose result at x is the other neighbour of the exact value: less than 1 ulp off."""

    def other(name, derivative, given):
        y = kernel(name, derivative, given)
        exact = reference.mpq(reference.exact(name, derivative, x))
        at = given == x
        y[at] = np.nextafter(y[at], np.float32(np.inf if exact > float(y[at][0]) else -np.inf)) if at.any() else y[at]
        return y

    return other


@pytest.mark.parametrize("name", [name for name, derivative in ROWS if derivative == 2])
def test_sample_has_what_is_no_output(name):
    y = sweep.sample(name, 2)
    with np.errstate(all="ignore"):
        values = kernels.evaluate(name, 0, y)
    least, most = np.nanmin(values), np.nanmax(values)
    beyond = (y < least) | (y > most)
    assert beyond.any() == (np.isfinite(least) or np.isfinite(most))
    assert not kernels.evaluate(name, 2, y[beyond]).any()


def test_what_is_no_output_is_checked():
    """A gradient that follows y(1 - y) below 0 is refused."""

    @np.errstate(all="ignore")
    def wrong(name, derivative, y):
        return np.where(y < 0, y - y * y, kernels.evaluate(name, derivative, y))

    (row,) = check("sigmoid", 2, wrong)
    assert row.misrounded > 100_000


def test_shards_add_up():
    kernel = wrong_at([1.0, 3.0, 6.0, 0.5])
    (whole,) = check("relu", False, kernel)
    (merged,) = sweep.merge([check("relu", False, kernel, shard=(i, 3)) for i in range(3)])
    assert (merged.inputs, merged.misrounded, merged.max_ulp) == (whole.inputs, whole.misrounded, whole.max_ulp)


@pytest.mark.parametrize("parts", [1, 3, 61])
def test_shards_cover_all_float32(parts):
    total = 0
    for part in range(parts):
        count, batch = sweep._batches("relu", False, False, (part, parts))
        first, last = batch(0), batch(count - 1)
        assert first[0].view(np.uint32)[:2].tolist() == [part, part + parts]
        assert 2**32 - parts <= int(last[-1].view(np.uint32)[-1]) < 2**32
        total += (count - 1) * sweep.BATCH + sum(x.size for x in last)
    assert total == 2**32


def test_instruction_sets_are_told_apart():
    current = []
    kernels = {"one": right, "two": right, "three": wrong_at([1.0])}

    def kernel(name, derivative, x):
        return kernels[current[-1]](name, derivative, x)

    found = check("relu", False, kernel, select=current.append, isa=tuple(kernels), workers=2)
    assert [(row.isa, row.misrounded) for row in found] == [("one", 0), ("two", 0), ("three", 1)]


def test_interruption_resumes(tmp_path):
    calls = []

    def kernel(name, derivative, x):
        calls.append(x[0])
        return right(name, derivative, x)

    path = tmp_path / "state.json"
    arguments = {"sample": False, "state": path, "fingerprint": "a", "shard": (0, 16)}
    run = sweep.verify(["relu"], evaluate=kernel, derivatives=[False], **arguments)
    for _ in range(20):
        step = next(run)
    run.close()
    assert (step.done, step.total) == (20, 32)
    assert json.loads(path.read_text())["functions"]["float32 all 0/16  relu 0"]["done"] == 16
    calls.clear()
    (row,) = check("relu", False, kernel, **arguments)
    assert len(calls) == (32 - 16) * sweep.BATCH // sweep.SLICE
    assert (row.inputs, row.misrounded) == (2**32 // 16, 0)
    calls.clear()
    assert check("relu", False, kernel, **arguments) == [row]
    assert not calls
    run = sweep.verify(["relu"], evaluate=kernel, **arguments | {"fingerprint": "b"})
    assert next(run).done == 1
    run.close()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_dtypes(dtype):
    for name in ("relu", "softsign"):
        for row in check(name, None, right, dtype=dtype, derivatives=[False, True]):
            assert row.max_ulp < 3
            assert name == "softsign" or (row.right and row.misrounded == 0)
    (row,) = check("relu", False, wrong_at([1.5]), dtype=dtype)
    assert set(row.examples) == {1.5}
    assert row.right is (dtype == "float64")  # one unit is within the bound there


def test_processes_give_the_same():
    one, two = (check("softsign", False, right, dtype="float16", workers=workers) for workers in (1, 2))
    assert one == two


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_dtypes_of_relu_c(dtype):
    for name in ("relu", "hard_swish", "softsign"):
        for row in check(name, None, kernels.evaluate, dtype=dtype, derivatives=[False, True]):
            assert row.right, row


@pytest.mark.parametrize("name", parameters.functions())
@every_derivative
def test_parameters(name, derivative):
    with ThreadPoolExecutor(1) as pool:
        kernel = kernels.ufunc(name, derivative)
        row = parameters.check(name, derivative, "", kernel, pool, 1000)
        assert row.right, row
        assert (row.inputs, row.misrounded) == (1000, 0)
        assert 0.49 < row.max_ulp <= parameters.BOUND
        off = parameters.check(name, derivative, "", lambda *x: np.nextafter(kernel(*x), np.float32(9)), pool, 100)
        assert not off.right
        assert off.misrounded > 50


@pytest.mark.parametrize("name", parameters.functions())
@every_derivative
def test_parameter_at_its_default_is_the_function(name, derivative):
    form = parameters.FORMS[name]
    with reference.working_precision():
        for x in (-90.5, -3.25, -0.125, 1e-9, 0.75, 20.0):
            (p,) = map(reference.mpfr, kernels._defaults(name))
            value = (form.slope if derivative else form.value)(reference.mpfr(x), p)
            assert abs(value / reference.exact(name, derivative, x, 300) - 1) < 1e-60


def test_command_with_parameters(tmp_path, capsys):
    page = tmp_path / "page.md"
    assert main(["verify", "elu", "--parameters", "--sample", "--jobs", "1", "--report", str(page)]) == 0
    assert f"elu(alpha){PRIME}" in capsys.readouterr().out
    assert "| `elu(alpha)` | " in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"names": ["rleu"]}, "rleu"),
        ({"names": ["gelu"], "derivatives": [2]}, f"gelu{PRIME}\\(y\\)"),
        ({"dtype": "int8"}, "int8"),
        ({"shard": (2, 2)}, "shard 2/2"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        next(sweep.verify(evaluate=right, **arguments))


def test_without_avx2(monkeypatch, capsys):
    if not _oracle.NEEDS_AVX2:
        pytest.skip("the oracle was not compiled for AVX2")
    monkeypatch.setattr(sweep, "available_instruction_sets", lambda: ["baseline"])
    assert main(["verify", "relu", "--sample"]) == 1
    assert "AVX2" in capsys.readouterr().err


# The oracle


@pytest.mark.parametrize(("dtype", "type_"), [("float16", np.float16), ("bfloat16", bfloat16), ("float32", np.float32)])
def test_rounding_of_rationals(dtype, type_):
    rng = np.random.default_rng(0)
    bits, lowest, top = reference.FORMATS[dtype]
    odd = rng.integers(2**bits, 2 ** (bits + 1), 500).astype(float)
    ties = np.ldexp(odd, rng.integers(lowest - bits - 2, top - bits + 2, 500))
    values = np.concatenate([np.ldexp(rng.uniform(1, 2, 500), rng.integers(lowest - 4, top + 2, 500)), ties, -ties])
    with np.errstate(over="ignore"):
        expected = values.astype(type_)
    assert [reference.round_rational(reference.mpq(v), dtype) for v in values.tolist()] == expected.tolist()


@every_row
def test_hard_cases_are_hard(name, derivative):
    for x in sweep.hard_cases(name, derivative)[:3]:
        value = abs(reference.mpq(reference.exact(name, derivative, x, 2000)))
        rest = value / reference.ulp(value) % 1
        assert abs(rest - reference.mpq(1, 2)) < 1e-5


def points(name, derivative):
    """Return inputs of all sizes, the edges of the oracle's regions, and where its formulas change."""
    rng = np.random.default_rng(5)
    edges = [v for interval in _oracle.regions(name, derivative) for v in interval if np.isfinite(v)]
    marks = [0.125, 0.5, 1, 2.5, 3, 6, 2.0**-13, 2.0**-26, 2.0**-60, 2.0**-100, 2.0**-126, 2.0**-149, 2.0**24, 2.0**25]
    near = np.array([*edges, *marks, *np.negative(marks)], np.float32).view(np.uint32)[:, None] + np.arange(-2, 3)
    scales = np.exp2(rng.uniform(-32, 7, 60)) * rng.choice([-1, 1], 60)
    x = np.concatenate(
        [
            near.ravel().astype(np.uint32).view(np.float32),
            rng.integers(0, 2**32, 60, np.uint64).astype(np.uint32).view(np.float32),
            scales.astype(np.float32),
        ]
    )
    return np.append(x[np.isfinite(x)], np.float32([0, -0.0, np.inf, -np.inf, np.nan, 3.4e38, -3.4e38]))


@every_row
def test_oracle_agrees_with_mpfr(name, derivative):
    x = points(name, derivative)
    y = np.array([reference.correctly_rounded(name, derivative, v) for v in x], np.float32)
    assert _oracle.check(name, derivative, x, y)[0] == 0
    assert [_oracle.check(name, derivative, x[i : i + 1], y[i : i + 1])[0] for i in range(x.size)] == [0] * x.size
    for towards in (np.inf, -np.inf):
        with np.errstate(over="ignore"):
            other = np.nextafter(y, np.float32(towards))
        *_, wrong_at, undecided_at, _, _ = _oracle.check(name, derivative, x, other)
        moved = (other.view(np.uint32) != y.view(np.uint32)) & ~np.isnan(y) & ~((other == 0) & (y == 0))
        assert set(np.flatnonzero(moved)) <= set(wrong_at) | set(undecided_at)


def test_oracle_refuses_what_it_cannot_check():
    x = np.ones(2, np.float32)
    with pytest.raises(ValueError, match="rleu"):
        _oracle.check("rleu", False, x, x)
    for derivative in (-1, 2, 3):
        with pytest.raises(ValueError, match=f"'gelu', derivative {derivative}"):
            _oracle.check("gelu", derivative, x, x)
    with pytest.raises(ValueError, match="length"):
        _oracle.check("relu", False, x, x[:1])


def test_constants_are_those_of_the_script():
    script = runpy.run_path(str(ROOT / "tools" / "oracle_constants.py"))
    assert script["header"]() == (ROOT / "src" / "oracle_constants.h").read_text()


# The command


def test_nudges_make_the_difference(tmp_path):
    """A constant that tools/nudge.py found rights inputs that its plain value gets wrong."""
    np.save(tmp_path / "sigmoid.npy", sweep.hard_cases("sigmoid", False))
    script = [sys.executable, str(ROOT / "tools" / "nudge.py")]
    found = re.search(r"#define SIGMOID_PUSH (\S+)", (ROOT / "src" / "smooth_exp.h").read_text())[1]
    arguments = [f"SIGMOID_PUSH=0,{found}", "--of", "sigmoid", "--cache", str(tmp_path)]
    lines = subprocess.run([*script, *arguments], check=True, capture_output=True, text=True).stdout.splitlines()
    plain, nudged = (int(re.search(r"sigmoid: (\d+)", line)[1]) for line in lines)
    assert plain > nudged == 0


def test_import_leaves_the_oracle_alone():
    code = "import sys, relu_c; sys.exit('relu_c._oracle' in sys.modules or 'relu_c._verify' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_command(tmp_path, capsys):
    data = tmp_path / "run.json"
    in_use = instruction_set()
    options = ["--sample", "--isa", "all", "--json", str(data), "--state", str(tmp_path / "state")]
    assert main(["verify", "relu", "gelu", *options]) == 0
    assert instruction_set() == in_use
    printed = capsys.readouterr().out
    for text in ("relu", f"gelu{PRIME}", ", ".join(available_instruction_sets()), "misrounded", "0.500000"):
        assert text in printed
    (part,) = report.load(str(data))
    assert len(part.rows) == (3 + 2) * len(available_instruction_sets())  # relu's output determines its derivative
    assert all(row.misrounded == 0 for row in part.rows)
    assert main(["verify", "--from", str(data)]) == 0
    assert capsys.readouterr().out == printed


def test_command_fails_where_a_result_is_wrong(monkeypatch, capsys):
    monkeypatch.setattr(kernels, "evaluate", wrong_at([1.0], kernels.evaluate))
    arguments = ["verify", "relu", "--sample", "--isa", available_instruction_sets()[0]]
    assert main(arguments) == 1
    out, err = capsys.readouterr()
    assert "relu: misrounded at 1.0" in out
    assert f"not as exact as promised: relu, relu{PRIME}, relu{PRIME}(y)" in err


def test_what_is_no_result_is_refused(tmp_path, capsys):
    for text in ("", "[1]", "[{}]"):
        path = tmp_path / "other.json"
        path.write_text(text)
        assert main(["verify", "--from", str(path)]) == 1
        assert "other.json does not hold results" in capsys.readouterr().err


def test_shards_of_the_command_add_up(tmp_path, capsys):
    paths = [str(tmp_path / f"{i}.json") for i in range(2)]
    for i, path in enumerate(paths):
        assert main(["verify", "relu", "--sample", "--shard", f"{i}/2", "--isa", "baseline", "--json", path]) == 0
    capsys.readouterr()
    assert main(["verify", "--from", *paths, paths[0]]) == 0
    (whole,) = check("relu", False, right)
    assert str(whole.inputs) in capsys.readouterr().out


def test_peers(tmp_path):
    found = peers.evaluators()
    if not found:
        pytest.skip("neither torch nor SciPy is installed")
    data = tmp_path / "peers.json"
    assert main(["verify", "sigmoid", "--sample", "--peers", "--json", str(data)]) == 0
    (part,) = report.load(str(data))
    assert {row.library for row in part.rows} == set(found)
    assert all(row.misrounded > 0 for row in part.rows)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["verify", "rule"], ["unknown function 'rule'", "relu6"]),
        (["verify", "--isa", "z80"], ["unknown instruction set 'z80'", "baseline"]),
        (["verify", "--parameters", "relu"], ["unknown function with a parameter 'relu'", "elu"]),
        (["verify", "--parameters", "--dtype", "float16"], ["--parameters", "float32, not float16"]),
        (["verify", "--parameters", "--peers"], ["--parameters", "--peers"]),
        (["verify", "--json", "/nowhere/a.json"], ["/nowhere/a.json", "no folder"]),
        (["verify", "--report", "/nowhere/a.md"], ["/nowhere/a.md", "no folder"]),
        (["verify", "--state", "/nowhere/a.json"], ["/nowhere/a.json", "no folder"]),
        (["verify", "--from", "/nowhere/a.json"], ["/nowhere/a.json"]),
    ],
)
def test_errors_are_one_line(arguments, names, capsys):
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("relu_c: error: ")
    assert error.count("\n") == 1
    assert all(name in error for name in names)


@pytest.mark.parametrize("shard", ["2/2", "1", "a/b", "-1/3", "0/0"])
def test_wrong_shard(shard, capsys):
    with pytest.raises(SystemExit):
        main(["verify", f"--shard={shard}"])
    assert "0 <= I < N" in capsys.readouterr().err


def test_missing_gmpy2():
    code = "import sys; sys.modules['gmpy2'] = None; from relu_c._cli import main; sys.exit(main(['verify', 'relu']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs the package gmpy2" in done.stderr
    assert "relu_c[verify]" in done.stderr


# docs/ACCURACY.md


def tables():
    """Return the rows of the page's tables by the heading above them; the last ones for a heading come last."""
    found, heading = {}, ""
    for line in (ROOT / "docs" / "ACCURACY.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif match := re.match(r"\| `(\w+\N{PRIME}?(?:\(y\))?)` \|(.*)\|", line):
            found.setdefault(heading, []).append((match[1], [cell.strip() for cell in match[2].split("|")]))
    return found


def error_at(name, derivative, witness, dtype="float32", evaluate=kernels.evaluate):
    """Return the input that the page states and the largest of 64 results' errors there."""
    x = np.full(64, np.dtype(dtype).type(witness))
    y = evaluate(name, derivative, x)
    return float(x[0]), max(
        reference.error_in_ulp(name, derivative, float(x[0]), float(v), dtype) for v in {*y.tolist()}
    )


def test_page_covers_the_table():
    rows = [row for row in tables()["relu_c, float32"] if len(row[1]) == 4]
    assert [label for label, _ in rows] == list(LABELS)
    for label, (inputs, misrounded, *_) in rows:
        assert (inputs, misrounded) == ("2³²", "0"), label


def test_page_holds_at_its_witnesses():
    for label, cells in tables()["relu_c, float32"]:
        name, derivative = LABELS[label]
        if len(cells) == 4:
            _, _, ulp, witness = cells
            if not witness:
                assert ulp == "0"
                continue
            x, error = error_at(name, derivative, witness)
            assert kernels.evaluate(name, derivative, np.float32([x]))[0] == reference.correctly_rounded(
                name, derivative, x
            )
        else:
            witness, ulp = cells
            x, error = error_at(name, derivative, witness)
            assert x in sweep._beside_root(name, derivative)
        assert report.format_ulp(error) == ulp, label


def test_page_holds_at_the_hard_cases():
    total = 0
    for name, derivative in LABELS.values():
        x = sweep.hard_cases(name, derivative)
        y = kernels.evaluate(name, derivative, x)
        assert y.tolist() == [reference.correctly_rounded(name, derivative, v) for v in x]
        total += x.size
    assert f"found {total} inputs" in (ROOT / "docs" / "ACCURACY.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_page_holds_for_other_dtypes(dtype):
    for label, (_, misrounded, ulp, witness, *_) in tables().get(f"relu_c, {dtype}", []):
        assert dtype == "float64" or misrounded == "0"
        if witness:
            _, error = error_at(*LABELS[label], witness, dtype)
            assert report.format_ulp(error) == ulp, label


def test_page_does_not_invent_the_peers_errors():
    """Where the very versions of the page are installed, on a machine with the instruction set of the page's."""
    page = (ROOT / "docs" / "ACCURACY.md").read_text(encoding="utf-8")
    heading = next(line for line in page.splitlines() if line.startswith("| function |") and ": misrounded" in line)
    libraries = re.findall(r" ([^|]*): misrounded", heading)
    found = peers.evaluators()
    best = re.search(r"Instruction sets: (\w+)", page)[1]
    if not set(libraries) & set(found) or available_instruction_sets()[0] != best:
        pytest.skip("the page's peers are not installed, or this is another machine")
    for label, cells in tables()["Others, float32"]:
        for library, ulp, witness in zip(libraries, cells[1::3], cells[2::3], strict=True):
            if library not in found or not witness:
                continue
            if ulp == "∞":
                assert not np.isfinite(found[library](*LABELS[label], np.float32([witness] * 64))).all(), label
            else:
                _, error = error_at(*LABELS[label], witness, evaluate=found[library])
                assert error == pytest.approx(float(ulp), rel=0.1, abs=1e-5), label
