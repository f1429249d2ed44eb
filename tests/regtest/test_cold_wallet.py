"""Batches that another wallet pays for: secured first, signed later."""
import base64

import pytest

from bench import INVALID_PARAMS, error_of
from cold_wallet import NUMBERS, ColdWallet
from marks import builtin_fails, cases
from regtest import RpcError, older_than, wait_for
from test_sending import FAULTY_CHANNELD, give_up_channel

pytestmark = pytest.mark.skipif(older_than("25.12"), reason="since v25.12 channels can be withheld")
KINDS = {"native segwit": ("bech32",), "taproot": ("bech32m",)}


@pytest.fixture
def cold(bench):
    wallets = []

    def make(kind="bech32"):
        wallets.append(ColdWallet(bench.bitcoind, kind))
        return wallets[-1]
    yield make
    for wallet in wallets:
        wallet.unload()


@pytest.fixture
def quitter(bench):
    """A peer that can give up its channel, see give_up_channel()."""
    node = bench.net.node(f"quitter{next(NUMBERS)}", [f"--subdaemon=channeld:{FAULTY_CHANNELD}"], lean=True)
    node.start().sync()
    yield node
    bench.net.remove(node)


def prepare(bench, psbt, peers, amount=100_000, **options):
    return bench.funder.rpc("multifundchannel-prepare",
                            {"psbt": psbt, "destinations": bench.destinations(peers, amount), **options})


def finish(bench, batch, psbt=None):
    return bench.funder.rpc("multifundchannel-finish", {"batch": batch, **({"psbt": psbt} if psbt else {})})


def listed(bench, batch):
    return bench.funder.rpc("listmultifundchannels", {"batch": batch})["batches"][0]


def check_secured(bench, prepared, peers):
    channels = {c["peer_id"]: c for c in bench.funder.channels() if c.get("funding_txid") == prepared["txid"]}
    assert sorted(channels) == sorted(p.id for p in peers)
    assert all(c["funding"]["withheld"] for c in channels.values()), channels
    assert listed(bench, prepared["batch"])["state"] == "waiting"
    with pytest.raises(RpcError):
        bench.transaction(prepared["txid"])


def check_open(bench, prepared, peers):
    bench.net.mine(6)

    def states():
        return {c["state"] for n in (bench.funder, *peers) for c in n.channels()
                if c.get("funding_txid") == prepared["txid"]}
    wait_for(lambda: states() == {"CHANNELD_NORMAL"}, "the channels", 60)
    assert not any(c["funding"]["withheld"] for c in bench.funder.channels())


@builtin_fails("has no such command")
@cases(KINDS)
def test_prepare_and_finish(bench, cold, kind):
    wallet, peers = cold(kind), bench.peers[:3]
    wallet.receive(500_000, 300_000)
    psbt = wallet.psbt()
    prepared = prepare(bench, psbt, peers, feerate="5000perkw")
    check_secured(bench, prepared, peers)
    before = bench.bitcoind.call("decodepsbt", psbt)
    to_sign = bench.bitcoind.call("decodepsbt", prepared["psbt"])
    assert to_sign["inputs"] == before["inputs"]
    assert to_sign["tx"]["txid"] == prepared["txid"]
    outputs = to_sign["tx"]["vout"]
    change = next(i for i, o in enumerate(outputs) if o["scriptPubKey"] == before["tx"]["vout"][0]["scriptPubKey"])
    assert to_sign["outputs"][change] == before["outputs"][0]
    assert [o["address"] for o in prepared["all_outputs"]] == [o["scriptPubKey"]["address"] for o in outputs]
    assert [o["amount_msat"] for o in prepared["all_outputs"]] == [round(o["value"] * 1e8) * 1000 for o in outputs]
    finished = finish(bench, prepared["batch"], wallet.sign(prepared["psbt"]))
    assert finished["txid"] == prepared["txid"]
    assert {c["id"]: c["outnum"] for c in finished["channel_ids"]} == {
        c["id"]: c["outnum"] for c in prepared["channel_ids"]}
    entry = bench.bitcoind.call("getmempoolentry", prepared["txid"])
    assert round(entry["fees"]["base"] * 1e8) * 1000 == prepared["fee_msat"]
    assert 4950 < entry["fees"]["base"] * 1e8 * 1000 / entry["weight"] < 5100
    check_open(bench, prepared, peers)
    assert listed(bench, prepared["batch"])["state"] == "opened"
    assert finish(bench, prepared["batch"]) == finished


