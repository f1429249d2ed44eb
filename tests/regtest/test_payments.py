"""Payments in the transaction that opens the channels, against bitcoind: addresses, exact amounts, fee and numbers of the
outputs; a crash; and what lightningd's bookkeeper makes of them."""
import pytest

from bench import CANNOT_AFFORD, INVALID_PARAMS, P2TR_COUNTED_TOO_MUCH
from marks import cases, since, withheld
from regtest import RpcError, older_than, wait_for
from test_abort import abort, in_mempool, mine_until_undone
from test_refusals import FLOOR, refused, set_floor
from test_sending import held_at
from victims import a_victim

pytestmark = pytest.mark.usefixtures("plugin_only")
LEAST = {"legacy": 546, "p2sh-segwit": 540, "bech32": 294, "bech32m": 330}


@pytest.fixture
def plugin_only(bench):
    if not bench.plugin:
        pytest.skip("about the plugin")


def addresses(bench, count, kind=None):
    kinds = list(LEAST) if kind is None else [kind]
    return [bench.bitcoind.call("getnewaddress", "", kinds[i % len(kinds)]) for i in range(count)]


def sat(value):
    return round(float(value) * 1e8)


def check_payments(bench, result, outputs):
    """What bitcoind has of the transaction, against the result and what was asked for. Returns its change and fee."""
    transaction = bench.transaction(result["txid"])["vout"]
    assert [o["address"] for o in result["outputs"]] == [o["address"] for o in outputs]
    for shown, asked in zip(result["outputs"], outputs):
        paid = transaction[shown["outnum"]]
        assert paid["scriptPubKey"]["address"] == asked["address"]
        assert sat(paid["value"]) * 1000 == shown["amount_msat"]
        if isinstance(asked["amount"], int):
            assert sat(paid["value"]) == asked["amount"]
        assert shown.get("label") == asked.get("label")
    numbers = [o["outnum"] for o in (*result["outputs"], *result["channel_ids"])]
    assert len(set(numbers)) == len(numbers)
    rest = [o for o in transaction if o["n"] not in numbers]
    assert len(rest) <= 1
    fees = bench.bitcoind.call("getmempoolentry", result["txid"])["fees"]["base"]
    return sat(rest[0]["value"]) if rest else 0, sat(fees)


@cases({"one": (1,), "252 in all": (250,), "253 in all": (251,), "253 of them": (253,)})
def test_any_number_of_payments(bench, peers, count):
    """The number of outputs takes a byte up to 252, and three from 253 on."""
    outputs = [{"address": a, "amount": 10_000 + i} for i, a in enumerate(addresses(bench, count))]
    result = bench.multifundchannel(bench.destinations(peers[:1]), outputs=outputs, details=True, feerate="2500perkw")
    change, fee = check_payments(bench, result, outputs)
    assert change * 1000 == result["change"]["amount_msat"]
    assert fee * 1000 == result["fee_msat"]
    assert len(bench.transaction(result["txid"])["vout"]) == count + 2
    vsize = bench.bitcoind.call("getmempoolentry", result["txid"])["vsize"]
    too_much = P2TR_COUNTED_TOO_MUCH * len(bench.transaction(result["txid"])["vin"]) / 4 if older_than("25.05") else 0
    assert vsize * 10 <= fee <= (vsize + too_much) * 10 * 1.01, (fee, vsize)


@cases({kind: (kind,) for kind in LEAST})
def test_the_least_that_bitcoind_relays(bench, peers, kind):
    outputs = [{"address": addresses(bench, 1, kind)[0], "amount": LEAST[kind]}]
    result = bench.multifundchannel(bench.destinations(peers[:1]), outputs=outputs)
    check_payments(bench, result, outputs)
    outputs[0]["amount"] -= 1
    with pytest.raises(RpcError, match=r"outputs\[0\].amount: output would be dust") as caught:
        bench.multifundchannel(bench.destinations(peers[:1]), outputs=outputs)
    assert caught.value.code == INVALID_PARAMS


def test_addresses_are_judged_as_bitcoind_does(bench, peers):
    good = addresses(bench, 4)
    bad = ["bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "me",
           *(a[:-1] + ("q" if a[-1] != "q" else "p") for a in good)]
    for address in bad:
        assert not bench.bitcoind.call("validateaddress", address)["isvalid"]
        with pytest.raises(RpcError, match=r"outputs\[0\].address: ") as caught:
            bench.multifundchannel(bench.destinations(peers[:1]), outputs=[{"address": address, "amount": 1000}])
        assert caught.value.code == INVALID_PARAMS


def test_shares_and_preview(bench, peers):
    coin = bench.funder.rpc("listfunds")["outputs"]
    coin = next(f"{o['txid']}:{o['output']}" for o in coin if o["status"] == "confirmed" and not o["reserved"])
    one, two = addresses(bench, 2)
    outputs = [{"address": one, "amount": "25%", "label": "a quarter"}, {"address": two, "amount": "*1"}]
    destinations = [{"id": peers[0].address(), "amount": "*3"}]
    options = {"outputs": outputs, "utxos": [coin], "keep_change": 100_000, "feerate": "1000perkw"}
    preview = bench.multifundchannel(destinations, dryrun=True, **options)
    result = bench.multifundchannel(destinations, details=True, **options)
    change, fee = check_payments(bench, result, outputs)
    assert change == 100_000
    assert (preview["fee_msat"], preview["weight"]) == (result["fee_msat"], result["weight"])
    assert [o["amount_msat"] for o in preview["outputs"]] == [o["amount_msat"] for o in result["outputs"]]
    total = sat(sum(o["value"] for o in bench.transaction(result["txid"])["vout"])) + fee
    assert result["outputs"][0]["amount_msat"] // 1000 == (total - change - fee) // 4


