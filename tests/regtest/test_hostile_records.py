"""Who may write lightningd's datastore must not get at the coins: forged records, as docs/security.md tells of them."""
import contextlib
import json
import time

from bench import error_of
from marks import builtin_fails
from regtest import RpcError, wait_for
from victims import KEY, a_victim

BATCH = "b" * 31  # and a digit
NOT_AUTHORISED = 19537  # commando's
PATIENCE = 10  # seconds; the plugin acts on a record two seconds after its start
COIN = 2_000_000  # sat


def thief(bench):
    """An address that is not the node's."""
    return bench.bitcoind.call("getnewaddress")


def theft(bench, outpoint, sat):
    """An unsigned payment of this coin to a stranger. Returns its txid and the PSBT."""
    txid, vout = outpoint.split(":")
    psbt = bench.bitcoind.call("createpsbt", [{"txid": txid, "vout": int(vout)}],
                               [{thief(bench): (sat - 2_000) / 1e8}])
    return bench.bitcoind.call("decodepsbt", psbt)["tx"]["txid"], psbt


def forged(version, batch, outpoint, peer_id, txid, psbt, **destination):
    """A record that says: every channel is secured, send it. Without an outnum all of its nought channels are there."""
    return json.dumps({
        "version": version, "batch": batch, "begun": 1_700_000_000, "phase": "sending", "blocks": 0, "more_blocks": 0,
        "inputs": {outpoint: 0}, "destinations": [{"id": peer_id, "sat": 100_000, "told_sat": [], **destination}],
        "txid": txid, "psbt": psbt}, separators=(",", ":"))


def forgeries(bench, outpoint, sat, peer_id):
    """Batch id -> record, and the txids of what they would send."""
    txid, psbt = theft(bench, outpoint, sat)
    change = bench.bitcoind.call("decodepsbt", psbt)["tx"]["vout"][0]["scriptPubKey"]["hex"]
    ids = [f"{BATCH}{digit}" for digit in range(4)]
    texts = [forged(version, batch, outpoint, peer_id, txid, psbt, **more)
             for batch, version, more in zip(ids, (1, 1, 2, 2), ({}, {"outnum": 0}, {}, {}))]
    texts[2] = texts[2][:-1] + f',"change":"{change}"}}'
    texts[3] = texts[3][:-1] + ',"mac":"' + "a5" * 32 + '"}'
    return dict(zip(ids, texts)), txid


def check_nothing_moves(bench, node, outpoint, batches, txid):
    """For a while: neither this transaction nor another that spends the coin, which is not even reserved."""
    vout = int(outpoint.split(":")[1])
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert bench.bitcoind.call("gettxout", outpoint.split(":")[0], vout), f"{outpoint} is spent"
        assert txid not in bench.bitcoind.call("getrawmempool"), "the theft is in the mempool"
        time.sleep(0.5)
    assert outpoint in node.coins(), "the coin is reserved"
    shown = {b["batch"]: b for b in node.rpc("listmultifundchannels")["batches"]}
    for batch in batches:
        assert shown[batch]["state"] == "unsettled", shown[batch]
        assert "not written by this node's plugin" in shown[batch]["recovery"][-1], shown[batch]


def forget_all(node, batches):
    for batch in batches:
        answer = node.rpc("multifundchannel-forget", batch=batch, confirm=True)
        assert answer["forgotten"] and "not written by this node's plugin" in answer["gives_up"][0], answer


@builtin_fails("has no journal")
def test_a_forged_record_moves_no_coin(bench):
    with a_victim(bench) as victim:
        node = victim.node
        outpoint, sat = sorted(node.coins().items())[0]
        records, txid = forgeries(bench, outpoint, sat, victim.peers[0].id)
        victim.stop_plugin()
        for batch, text in records.items():
            node.rpc("datastore", {"key": [*KEY, batch], "string": text, "mode": "must-create"})
        victim.start_plugin()
        check_nothing_moves(bench, node, outpoint, records, txid)
        # The same after a restart of the node, and batches run beside them.
        node.stop()
        node.start()
        check_nothing_moves(bench, node, outpoint, records, txid)
        victim.open_again()
        forget_all(node, records)
        assert not victim.records(), victim.records()


@contextlib.contextmanager
def nodes_with_commando(bench):
    """One that runs the plugin and has a coin, and one that may give it orders."""
    nodes = []
    try:
        for name, options in (("ordered", [f"--plugin={bench.plugin}"]), ("ordering", [])):
            node = bench.net.node(name, options, lean=True)
            for needed in ("commando", "spenderp"):
                node.options.remove(f"--disable-plugin={needed}")
            nodes.append(node)
        bench.net.start(nodes)
        bench.net.fund(nodes[0], [COIN])
        nodes[1].rpc("connect", id=nodes[0].address())
        yield nodes
    finally:
        for node in nodes:
            bench.net.remove(node)


@builtin_fails("has no journal")
def test_a_rune_for_the_datastore_spends_nothing(bench):
    with nodes_with_commando(bench) as (node, guest):
        rune = node.rpc("createrune", restrictions=[["method=datastore"]])["rune"]

        def order(method, **params):
            return guest.rpc("commando", {"peer_id": node.id, "method": method, "params": params, "rune": rune})

        for method, params in (("withdraw", {"destination": thief(bench), "satoshi": "all"}),
                               ("makesecret", {"string": "multifundchannel records"})):
            assert error_of(order, method, **params).code == NOT_AUTHORISED
        outpoint, sat = next(iter(node.coins().items()))
        records, txid = forgeries(bench, outpoint, sat, guest.id)
        for batch, text in records.items():
            order("datastore", key=[*KEY, batch], string=text, mode="must-create")
        node.rpc("plugin", subcommand="stop", plugin=bench.plugin)

        def started():
            with contextlib.suppress(RpcError):
                return node.rpc("plugin", subcommand="start", plugin=bench.plugin)
        wait_for(started, "the plugin to start", 20)
        check_nothing_moves(bench, node, outpoint, records, txid)
        forget_all(node, records)
