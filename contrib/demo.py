#!/usr/bin/env python3
"""The demo itself: opens channels and draws what happened when. contrib/demo builds, then runs this.

The times come from the plugin's lines in lightningd's log.
"""
import argparse
import contextlib
import datetime
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import namedtuple

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLUGIN = os.path.join(ROOT, "build", "multifundchannel")
SIMULATION = os.path.join(ROOT, "build", "tests", "sim", "multifundchannel-sim")
sys.path.insert(0, os.path.join(ROOT, "tests", "regtest"))
sys.dont_write_bytecode = True

from bench import UNREACHABLE_IDS  # noqa: E402  (found by way of the path above)
from regtest import Network, RpcError, free_port, missing_programs, wait_for  # noqa: E402
from scenarios import SimulatedWorld  # noqa: E402

# `about`: how far away the peer is, or what is wrong with it.
Peer = namedtuple("Peer", "about id address amount")
# A node with the plugin and its peers. rpc(method, params); log() gives the plugin's lines as (ms, text);
# aftermath() says in a sentence what became of it.
Stage = namedtuple("Stage", "peers rpc log aftermath")

REFUSES, NOBODY = "refuses", "unreachable"


# --- Real nodes ---

REAL_DELAYS = {"near": 0.02, "a": 0.06, REFUSES: 0.08, "b": 0.10, "c": 0.14, NOBODY: None, "far": 0.18}
COINS = [3_000_000, 3_000_000, 4_000_000]  # sat
LOG_LINE = re.compile(r"(\S+Z) \w+\s+plugin-multifundchannel: (.*)")


@contextlib.contextmanager
def real_nodes():
    with Network() as net:
        funder = net.node("funder", [f"--plugin={PLUGIN}"])
        nodes = [net.node(f"peer-{name}", lean=True, faulty=name == REFUSES)
                 for name, delay in REAL_DELAYS.items() if delay is not None]
        with doing(f"starting bitcoind, a lightningd with the plugin, and {len(nodes)} peers"):
            net.start([funder, *nodes])
        with doing(f"giving it {len(COINS)} coins"):
            net.fund(funder, COINS)
        in_line, peers = iter(nodes), []
        for i, (name, delay) in enumerate(REAL_DELAYS.items()):
            amount = 500_000 + 100_000 * i
            if delay is None:
                peers.append(Peer(name, UNREACHABLE_IDS[0], f"127.0.0.1:{free_port()}", amount))
                continue
            node = next(in_line)
            if name == REFUSES:
                node.set_fault("start", "refuse")
            about = name if name == REFUSES else f"{delay * 1000:.0f} ms away"
            peers.append(Peer(about, node.id, f"127.0.0.1:{net.doors.delayed(node.port, delay)}", amount))
        since = funder.log_size()
        yield Stage(peers, funder.rpc, lambda: real_log(funder, since),
                    lambda: real_aftermath(net, funder))


def real_log(node, since):
    found = [LOG_LINE.match(line) for line in node.log(since).splitlines()]
    return [(datetime.datetime.fromisoformat(line[1]).timestamp() * 1000, line[2]) for line in found if line]


def real_aftermath(net, funder):
    with doing("mining six blocks"):
        net.mine(6)
        wait_for(lambda: {c["state"] for c in funder.channels()} == {"CHANNELD_NORMAL"}, "channels ready for use")
    return f"{len(funder.channels())} channels are CHANNELD_NORMAL, {len(funder.reserved()) or 'no'} coin is reserved"


# --- The simulated lightningd ---

SIMULATED_PEERS, REFUSING, UNREACHABLE = 20, 6, 13


@contextlib.contextmanager
def simulated_node():
    scenario = {"wallet": {"coins": [{"sat": 9_000_000}] * 3}, "peers": []}
    for i in range(SIMULATED_PEERS):
        peer = {"name": f"{10 + i * 7 % SIMULATED_PEERS * 8} ms away", "delay_ms": 10 + i * 7 % SIMULATED_PEERS * 8}
        if i == REFUSING:
            peer |= {"name": REFUSES, "fault": {"phase": "start", "kind": "refuse"}}
        elif i == UNREACHABLE:
            peer |= {"name": NOBODY, "fault": {"phase": "connect", "kind": "unreachable"}}
        scenario["peers"].append(peer)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(scenario, file)
        file.flush()
        with doing(f"starting the simulated lightningd with the plugin and {SIMULATED_PEERS} peers"):
            world = SimulatedWorld(SIMULATION, PLUGIN, file.name)
        with world:
            peers = [Peer(name, world.ids[name], world.addresses[name], 500_000 + 50_000 * i)
                     for i, name in enumerate(p["name"] for p in scenario["peers"])]
            yield Stage(peers, world.rpc, lambda: simulated_log(world), lambda: simulated_aftermath(world))


