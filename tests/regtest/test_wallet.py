"""The wallet's side on real nodes: how long coins stay reserved, which ones are left out, and what an error about them
says."""
import time

from bench import CANNOT_AFFORD, error_of
from marks import builtin_fails, cases
from regtest import RpcError, wait_for
from victims import Call

TWO_WEEKS = 2016


def output(node, outpoint):
    return next(o for o in node.rpc("listfunds")["outputs"] if f"{o['txid']}:{o['output']}" == outpoint)


def inputs_of(bench, txid):
    return [f"{i['txid']}:{i['vout']}" for i in bench.transaction(txid)["vin"]]


def coin_of(bench, sat):
    """A new coin of the funder's; its outpoint."""
    address = bench.funder.rpc("newaddr", addresstype="p2tr")["p2tr"]
    txid = bench.bitcoind.pay({address: sat})
    bench.net.mine()
    return wait_for(lambda: next((f"{o['txid']}:{o['output']}" for o in bench.funder.rpc("listfunds")["outputs"]
                                  if o["txid"] == txid and o["amount_msat"] == sat * 1000), None), "the coin", 30)


@cases({"fundchannel": ("fundchannel",), "multifundchannel": ("multifundchannel",)})
def test_sent_inputs_are_reserved_as_long_as_by_the_builtin(bench, method):
    """People and tools free coins by that number."""
    left = []
    for node in (bench.reference, bench.funder):
        height = node.rpc("getinfo")["blockheight"]
        peer = {"id": bench.peers[0].address(), "amount": 100_000}
        result = node.rpc(method, peer if method == "fundchannel" else {"destinations": [peer]})
        left.append({output(node, coin)["reserved_to_block"] - height for coin in inputs_of(bench, result["txid"])})
        bench.forget_channels()
    assert left == [{TWO_WEEKS}, {TWO_WEEKS}], left


@builtin_fails("waits for ever")
def test_reservation_is_extended_while_a_peer_is_slow(bench):
    """Twenty blocks come, and another program waits for the coin."""
    coin = next(o for o, sat in bench.funder.coins().items() if sat == 10_000_000)
    with bench.only([coin]):
        height = bench.funder.rpc("getinfo")["blockheight"]
        bench.peers[0].set_fault("start", "silent")
        call = Call(lambda: bench.multifundchannel(bench.destinations(bench.peers[:2]), minchannels=1,
                                                   peer_timeout=25))
        wait_for(lambda: output(bench.funder, coin)["reserved"], "the reservation", 10)
        for _ in range(5):
            bench.net.mine(4)
            time.sleep(0.5)
            error = error_of(bench.funder.rpc, "fundpsbt", satoshi=1_000_000, feerate="253perkw", startweight=0)
            assert error.code == CANNOT_AFFORD, error
        assert bench.funder.rpc("getinfo")["blockheight"] == height + 20
        call.wait(60)
        assert call.result, call.error
        bench.behave()
        assert inputs_of(bench, call.result["txid"]) == [coin]
        assert output(bench.funder, coin)["reserved_to_block"] == height + TWO_WEEKS


@builtin_fails("spends them")
def test_coins_that_cost_more_than_they_bring_are_left_out_of_all(bench):
    worth = coin_of(bench, 3_000_000)
    dust = [coin_of(bench, 600 + i) for i in range(5)]
    with bench.only([worth, *dust]):
        destination = {"id": bench.peers[0].address(), "amount": "all"}
        preview = bench.multifundchannel([destination], feerate="5000perkw", dryrun=True)
        assert {c["outpoint"] for c in preview["left_out"]} == set(dust), preview
        assert any("would cost more than they bring" in w for w in preview["warnings"]), preview["warnings"]
        result = bench.multifundchannel([destination], feerate="5000perkw", details=True)
        assert inputs_of(bench, result["txid"]) == [worth]
        assert {c["outpoint"] for c in result["left_out"]} == set(dust), result
        assert not any(output(bench.funder, coin)["reserved"] for coin in dust)


def coins_of(bench, amounts):
    """New coins of the funder's, made by one transaction; their outpoints, in order."""
    addresses = {bench.funder.rpc("newaddr", addresstype="p2tr")["p2tr"]: sat for sat in amounts}
    txid = bench.bitcoind.pay(addresses)
    bench.net.mine()

    def made():
        return [o for o in bench.funder.rpc("listfunds")["outputs"] if o["txid"] == txid]
    wait_for(lambda: len(made()) == len(amounts), "the coins", 60)
    by_address = {o["address"]: f"{o['txid']}:{o['output']}" for o in made()}
    return [by_address[address] for address in addresses]


