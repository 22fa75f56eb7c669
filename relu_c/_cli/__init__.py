"""The command line: one module per subcommand.

A subcommand is a module of this package, named in `COMMANDS`. Its docstring is the help text, `EXTRA` the extra that
installs what it needs, ``add_arguments(parser)`` declares its options and ``run(arguments)`` does the work. Optional
packages are imported inside ``run``, so that every help screen works without them.
"""

import argparse
import sys
from collections.abc import Sequence

import relu_c
from relu_c._cli import bench, demo, info, plot, verify
from relu_c._cli.checks import CommandError

__all__ = ["main"]

COMMANDS = (info, verify, bench, plot, demo)
OPTIONAL = ("gmpy2", "matplotlib", "rich", "sklearn", "threadpoolctl")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(
        prog="python -m relu_c",
        description="The ReLU family for NumPy: facts, speed, pictures and a demonstration.",
    )
    parser.add_argument("--version", action="version", version=f"relu_c {relu_c.__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in COMMANDS:
        name = command.__name__.rpartition(".")[2]
        text = command.__doc__ or ""
        subparser = subparsers.add_parser(
            name,
            help=text.partition("\n")[0],
            description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run, name=name, extra=command.EXTRA)
    arguments = parser.parse_args(argv)
    if "run" not in arguments:
        parser.print_help()
        return 0
    try:
        arguments.run(arguments)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in OPTIONAL:
            raise
        install = f"python -m pip install 'relu_c[{arguments.extra}]'"
        return _fail(f"{arguments.name} needs the package {package}; to install it: {install}")
    except (CommandError, OSError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail("interrupted")
    return 0


def _fail(message: str) -> int:
    print(f"relu_c: error: {message}", file=sys.stderr)
    return 1
