"""Errors that a user of the command line can act on, found before the work starts."""

from collections.abc import Callable, Collection, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

__all__ = ["CommandError", "all_dtypes_known", "all_known", "can_save", "can_save_picture", "list_of"]

T = TypeVar("T")


class CommandError(Exception):
    """An error to be shown as one line."""


def all_known(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise `CommandError` for the first name that is not known."""
    for name in names:
        if name not in known:
            raise CommandError(f"unknown {kind} {name!r}; known are {', '.join(known)}")


def all_dtypes_known(names: Iterable[str], known: Collection[str]) -> None:
    """Raise `CommandError` for the first dtype that is not known, or for bfloat16 where its package is missing."""
    all_known("dtype", names, known)
    if "bfloat16" in names and not find_spec("ml_dtypes"):
        install = "python -m pip install 'relu_c[bfloat16]'"
        raise CommandError(f"bfloat16 needs the package ml_dtypes; to install it: {install}")


def list_of(kind: Callable[[str], T]) -> Callable[[str], list[T]]:
    """Return what reads a list of things separated by commas."""

    def convert(text: str) -> list[T]:
        return [kind(item.strip()) for item in text.split(",")]

    return convert


def can_save(path: str) -> None:
    """Raise `CommandError` where the folder of the path does not exist."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise CommandError(f"cannot save {path}: there is no folder {folder}")


def can_save_picture(path: str) -> None:
    """Raise `CommandError` where matplotlib cannot save a picture under the path."""
    from matplotlib.backend_bases import FigureCanvasBase

    can_save(path)
    formats = FigureCanvasBase.get_supported_filetypes()
    if Path(path).suffix.removeprefix(".").lower() not in formats:
        raise CommandError(f"cannot save {path}: the name must end in one of .{', .'.join(sorted(formats))}")