@builtin_fails("has no such command")
def test_a_signed_transaction_finishes_as_well(bench, cold):
    """In hex, as the wallet would broadcast it."""
    wallet, peers = cold(), bench.peers[:2]
    wallet.receive(400_000)
    prepared = prepare(bench, wallet.psbt(), peers)
    finished = finish(bench, prepared["batch"], wallet.transaction(wallet.sign(prepared["psbt"])))
    assert finished["txid"] == prepared["txid"]
    check_open(bench, prepared, peers)


@builtin_fails("has no such command")
def test_signed_but_not_final(bench, cold):
    wallet, peers = cold(), bench.peers[:2]
    wallet.receive(400_000)
    prepared = prepare(bench, wallet.psbt(), peers)
    finish(bench, prepared["batch"], wallet.sign(prepared["psbt"], finalize=False))
    check_open(bench, prepared, peers)


@builtin_fails("has no such command")
def test_without_change(bench, cold):
    """All goes into the channels; and what would be left is no gift to the miners."""
    wallet, peers = cold(), bench.peers[:2]
    wallet.receive(400_000)
    psbt = wallet.psbt(change=False)
    with pytest.raises(RpcError, match="sat would be left after 200000 sat for the channels") as refused:
        prepare(bench, psbt, peers)
    assert refused.value.code == INVALID_PARAMS
    prepared = prepare(bench, psbt, peers, "*1", feerate="2000perkw")
    check_secured(bench, prepared, peers)
    assert len(prepared["all_outputs"]) == 2
    finish(bench, prepared["batch"], wallet.sign(prepared["psbt"]))
    check_open(bench, prepared, peers)


@builtin_fails("has no such command")
def test_broadcast_by_the_user(bench, cold):
    """Who has the signed transaction can send it without the plugin. The channels are released when it is in a block."""
    wallet, peers = cold(), bench.peers[:3]
    wallet.receive(600_000)
    prepared = prepare(bench, wallet.psbt(), peers)
    bench.bitcoind.call("sendrawtransaction", wallet.transaction(wallet.sign(prepared["psbt"])))
    wait_for(lambda: "in the mempool, sent by another program" in str(listed(bench, prepared["batch"])), "the plugin to see it")
    with pytest.raises(RpcError, match="it can be finished, and not be given up"):
        bench.funder.rpc("multifundchannel-abort", {"batch": prepared["batch"], "confirm": True})
    bench.net.mine(1)
    wait_for(lambda: not any(c["funding"]["withheld"] for c in bench.funder.channels()), "the channels to be released")
    check_open(bench, prepared, peers)
    assert listed(bench, prepared["batch"])["state"] == "opened"


@builtin_fails("has no such command")
def test_finished_after_the_user_has_broadcast_it(bench, cold):
    wallet, peers = cold(), bench.peers[:2]
    wallet.receive(600_000)
    prepared = prepare(bench, wallet.psbt(), peers)
    signed = wallet.sign(prepared["psbt"])
    bench.bitcoind.call("sendrawtransaction", wallet.transaction(signed))
    finish(bench, prepared["batch"], signed)
    check_open(bench, prepared, peers)


