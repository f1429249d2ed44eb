"""A label: whoever asks twice opens once, whatever dies in between."""
from bench import INVALID_PARAMS, error_of
from marks import builtin_fails, cases, withheld
from regtest import RpcError, in_parallel, wait_for
from victims import a_victim

pytestmark = builtin_fails("knows no labels")


def labelled(victim, label, **more):
    return {"destinations": victim.destinations(), "label": label, **more}


def test_asked_twice(bench):
    """At the same time, afterwards, and after a restart of the plugin: one transaction, one answer."""
    destinations = bench.destinations(bench.peers[:2])
    first, second = in_parallel([lambda: bench.multifundchannel(destinations, label="twice", details=True)] * 2)
    assert first == second
    third = bench.multifundchannel(destinations, label="twice", details=True)
    assert third == first
    listed = [b for b in bench.funder.rpc("listmultifundchannels")["batches"] if b.get("label") == "twice"]
    assert [b["batch"] for b in listed] == [first["batch"]]
    for change in ({"minconf": 0}, {"destinations": bench.destinations(bench.peers[:1])}, {"dryrun": True}):
        error = error_of(bench.funder.rpc, "multifundchannel",
                         {"destinations": destinations, "label": "twice", "details": True, **change})
        assert error.code == INVALID_PARAMS and error.message.startswith(f"label: batch {first['batch']} has it"), error


def test_a_failure_frees_it(bench):
    destinations = bench.destinations(bench.peers[:1])
    error = error_of(bench.funder.rpc, "multifundchannel", destinations=destinations, label="free", max_fee=1)
    assert error.code == INVALID_PARAMS and error.message.startswith("max_fee: "), error
    bench.multifundchannel(destinations, label="free")


# (deed, method, n, when)
KILLS = {
    "plugin, before the first record": ("plugin", "datastore", 1, "asked"),
    "plugin, while peers start": ("plugin", "fundchannel_start", 2, "answered"),
    "plugin, when all are secured": ("plugin", "datastore", 4, "answered"),
    "plugin, before it sends": ("plugin", "sendpsbt", 1, "asked"),
    "plugin, while it sends": ("plugin", "sendpsbt", 1, "forwarded"),
    "plugin, before the label is recorded": ("plugin", "datastore", 5, "asked"),
    "plugin, when the label is recorded": ("plugin", "datastore", 5, "answered"),
    "plugin, before the record goes": ("plugin", "deldatastore", 1, "asked"),
    "plugin, when the record is gone": ("plugin", "deldatastore", 1, "answered"),
    "node, while peers start": ("node", "fundchannel_start", 2, "answered"),
    "node, when all are secured": ("node", "datastore", 4, "answered"),
    "node, while it sends": ("node", "sendpsbt", 1, "forwarded"),
    "node, when the label is recorded": ("node", "datastore", 5, "answered"),
    "node, when the record is gone": ("node", "deldatastore", 1, "answered"),
}
QUICK = ("plugin, while it sends", "plugin, when the label is recorded", "node, when all are secured",
         "node, when the record is gone")


@withheld
@cases(KILLS, quick=QUICK, usual=QUICK[1:3])
def test_killed(bench, deed, method, n, when):
    label = f"killed: {deed} {method} {n} {when}"  # the nodes are used again, and remember
    with a_victim(bench) as victim:
        victim.crash(method, when, deed, n, label=label)
        victim.node.start() if deed == "node" else victim.start_plugin()

        def asked_again():
            try:
                return victim.node.rpc("multifundchannel", labelled(victim, label))
            except RpcError as e:
                assert e.message.startswith("label: batch ") and e.code in (303, -1), e
                return None

        answer = wait_for(asked_again, "the same call to be answered", 120)
        assert len(answer["channel_ids"]) == len(victim.peers) and answer["failed"] == []
        assert victim.node.rpc("multifundchannel", labelled(victim, label)) == answer
        funded = {c["funding_txid"] for c in victim.node.channels()}
        assert funded == {answer["txid"]}, funded
        assert bench.transaction(answer["txid"])["txid"] == answer["txid"]
        error = error_of(victim.node.rpc, "multifundchannel", labelled(victim, label, minconf=0))
        assert error.code == INVALID_PARAMS and "which was called with other parameters" in error.message, error
        victim.wait_settled()
        victim.meet_peers()
        victim.check_peers()
        bench.net.mine(6)
        victim.check_normal()
