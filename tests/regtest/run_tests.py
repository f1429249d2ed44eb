#!/usr/bin/env python3
"""Runs the tests on real nodes. Prints a line per test and, alone at the end, `N passed, N failed, N skipped`.

Without lightningd, lightning-cli, bitcoind and bitcoin-cli on PATH every test is skipped (and the exit status is 0).
"""
import argparse
import os
import sys
import time
import traceback

import test_scenarios  # noqa: F401  importing a test file registers its tests; this one's need the coins intact
import test_amounts  # noqa: F401
import test_batches  # noqa: F401
import test_dry_run  # noqa: F401
import test_failures  # noqa: F401
import test_interruptions  # noqa: F401
import test_meanwhile  # noqa: F401
import test_names  # noqa: F401
import test_observing  # noqa: F401
import test_parameters  # noqa: F401
import test_parity  # noqa: F401
import test_policy  # noqa: F401
import test_records  # noqa: F401
import test_recovery  # noqa: F401
import test_sending  # noqa: F401
import test_silence  # noqa: F401
import test_two_batches  # noqa: F401
from bench import TESTS, Bench, Skip, default_plugin, plugin_lines
from regtest import Network, missing_programs

LOG_LINES = 60


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="run tests with exactly these names")
    parser.add_argument("-k", metavar="PATTERN", help="run tests whose name contains this")
    parser.add_argument("--list", action="store_true", help="print the names and exit")
    parser.add_argument("--plugin", default=default_plugin(), help="default: %(default)s")
    parser.add_argument("--builtin", action="store_true", help="test lightningd's own multifundchannel instead")
    parser.add_argument("--slow", action="store_true", help="also those that take a minute")
    parser.add_argument("--keep", action="store_true", help="keep the nodes' directories")
    return parser.parse_args()


def selected(arguments):
    return [t for t in TESTS
            if (not arguments.names or t[0] in arguments.names) and (not arguments.k or arguments.k in t[0])]


def why_all_are_skipped(arguments):
    missing = missing_programs()
    if missing:
        return "not on PATH: " + ", ".join(missing)
    return ""


def first_line(error):
    """In case that this line is all that is kept."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]


class Runner:
    def __init__(self):
        self.counts = {"ok": 0, "FAILED": 0, "skipped": 0}

    def report(self, name, outcome, seconds=0.0, note=""):
        self.counts[outcome] += 1
        print(f"{outcome:8} {seconds:6.1f} s  {name}{'  (' + note + ')' if note else ''}", flush=True)

    def run(self, bench, name, function, builtin_fails):
        if builtin_fails and not bench.plugin:
            return self.report(name, "skipped", note=f"the builtin {builtin_fails}")
        started, log_start = time.monotonic(), bench.funder.log_size()
        try:
            self._run_and_check(bench, function)
        except Skip as e:
            self.report(name, "skipped", time.monotonic() - started, str(e))
        except Exception as e:
            self.report(name, "FAILED", time.monotonic() - started, first_line(e))
            traceback.print_exc(file=sys.stdout)
            lines = plugin_lines(bench.funder.log(log_start), bench.plugin)
            print("\n".join(["--- from the funder's log:", *lines[-LOG_LINES:], "---"]), flush=True)
        else:
            self.report(name, "ok", time.monotonic() - started)

    @staticmethod
    def _run_and_check(bench, function):
        try:
            function(bench)
            bench.check_nothing_left()
        finally:
            bench.behave()
            bench.forget_channels()

    def summary(self):
        print(f"{self.counts['ok']} passed, {self.counts['FAILED']} failed, {self.counts['skipped']} skipped")
        return 1 if self.counts["FAILED"] else 0


def main():
    arguments = parse_arguments()
    tests = selected(arguments)
    if arguments.list:
        print("\n".join(name for name, _, _ in tests))
        return 0
    if not tests:
        print("no such test")
        return 2
    runner = Runner()
    reason = why_all_are_skipped(arguments)
    if reason:
        for name, _, _ in tests:
            runner.report(name, "skipped", note=reason)
        return runner.summary()
    plugin = None if arguments.builtin else os.path.abspath(arguments.plugin)
    if plugin and not os.access(plugin, os.X_OK):
        print(f"no plugin at {plugin}: build it, or name it with --plugin or MULTIFUNDCHANNEL_PLUGIN")
        return 2
    with Network(arguments.keep) as net:
        bench = Bench(net, plugin, test_scenarios.coins(), arguments.slow)
        for name, function, builtin_fails in tests:
            runner.run(bench, name, function, builtin_fails)
    return runner.summary()


if __name__ == "__main__":
    sys.exit(main())
