"""How the suite itself is run."""

import os

import pytest


def test_the_tests_of_a_file_run_in_one_process(request):
    """Otherwise every process makes the fixtures and compiles the programs of all files, which takes half as long again.

    pytest-xdist marks a test that belongs to a group by the group's name behind "@"; see `conftest.py`.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("tests are not spread over processes")
    assert "@" in request.node.nodeid, "pytest-xdist and pytest do not fit each other: see the versions in pyproject.toml"


def test_contents_of_files_do_not_name_tests(request):
    """A zip file holds the time of day: two processes would collect different tests, and pytest-xdist would run none."""
    assert not [item.nodeid for item in request.session.items if "\\x" in item.nodeid or len(item.nodeid) > 350]
