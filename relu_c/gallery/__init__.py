"""The gallery: what the rectified linear unit does in a network, a lesson a module.

Every lesson is a short script in plain NumPy over relu_c, on real data where data matters. Its docstring teaches;
``run(quick=False)`` does the experiment and returns what it found; ``figures(results)`` says that in a line of
numbers, ``check(results)`` asserts what the lesson claims of them, and ``picture(results)`` draws them; some have a
``table(results)``. ``VERDICT`` says whether the lesson reproduced. Read `relu_c/gallery/_network.py` first: the
layers and the training loop that all of them share.

``python -m relu_c demo NAME`` runs one. They need the extra ``relu_c[demo]``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LESSONS", "Lesson", "lesson"]

LESSONS = {
    "rectifier": "the rectifier and its derivative",
    "vanishing_gradients": "sigmoid, tanh and ReLU in a network of 20 layers",
    "sparsity": "true zeros, and a penalty that makes more of them",
    "dying_relu": "units that are silent for good, and what wakes them",
    "initialisation": "He, Glorot and 1/\N{SQUARE ROOT}n through 30 layers; biases",
    "input_scaling": "inputs as they are, standardised, normalised",
    "weight_penalties": "L1 and L2 penalties against unbounded activations",
    "convolution": "filter, rectifier, pooling on images of digits",
    "recurrent": "rectified recurrent units that start as the identity",
    "family": "the whole family on one network; PReLU and ELU",
    "maxout": "maxout units with dropout",
}
"""Names of the lessons, in the order of the course, and what each is about."""


class Lesson(Protocol):
    """What the module of a lesson has."""

    __doc__: str | None
    VERDICT: str

    def run(self, quick: bool = False) -> Any:
        """Do the experiment, in a shorter form if `quick`, and return the results."""

    def figures(self, results: Any) -> str:
        """Return the results as a line of figures."""

    def check(self, results: Any) -> None:
        """Raise AssertionError unless the results show what the lesson says."""

    def picture(self, results: Any) -> Figure:
        """Draw the results."""


def lesson(name: str) -> Lesson:
    """Import the lesson of a name."""
    return cast(Lesson, importlib.import_module(f"relu_c.gallery.{name}"))
