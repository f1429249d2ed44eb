#!/usr/bin/env python3
"""Runs many batches in one process of the plugin, beside the simulated lightningd, and looks at its memory and its file
descriptors meanwhile.

    volume.py --sim PATH --plugin PATH [--batches N]     100,000 by default, 20 at a time

Each batch has three peers. Every tenth batch fails, since one of its peers refuses; every tenth goes on without that peer;
every tenth is a preview; every tenth has a label. Ends with status 1 when the plugin has more than a tenth more memory at
the end than after a tenth of the batches, or more descriptors.
"""
import argparse
import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import process

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "regtest"))
from regtest import RpcError  # noqa: E402
from scenarios import SimulatedWorld  # noqa: E402

AMOUNT = 20_000  # sat
COIN = 100_000_000_000
AT_A_TIME = 20
A_ROUND = 400  # batches; then the simulated lightningd forgets their channels
PEERS = 3  # of a batch
GROWTH = 1.1
REFUSES = {"phase": "start", "kind": "refuse"}


def write_scenario(path):
    peers = [{"name": f"peer{i}", "delay_ms": 0} for i in range(AT_A_TIME * PEERS)]
    peers += [{"name": f"refuses{i}", "delay_ms": 0, "fault": REFUSES} for i in range(AT_A_TIME)]
    with open(path, "w") as file:
        json.dump({"wallet": {"coins": [{"sat": COIN}] * AT_A_TIME * 2}, "peers": peers}, file)


class Figures:
    """Of the plugin's process."""

    def __init__(self, pid):
        self.memory, self.descriptors = process.resident_mib(pid), len(os.listdir(f"/proc/{pid}/fd"))

    def __str__(self):
        return f"{self.memory:6.1f} MiB, {self.descriptors} descriptors"


def run_batch(world, caller, number):
    """The caller has peers of its own."""
    ids = [world.ids[f"peer{caller * PEERS + i}"] for i in range(PEERS)]
    params = {"minconf": 0, "feerate": "1000perkw"}
    kind = number % 10
    if kind in (0, 1):
        ids[-1] = world.ids[f"refuses{caller}"]
    if kind == 1:
        params["minchannels"] = 1
    if kind == 2:
        params["dryrun"] = True
    if kind == 3:
        params["label"] = f"{caller}, {number}"
    params["destinations"] = [{"id": node_id, "amount": AMOUNT} for node_id in ids]
    try:
        result = world.socket.call("multifundchannel", params)
    except RpcError:
        assert kind == 0, params
    else:
        assert kind == 2 or len(result["channel_ids"]) == PEERS - (kind == 1), result


def run(world, pid, batches):
    """Gives the figures after a tenth of the batches, and at the end."""
    early = None
    for done in range(0, batches, A_ROUND):
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            for result in [pool.submit(lambda c=caller: [run_batch(world, c, done + i) for i in range(A_ROUND // AT_A_TIME)])
                           for caller in range(AT_A_TIME)]:
                result.result()
        world.socket.call("sim-forget", {})
        figures = Figures(pid)
        if not early and done >= batches // 10:
            early = figures
        if done % 10_000 == 0:
            print(f"{done + A_ROUND:7} batches: {figures}", flush=True)
    return early, Figures(pid)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", required=True)
    parser.add_argument("--plugin", required=True)
    parser.add_argument("--batches", type=int, default=100_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mfc-volume-") as directory:
        scenario = os.path.join(directory, "world.json")
        write_scenario(scenario)
        with SimulatedWorld(args.sim, args.plugin, scenario) as world:
            pid = process.child_of(world.proc.pid, args.plugin)
            early, late = run(world, pid, args.batches)
    print(f"after a tenth of {args.batches} batches: {early}; at the end: {late}")
    grown = late.memory > GROWTH * early.memory or late.descriptors > early.descriptors
    print(f"at most {GROWTH} times the memory, and no more descriptors: {'MISSED' if grown else 'ok'}")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
