#!/usr/bin/env python3
"""Measures the plugin with batches of many destinations, beside the simulated lightningd and without any delays.

    batches.py --sim PATH --plugin PATH [--rounds N] [DESTINATIONS...]     10, 100, 1000 and 2000 destinations by default

CPU time ("sys s": what of it the kernel used), memory and bytes are the plugin's own. Of several rounds the table shows
the one with the least CPU time: others were disturbed. Ends with status 1 when a target is missed. A build with sanitizers
or without optimisation makes the figures meaningless.
"""
import argparse
import json
import os
import sys
import tempfile
import time
from collections import namedtuple

import process

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "regtest"))
from scenarios import SimulatedWorld  # noqa: E402

AMOUNT = 100_000  # sat
COIN = 50_000_000

Figures = namedtuple("Figures", "destinations wall cpu system peak_mib written")


def scenario(destinations):
    coins = 10 + destinations * AMOUNT // COIN
    return {
        "wallet": {"coins": [{"sat": COIN}] * coins},
        "peers": [{"name": f"peer{i}", "delay_ms": 0} for i in range(destinations)],
    }


def write_scenario(path, destinations):
    with open(path, "w") as file:
        json.dump(scenario(destinations), file)


def measure(args, destinations):
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "world.json")
        write_scenario(path, destinations)
        with SimulatedWorld(args.sim, args.plugin, path) as world:
            return run_batch(world, args.plugin, destinations)


def open_channels(world, destinations):
    """Returns the seconds that it took."""
    params = {"destinations": [{"id": node_id, "amount": AMOUNT} for node_id in world.ids.values()]}
    began = time.monotonic()
    result = world.rpc("multifundchannel", params)
    wall = time.monotonic() - began
    assert len(result["channel_ids"]) == destinations and result["failed"] == [], result["failed"]
    return wall


def run_batch(world, plugin, destinations):
    pid = process.child_of(world.proc.pid, plugin)
    cpu, system, written = usage(pid)
    wall = open_channels(world, destinations)
    cpu, system, written = (after - before for after, before in zip(usage(pid), (cpu, system, written)))
    world.check_after({})
    return Figures(destinations, wall, cpu, system, process.peak_resident_mib(pid), written)


def usage(pid):
    return process.cpu_seconds(pid), process.system_seconds(pid), process.bytes_written(pid)


def best(rounds):
    """Time from the quickest round, memory from the greediest."""
    return min(rounds, key=lambda f: f.cpu)._replace(peak_mib=max(f.peak_mib for f in rounds))


def print_row(f):
    print(f"{f.destinations:12} {f.wall:8.3f} {f.cpu:8.3f} {f.system:8.2f} {f.peak_mib:9.1f} {f.written / 1e6:11.1f}",
          flush=True)


def targets(by_size):
    """Each target that was measured: its text, the figure and the limit."""
    large, half = by_size.get(2000), by_size.get(1000)
    if not large:
        return
    yield "CPU time of 2,000 destinations, s", large.cpu, 2.0
    yield "peak memory of 2,000 destinations, MiB", large.peak_mib, 64.0
    if half:
        yield "CPU time of 2,000 / CPU time of 1,000", large.cpu / half.cpu, 2.5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", required=True)
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("destinations", type=int, nargs="*", default=[10, 100, 1000, 2000])
    args = parser.parse_args()

    print("destinations   wall s    CPU s    sys s  peak MiB  MB written")
    by_size = {}
    for destinations in args.destinations:
        by_size[destinations] = best([measure(args, destinations) for _ in range(args.rounds)])
        print_row(by_size[destinations])
    missed = 0
    for text, figure, limit in targets(by_size):
        missed += figure > limit
        print(f"{text}: {figure:.2f}, target at most {limit:g}: {'MISSED' if figure > limit else 'ok'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