@builtin_fails("spends them")
@cases({"less than the reserve": (2_000_000, 30, 600, "all"),
        "less by so little that no change would be made": (2_000_000, 41, 605, "all"),
        "for a share": (2_000_000, 41, 605, "50%"),
        "and eats up all that is there": (60_000, 90, 600, "all")})
def test_what_is_left_out_does_not_count_for_the_emergency_reserve(bench, coin, number, dust, amount):
    """lightningd (v26.06.6) ends at an assertion where its reserve lacks less than the dust limit."""
    reserve = 25_000
    worth, *rest = coins_of(bench, [coin] + [dust] * number)
    with bench.only([worth, *rest]):
        destination = {"id": bench.peers[0].address(), "amount": amount}
        preview = bench.multifundchannel([destination], feerate="5000perkw", dryrun=True)
        result = bench.multifundchannel([destination], feerate="5000perkw", details=True)
        assert inputs_of(bench, result["txid"]) == [worth]
        assert len(result["left_out"]) == len(preview["left_out"]) == number
        change = result["change"]["amount_msat"] // 1000
        assert change == reserve if amount == "all" else change > reserve, change
        assert preview["change"]["amount_msat"] == result["change"]["amount_msat"]
        assert not any(output(bench.funder, one)["reserved"] for one in rest)


def unconfirmed_coin(bench):
    """lightningd shows none but those that it has sent itself."""
    coin = coin_of(bench, 2_000_000)
    address = bench.funder.rpc("newaddr", addresstype="p2tr")["p2tr"]
    txid = bench.funder.rpc("withdraw", destination=address, satoshi="all", utxos=[coin])["txid"]
    return wait_for(lambda: next((o for o in bench.funder.rpc("listfunds")["outputs"] if o["txid"] == txid), None),
                    "the unconfirmed coin", 30)


@builtin_fails("does not say")
def test_no_usable_coins_are_explained(bench):
    dust = coin_of(bench, 600)
    pending = unconfirmed_coin(bench)
    with bench.only([dust, f"{pending['txid']}:{pending['output']}"]):
        until = min(o["reserved_to_block"] for o in bench.funder.rpc("listfunds")["outputs"] if o["reserved"])
        try:
            for options in ({}, {"dryrun": True}):
                error = error_of(bench.multifundchannel, bench.destinations(bench.peers[:1]), **options)
                assert error.code == CANNOT_AFFORD and "available UTXOs" in error.message, error
                assert f"reserved, the first until block {until}" in error.message, error
                assert (f"1 coins ({pending['amount_msat'] // 1000} sat) with fewer than minconf=1 confirmations"
                        in error.message), error
                assert "coins (600 sat) not worth their fee at" in error.message, error
        finally:
            bench.net.mine()


@builtin_fails("does not say")
def test_minconf_beside_utxos_is_told_to_be_ignored(bench):
    coin = coin_of(bench, 4_000_000)
    options = {"utxos": [coin], "minconf": 5}
    preview = bench.multifundchannel(bench.destinations(bench.peers[:1]), dryrun=True, **options)
    result = bench.multifundchannel(bench.destinations(bench.peers[:1]), details=True, **options)
    for warnings in (preview["warnings"], result["warnings"]):
        assert any(f"minconf: has no effect on given utxos: {coin} has 1 confirmations" in w for w in warnings), warnings
    plain = bench.multifundchannel(bench.destinations(bench.peers[1:2]), minconf=5, utxos=[coin_of(bench, 4_000_000)])
    assert set(plain) == {"tx", "txid", "channel_ids", "failed"}


@builtin_fails("cannot be stopped")
def test_a_caller_whose_plugin_is_stopped_is_told_so(bench):
    bench.peers[0].set_fault("start", "silent")
    call = Call(lambda: bench.multifundchannel(bench.destinations(bench.peers[:2])))
    wait_for(lambda: any(c["state"] == "OPENINGD" for c in bench.funder.channels()), "the opening", 10)
    bench.funder.rpc("plugin", {"subcommand": "stop", "plugin": bench.plugin})
    try:
        call.wait()
        assert isinstance(call.error, RpcError) and call.error.code == -1, call.error
        assert call.error.message.startswith("the plugin was stopped: nothing was sent"), call.error
    finally:
        bench.behave()
        bench.funder.rpc("plugin", {"subcommand": "start", "plugin": bench.plugin})
