"""What is no JSON, or hardly: the builtin and the plugin do the same with it, and the plugin lives on."""
import concurrent.futures
import contextlib
import json
import os
import re
import socket
import subprocess
import time

import pytest

from bench import UNREACHABLE_IDS, plugin_pid
from marks import builtin_fails, cases, thorough
from regtest import free_port, older_than, wait_for
from sloppy_inputs import INPUTS, NODE, OPENS, REFUSES, STRICT_SINCE, is_strict_number

SILENT = 45  # seconds that the batch beside waits for a peer
PATIENCE = 20
# A refusal says where: the parameter, or how far the text could be read.
PLACE = re.compile(r"destinations|utxos|minconf|minchannels|feerate|nonsense|parameter|at byte \d")


def raw_reply(node, method, params):
    """Sends the parameters as they are; None when lightningd took it for no request."""
    head = f'{{"jsonrpc":"2.0","id":"sloppy","method":"{method}","params":'.encode()
    directory = os.open(os.path.join(node.dir, "regtest"), os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(PATIENCE)
            s.connect(f"/proc/self/fd/{directory}/lightning-rpc")
            s.sendall(head + params + b"}")
            answer = b""
            while not answer.endswith(b"\n\n"):
                chunk = s.recv(1 << 16)
                if not chunk:
                    break
                answer += chunk
    finally:
        os.close(directory)
    if b'"id":null' in answer[:40]:
        return None  # its message repeats the text, whatever that holds
    return json.loads(answer)


def raw_call(node, method, params):
    """As raw_reply(), of what is not to succeed: the error."""
    reply = raw_reply(node, method, params)
    assert reply is None or "error" in reply, reply
    return reply and reply["error"]


def what(error):
    return NODE if error is None else REFUSES if error["code"] == -32602 else OPENS


def word_coin(node):
    """A free coin whose txid may begin a word without quotation marks, and that pays for a channel."""
    return next((o for o in node.rpc("listfunds")["outputs"]
                 if not o["reserved"] and o["txid"][0] in "0123456789f" and o["amount_msat"] >= 500_000_000), None)


def give_word_coin(bench, node):
    while not word_coin(node):
        bench.net.fund(node, [1_000_000])  # each has a txid of its own


def filled(text, node):
    coin = word_coin(node)
    peer = f"{UNREACHABLE_IDS[0]}@127.0.0.1:{free_port()}"
    text = text.replace("TXID", coin["txid"]).replace("HEXOUT", hex(coin["output"])).replace("VOUT", str(coin["output"]))
    text = text.replace("PEER", peer)
    return text.replace("ID", UNREACHABLE_IDS[1]).encode("latin-1")


def same_inputs(node, method, reference=None):
    """All that differs from the table, at the builtin of `reference` and at the plugin."""
    wrong = []
    for text, builtin, *difference in INPUTS:
        ours = difference[0] if difference else builtin
        error = raw_call(node, method, filled(text, node))
        if what(error) != ours:
            wrong.append((text[:100], "plugin", ours, error))
        elif ours == REFUSES and not PLACE.search(error["message"]):
            wrong.append((text[:100], "plugin", "does not say where", error))
        if is_strict_number(text) and not older_than(STRICT_SINCE):
            builtin = REFUSES
        theirs = raw_call(reference, "multifundchannel", filled(text, reference)) if reference else None
        if reference and what(theirs) != builtin:
            wrong.append((text[:100], "builtin", builtin, theirs))
    return wrong


@contextlib.contextmanager
def batch_beside(bench, node):
    """A batch of the node that waits for a silent peer while something else happens, and then opens its other channel."""
    slow, good = bench.peers[:2]
    slow.set_fault("start", "silent")
    destinations = bench.destinations([slow, good])
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        before = node.reserved()
        running = threads.submit(bench.multifundchannel, destinations, node, minchannels=1, peer_timeout=SILENT)
        wait_for(lambda: node.reserved() - before, "the batch to have its coins", 20)
        yield
        assert not running.done(), "the batch beside was over too soon"
        result = running.result()
    assert [c["id"] for c in result["channel_ids"]] == [good.id], result
    bench.check_opened(result, destinations, node)


@builtin_fails("is what the plugin is compared with")
def test_beside_the_builtin(bench):
    pid = plugin_pid(bench.funder, bench.plugin)
    with batch_beside(bench, bench.funder):
        give_word_coin(bench, bench.funder)
        give_word_coin(bench, bench.reference)
        wrong = same_inputs(bench.funder, "multifundchannel", bench.reference)
        wrong += same_inputs(bench.funder, "multifundchannel-spark")
    assert not wrong, "\n".join(map(str, wrong))
    assert plugin_pid(bench.funder, bench.plugin) == pid


@thorough("takes a minute")
@builtin_fails("is what the plugin is compared with")
def test_without_the_builtin(bench, start_node):
    node = start_node("--disable-plugin=spenderp")
    bench.net.fund(node, [10_000_000])
    pid = plugin_pid(node, bench.plugin)
    with batch_beside(bench, node):
        give_word_coin(bench, node)
        wrong = same_inputs(node, "multifundchannel")
    assert not wrong, "\n".join(map(str, wrong))
    assert plugin_pid(node, bench.plugin) == pid


# label -> amount, more of the destination, options; COIN is one of the wallet
TYPED = {"a leading zero": ("0100000", "", ""), "sats": ("100000sats", "", ""), "btc": ("0.001btc", "", ""),
         "msat": ("100000000msat", "", ""), "a comma too many": ('"100000",', "", ""),
         "push, reserve and depth": ("100000", ',"push_msat":1sat,"reserve":01000,"mindepth":0x1', ""),
         "a coin without quotes": ("100000", "", '"utxos":[COIN]'), "a comma behind a coin": ("100000", "", '"utxos":["COIN",]'),
         "minconf as a text": ("100000", "", '"minconf":"+1"'), "feerate without quotes": ("100000", "", '"feerate":5000perkw')}


@cases(TYPED)
def test_opened_as_typed(bench, amount, more, options):
    """The channel is the one that the builtin opens, with the same terms and of the coin that was chosen."""
    if is_strict_number(more + options) and not older_than(STRICT_SINCE):
        pytest.skip(f"from v{STRICT_SINCE} on the builtin refuses such numbers")
    opened = []
    for node in (bench.reference, bench.funder):
        give_word_coin(bench, node)
        coin = "{txid}:{output}".format(**word_coin(node))
        typed = f'{{"destinations":[{{"id":"{bench.peers[0].address()}","announce":false,"amount":{amount}{more}}}],{options}}}'
        result = raw_reply(node, "multifundchannel", typed.replace("COIN", coin).encode())["result"]
        channel = bench.channel(node, result["channel_ids"][0]["channel_id"])
        spent = [f"{i['txid']}:{i['vout']}" for i in bench.transaction(result["txid"])["vin"]]
        opened.append((channel["total_msat"], channel["private"], channel["to_us_msat"], channel["their_reserve_msat"],
                       spent == [coin] if "COIN" in options else None,
                       4900 < bench.feerate(result["txid"]) < 5100 if "feerate" in options else None))
    builtins, ours = opened
    assert ours == builtins and ours[:2] == (100_000_000, True) and False not in ours[4:], opened
    assert ours[2] == (99_999_000 if more else 100_000_000), opened


@builtin_fails("knows none of these")
def test_other_commands(bench):
    """`check`, `setconfig` and the other commands of the plugin, typed no better."""
    node = bench.funder
    pid = plugin_pid(node, bench.plugin)
    for method, params in (("check", '{"command_to_check":"multifundchannel-spark","destinations":[{"id":ID,"amount":1k,}]}'),
                           ("check", '["multifundchannel-spark",[{"id":ID,"amount":100k}]]'),
                           ("setconfig", '{"config":"multifundchannel-peer-timeout","val":nope,}'),
                           ("listmultifundchannels", '[-]'),
                           ("listmultifundchannels", '{"batch":"\\ud800"}'),
                           ("multifundchannel-forget", '[1_0,]'),
                           ("multifundchannel-spark", "[" * 3000 + "]" * 3000)):
        error = raw_call(node, method, filled(params, node))
        assert error and error["code"] == -32602, (method, params[:60], error)
    # Before v25.12 every command goes through the plugin's hook.
    invoice = raw_reply(node, "invoice", f'[010,"{time.time_ns()}","typed",]'.encode())
    assert invoice["result"]["bolt11"], invoice
    good = '{"command_to_check":"multifundchannel-spark","destinations":[{"id":ID,"amount":0100000sat,}]}'
    with pytest.raises(AssertionError, match="command_to_check"):  # no error
        raw_call(node, "check", filled(good, node))
    assert plugin_pid(node, bench.plugin) == pid


@builtin_fails("is what the plugin is compared with")
def test_as_typed_for_lightning_cli(bench):
    """lightning-cli hands on what begins and ends with brackets as it is."""
    pid = plugin_pid(bench.funder, bench.plugin)
    for text, expected in (('[{"id":"PEER","amount":100000,}]', OPENS), ('[{"id":"PEER","amount":100000sat}]', OPENS),
                           ('[{"id":"PEER","amount":100k}]', REFUSES), ('[{"id":"PEER","amount":0100000}]', OPENS),
                           ('[{"id":"PEER","amount":-}]', REFUSES)):
        for node in (bench.funder, bench.reference):
            argument = filled(text, node).decode()
            done = subprocess.run(["lightning-cli", f"--lightning-dir={node.dir}", "--network=regtest",
                                   "multifundchannel", argument], capture_output=True, text=True, timeout=60, check=False)
            error = json.loads(done.stdout)
            assert what(error) == expected, (node.name, text, error)
    assert plugin_pid(bench.funder, bench.plugin) == pid
