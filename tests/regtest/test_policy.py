"""The policy of new channels: feebase, feeppm, htlcmin and htlcmax of a destination."""
from bench import COIN, INVALID_PARAMS, error_of
from marks import builtin_fails, cases
from regtest import wait_for
from test_observing import needs_plugin
from victims import a_victim, settle_and_check

POLICY = {"feebase": "5sat", "feeppm": 250, "htlcmin": 2000, "htlcmax": "90000sat"}
SHOWN = {"fee_base_msat": 5000, "fee_proportional_millionths": 250, "htlc_minimum_msat": 2000,
         "htlc_maximum_msat": 90_000_000}
UNKNOWN_TO_BUILTIN = "does not know policies"

# label -> what is wrong in a destination of 100,000 sat, and what the message must contain
WRONG = {
    "feebase no amount": ({"feebase": "x"}, "destinations[1].feebase: should be a millisatoshi amount"),
    "feebase too large": ({"feebase": 2**32}, "destinations[1].feebase: is more than 4294967295msat"),
    "feeppm negative": ({"feeppm": -1}, "destinations[1].feeppm: should be an integer"),
    "htlcmin above htlcmax": ({"htlcmin": 3, "htlcmax": 2}, "destinations[1].htlcmin: is more than htlcmax, 2msat"),
    "htlcmax above the amount": ({"htlcmax": "100001sat"}, "destinations[1].htlcmax: is more than the amount"),
}


def policy(channel):
    """As listpeerchannels shows it."""
    shown = channel["updates"]["local"]
    return {name: shown[name] for name in SHOWN}


def policies(node, peer):
    """By channel id."""
    return {c["channel_id"]: policy(c) for c in node.channels(peer.id)}


@builtin_fails(UNKNOWN_TO_BUILTIN)
def test_policies_of_new_channels(bench):
    one, two, three = bench.destinations(bench.peers[:3])
    bench.open([{**one, **POLICY}, two, {**three, "feeppm": 0}])
    first, second, third = (policies(bench.funder, p).popitem()[1] for p in bench.peers[:3])
    assert first == SHOWN, first
    assert second not in (SHOWN, third), second
    assert third == {**second, "fee_proportional_millionths": 0}, (second, third)


@builtin_fails(UNKNOWN_TO_BUILTIN)
def test_a_policy_touches_no_other_channel_of_the_peer(bench):
    peer = bench.peers[0]
    bench.open(bench.destinations([peer]))
    bench.mine_until_normal(bench.funder, 6)
    bench.open(bench.destinations([peer]))
    before = policies(bench.funder, peer)
    assert len(before) == 2, before
    (new,) = bench.open(bench.destinations([peer], **POLICY))["channel_ids"]
    after = policies(bench.funder, peer)
    assert after.pop(new["channel_id"]) == SHOWN, after
    assert after == before, (before, after)


@builtin_fails(UNKNOWN_TO_BUILTIN)
def test_details_of_a_policy(bench):
    one, two = bench.destinations(bench.peers[:2])
    coin = next(outpoint for outpoint, sat in bench.funder.coins().items() if sat == COIN)
    result = bench.multifundchannel([one, {**two, "amount": "all", "htlcmax": "1btc", "feebase": 7}], utxos=[coin],
                                    details=True)
    assert "policy" not in result["channel_ids"][0], result
    told = result["channel_ids"][1]["policy"]
    assert told["applied"] is True and "error" not in told, told
    (warning,) = told["warnings"]
    assert warning.startswith("htlcmax_too_high: "), warning
    (batch,) = bench.funder.rpc("listmultifundchannels", batch=result["batch"])["batches"]
    assert [d.get("policy") for d in batch["destinations"]] == [None, told], batch
    shown = policy(bench.channel(bench.funder, result["channel_ids"][1]["channel_id"]))
    assert shown["fee_base_msat"] == 7 and shown["htlc_maximum_msat"] < 100_000_000_000, shown


@builtin_fails(UNKNOWN_TO_BUILTIN)
@cases(WRONG)
def test_wrong_policy(bench, changes, words):
    needs_plugin(bench)
    one, two = bench.destinations(bench.peers[:2])
    before = {p.name: p.log_size() for p in bench.peers[:2]}
    error = error_of(bench.multifundchannel, [one, {**two, **changes}])
    assert error.code == INVALID_PARAMS and words in error.message, error
    for peer in bench.peers[:2]:
        assert "openingd" not in peer.log(before[peer.name])


KILLS = {
    "the plugin, before setchannel": ("plugin", "setchannel", "asked"),
    "the plugin, while it is sent": ("plugin", "sendpsbt", "forwarded"),
    "the node, before setchannel": ("node", "setchannel", "asked"),
}


@builtin_fails("has no journal")
@cases(KILLS, usual=["the plugin, before setchannel"])
def test_a_policy_survives_the_death_of(bench, deed, method, when):
    with a_victim(bench) as victim:
        destinations = [{**d, **POLICY} for d in victim.destinations()]
        victim.crash(method, when, deed, destinations=destinations)
        if deed == "node":
            victim.node.start()
        else:
            assert SHOWN not in [policy(c) for c in victim.node.channels()]
            victim.start_plugin()
        victim.wait_settled()
        victim.check_opened()
        assert [policy(c) for c in victim.node.channels()] == [SHOWN] * 3, victim.node.channels()
        (batch,) = victim.batches()
        assert [d["policy"] for d in batch["destinations"]] == [{"applied": True}] * 3, batch
        if deed == "node":
            victim.meet_peers()
        settle_and_check(bench, victim, opened=True)


@builtin_fails("has no journal")
def test_a_policy_that_is_not_answered_is_set_after_the_reply(bench):
    with a_victim(bench) as victim:
        victim.arm("setchannel", "asked", "lose")
        call = victim.begin([{**d, **POLICY} for d in victim.destinations()], details=True)
        result = call.wait(30).result
        assert result, call.error
        told = [c["policy"] for c in result["channel_ids"]]
        assert [p["applied"] for p in told].count(False) == 1, told
        assert victim.records(), "no record"
        wait_for(lambda: [policy(c) for c in victim.node.channels()] == [SHOWN] * 3, "the policies", 30)
        settle_and_check(bench, victim, opened=True)
