"""multifundchannel-bump against bitcoind: what its mempool says of the package, a second one that replaces the first, kills,
and what the wallet has afterwards."""
import pytest

from bench import INVALID_PARAMS, error_of
from marks import cases, thorough
from regtest import FOR_GOOD, RpcError, wait_for
from test_abort import abort, mempool
from victims import a_victim

pytestmark = pytest.mark.usefixtures("plugin_only")
LOW = "300perkw"


@pytest.fixture
def plugin_only(bench):
    if not bench.plugin:
        pytest.skip("about the plugin")


def sat(value):
    return round(float(value) * 1e8)


def funds(node):
    return node.rpc("listfunds")["outputs"]


def package(bench, txid):
    """What bitcoind takes together to mine this: vbytes, and fee in satoshi."""
    entry = bench.bitcoind.call("getmempoolentry", txid)
    return entry["ancestorsize"], sat(entry["fees"]["ancestor"])


def check(bench, answer, perkw):
    """Against the mempool: the feerate is the one asked for, within 1 %."""
    vbytes, fee = package(bench, answer["bump_txid"])
    assert fee * 1000 == answer["package_fee_msat"], (fee, answer)
    assert abs(vbytes - answer["package_vbytes"]) <= 2, (vbytes, answer)
    asked = perkw * 4 / 1000
    assert asked <= fee / vbytes * 1.001 and fee / vbytes <= asked * 1.01, (fee / vbytes, asked)
    assert answer["txid"] in bench.bitcoind.call("getmempoolentry", answer["bump_txid"])["depends"]


def unconfirmed(bench, node):
    """The node's own. Peers whose channels of an earlier test were forgotten may send a commitment transaction."""
    own = {t["hash"] for t in node.rpc("listtransactions")["transactions"]}
    return sorted(own & set(mempool(bench)))


def settle(bench, node, txid):
    """The transaction confirms, and the bump with it: the wallet has what it says, and the list forgets the bump."""
    bench.net.mine(1)
    wait_for(lambda: "bumps" not in node.rpc("listmultifundchannels"), "the bump to be struck off", 30)
    assert not unconfirmed(bench, node)
    assert bench.bitcoind.call("getrawtransaction", txid, True)["confirmations"] == 1


@cases({"by the batch's id": ("batch",), "by its label": ("label",), "by its transaction": ("txid",)})
def test_pays_what_was_asked_for(bench, peers, by):
    with a_victim(bench) as victim:
        node = victim.node
        opened = node.rpc("multifundchannel", destinations=bench.destinations(peers[:3]), feerate=LOW, label=f"cheap, {by}",
                          details=True, keep_change=50_000)
        names = {"batch": opened["batch"], "label": f"cheap, {by}", "txid": opened["txid"]}
        shown = node.rpc("multifundchannel-bump", batch=names[by], feerate="2500perkw", dryrun=True)
        assert shown["bumped"] is False and unconfirmed(bench, node) == [opened["txid"]]
        answer = node.rpc("multifundchannel-bump", batch=names[by], feerate="2500perkw")
        assert answer["bumped"] is True and answer["fee_msat"] == shown["fee_msat"]
        check(bench, answer, 2500)
        listed, = node.rpc("listmultifundchannels")["bumps"]
        assert (listed["bump_txid"], listed["state"]) == (answer["bump_txid"], "sent")
        settle(bench, node, opened["txid"])
        output = f"{answer['bump_txid']}:0"
        wait_for(lambda: output in {f"{o['txid']}:{o['output']}" for o in funds(node) if o["status"] == "confirmed"},
                 "the change", 30)


