"""Nodes whose plugin, or which themselves, are killed in the middle of a batch, and what must hold afterwards.

A victim runs the plugin behind rpc_proxy.py. Its life in a test: crash() during a batch, restart, settled(), and the
checks: either all channels of the transaction exist on both sides and it is in the mempool, or nothing is left.
"""
import contextlib
import itertools
import json
import os
import stat
import sys
import threading
import time

from bench import plugin_lines
from regtest import RpcError, older_than, wait_for

PROXY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rpc_proxy.py")
KEY = ["multifundchannel", "batch"]
COINS, COIN = 100, 200_000  # sat; a batch needs two
AMOUNT = 100_000  # sat, of each channel
DESTINATIONS = 3
MOST_LOST = 3  # channels of one peer
SETTLED = ("opened", "undone", "failed", "forgotten")
# A peer's side of a channel that we have cancelled, or closed because only this one of several was to go. It forgets it
# some day.
GIVEN_UP = ("AWAITING_UNILATERAL", "CLOSINGD_COMPLETE")
_numbers = itertools.count()


class Call(threading.Thread):
    """An RPC in the background."""

    def __init__(self, function, *arguments, **named):
        super().__init__(daemon=True)
        self.result = self.error = None
        self._call = lambda: function(*arguments, **named)
        self.start()

    def run(self):
        try:
            self.result = self._call()
        except (RpcError, OSError, ValueError) as e:
            self.error = e

    def wait(self, timeout=120):
        self.join(timeout)
        assert not self.is_alive(), "the call was not answered"
        return self


