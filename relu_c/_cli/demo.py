"""Train a network on handwritten digits, or run a lesson of the gallery.

Without a name, a multilayer perceptron (64-128-64-10) learns scikit-learn's 8x8
images: inputs standardised, He initialisation, mini-batch gradient descent in
float32, every activation and gradient in place. Beside it the same network,
from the same seed, runs on np.maximum and dy * (y > 0). Both are tested on a
quarter of the images, held out. It takes about ten seconds.

With a name, a lesson about the rectified linear unit: what it shows, its line
of figures, and a picture. It fails where its claims do not hold.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from relu_c._cli.checks import CommandError, all_known, can_save_picture
from relu_c.gallery import LESSONS, lesson

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["EXTRA", "add_arguments", "run"]

EXTRA = "demo"
SEEDS, EPOCHS = 5, 40
QUICK_SEEDS, QUICK_EPOCHS = 2, 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which lesson to run, how long to train and where the picture goes."""
    parser.add_argument("lesson", nargs="?", metavar="NAME", help="a lesson; the digits network without one")
    parser.add_argument("--list", action="store_true", help="list the lessons, and run nothing")
    parser.add_argument("--quick", action="store_true", help="shorter training, fewer seeds")
    parser.add_argument("--seeds", type=_positive, metavar="N", help=f"networks to train on digits (default: {SEEDS})")
    parser.add_argument("--epochs", type=_positive, metavar="N", help=f"passes over the digits (default: {EPOCHS})")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="where the picture goes (default: relu_c_demo.png, relu_c_NAME.png)",
    )
    parser.add_argument("--docs", metavar="FOLDER", help="run all lessons and write GALLERY.md and its pictures there")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def run(arguments: argparse.Namespace) -> None:
    """Run what was asked for, print what it found and save its picture."""
    name = arguments.lesson
    if name is not None:
        all_known("lesson", [name], LESSONS)
    if (name or arguments.docs) and (arguments.seeds or arguments.epochs):
        raise CommandError("--seeds and --epochs are for the digits network; lessons have --quick")
    if arguments.list:
        _list()
    elif arguments.docs:
        _document(arguments.docs, arguments.quick)
    elif name:
        _teach(name, arguments.quick, arguments.output or f"relu_c_{name}.png")
    else:
        seeds, epochs = (QUICK_SEEDS, QUICK_EPOCHS) if arguments.quick else (SEEDS, EPOCHS)
        _train(arguments.seeds or seeds, arguments.epochs or epochs, arguments.output or "relu_c_demo.png")


def _list() -> None:
    print("Lessons, python -m relu_c demo NAME:")
    for name, about in LESSONS.items():
        print(f"  {name:{max(map(len, LESSONS))}}  {about}")


def _train(seeds: int, epochs: int, output: str) -> None:
    from relu_c._cli import digits

    can_save_picture(output)
    digits.run(seeds, epochs, output)
    print()
    _list()


def _teach(name: str, quick: bool, output: str) -> None:
    from rich.console import Console

    from relu_c.gallery import _page
    from relu_c.gallery._style import save

    can_save_picture(output)
    outcome = _page.run(name, quick)
    save(outcome.figure, output)
    console = Console(highlight=False, soft_wrap=True)
    console.print((lesson(name).__doc__ or "").strip(), markup=False)
    if outcome.table:
        console.print(_table(outcome.table))
    console.print(f"\nFigures: {outcome.figures}", markup=False)
    console.print(f"Verdict: {lesson(name).VERDICT}", markup=False)
    console.print(f"Picture: {output}", markup=False)
    if outcome.failure:
        raise CommandError(f"the lesson {name} does not hold here: {outcome.failure}")


def _table(rows: Sequence[Sequence[str]]) -> Table:
    from rich.table import Table

    head, *rest = rows
    table = Table()
    table.add_column(head[0], no_wrap=True)
    for heading in head[1:]:
        table.add_column(heading, justify="right")
    for row in rest:
        table.add_row(*row)
    return table


def _document(folder: str, quick: bool) -> None:
    from relu_c.gallery import _page
    from relu_c.gallery._style import save

    pictures = Path(folder) / "gallery"
    pictures.mkdir(parents=True, exist_ok=True)
    outcomes = []
    for name in LESSONS:
        outcome = _page.run(name, quick)
        print(f"{name}: {outcome.seconds:.1f} s, {outcome.failure or 'holds'}")
        save(outcome.figure, str(pictures / f"{name}.png"))
        outcomes.append(outcome)
    failed = [outcome.name for outcome in outcomes if outcome.failure]
    if failed:
        raise CommandError(f"lessons that do not hold here: {', '.join(failed)}")
    (Path(folder) / "GALLERY.md").write_text(_page.page(outcomes), encoding="utf-8")
