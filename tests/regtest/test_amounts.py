"""Shares of what is left, caps of the fee, and previews."""
from bench import COIN, INVALID_PARAMS, UNREACHABLE_IDS, error_of
from marks import builtin_fails, cases
from regtest import free_port, older_than

EMERGENCY = 25_000  # what lightningd keeps for anchor channels, unless other coins are there


def some_coins(bench, number):
    return [outpoint for outpoint, sat in bench.funder.coins().items() if sat == COIN][:number]


def with_amounts(peers, amounts):
    return [{"id": peer.address(), "amount": amount} for peer, amount in zip(peers, amounts)]


def paid(bench, result):
    """What the channels have got, in their order, and the fee and the change, in sat; from the mempool."""
    outputs = bench.transaction(result["txid"])["vout"]
    amounts = [round(outputs[c["outnum"]]["value"] * 1e8) for c in result["channel_ids"]]
    fee = round(bench.bitcoind.call("getmempoolentry", result["txid"])["fees"]["base"] * 1e8)
    change = sum(round(o["value"] * 1e8) for o in outputs) - sum(amounts)
    return amounts, fee, change


@builtin_fails("knows no shares")
def test_weights(bench):
    result = bench.open(with_amounts(bench.peers, ["*1", 1_000_000, "*2", "*1"]), utxos=some_coins(bench, 2))
    (one, fixed, two, last), fee, change = paid(bench, result)
    left = 2 * COIN - fee - fixed - change
    assert fixed == 1_000_000 and change in (0, EMERGENCY), (fixed, change)
    assert (one, two, last) == (left // 4, left * 2 // 4, left - left // 4 - left * 2 // 4)
    assert abs(bench.feerate(result["txid"]) - 7500) <= 75


@builtin_fails("knows no shares")
def test_percentages(bench):
    result = bench.open(with_amounts(bench.peers, ["40%", 1_000_000, "12.5%"]), utxos=some_coins(bench, 2))
    (forty, fixed, eighth), fee, change = paid(bench, result)
    left = 2 * COIN - fee - fixed
    assert forty + fixed + eighth + fee + change == 2 * COIN
    # The emergency reserve is in the other coins of the wallet.
    assert (forty, eighth) == (left * 40 // 100, left * 125 // 1000), (forty, eighth, left)


@builtin_fails("knows no shares")
@cases({"in start": ("start",), "in complete": ("complete",)})
def test_share_of_a_peer_that_drops_out(bench, phase):
    bench.peers[1].set_fault(phase, "refuse")
    destinations = with_amounts(bench.peers, ["*1", "*3", 1_000_000])
    result = bench.multifundchannel(destinations, utxos=some_coins(bench, 1), minchannels=2)
    bench.check_opened(result, destinations)
    (rest, fixed), fee, change = paid(bench, result)
    assert change in (0, EMERGENCY) and rest == COIN - fixed - fee - change, (rest, fee, change)


# The fee of whole vbytes, by the weight that lightningd counts.
COUNTED = 7528 if older_than("25.05") else 7500


@builtin_fails("has no caps")
@cases({"max_fee": ({"max_fee": 100}, "max_fee: the fee would be "),
        "max_feerate": ({"max_feerate": "29996perkb"},
                        f"max_feerate: the feerate would be {COUNTED} perkw (")})
def test_fee_cap(bench, cap, message):
    before = {p.name: p.log_size() for p in bench.peers[:2]}
    error = error_of(bench.multifundchannel, bench.destinations(bench.peers[:2]), **cap)
    assert error.code == INVALID_PARAMS and error.message.startswith(message), error
    assert error.data["parameter"] in message and error.data["fee_msat"] > 100_000, error.data
    for peer in bench.peers[:2]:
        assert "openingd" not in peer.log(before[peer.name])


@builtin_fails("has no caps")
def test_fee_within_its_cap(bench):
    result = bench.open(bench.destinations(bench.peers[:2]), max_feerate="7500perkw", max_fee=10_000_000)
    assert abs(bench.feerate(result["txid"]) - 7500) <= 75


@builtin_fails("has no preview")
@cases({"fixed": ([150_000, 200_000],), "all": ([150_000, "all"],), "percentages": (["40%", "12.5%", 150_000],),
        "weights": (["*1", "*2"],)})
def test_preview_and_then_the_batch(bench, wanted):
    coins = some_coins(bench, 2)
    params = {"destinations": with_amounts(bench.peers, wanted), "utxos": coins, "details": True}
    preview = bench.funder.rpc("multifundchannel", {**params, "dryrun": True})
    assert preview["warnings"] == [], preview["warnings"]
    assert {i["outpoint"]: i["amount_msat"] for i in preview["inputs"]} == {coin: COIN * 1000 for coin in coins}
    assert all(d["reachable"] and d["fits"] and d["protocol"] == "v1" for d in preview["destinations"])
    result = bench.funder.rpc("multifundchannel", params)
    for name in ("fee_msat", "weight", "feerate"):
        assert preview[name] == result[name], (name, preview[name], result[name])
    assert preview.get("change", {}).get("amount_msat") == result.get("change", {}).get("amount_msat")
    amounts, fee, change = paid(bench, result)
    assert [d["amount_msat"] for d in preview["destinations"]] == [amount * 1000 for amount in amounts]
    assert (preview["fee_msat"], preview.get("change", {}).get("amount_msat", 0)) == (fee * 1000, change * 1000)
    weight = bench.weight(result["txid"])
    assert preview["weight"] == weight, (preview["weight"], weight)


def disconnect(bench, peer):
    if any(p["connected"] for p in bench.funder.rpc("listpeers", id=peer.id)["peers"]):
        bench.funder.rpc("disconnect", id=peer.id, force=True)


@builtin_fails("has no preview")
def test_preview_leaves_nothing(bench):
    stranger, friend = bench.peers[:2]
    disconnect(bench, stranger)
    bench.funder.rpc("connect", id=friend.address())
    before = [p["batch"] for p in bench.funder.rpc("listmultifundchannels")["batches"]]
    reserved = bench.funder.reserved()
    destinations = bench.destinations([stranger, friend]) + [
        {"id": f"{UNREACHABLE_IDS[0]}@127.0.0.1:{free_port()}", "amount": "all", "announce": False}]
    preview = bench.multifundchannel(destinations, dryrun=True, minchannels=2)
    assert [d["reachable"] for d in preview["destinations"]] == [True, True, False]
    assert preview["destinations"][2]["cause"] == "unreachable" and "error" in preview["destinations"][2]
    assert preview["destinations"][0]["features"] == bench.funder.rpc("listpeers", id=friend.id)["peers"][0]["features"]
    assert preview["emergency_reserve_msat"] == EMERGENCY * 1000
    assert len(preview["warnings"]) == 2, preview["warnings"]

    connected = [any(p["connected"] for p in bench.funder.rpc("listpeers", id=n.id)["peers"]) for n in (stranger, friend)]
    assert connected == [False, True], connected
    assert bench.funder.reserved() == reserved
    assert bench.funder.rpc("listdatastore", key=["multifundchannel"])["datastore"] == []
    assert [p["batch"] for p in bench.funder.rpc("listmultifundchannels")["batches"]] == before


@builtin_fails("has no preview")
def test_peers_are_asked(bench):
    """Whether they would open; nothing is left of it, and the batch itself opens with them."""
    stranger, friend, narrow = bench.peers[:3]
    disconnect(bench, stranger)
    too_small = {**bench.destinations([narrow], 9_000)[0], "push_msat": 0}  # below its min-capacity-sat of 10,000 sat
    destinations = [*bench.destinations([stranger, friend]), too_small]
    reserved = bench.funder.reserved()
    asked = bench.multifundchannel(destinations, dryrun="ask")
    assert [d["accepts"] for d in asked["destinations"]] == [True, True, False], asked
    assert asked["destinations"][0]["channel_type"]["bits"], asked
    assert asked["destinations"][2]["cause"] in ("refused", "limits"), asked
    assert any(line.startswith("1 of 3 peers that were asked would not open") for line in asked["warnings"]), asked
    assert bench.funder.reserved() == reserved
    assert bench.funder.rpc("listdatastore", key=["multifundchannel"])["datastore"] == []
    assert not [c for peer in (stranger, friend, narrow) for c in bench.funder.channels(peer.id) if c["state"] == "OPENINGD"]
    bench.open(bench.destinations([stranger, friend]))


@builtin_fails("has no preview")
def test_preview_of_what_the_wallet_can_not_pay(bench):
    error = error_of(bench.multifundchannel, bench.destinations(bench.peers[:1], 10**12), dryrun=True)
    assert error.code == 301, error
