"""Whose `multifundchannel` answers: beside the builtin, without it, started and stopped at run time."""
import contextlib
import os
import shlex
import signal
import tempfile

import pytest

from bench import CANNOT_AFFORD, UNREACHABLE_IDS, error_of, plugin_lines, plugin_pid
from regtest import RpcError, free_port, older_than

STARTS = 20
UNKNOWN_COMMAND = -32601


def commands(node):
    return {h["command"].split()[0] for h in node.rpc("help")["help"] if h["command"].startswith("multifundchannel")}


def who_answers(node):
    """By a call that fails in the phase `connect`."""
    before = node.log_size()
    destination = {"id": f"{UNREACHABLE_IDS[0]}@127.0.0.1:{free_port()}", "amount": 100_000}
    error = error_of(node.rpc, "multifundchannel", {"destinations": [destination]})
    if error.code == UNKNOWN_COMMAND:
        return "nobody"
    # Ours has the coins reserved while it connects, and this node has none.
    assert error.code in (401, CANNOT_AFFORD), error
    return "builtin" if "plugin-spenderp: mfc" in node.log(before) else "plugin"


def test_a_version_that_does_not_tell(bench, start_node):
    """As of a lightningd that was built from a clone without tags: then its help says whether it can withhold."""
    if not bench.plugin:
        pytest.skip("about the plugin")
    with tempfile.TemporaryDirectory() as folder:
        script = os.path.join(folder, "multifundchannel")
        with open(script, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\nLIGHTNINGD_VERSION=9f7baf6 exec {shlex.quote(bench.plugin)}\n")
        os.chmod(script, 0o755)
        node = start_node(f"--plugin={script}", with_plugin=False)
        assert who_answers(node) == "plugin"
        lines = [line for line in node.log().splitlines() if "whether it can withhold" in line]
        assert len(lines) == 1 and lines[0].endswith("by its help it can" + "not" * older_than("25.12")), lines


def test_beside_the_builtin(bench, start_node):
    node = start_node()
    assert who_answers(node) == "plugin"
    assert "multifundchannel-spark" in commands(node)
    good = {"command_to_check": "multifundchannel", "destinations": bench.destinations(bench.peers[:1])}
    assert node.rpc("check", good)["command_to_check"] == "multifundchannel"


def test_without_the_builtin(bench, start_node):
    """Under its own name, and it opens channels there."""
    node = start_node("--disable-plugin=spenderp")
    assert who_answers(node) == "plugin"
    assert "multifundchannel" in commands(node)
    good = {"command_to_check": "multifundchannel", "destinations": bench.destinations(bench.peers[:1])}
    assert node.rpc("check", good)["command_to_check"] == "multifundchannel"
    bench.net.fund(node, [1_000_000])
    destinations = bench.destinations(bench.peers[:2])
    bench.check_opened(bench.multifundchannel(destinations, node=node), destinations, node)


def start_and_stop(bench, node, otherwise):
    assert who_answers(node) == otherwise
    for _ in range(2):
        node.rpc("plugin", subcommand="start", plugin=bench.plugin)
        assert who_answers(node) == "plugin"
        node.rpc("plugin", subcommand="stop", plugin=bench.plugin)
        assert who_answers(node) == otherwise


def test_started_and_stopped_beside_the_builtin(bench, start_node):
    node = start_node(with_plugin=False)
    start_and_stop(bench, node, "builtin")


def test_started_and_stopped_without_the_builtin(bench, start_node):
    node = start_node("--disable-plugin=spenderp", with_plugin=False)
    start_and_stop(bench, node, "nobody")


def test_a_dual_funding_node_keeps_the_builtin(bench, start_node):
    """v2 opens are the builtin's; the log says so, once."""
    node = start_node("--experimental-dual-fund")
    assert who_answers(node) == "builtin"
    assert who_answers(node) == "builtin"
    lines = [line for line in node.log().splitlines()
             if f"plugin-{os.path.basename(bench.plugin)}" in line and "dual" in line and "DEBUG" not in line]
    assert len(lines) == 1, lines


def test_a_plugin_that_is_killed_takes_nothing_along(bench, start_node):
    node = start_node()
    os.kill(plugin_pid(node, bench.plugin), signal.SIGKILL)
    with contextlib.suppress(RpcError):  # a call in that moment may still see it
        who_answers(node)
    assert who_answers(node) == "builtin"
    node.rpc("plugin", subcommand="start", plugin=bench.plugin)
    assert who_answers(node) == "plugin"


def test_the_node_stops_cleanly(bench, start_node):
    node = start_node()
    assert node.stop() == 0


def test_twenty_starts_in_a_row(bench, start_node):
    """Registering a name that the builtin claims as well would stop the node, but only when we are faster."""
    node = start_node()
    for _ in range(STARTS - 1):
        node.kill()
        node.start()
        missing = {"multifundchannel", "multifundchannel-spark"} - commands(node)
        assert not missing, f"{missing}: {plugin_lines(node.log())[-20:]} {node.output()[-2000:]}"