class Victim:
    def __init__(self, bench, options=()):
        self.bench = bench
        number = next(_numbers)
        self.node = bench.net.node(f"victim{number}", options)
        self.plugin = os.path.join(self.node.dir, "multifundchannel-proxied")
        with open(self.plugin, "w") as f:
            f.write(f'#!/bin/sh\nexec {sys.executable} -IS {PROXY} {self.node.dir} {bench.plugin}\n')
        os.chmod(self.plugin, stat.S_IRWXU)
        self.options = list(self.node.options)
        self.node.options.append(f"--plugin={self.plugin}")
        first, others = bench.peers[:2], bench.peers[2:]  # faulty is only ever the first of a victim's peers
        self.peers = [first[number % 2], *(others[(2 * number + i) % len(others)] for i in range(DESTINATIONS - 1))]
        self.coins_before = {}
        self.reserved_before = set()  # by a batch of an earlier test that was on no record yet: that lapses by itself
        self.earlier = set()  # batches
        self.held = set()  # inputs of the batch that was hit
        self.log_start = 0

    def destinations(self, peers=None):
        return self.bench.destinations(peers or self.peers, AMOUNT)

    # --- the deed ---

    def arm(self, method, when, deed, n=1, delay=0.0):
        """Names the point; see rpc_proxy.py."""
        self._remove("release")
        self.disarm()
        point = {"method": method, "n": n, "when": when, "deed": deed, "delay": delay}
        with open(self._path("point.new"), "w") as f:
            json.dump(point, f)
        os.replace(self._path("point.new"), self._path("point.json"))

    def disarm(self):
        """Takes back a point that was not reached."""
        self._remove("point.json")

    def reached(self):
        return not os.path.exists(self._path("point.json"))

    def wait_reached(self, timeout=60):
        wait_for(self.reached, "the batch to reach the point", timeout, 0.005)

    def release(self):
        """Lets go what a deed "hold" keeps back."""
        with open(self._path("release"), "w"):
            pass

    def begin(self, destinations=None, **options):
        """Starts a batch in the background."""
        self.coins_before = self.node.coins()
        self.reserved_before = self.node.reserved()
        self.earlier = {b["batch"] for b in self.node.rpc("listmultifundchannels")["batches"]}
        self.log_start = self.node.log_size()
        return self.begin_another(destinations or self.destinations(), **options)

    def begin_another(self, destinations, **options):
        """Beside the one that was begun."""
        return Call(self.bench.multifundchannel, destinations, self.node, **options)

    def crash(self, method, when, deed, n=1, delay=0.0, **options):
        """Runs a batch into a deed that kills."""
        self.arm(method, when, deed, n, delay)
        call = self.begin(**options)
        self.wait_reached()
        if deed == "node":
            self.node.proc.wait(30)
        else:
            self.held = self.node.reserved()
        return call.wait()

    def _remove(self, name):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(name))

    def _path(self, name):
        return os.path.join(self.node.dir, name)

    # --- afterwards ---

    def start_plugin(self):
        def started():
            with contextlib.suppress(RpcError):  # lightningd has not noticed the death yet
                return self.node.rpc("plugin", subcommand="start", plugin=self.plugin)
        wait_for(started, "the plugin to start", 20)

    def stop_plugin(self):
        self.node.rpc("plugin", subcommand="stop", plugin=self.plugin)

    def batches(self):
        """Since begin()."""
        return [b for b in self.node.rpc("listmultifundchannels")["batches"] if b["batch"] not in self.earlier]

    def batch(self, batch_id=None):
        """The one with that id, or the one that is not settled."""
        batch, = [b for b in self.batches() if b["batch"] == batch_id or not batch_id and b["state"] not in SETTLED]
        return batch

    def records(self):
        return [r for r in self.node.rpc("listdatastore", key=KEY)["datastore"] if r["key"] != KEY]

    def settled(self):
        return not self.records() and all(b["state"] in SETTLED for b in self.batches())

    def wait_settled(self, timeout=40):
        try:
            wait_for(self.settled, "", timeout)
        except TimeoutError:
            raise AssertionError(f"not settled in {timeout} s: {self.batches()} {self.records()}") from None

    def opened(self):
        """The txid of the batch's channels, or None without any channel. All are there, or none is."""
        channels = self.node.channels()
        if not channels:
            return None
        txid, = {c.get("funding_txid") for c in channels}
        return txid

    def check_opened(self, destinations=DESTINATIONS):
        """All channels of the one transaction are there on both sides, and it is in the mempool with its inputs kept."""
        txid = self.opened()
        assert txid, "no channels"
        ours = self.node.channels()
        assert len(ours) == destinations, f"{len(ours)} of {destinations} channels"
        inputs = {f"{i['txid']}:{i['vout']}" for i in self.bench.transaction(txid)["vin"]}
        assert inputs <= self.node.reserved(), "an input was unreserved"
        for channel in ours:
            theirs = self.peers_view(channel["peer_id"], channel["channel_id"])
            for view in (channel, theirs):
                assert view and view["state"] in ("CHANNELD_AWAITING_LOCKIN", "CHANNELD_NORMAL"), view
            assert older_than("25.12") or channel["funding"]["withheld"] is False, channel["funding"]
        for batch in self.batches():
            assert batch["state"] == "opened" and batch["txid"] == txid, batch

    def check_undone(self, orphan=False):
        """orphan: the first reservation was made and is on no record yet; it lapses by itself."""
        if not orphan:
            self.check_left_clean()
        assert not self.node.channels(), self.node.channels()
        for batch in self.batches():
            assert batch["state"] in ("undone", "failed"), batch

    def meet_peers(self):
        """After a restart of the node. A peer that holds a channel which we do not know any more hears so when it is
        connected again, and lightningd ends that connection: what is opened meanwhile dies with it. One channel each time."""
        for _ in range(MOST_LOST):
            surprised = [p for p in self.peers if self._strangers(p)]
            if not surprised:
                break
            self._meet(surprised)
        for peer in self.peers:
            with contextlib.suppress(RpcError):
                self.node.rpc("connect", id=peer.address())
        self.check_peers()

    def _meet(self, surprised):
        for peer in surprised:
            with contextlib.suppress(RpcError):
                self.node.rpc("disconnect", id=peer.id, force=True)
            with contextlib.suppress(RpcError):
                self.node.rpc("connect", id=peer.address())

        remaining = list(surprised)

        def over():  # each for itself: a peer with channels comes back soon
            connected = [x["id"] for x in self.node.rpc("listpeers")["peers"] if x["connected"]]
            remaining[:] = [p for p in remaining if p.id in connected]
            return not remaining
        with contextlib.suppress(TimeoutError):  # or it was so quick that nobody saw it
            wait_for(over, "the connections with surprised peers to end", 5)

    def check_left_clean(self):
        """For a plugin that has ended: nothing waits for its next start."""
        assert not self.node.channels(), self.node.channels()
        # A node that was killed reads the last blocks again; until then it does not show the coins in them.
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: self.node.coins() == self.coins_before, "the coins", 10)
        assert self.node.coins() == self.coins_before, f"reserved: {self.node.reserved()}"

    def open_again(self):
        """The same peers and, when they are free, the same coins; works at once, on a node that knows the last block."""
        self.node.sync()
        free = self.node.coins()
        coins = sorted(self.held & free.keys())
        destinations = self.destinations()
        # Of two batches at once those of the smaller may be too little.
        enough = sum(free[c] for c in coins) > sum(d["amount"] for d in destinations) + AMOUNT
        options = {"utxos": coins} if enough else {}
        result = self.bench.multifundchannel(destinations, self.node, **options)
        self.bench.check_opened(result, destinations, self.node)
        assert result["failed"] == [], result["failed"]

    def check_peers(self):
        """They know our channels and no other of ours."""
        def strangers():
            return [s for p in self.peers for s in self._strangers(p)]
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: not strangers(), "", 10)
        assert not strangers(), strangers()

    def _strangers(self, peer):
        ours = {c.get("channel_id") for c in self.node.channels()}
        return [f"{peer.name}: {c['state']}" for c in peer.channels(self.node.id)
                if c.get("channel_id") not in ours and c["state"] not in GIVEN_UP]

    def check_normal(self):
        """After mining."""
        def states():
            return {c["state"] for c in self.node.channels()} | {
                c["state"] for p in self.peers for c in p.channels(self.node.id) if c["state"] not in GIVEN_UP}
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: states() <= {"CHANNELD_NORMAL"}, "", 30)
        assert states() <= {"CHANNELD_NORMAL"}, states()
        # The plugin keeps the outputs of bumps that were replaced reserved for good: they never confirm.
        reserved = [o for o in self.node.rpc("listfunds")["outputs"] if o["reserved"] and o["status"] == "confirmed"
                    and f"{o['txid']}:{o['output']}" not in self.reserved_before]
        assert not reserved, reserved

    def peers_view(self, peer_id, channel_id):
        peer = self.bench.peer(peer_id)
        return next((c for c in peer.channels(self.node.id) if c["channel_id"] == channel_id), None)

    def clean(self):
        """Ready for the next case."""
        self.disarm()
        for channel in self.node.channels():
            self.node.rpc("dev-forget-channel", id=channel["peer_id"], channel_id=channel["channel_id"], force=True)
        self.held = set()

    def story(self):
        """For a failure: what the plugin and the proxy logged."""
        with open(self._path("calls")) as f:
            calls = f.read().splitlines()[-25:]
        lines = [line for line in plugin_lines(self.node.log(self.log_start), self.plugin)
                 if "CONNECTD" not in line.upper()][-40:]
        return "\n".join([f"--- {self.node.name}:", *lines, "--- its RPC traffic:", *calls, "---"])