def simulated_log(world):
    found = [re.match(r"(\d+) ms \w+ (.*)", line) for line in world.rpc("sim-state", {})["log"]]
    return [(int(line[1]), line[2]) for line in found if line]


def simulated_aftermath(world):
    world.settle()  # raises if something is left
    state = world.rpc("sim-state", {})
    return f"{len(state['channels'])} channels await their blocks, no coin is left reserved, no opening is half done"


# --- What happened when ---

# How the plugin's lines begin or end, and what they mean.
BATCH_LINES = {"begin": r"\d+ destinations, id ", "reserved": "reserved$", "all started": "all .* have started",
               "secured": "all .* are secured$", "signed": "signed$", "sending": "sending ", "end": "(done|failed)"}
PEER_LINES = {"connected": "connected$", "started": "started", "completed": "completed$", "failed": r"\w+ failed: "}
CONNECT, START, COMPLETE, WALLET, WAITS, FAILS = "-=#*.x"
COLOURS = {CONNECT: 36, START: 33, COMPLETE: 32, WALLET: 35, WAITS: 90, FAILS: 31}


class History:
    """The times (ms) of a batch's events and those of its peers, by destination."""

    def __init__(self, lines):
        self.batch, self.peers = {}, {}
        for ms, text in lines:
            line = re.match(r"batch [0-9a-f]+(?: peer (\d+) \(.*?\))?: (.*)", text)
            if not line:
                continue
            events = self.batch if line[1] is None else self.peers.setdefault(int(line[1]), {})
            for event, pattern in (BATCH_LINES if line[1] is None else PEER_LINES).items():
                if re.match(pattern, line[2]):
                    events[event] = ms
        self.begin = self.batch.get("begin", 0)
        self.end = self.batch.get("end", self.begin)

    def milliseconds(self):
        return self.end - self.begin

    def bar(self, mark, begin, end):
        """A list with one bar, or with none if it never came to that."""
        if begin not in self.batch:
            return []
        return [(mark, self.batch[begin], self.batch.get(end, self.end))]

    def peer_bars(self, index):
        peer, batch = self.peers.get(index, {}), self.batch
        stopped = peer.get("failed", self.end)
        connected, started = peer.get("connected"), peer.get("started")
        bars = [(CONNECT, self.begin, connected or stopped)]
        if connected and "reserved" in batch:
            bars.append((START, max(connected, batch["reserved"]), started or stopped))
        if started and "all started" in batch:
            bars.append((COMPLETE, batch["all started"], peer.get("completed", stopped)))
        return bars, "failed" in peer


def draw_timeline(history, peers):
    left = 20
    columns = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 120) - left - 1
    scale = columns / max(history.milliseconds(), 1)

    def row(label, bars, failed=False):
        cells = [" "] * (columns + 1)
        at = [(mark, int((begin - history.begin) * scale), int((end - history.begin) * scale))
              for mark, begin, end in bars]
        for (_, _, end), (_, begin, _) in zip(at, at[1:]):
            cells[end:begin] = WAITS * (begin - end)
        for mark, begin, end in at:
            cells[begin:max(end, begin + 1)] = mark * max(end - begin, 1)
        if failed:
            cells[min(max(at[-1][2], at[-1][1] + 1), columns - 1)] = FAILS
        print((f"  {label:{left - 2}}" + coloured("".join(cells[:columns]))).rstrip())

    print_axis(left, columns, scale, history.milliseconds())
    row("reserve", history.bar(WALLET, "begin", "reserved"))
    for index, peer in enumerate(peers):
        row(f"{index:2}  {peer.about}", *history.peer_bars(index))
    row("sign", history.bar(WALLET, "secured", "signed"))
    row("send", history.bar(WALLET, "sending", "end"))
    legend = {CONNECT: "connect (ten at a time)", START: "fundchannel_start", COMPLETE: "fundchannel_complete",
              WAITS: "waits", FAILS: "fails", WALLET: "wallet"}
    print("\n  " + "  ".join(f"{coloured(mark)} {meaning}" for mark, meaning in legend.items()))


