"""What the envelope of a request says: `filter` and `id`. The same request to a node with the plugin and to one without."""
import json

import pytest

from bench import INVALID_PARAMS, UNREACHABLE_IDS, shape
from marks import cases, thorough
from regtest import free_port

WANTED = [
    {"txid": True},
    {"tx": True, "channel_ids": [{"id": True, "outnum": True, "channel_type": {"names": True}}]},
    {"channel_ids": True},
    {"failed": [{"id": True, "method": True, "error": {"code": True}}]},
    {"failed": [{"error": True}]},
    {"nothing": True},
    {},
    {"channel_ids": {"id": True}, "failed": [[True]]},
    {"failed": [{"error": [{"code": True}]}], "txid": {"what": True}},
]
MALFORMED = [[], True, None, "txid", {"txid": False}, {"txid": 1}, {"failed": []}, {"failed": [{}, {}]}]


def request(params, method="multifundchannel", **more):
    return {"jsonrpc": "2.0", "id": "envelope", "method": method, "params": params, **more}


def one_opens_one_fails(bench):
    nobody = {"id": f"{UNREACHABLE_IDS[0]}@127.0.0.1:{free_port()}", "amount": 100_000}
    return {"destinations": [*bench.destinations(bench.peers[:1]), nobody], "minchannels": 1}


def answers(bench, node, wanted):
    replies = []
    for filtered in wanted:
        replies.append(node.socket.ask(request(one_opens_one_fails(bench), filter=filtered)))
        bench.net.mine(1)
    return [(json.dumps(w), shape(r), r.get("result", {}).get("warning_parameter_filter"), r.get("error"))
            for w, r in zip(wanted, replies)]


@thorough("takes a minute")
def test_the_same_fields_as_the_builtin(bench):
    reference = answers(bench, bench.reference, WANTED)
    bench.behave()
    assert answers(bench, bench.funder, WANTED) == reference
    assert any(warning for _, _, warning, _ in reference), "nothing was misused"


def test_the_same_refusals_as_the_builtin(bench):
    reference = answers(bench, bench.reference, MALFORMED)
    assert {error["code"] for _, _, _, error in reference} == {INVALID_PARAMS}, reference
    assert answers(bench, bench.funder, MALFORMED) == reference


def test_under_our_own_name(bench, start_node):
    node = start_node("--disable-plugin=spenderp")
    bench.net.fund(node, [1_000_000])
    reply = node.socket.ask(request({"destinations": bench.destinations(bench.peers[:1])}, filter={"txid": True}))
    assert set(reply["result"]) == {"txid"}, reply
    listed = node.socket.ask(request({}, "listmultifundchannels",
                                     filter={"batches": [{"txid": True, "destinations": [{"state": True}]}]}))
    assert listed["result"] == {"batches": [{"txid": reply["result"]["txid"],
                                             "destinations": [{"state": "opened"}]}]}, listed
    refused = node.socket.ask(request({}, "listmultifundchannels", filter={"batches": False}))
    assert refused["error"]["code"] == INVALID_PARAMS, refused


def test_of_our_own_commands_beside_the_builtin(bench):
    if not bench.plugin:
        pytest.skip("about the plugin")
    listed = bench.funder.socket.ask(request({}, "listmultifundchannels", filter={"batches": [{"state": True}]}))
    assert all(set(batch) == {"state"} for batch in listed["result"]["batches"]), listed


@cases({"null": (None,), "a number": (7,), "text": ("text",), "quotes and a backslash": ('a"b\\c',)})
def test_the_id_comes_back(bench, request_id):
    outcomes = []
    for node in (bench.reference, bench.funder):
        asked = {**request({"destinations": bench.destinations(bench.peers[:1])}), "id": request_id}
        reply = node.socket.ask(asked)
        assert reply["id"] == request_id and "result" in reply, reply
        outcomes.append(shape(reply))
        bench.behave()
    assert outcomes[0] == outcomes[1], outcomes
