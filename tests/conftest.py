"""What all tests in Python share: the options, the skips, and the sum at the end.

    pytest tests/regtest -k silent       tests on real nodes; -n 2: in two processes, each with a network of its own
    pytest tests/contrib                 tests of the scripts and pages in contrib/
    pytest tests --collect-only -q       their names
"""
import os
import shutil
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REGTEST = os.path.join(ROOT, "tests", "regtest")
sys.dont_write_bytecode = True
sys.path.insert(0, REGTEST)

from bench import default_plugin  # noqa: E402  (found by way of the path above)
from regtest import missing_programs, older_than  # noqa: E402


def pytest_addoption(parser):
    group = parser.getgroup("multifundchannel")
    group.addoption("--plugin", default=default_plugin(), metavar="PATH", help="default: %(default)s")
    group.addoption("--sim", metavar="PATH", help="multifundchannel-sim; default: in the plugin's build directory")
    group.addoption("--builtin", action="store_true", help="test lightningd's own multifundchannel instead")
    group.addoption("--thorough", action="store_true", help="also tests that are more of the same, as in CI")
    group.addoption("--slow", action="store_true", help="also tests that take a minute; with those of --thorough")
    group.addoption("--keep", action="store_true", help="keep the directories of nodes and tests")


def pytest_configure(config):
    # Each worker reads the command line again.
    config.option.plugin = os.path.abspath(config.option.plugin)
    build = os.path.dirname(config.option.plugin)
    config.option.sim = os.path.abspath(config.option.sim or os.path.join(build, "tests", "sim", "multifundchannel-sim"))
    quick_cli = os.path.join(build, "tests", "regtest", "quick_cli")
    config.option.quick_cli = quick_cli if os.access(quick_cli, os.X_OK) else None  # none beside an installed plugin
    if hasattr(config, "workerinput"):
        return
    if not config.option.collectonly and not os.access(config.option.plugin, os.X_OK):
        raise pytest.UsageError(f"no plugin at {config.option.plugin}: build it, or name it with --plugin or "
                                "MULTIFUNDCHANNEL_PLUGIN")


def pytest_collection_modifyitems(config, items):
    for item in items:
        reason = why_skipped(item, config.option)
        if reason:
            item.add_marker(pytest.mark.skip(reason=reason), append=False)


def why_skipped(item, option):
    for mark in item.iter_markers("slow"):
        if not option.slow:
            return f"{mark.args[0]}: --slow"
    for mark in item.iter_markers("thorough"):
        if not option.thorough and not option.slow:
            return f"{mark.args[0]}: --thorough"
    for mark in item.iter_markers("builtin_fails"):
        if option.builtin:
            return f"the builtin {mark.args[0]}"
    missing = []
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            missing += missing_programs() if program == "nodes" else [program] * (not shutil.which(program))
    if missing:
        return "not on PATH: " + ", ".join(missing)
    for mark in item.iter_markers("since"):
        version, how_it_is_before = mark.args
        if older_than(version):
            return f"before v{version} {how_it_is_before}"
    for mark in item.iter_markers("before"):
        version, how_it_is_since = mark.args
        if not older_than(version):
            return f"since v{version} {how_it_is_since}"
    return ""


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_sessionfinish(session, exitstatus):
    """The sum, alone on the last line, as contrib/check reads it."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and not session.config.option.collectonly and not hasattr(session.config, "workerinput"):
        reporter.write_line("{} passed, {} failed, {} skipped".format(*sums(reporter.stats, exitstatus)))


def sums(stats, exitstatus):
    """A test that passed and could not be cleaned up after counts once, as failed."""
    broken = {report.nodeid for kind in ("failed", "error") for report in stats.get(kind, [])}
    passed = {report.nodeid for report in stats.get("passed", [])} - broken
    harmless = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
    return len(passed), len(broken) or int(exitstatus not in harmless), len(stats.get("skipped", []))
