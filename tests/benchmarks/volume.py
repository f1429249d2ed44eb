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
import threading
import time

import process

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "regtest"))
from regtest import RpcError  # noqa: E402
from scenarios import SimulatedWorld  # noqa: E402

AMOUNT = 20_000  # sat
COIN = 100_000_000_000
AT_A_TIME = 20
PEERS = 3  # of a batch
REFUSES = {"phase": "start", "kind": "refuse"}


def write_scenario(path):
    peers = [{"name": f"peer{i}", "delay_ms": 0} for i in range(AT_A_TIME * PEERS)]
    peers += [{"name": f"refuses{i}", "delay_ms": 0, "fault": REFUSES} for i in range(AT_A_TIME)]
    with open(path, "w") as file:
        json.dump({"wallet": {"coins": [{"sat": COIN}] * AT_A_TIME * 2}, "peers": peers}, file)


class Caller(threading.Thread):
    """Makes batches one after the other, with peers of its own."""

    def __init__(self, world, number, batches):
        super().__init__()
        self.world, self.number, self.batches, self.done, self.error = world, number, batches, 0, None

    def run(self):
        try:
            for batch in range(self.batches):
                self.batch(batch)
                self.done += 1
        except Exception as error:
            self.error = error

    def batch(self, batch):
        ids = [self.world.ids[f"peer{self.number * PEERS + i}"] for i in range(PEERS)]
        params = {"minconf": 0, "feerate": "1000perkw"}
        kind = batch % 10
        if kind in (0, 1):
            ids[-1] = self.world.ids[f"refuses{self.number}"]
        if kind == 1:
            params["minchannels"] = 1
        if kind == 2:
            params["dryrun"] = True
        if kind == 3:
            params["label"] = f"{self.number}, {batch}"
        params["destinations"] = [{"id": node_id, "amount": AMOUNT} for node_id in ids]
        try:
            result = self.world.socket.call("multifundchannel", params)
        except RpcError:
            assert kind == 0, params
        else:
            assert kind == 2 or len(result["channel_ids"]) == PEERS - (kind == 1), result


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
            callers = [Caller(world, number, args.batches // AT_A_TIME) for number in range(AT_A_TIME)]
            for caller in callers:
                caller.start()
            while any(caller.is_alive() for caller in callers):
                time.sleep(5)
                print(sum(caller.done for caller in callers), process.resident_mib(pid), len(os.listdir(f"/proc/{pid}/fd")), process.resident_mib(world.proc.pid),process.cpu_seconds(pid), process.cpu_seconds(world.proc.pid), [c.error for c in callers if c.error][:1], flush=True)


if __name__ == "__main__":
    sys.exit(main())
