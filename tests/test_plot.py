"""The pictures: what they show is what the functions give, kinks and jumps included."""

import inspect
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from common import row_of
from oracle import ACTIVATIONS

from relu_c import activations
from relu_c._cli import main, plot

pytest.importorskip("matplotlib", reason="needs relu_c[cli]")

DOCS = Path(__file__).parent.parent / "docs"
every_function = pytest.mark.parametrize("name", plot.FUNCTIONS)


def png_size(path):
    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    return struct.unpack(">2I", header[16:])


def panels(*names):
    """Return the panels of a page in pairs: function, derivative."""
    axes = plot.draw(names).axes
    return list(zip(axes[::2], axes[1::2], strict=True))


def points(axis, filled):
    """Return the dots of a panel, or the rings."""
    marks = [line for line in axis.lines if line.get_marker() == "o"]
    chosen = [line for line in marks if (line.get_markerfacecolor() != "white") == filled]
    return sorted((float(x), float(y)) for line in chosen for x, y in line.get_xydata())


def strokes(axis):
    """Return x and y of the curve's pieces in a panel."""
    return [line.get_xydata().T for line in axis.lines if line.get_color() in plot.COLORS and line.get_marker() != "o"]


def test_functions_are_those_with_a_derivative():
    others = [name for name in activations.__all__ if "_grad" not in name and name not in plot.FUNCTIONS]
    assert others == ["channel_weight"]


def test_samples_are_needed():
    for name, sample in plot.SAMPLES.items():
        signature = inspect.signature(getattr(activations, name)).parameters
        assert all(signature[parameter].default is inspect.Parameter.empty for parameter in sample)


@every_function
def test_parameters_have_values(name):
    assert all(isinstance(value, float) for value in plot.parameters(name).values())


@every_function
def test_no_jump_is_drawn_as_a_line(name):
    function, derivative = plot.curves(name)
    steepest = 1.01 * max(np.max(abs(values)) for values in derivative[1:])  # between points it may be steeper
    for curve, slope in ((function, steepest), (derivative, 2.01)):  # no second derivative of the family exceeds 2
        for x, y in curve.pieces():
            assert np.all(np.diff(x) > 0)
            assert np.all(abs(np.diff(y)) <= slope / plot.STEPS + 1e-9)


@every_function
def test_jumps_are_where_the_oracle_has_kinks(name):
    function, derivative = plot.curves(name)
    jumps = function.x[function.jumps | derivative.jumps]
    kinks = np.array(ACTIVATIONS[row_of(name)].kinks(*plot.parameters(name).values()), float)
    assert all(np.any(np.isclose(jump, kinks)) for jump in jumps)


@every_function
def test_curves_are_the_function_and_its_derivative(name):
    given = plot.parameters(name)
    function, derivative = plot.curves(name)
    np.testing.assert_array_equal(function.at, getattr(activations, name)(function.x, *given.values()))
    np.testing.assert_array_equal(derivative.at, getattr(activations, f"{name}_grad")(1.0, function.x, *given.values()))


@pytest.mark.parametrize(
    ("name", "dots", "rings"),
    [
        ("relu", [(0, 0)], [(0, 1)]),
        ("relu6", [(0, 0), (6, 0)], [(0, 1), (6, 1)]),
        ("leaky_relu", [(0, 0.01)], [(0, 1)]),
        ("hard_swish", [(-3, 0), (3, 1)], [(-3, -0.5), (3, 1.5)]),
        ("soft_shrink", [(-0.5, 0), (0.5, 0)], [(-0.5, 1), (0.5, 1)]),
        ("softsign", [], []),
        ("squared_relu", [], []),
    ],
)
def test_marks_of_the_derivative(name, dots, rings):
    ((function, derivative),) = panels(name)
    assert points(derivative, filled=True) == dots
    np.testing.assert_allclose(points(derivative, filled=False), rings, atol=1e-12)
    assert points(function, filled=False) == []
    assert [x for x, _ in points(function, filled=True)] == [x for x, _ in dots]
    assert len(strokes(derivative)) == len(dots) + 1


