"""Show the version, the instruction sets, the compiler and the threads."""

import argparse

__all__ = ["EXTRA", "add_arguments", "run"]

EXTRA = "cli"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the command has no options."""


def run(arguments: argparse.Namespace) -> None:
    """Print the configuration as a table."""
    from rich.console import Console
    from rich.table import Table

    from relu_c._config import configuration

    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in configuration().items():
        table.add_row(name, value)
    Console().print(table)
