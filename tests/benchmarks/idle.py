#!/usr/bin/env python3
"""Measures what the plugin costs while it does nothing: the time to its manifest, and its memory after init.

    idle.py --sim PATH --plugin PATH     ends with status 1 when a target is missed
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import process

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "regtest"))
from scenarios import SimulatedWorld  # noqa: E402

STARTS = 21
GETMANIFEST = b'{"jsonrpc":"2.0","id":"cln:getmanifest#1","method":"getmanifest","params":{}}\n\n'


def manifest_ms(plugin):
    """From starting the program to the end of its manifest."""
    environment = {**os.environ, "LIGHTNINGD_PLUGIN": "1", "LIGHTNINGD_VERSION": "v26.06.6"}
    began = time.monotonic()
    with subprocess.Popen([plugin], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=environment) as proc:
        proc.stdin.write(GETMANIFEST)
        reply = b""
        while not reply.endswith(b"\n\n"):
            chunk = proc.stdout.read(65536)
            assert chunk, f"the plugin ended after {reply!r}"
            reply += chunk
        took = time.monotonic() - began
        proc.stdin.close()
    assert "result" in json.loads(reply), reply
    return took * 1000


def idle_mib(sim, plugin):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"peers": []}, file)
        file.flush()
        with SimulatedWorld(sim, plugin, file.name) as world:
            return process.resident_mib(process.child_of(world.proc.pid, plugin))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sim", required=True)
    parser.add_argument("--plugin", required=True)
    args = parser.parse_args()

    latencies = [manifest_ms(args.plugin) for _ in range(STARTS)]
    print(f"getmanifest after {min(latencies):.1f} to {max(latencies):.1f} ms")
    missed = 0
    for text, figure, limit in [("getmanifest, median in ms", statistics.median(latencies), 20),
                                ("idle after init, MiB", idle_mib(args.sim, args.plugin), 8)]:
        missed += figure > limit
        print(f"{text}: {figure:.2f}, target at most {limit}: {'MISSED' if figure > limit else 'ok'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
