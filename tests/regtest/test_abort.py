"""A batch whose transaction may be sent is given up: multifundchannel-abort, and what another transaction has ended."""
import contextlib
import os
import signal
import time

import pytest

from bench import INVALID_PARAMS, error_of, plugin_pid
from marks import builtin_fails, cases, withheld
from regtest import FOR_GOOD, RpcError, older_than, wait_for
from test_refusals import FLOOR, refused, set_floor
from test_sending import bitcoind_down_for_sendpsbt, held_at
from victims import a_victim

BUILTIN_FAILS = "has no such command"
pytestmark = withheld
DEEP = 6
INPUT_TAKEN = -1


@contextlib.contextmanager
def a_batch_below_the_floor(bench):
    """Of several channels: bitcoind's floor rises in the last moment, and has fallen again when the test is over."""
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt", feerate="300perkw") as call:
            set_floor(bench, floor=FLOOR)
        try:
            yield victim, call
        finally:
            set_floor(bench)
        victim.meet_peers()


@contextlib.contextmanager
def a_refused_batch(bench):
    with a_batch_below_the_floor(bench) as (victim, call):
        batch = refused(victim, call).data["batch"]
        wait_for(lambda: victim.batch(batch)["state"] == "refused", "the batch to be refused", 20)
        yield victim, batch


def abort(victim, batch, patience=10, **options):
    """Asks again, as the error says, while the settlement is just sending or looking."""
    deadline = time.monotonic() + patience
    while True:
        try:
            return victim.node.rpc("multifundchannel-abort", batch=batch, **options)
        except RpcError as error:
            if not error.message.endswith("try again") or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def mempool(bench):
    return bench.bitcoind.call("getrawmempool")


def look_again(victim):
    """The settlement looks after pauses of up to five minutes; a restart looks at once."""
    victim.stop_plugin()
    victim.start_plugin()



def mine_until_almost_deep(bench, victim, spent=1):
    kept = victim.node.reserved()
    bench.net.mine(DEEP - 1)
    look_again(victim)
    wait_for(lambda: "of 6 blocks deep" in str(victim.batches()), "the look", 20)
    assert len(victim.node.channels()) == len(victim.peers)
    assert len(kept - victim.node.reserved()) <= spent, (kept, victim.node.reserved())


def check_undone(victim, dead=()):
    """`dead`: the transactions that lightningd has sent, and that never confirm. It does not forget their outputs."""
    victim.wait_settled(60)
    assert not victim.node.channels(), victim.node.channels()
    of_dead = [o for o in victim.node.rpc("listfunds")["outputs"] if o["txid"] in dead]
    assert len(of_dead) == len(dead) and all(o.get("reserved_to_block", 0) > FOR_GOOD for o in of_dead), (dead, of_dead)
    assert victim.node.reserved() <= victim.reserved_before, victim.node.reserved()
    assert not victim.records()


def mine_until_undone(bench, victim, spent=1, dead=()):
    """Nothing is cancelled or freed before; the plugin looks once more just before the last block."""
    mine_until_almost_deep(bench, victim, spent)
    bench.net.mine(1)
    look_again(victim)
    check_undone(victim, dead)


def need_exact_reservations(deed):
    """A refused transaction stays in its channels. At a start spenderp hands it to sendpsbt, once for each of them, all at
    the same time. Before v26.09 that fails before anything is reserved."""
    if deed == "node" and not older_than("26.09"):
        pytest.skip("from v26.09 on lightningd leaves the inputs of a refused transaction reserved for longer at each start")


def signed_transaction(bench, node):
    """As lightningd keeps it in the channels of a batch that was handed to sendpsbt."""
    psbt, = {c["funding"]["psbt"] for c in node.channels()}
    psbt = node.rpc("setpsbtversion", psbt=psbt, version=0)["psbt"]
    answer = bench.bitcoind.call("finalizepsbt", psbt)
    assert answer["complete"], answer
    return answer["hex"]


def spending(bench, *outpoints):
    return bench.bitcoind.call("createpsbt", [{"txid": o[:64], "vout": int(o[65:])} for o in outpoints], [])