def test_twice_in_a_row(bench, peers):
    with a_victim(bench) as victim:
        node = victim.node
        opened = node.rpc("multifundchannel", destinations=bench.destinations(peers[:2]), feerate=LOW, keep_change=60_000)
        txid = opened["txid"]
        first = node.rpc("multifundchannel-bump", batch=txid, feerate="2500perkw")
        check(bench, first, 2500)
        error = error_of(node.rpc, "multifundchannel-bump", batch=txid, feerate="2510perkw")
        assert error.code == INVALID_PARAMS and "feerate: the bump before" in error.message, error
        enough = error.message.split("which is ")[1].split("perkw")[0]
        second = node.rpc("multifundchannel-bump", batch=txid, feerate=f"{enough}perkw")
        assert second["replaces"] == first["bump_txid"]
        third = node.rpc("multifundchannel-bump", batch=txid, feerate="9000perkw")
        check(bench, third, 9000)
        assert unconfirmed(bench, node) == sorted([txid, third["bump_txid"]])
        settle(bench, node, txid)
        # What lightningd has of the bumps that were replaced: none is confirmed, and nothing chooses one.
        def left():
            return [o for o in funds(node) if o["txid"] in (first["bump_txid"], second["bump_txid"])]
        assert [(o["status"], o["reserved"]) for o in left()] == [("unconfirmed", True)] * 2, left()
        bench.net.mine(5)
        node.sync()
        wait_for(lambda: min(o["reserved_to_block"] for o in left()) > FOR_GOOD, "them to be reserved for good", 30)


def test_still_in_the_mempool_when_its_transaction_is_deep(bench, peers):
    """Miners leave the bump out: it may confirm still, so the change stays reserved for it."""
    with a_victim(bench) as victim:
        node = victim.node
        opened = node.rpc("multifundchannel", destinations=bench.destinations(peers[:1]), feerate=LOW, keep_change=60_000)
        bump = node.rpc("multifundchannel-bump", batch=opened["txid"], feerate="2500perkw")
        for block in range(6):
            bench.bitcoind.call("generateblock", bench.bitcoind.ADDRESS, [opened["txid"]] if block == 0 else [])
        bench.net.mine(0)
        wait_for(lambda: "bumps" not in node.rpc("listmultifundchannels"), "the bump to be struck off", 30)
        change, = (o for o in funds(node) if o["txid"] == opened["txid"])
        assert change["reserved"] and unconfirmed(bench, node) == [bump["bump_txid"]], change
        bench.net.mine(1)
        wait_for(lambda: {o["txid"]: o["status"] for o in funds(node)}.get(bump["bump_txid"]) == "confirmed", "the bump", 30)


def test_of_a_bump_s_bump(bench, peers):
    """A batch that spends another one's change: both are paid for, as its unconfirmed ancestors."""
    with a_victim(bench) as victim:
        node = victim.node
        coins = [f"{o['txid']}:{o['output']}" for o in funds(node) if not o["reserved"]]
        first = node.rpc("multifundchannel", destinations=bench.destinations(peers[:1]), feerate=LOW, keep_change=50_000,
                         utxos=coins[:3])
        change = next(o for o in funds(node) if o["txid"] == first["txid"])
        second = node.rpc("multifundchannel", destinations=bench.destinations(peers[1:2], amount=60_000), feerate=LOW,
                          utxos=[f"{change['txid']}:{change['output']}", coins[3]], keep_change=50_000)
        answer = node.rpc("multifundchannel-bump", batch=second["txid"], feerate="2000perkw")
        check(bench, answer, 2000)
        vbytes = {t: bench.bitcoind.call("getmempoolentry", t)["vsize"] for t in mempool(bench)}
        assert len(vbytes) == 3 and abs(sum(vbytes.values()) - answer["package_vbytes"]) <= 3
        error = error_of(node.rpc, "multifundchannel-bump", batch=first["txid"], feerate="2500perkw")
        assert "is spent by " + second["txid"] in error.message, error
        settle(bench, node, second["txid"])


