"""Batches that succeed, and that everything the user asked for is honoured."""
import json
import subprocess

from bench import CANNOT_AFFORD, COIN, INVALID_PARAMS, error_of
from marks import builtin_fails, cases
from regtest import in_parallel


def test_three_peers(bench, peers):
    bench.open(bench.destinations(peers[:3], 200_000))


def test_ten_peers(bench, peers):
    destinations = [{"id": p.address(), "amount": 100_000 + 1000 * i} for i, p in enumerate(peers[:10])]
    bench.open(destinations)


@builtin_fails("logs the whole PSBT, and lightningd crashes at a line of more than 256 KiB")
def test_a_large_transaction(bench):
    """Each input brings the whole transaction that it comes from: a PSBT of a megabyte, told to three peers."""
    node = bench.net.node("large", [f"--plugin={bench.plugin}"] if bench.plugin else [])
    bench.net.start([node])
    try:
        bench.net.fund(node, [200_000] * 150)
        destinations = [{"id": p.address(), "amount": amount}
                        for p, amount in zip(bench.peers, (300_000, 400_000, "all"))]
        result = bench.multifundchannel(destinations, node)
        bench.check_opened(result, destinations, node)
        assert len(bench.transaction(result["txid"])["vin"]) == 150
    finally:
        bench.net.remove(node)


def test_one_peer_by_its_id_alone(bench, peers):
    """Connected already, so no address is needed."""
    peer = peers[0]
    bench.funder.rpc("connect", id=peer.address())
    result = bench.open([{"id": peer.id, "amount": "100000sat"}])
    assert bench.channel(bench.funder, result["channel_ids"][0]["channel_id"])["total_msat"] == 100_000_000


def test_positional_parameters(bench, peers):
    destinations = bench.destinations(peers[:2])
    result = bench.funder.rpc("multifundchannel", [destinations, "6000perkw", 1, None, 2])
    bench.check_opened(result, destinations)
    assert abs(bench.feerate(result["txid"]) - 6000) < 60


def test_given_utxos(bench, peers):
    coins = sorted(bench.funder.coins(), key=bench.funder.coins().get)[-2:]
    result = bench.open(bench.destinations(peers[:2], 120_000), utxos=coins)
    inputs = {f"{i['txid']}:{i['vout']}" for i in bench.transaction(result["txid"])["vin"]}
    assert inputs == set(coins)


def a_coin(bench):
    return next(outpoint for outpoint, sat in bench.funder.coins().items() if sat == COIN)


def test_all_to_one_peer(bench, peers):
    result = bench.open(bench.destinations(peers[:1], "all"), utxos=[a_coin(bench)])
    transaction = bench.transaction(result["txid"])
    fee = round(bench.bitcoind.call("getmempoolentry", result["txid"])["fees"]["base"] * 1e8)
    amount = round(transaction["vout"][result["channel_ids"][0]["outnum"]]["value"] * 1e8)
    # lightningd may keep its emergency reserve for anchor channels; otherwise there is no change.
    rest = sum(round(o["value"] * 1e8) for o in transaction["vout"]) - amount
    assert amount + rest + fee == COIN
    assert rest in (0, 25_000), f"{rest} sat of change"


def test_all_beside_fixed_amounts(bench, peers):
    one, two, three = peers[:3]
    destinations = [{"id": one.address(), "amount": 1_000_000}, {"id": two.address(), "amount": "all"},
                    {"id": three.address(), "amount": 2_000_000}]
    result = bench.open(destinations, utxos=[a_coin(bench)])
    channel = bench.channel(bench.funder, result["channel_ids"][1]["channel_id"])
    assert 6_900_000 <= channel["total_msat"] // 1000 < 7_000_000, channel["total_msat"]


def test_minconf_zero(bench, peers):
    address = bench.funder.rpc("newaddr", addresstype="p2tr")["p2tr"]
    txid = bench.funder.rpc("withdraw", destination=address, satoshi=1_000_000)["txid"]
    coin = next(f"{txid}:{o['output']}" for o in bench.funder.rpc("listfunds")["outputs"]
                if o["txid"] == txid and o["amount_msat"] == 1_000_000_000)
    destinations = bench.destinations(peers[:2], 300_000)
    with bench.only([coin]):
        assert error_of(bench.multifundchannel, destinations).code == CANNOT_AFFORD
        result = bench.open(destinations, minconf=0)
    assert [f"{i['txid']}:{i['vout']}" for i in bench.transaction(result["txid"])["vin"]] == [coin]


def test_push_msat(bench, peers):
    one, two = peers[:2]
    destinations = [{"id": one.address(), "amount": 500_000, "push_msat": 100_000_000},
                    {"id": two.address(), "amount": 500_000, "push_msat": "20000sat"}]
    result = bench.open(destinations)
    for opened, pushed in zip(result["channel_ids"], (100_000_000, 20_000_000)):
        channel = bench.channel(bench.funder, opened["channel_id"])
        assert channel["funding"]["pushed_msat"] == pushed
        assert channel["to_us_msat"] == 500_000_000 - pushed


def test_close_to(bench, peers):
    address = bench.funder.rpc("newaddr", addresstype="p2tr")["p2tr"]
    destinations = bench.destinations(peers[:2], 150_000)
    destinations[1]["close_to"] = address
    without, with_it = bench.open(destinations)["channel_ids"]
    assert "close_to" not in without
    script = bench.bitcoind.call("getaddressinfo", address)["scriptPubKey"]
    assert with_it["close_to"] == script
    assert bench.channel(bench.funder, with_it["channel_id"])["close_to"] == script


