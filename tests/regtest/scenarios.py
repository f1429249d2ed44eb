#!/usr/bin/env python3
"""Runs scenario files (tests/scenarios/*.json) on real nodes or on the simulated lightningd, expecting the same.

    scenarios.py --sim PATH [--plugin PATH] [FILE...]     the simulation; all files by default
On real nodes test_scenarios.py runs them.

A file: {"about", "wallet": {"coins": [{"sat", "confirmed": true}]}, "options": {plugin option: value},
"peers": [{"name", "connected": false, "delay_ms": 0, "fault": {"phase", "kind", "once": false}}],
"calls": [{"method", "params", "together": false, "builtin_agrees": true, "expect"}], "after": {"reserved", "opening"}}.
In the simulation also {"seed", "feerate", "floor", "features", "broadcast", "rpc_faults": [{"what": "refused", "method",
"from": 1, "count": 1, "delay_ms", "code": -1, "text"}]}: see Reader in tests/sim/scenario.cpp.
In params "$a" is the id of peer a and "$a@" its id and address. A call with "together" runs at the same time as the one
before. `expect` is {"channels": [names], "failed": [{"peer", "method", "code"}]} or
{"error": {"code", "message", "peer", "method"}}; what is left out may be anything.
"""
import argparse
import glob
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

from bench import default_plugin
from regtest import RpcError, RpcSocket, in_parallel

SCENARIOS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenarios")


def files():
    return sorted(glob.glob(os.path.join(SCENARIOS, "*.json")))


def name_of(path):
    return os.path.splitext(os.path.basename(path))[0].replace("_", " ")


def load(path):
    with open(path) as f:
        return json.load(f)


def wallet_coins(scenario):
    return scenario.get("wallet", {}).get("coins", [{"sat": 100_000_000}])


def confirmed_coins(scenario):
    return [c for c in wallet_coins(scenario) if c.get("confirmed", True)]


def coins_of_all():
    """What a wallet needs for all files, in sat."""
    return [c["sat"] for path in files() for c in confirmed_coins(load(path))]


def expand(value, ids, addresses):
    """Puts ids and addresses for "$name" and "$name@"."""
    if isinstance(value, dict):
        return {k: expand(v, ids, addresses) for k, v in value.items()}
    if isinstance(value, list):
        return [expand(v, ids, addresses) for v in value]
    if isinstance(value, str) and value.startswith("$"):
        name = value[1:].rstrip("@")
        return f"{ids[name]}@{addresses[name]}" if value.endswith("@") else ids[name]
    return value


def groups(calls):
    """Lists of calls that run at the same time."""
    result = []
    for call in calls:
        if call.get("together"):
            result[-1].append(call)
        else:
            result.append([call])
    return result


def check_outcome(outcome, expect, ids):
    names = {node_id: name for name, node_id in ids.items()}
    if "error" in expect:
        assert isinstance(outcome, RpcError), f"succeeded: {outcome}"
        return check_error(outcome, expect["error"], names)
    if isinstance(outcome, RpcError):
        raise outcome
    opened = [names[c["id"]] for c in outcome["channel_ids"]]
    assert opened == expect["channels"], opened
    failed = {names[f["id"]]: f for f in outcome["failed"]}
    assert sorted(failed) == sorted(e["peer"] for e in expect.get("failed", [])), failed
    for wanted in expect.get("failed", []):
        got = failed[wanted["peer"]]
        assert got["method"] == wanted.get("method", got["method"]), got
        assert got["error"]["code"] == wanted.get("code", got["error"]["code"]), got
    return None


def check_error(error, wanted, names):
    assert error.code == wanted.get("code", error.code), error
    assert wanted.get("message", "") in error.message, error
    if "peer" in wanted:
        assert names.get(error.data["id"]) == wanted["peer"], error
    if "method" in wanted:
        assert error.data["method"] == wanted["method"], error


def run(scenario, world):
    """Does the calls and checks every expectation; returns what each call ended with."""
    ids, addresses = world.ids, world.addresses
    outcomes = []
    for group in groups(scenario["calls"]):
        calls = [lambda c=c: world.rpc(c.get("method", "multifundchannel"), expand(c["params"], ids, addresses))
                 for c in group]
        for call, outcome in zip(group, in_parallel(calls)):
            check_outcome(outcome, call["expect"], ids)
            outcomes.append(outcome)
        world.settle()
    world.check_after(scenario.get("after", {}))
    return outcomes