def in_mempool(bench, txid):
    wait_for(lambda: txid in mempool(bench), "the transaction", 30)
    return bench.bitcoind.call("getmempoolentry", txid)


@builtin_fails(BUILTIN_FAILS)
@cases({"alone": ("",), "the plugin is killed": ("plugin",), "the node is killed": ("node",)},
       usual=["the plugin is killed"])
def test_of_a_refused_batch(bench, deed):
    need_exact_reservations(deed)
    with a_refused_batch(bench) as (victim, batch):
        offer = abort(victim, batch)
        assert offer["aborting"] is False and set(offer["inputs"]) <= victim.node.reserved(), offer
        assert victim.batch(batch)["state"] == "refused" and not mempool(bench)
        begun = abort(victim, batch, confirm=True)
        assert begun["aborting"] is True and begun["inputs"] == offer["inputs"], begun
        if deed == "plugin":
            os.kill(plugin_pid(victim.node, bench.plugin), signal.SIGKILL)
            victim.start_plugin()
        elif deed == "node":
            victim.node.kill()
            victim.node.start().sync()
        entry = in_mempool(bench, begun["txid"])
        assert round(entry["fees"]["base"] * 1e8) * 1000 == begun["fee_msat"], (entry, begun)
        assert victim.batch(batch)["state"] == "aborting"
        mine_until_undone(bench, victim)


def come_back(victim, deed):
    """When it has been killed at the point that it was armed for."""
    victim.wait_reached()
    if deed == "node":
        victim.node.proc.wait(30)
        victim.node.start().sync()
    else:
        victim.start_plugin()


@builtin_fails(BUILTIN_FAILS)
@cases({f"{when} {method}, {deed}": (method, when, n, deed)
        for method, when, n in (("signpsbt", "answered", 1), ("sendpsbt", "forwarded", 1))
        for deed in ("plugin", "node")}, usual=["forwarded sendpsbt, plugin"])
def test_killed_while_it_sends(bench, method, when, n, deed):
    need_exact_reservations(deed)
    with a_refused_batch(bench) as (victim, batch):
        victim.arm(method, when, deed, n)
        begun = abort(victim, batch, confirm=True)
        come_back(victim, deed)
        in_mempool(bench, begun["txid"])
        assert mempool(bench) == [begun["txid"]]
        mine_until_undone(bench, victim)


@builtin_fails(BUILTIN_FAILS)
@cases({f"{deed}, {n}": (n, deed) for n in (1, 2) for deed in ("plugin", "node")}, usual=["node, 1"])
def test_killed_while_it_clears_up(bench, n, deed):
    """With one or two of the channels cancelled: lightningd sends the batch's transaction at its start, which is refused."""
    need_exact_reservations(deed)
    with a_refused_batch(bench) as (victim, batch):
        begun = abort(victim, batch, confirm=True)
        in_mempool(bench, begun["txid"])
        mine_until_almost_deep(bench, victim)
        victim.arm("fundchannel_cancel", "forwarded", deed, n, delay=0.2)
        bench.bitcoind.mine(1)  # the node may be gone before it could say that it has seen it
        # By itself within a second or two, unless its pauses have grown already.
        come_back(victim, deed)
        check_undone(victim)
        assert not mempool(bench)


@builtin_fails(BUILTIN_FAILS)
def test_of_a_batch_that_is_stuck_in_the_mempool(bench):
    """Another program has sent it, and lightningd does not know. What replaces it pays for both; a second abort replaces
    the first."""
    with a_refused_batch(bench) as (victim, batch):
        set_floor(bench)
        txid = bench.bitcoind.call("sendrawtransaction", signed_transaction(bench, victim.node))
        stuck = in_mempool(bench, txid)
        begun = abort(victim, batch, feerate="253perkw", confirm=True)
        assert begun["feerate_perkw"] > 253, begun
        entry = in_mempool(bench, begun["txid"])
        assert entry["fees"]["base"] > stuck["fees"]["base"], (entry, stuck)
        assert mempool(bench) == [begun["txid"]]
        second = abort(victim, batch, feerate="20000perkw", confirm=True)
        assert second["inputs"] == begun["inputs"] and second["fee_msat"] > begun["fee_msat"], second
        in_mempool(bench, second["txid"])
        assert mempool(bench) == [second["txid"]]
        mine_until_undone(bench, victim, dead=[begun["txid"]])


