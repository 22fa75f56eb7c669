"""The lessons: each holds in quick mode, each of its claims can fail, and the page shows them all."""

import copy
import functools
import inspect
import re
import struct
from pathlib import Path

import numpy as np
import pytest

from relu_c._cli import main
from relu_c.gallery import LESSONS, lesson

network = pytest.importorskip("relu_c.gallery._network", reason="needs relu_c[demo]", exc_type=ImportError)
from matplotlib.text import Text  # noqa: E402

from relu_c.gallery import _page, _style, convolution, dying_relu, maxout, recurrent, sparsity  # noqa: E402

DOCS = Path(__file__).parent.parent / "docs"
every_lesson = pytest.mark.parametrize("name", LESSONS)
in_repository = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the repository")


@functools.cache
def results_of(name):
    return _page.experiment(name, quick=True)[0]


def test_every_module_is_a_lesson():
    modules = {path.stem for path in Path(_page.__file__).parent.glob("[!_]*.py")}
    assert modules == set(LESSONS)


@every_lesson
def test_it_holds(name):
    module, results = lesson(name), results_of(name)
    module.check(results)
    assert any(digit in module.figures(results) for digit in "0123456789")


@every_lesson
def test_it_teaches(name):
    module = lesson(name)
    title, _, text = module.__doc__.partition("\n\n")
    assert title.endswith(".")
    assert "\n" not in title
    assert "\nSource: " in text
    assert "picture" in text, "nothing says what the picture shows"
    assert module.VERDICT


@every_lesson
def test_picture(name, tmp_path):
    figure = lesson(name).picture(results_of(name))
    assert figure.get_suptitle()
    assert all(axis.get_title(loc="left") for axis in figure.axes)
    figure.draw_without_rendering()
    width = figure.get_size_inches()[0] * figure.dpi
    for axis in figure.axes:
        named = any(letter.isalpha() for tick in axis.get_xticklabels() for letter in tick.get_text())
        assert axis.get_xlabel() or named or not len(axis.get_xticks()), "an axis has no label"
        title = next(text for text in axis.findobj(Text) if text.get_text() == axis.get_title(loc="left"))
        assert title.get_window_extent().x1 <= width, f"{title.get_text()!r} runs out of the picture"
    path = tmp_path / "a.png"
    _style.save(figure, str(path))
    assert path.stat().st_size < 150_000