@builtin_fails("has no such command")
def test_a_peer_gives_up(bench, cold, quitter):
    """It cannot be finished, says why, and the same coins pay for another."""
    wallet, peers = cold(), [bench.peers[0], quitter, bench.peers[2]]
    wallet.receive(600_000)
    psbt = wallet.psbt()
    prepared = prepare(bench, psbt, peers)
    give_up_channel(quitter, bench.funder)
    with pytest.raises(RpcError, match=f"no channel is left with {quitter.id}"):
        finish(bench, prepared["batch"], wallet.sign(prepared["psbt"]))
    assert [d["state"] for d in listed(bench, prepared["batch"])["destinations"]] == ["secured", "failed", "secured"]
    shown = bench.funder.rpc("multifundchannel-abort", {"batch": prepared["batch"]})
    assert not shown["aborting"] and listed(bench, prepared["batch"])["state"] == "waiting"
    assert bench.funder.rpc("multifundchannel-abort", {"batch": prepared["batch"], "confirm": True})["aborting"]
    wait_for(lambda: listed(bench, prepared["batch"])["state"] == "undone", "the batch to be undone")
    assert not bench.funder.channels()
    again = [peers[0], peers[2]]
    prepared = prepare(bench, psbt, again)
    finish(bench, prepared["batch"], wallet.sign(prepared["psbt"]))
    check_open(bench, prepared, again)


@builtin_fails("has no such command")
@cases({"the plugin": ("plugin",), "the node": ("node",)})
def test_killed_while_it_waits(bench, cold, start_node, who):
    wallet, peers = cold(), bench.peers[:3]
    wallet.receive(600_000)
    prepared = prepare(bench, wallet.psbt(), peers)
    if who == "plugin":
        bench.funder.rpc("plugin", ["stop", bench.plugin])
        bench.funder.rpc("plugin", ["start", bench.plugin])
    else:
        bench.funder.kill()
        bench.funder.start().sync()
    wait_for(lambda: [b["state"] for b in bench.funder.rpc("listmultifundchannels")["batches"]
                      if b["batch"] == prepared["batch"]] == ["waiting"], "the batch to be found")
    check_secured(bench, prepared, peers)
    bench.net.mine(100)
    finish(bench, prepared["batch"], wallet.sign(prepared["psbt"]))
    for peer in peers:
        bench.funder.rpc("connect", [peer.address()])
    check_open(bench, prepared, peers)


@builtin_fails("has no such command")
def test_the_nodes_own_wallet(bench):
    """send=false: secured, and sent when the user says so."""
    peers = bench.peers[:3]
    prepared = bench.multifundchannel(bench.destinations(peers), send=False)
    check_secured(bench, prepared, peers)
    assert "psbt" not in prepared
    with pytest.raises(RpcError, match="this node's wallet signs"):
        finish(bench, prepared["batch"], bench.bitcoind.call("createpsbt", [], [{"data": "00"}]))
    bench.net.mine(30)
    assert finish(bench, prepared["batch"])["txid"] == prepared["txid"]
    check_open(bench, prepared, peers)


@builtin_fails("has no such command")
def test_the_nodes_own_wallet_given_up(bench):
    peers, reserved = bench.peers[:2], bench.funder.reserved()
    prepared = bench.multifundchannel(bench.destinations(peers), send=False)
    assert bench.funder.reserved() > reserved
    bench.funder.rpc("multifundchannel-abort", {"batch": prepared["batch"], "confirm": True})
    wait_for(lambda: listed(bench, prepared["batch"])["state"] == "undone", "the batch to be undone")
    assert not bench.funder.channels() and bench.funder.reserved() == reserved
    with pytest.raises(RpcError, match="has ended already: undone"):
        finish(bench, prepared["batch"])


