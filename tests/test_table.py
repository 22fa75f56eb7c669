"""A row of the table is complete with a public function, its documentation and types, and a line of the oracle."""

import ast
import doctest
import importlib
import inspect
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from common import every_ufunc, keeps_integers, parameters_of
from oracle import ACTIVATIONS, split

import relu_c
from relu_c import activations
from relu_c._ufuncs import UFUNCS

SECTIONS = ("Parameters", "Returns", "Raises", "Notes", "References", "Examples")
# What is public beyond the table: prelu is leaky_relu with a learned slope, channel_weight shapes that slope.
WITHOUT_ROW = {"channel_weight", "prelu", "prelu_grad", "prelu_grad_from_output"}

# Arguments with annotations by function: those with parameters are built in, so their source is asked.
ANNOTATIONS = {
    node.name: {a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs) if a.annotation}
    | ({"return"} if node.returns else set())
    for node in ast.parse(Path(activations.__file__).read_text(encoding="utf-8")).body
    if isinstance(node, ast.FunctionDef)
}

every_public_function = pytest.mark.parametrize("name", activations.__all__)


def public(name):
    """Return the public function that a row of the table serves; a row of its own for the defaults serves the same."""
    return getattr(relu_c, name.replace("_default", ""), None)


def is_typed(function):
    """Return whether a type checker knows a function: a ufunc from NumPy's own stubs, the rest from their source."""
    if isinstance(function, np.ufunc):
        return True
    annotations = ANNOTATIONS[function.__name__]
    return set(inspect.signature(function).parameters) | {"return"} == annotations


def missing(name):
    """Return what a row of the table lacks."""
    function, (stem, _) = public(name), split(name)
    headings = re.findall(r"^(\w+)\n-+$", inspect.getdoc(function) or "", re.MULTILINE)
    complete = {
        "a public function": function is not None and name.replace("_default", "") in relu_c.__all__,
        "a documented function": [heading for heading in SECTIONS if heading in headings] == list(SECTIONS),
        "an example": ">>> " in (inspect.getdoc(function) or ""),
        "type annotations": function is not None and is_typed(function),
        "a line in the oracle": stem in ACTIVATIONS,
    }
    return [part for part, there in complete.items() if not there]


@every_ufunc
def test_row_is_complete(name):
    assert missing(name) == []


def test_incomplete_row_is_noticed():
    assert set(missing("no_such_function")) == {
        "a public function",
        "a documented function",
        "an example",
        "type annotations",
        "a line in the oracle",
    }


def test_table_oracle_and_public_names_agree():
    assert {split(name)[0] for name in UFUNCS} == set(ACTIVATIONS)
    assert {public(name).__name__ for name in UFUNCS} | WITHOUT_ROW == set(activations.__all__)
    assert relu_c.ufuncs.__all__ == sorted(UFUNCS)
    assert set(activations.__all__) <= set(relu_c.__all__)
    for module in (relu_c, activations, relu_c.ufuncs):
        assert len(set(module.__all__)) == len(module.__all__)
        assert all(hasattr(module, name) for name in module.__all__)


@every_ufunc
def test_ufunc_has_the_operands_of_its_kind(name):
    ufunc = UFUNCS[name]
    assert isinstance(ufunc, np.ufunc)
    assert ufunc.__name__ == name
    assert (ufunc.nin, ufunc.nout) == ((2 if split(name)[1] else 1) + len(parameters_of(name)[0]), 1)
    assert not (split(name)[1] and keeps_integers(name))
    assert getattr(relu_c.ufuncs, name) is ufunc


@every_public_function
def test_signature_is_the_one_of_all(name):
    function = getattr(relu_c, name)
    if isinstance(function, np.ufunc) or name == "channel_weight":
        return
    parameters = list(inspect.signature(function).parameters.values())
    operands = ["dy", "y" if name.endswith("_from_output") else "x"] if "_grad" in name else ["x"]
    assert [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY] == operands
    assert [p.name for p in parameters if p.kind is p.KEYWORD_ONLY] == ["out", "where"]
    listed = inspect.getdoc(function).partition("Parameters\n---")[2].partition("Returns\n---")[0]
    assert [p.name for p in parameters] == re.findall(r"^(\w+) : ", listed, re.MULTILINE)


@pytest.mark.parametrize("name", relu_c.__all__)
def test_examples_of_docstring(name):
    documented = getattr(relu_c, name)
    test = doctest.DocTestParser().get_doctest(inspect.getdoc(documented), {}, name, None, None)
    if not inspect.ismodule(documented):
        assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("path", sorted(Path(relu_c.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_examples_of_module(path):
    name = "relu_c" if path.stem == "__init__" else f"relu_c.{path.stem}"
    if path.stem != "__main__":
        assert doctest.testmod(importlib.import_module(name)).failed == 0


@every_ufunc
def test_pickle_of_ufunc(name):
    assert pickle.loads(pickle.dumps(UFUNCS[name])) is UFUNCS[name]


@every_public_function
def test_pickle_of_public_function(name):
    function = getattr(relu_c, name)
    assert pickle.loads(pickle.dumps(function)) is function


def test_submodules_are_imported_when_first_asked_for():
    program = (
        "import sys, relu_c\n"
        "names = ['diagnostics', 'init', 'penalties']\n"
        "print([f'relu_c.{name}' in sys.modules for name in names], set(names) <= set(dir(relu_c)))\n"
        "print([getattr(relu_c, name).__name__ for name in names])\n"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [
        "[False, False, False] True",
        "['relu_c.diagnostics', 'relu_c.init', 'relu_c.penalties']",
    ]
    with pytest.raises(AttributeError, match="module 'relu_c' has no attribute 'nothing'"):
        relu_c.nothing  # noqa: B018