def spoilers():
    """What would refute each lesson, a change to its results each."""

    def relu_grad_of_0_is_1(r):
        r.derivative[r.grid == 0] = 1

    def swap(dictionary, a, b):
        dictionary[a], dictionary[b] = dictionary[b], dictionary[a]

    vanishing, penalties = lesson("vanishing_gradients"), lesson("weight_penalties")
    initial = lesson("initialisation")
    return {
        "rectifier": [
            lambda r: r.scalar.__setitem__(3, 1.0),
            relu_grad_of_0_is_1,
            lambda r: setattr(r, "of_nan", (0.0, 0.0)),
        ],
        "vanishing_gradients": [
            lambda r: r.norms[vanishing.SIGMOID].fill(1),
            lambda r: r.norms[vanishing.TANH_UNIFORM].fill(1),
            lambda r: r.accuracies[vanishing.SIGMOID].fill(0.9),
            lambda r: r.accuracies[vanishing.TANH].fill(0.1),
            lambda r: r.accuracies[vanishing.RELU].fill(0.1),
        ],
        "sparsity": [
            lambda r: r.at_start.update(relu=0.1),
            lambda r: r.at_start.update(sigmoid=0.01),
            lambda r: swap(r.zeros, *sparsity.STRENGTHS[:2]),
            lambda r: swap(r.errors, *sparsity.STRENGTHS[-2:]),
            lambda r: setattr(r, "sigmoid_zeros", 0.5),
        ],
        "dying_relu": [
            lambda r: setattr(r, "dead", 0.1),
            lambda r: r.woken.update({dying_relu.RELU: 1}),
            lambda r: r.silent.update({dying_relu.PRELU: r.silent[dying_relu.RELU]}),
            lambda r: r.silent.update({dying_relu.LEAKY: r.silent[dying_relu.ELU]}),
            lambda r: r.accuracies.update({dying_relu.ELU: r.accuracies[dying_relu.RELU]}),
        ],
        "initialisation": [
            lambda r: swap(r.squares, "He", "Glorot"),
            lambda r: swap(r.accuracies, "He", "Glorot"),
            lambda r: r.biased.update({(1.0, initial.RATES[-1]): r.biased[0.1, initial.RATES[-1]]}),
            lambda r: r.biased[0.1, initial.RATES[0]].fill(0.1),
        ],
        "input_scaling": [
            lambda r: r.accuracies.update({("wine", "as they are"): r.accuracies["wine", "standardised"]}),
            lambda r: r.accuracies["digits", "as they are"].fill(0.5),
            lambda r: r.accuracies.update({("digits", "normalised"): r.accuracies["digits", "as they are"]}),
        ],
        "weight_penalties": [
            lambda r: r.largest[penalties.NONE].__imul__(np.linspace(1, 2, len(r.largest[penalties.NONE]))),
            lambda r: swap(r.largest, penalties.NONE, penalties.L2),
            lambda r: swap(r.accuracies, penalties.NONE, penalties.L2),
            lambda r: swap(r.small, penalties.NONE, penalties.L1),
        ],
        "convolution": [
            lambda r: swap(r.accuracies, convolution.RECTIFIED, convolution.LINEAR),
            lambda r: swap(r.accuracies, convolution.RECTIFIED, convolution.PERCEPTRON),
            lambda r: r.accuracies[convolution.LINEAR_MAX].fill(0.9),
            lambda r: r.stages[0].__setitem__(2, r.stages[0][1]),
            lambda r: setattr(r, "zeros", 0.0),
        ],
        "recurrent": [
            lambda r: r.errors.update({recurrent.IDENTITY: r.errors[recurrent.TANH]}),
            lambda r: r.errors.update({recurrent.TANH: r.errors[recurrent.IDENTITY]}),
            lambda r: r.errors.update({recurrent.RANDOM: r.errors[recurrent.IDENTITY]}),
        ],
        "family": [
            lambda r: swap(r.rows, "relu", "sigmoid"),
            lambda r: r.rows.update(elu=r.rows["relu"]),
            lambda r: [row.slopes.reverse() for row in r.rows["prelu"]],
        ],
        "maxout": [
            lambda r: [swap(r.accuracies, ("maxout", rate), ("relu", rate)) for rate in (0.0, maxout.RATE)],
            lambda r: [swap(r.accuracies, (name, 0.0), (name, maxout.RATE)) for name in maxout.UNITS],
            lambda r: r.accuracies["relu", 0.0].fill(0.99),
            lambda r: r.sizes.update(maxout=1),
        ],
    }


@every_lesson
def test_its_claims_can_fail(name):
    module, spoiling = lesson(name), spoilers()[name]
    for spoil in spoiling:
        results = copy.deepcopy(results_of(name))
        spoil(results)
        with pytest.raises(AssertionError):
            module.check(results)