@builtin_fails("has no such command")
def test_refused_before_anything_happens(bench, cold):
    wallet, peers = cold(), bench.peers[:2]
    wallet.receive(300_000, 300_000)
    psbt = wallet.psbt()
    coin = next(o for o in bench.funder.rpc("listfunds")["outputs"] if not o["reserved"])
    ours = bench.bitcoind.call("utxoupdatepsbt", bench.bitcoind.call(
        "createpsbt", [{"txid": coin["txid"], "vout": coin["output"]}], []))
    wrapped = bench.bitcoind.call("getnewaddress", "", "p2sh-segwit")
    txid = bench.bitcoind.pay({wrapped: 500_000})
    bench.bitcoind.mine(1)
    vout = next(o["n"] for o in bench.transaction(txid)["vout"] if o["scriptPubKey"].get("address") == wrapped)
    legacy = bench.bitcoind.call("walletprocesspsbt", bench.bitcoind.call(
        "createpsbt", [{"txid": txid, "vout": vout}], []), False)["psbt"]
    spent = wallet.psbt(wallet.coins()[:1])
    wallet_coin = wallet.coins()[0]
    for given, why in (("nonsense", "does not begin with the bytes"), (psbt[:-8], "psbt"), (wallet.sign(psbt), "is signed already"),
                       (ours, "is a coin of this node's own wallet"), (legacy, "is not native segwit"),
                       (bench.bitcoind.call("createpsbt", [], [{bench.bitcoind.ADDRESS: 0.001}]), "has no inputs"),
                       (bench.bitcoind.call("createpsbt", [{"txid": "11" * 32, "vout": 0}], []), "does not tell what it spends")):
        with pytest.raises(RpcError, match=why) as refused:
            prepare(bench, given, peers)
        assert refused.value.code == INVALID_PARAMS and "psbt" in refused.value.message
    with pytest.raises(RpcError, match="its coins have 600000 sat together"):
        prepare(bench, psbt, peers, 400_000)
    bench.bitcoind.call("sendrawtransaction", wallet.transaction(wallet.sign(spent)))
    assert wallet_coin
    with pytest.raises(RpcError, match="is spent, or bitcoind does not know it"):
        prepare(bench, spent, peers)
    assert not bench.funder.channels()


@builtin_fails("has no such command")
def test_finish_refuses(bench, cold):
    """What is not the batch's transaction, or not signed. It waits on."""
    wallet, peers = cold(), bench.peers[:2]
    wallet.receive(300_000, 300_000)
    first, second = ([c] for c in wallet.coins()[:2])
    prepared = prepare(bench, wallet.psbt(first), peers)
    for given, why in ((None, "psbt: is missing"), (prepared["psbt"], "input 0 has no signature"),
                       (wallet.sign(wallet.psbt(second)), "and the batch waits for"), ("00", "neither a PSBT nor")):
        with pytest.raises(RpcError, match=why) as refused:
            finish(bench, prepared["batch"], given)
        assert refused.value.code == INVALID_PARAMS
    check_secured(bench, prepared, peers)
    finish(bench, prepared["batch"], wallet.sign(prepared["psbt"]))
    check_open(bench, prepared, peers)


@builtin_fails("has no such command")
def test_a_coin_is_spent_elsewhere(bench, cold):
    """Nothing is sent any more; it can be aborted."""
    wallet, peers = cold(), bench.peers[:2]
    wallet.receive(300_000, 300_000)
    coins = wallet.coins()
    prepared = prepare(bench, wallet.psbt(coins), peers)
    bench.bitcoind.call("sendrawtransaction", wallet.transaction(wallet.sign(wallet.psbt(coins[:1]))))
    with pytest.raises(RpcError, match="bitcoind does not show one of its inputs"):
        finish(bench, prepared["batch"], wallet.sign(prepared["psbt"]))
    check_secured(bench, prepared, peers)
    bench.funder.rpc("multifundchannel-abort", {"batch": prepared["batch"], "confirm": True})
    wait_for(lambda: listed(bench, prepared["batch"])["state"] == "undone", "the batch to be undone")
    assert not bench.funder.channels()


@builtin_fails("has no such command")
def test_with_a_payment_and_many_peers(bench, cold):
    wallet, peers = cold("bech32m"), bench.peers
    wallet.receive(3_000_000)
    address = bench.bitcoind.call("getnewaddress", "", "bech32m")
    prepared = prepare(bench, wallet.psbt(), peers, outputs=[{"address": address, "amount": 123_456, "label": "rent"}])
    finish(bench, prepared["batch"], wallet.sign(prepared["psbt"]))
    paid = [o for o in bench.transaction(prepared["txid"])["vout"] if o["scriptPubKey"].get("address") == address]
    assert [round(o["value"] * 1e8) for o in paid] == [123_456]
    check_open(bench, prepared, peers)


