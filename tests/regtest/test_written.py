"""Destinations as a person writes them, by lightning-cli as well."""
import json
import subprocess

import pytest

from bench import INVALID_PARAMS, error_of
from marks import builtin_fails

pytestmark = builtin_fails("takes no text for destinations")


@pytest.fixture
def cli(bench):
    """Calls lightning-cli as a shell would: (exit status, what it prints)."""
    def call(*words):
        command = ["lightning-cli", f"--lightning-dir={bench.funder.dir}", "--network=regtest", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, json.loads(done.stdout)
    return call


def text_of(bench, comment="# who, and how much"):
    one, two, three = bench.peers[:3]
    return (f"{comment}\r\n\r\n{one.address()}=100000, # the first\n\n"
            f"\t{two.address()} = 0.002btc # \u00e4\n{three.id.upper()}=300000000msat,\r\n")


def wanted(bench):
    return [{"id": peer.address(), "amount": amount}
            for peer, amount in zip(bench.peers[:3], (100_000, 200_000, 300_000))]


def know_address(bench):
    """The third peer is written without its address."""
    bench.funder.rpc("connect", id=bench.peers[2].address())


def test_one_text(bench):
    know_address(bench)
    bench.check_opened(bench.multifundchannel(text_of(bench)), wanted(bench))


def test_a_list_with_texts_in_it(bench):
    destinations = wanted(bench)
    mixed = [f"{destinations[0]['id']}=100000", destinations[1], f" {destinations[2]['id']} = 0.003btc"]
    bench.check_opened(bench.multifundchannel(mixed), destinations)


WAYS = {
    "as it guesses": (lambda text: ["multifundchannel", text, "feerate=slow", "minconf=0"]),
    "by name": (lambda text: ["-k", "multifundchannel", f"destinations={text}", "feerate=slow"]),
    "by position": (lambda text: ["-o", "multifundchannel", text, "slow"]),
    "the plugin's own name": (lambda text: ["multifundchannel-spark", text, "feerate=slow"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_file_by_lightning_cli(bench, cli, way):
    for comment in ("# who, and how much", "# id=amount", "\ufeff"):
        know_address(bench)  # each time: a peer that hangs up when its channel is forgotten is not known any more
        status, answer = cli(*WAYS[way](text_of(bench, comment).rstrip("\r\n")))
        assert status == 0, answer
        bench.check_opened(answer, wanted(bench))
        bench.bitcoind.mine(1)
        bench.forget_channels()


def test_several_words_by_lightning_cli(bench, cli):
    one, two = bench.peers[:2]
    words = [f"{one.address()}=100000", f"{two.address()}=0.002btc", "feerate=slow"]
    status, answer = cli("multifundchannel", *words)
    assert status == 0, answer
    bench.check_opened(answer, wanted(bench)[:2])
    status, answer = cli("multifundchannel", *words, "dryrun=true")
    assert status == 0 and [d["amount_msat"] for d in answer["destinations"]] == [100_000_000, 200_000_000]
    status, error = cli("multifundchannel", f"{one.address()}=500")
    assert status == 1 and error["code"] == INVALID_PARAMS
    assert error["message"].startswith("destinations, line 1, column "), error
    status, answer = cli("check", "multifundchannel-spark", f"{one.address()}=500")
    assert status == 1 and answer["message"] == error["message"]


@pytest.mark.parametrize("text, message", {
    "no amount": ("{0}@127.0.0.1:1", "destinations, line 1, column 1: has no = and amount"),
    "no address": ("# a\n {0}@=100000", "destinations, line 2, column 2: has no address after the @"),
    "no node id": ("{0}=100000\n\n02ab=100000", "destinations, line 3, column 1: invalid node id"),
    "no peer": ("# {0}=100000", "destinations: must have at least one entry"),
    "twice": ("{0}=100000,{0}=200000", "destinations, line 1, column 75: Duplicate destination"),
}.values())
def test_what_is_wrong(bench, text, message):
    error = error_of(bench.funder.rpc, "multifundchannel", destinations=text.format(bench.peers[0].id))
    assert error.code == INVALID_PARAMS and error.message.startswith(message), error