def print_axis(left, columns, scale, total):
    """Four to ten round numbers."""
    step = next(s for n in range(6) for s in (10**n, 2 * 10**n, 5 * 10**n) if total / s <= 8 and s * scale >= 8)
    numbers, line = [" "] * (columns + 10), ["-"] * columns
    for ms in range(0, int(total) + 1, step):
        column = min(int(ms * scale), columns - 1)
        text = f"{ms} ms"
        numbers[column:column + len(text)] = text
        line[column] = "|"
    print(" " * left + "".join(numbers).rstrip())
    print(" " * left + "".join(line))


# --- Words ---

IN_COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def colour(text, code):
    return f"\033[{code}m{text}\033[0m" if IN_COLOUR else text


def coloured(cells):
    return re.sub(r"([-=#*.x])\1*", lambda run: colour(run[0], COLOURS[run[1]]), cells)


def heading(text):
    print("\n" + colour(text, 1))


@contextlib.contextmanager
def doing(what):
    print(f"  {what} ...", end="", flush=True)
    begin = time.monotonic()
    try:
        yield
    except BaseException:
        print()
        raise
    print(f" {time.monotonic() - begin:.1f} s", flush=True)


def short(hex_text):
    return hex_text[:8] + ".." + hex_text[-4:]  # the channels of one transaction differ in the last digits only


def without_long_hex(text):
    return re.sub(r"[0-9a-f]{64,66}", lambda found: short(found[0]), text).strip()


def print_call(peers, minchannels):
    lines = [json.dumps({"id": f"{short(p.id)}@{p.address}", "amount": p.amount}) + "," for p in peers]
    lines[-1] = lines[-1][:-1] + "]'"
    if len(lines) > 8:
        lines[3:-1] = [f"... {len(lines) - 4} more ..."]
    heading("The call")
    print(f"  $ lightning-cli -k multifundchannel minchannels={minchannels} destinations='[")
    print("\n".join(f"      {line}" for line in lines))


def print_result(peers, channels, failed):
    opened = {c["id"]: c for c in channels}
    failures = {f["id"]: f for f in failed}
    heading("The result")
    print(f"   #  {'peer':14}  {'':12}  {'sat':>9}  channel")
    for index, peer in enumerate(peers):
        if peer.id in opened:
            channel = opened[peer.id]
            outcome = f"{short(channel['channel_id'])}  output {channel['outnum']}"
        elif peer.id in failures:
            failure, why = failures[peer.id], failures[peer.id]["error"]
            outcome = f"{failure['method']} failed, code {why['code']}: {without_long_hex(why['message'])}"
            outcome = colour(outcome, COLOURS[FAILS])
        else:
            outcome = "not opened"
        print(f"  {index:2}  {short(peer.id)}  {peer.about:12}  {peer.amount:>9,}  {outcome}")


def open_channels(stage):
    """Whether they were opened."""
    peers = stage.peers
    minchannels = sum(peer.about not in (REFUSES, NOBODY) for peer in peers)
    print_call(peers, minchannels)
    destinations = [{"id": f"{p.id}@{p.address}", "amount": p.amount} for p in peers]
    error = None
    try:
        result = stage.rpc("multifundchannel", {"destinations": destinations, "minchannels": minchannels})
        print_result(peers, result["channel_ids"], result["failed"])
    except RpcError as e:
        error = e
        print_result(peers, [], (e.data or {}).get("failed", []))
    history = History(stage.log())
    if error:
        print(f"\n  failed after {history.milliseconds():.0f} ms with code {error.code}: "
              f"{without_long_hex(error.message)}")
    else:
        print(f"\n  {len(result['channel_ids'])} of {len(peers)} channels with one transaction, "
              f"in {history.milliseconds():.0f} ms\n  txid {result['txid']}")
    heading("When")
    draw_timeline(history, peers)
    if not error:
        heading("Afterwards")
        print("  " + stage.aftermath())
    return not error


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulated", action="store_true", help="even where real nodes could run")
    simulated = parser.parse_args().simulated
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that everything is stopped on the way out
    missing = missing_programs()
    if simulated or missing:
        why = "as asked" if simulated else f"not on PATH: {', '.join(missing)}"
        heading(f"Opening channels on a simulated lightningd ({why})")
        stage = simulated_node()
    else:
        heading("Opening channels on real nodes, on a throw-away regtest network")
        stage = real_nodes()
    with stage as ready:
        return 0 if open_channels(ready) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