def test_reserve(bench, peers):
    result = bench.open(bench.destinations(peers[:1], 400_000, reserve=6000))
    channel = bench.channel(bench.funder, result["channel_ids"][0]["channel_id"])
    assert channel["their_reserve_msat"] == 6_000_000, channel["their_reserve_msat"]


def test_mindepth(bench, peers):
    one, two = peers[:2]
    result = bench.open([{"id": one.address(), "amount": 150_000, "mindepth": 3},
                         {"id": two.address(), "amount": 150_000, "mindepth": 2}])
    for opened, depth in zip(result["channel_ids"], (3, 2)):
        status = bench.channel(bench.funder, opened["channel_id"])["status"]
        assert f"needs {depth} more confirmations" in status[0], status


def test_private_channels(bench, peers):
    one, two = peers[:2]
    result = bench.open([{"id": one.address(), "amount": 150_000, "announce": False},
                         {"id": two.address(), "amount": 150_000}])
    private = [bench.channel(bench.funder, c["channel_id"])["private"] for c in result["channel_ids"]]
    assert private == [True, False]


@cases({"anchors": ([12, 22],), "static_remotekey only": ([12],)})
def test_channel_type(bench, peers, bits):
    result = bench.open(bench.destinations(peers[:1], 150_000, channel_type=bits))
    assert result["channel_ids"][0]["channel_type"]["bits"] == bits


@cases({"number of sat per kw": ("5000perkw", 5000), "number of sat per kvB": ("30000perkb", 7500),
        "word": ("opening", 7500), "the default": (None, 7500)})
def test_feerate(bench, peers, asked, perkw):
    result = bench.open(bench.destinations(peers[:3], 150_000), **({"feerate": asked} if asked else {}))
    paid = bench.feerate(result["txid"])
    assert abs(paid - perkw) <= perkw * 0.01, f"asked for {perkw} perkw, paid {paid:.1f}"


def test_commitment_feerate(bench, peers):
    """lightningd uses it for channels without anchors only."""
    result = bench.open(bench.destinations(peers[:2], 300_000, channel_type=[12]),
                        feerate="5000perkw", commitment_feerate="3000perkw")
    assert abs(bench.feerate(result["txid"]) - 5000) <= 50
    for opened in result["channel_ids"]:
        assert bench.channel(bench.funder, opened["channel_id"])["feerate"]["perkw"] == 3000


def test_feerate_is_the_commitments_too(bench, peers):
    """Without commitment_feerate, `feerate` is used for both."""
    result = bench.open(bench.destinations(peers[:1], 300_000, channel_type=[12]), feerate="4000perkw")
    channel = bench.channel(bench.funder, result["channel_ids"][0]["channel_id"])
    assert channel["feerate"]["perkw"] == 4000, channel["feerate"]


def test_two_batches_at_the_same_time(bench, peers):
    batches = [bench.destinations(peers[:5], 110_000), bench.destinations(peers[5:10], 120_000)]
    results = in_parallel([lambda d=d: bench.multifundchannel(d) for d in batches])
    for result, destinations in zip(results, batches):
        assert isinstance(result, dict), result
        bench.check_opened(result, destinations)
    spent = [{(i["txid"], i["vout"]) for i in bench.transaction(r["txid"])["vin"]} for r in results]
    assert not spent[0] & spent[1]


def test_two_batches_to_the_same_peers(bench, peers):
    """Each may fail (one opening per peer at a time), but none may hang or leave something behind."""
    destinations = bench.destinations(peers[:3], 110_000)
    results = in_parallel([lambda: bench.multifundchannel(destinations)] * 2)
    for result in results:
        if isinstance(result, dict):
            bench.check_opened(result, destinations)
        else:
            assert result.data["method"].startswith("fundchannel_"), result


def test_fundchannel_by_way_of_us(bench, peers):
    """The builtin's fundchannel is a call of multifundchannel; it stops the node if it dislikes the answer."""
    peer = peers[0]
    result = bench.funder.rpc("fundchannel", id=peer.address(), amount=130_000, mindepth=1)
    assert {"tx", "txid", "outnum", "channel_id", "channel_type"} <= set(result), sorted(result)
    assert bench.channel(bench.funder, result["channel_id"])["funding_txid"] == result["txid"]
    error = error_of(bench.funder.rpc, "fundchannel", id=peer.address(), amount=50_000_000_000)
    assert error.code == CANNOT_AFFORD, error
    peer.set_fault("start", "refuse")
    error = error_of(bench.funder.rpc, "fundchannel", id=peer.address(), amount=100_000)
    assert error.code == -1 and "I do not want that channel" in error.message, error


def test_lightning_cli(bench, peers):
    """Progress and messages on its way must not spoil lightning-cli's output."""
    destinations = bench.destinations(peers[:3])
    command = ["lightning-cli", f"--lightning-dir={bench.funder.dir}", "--network=regtest", "-k", "multifundchannel",
               f"destinations={json.dumps(destinations)}", "minchannels=2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    answer = "\n".join(line for line in done.stdout.splitlines() if not line.startswith("#"))
    bench.check_opened(json.loads(answer[answer.index("{"):]), destinations)


def test_check_answers(bench, peers):
    """lightningd's `check` decides about the parameters alone."""
    destinations = bench.destinations(peers[:2])
    good = {"command_to_check": "multifundchannel", "destinations": destinations}
    assert bench.funder.rpc("check", good) == {"command_to_check": "multifundchannel"}
    bad = {**good, "destinations": [{**destinations[0], "amount": "x"}]}
    error = error_of(bench.funder.rpc, "check", bad)
    assert error.code == INVALID_PARAMS and "amount" in error.message, error


def test_channels_become_normal(bench, peers):
    bench.open(bench.destinations(peers[:3], mindepth=2) + bench.destinations(peers[3:5]))
    bench.mine_until_normal(bench.funder, 2)
