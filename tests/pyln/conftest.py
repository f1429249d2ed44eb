"""What pyln-testing asks of a conftest.py, beside its fixtures."""
import os

import pytest

from regtest import installed_plugins, missing_programs


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.needs("nodes"))


def pytest_configure():
    if not missing_programs() and "cln-grpc" not in installed_plugins():
        os.environ.setdefault("RUST", "0")  # else it gives lightningd options of cln-grpc


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    """Whether a test has failed, for pyln-testing: then it keeps the nodes' directory."""
    report = (yield).get_result()
    setattr(item, f"rep_{call.when}", report)