@pytest.fixture
def nine_more(bench):
    """Peers, for twenty together."""
    nodes = [bench.net.node(f"more{next(NUMBERS)}", lean=True) for _ in range(9)]
    bench.net.start(nodes)
    yield nodes
    for node in nodes:
        bench.net.remove(node)


@builtin_fails("has no such command")
def test_with_twenty_peers(bench, cold, nine_more):
    """Secured together, killed while they wait, and sent together; the change goes to an address that the PSBT has not."""
    wallet, peers = cold(), [*bench.peers, *nine_more]
    assert len(peers) == 20
    wallet.receive(1_500_000, 1_500_000)
    address = wallet.change_address()
    prepared = prepare(bench, wallet.psbt(change=False), peers, change_address=address)
    check_secured(bench, prepared, peers)
    assert [o["label"] for o in prepared["all_outputs"] if o["address"] == address] == ["change"]
    bench.funder.rpc("plugin", ["stop", bench.plugin])
    bench.funder.rpc("plugin", ["start", bench.plugin])
    signed = wallet.sign(prepared["psbt"])
    finished = finish(bench, prepared["batch"], signed)
    assert finished["txid"] == prepared["txid"] and len(finished["channel_ids"]) == 20
    check_open(bench, prepared, peers)
    bench.funder.rpc("plugin", ["stop", bench.plugin])
    bench.funder.rpc("plugin", ["start", bench.plugin])
    again = finish(bench, prepared["batch"], signed)
    assert again["txid"] == prepared["txid"]
    assert {c["outnum"] for c in again["channel_ids"]} == {c["outnum"] for c in finished["channel_ids"]}


@builtin_fails("has no such command")
def test_prepared_twice_with_a_label(bench, cold):
    """Whose answer was lost prepares again, and finds the batch that waits, or what it has opened."""
    wallet, peers = cold(), bench.peers[:2]
    wallet.receive(400_000)
    psbt, label = wallet.psbt(), f"prepared {next(NUMBERS)}"
    prepared = prepare(bench, psbt, peers, label=label)
    check_secured(bench, prepared, peers)
    assert prepare(bench, psbt, peers, label=label) == prepared
    bench.funder.rpc("plugin", ["stop", bench.plugin])
    bench.funder.rpc("plugin", ["start", bench.plugin])
    assert prepare(bench, psbt, peers, label=label) == prepared
    check_secured(bench, prepared, peers)
    with pytest.raises(RpcError, match="which was called with other parameters"):
        prepare(bench, psbt, peers, label=label, feerate="5000perkw")
    finished = finish(bench, prepared["batch"], wallet.sign(prepared["psbt"]))
    opened = prepare(bench, psbt, peers, label=label)
    assert opened == {"batch": prepared["batch"], "txid": finished["txid"], "failed": [],
                      "channel_ids": opened["channel_ids"]}
    check_open(bench, prepared, peers)
    assert prepare(bench, psbt, peers, label=label) == opened


@builtin_fails("has no such command")
def test_given_up_with_a_label(bench, cold):
    wallet, peers = cold(), bench.peers[:1]
    wallet.receive(400_000)
    psbt, label = wallet.psbt(), f"given up {next(NUMBERS)}"
    prepared = prepare(bench, psbt, peers, label=label)
    bench.funder.rpc("multifundchannel-abort", {"batch": prepared["batch"], "confirm": True})
    wait_for(lambda: listed(bench, prepared["batch"])["state"] == "undone", "the batch to be undone", 60)
    again = prepare(bench, psbt, peers, label=label)
    assert again["batch"] != prepared["batch"]
    check_secured(bench, again, peers)
    bench.funder.rpc("multifundchannel-abort", {"batch": again["batch"], "confirm": True})
    wait_for(lambda: listed(bench, again["batch"])["state"] == "undone", "the batch to be undone", 60)


