"""One of four peers falls silent, in each phase, in all the ways that make cleaning up hard: the others get their
channels in time, and nothing is left behind, neither before the peer wakes up nor after."""
import contextlib
import time

from bench import error_of
from marks import builtin_fails, cases
from regtest import RpcError, patience, wait_for
from sleep import CLEANING_UP, STOPPED_BY, Sleep

PEER_TIMEOUT = 3  # seconds
WITHIN = 5        # seconds until the others are open, on a machine with nothing else to do
BUSY = 5          # seconds more for a machine that runs other tests as well
DELAY = 0.1       # seconds to the peer that falls silent: time to stop it while a message is under way

# label -> phase, whether it has a live channel with us, whether it wakes up in the middle of the cleanup
SILENCES = {f"in {phase}{', live channel' * live}{', wakes up while we clean up' * wakes}": (phase, live, wakes)
            for phase in STOPPED_BY for live in (False, True) for wakes in (False, True)}


def live_channel(bench, peer):
    """Opens one that is in use; returns its id."""
    leave(bench.funder, peer)  # what the test before made it forget must not cut the connection in the middle
    opened, = bench.open(bench.destinations([peer]))["channel_ids"]
    bench.mine_until_normal(bench.funder, 6)
    return opened["channel_id"]


def leave(node, peer):
    """Cuts the connection, if there is one."""
    def connected():
        return any(p["connected"] for p in node.rpc("listpeers", id=peer.id)["peers"])
    if connected():
        with contextlib.suppress(RpcError):  # the other side was quicker
            node.rpc("disconnect", id=peer.id, force=True)
    wait_for(lambda: not connected(), "the connection to be cut", 10)


def silent_destination(bench, phase, peer):
    """For a peer that is further away than the others, and connected already if it is to fall silent later."""
    leave(bench.funder, peer)
    far = f"{peer.id}@127.0.0.1:{bench.net.doors.delayed(peer.port, DELAY)}"
    if phase != "connect":
        bench.funder.rpc("connect", id=far)
    return {"id": far, "amount": 100_000}


@builtin_fails("waits for ever")
@cases(SILENCES, usual=[label for label, (_, live, wakes) in SILENCES.items() if live or not wakes])
def test_one_peer_silent(bench, phase, live, wakes):
    peer, *others = bench.peers[:4]
    channel = live_channel(bench, peer) if live else None
    destinations = [silent_destination(bench, phase, peer), *bench.destinations(others)]
    with Sleep(bench.funder, peer, STOPPED_BY[phase], CLEANING_UP if wakes else None) as sleep:
        started = time.monotonic()
        result = bench.multifundchannel(destinations, minchannels=1, peer_timeout=PEER_TIMEOUT)
        took = time.monotonic() - started
        failed, = result["failed"]
        assert failed["id"] == peer.id and phase in failed["method"], failed
        assert [c["id"] for c in result["channel_ids"]] == [p.id for p in others], result["channel_ids"]
        assert PEER_TIMEOUT <= took < patience(WITHIN + BUSY), f"{took:.1f} s"
        wait_for(lambda: not leftovers(bench), "the funder to clean up", 20)
    assert sleep.done
    meet_again(bench, peer)
    bench.check_opened(result, destinations)
    if channel:
        state = bench.channel(bench.funder, channel)["state"]
        assert state == "CHANNELD_NORMAL", state


def meet_again(bench, peer):
    """It is awake. What it says late must not change anything, and a channel that it has made meanwhile it gives up when
    it meets us: maybe it makes it only after we have met."""
    bench.funder.rpc("connect", id=peer.address())
    for _ in range(4):
        with contextlib.suppress(AssertionError):
            bench.check_nothing_left(6)
            break
        leave(bench.funder, peer)
        bench.funder.rpc("connect", id=peer.address())
    bench.check_nothing_left(30)


def leftovers(bench):
    """At the funder: a peer that sleeps does not answer."""
    reserved = bench._reserved_in_vain(bench.funder)
    return reserved or [c for c in bench.funder.channels() if c["state"] == "OPENINGD" or bench._is_zombie(c)]


@builtin_fails("waits for ever")
def test_a_silent_address_and_then_the_right_one(bench):
    """lightningd tries the addresses of a peer one after the other, each for a minute."""
    peer, other = bench.peers[:2]
    leave(bench.funder, peer)
    right, second = bench.destinations([peer, other])
    silent = f"127.0.0.1:{bench.net.doors.silent()}"
    first = error_of(bench.multifundchannel, [{**right, "id": f"{peer.id}@{silent}"}, second], peer_timeout=PEER_TIMEOUT)
    assert "did not answer connect" in first.message and "earlier attempt" not in first.message, first
    error = error_of(bench.multifundchannel, [right, second], peer_timeout=PEER_TIMEOUT)
    assert f"an earlier attempt to connect to it, at {silent}, is under way for" in error.message, error
    assert "try again in" in error.message and "or let the peer connect to this node" in error.message, error
    peer.rpc("connect", id=bench.funder.address())
    bench.check_opened(bench.open([right, second]), [right, second])