class SimulatedWorld:
    """multifundchannel-sim with the scenario's file. A context manager; owns the process and its directory."""

    def __init__(self, sim, plugin, path):
        self.directory = tempfile.mkdtemp(prefix="mfc-sim-")
        self.proc = subprocess.Popen(
            [sim, "--plugin", plugin, "--dir", self.directory, "--scenario", path],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.socket = RpcSocket(self.directory)
        self.ids, self.addresses = {}, {}
        self._spent = set()  # outpoints spent by what was sent

    def __enter__(self):
        try:
            ready = self.proc.stdout.readline().strip()
            assert ready == "ready", f"the simulation said {ready!r}"
            self.ids = self.rpc("sim-peers", {})
            self.addresses = {name: "127.0.0.1:9735" for name in self.ids}
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.proc.stdin.close()
        try:
            self.proc.wait(20)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        self.proc.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def rpc(self, method, params):
        result = self.socket.call(method, params)
        if "tx" in result:
            self._spent |= set(inputs_of(result["tx"]))
        return result

    def settle(self):
        """What a slow peer's undoing still holds may come free after the answer."""
        self._wait_for_state({})

    def check_after(self, after):
        self._wait_for_state(after)

    def _wait_for_state(self, after):
        end = time.monotonic() + 20
        while True:
            state = self.rpc("sim-state", {})
            problems = self._problems(state, after)
            if not problems:
                return
            assert time.monotonic() < end, f"{problems} in {json.dumps(state)[:3000]}"
            time.sleep(0.05)

    def _problems(self, state, after):
        reserved = {f"{o['txid']}:{o['output']}" for o in self.rpc("listfunds", {})["outputs"] if o["reserved"]}
        left = reserved - self._spent
        unsent = [c for c in state["channels"] if c["funding_txid"] not in state["sent"]]
        return [text for text, wrong in {
            f"reserved: {left}": len(left) != after.get("reserved", 0),
            f"{state['openings']} openings": state["openings"] != after.get("opening", 0),
            f"channels without a sent transaction: {unsent}": bool(unsent),
            f"violations: {state['violations']}": bool(state["violations"]),
        }.items() if wrong]


def inputs_of(tx):
    """The outpoints that a signed transaction (hex) spends."""
    stream = io.BytesIO(bytes.fromhex(tx))
    stream.read(6)  # version, segwit marker and flag
    for _ in range(read_size(stream)):
        txid, vout = stream.read(32)[::-1].hex(), int.from_bytes(stream.read(4), "little")
        stream.read(read_size(stream) + 4)  # scriptSig, sequence
        yield f"{txid}:{vout}"


def read_size(stream):
    """Bitcoin's CompactSize."""
    first = stream.read(1)[0]
    return first if first < 253 else int.from_bytes(stream.read({253: 2, 254: 4, 255: 8}[first]), "little")


def plugin_options(plugin):
    """The names of the options that the plugin has."""
    request = {"jsonrpc": "2.0", "id": "0", "method": "getmanifest", "params": {"allow-deprecated-apis": False}}
    done = subprocess.run([plugin], input=json.dumps(request) + "\n\n", capture_output=True, text=True, timeout=20,
                          env={**os.environ, "LIGHTNINGD_PLUGIN": "1"}, check=False)
    decoder, text = json.JSONDecoder(), done.stdout.strip()
    while text:
        message, end = decoder.raw_decode(text)
        if message.get("id") == "0":
            return {option["name"] for option in message["result"]["options"]}
        text = text[end:].strip()
    raise RuntimeError(f"no manifest from {plugin}: {done.stderr}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", default=files())
    parser.add_argument("--sim", required=True, help="path of multifundchannel-sim")
    parser.add_argument("--plugin", default=default_plugin())
    arguments = parser.parse_args()
    counts = {"ok": 0, "FAILED": 0, "skipped": 0}
    known = plugin_options(arguments.plugin)
    for path in arguments.files:
        started = time.monotonic()
        try:
            outcome = run_simulated(load(path), known, arguments, path)
        except Exception:
            outcome = "FAILED"
            traceback.print_exc(file=sys.stdout)
        counts[outcome] += 1
        print(f"{outcome:8} {time.monotonic() - started:6.1f} s  {name_of(path)}", flush=True)
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped")
    return 1 if counts["FAILED"] else 0


def run_simulated(scenario, known_options, arguments, path):
    if not set(scenario.get("options", {})) <= known_options:
        return "skipped"
    with SimulatedWorld(arguments.sim, os.path.abspath(arguments.plugin), path) as world:
        run(scenario, world)
    return "ok"


if __name__ == "__main__":
    sys.exit(main())
