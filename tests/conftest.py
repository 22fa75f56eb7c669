"""Options and fixtures of the whole suite."""

import pytest

from relu_c._ufuncs import _use_isa, available_instruction_sets, instruction_set


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="also run what takes minutes or gigabytes")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))


@pytest.fixture(params=available_instruction_sets())
def isa(request):
    """Each instruction set that this machine can run, in use for the length of a test."""
    before = instruction_set()
    _use_isa(request.param)
    yield request.param
    _use_isa(before)
