"""What becomes of batches whose plugin or node was killed, and how to see that it is so, and nothing else."""
import contextlib

from regtest import older_than, wait_for

# When the plugin is killed, lightningd carries out what was forwarded; when the node is killed, perhaps not.
UNDONE, OPENED, EITHER = "undone", "opened", "either"
# The wallet has reserved the inputs and no record says so yet: free again after 12 blocks.
ORPHAN = "undone, but the first reservation may have to lapse"


def check_batches(victim, expected):
    """expected: the peers of each batch -> its outcome. There is what they have opened, and nothing else."""
    node, bench = victim.node, victim.bench
    batches = {frozenset(d["id"] for d in b["destinations"]): b for b in victim.batches()}
    inputs, txids = set(), {}
    for peers, outcome in expected.items():
        batch = batches.get(peers)
        if outcome == OPENED:
            # Settled before the last restart, perhaps: then it is not listed any more.
            assert batch is None or batch["state"] == "opened", batch
            txid, = transactions_with(node, peers) if batch is None else [batch["txid"]]
            txids[txid] = peers
            inputs |= {f"{i['txid']}:{i['vout']}" for i in bench.transaction(txid)["vin"]}
        else:
            assert batch is None or batch["state"] in ("undone", "failed"), batch
    for txid, peers in txids.items():
        check_channels(victim, txid, peers)
    strangers = [c for c in node.channels() if c.get("funding_txid") not in txids]
    assert not strangers, strangers
    check_coins(node, victim.coins_before.keys() - inputs)
    assert inputs <= node.reserved(), "an input was unreserved"


def check_coins(node, expected):
    """A node that was killed reads the last blocks again; until then it does not show the coins in them."""
    with contextlib.suppress(TimeoutError):
        wait_for(lambda: node.coins().keys() == expected, "", 10)
    free = node.coins().keys()
    assert free == expected, f"not free: {expected - free}, free: {free - expected}"


def transactions_with(node, peers):
    """Txids of the channels with exactly these peers."""
    found = {}
    for channel in node.channels():
        found.setdefault(channel.get("funding_txid"), set()).add(channel["peer_id"])
    return [txid for txid, ids in found.items() if ids == peers]


def check_channels(victim, txid, peers):
    ours = [c for c in victim.node.channels() if c.get("funding_txid") == txid]
    assert sorted(c["peer_id"] for c in ours) == sorted(peers), ours
    for channel in ours:
        theirs = victim.peers_view(channel["peer_id"], channel["channel_id"])
        for view in (channel, theirs):
            assert view and view["state"] in ("CHANNELD_AWAITING_LOCKIN", "CHANNELD_NORMAL"), view
        assert older_than("25.12") or channel["funding"]["withheld"] is False, channel["funding"]
