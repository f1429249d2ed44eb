"""Fixtures of the tests on real nodes.

A test is a function `test_...(bench)`; bench.py says what it can do with its nodes. After each test all faults end,
nothing may be left behind, and all channels are forgotten. With -n each worker has a network of its own.

    from marks import builtin_fails, cases, slow

    @slow("takes a minute")                         # runs with --slow only; @thorough also with --thorough
    @builtin_fails("waits for ever")                # does not run with --builtin
    @cases({"in start": ("start", 2), "in complete": ("complete", 3)})
    def test_a_peer_refuses(bench, phase, n): ...

Write `pytest.skip(reason)` for what shows only while the test runs. The network's first start takes some seconds: run
many tests at once rather than one by one.
"""
import contextlib
import itertools
import os
import signal
import threading

import pytest

import ldk as ldk_peers
from bench import Bench, plugin_lines
from leaks import leaks_of
from lnd_peers import lnd_peers_of
from regtest import Network, RpcError
from scenarios import coins_of_all

LOG_LINES = 60
LOG_START = pytest.StashKey()
NUMBERS = itertools.count()  # of nodes


def pytest_collection_modifyitems(items):
    for item in items:
        if not item.get_closest_marker("needs"):  # that says itself what it needs
            item.add_marker(pytest.mark.needs("nodes"))
    # The coins that the scenarios need must still be there.
    items.sort(key=lambda item: not item.path.match("test_scenarios.py"))


@pytest.fixture(scope="session")
def network(pytestconfig):
    option = pytestconfig.option
    with Network(option.keep, option.quick_cli) as running:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends the run, where sys.exit would fail a test
        yield running


@pytest.fixture(scope="session")
def started_bench(network, pytestconfig):
    """All nodes, with their coins; made once. In the end, nothing that is secret may be in what the plugin left."""
    option = pytestconfig.option
    made = Bench(network, None if option.builtin else option.plugin, coins_of_all())
    yield made
    leaked = list(network.leaked)
    for node in network.nodes:
        if os.path.exists(os.path.join(node.dir, "regtest", "hsm_secret")):
            leaked += [f"{node.name}: {leak}" for leak in leaks_of(node.dir, os.path.basename(option.plugin), seal_key(node))]
    assert not leaked, leaked


def seal_key(node):
    """That of the plugin's records, where the node runs."""
    with contextlib.suppress(RpcError, OSError):
        return [node.rpc("makesecret", string="multifundchannel records")["secret"]]
    return []


@pytest.fixture
def bench(started_bench, request):
    request.node.stash[LOG_START] = started_bench.funder.log_size()
    yield started_bench
    started_bench.behave()
    started_bench.abort_waiting()
    started_bench.forget_channels()


@pytest.fixture
def peers(bench):
    return bench.peers


@pytest.fixture
def start_node(bench):
    """start_node(*options, with_plugin=True): one more lightningd, for this test."""
    if not bench.plugin:
        pytest.skip("about the plugin")
    nodes = []

    def start(*options, with_plugin=True):
        plugin = [f"--plugin={bench.plugin}"] if with_plugin else []
        nodes.append(bench.net.node(f"extra{next(NUMBERS)}", [*plugin, *options]))
        return nodes[-1].start().sync()
    yield start
    for node in nodes:
        bench.net.remove(node)


@pytest.fixture(scope="session")
def ldk_is_there():
    if not ldk_peers.available():
        pytest.skip(ldk_peers.MISSING)


@pytest.fixture
def ldk(ldk_is_there, bench):
    """ldk(count=1, **options): that many real LDK nodes, for this test; see LdkPeer."""
    started = []

    def start(count=1, **options):
        new = [ldk_peers.LdkPeer(bench.net, f"ldk{next(NUMBERS)}", **options).spawn() for _ in range(count)]
        started.extend(new)
        bench.guests.extend(new)
        return [peer.wait_up() for peer in new]
    yield start
    for peer in started:
        bench.guests.remove(peer)
        peer.kill()


@pytest.fixture
def lnd(bench):
    """lnd(count): that many peers with LND's habit, which hold no pending channel; see LndPeer."""
    taken = []

    def take(count):
        taken.extend(lnd_peers_of(bench).take(count))
        bench.guests.extend(taken)
        return taken
    yield take
    lnd_peers_of(bench).give_back(taken)
    for peer in taken:
        bench.guests.remove(peer)


@pytest.hookimpl(trylast=True)
def pytest_runtest_call(item):
    """A test that passed and left something behind fails after all."""
    if "bench" in item.funcargs:
        item.funcargs["bench"].check_nothing_left()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    report = (yield).get_result()
    if report.failed and LOG_START in item.stash:
        bench = item.funcargs["bench"]
        lines = plugin_lines(bench.funder.log(item.stash[LOG_START]), bench.plugin)
        report.sections.append(("the funder's log", "\n".join(lines[-LOG_LINES:])))
