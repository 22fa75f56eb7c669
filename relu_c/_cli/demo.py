"""Train a network on handwritten digits, with relu_c and with NumPy's idioms.

A multilayer perceptron (64-128-64-10) learns scikit-learn's 8x8 images: inputs
standardised, He initialisation, mini-batch gradient descent in float32, every
activation and gradient in place. Beside it the same network, from the same
seed, runs on np.maximum and dy * (y > 0). Both are tested on a quarter of the
images, held out. It takes about ten seconds.
"""

import argparse

__all__ = ["EXTRA", "add_arguments", "run"]

EXTRA = "demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how long to train and where the picture goes."""
    parser.add_argument("--seeds", type=_positive, default=5, metavar="N", help="networks to train (default: 5)")
    parser.add_argument("--epochs", type=_positive, default=40, metavar="N", help="passes over the data (default: 40)")
    parser.add_argument(
        "--output",
        default="relu_c_demo.png",
        metavar="FILE",
        help="where the learning curves go (default: relu_c_demo.png)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def run(arguments: argparse.Namespace) -> None:
    """Train, print the table and save the learning curves."""
    from relu_c._cli import digits
    from relu_c._cli.checks import can_save_picture

    can_save_picture(arguments.output)
    digits.run(arguments.seeds, arguments.epochs, arguments.output)
