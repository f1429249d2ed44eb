"""Peers with the habit of LND: who was told a transaction that is never sent is poisoned, and must not be told it.

lnd_habit.py says what the habit is and where it was read. It is imitated here: LND itself does not run.
"""
from bench import error_of, runs_openingd
from lnd_peers import BITS, TOO_MANY
from marks import builtin_fails, cancels_one_of_two
from regtest import wait_for

LOCK_IN = 6  # blocks
KEPT = 2016


def poison(bench, peer):
    """By the calls themselves: it is told a transaction which is cancelled then."""
    funder = bench.funder
    funder.rpc("connect", id=peer.address())
    address = funder.rpc("fundchannel_start", id=peer.id, amount=100_000)["funding_address"]
    prepared = funder.rpc("txprepare", outputs=[{address: 100_000}])
    funder.rpc("fundchannel_complete", id=peer.id, psbt=prepared["psbt"])
    funder.rpc("fundchannel_cancel", id=peer.id)
    funder.rpc("txdiscard", txid=prepared["txid"])


def test_it_shows_its_features(bench, lnd):
    peer, = lnd(1)
    features = int(bench.funder.rpc("connect", id=peer.address())["features"], 16)
    assert all(features >> bit & 1 for bit in BITS), f"{features:x}"


def start_and_cancel(bench, peer):
    bench.funder.rpc("connect", id=peer.address())
    bench.funder.rpc("fundchannel_start", id=peer.id, amount=100_000)
    bench.funder.rpc("fundchannel_cancel", id=peer.id)
    # It hears of the end a little later, and its lightningd takes no second opening until then.
    wait_for(lambda: not runs_openingd(peer), "the opening to end")


def test_the_habit(bench, lnd):
    """Cancelled after fundchannel_complete it refuses for good, also on the next connection; before, it does not."""
    peer, = lnd(1)
    start_and_cancel(bench, peer)
    assert not peer.pending()
    poison(bench, peer)
    for reconnect in (False, True):
        if reconnect:
            bench.funder.rpc("disconnect", id=peer.id, force=True)
        bench.funder.rpc("connect", id=peer.address())
        error = error_of(bench.funder.rpc, "fundchannel_start", id=peer.id, amount=100_000)
        assert TOO_MANY in error.message, error
        pending, = peer.pending()
        channel, = peer.channels(bench.funder.id)
        assert (channel["channel_id"], channel["state"]) == (pending, "CHANNELD_AWAITING_LOCKIN"), channel
    peer.abandon()
    start_and_cancel(bench, peer)


def test_all_is_well(bench, lnd):
    """A channel that opens is pending no longer."""
    peers = lnd(2)
    destinations = bench.destinations([*peers, bench.peers[0]])
    for _ in range(2):
        bench.open(destinations)
        assert all(peer.pending() for peer in peers)
        bench.mine_until_normal(bench.funder, LOCK_IN)
        assert not any(peer.pending() for peer in peers)


@builtin_fails("tells all of them")
def test_a_peer_of_the_first_wave_fails(bench, lnd):
    """No peer with the habit has been told anything then: all of them open, now and in the next batch."""
    peers = lnd(2)
    other = bench.peers[0]
    other.set_fault("complete", "refuse")
    destinations = bench.destinations([other, *peers])
    result = bench.multifundchannel(destinations, minchannels=2)
    assert [f["id"] for f in result["failed"]] == [other.id], result["failed"]
    bench.check_opened(result, destinations)
    assert [len(peer.pending()) for peer in peers] == [1, 1]
    bench.mine_until_normal(bench.funder, LOCK_IN)
    other.set_fault()
    bench.open(destinations)


@builtin_fails("tells all of them")
def test_a_whole_batch_fails_in_the_first_wave(bench, lnd):
    """The same without minchannels: the batch fails, and nobody is poisoned."""
    peers = lnd(2)
    other = bench.peers[0]
    other.set_fault("complete", "refuse")
    destinations = bench.destinations([other, *peers])
    error = error_of(bench.multifundchannel, destinations)
    assert error.data["id"] == other.id and error.data["method"] == "fundchannel_complete", error
    assert [peer.pending() for peer in peers] == [[], []]
    other.set_fault()
    bench.open(destinations)


@cancels_one_of_two
@builtin_fails("gives up all of them")
def test_one_of_them_fails(bench, lnd):
    """Those that were told already cannot be asked again: they are dropped, and it is said until when and what helps."""
    peers = lnd(3)
    failing, other = peers[-1], bench.peers[0]
    failing.set_fault("complete", "refuse")
    height = bench.funder.rpc("getinfo")["blockheight"]
    result = bench.multifundchannel(bench.destinations([*peers, other]), minchannels=1, details=True)
    failed = {f["id"]: f for f in result["failed"]}
    assert failing.id in failed and other.id not in failed, failed
    told = [peer for peer in peers if peer.pending() and peer.id in failed]
    assert told, failed
    for peer in told:
        message = failed[peer.id]["error"]["message"]
        assert failed[peer.id]["cause"] == "pending_limit" and "abandonchannel" in message, failed
        assert f"until block {height + KEPT}" in message, message
    listed = {t["id"] for t in bench.funder.rpc("listmultifundchannels")["told_in_vain"]}
    assert {peer.id for peer in told} <= listed, listed
