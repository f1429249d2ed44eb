"""What the holder of a rune can do with the plugin and its records, and what not: the rows of docs/security.md.

lightningd's commando and clnrest ask `checkrune` about each order, and then give it. So does `holder` here."""
import contextlib
import json
import os
import signal
import tempfile

from bench import INVALID_PARAMS, error_of, plugin_pid
from marks import builtin_fails, cases, withheld
from regtest import wait_for
from test_refusals import FLOOR, refused, set_floor
from test_sending import held_at
from victims import AMOUNT, KEY, victims_of

NOT_PERMITTED = 1502
READS = ["listmultifundchannels", "listpeerchannels", "listfunds", "listtransactions", "getlog", "getinfo"]
OURS = ["multifundchannel-spark", "multifundchannel-forget", "multifundchannel-abort"]
METHODS = [*READS, *OURS, "multifundchannel", "fundchannel", "listdatastore", "datastore", "deldatastore", "makesecret",
           "withdraw", "close", "signpsbt", "sendpsbt", "unreserveinputs", "fundchannel_cancel", "createrune", "setconfig", "plugin"]


@contextlib.contextmanager
def an_unsettled_batch(bench):
    """Signed, and refused by bitcoind. Its node is used for nothing else: much is left behind there."""
    victims = victims_of(bench)
    victim, = victims.take(1)
    try:
        with held_at(victim, "sendpsbt", feerate="300perkw") as call:
            set_floor(bench, floor=FLOOR)
        batch = refused(victim, call).data["batch"]
        wait_for(lambda: victim.batch(batch)["state"] == "refused", "the batch to be refused", 20)
        victim.sent_by_others = set(bench.bitcoind.call("getrawmempool"))
        assert victim.batch(batch)["txid"] not in victim.sent_by_others
        yield victim, batch
    finally:
        victims.give_back(victim, False)
        set_floor(bench)
        bench.forget_channels()


def holder(node, restrictions):
    """What gives orders with such a rune."""
    rune = node.rpc("createrune", restrictions=restrictions)["rune"]

    def permitted(method, **params):
        return node.rpc("checkrune", {"rune": rune, "nodeid": node.id, "method": method, "params": params})["valid"]

    def order(method, **params):
        assert permitted(method, **params)
        return node.rpc(method, params)
    order.permitted = permitted
    return order


def restarted(bench, victim):
    os.kill(plugin_pid(victim.node, bench.plugin), signal.SIGKILL)
    victim.start_plugin()


def mempool(bench, victim):
    """What has come since the batch was refused: other tests leave theirs."""
    return [txid for txid in bench.bitcoind.call("getrawmempool") if txid not in victim.sent_by_others]


def has_no_signature(bench, psbt):
    return all(not {"final_scriptwitness", "final_scriptSig", "partial_signatures", "taproot_key_path_sig"} & i.keys()
               for i in bench.bitcoind.call("decodepsbt", psbt)["inputs"])


def reads_records(bench, victim, batch, order):
    """Who is funded with how much, and the unsigned transaction."""
    text, = [d["string"] for d in order("listdatastore", key=KEY)["datastore"] if d["key"] == [*KEY, batch]]
    record = json.loads(text)
    assert {d["id"] for d in record["destinations"]} == {p.id for p in victim.peers}, record
    assert all(d["sat"] == AMOUNT for d in record["destinations"]), record
    assert has_no_signature(bench, record["psbt"]), record


def deletes_the_record(bench, victim, batch, order):
    """Then nobody tidies up after it, and nothing is sent."""
    channels, reserved = victim.node.channels(), victim.node.reserved()
    order("deldatastore", key=[*KEY, batch])
    restarted(bench, victim)
    assert victim.batches() == [] and victim.records() == []
    assert len(victim.node.channels()) == len(channels) and victim.node.reserved() == reserved
    assert not mempool(bench, victim)


