"""The docstrings' common frame: an activation says what is its own, a `Page` adds what all share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np

from relu_c._ufuncs import document, with_parameters

__all__ = ["Page", "page"]

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Page:
    """What the docstrings of one activation say; its methods decorate the function and its gradients.

    They take a ufunc, or the plan of a function with parameters, as `relu_c._ufuncs.with_parameters` does.

    Parameters
    ----------
    name : str
        The function's name.
    summary : str
        One line.
    formula, derivative : str
        f(x) and f'(x).
    accuracy : str
        Of the function and its gradient.
    source : str
        Where the function was introduced.
    examples : tuple of str
        A doctest for the function, its gradient and, if it exists, the gradient from the output.
    parameters : dict, optional
        Name of each parameter: its numpydoc type with default, and its meaning with its domain.
    edges : str, optional
        What happens at infinities, kinks and signed zeros.
    integers : bool, optional
        Whether integer dtypes are kept.
    output_accuracy : str, optional
        How the gradient that comes from the output differs from the one that comes from `x`.
    """

    name: str
    summary: str
    formula: str
    derivative: str
    accuracy: str
    source: str
    examples: tuple[str, ...]
    parameters: tuple[tuple[str, str, str], ...] = ()
    edges: str = ""
    integers: bool = False
    output_accuracy: str = "The gradient is the one from `x`, to the bit."

    def forward(self, function: F) -> F:
        """Document the function itself."""
        dtypes = "Integer dtypes are kept; bool is refused." if self.integers else "Integers become floats."
        return self._document(
            function,
            f"{self.summary}\n\n``{self.name}(x) = {self.formula}``",
            [
                (
                    "x",
                    "array_like",
                    f"Input of any shape; float16, bfloat16 (ml_dtypes), float32 or float64. {dtypes}",
                )
            ],
            ("y", "The result, of the broadcast shape, in the dtype of `x`; a scalar for scalar operands."),
            f"{self.edges} NaN gives NaN. {self.accuracy}",
            self.examples[0],
        )

    def grad(self, function: F) -> F:
        """Document the gradient from the input."""
        return self._document(
            function,
            f"Gradient of `{self.name}` from its input.\n\n``dx = dy * f'(x)``, ``f'(x) = {self.derivative}``",
            [
                ("dy", "array_like", "Gradient with respect to the output; 1.0 gives the derivative itself."),
                ("x", "array_like", f"The input that `{self.name}` was given; broadcasts with `dy`."),
            ],
            ("dx", "The gradient with respect to `x`, in the common dtype of `dy` and `x`."),
            "Where f'(x) is 0 the result is +0 whatever `dy` is, infinite and NaN included; NaN in `x` gives NaN. "
            f"{self.accuracy}",
            self.examples[1],
        )

    def grad_from_output(self, function: F) -> F:
        """Document the gradient from the output."""
        return self._document(
            function,
            f"Gradient of `{self.name}` from its output, for networks that ran in place.\n\n"
            f"``dx = dy * f'(x)``, ``f'(x) = {self.derivative}``, with `x` recovered from ``y = {self.name}(x)``",
            [
                ("dy", "array_like", "Gradient with respect to the output; 1.0 gives the derivative itself."),
                ("y", "array_like", f"The output of `{self.name}`; broadcasts with `dy`."),
            ],
            ("dx", "The gradient with respect to `x`, in the common dtype of `dy` and `y`."),
            f"As a function of `y` the result is as accurate as `{self.name}_grad` is as one of `x`. A `y` outside the "
            "function's range is no output, and gives +0 whatever `dy` is; NaN in `y` gives NaN. "
            f"{self.output_accuracy}",
            self.examples[2],
        )

    def _document(
        self,
        function: F,
        head: str,
        operands: list[tuple[str, str, str]],
        returns: tuple[str, str],
        notes: str,
        example: str,
    ) -> F:
        listed = [*operands, *self.parameters, *_KEYWORDS]
        raises = (
            "TypeError\n    For complex, object, string, longdouble"
            + (" and bool" if self.integers else "")
            + " operands."
        )
        if self.parameters:
            raises += "\nValueError\n    For a scalar parameter outside its domain; nothing is written then."
        text = page(
            head,
            listed,
            [(returns[0], "ndarray or scalar", returns[1])],
            raises,
            notes,
            self.source,
            example,
        )
        if isinstance(function, np.ufunc):
            document(function, text, "relu_c", function.__name__)
            return function
        return cast(F, with_parameters(function, text))


_KEYWORDS = (
    ("out", "ndarray, optional", "Where the result goes; an operand itself, for in place. A new array by default."),
    ("where", "array_like of bool, optional", "Elements to compute; the others keep what `out` holds."),
)


def page(
    head: str,
    parameters: list[tuple[str, str, str]],
    returns: list[tuple[str, str, str]],
    raises: str,
    notes: str,
    source: str,
    example: str,
) -> str:
    """Compose a docstring.

    Parameters
    ----------
    head : str
        Summary and formula.
    parameters, returns : list of tuple
        Name, type and description of each.
    raises : str
        The section's text.
    notes, source, example : str
        The texts of the sections Notes, References and Examples.

    Returns
    -------
    str
        The docstring.
    """
    return "\n\n".join(
        [
            head,
            _section("Parameters", "\n".join(_entry(*one) for one in parameters)),
            _section("Returns", "\n".join(_entry(*one) for one in returns)),
            _section("Raises", raises),
            _section("Notes", _fill(notes)),
            _section("References", _fill(source)),
            _section("Examples", ">>> import numpy as np, relu_c\n" + example),
        ]
    )


def _section(title: str, body: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{body}"


def _entry(name: str, kind: str, text: str) -> str:
    return f"{name} : {kind}\n    " + _fill(text, 84).replace("\n", "\n    ")


def _fill(text: str, width: int = 88) -> str:
    """Wrap lines as textwrap.fill does, which takes 3 ms of `import relu_c` for all pages."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)
