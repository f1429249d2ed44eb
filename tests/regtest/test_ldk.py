"""Real LDK nodes as peers, alone and beside Core Lightning's: they open, refuse, fall silent, die and come back."""
from bench import error_of
from marks import builtin_fails, cancels_one_of_two, cases, slow
from regtest import wait_for
from sleep import STOPPED_BY, Death, Sleep
from test_silence import PEER_TIMEOUT, meet_again, silent_destination

TOO_SMALL = 200_000  # sat; for less Core Lightning does not take what LDK lets be in flight: a tenth
LOCK_IN = 6  # blocks


def check_failed(result, peer, phase):
    failed, = result["failed"]
    assert failed["id"] == peer.id and phase in failed["method"], failed
    return failed


# --- they open ---

@cases({"private, LDK only": (3, 0, False), "private, with Core Lightning": (2, 2, False),
        "public, with Core Lightning": (2, 1, True)})
def test_all_is_well(bench, ldk, of_ldk, of_cln, announce):
    peers = [*ldk(of_ldk, channels="public" if announce else "private"), *bench.peers[:of_cln]]
    bench.open(bench.destinations(peers, announce=announce))
    bench.mine_until_normal(bench.funder, LOCK_IN)
    assert {c["private"] for c in bench.funder.channels()} == {not announce}


# --- they refuse ---

@builtin_fails("gives up all of them")
@cases({"too small": (dict(minimum_sat=TOO_SMALL + 1), dict(announce=False), "unding"),
        "public": (dict(channels="private"), dict(announce=True), "announce")})
def test_one_refuses(bench, ldk, limits, wish, words):
    """Its own words are in the result, and the others get their channels; one of them takes both kinds."""
    refusing, = ldk(1, **limits)
    willing, = ldk(1, channels="both")
    destinations = bench.destinations([refusing, willing, bench.peers[0]], TOO_SMALL, **wish)
    result = bench.multifundchannel(destinations, minchannels=2)
    failed = check_failed(result, refusing, "fundchannel_start")
    assert words in failed["error"]["message"], failed
    bench.check_opened(result, destinations)


@builtin_fails("has no preview")
def test_asked_beforehand(bench, ldk):
    """Their words in the preview, and the same peers open afterwards."""
    refusing, = ldk(1, minimum_sat=TOO_SMALL + 1)
    willing, = ldk(1, channels="both")
    asked = bench.multifundchannel(bench.destinations([refusing, willing], TOO_SMALL, announce=False), dryrun="ask")
    first, second = asked["destinations"]
    assert not first["accepts"] and first["cause"] == "refused" and "unding" in first["error"]["message"], first
    assert second["accepts"], second
    bench.open(bench.destinations([refusing, willing], TOO_SMALL + 1, announce=False))


# --- they fall silent, or die ---

def open_with_others(bench, unwell, others, phase, **options):
    """A batch in which something happens to the first peer."""
    destinations = [{**silent_destination(bench, phase, unwell), "announce": False},
                    *bench.destinations(others, announce=False)]
    return destinations, lambda: bench.multifundchannel(destinations, minchannels=2, peer_timeout=PEER_TIMEOUT)


@builtin_fails("waits for ever")
@cases({phase: (phase,) for phase in STOPPED_BY}, quick=("start", "complete"))
def test_one_is_silent(bench, ldk, phase):
    silent, other = ldk(2)
    destinations, batch = open_with_others(bench, silent, [other, bench.peers[0]], phase)
    with Sleep(bench.funder, silent, STOPPED_BY[phase]) as sleep:
        result = batch()
    assert sleep.done
    check_failed(result, silent, phase)
    bench.check_opened(result, destinations)
    meet_again(bench, silent)
    bench.open(bench.destinations([silent], announce=False))


@builtin_fails("gives up all of them")
def test_one_is_killed_in_complete(bench, ldk):
    killed, other = ldk(2)
    destinations, batch = open_with_others(bench, killed, [other, bench.peers[0]], "complete")
    with Death(bench.funder, killed, STOPPED_BY["complete"]) as death:
        result = batch()
    assert death.done
    check_failed(result, killed, "complete")
    bench.check_opened(result, destinations)
    killed.restart()
    meet_again(bench, killed)
    bench.open(bench.destinations([killed], announce=False))


@slow("LDK now and then closes a channel on a busy machine, for a reason that is not known yet")
def test_restart(bench, ldk):
    """One is killed when its channel is in use, the other while it awaits lock-in, which comes meanwhile."""
    early, late = peers = ldk(2)
    bench.open(bench.destinations(peers, announce=False))
    early.kill_when_saved()
    bench.net.mine(LOCK_IN)
    wait_for(lambda: [c["state"] for c in late.channels()] == ["CHANNELD_NORMAL"], "the channel to be normal")
    late.kill_when_saved()
    for peer in peers:
        peer.restart()
        bench.funder.rpc("connect", id=peer.address())
    wait_for(lambda: all(c["usable"] for p in peers for c in p.channels()), "LDK to have its channels established again")
    for channel in bench.funder.channels():
        assert channel["state"] == "CHANNELD_NORMAL" and channel["reestablished"], channel
    assert len(bench.funder.channels()) == 2


# --- a batch fails, and they are asked again ---

@cancels_one_of_two
def test_after_a_failed_batch(bench, ldk):
    """They were told a transaction that is dead now; LDK forgets it when it is told so."""
    *others, refusing = peers = [*ldk(2), bench.peers[0]]
    refusing.set_fault("complete", "refuse")
    error = error_of(bench.multifundchannel, bench.destinations(peers, announce=False))
    assert error.data["id"] == refusing.id and error.data["method"] == "fundchannel_complete", error
    bench.check_nothing_left()
    refusing.set_fault()
    bench.open(bench.destinations(peers, announce=False))
    bench.mine_until_normal(bench.funder, LOCK_IN)


@builtin_fails("gives up all of them")
def test_the_batch_itself_goes_on(bench, ldk):
    """The same LDK peers are asked a second time in it."""
    peers = [*ldk(2), bench.peers[0]]
    peers[-1].set_fault("complete", "refuse")
    destinations = bench.destinations(peers, announce=False)
    result = bench.multifundchannel(destinations, minchannels=1)
    check_failed(result, peers[-1], "complete")
    bench.check_opened(result, destinations)
    bench.mine_until_normal(bench.funder, LOCK_IN)