class Victims:
    """All victims of one run: made when they are needed, used again as long as they are clean."""

    def __init__(self, bench):
        self.bench, self.ready = bench, []

    def take(self, count):
        new = [Victim(self.bench) for _ in range(count - len(self.ready))]
        self.bench.net.start([v.node for v in new])
        for victim in new:
            self.bench.net.fund(victim.node, [COIN] * COINS)
            wait_for(lambda v=victim: len(v.node.coins()) == COINS, "the victim's coins", 10)
        self.ready += new
        taken, self.ready = self.ready[:count], self.ready[count:]
        return taken

    def give_back(self, victim, usable):
        if usable and len(victim.node.coins()) > 6:
            victim.clean()
            self.ready.append(victim)
        else:
            self.bench.net.remove(victim.node)


def victims_of(bench):
    if not hasattr(bench, "victims"):
        bench.victims = Victims(bench)
    return bench.victims


@contextlib.contextmanager
def a_victim(bench):
    """For a test with one victim. Its story is told when the test fails."""
    victims = victims_of(bench)
    victim, = victims.take(1)
    usable = False
    try:
        yield victim
        usable = True
    except Exception as e:
        raise AssertionError(f"{e}\n{victim.story()}") from e
    finally:
        victims.give_back(victim, usable)


def settle_and_check(bench, victim, opened, blocks=6):
    """What must hold after every restart, for a single victim."""
    victim.wait_settled()
    if opened:
        victim.check_opened()
    else:
        victim.check_undone()
    victim.open_again()
    victim.check_peers()
    bench.net.mine(blocks)
    victim.check_normal()