def writes_a_record(bench, victim, batch, order):
    """One of its own making is not acted on, nor is this batch's when it is changed."""
    text, = [d["string"] for d in victim.node.rpc("listdatastore", key=[*KEY, batch])["datastore"]]
    other = "c" * 32
    order("datastore", key=[*KEY, other], string=text.replace(batch, other), mode="must-create")
    order("datastore", key=[*KEY, batch], string=text.replace(f'"sat":{AMOUNT}', f'"sat":{AMOUNT + 1}'),
          mode="must-replace")
    reserved = victim.node.reserved()
    restarted(bench, victim)
    wait_for(lambda: len(victim.batches()) == 2, "both records", 20)
    for shown in victim.batches():
        assert shown["state"] == "unsettled", shown
        assert "not written by this node's plugin" in shown["recovery"][-1], shown
    assert victim.node.reserved() == reserved and len(victim.node.channels()) == len(victim.peers)
    assert not mempool(bench, victim)


def forgets(bench, victim, batch, order):
    """It is neither sent nor undone then; and the rune shows none of it before."""
    channels, reserved = victim.node.channels(), victim.node.reserved()
    told = order("multifundchannel-forget", batch=batch)
    assert told["forgotten"] is False and victim.records(), told
    assert order("multifundchannel-forget", batch=batch, confirm=True)["forgotten"] is True
    assert victim.records() == [] and not mempool(bench, victim)
    restarted(bench, victim)
    assert victim.batches() == []
    assert len(victim.node.channels()) == len(channels) and victim.node.reserved() == reserved


def aborts(bench, victim, batch, order):
    """Only back to the wallet, and within bitcoind's limit."""
    address = bench.bitcoind.call("getnewaddress")
    error = error_of(order, "multifundchannel-abort", batch=batch, confirm=True, destination=address)
    assert error.code == INVALID_PARAMS and "destination" in error.message, error
    error = error_of(order, "multifundchannel-abort", batch=batch, confirm=True, feerate="3000000perkw")
    assert "cannot pay" in error.message or "0.1 BTC" in error.message, error
    assert not mempool(bench, victim)
    begun = order("multifundchannel-abort", batch=batch, confirm=True)
    wait_for(lambda: begun["txid"] in mempool(bench, victim), "the abort", 30)
    transaction = bench.bitcoind.call("getrawtransaction", begun["txid"], 1)
    own = {a["p2tr"] for a in victim.node.rpc("listaddresses")["addresses"] if "p2tr" in a}
    assert {o["scriptPubKey"]["address"] for o in transaction["vout"]} <= own, transaction
    spent = {f"{i['txid']}:{i['vout']}" for i in transaction["vin"]}
    assert spent == set(begun["inputs"]), (transaction, begun)


def spends(bench, victim, batch, order):
    """What is pushed is the peer's: a rune for `multifundchannel` spends."""
    set_floor(bench)
    peer = bench.peers[0]
    push = AMOUNT * 1000 // 2
    result = order("multifundchannel", destinations=[{"id": peer.address(), "amount": AMOUNT, "push_msat": push}])
    assert result["txid"] in mempool(bench, victim), result
    channel, = [c for c in peer.channels(victim.node.id) if c["channel_id"] == result["channel_ids"][0]["channel_id"]]
    assert channel["to_us_msat"] == push, channel
    # Whatever it asks for, it learns of no other batch.
    assert batch not in json.dumps(result)


def spends_with_one_channel(bench, victim, batch, order):
    """fundchannel is a batch of one: a rune for it spends as well."""
    set_floor(bench)
    peer = bench.peers[0]
    push = AMOUNT * 1000 // 2
    result = order("fundchannel", id=peer.address(), amount=AMOUNT, push_msat=push)
    assert result["txid"] in mempool(bench, victim), result
    channel, = [c for c in peer.channels(victim.node.id) if c["channel_id"] == result["channel_id"]]
    assert channel["to_us_msat"] == push, channel


