#!/usr/bin/env python3
"""Counts the instructions that the plugin takes for batches of 1,000 and of 2,000 destinations, beside the simulated
lightningd: unlike time, they are the same on a busy machine. What the plugin takes without a batch is taken off.

    instructions.py --sim PATH --plugin PATH

Under valgrind all takes fifty times as long and more. By the clock the plugin pings peers that are silent, and looks again
when an answer took long: so its clock goes fifty times slower, too.

Needs valgrind and libfaketime, and is skipped without them. Ends with status 1 when twice as many destinations take more than 2.05 times as
many instructions.
"""
import argparse
import glob
import os
import re
import shutil
import sys
import tempfile

import batches

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "regtest"))
from scenarios import SimulatedWorld  # noqa: E402

SKIPPED = 77  # as meson knows it
LIMIT = 2.05
SLOWER = 50


def faketime():
    """The library, or None."""
    found = sorted(glob.glob("/usr/lib/*/faketime/libfaketime.so.1"))
    return found[0] if found else None


def counted(args, directory, destinations):
    """Instructions of the plugin from its start to its end, with one batch; with none for 0."""
    log = os.path.join(directory, "callgrind.log")
    wrapper = os.path.join(directory, "plugin")
    with open(wrapper, "w") as file:
        file.write(f"#!/bin/sh\nLD_PRELOAD={faketime()} FAKETIME='+0 x{1 / SLOWER}' exec valgrind --tool=callgrind "
                   f"--callgrind-out-file=/dev/null --log-file={log} {os.path.abspath(args.plugin)}\n")
    os.chmod(wrapper, 0o755)
    world = os.path.join(directory, "world.json")
    batches.write_scenario(world, max(destinations, 1))
    with SimulatedWorld(args.sim, wrapper, world) as world:
        if destinations:
            batches.open_channels(world, destinations)
    with open(log) as file:
        return int(re.search(r"Collected : (\d+)", file.read()).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", required=True)
    parser.add_argument("--plugin", required=True)
    args = parser.parse_args()
    if not shutil.which("valgrind") or not faketime():
        print("skipped: valgrind or libfaketime is not there (Debian's packages valgrind and faketime)")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="mfc-instructions-") as directory:
        idle, half, large = (counted(args, directory, destinations) for destinations in (0, 1000, 2000))
    ratio = (large - idle) / (half - idle)
    print(f"million instructions: {idle / 1e6:.0f} idle, {half / 1e6:.0f} with 1,000 destinations, {large / 1e6:.0f} with 2,000")
    print(f"2,000 / 1,000 destinations: {ratio:.3f}, target at most {LIMIT}: {'MISSED' if ratio > LIMIT else 'ok'}")
    return 1 if ratio > LIMIT else 0


if __name__ == "__main__":
    sys.exit(main())