def test_when_a_peer_drops_out_the_payments_stay(bench, peers):
    peers[1].set_fault("start", "refuse")
    outputs = [{"address": a, "amount": 50_000} for a in addresses(bench, 2)]
    result = bench.multifundchannel(bench.destinations(peers[:2]), outputs=outputs, minchannels=1)
    assert len(result["channel_ids"]) == 1
    check_payments(bench, result, outputs)


def test_change_that_is_to_stay(bench, peers):
    result = bench.multifundchannel(bench.destinations(peers[:1]), keep_change=3_000_000, details=True)
    assert result["change"]["amount_msat"] >= 3_000_000_000
    with pytest.raises(RpcError, match="keep_change: Could not afford") as caught:
        bench.multifundchannel(bench.destinations(peers[:1]), keep_change="1000btc")
    assert caught.value.code == CANNOT_AFFORD


@cases({"plugin, as it signs": ("plugin", "signpsbt", "asked"), "plugin, as it sends": ("plugin", "sendpsbt", "asked"),
        "node, as it sends": ("node", "sendpsbt", "forwarded"), "plugin, before it signs": ("plugin", "fundchannel_complete", "asked")},
       usual=["node, as it sends"])
def test_a_crash_is_settled_with_the_payments(bench, deed, method, when):
    outputs = [{"address": a, "amount": 7_000 + i, "label": "rent"} for i, a in enumerate(addresses(bench, 4))]
    with a_victim(bench) as victim:
        victim.crash(method, when, deed, outputs=outputs)
        if deed == "node":
            victim.node.spawn()
            victim.node.wait_up()
        else:
            victim.start_plugin()
        victim.wait_settled()
        txid = victim.opened()
        assert bool(txid) == (method != "fundchannel_complete")
        if txid:
            victim.check_opened()
            shown, = victim.batches()
            check_payments(bench, {"txid": txid, "outputs": shown["outputs"], "channel_ids": shown["destinations"]}, outputs)
        else:
            victim.check_undone()
            assert all(bench.bitcoind.call("getreceivedbyaddress", o["address"], 0) == 0 for o in outputs)
        bench.net.mine(6)


@withheld
def test_an_aborted_batch_pays_nobody(bench):
    """Refused by bitcoind for its fee, and given up."""
    outputs = [{"address": a, "amount": 7_000} for a in addresses(bench, 2)]
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt", feerate="300perkw", outputs=outputs) as call:
            set_floor(bench, floor=FLOOR)
        try:
            batch = refused(victim, call).data["batch"]
            wait_for(lambda: victim.batch(batch)["state"] == "refused", "the batch to be refused", 20)
            assert [o["amount_msat"] for o in victim.batch(batch)["outputs"]] == [7_000_000] * 2
            in_mempool(bench, abort(victim, batch, confirm=True)["txid"])
            mine_until_undone(bench, victim)
        finally:
            set_floor(bench)
        assert all(bench.bitcoind.call("getreceivedbyaddress", o["address"], 0) == 0 for o in outputs)
        victim.meet_peers()


@pytest.fixture
def with_bookkeeper(bench):
    """A node with lightningd's bookkeeper, which needs sql. Other nodes here have neither."""
    node = bench.net.node("books", [f"--plugin={bench.plugin}"])
    node.options = [o for o in node.options if o not in ("--disable-plugin=bookkeeper", "--disable-plugin=sql")]
    bench.net.start([node])
    bench.net.fund(node, [1_000_000, 1_000_000])
    wait_for(lambda: len(node.coins()) == 2, "coins", 10)
    yield node
    bench.net.remove(node)


@since("25.12", "lightningd does not tell what it notes")
def test_the_bookkeeper_has_withdrawals(bench, peers, with_bookkeeper):
    """As of lightningd's own withdraw, of which one is made beside it."""
    node = with_bookkeeper
    outputs = [{"address": a, "amount": 60_000 + i} for i, a in enumerate(addresses(bench, 2))]
    outputs.append({"address": node.rpc("newaddr", addresstype="bech32")["bech32"], "amount": 70_000})
    result = bench.multifundchannel(bench.destinations(peers[:1]), node=node, outputs=outputs)
    check_payments(bench, result, outputs)
    withdrawn = node.rpc("withdraw", destination=addresses(bench, 1)[0], satoshi=61_000)
    bench.net.mine(1)

    def events(txid):
        found = node.rpc("bkpr-listaccountevents", account="external")["events"]
        return [e for e in found if (e.get("outpoint") or "").startswith(txid)]
    ours = wait_for(lambda: len(events(result["txid"])) == 2 and events(result["txid"]), "the bookkeeper", 30)
    theirs = wait_for(lambda: events(withdrawn["txid"]), "the bookkeeper", 30)
    # What goes to the wallet itself has never left it.
    assert sorted(e["credit_msat"] for e in ours) == [60_000_000, 60_001_000]

    def kind(event):
        return {name: event.get(name) for name in ("account", "type", "tag", "origin")}
    assert [kind(e) for e in ours] == [kind(theirs[0])] * 2
    assert kind(ours[0])["origin"] == "wallet"
