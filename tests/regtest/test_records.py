"""Records in the datastore that the plugin keeps, shows and never acts on: what it cannot read, or did not write."""
import json

from bench import INVALID_PARAMS, error_of
from marks import builtin_fails
from regtest import wait_for
from victims import KEY, a_victim

BLOCKS = 12
STRANGE_KEY = "my-own-note"
NOT_OURS = "not written by this node's plugin"


def reserve(node, outpoint):
    """As the first step of a batch. Returns the height."""
    reserved = node.rpc("utxopsbt", satoshi=0, feerate="253perkw", startweight=0, utxos=[outpoint], reserve=BLOCKS,
                        excess_as_change=True)["reservations"]
    return reserved[0]["reserved_to_block"]


def record(batch, outpoint, height, peer, version=2):
    """Of a batch that was left right after it had reserved this coin; without the mac."""
    return json.dumps({
        "version": version, "batch": batch, "begun": 1_700_000_000, "phase": "begun", "blocks": BLOCKS, "more_blocks": 0,
        "inputs": {outpoint: height}, "destinations": [{"id": peer.id, "sat": 100_000, "told_sat": []}]},
        separators=(",", ":"))


def write_bad_records(victim, coins):
    """Each names a coin that it has reserved, but for the copy of the good one. Key -> part of what is said about it."""
    node, peer = victim.node, victim.peers[0]
    heights = {coin: reserve(node, coin) for coin in coins}
    broken, newer, older, unsigned, strange, binary = coins
    good, = victim.records()

    def forged(batch, coin, version=2):
        return record(batch, coin, heights[coin], peer, version)

    texts = {
        "1" * 32: (forged("1" * 32, broken)[:-1], NOT_OURS),
        "2" * 32: (forged("2" * 32, newer, version=3), "newer version"),
        "3" * 32: (forged("3" * 32, older, version=1), "did not sign its records yet"),
        "4" * 32: (forged("4" * 32, unsigned), NOT_OURS),
        "5" * 32: (forged("5" * 32, unsigned)[:-1] + ',"mac":"' + "00" * 32 + '"}', NOT_OURS),
        "6" * 32: (good["string"], NOT_OURS),
        STRANGE_KEY: (forged(STRANGE_KEY, strange), NOT_OURS),
        "7" * 32: (None, "no text"),
    }
    for key, (text, _) in texts.items():
        content = {"hex": "ff00" + binary.encode().hex()} if text is None else {"string": text}
        node.rpc("datastore", {"key": [*KEY, key], "mode": "must-create", **content})
    return {key: said for key, (_, said) in texts.items()}


def listed(victim):
    return {b["batch"]: b for b in victim.node.rpc("listmultifundchannels")["batches"]}


def forget(victim, batch, **options):
    return victim.node.rpc("multifundchannel-forget", batch=batch, **options)


def check_kept(victim, said, records, coins):
    shown = listed(victim)
    for key, words in said.items():
        assert shown[key]["state"] == "unsettled", shown[key]
        assert words in shown[key]["recovery"][-1], shown[key]
    assert [r for r in victim.records() if r["key"][-1] in said] == records
    assert not set(coins) & victim.node.coins().keys(), "a coin was freed"


@builtin_fails("has no journal")
def test_unreadable_records_are_kept_and_never_acted_on(bench):
    with a_victim(bench) as victim:
        node = victim.node
        # A good one beside them, to see that the others would be acted on if they were good.
        victim.crash("datastore", "answered", "plugin", 2)
        coins = sorted(node.coins())[:6]
        said = write_bad_records(victim, coins)
        records = [r for r in victim.records() if r["key"][-1] in said]
        victim.start_plugin()
        wait_for(lambda: len(victim.records()) == len(said), "the good record to be settled", 30)
        assert victim.held <= node.coins().keys(), "its coins were not freed"
        check_kept(victim, said, records, coins)

        # Beside them batches run as ever, and a restart changes nothing.
        destinations = victim.destinations()
        bench.check_opened(bench.multifundchannel(destinations, node), destinations, node)
        victim.stop_plugin()
        victim.start_plugin()
        wait_for(lambda: said.keys() <= listed(victim).keys(), "the records to be read", 20)
        check_kept(victim, said, records, coins)

        check_forgetting(victim, said)
        assert not set(coins) & node.coins().keys(), "a coin was freed"
        bench.net.mine(BLOCKS + 1)
        assert set(coins) <= node.coins().keys(), "the reservations did not lapse"


def check_forgetting(victim, said):
    for key, words in said.items():
        if key == STRANGE_KEY:
            continue
        shown = forget(victim, key)
        assert shown["forgotten"] is False and words in shown["gives_up"][0], shown
        assert key in {r["key"][-1] for r in victim.records()}, "removed without being told to"
        assert forget(victim, key, confirm=True)["forgotten"] is True
        assert key not in {r["key"][-1] for r in victim.records()} | listed(victim).keys()
    error = error_of(forget, victim, STRANGE_KEY, confirm=True)
    assert error.code == INVALID_PARAMS and "batch" in error.message, error
    victim.node.rpc("deldatastore", key=[*KEY, STRANGE_KEY])
    victim.stop_plugin()
    victim.start_plugin()
    assert not victim.records() and not listed(victim), listed(victim)