def knows_the_key(bench, victim, batch, order):
    """That of the records: worth nothing without `datastore`."""
    assert len(bytes.fromhex(order("makesecret", string="multifundchannel records")["secret"])) == 32
    channels, reserved = victim.node.channels(), victim.node.reserved()
    restarted(bench, victim)
    wait_for(lambda: [b["state"] for b in victim.batches()] == ["refused"], "the batch to be looked at", 20)
    assert len(victim.node.channels()) == len(channels) and victim.node.reserved() == reserved
    assert not mempool(bench, victim)


def watches(bench, victim, batch, order):
    """The batches and the channels; no record, and no signature."""
    shown, = [b for b in order("listmultifundchannels")["batches"] if b["batch"] == batch]
    assert {d["id"] for d in shown["destinations"]} == {p.id for p in victim.peers}, shown
    assert "psbt" not in json.dumps(shown) and "cHNi" not in json.dumps(shown), shown
    lines = json.dumps(order("getlog", level="debug")["log"])
    assert batch in lines
    transaction, = {c["funding"]["psbt"] for c in victim.node.channels()}
    assert transaction not in lines  # lightningd itself shows the signed one in listpeerchannels


def sets_options(bench, victim, batch, order):
    """Where the traces are written, for example: they have the beginnings of peer ids, and no transaction."""
    before = victim.batch(batch)
    with tempfile.TemporaryDirectory() as directory:
        order("setconfig", config="multifundchannel-trace-dir", val=directory)
        set_floor(bench)
        peer = bench.peers[0]
        result = victim.node.rpc("multifundchannel", destinations=[{"id": peer.address(), "amount": AMOUNT}])
        name, = wait_for(lambda: os.listdir(directory), "the trace", 20)
        with open(os.path.join(directory, name), encoding="utf-8") as f:
            trace = f.read()
        order("setconfig", config="multifundchannel-trace-dir", val="")
    assert peer.id[:8] in trace and "cHNi" not in trace and result["tx"] not in trace, name
    assert victim.batch(batch)["txid"] == before["txid"]


def stops_the_plugin(bench, victim, batch, order):
    """And starts it again: what was left is settled as before, and nothing else follows."""
    channels, reserved = victim.node.channels(), victim.node.reserved()
    order("plugin", subcommand="stop", plugin=victim.plugin)
    order("plugin", subcommand="start", plugin=victim.plugin)
    wait_for(lambda: [b["state"] for b in victim.batches()] == ["refused"], "the batch to be looked at", 20)
    assert len(victim.node.channels()) == len(channels) and victim.node.reserved() == reserved
    assert not mempool(bench, victim)


@withheld
@builtin_fails("has no records")
@cases({"listdatastore": ([["method=listdatastore"]], ["listdatastore"], reads_records),
        "datastore": ([["method=datastore"]], ["datastore"], writes_a_record),
        "deldatastore": ([["method=deldatastore"]], ["deldatastore"], deletes_the_record),
        "multifundchannel-forget": ([["method=multifundchannel-forget"]], ["multifundchannel-forget"], forgets),
        "multifundchannel-abort": ([["method=multifundchannel-abort"]], ["multifundchannel-abort"], aborts),
        "multifundchannel": ([["method=multifundchannel"]], ["multifundchannel"], spends),
        "fundchannel": ([["method=fundchannel"]], ["fundchannel"], spends_with_one_channel),
        "makesecret": ([["method=makesecret"]], ["makesecret"], knows_the_key),
        "setconfig": ([["method=setconfig"]], ["setconfig"], sets_options),
        "plugin": ([["method=plugin"]], ["plugin"], stops_the_plugin),
        "readonly": ("readonly", READS, watches)}, usual=["datastore", "multifundchannel-abort", "readonly"])
def test_rune(bench, restrictions, permitted, deed):
    with an_unsettled_batch(bench) as (victim, batch):
        order = holder(victim.node, restrictions)
        for method in METHODS:
            if method in permitted:
                assert order.permitted(method), method
            else:
                assert error_of(order.permitted, method).code == NOT_PERMITTED, method
        deed(bench, victim, batch, order)
