"""In the form of the tests in lightningd's collection of plugins (lightningd/plugins), with its pyln-testing.

    PYTHONPATH=$CLN/contrib/pyln-testing:$CLN/contrib/pyln-client:.. pytest tests/pyln

The other tests on real nodes, in tests/regtest, need no pyln-testing and look at much more.
"""
import os

import pytest

pytest.importorskip("pyln.testing.fixtures", reason="pyln-testing is not there, or not whole")

from pyln.client import RpcError  # noqa: E402
from pyln.testing.fixtures import *  # noqa: E402,F401,F403
from pyln.testing.utils import wait_for  # noqa: E402

AMOUNT = 100_000  # sat
INVALID_PARAMS = -32602
COMMANDS = ("multifundchannel", "multifundchannel-spark", "listmultifundchannels")


@pytest.fixture
def plugin(pytestconfig):
    """The path of the executable: that of --plugin, of MULTIFUNDCHANNEL_PLUGIN, or that beside this file."""
    beside = os.path.join(os.path.dirname(os.path.abspath(__file__)), "multifundchannel")
    return getattr(pytestconfig.option, "plugin", None) or os.environ.get("MULTIFUNDCHANNEL_PLUGIN", beside)


def commands(node):
    return {entry["command"].split()[0] for entry in node.rpc.help()["help"]}


def destinations(*nodes, amount=AMOUNT):
    return [{"id": f"{node.info['id']}@127.0.0.1:{node.port}", "amount": amount} for node in nodes]


def funder_and_peers(node_factory, plugin, peers):
    nodes = node_factory.get_nodes(1 + peers, opts=[{"plugin": plugin}] + peers * [{}])
    nodes[0].fundwallet(10_000_000)
    return nodes[0], nodes[1:]


def test_starts_with_the_node(node_factory, plugin):
    node = node_factory.get_node(options={"plugin": plugin})
    assert commands(node).issuperset(COMMANDS)
    assert {"name": plugin, "active": True, "dynamic": True} in node.rpc.plugin_list()["plugins"]


def test_starts_and_stops_at_run_time(node_factory, plugin):
    node = node_factory.get_node()
    assert "multifundchannel-spark" not in commands(node)
    for _ in range(2):
        node.rpc.plugin_start(plugin)
        assert commands(node).issuperset(COMMANDS)
        node.rpc.plugin_stop(plugin)
        assert "multifundchannel-spark" not in commands(node)


@pytest.mark.parametrize("name", ("multifundchannel", "multifundchannel-spark"))
def test_opens_two_channels_with_one_transaction(node_factory, bitcoind, plugin, name):
    funder, peers = funder_and_peers(node_factory, plugin, 2)
    result = funder.rpc.call(name, {"destinations": destinations(*peers)})
    assert result["failed"] == []
    assert [channel["id"] for channel in result["channel_ids"]] == [peer.info["id"] for peer in peers]
    assert bitcoind.rpc.getrawmempool() == [result["txid"]]
    assert bitcoind.rpc.decoderawtransaction(result["tx"])["txid"] == result["txid"]
    bitcoind.generate_block(6)

    def states():
        return {channel["state"] for node in (funder, *peers) for channel in node.rpc.listpeerchannels()["channels"]}
    wait_for(lambda: states() == {"CHANNELD_NORMAL"})
    assert {channel["funding_txid"] for channel in funder.rpc.listpeerchannels()["channels"]} == {result["txid"]}


def test_a_peer_that_fails_is_reported(node_factory, bitcoind, plugin):
    """And the others are opened."""
    funder, (peer, gone) = funder_and_peers(node_factory, plugin, 2)
    params = {"destinations": destinations(peer, gone), "minchannels": 1}
    gone.stop()
    result = funder.rpc.call("multifundchannel", params)
    assert [channel["id"] for channel in result["channel_ids"]] == [peer.info["id"]]
    failed, = result["failed"]
    assert failed["id"] == gone.info["id"] and failed["method"] == "connect" and failed["error"]["message"]
    assert bitcoind.rpc.getrawmempool() == [result["txid"]]


def test_all_peers_fail(node_factory, bitcoind, plugin):
    """Then it is an error, and nothing is left."""
    funder, (gone,) = funder_and_peers(node_factory, plugin, 1)
    params = {"destinations": destinations(gone)}
    gone.stop()
    with pytest.raises(RpcError) as raised:
        funder.rpc.call("multifundchannel", params)
    assert raised.value.error["data"]["id"] == gone.info["id"] and raised.value.error["data"]["method"] == "connect"
    assert bitcoind.rpc.getrawmempool() == []
    assert not any(output["reserved"] for output in funder.rpc.listfunds()["outputs"])


def test_bad_parameters(node_factory, plugin):
    """An error says which parameter is wrong, before anything happens."""
    node = node_factory.get_node(options={"plugin": plugin})
    somebody = {"id": node.info["id"][:-1] + "0", "amount": AMOUNT}
    for params, word in (({}, "destinations"), ({"destinations": []}, "destinations"),
                         ({"destinations": [{"id": "me", "amount": AMOUNT}]}, "id"),
                         ({"destinations": [{**somebody, "amount": "much"}]}, "amount"),
                         ({"destinations": [somebody], "minchannels": "few"}, "minchannels"),
                         ({"destinations": [somebody], "colour": "blue"}, "colour")):
        with pytest.raises(RpcError) as raised:
            node.rpc.call("multifundchannel", params)
        assert raised.value.error["code"] == INVALID_PARAMS and word in raised.value.error["message"], raised.value.error