@builtin_fails(BUILTIN_FAILS)
def test_of_a_batch_in_doubt(bench):
    """bitcoind is away: nobody knows whether the transaction was sent, and the user does not wait for the answer."""
    with a_victim(bench) as victim:
        with bitcoind_down_for_sendpsbt(bench, victim) as data:
            offer = abort(victim, data["batch"], feerate="5000perkw")
            assert not offer["aborting"] and victim.batch(data["batch"])["state"] == "settling", offer
            begun = abort(victim, data["batch"], feerate="5000perkw", confirm=True)
            wait_for(lambda: victim.batch(data["batch"])["state"] == "aborting", "the abort", 20)
        victim.node.sync()
        look_again(victim)
        in_mempool(bench, begun["txid"])
        assert mempool(bench) == [begun["txid"]]  # and not the batch's, which lightningd was asked to send once
        mine_until_undone(bench, victim)
        assert victim.batch(data["batch"])["state"] == "undone"


@builtin_fails(BUILTIN_FAILS)
def test_the_batch_confirms_all_the_same(bench):
    with a_refused_batch(bench) as (victim, batch):
        transaction = signed_transaction(bench, victim.node)
        begun = abort(victim, batch, confirm=True)
        in_mempool(bench, begun["txid"])
        bench.bitcoind.call("generateblock", bench.bitcoind.ADDRESS, [transaction])
        victim.node.sync()
        assert not mempool(bench)
        look_again(victim)
        wait_for(lambda: "the batch's own transaction is in the chain" in str(victim.batches()), "the look", 20)
        assert victim.batch(batch)["state"] == "aborting", victim.batch(batch)
        bench.net.mine(DEEP - 1)
        look_again(victim)
        victim.wait_settled(60)
        assert victim.batch(batch)["state"] == "opened", victim.batch(batch)
        assert error_of(abort, victim, batch).code == INVALID_PARAMS
        victim.check_normal()


@builtin_fails(BUILTIN_FAILS)
@cases({"to the wallet": (False,), "all to others": (True,)}, usual=["all to others"])
def test_an_input_is_spent_six_blocks_deep(bench, everything):
    """The user frees an input and spends it: the batch is undone by itself."""
    with a_refused_batch(bench) as (victim, batch):
        taken, *_ = sorted(victim.node.reserved())
        psbt = spending(bench, taken)
        while taken in victim.node.reserved():
            victim.node.rpc("unreserveinputs", psbt=psbt)
        victim.node.rpc("withdraw", destination=bench.bitcoind.ADDRESS, satoshi="all" if everything else 50_000, utxos=[taken],
                        feerate="5000perkw")
        mine_until_undone(bench, victim)
        assert victim.batch(batch)["state"] == "undone", victim.batch(batch)


def spend_unrecorded(bench, victim, coin):
    """As another program with the same seed does: lightningd's wallet hears of it in a block only, and records nothing."""
    node = victim.node
    psbt = spending(bench, coin)
    while coin in node.reserved():
        node.rpc("unreserveinputs", psbt=psbt)
    amount = next(o["amount_msat"] for o in node.rpc("listfunds")["outputs"] if f"{o['txid']}:{o['output']}" == coin) // 1000
    psbt = bench.bitcoind.call("createpsbt", [{"txid": coin[:64], "vout": int(coin[65:])}],
                               [{bench.bitcoind.ADDRESS: f"{(amount - 5000) / 1e8:.8f}"}])
    node.rpc("reserveinputs", psbt=psbt)
    signed = bench.bitcoind.call("finalizepsbt", node.rpc("setpsbtversion", psbt=node.rpc("signpsbt", psbt=psbt)["signed_psbt"],
                                                          version=0)["psbt"])
    txid = bench.bitcoind.call("sendrawtransaction", signed["hex"])
    node.rpc("unreserveinputs", psbt=psbt)
    return txid


