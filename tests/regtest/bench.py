"""What all tests on real nodes share: one running network, the calls, and the checks after each test.

A test may use any peer; all channels are forgotten after each test, while connections stay as they are. How tests
are written stands in conftest.py.
"""
import contextlib
import os
import re

from regtest import RpcError, in_parallel, older_than, wait_for

PEERS = 11
COINS = 120  # of each funder
COIN = 10_000_000  # sat
SCID_ALIAS = 46  # a bit of channel_type
P2TR_COUNTED_TOO_MUCH = 41  # for each such input, before v25.05
UNREACHABLE_IDS = [  # valid keys, nobody's
    "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
    "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5",
    "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"]

INVALID_PARAMS = -32602
NOT_CONNECTED = 305
UNKNOWN_PEER = 306
CANNOT_AFFORD = 301
NOT_FOUND = -5  # bitcoind's, of a transaction


class Bench:
    """Two funders and many peers. `funder` runs the plugin under test, `reference` only the builtin."""

    def __init__(self, net, plugin, more_coins=()):
        self.net, self.plugin, self.bitcoind = net, plugin, net.bitcoind
        self.funder = net.node("funder", [f"--plugin={plugin}"] if plugin else [])
        self.reference = net.node("reference")
        self.peers = [net.node(f"peer{i:02}", lean=True, faulty=True) for i in range(PEERS)]
        self.guests = []  # other peers, for one test
        net.start([self.funder, self.reference, *self.peers])
        for node in (self.funder, self.reference):
            net.fund(node, [COIN] * COINS + list(more_coins))
        self.hidden = set()  # outpoints that only() keeps reserved
        self._sent = set()   # txids that bitcoind is known to know

    # --- calling ---

    def destinations(self, peers, amount=100_000, **fields):
        return [{"id": p.address(), "amount": amount, **fields} for p in peers]

    def multifundchannel(self, destinations, node=None, timeout=120, **options):
        params = {"destinations": destinations, **options}
        return (node or self.funder).rpc("multifundchannel", params, timeout)

    def open(self, destinations, **options):
        """A call that must open all channels; checked on both sides. Returns the result."""
        result = self.multifundchannel(destinations, **options)
        self.check_opened(result, destinations)
        assert result["failed"] == [], result["failed"]
        return result

    @contextlib.contextmanager
    def only(self, coins, node=None):
        """Inside, the wallet can spend these outpoints only: the others are reserved."""
        node = node or self.funder
        outputs = node.rpc("listfunds")["outputs"]
        others = [o for o in (f"{o['txid']}:{o['output']}" for o in outputs if not o["reserved"]) if o not in coins]
        if not others:
            yield
            return
        psbt = node.rpc("utxopsbt", satoshi=0, feerate="253perkw", startweight=0, utxos=others, reserve=1000,
                        excess_as_change=True)["psbt"]
        self.hidden |= set(others)
        try:
            yield
        finally:
            node.rpc("unreserveinputs", psbt=psbt, reserve=1000)
            self.hidden -= set(others)

    # --- looking ---

    def transaction(self, txid):
        return self.bitcoind.call("getrawtransaction", txid, 1)

    def feerate(self, txid):
        """Of a transaction in the mempool, in sat per 1000 weight as lightningd counts it."""
        return self.bitcoind.call("getmempoolentry", txid)["fees"]["base"] * 1e8 * 1000 / self.weight(txid)

    def weight(self, txid):
        """As lightningd counts it."""
        weight = self.bitcoind.call("getmempoolentry", txid)["weight"]
        if older_than("25.05"):
            weight += P2TR_COUNTED_TOO_MUCH * sum(len(i["txinwitness"]) == 1 for i in self.transaction(txid)["vin"])
        return weight

    def channel(self, node, channel_id, peer_id=None):
        found = [c for c in node.channels(peer_id) if c.get("channel_id") == channel_id]
        assert len(found) == 1, f"{node.name} has {len(found)} channels {channel_id}"
        return found[0]

    def peer(self, node_id):
        return next(p for p in (*self.peers, *self.guests) if p.id == node_id)

    def check_opened(self, result, destinations, node=None):
        """The result's channels are those of the destinations (or of a part), in their order, on both sides."""
        node = node or self.funder
        assert set(result) == {"tx", "txid", "channel_ids", "failed"}, sorted(result)
        assert self.bitcoind.call("decoderawtransaction", result["tx"])["txid"] == result["txid"]
        outputs = self.transaction(result["txid"])["vout"]
        wanted = {d["id"].split("@")[0]: d for d in destinations}
        opened = [c["id"] for c in result["channel_ids"]]
        failed = [f["id"] for f in result["failed"]]
        assert opened == [i for i in wanted if i in opened], "channel_ids are not in the order of the destinations"
        assert sorted(opened + failed) == sorted(wanted), (opened, failed)
        for opened in result["channel_ids"]:
            ours = self.channel(node, opened["channel_id"], opened["id"])
            theirs = wait_for(lambda: self._peers_view(opened), "the peer to know the channel", 10)
            amount = wanted[opened["id"]]["amount"]
            if not isinstance(amount, int):
                amount = ours["total_msat"] // 1000
            assert round(outputs[opened["outnum"]]["value"] * 1e8) == amount
            for view in (ours, theirs):
                assert view["state"] in ("CHANNELD_AWAITING_LOCKIN", "CHANNELD_NORMAL"), view["state"]
                assert view["funding_txid"] == result["txid"] and view["funding_outnum"] == opened["outnum"]
                assert view["total_msat"] == amount * 1000
            if older_than("24.02"):
                assert "channel_type" not in opened  # nothing shows it there
                continue
            types = [view["channel_type"]["bits"] for view in (ours, opened, theirs)]
            if older_than("25.12"):  # v24.08 shows it of private channels with LDK, which has not agreed to it
                types = [[bit for bit in bits if bit != SCID_ALIAS] for bits in types]
            assert types[0] == types[1] == types[2], types

    def _peers_view(self, opened):
        return next((c for c in self.peer(opened["id"]).channels() if c["channel_id"] == opened["channel_id"]), None)

    # --- between tests ---

    def mine_until_normal(self, node, blocks):
        """That many blocks must make every channel of the node normal, on both sides."""
        peers = [self.peer(c["peer_id"]) for c in node.channels()]
        self.net.mine(blocks)
        wait_for(lambda: {c["state"] for n in (node, *peers) for c in n.channels()} == {"CHANNELD_NORMAL"},
                 "the channels to be normal", 30)

    def abort_waiting(self):
        """What a test that failed has left waiting for its user: the next test would meet its peers."""
        if not self.plugin:
            return
        for batch in self.funder.rpc("listmultifundchannels")["batches"]:
            if batch["state"] == "waiting":
                with contextlib.suppress(RpcError):
                    self.funder.rpc("multifundchannel-abort", batch=batch["batch"], confirm=True)

    def forget_channels(self):
        """Many channels would make the nodes slow."""
        in_parallel([lambda n=n: _forget_channels(n) for n in (self.funder, self.reference, *self.peers)])

    def _is_sent(self, channel):
        txid = channel.get("funding_txid")
        if txid and txid not in self._sent:
            with contextlib.suppress(RpcError):
                self.bitcoind.call("getrawtransaction", txid)
                self._sent.add(txid)
        return txid in self._sent

    def check_nothing_left(self, timeout=10):
        """No reservation, opening or channel without a sent transaction, at the funders and at the peers."""
        try:
            wait_for(lambda: not self._leftovers(), "", timeout)
        except TimeoutError:
            left = self._leftovers()
            for node in (self.funder, self.reference):
                self.free(node)
            raise AssertionError("left behind: " + "; ".join(left)) from None

    def free(self, node):
        """Ends by force what a test has left at a funder, so that the next test finds nothing of it."""
        node.kill()
        node.start().sync()
        for outpoint in self._reserved_in_vain(node):
            txid, vout = outpoint.split(":")
            psbt = self.bitcoind.call("createpsbt", [{"txid": txid, "vout": int(vout)}], [])
            node.rpc("unreserveinputs", psbt=psbt, reserve=10_000)

    def _leftovers(self):
        # openingd first: when it ends, its node may still make a channel of what it says last.
        found = [f"{p.name}: openingd runs" for p in self.peers if runs_openingd(p)]
        for node in (self.funder, self.reference):
            found += [f"{node.name}: {o} is reserved" for o in self._reserved_in_vain(node)]
        guests = [guest for guest in self.guests if guest.can_forget()]
        for node in (self.funder, self.reference, *self.peers, *guests):
            found += [f"{node.name}: channel with {c['peer_id'][:10]} in {c['state']} {c.get('funding_txid', '')[:10]}"
                      for c in node.channels() if c["state"] == "OPENINGD" or self._is_zombie(c)]
        return found

    def _is_zombie(self, channel):
        # A peer whose opener sent an error keeps its side as AWAITING_UNILATERAL and forgets it some day.
        return channel["state"].startswith("CHANNELD") and not self._is_sent(channel)

    def _reserved_in_vain(self, node):
        reserved = node.reserved() - self.hidden
        if not reserved:
            return set()
        outputs = [{"txid": o.split(":")[0], "vout": int(o.split(":")[1])} for o in sorted(reserved)]
        spent = self.bitcoind.call("gettxspendingprevout", outputs)
        return {f"{o['txid']}:{o['vout']}" for o in spent if "spendingtxid" not in o}

    def behave(self):
        """Ends all faults."""
        for peer in self.peers:
            if peer.fault == "disconnect":
                self._await_disconnect(peer)
            peer.set_fault()

    def _await_disconnect(self, peer):
        """A peer drops the connections to both funders; that must not come in the middle of the next call."""
        def connected():
            found = [p for n in (self.funder, self.reference) for p in n.rpc("listpeers", id=peer.id)["peers"]]
            return any(p["connected"] for p in found)
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: not connected(), "", 3)


