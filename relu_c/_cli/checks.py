"""Errors that a user of the command line can act on, found before the work starts."""

from collections.abc import Collection, Iterable
from pathlib import Path

__all__ = ["CommandError", "all_known", "can_save", "can_save_picture"]


class CommandError(Exception):
    """An error to be shown as one line."""


def all_known(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    """Raise `CommandError` for the first name that is not known."""
    for name in names:
        if name not in known:
            raise CommandError(f"unknown {kind} {name!r}; known are {', '.join(known)}")


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