@builtin_fails(BUILTIN_FAILS)
def test_an_input_is_spent_by_what_the_wallet_has_not_recorded(bench):
    with a_refused_batch(bench) as (victim, batch):
        taken, *_ = sorted(victim.node.reserved())
        txid = spend_unrecorded(bench, victim, taken)
        bench.net.mine(1)
        assert txid not in {t["hash"] for t in victim.node.rpc("listtransactions")["transactions"]}
        look_again(victim)
        wait_for(lambda: "that the wallet has not recorded, which is 0 of 6" in str(victim.batches()), "the look",
                 20)
        assert len(victim.node.channels()) == len(victim.peers)
        bench.net.mine(DEEP - 1)
        look = "that the wallet has not recorded, which is 5 of 6"
        wait_for(lambda: look in str(victim.batches()), "another look", 60)
        assert len(victim.node.channels()) == len(victim.peers)
        bench.net.mine(1)
        check_undone(victim)
        assert victim.batch(batch)["state"] == "undone", victim.batch(batch)


@builtin_fails(BUILTIN_FAILS)
def test_it_keeps_off_inputs_of_other_programs(bench):
    with a_refused_batch(bench) as (victim, batch):
        psbt = spending(bench, *victim.node.reserved())
        victim.node.rpc("reserveinputs", psbt=psbt, exclusive=False, reserve=1000)
        error = error_of(abort, victim, batch)
        assert error.code == INPUT_TAKEN and "another program has reserved it" in error.message, error
        victim.node.rpc("unreserveinputs", psbt=psbt, reserve=1000)
        begun = abort(victim, batch, confirm=True)
        in_mempool(bench, begun["txid"])
        mine_until_undone(bench, victim)


@builtin_fails(BUILTIN_FAILS)
@cases({"alone": (False,), "the plugin is restarted": (True,)}, usual=["the plugin is restarted"])
def test_spends_as_many_inputs_as_it_needs(bench, restarted):
    """One coin of the batch cannot pay such a fee."""
    with a_refused_batch(bench) as (victim, batch):
        offer = abort(victim, batch, feerate="470000perkw")
        assert len(offer["inputs"]) == 2 and set(offer["inputs"]) <= victim.node.reserved(), offer
        assert " % of the " in offer["warnings"][0], offer
        begun = abort(victim, batch, feerate="470000perkw", confirm=True)
        if restarted:
            look_again(victim)
        in_mempool(bench, begun["txid"])
        spent = {f"{i['txid']}:{i['vout']}" for i in bench.transaction(begun["txid"])["vin"]}
        assert spent == set(begun["inputs"]), (spent, begun)
        mine_until_undone(bench, victim, spent=2)


@builtin_fails(BUILTIN_FAILS)
def test_all_inputs_together_cannot_pay(bench):
    with a_refused_batch(bench) as (victim, batch):
        error = error_of(abort, victim, batch, feerate="2000000perkw")
        brought = sum(victim.coins_before[coin] for coin in victim.node.reserved())
        assert error.code == INPUT_TAKEN and f"cannot pay: they bring {brought} sat in all" in error.message, error
        begun = abort(victim, batch, confirm=True)
        in_mempool(bench, begun["txid"])
        mine_until_undone(bench, victim)


@builtin_fails(BUILTIN_FAILS)
def test_two_batches_with_one_peer(bench):
    """fundchannel_cancel takes a peer's older channel first; both batches are cleared up all the same."""
    with a_refused_batch(bench) as (victim, first):
        before = victim.earlier
        set_floor(bench)
        with held_at(victim, "sendpsbt", feerate="300perkw") as call:
            set_floor(bench, floor=FLOOR)
        second = refused(victim, call).data["batch"]
        victim.earlier = before
        wait_for(lambda: victim.batch(second)["state"] == "refused", "the second batch to be refused", 20)
        assert len(victim.node.channels()) == 2 * len(victim.peers)
        for batch in (second, first):
            in_mempool(bench, abort(victim, batch, confirm=True)["txid"])
        bench.net.mine(DEEP)
        look_again(victim)
        check_undone(victim)
        assert [victim.batch(b)["state"] for b in (first, second)] == ["undone", "undone"], victim.batches()