def numeric_gradient(function, array):
    """Return the gradient of a function with respect to an array that it reads, by central differences."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept, step = array[index], 1e-6
        array[index] = kept + step
        above = function()
        array[index] = kept - step
        gradient[index] = (above - function()) / (2 * step)
        array[index] = kept
    return gradient


RNG = np.random.default_rng(5)


def normal(*shape):
    return RNG.standard_normal(shape)


LAYERS = {
    "dense": (network.Dense(normal(4, 3)), (5, 4)),
    "activation": (network.Activation("elu", 0.5), (5, 4)),
    "prelu, shared": (network.PReLU(), (5, 4)),
    "prelu, a slope each": (network.PReLU(4), (5, 4)),
    "network": (network.Network(network.Dense(normal(4, 6)), network.Activation("relu"), network.PReLU(6)), (5, 4)),
    "convolution": (convolution.Convolution(normal(3, 3, 2, 4)), (2, 6, 5, 2)),
    "mean pooling": (convolution.MeanPooling(), (2, 4, 6, 3)),
    "max pooling": (convolution.MaxPooling(), (2, 4, 6, 3)),
    "flatten": (convolution.Flatten(), (2, 4, 6, 3)),
    "recurrent relu": (recurrent.Recurrent("relu", normal(2, 4), np.eye(4)), (7, 3, 2)),
    "recurrent tanh": (recurrent.Recurrent("tanh", normal(2, 4), normal(4, 4)), (7, 3, 2)),
    "maxout": (maxout.Maxout(2), (5, 6)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients(name):
    layer, shape = LAYERS[name]
    layer.parameters[:] = [parameter.astype(np.float64) for parameter in layer.parameters]
    for inner in getattr(layer, "layers", ()):
        inner.parameters[:] = [parameter.astype(np.float64) for parameter in inner.parameters]
    if isinstance(layer, network.Network):
        layer.parameters[:] = [parameter for inner in layer.layers for parameter in inner.parameters]
    x = normal(*shape)
    weights = normal(*layer.forward(x).shape)

    def loss():
        return float(np.sum(weights * layer.forward(x)))

    loss()
    dx = layer.backward(weights.copy())
    gradients = list(layer.gradients)
    np.testing.assert_allclose(dx, numeric_gradient(loss, x), atol=1e-7)
    for parameter, gradient in zip(layer.parameters, gradients, strict=True):
        np.testing.assert_allclose(gradient, numeric_gradient(loss, parameter), atol=1e-7)


def test_dropout_passes_the_gradient_of_what_it_kept():
    layer = maxout.Dropout(0.5, np.random.default_rng(0))
    y, dx = layer.forward(np.ones((50, 50))), layer.backward(np.ones((50, 50)))
    assert set(np.unique(y)) == {0, 2}
    np.testing.assert_array_equal(dx, y)


def test_dropout_is_left_out_of_predictions():
    x = normal(3, 4)
    made = network.Network(maxout.Dropout(0.9, np.random.default_rng(0)), network.Activation("relu"))
    np.testing.assert_array_equal(made.predict(x), np.maximum(x, 0))


def test_activity_penalty():
    layer, x = sparsity.ActivityPenalty(0.3), np.abs(normal(5, 4))
    np.testing.assert_array_equal(layer.forward(x), x)
    np.testing.assert_allclose(layer.backward(np.ones((5, 4))), 1 + 0.3 / 5)


@pytest.mark.parametrize("loss", [network.cross_entropy, network.squared_error])
def test_losses(loss):
    y = normal(5, 4)
    target = RNG.integers(0, 4, 5) if loss is network.cross_entropy else normal(5, 4)
    np.testing.assert_allclose(loss(y, target)[1], numeric_gradient(lambda: loss(y, target)[0], y), atol=1e-7)


def test_cross_entropy_does_not_overflow():
    value, gradient = network.cross_entropy(np.float32([[1e4, -1e4]]), np.array([1]))
    assert value == pytest.approx(2e4)
    np.testing.assert_allclose(gradient, [[1, -1]])


def test_momentum():
    layer = network.Dense(np.ones((1, 1)))
    optimiser = network.Momentum(0.1, 0.5)
    for _ in range(2):
        layer.gradients = [np.full((1, 1), 2.0), np.zeros(1)]
        optimiser.step(layer)
    np.testing.assert_allclose(layer.parameters[0], 1 - 0.2 - (0.5 * 0.2 + 0.2))


def test_adam_begins_with_steps_of_the_learning_rate():
    layer = network.Dense(np.ones((1, 2)))
    layer.gradients = [np.array([[0.5, -1e-4]]), np.zeros(2)]
    recurrent.Adam(0.01).step(layer)
    np.testing.assert_allclose(layer.parameters[0], [[0.99, 1.01]], rtol=1e-5)


def test_every_sample_is_seen_once_an_epoch():
    seen = []

    class Spy(network.Dense):
        def forward(self, x):
            seen.extend(x[:, 0].tolist())
            return super().forward(x)

    samples, labels = np.arange(10.0).reshape(10, 1), np.zeros(10, int)
    data = network.Data(samples, samples, labels, labels)
    steps = network.train(network.Network(Spy(np.ones((1, 2)))), data, epochs=2, rng=np.random.default_rng(0), batch=4)
    assert len(list(steps)) == 2
    assert sorted(seen[:10]) == sorted(seen[10:]) == samples[:, 0].tolist()
    assert seen[:10] != seen[10:]


def test_split_is_a_quarter_and_standardised():
    data = network.digits(0)
    assert len(data.x_test) == len(data.y_test) == 450
    assert len(data.x_train) == len(data.y_train) == 1347
    assert data.x_train.dtype == data.x_test.dtype == np.float32
    np.testing.assert_allclose(data.x_train.mean(axis=0), 0, atol=1e-5)


def test_adding_problem():
    x, target = recurrent.adding_problem(20, 7, np.random.default_rng(0))
    assert x.shape == (20, 7, 2)
    np.testing.assert_array_equal(x[:10, :, 1].sum(axis=0), 1)
    np.testing.assert_array_equal(x[10:, :, 1].sum(axis=0), 1)
    np.testing.assert_allclose((x[:, :, 0] * x[:, :, 1]).sum(axis=0), target[:, 0], rtol=1e-6)


def test_list(capsys):
    assert main(["demo", "--list"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed and about in printed for name, about in LESSONS.items())


def test_demo_of_a_lesson(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["demo", "rectifier"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("The rectifier and its derivative.\n")
    module = lesson("rectifier")
    assert f"Figures: {module.figures(results_of('rectifier'))}\n" in printed
    assert f"Verdict: {module.VERDICT}\n" in printed
    assert printed.endswith("Picture: relu_c_rectifier.png\n")
    assert (tmp_path / "relu_c_rectifier.png").read_bytes().startswith(b"\x89PNG")


def test_demo_prints_the_table(capsys, tmp_path, monkeypatch):
    results = results_of("family")
    monkeypatch.setattr(lesson("family"), "run", lambda quick: results)
    assert main(["demo", "family", "--quick", "-o", str(tmp_path / "a.svg")]) == 0
    printed = capsys.readouterr().out
    assert re.search("│ squared_relu +│", printed)
    assert (tmp_path / "a.svg").read_text().startswith("<?xml")


def test_demo_fails_where_a_claim_does(capsys, tmp_path, monkeypatch):
    results = copy.deepcopy(results_of("rectifier"))
    results.scalar[3] = 1.0
    monkeypatch.setattr(lesson("rectifier"), "run", lambda quick: results)
    assert main(["demo", "rectifier", "-o", str(tmp_path / "a.png")]) == 1
    assert capsys.readouterr().err == ("relu_c: error: the lesson rectifier does not hold here: the listings differ\n")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["relus"], "unknown lesson 'relus'; known are rectifier, "),
        (["rectifier", "--seeds", "3"], "--seeds and --epochs are for the digits network"),
        (["rectifier", "-o", "/nowhere/a.png"], "no folder"),
        (["rectifier", "-o", "a.doc"], ".png"),
    ],
)
def test_errors_are_one_line(arguments, text, capsys):
    assert main(["demo", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("relu_c: error: ")
    assert error.count("\n") == 1
    assert text in error


def test_page(tmp_path, monkeypatch, capsys):
    shown = {name: LESSONS[name] for name in ("rectifier", "family")}
    monkeypatch.setattr("relu_c._cli.demo.LESSONS", shown)
    results = results_of("family")
    monkeypatch.setattr(lesson("family"), "run", lambda quick: results)
    assert main(["demo", "--docs", str(tmp_path)]) == 0
    page = (tmp_path / "GALLERY.md").read_text()
    assert "in 2 lessons" in page
    assert "| activation | test accuracy |" in page
    assert (tmp_path / "gallery" / "rectifier.png").stat().st_size < 150_000


@in_repository
@every_lesson
def test_page_in_docs_shows_it(name):
    """After a change to a lesson, ``python -m relu_c demo --docs docs`` writes the page anew."""
    page, module = (DOCS / "GALLERY.md").read_text(encoding="utf-8"), lesson(name)
    assert f"| [{name}](#{name}) | {LESSONS[name]} | {module.VERDICT} |" in page
    assert f"\n## {name}\n" in page
    assert inspect.cleandoc(module.__doc__).partition("\n\n")[2] in page
    assert f"(gallery/{name}.png)" in page
    picture = (DOCS / "gallery" / f"{name}.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 150_000
    assert struct.unpack(">I", picture[16:20])[0] == round(_style.WIDTH * _style.DPI)


@in_repository
def test_readme_links_the_page():
    assert "(docs/GALLERY.md)" in (DOCS.parent / "README.md").read_text(encoding="utf-8")
