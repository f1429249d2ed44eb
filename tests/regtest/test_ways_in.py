"""Every way in which people and programs give the command, through the redirect and under our own name."""
import contextlib
import http.client
import json
import re
import subprocess
import time

import pytest

from bench import COIN, INVALID_PARAMS, error_of
from marks import builtin_fails, cases
from regtest import free_port, installed_plugins, older_than, wait_for
from test_hostile_records import NOT_AUTHORISED, nodes_with_commando

PAUSE = 2  # seconds, between connecting and opening
CREATED = 201      # clnrest's status of a command that has succeeded
FORBIDDEN = (401, 403)  # by a rune, or without one
FAILED = 500
NAMES = {"redirected": ("multifundchannel",), "our own name": ("multifundchannel-spark",)}


@pytest.fixture
def cli(bench):
    """What lightning-cli prints, as JSON; -F as a dictionary of its lines."""
    def call(*words):
        command = ["lightning-cli", f"--lightning-dir={bench.funder.dir}", "--network=regtest", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        if "-F" in words:
            return dict(line.split("=", 1) for line in done.stdout.splitlines())
        return json.loads("\n".join(line for line in done.stdout.splitlines() if not line.startswith("# ")))
    return call


def in_cli_form(words, destinations):
    return [word.replace("DESTINATIONS", json.dumps(destinations)) for word in words]


@builtin_fails("has no name of ours")
@cases(NAMES)
def test_lightning_cli(bench, cli, peers, name):
    for words in (["-k", name, "destinations=DESTINATIONS", "minchannels=1"], [name, "DESTINATIONS", "null", "1"],
                  ["-o", name, "DESTINATIONS"], ["-J", "-k", name, "destinations=DESTINATIONS"],
                  ["-R", "-k", name, "destinations=DESTINATIONS"]):
        destinations = bench.destinations(peers[:2])
        bench.check_opened(cli(*in_cli_form(words, destinations)), destinations)
        bench.net.mine(1)


@builtin_fails("has no name of ours")
@cases(NAMES)
def test_lightning_cli_flat(bench, cli, peers, name):
    destinations = bench.destinations(peers[:2])
    flat = cli(*in_cli_form(["-F", "-k", name, "destinations=DESTINATIONS"], destinations))
    assert [flat[f"channel_ids[{i}].id"] for i in range(2)] == [peer.id for peer in peers[:2]], flat
    assert bench.transaction(flat["txid"])


@builtin_fails("has no name of ours")
@cases(NAMES)
def test_raw_socket(bench, peers, name):
    """The id comes back as it was sent, whatever it is."""
    for request_id in (7, "seven", "\u00fc \"7\"", 0, -1, "#1/cln:x", "x" * 10_000):
        destinations = bench.destinations(peers[:1])
        reply = bench.funder.socket.ask({"jsonrpc": "2.0", "id": request_id, "method": name,
                                         "params": {"destinations": destinations}})
        assert reply["id"] == request_id and "error" not in reply, reply
        bench.check_opened(reply["result"], destinations)
        bench.net.mine(1)


@builtin_fails("has no name of ours")
def test_commando(bench, peers):
    """With a rune for one name only, that name alone: lightningd asks for what the caller wrote."""
    with nodes_with_commando(bench) as (node, guest):
        for name, other in (("multifundchannel", "multifundchannel-spark"), ("multifundchannel-spark", "multifundchannel")):
            rune = node.rpc("createrune", restrictions=[[f"method={name}"]])["rune"]

            def order(method, peer):
                return guest.rpc("commando", {"peer_id": node.id, "method": method, "rune": rune,
                                              "params": {"destinations": bench.destinations([peer])}})
            assert error_of(order, other, peers[0]).code == NOT_AUTHORISED
            wait_for(node.coins, "a coin", 30)
            result = order(name, peers[0])
            assert [c["id"] for c in result["channel_ids"]] == [peers[0].id]
            bench.net.mine(1)
            peers = peers[1:]


class RestNode:
    """Runs the plugin beside clnrest, which listens on loopback, without TLS."""

    def __init__(self, bench):
        self.port = free_port()
        name = "rest" if older_than("23.11") else "clnrest"
        self.node = bench.net.node("rest", [f"--plugin={bench.plugin}", f"--{name}-port={self.port}",
                                            f"--{name}-protocol=http"])
        self.node.options.remove("--disable-plugin=clnrest")

    def start(self):
        try:
            self.node.start().sync()
        except RuntimeError as error:  # clnrest before v25.02 is in Python, and ends where a module of it is missing
            if "rest-port" not in str(error):
                raise
            reason = re.search(r"rest\S*: .*disabled itself.*?: (.*)", str(error))
            pytest.skip(f"clnrest does not run here: {reason[1] if reason else 'it is not among the plugins'}")
        wait_for(self._listens, "clnrest", 30)

    def _listens(self):
        with contextlib.suppress(OSError):
            return self.post("getinfo")

    def post(self, method, rune=None, **params):
        """The status and the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        with contextlib.closing(connection):
            headers = {"Content-Type": "application/json", **({"Rune": rune} if rune else {})}
            connection.request("POST", f"/v1/{method}", json.dumps(params), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())


@pytest.fixture
def rest(bench):
    if "clnrest" not in installed_plugins():
        pytest.skip("this lightningd was built without clnrest")
    made = RestNode(bench)
    try:
        made.start()
        yield made
    finally:
        bench.net.remove(made.node)


@builtin_fails("has no name of ours")
def test_clnrest(bench, rest, peers):
    """POST /v1/multifundchannel, as the applications of a phone do it."""
    bench.net.fund(rest.node, [COIN, COIN])
    for name, other in (NAMES["redirected"] + NAMES["our own name"], NAMES["our own name"] + NAMES["redirected"]):
        destinations = bench.destinations(peers[:2])
        rune = rest.node.rpc("createrune", restrictions=[[f"method={name}"]])["rune"]
        assert rest.post(name, destinations=destinations)[0] in FORBIDDEN
        assert rest.post(other, rune, destinations=destinations)[0] in FORBIDDEN
        status, result = rest.post(name, rune, destinations=destinations)
        assert status == CREATED, result
        bench.check_opened(result, destinations, rest.node)
        status, error = rest.post(name, rune, destinations=[])
        assert status == FAILED and error.get("error", error)["code"] == INVALID_PARAMS, error  # v23.08 has it inside
        bench.net.mine(1)


@cases({"all open": (0,), "one refuses": (1,), "two refuse": (2,)})
def test_as_clboss_does(bench, peers, refusing):
    """Carpenter.cpp: it connects first, waits, then opens with minchannels=1, and reads channel_ids and failed by id."""
    chosen = peers[:3]
    for peer in chosen:
        bench.funder.rpc("connect", id=peer.id, host="127.0.0.1", port=peer.port)
    for peer in chosen[:refusing]:
        peer.set_fault("start", "refuse")
    time.sleep(PAUSE)
    result = bench.funder.rpc("multifundchannel", {
        "destinations": [{"id": peer.id, "amount": "100000sat", "announce": True} for peer in chosen],
        "feerate": "normal", "minchannels": 1})
    opened = {channel["id"] for channel in result["channel_ids"]}
    failed = {failure["id"]: failure["error"]["message"] for failure in result["failed"]}
    assert opened == {peer.id for peer in chosen[refusing:]} and set(failed) == {peer.id for peer in chosen[:refusing]}
    assert all("I do not want that channel" in message for message in failed.values()), failed