@pytest.mark.parametrize(
    ("name", "dots", "rings"),
    [("threshold", [(1, -1)], [(1, 1)]), ("hard_shrink", [(-0.5, 0), (0.5, 0)], [(-0.5, -0.5), (0.5, 0.5)])],
)
def test_marks_of_a_function_that_jumps(name, dots, rings):
    ((function, _),) = panels(name)
    assert points(function, filled=True) == dots
    np.testing.assert_allclose(points(function, filled=False), rings, atol=1e-12)


def test_scales_are_shared():
    pairs = panels(*plot.FUNCTIONS)
    assert len(pairs) == len(plot.FUNCTIONS)
    for pair, name in zip(pairs, plot.FUNCTIONS, strict=True):
        assert pair[0].get_title(loc="left") == name
        assert [axis.get_xlim() for axis in pair] == [plot.WINDOW] * 2
        assert tuple(axis.get_ylim() for axis in pair) == plot.HEIGHTS


@every_function
def test_marks_are_inside_their_panels(name):
    for axis in panels(name)[0]:
        for x, y in points(axis, filled=True) + points(axis, filled=False):
            assert axis.get_xlim()[0] < x < axis.get_xlim()[1]
            assert axis.get_ylim()[0] < y < axis.get_ylim()[1]


@pytest.mark.parametrize(
    ("arguments", "drawn"),
    [
        ([], plot.FUNCTIONS),
        (["all"], plot.FUNCTIONS),
        (["relu", "all"], plot.FUNCTIONS),
        (["relu6", "hard_tanh", "relu6"], ("relu6", "hard_tanh")),
    ],
)
def test_names(arguments, drawn, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(plot, "draw", lambda names: asked.append(tuple(names)))
    monkeypatch.setattr(plot, "save", lambda figure, path, dpi: None)
    assert main(["plot", *arguments, "-o", str(tmp_path / "a.png")]) == 0
    assert asked == [drawn]


def test_default_file(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["plot", "relu"]) == 0
    assert capsys.readouterr().out == "Picture: relu_c_plot.png\n"
    assert png_size(tmp_path / "relu_c_plot.png")[0] > 600


@pytest.mark.parametrize(("suffix", "start"), [("PNG", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
def test_formats(suffix, start, tmp_path):
    path = tmp_path / f"a.{suffix}"
    assert main(["plot", "relu", "prelu", "-o", str(path)]) == 0
    assert path.read_bytes().startswith(start)


def test_page_is_as_wide_as_a_readme(tmp_path):
    path = tmp_path / "family.png"
    assert main(["plot", "all", "-o", str(path)]) == 0
    assert png_size(path)[0] == 1800
    assert path.stat().st_size < 150_000


@pytest.mark.skipif(not DOCS.is_dir(), reason="needs the repository")
def test_picture_in_docs_shows_the_family():
    """For another number of rows, ``python -m relu_c plot -o docs/activations.png`` draws it anew."""
    path = DOCS / "activations.png"
    assert path.stat().st_size < 150_000
    page = plot.draw(plot.FUNCTIONS).get_size_inches() * plot.DPI
    np.testing.assert_allclose(png_size(path), page, atol=1)


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        (["rule"], ["unknown function 'rule'", "relu6", "all"]),
        (["channel_weight"], ["unknown function 'channel_weight'"]),
        (["-o", "/nowhere/a.png"], ["/nowhere/a.png", "no folder"]),
        (["-o", "a.doc"], ["a.doc", ".png"]),
        (["--output", "a"], ["cannot save a", ".svg"]),
    ],
)
def test_errors_are_one_line(arguments, texts, capsys):
    assert main(["plot", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("relu_c: error: ")
    assert error.count("\n") == 1
    assert all(text in error for text in texts)


def test_missing_matplotlib():
    code = "import sys; sys.modules['matplotlib'] = None; from relu_c._cli import main; sys.exit(main(['plot']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        "relu_c: error: plot needs the package matplotlib; to install it: python -m pip install 'relu_c[cli]'\n"
    )
