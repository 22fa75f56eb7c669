"""Running lessons, and the page of all of them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from time import process_time
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from relu_c.gallery import LESSONS, lesson

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Outcome", "experiment", "page", "run"]

INTRODUCTION = """\
# Gallery

What the rectified linear unit does in a network, in {count} lessons: plain NumPy over relu_c, on real data where data
matters. Each is a module of [relu_c/gallery](../relu_c/gallery), to be read beside
[the layers and the training loop](../relu_c/gallery/_network.py) that they share, and holds its claims with assertions.
`python -m relu_c demo NAME` runs one, in seconds. Where a lesson of the textbooks does not reproduce, it says so with
its figures.

`python -m relu_c demo --docs docs` wrote this page.

| lesson | about | reproduced? | processor time |
|---|---|---|---|
"""


@dataclass
class Outcome:
    """What a lesson came to.

    Parameters
    ----------
    name : str
        Its name.
    figures : str
        Its line of figures.
    table : list of sequence of str
        Its table under a row of headings; empty for most.
    figure : matplotlib.figure.Figure
        Its picture.
    failure : str
        Which of its claims does not hold; empty if all do.
    seconds : float
        Processor time of the experiment.
    """

    name: str
    figures: str
    table: Sequence[Sequence[str]]
    figure: Figure
    failure: str
    seconds: float


def experiment(name: str, quick: bool) -> tuple[Any, float]:
    """Do a lesson's experiment, and return its results and the processor time.

    On one thread: the matrices are small, and the order of sums does not depend on the number of processors then.
    """
    with threadpool_limits(1):
        start = process_time()
        results = lesson(name).run(quick)
        return results, process_time() - start


def run(name: str, quick: bool) -> Outcome:
    """Run a lesson, with all that it has to say."""
    module = lesson(name)
    results, seconds = experiment(name, quick)
    failure = ""
    try:
        module.check(results)
    except AssertionError as error:
        failure = str(error)
    table = module.table(results) if hasattr(module, "table") else []
    return Outcome(name, module.figures(results), table, module.picture(results), failure, seconds)


def page(outcomes: Sequence[Outcome]) -> str:
    """Return the page, which shows the pictures gallery/NAME.png."""
    rows = "".join(
        f"| [{o.name}](#{o.name}) | {LESSONS[o.name]} | {lesson(o.name).VERDICT} | {o.seconds:.0f} s |\n"
        for o in outcomes
    )
    return INTRODUCTION.format(count=len(outcomes)) + rows + "".join(map(_section, outcomes))


def _section(outcome: Outcome) -> str:
    title, _, text = inspect.cleandoc(lesson(outcome.name).__doc__ or "").partition("\n\n")
    name = outcome.name
    parts = [
        f"\n## {name}",
        f"**{title}**",
        text,
        f"![{title}](gallery/{name}.png)",
        f"In figures: {outcome.figures}.",
    ]
    if outcome.table:
        head, *rows = outcome.table
        lines = [head, ["---"] * len(head), *rows]
        parts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    parts.append(f"Code: [relu_c/gallery/{name}.py](../relu_c/gallery/{name}.py)")
    return "\n\n".join(parts) + "\n"