@builtin_fails("has no such command")
@cases({"P2PKH": ("legacy",), "P2SH": ("p2sh-segwit",)})
def test_change_to_a_hash(bench, cold, kind):
    """It is told by the address that bitcoind shows."""
    wallet, peers = cold(), bench.peers[:1]
    wallet.receive(400_000)
    address = bench.bitcoind.call("getnewaddress", "", kind)
    bare = bench.bitcoind.call("createpsbt", [{"txid": c["txid"], "vout": c["vout"]} for c in wallet.coins()],
                               [{address: 0.001}])
    prepared = prepare(bench, wallet.described(bare), peers)
    outputs = bench.bitcoind.call("decodepsbt", prepared["psbt"])["tx"]["vout"]
    assert [o["address"] for o in prepared["all_outputs"]] == [o["scriptPubKey"]["address"] for o in outputs]
    assert [o["label"] for o in prepared["all_outputs"] if o["address"] == address] == ["change"]
    finished = finish(bench, prepared["batch"], wallet.sign(prepared["psbt"]))
    assert finished["txid"] == prepared["txid"]
    check_open(bench, prepared, peers)


@builtin_fails("has no such command")
def test_what_bitcoind_would_refuse(bench, cold):
    """Before the peers are asked, and before the channels are released."""
    wallet, peers = cold(), bench.peers[:2]
    wallet.receive(400_000)
    coin = wallet.coins()[0]
    height = bench.bitcoind.call("getblockcount")

    def made(sequence, locktime=0):
        bare = bench.bitcoind.call("createpsbt", [{"txid": coin["txid"], "vout": coin["vout"], "sequence": sequence}],
                                   [{wallet.change_address(): 0.001}], locktime)
        return wallet.described(bare)
    for psbt, why in ((made(0xFFFFFFFD, height + 100), "its locktime is"), (made(10), "asks to wait for 10 blocks"),
                      (made(0xFFFFFFFD, 4_000_000_000), "a time that is not two hours past")):
        with pytest.raises(RpcError, match=why) as refused:
            prepare(bench, psbt, peers)
        assert refused.value.code == INVALID_PARAMS and refused.value.message.startswith("psbt: ")
    bench.bitcoind.mine(1, wallet.address())
    bench.funder.sync()
    mined = [c for c in wallet.all_coins() if c["confirmations"] == 1]
    bare = bench.bitcoind.call("createpsbt", [{"txid": mined[0]["txid"], "vout": mined[0]["vout"]}], [])
    with pytest.raises(RpcError, match="was mined in block"):
        prepare(bench, wallet.described(bare), peers, "*1")
    assert not bench.funder.channels()
    prepared = prepare(bench, made(0xFFFFFFFD, height), peers)
    signed = wallet.sign(prepared["psbt"])
    transaction = wallet.transaction(signed)
    key = bench.bitcoind.call("decoderawtransaction", transaction)["vin"][0]["txinwitness"][1]
    for wrong, why in ((transaction.replace(key, "02" + "11" * 32), "its key is not the one that the coin is for"),
                       (wallet.transaction(wallet.sign(prepared["psbt"], sighash="ALL|ANYONECANPAY")),
                        "its signature is of sighash type 129")):
        with pytest.raises(RpcError, match=why) as refused:
            finish(bench, prepared["batch"], wrong)
        assert refused.value.code == INVALID_PARAMS
    check_secured(bench, prepared, peers)
    finish(bench, prepared["batch"], signed)
    check_open(bench, prepared, peers)


def with_version(psbt, version):
    """The same PSBT (of version 0) with another version of its transaction."""
    raw = bytearray(base64.b64decode(psbt))
    at = len(b"psbt\xff\x01\x00") + {0xFD: 3, 0xFE: 5}.get(raw[7], 1)
    raw[at:at + 4] = version.to_bytes(4, "little")
    return base64.b64encode(raw).decode()


@builtin_fails("has no such command")
@pytest.mark.parametrize("version", (1, 3))
def test_a_transaction_of_another_version(bench, cold, version):
    """lightningd makes version 2 of version 1, and with it another txid."""
    wallet = cold()
    wallet.receive(400_000)
    error = error_of(prepare, bench, with_version(wallet.psbt(), version), bench.peers[:2])
    assert error.code == INVALID_PARAMS
    assert f"is a transaction of version {version}: it must be of version 2" in error.message
    assert bench.funder.channels() == []
