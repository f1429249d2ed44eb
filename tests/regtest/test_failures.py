"""Batches that lose peers, or fail: what is reported, and that nothing is left behind (checked after every test)."""
import time

import pytest

from bench import CANNOT_AFFORD, INVALID_PARAMS, UNREACHABLE_IDS, error_of
from marks import builtin_fails, cancels_one_of_two, cases, slow
from regtest import RpcError, free_port, in_parallel, patience, wait_for

# label -> phase, kind, method and code of the error, part of its message
FAULTS = {
    "is unreachable": ("connect", "refuse", "connect", 401, "Connection refused"),
    "hangs up when connected to": ("connect", "disconnect", "connect", 401, "handshake"),
    "has no known address": ("connect", "unknown", "connect", 400, "no address known"),
    "refuses in start": ("start", "refuse", "fundchannel_start", -1, "I do not want that channel"),
    "disconnects in start": ("start", "disconnect", "fundchannel_start", -1, ""),
    "refuses in complete": ("complete", "refuse", "fundchannel_complete", -1, "I do not want that channel"),
    "disconnects in complete": ("complete", "disconnect", "fundchannel_complete", -1, ""),
}


def faulty_destination(bench, phase, kind, amount=100_000):
    """The id of a peer with that fault, and a destination for it."""
    if phase != "connect":
        peer = bench.peers[0]
        peer.set_fault(phase, kind)
        return peer.id, {"id": peer.address(), "amount": amount}
    node_id = UNREACHABLE_IDS[0]
    ports = {"refuse": free_port, "disconnect": bench.net.doors.closing, "silent": bench.net.doors.silent}
    address = f"@127.0.0.1:{ports[kind]()}" if kind in ports else ""
    return node_id, {"id": node_id + address, "amount": amount}


def check_error(error, node_id, method, code, message):
    assert error.code == code and message in error.message, error
    assert error.data["id"] == node_id and error.data["method"] == method, error


@cases(FAULTS)
def test_one_peer(bench, phase, kind, method, code, message):
    """All must succeed by default: the batch fails with that peer's error."""
    node_id, faulty = faulty_destination(bench, phase, kind)
    error = error_of(bench.multifundchannel, [faulty, *bench.destinations(bench.peers[1:4])])
    check_error(error, node_id, method, code, message)


@cases(FAULTS)
def test_one_peer_with_minchannels(bench, phase, kind, method, code, message):
    """The others get their channels in one transaction; the peer is reported."""
    node_id, faulty = faulty_destination(bench, phase, kind)
    one, two, three = bench.destinations(bench.peers[1:4])
    destinations = [one, faulty, two, three]
    result = bench.multifundchannel(destinations, minchannels=3)
    bench.check_opened(result, destinations)
    failed, = result["failed"]
    check_error(RpcError(method, {**failed["error"], "data": failed}), node_id, method, code, message)
    # Three channels and at most one change output.
    assert len(bench.transaction(result["txid"])["vout"]) in (3, 4)


@cases({label: fault for label, fault in FAULTS.items() if fault[0] != "connect"})
def test_too_few_are_left(bench, phase, kind, method, code, message):
    """Two fail where one may."""
    faulty = bench.peers[:2]
    for peer in faulty:
        peer.set_fault(phase, kind)
    error = error_of(bench.multifundchannel, bench.destinations(bench.peers[:4]), minchannels=3)
    assert error.data["id"] in [p.id for p in faulty], error
    check_error(error, error.data["id"], method, code, message)


def test_peers_fail_in_all_phases(bench):
    """One after the other drops out, and the one that is left still gets its channel."""
    start, complete, good = bench.peers[1:4]
    _, unreachable = faulty_destination(bench, "connect", "refuse")
    start.set_fault("start", "refuse", "full up")
    complete.set_fault("complete", "refuse", "second thoughts")
    destinations = [unreachable, *bench.destinations([start, complete, good])]
    result = bench.multifundchannel(destinations, minchannels=1)
    bench.check_opened(result, destinations)
    assert [c["id"] for c in result["channel_ids"]] == [good.id]
    failed = {f["id"]: f for f in result["failed"]}
    assert failed[UNREACHABLE_IDS[0]]["method"] == "connect"
    assert failed[start.id]["method"] == "fundchannel_start" and "full up" in failed[start.id]["error"]["message"]
    assert failed[complete.id]["method"] == "fundchannel_complete"
    assert "second thoughts" in failed[complete.id]["error"]["message"]


