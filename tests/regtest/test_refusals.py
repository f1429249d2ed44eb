"""What bitcoind would refuse is not begun, and what it refuses is taken back, or kept where that is not safe."""
import contextlib

from bench import COIN, INVALID_PARAMS, error_of
from marks import builtin_fails, withheld
from regtest import RpcError, wait_for
from test_sending import MAYBE_SENT, held_at
from victims import a_victim, settle_and_check

FLOOR = 2500  # sat per 1,000 weight
BUILTIN_FAILS = "asks the peers first"


def set_floor(bench, *nodes, floor=None):
    """bitcoind restarts with this floor, and these nodes have heard of it; or with its usual one, and all that run have."""
    bench.bitcoind.shut_down()
    bench.bitcoind.start(*([f"-minrelaytxfee={floor * 4 / 1e8:.8f}"] if floor else []))
    for node in nodes if floor else bench.net.running():
        wait_for(lambda n=node: n.rpc("feerates", style="perkw")["perkw"]["floor"] == (floor or 253), "the floor", 90)


@contextlib.contextmanager
def floor_of(bench, floor, *nodes):
    set_floor(bench, *nodes, floor=floor)
    try:
        yield
    finally:
        set_floor(bench)


def openings(bench):
    return bench.funder.log().count("peer_out WIRE_OPEN_CHANNEL")


@builtin_fails(BUILTIN_FAILS)
def test_above_the_limit_of_bitcoind(bench):
    destinations = bench.destinations(bench.peers[:2])
    asked = openings(bench)
    error = error_of(bench.multifundchannel, destinations, feerate="3000000perkw")
    assert error.code == INVALID_PARAMS and "limit of 0.1 BTC for 1,000 vbytes" in error.message, error
    assert error.data["ask_for_perkw"] == 2_475_000, error.data
    preview = bench.multifundchannel(destinations, feerate="3000000perkw", dryrun=True)
    assert [w for w in preview["warnings"] if "0.1 BTC" in w and "the batch would fail" in w], preview["warnings"]
    assert openings(bench) == asked


@builtin_fails(BUILTIN_FAILS)
def test_below_and_at_the_floor(bench):
    with floor_of(bench, FLOOR, bench.funder):
        asked = openings(bench)
        destinations = bench.destinations(bench.peers[:2])
        options = {"feerate": "300perkw", "commitment_feerate": "3000perkw"}
        error = error_of(bench.multifundchannel, destinations, **options)
        assert error.code == INVALID_PARAMS and error.data["floor_perkw"] == FLOOR, error
        assert openings(bench) == asked
        for count in range(1, 6):  # every residue of the weight by four, and with two inputs
            destinations = bench.destinations(bench.peers[:count])
            result = bench.open(destinations, feerate=f"{FLOOR}perkw", commitment_feerate="3000perkw")
            entry = bench.bitcoind.call("getmempoolentry", result["txid"])
            assert round(entry["fees"]["base"] * 1e8) >= entry["vsize"] * 10, entry
            bench.net.mine(1)
            bench.forget_channels()
        for amounts in (["all", 100_000], [6_000_000, 6_000_000]):
            coins = [outpoint for outpoint, sat in bench.funder.coins().items() if sat == COIN][:2]
            destinations = [{"id": p.address(), "amount": a} for p, a in zip(bench.peers, amounts)]
            bench.open(destinations, utxos=coins, feerate=f"{FLOOR}perkw", commitment_feerate="3000perkw")
            bench.net.mine(1)
            bench.forget_channels()


def refused(victim, call):
    error = call.wait().error
    assert isinstance(error, RpcError) and error.code == MAYBE_SENT and error.data["refused"] is True, error
    assert "bitcoind refused the funding transaction" in error.message and "tx" not in error.data, error
    return error


@withheld
@builtin_fails(BUILTIN_FAILS)
def test_refused_with_one_channel_is_undone(bench):
    """The floor rises in the last moment."""
    with a_victim(bench) as victim:
        destinations = victim.destinations(victim.peers[:1])
        with held_at(victim, "sendpsbt", destinations=destinations, feerate="300perkw") as call:
            set_floor(bench, floor=FLOOR)
        try:
            error = refused(victim, call)
            assert "nothing was sent, and everything is undone" in error.message, error.message
            victim.wait_settled()
            victim.check_undone()
        finally:
            set_floor(bench)
        assert error.data["txid"] not in bench.bitcoind.call("getrawmempool")
        # Nor does lightningd send it when it starts.
        assert victim.node.stop() == 0
        victim.node.start().sync()
        settle_and_check(bench, victim, opened=False)


@withheld
@builtin_fails(BUILTIN_FAILS)
def test_refused_with_several_channels_is_kept_and_sent_in_the_end(bench):
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt", feerate="300perkw") as call:
            set_floor(bench, floor=FLOOR)
        try:
            error = refused(victim, call)
            batch = error.data["batch"]
            assert f"multifundchannel-abort {batch}" in error.message, error.message
            wait_for(lambda: victim.batch(batch)["state"] == "refused", "the batch to be refused", 20)
            assert len(victim.node.channels()) == len(victim.peers)
        finally:
            set_floor(bench)
        # lightningd sends it when it starts.
        assert victim.node.stop() == 0
        victim.node.start().sync()
        settle_and_check(bench, victim, opened=True)