def _forget_channels(node):
    for channel in node.channels():
        if channel["state"] != "OPENINGD":
            node.rpc("dev-forget-channel", id=channel["peer_id"], channel_id=channel["channel_id"], force=True)


def runs_openingd(node):
    """Also faulty_openingd.py, which becomes it after a while, and one that has ended unnoticed."""
    for pid in node.children():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", "rb") as comm, \
                open(f"/proc/{pid}/cmdline", "rb") as command:
            if comm.read().strip() == b"lightning_openi" or b"openingd" in command.read():
                return True
    return False


def error_of(call, *arguments, **named):
    """The RpcError that the call ends with."""
    try:
        result = call(*arguments, **named)
    except RpcError as e:
        return e
    raise AssertionError(f"succeeded: {result}")


def shape(value):
    """The keys and types of a JSON value; lists by the different shapes of their elements."""
    if isinstance(value, dict):
        return {k: shape(v) for k, v in sorted(value.items())}
    if isinstance(value, list):
        return sorted({repr(shape(v)) for v in value})
    return type(value).__name__


def without_hex(text):
    """A message without channel ids, txids and node ids."""
    return re.sub(r"\b[0-9a-f]{64,66}\b", "HEX", text)


def plugin_lines(log, plugin):
    name = os.path.basename(plugin or "spenderp")
    return [line[:300] for line in log.splitlines() if re.search(rf"plugin-{name}|multifundchannel|BROKEN", line)]


def plugin_pid(node, plugin):
    for pid in node.children():
        with contextlib.suppress(OSError):
            if os.path.samefile(f"/proc/{pid}/exe", plugin):
                return int(pid)
    raise AssertionError("the plugin does not run")


def default_plugin():
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return os.environ.get("MULTIFUNDCHANNEL_PLUGIN", os.path.join(root, "build", "multifundchannel"))