@builtin_fails("does not recompute `all`: the rest becomes change")
def test_all_with_a_failing_peer(bench):
    """What the lost peer would have got goes to the peer with `all`."""
    bench.peers[0].set_fault("start", "refuse")
    coin, sat = next(iter(bench.funder.coins().items()))
    destinations = [*bench.destinations(bench.peers[:1], sat // 2), *bench.destinations(bench.peers[1:2], "all")]
    result = bench.multifundchannel(destinations, minchannels=1, utxos=[coin])
    bench.check_opened(result, destinations)
    channel = bench.channel(bench.funder, result["channel_ids"][0]["channel_id"])
    assert channel["total_msat"] // 1000 > sat * 0.99, f"{channel['total_msat']} of {sat} sat"


def test_a_peer_slow_to_see_that_its_opening_was_cancelled(bench):
    """With `all` its amount changes, so it is cancelled and asked again, too early for the peer the first time."""
    bench.peers[0].set_fault("start", "refuse")
    bench.peers[1].set_fault("cancel", "late")
    coin, sat = next(iter(bench.funder.coins().items()))
    destinations = [*bench.destinations(bench.peers[:1], sat // 2), *bench.destinations(bench.peers[1:2], "all")]
    bench.check_opened(bench.multifundchannel(destinations, minchannels=1, utxos=[coin]), destinations)


def test_given_utxos_with_a_failing_peer(bench):
    """The second transaction spends the same inputs."""
    bench.peers[0].set_fault("complete", "refuse")
    coins = list(bench.funder.coins())[:2]
    destinations = bench.destinations(bench.peers[:3])
    result = bench.multifundchannel(destinations, minchannels=2, utxos=coins)
    bench.check_opened(result, destinations)
    assert {f"{i['txid']}:{i['vout']}" for i in bench.transaction(result["txid"])["vin"]} == set(coins)


def test_not_enough_money(bench):
    """Known before any peer is asked for a channel."""
    peers = bench.peers[:3]
    before = {p.name: p.log_size() for p in peers}
    error = error_of(bench.multifundchannel, bench.destinations(peers, 40_000_000_000))
    assert error.code == CANNOT_AFFORD and "Could not afford" in error.message, error
    for peer in peers:
        asked = [line for line in peer.log(before[peer.name]).splitlines() if "openingd" in line]
        assert not asked, asked


def test_all_with_nothing_left(bench):
    coin, sat = next(iter(bench.funder.coins().items()))
    one, two = bench.peers[:2]
    destinations = [*bench.destinations([one], sat - 500), *bench.destinations([two], "all")]
    error = error_of(bench.multifundchannel, destinations, utxos=[coin])
    assert error.code in (INVALID_PARAMS, CANNOT_AFFORD), error


def test_pushing_more_than_the_channel_has(bench):
    """The builtin asks lightningd (301); we know it from the parameters."""
    error = error_of(bench.multifundchannel, bench.destinations(bench.peers[:1], 100_000, push_msat=200_000_000))
    assert error.code in (CANNOT_AFFORD, INVALID_PARAMS) and "push_msat" in error.message, error


def test_unknown_commitment_feerate(bench):
    """The builtin learns it in fundchannel_start, we before any peer is asked."""
    error = error_of(bench.multifundchannel, bench.destinations(bench.peers[:2]), commitment_feerate="quick")
    assert error.code == INVALID_PARAMS and "quick" in error.message, error


@pytest.mark.parametrize("phase", ["start", pytest.param("complete", marks=[
    cancels_one_of_two, builtin_fails("cancels the older channel of a peer instead of the new one")])])
def test_other_channels_are_left_alone(bench, phase):
    """fundchannel_cancel is peer-wide: with an older channel waiting for its transaction it must not be the one hit."""
    older = bench.open(bench.destinations(bench.peers[1:3]))
    bench.peers[0].set_fault(phase, "refuse")
    error = error_of(bench.multifundchannel, bench.destinations(bench.peers[:3]))
    assert error.data["method"] == f"fundchannel_{phase}", error
    bench.check_nothing_left()
    for opened in older["channel_ids"]:
        for node in (bench.funder, bench.peer(opened["id"])):
            state = bench.channel(node, opened["channel_id"])["state"]
            assert state == "CHANNELD_AWAITING_LOCKIN", f"{node.name}: {state}"
    result = bench.multifundchannel(bench.destinations(bench.peers[:3]), minchannels=2)
    bench.check_opened(result, bench.destinations(bench.peers[:3]))


def test_a_failure_next_to_a_success(bench):
    """Two batches at the same time: the one's cleaning up does not touch the other."""
    bench.peers[0].set_fault("complete", "refuse")
    failing, good = bench.destinations(bench.peers[:4]), bench.destinations(bench.peers[4:8])
    error, result = in_parallel([lambda: bench.multifundchannel(failing), lambda: bench.multifundchannel(good)])
    assert isinstance(error, RpcError) and error.data["method"] == "fundchannel_complete", error
    bench.check_opened(result, good)


@cancels_one_of_two
@builtin_fails("has no deadline for a silent peer")
@cases({"its channel came before": (True,), "its channel came after": (False,)})
def test_a_peer_of_two_batches_fails_in_one(bench, doomed_first):
    """The one's channel with the shared peer is undone by its id; the other's awaits lock-in and is left alone."""
    silent, shared, other = bench.peers[:3]
    silent.set_fault("complete", "silent")
    start = bench.funder.log_size()
    good = bench.destinations([shared, other])

    def doomed():
        return error_of(bench.multifundchannel, bench.destinations([silent, shared]), peer_timeout=6)

    def its_channel_is_there():
        return any(c["peer_id"] == shared.id and c["funding"].get("withheld") for c in bench.funder.channels()
                   if c["state"] == "CHANNELD_AWAITING_LOCKIN")

    def open_the_other():
        if doomed_first:
            wait_for(its_channel_is_there, "the channel of the first batch", 10)
        return bench.multifundchannel(good)

    if doomed_first:
        error, result = in_parallel([doomed, open_the_other])
    else:
        result, error = open_the_other(), doomed()
    assert error.data["id"] == silent.id, error
    bench.check_nothing_left(30)
    bench.check_opened(result, good)
    calls = [line for line in bench.funder.log(start).splitlines() if f"({shared.id[:8]}): " in line]
    assert any("): close " in line for line in calls), calls
    assert not any("): fundchannel_cancel (completed)" in line for line in calls), calls


PATIENCE = 3  # seconds


def impatient(bench):
    """Sets the plugin's deadline for peers."""
    try:
        bench.funder.set_option("multifundchannel-peer-timeout", PATIENCE)
    except RpcError as e:
        pytest.skip(f"no option multifundchannel-peer-timeout: {e.message}")


def patient(bench):
    bench.funder.set_option("multifundchannel-peer-timeout", 60)


@builtin_fails("waits for ever")
@cases({"connecting": ("connect", "connect"), "start": ("start", "fundchannel_start"),
        "complete": ("complete", "fundchannel_complete")})
def test_a_silent_peer_in(bench, phase, method):
    impatient(bench)
    try:
        node_id, faulty = faulty_destination(bench, phase, "silent")
        started = time.monotonic()
        error = error_of(bench.multifundchannel, [faulty, *bench.destinations(bench.peers[1:3])])
        assert error.data["id"] == node_id and error.data["method"] == method, error
        bench.check_nothing_left(30)
        destinations = [faulty, *bench.destinations(bench.peers[1:3])]
        result = bench.multifundchannel(destinations, minchannels=2)
        assert time.monotonic() - started < patience(2 * (PATIENCE + 15))
        bench.check_opened(result, destinations)
        assert [(f["id"], f["method"]) for f in result["failed"]] == [(node_id, method)]
        bench.check_nothing_left(30)
    finally:
        patient(bench)


@slow("takes a minute")
@builtin_fails("waits for ever")
def test_silent_peers_with_the_default_deadline(bench):
    """One batch for each phase, at the same time."""
    _, connecting = faulty_destination(bench, "connect", "silent")
    start, complete = bench.peers[1:3]
    start.set_fault("start", "silent")
    complete.set_fault("complete", "silent")
    faulty = [connecting, *bench.destinations([start, complete])]
    good = bench.destinations(bench.peers[3:6])
    batches = [[f, g] for f, g in zip(faulty, good)]
    results = in_parallel([lambda b=b: bench.multifundchannel(b, timeout=200, minchannels=1) for b in batches])
    for result, batch in zip(results, batches):
        assert isinstance(result, dict), result
        bench.check_opened(result, batch)
        assert [f["id"] for f in result["failed"]] == [batch[0]["id"].split("@")[0]]
    bench.check_nothing_left(60)