def test_what_cannot_be_paid_for(bench, peers):
    with a_victim(bench) as victim:
        node = victim.node
        coin = next(o for o in funds(node) if not o["reserved"])
        opened = node.rpc("multifundchannel", destinations=bench.destinations(peers[:1], amount="all"), feerate=LOW,
                          utxos=[f"{coin['txid']}:{coin['output']}"])
        error = error_of(node.rpc, "multifundchannel-bump", batch=opened["txid"], feerate="2500perkw")
        assert "batch: its " in error.message and error.code == -1, error
        small = node.rpc("multifundchannel", destinations=bench.destinations(peers[1:2]), feerate=LOW, keep_change=1_000,
                         utxos=[f"{o['txid']}:{o['output']}" for o in funds(node) if not o["reserved"]][:1])
        error = error_of(node.rpc, "multifundchannel-bump", batch=small["txid"], feerate="2000000perkw")
        assert "batch: its change of " in error.message and "sat must be left" in error.message, error
        error = error_of(node.rpc, "multifundchannel-bump", batch=small["txid"], feerate="2500perkw", max_fee="10sat")
        assert error.message.startswith("max_fee: the fee would be "), error
        batch = next(b for b in node.rpc("listmultifundchannels")["batches"] if b.get("txid") == small["txid"])
        error = error_of(node.rpc, "multifundchannel-abort", batch=batch["batch"])
        assert error.code == INVALID_PARAMS, error
        bench.net.mine(1)
        node.sync()
        error = error_of(node.rpc, "multifundchannel-bump", batch=small["txid"], feerate="2500perkw")
        assert "has confirmed, in block " in error.message, error


@cases({f"{when} {method}, {deed}": (method, when, deed)
        for method, when in (("datastore", "answered"), ("reserveinputs", "forwarded"), ("signpsbt", "answered"),
                             ("sendpsbt", "forwarded"))
        for deed in ("plugin", "node")}, usual=["answered signpsbt, node", "forwarded sendpsbt, plugin"])
def test_killed_while_it_sends(bench, peers, method, when, deed):
    with a_victim(bench) as victim:
        node = victim.node
        opened = node.rpc("multifundchannel", destinations=bench.destinations(peers[:2]), feerate=LOW, keep_change=60_000)
        victim.arm(method, when, deed)
        with pytest.raises((RpcError, OSError)):
            node.rpc("multifundchannel-bump", batch=opened["txid"], feerate="2500perkw")
        victim.wait_reached()
        if deed == "node":
            node.proc.wait(30)
            node.start().sync()
        else:
            victim.start_plugin()
        answer = node.rpc("multifundchannel-bump", batch=opened["txid"], feerate="5000perkw")
        check(bench, answer, 5000)
        assert unconfirmed(bench, node) == sorted([opened["txid"], answer["bump_txid"]])
        settle(bench, node, opened["txid"])


@thorough("takes a minute")
def test_an_abort_after_a_bump(bench):
    """A batch whose transaction is sent is not at its end as long as a policy is not set: then it can be aborted still."""
    with a_victim(bench) as victim:
        node = victim.node
        victim.arm("setchannel", "asked", "lose")
        call = victim.begin([{**d, "feeppm": 250} for d in victim.destinations()], feerate=LOW, keep_change=60_000, details=True)
        result = call.wait(60).result
        assert result, call.error
        victim.arm("setchannel", "asked", "hold")
        bump = node.rpc("multifundchannel-bump", batch=result["batch"], feerate="2500perkw")
        begun = abort(victim, result["batch"], patience=120, confirm=True)
        assert begun["fee_msat"] > bump["package_fee_msat"], (begun, bump)
        wait_for(lambda: unconfirmed(bench, node) == [begun["txid"]], "the abort to replace both", 60)
        victim.release()
        bench.net.mine(6)
        wait_for(lambda: victim.batch(result["batch"])["state"] == "undone", "the batch to be undone", 120)
        dead = {o["txid"]: o for o in funds(node) if o["txid"] in (result["txid"], bump["bump_txid"])}
        wait_for(lambda: all(o.get("reserved_to_block", 0) > FOR_GOOD for o in funds(node) if o["txid"] in dead),
                 "what never comes to be to be reserved for good", 60)
        assert len(dead) == 2 and not victim.records(), (dead, victim.records())
        returned, = (o for o in funds(node) if o["txid"] == begun["txid"])
        assert returned["status"] == "confirmed" and not returned["reserved"], returned
        # lightningd cancels no channel of a transaction that it has sent, and so both sides keep theirs.
        for one in [*victim.peers, node]:
            for channel in one.channels() if one is node else one.channels(node.id):
                one.rpc("dev-forget-channel", id=channel["peer_id"], channel_id=channel["channel_id"], force=True)
