"""What a user can see of a batch: progress, details, causes and traces."""
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile

import pytest

from bench import INVALID_PARAMS, UNREACHABLE_IDS, error_of
from leaks import leaks
from regtest import free_port, wait_for

BAR = re.compile(r"# Stage (\d)/4 (\d+)/(\d+) \|(.*)\|")
TIMELINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "contrib", "timeline")


def needs_plugin(bench):
    if not bench.plugin:
        pytest.skip("about the plugin")


def lightning_cli(bench, method, *options, **parameters):
    """Standard output of a call that succeeds."""
    words = [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in parameters.items()]
    done = subprocess.run(["lightning-cli", f"--lightning-dir={bench.funder.dir}", "--network=regtest", *options, "-k",
                           method, *words], stdout=subprocess.PIPE, timeout=60, check=True, text=True)
    return done.stdout


@contextlib.contextmanager
def traced(bench):
    """A directory in which batches leave their traces meanwhile."""
    with tempfile.TemporaryDirectory() as directory:
        bench.funder.rpc("setconfig", config="multifundchannel-trace-dir", val=directory)
        try:
            yield directory
            for entry in os.scandir(directory):
                with open(entry.path) as f:
                    assert not leaks(f.read()), entry.name
        finally:
            bench.funder.rpc("setconfig", config="multifundchannel-trace-dir", val="")


def only_file_in(directory):
    """Written when the batch has ended, which may be after its reply."""
    wait_for(lambda: [name for name in os.listdir(directory) if name.endswith(".json")], "a trace")
    (name,) = os.listdir(directory)
    return os.path.join(directory, name)


def one_refuses(bench, peers):
    peers[1].set_fault("start", "refuse")
    return bench.destinations(peers)


def unreachable():
    return {"id": f"{UNREACHABLE_IDS[0]}@127.0.0.1:{free_port()}", "amount": 100_000}


def test_progress_and_lines_in_lightning_cli(bench):
    """Through the redirect and under the plugin's own name; every bar gets full."""
    needs_plugin(bench)
    bench.funder.rpc("setconfig", config="multifundchannel-progress", val="true")
    try:
        for method in ("multifundchannel", "multifundchannel-spark"):
            check_progress(bench, method)
    finally:
        bench.funder.rpc("setconfig", config="multifundchannel-progress", val="false")


def check_progress(bench, method):
    destinations = one_refuses(bench, bench.peers[:3])
    output = lightning_cli(bench, method, destinations=destinations, minchannels=2)
    bars = [(int(stage), int(num), int(total)) for stage, num, total, _ in BAR.findall(output)]
    assert {stage for stage, _, _ in bars} == {1, 2, 3, 4}, output
    assert all(total == 3 for _, _, total in bars), output
    assert [bar for bar in bars if bar[1] == 3] == [(1, 3, 3), (2, 3, 3), (3, 3, 3), (4, 3, 3)], output
    (line,) = re.findall(r"# peer .*", output)
    assert f"({bench.peers[1].id}) is out: refused, fundchannel_start: " in line, line
    assert len(json.loads(output[output.index("\n{"):])["channel_ids"]) == 2


def test_scripts_that_want_no_progress(bench):
    needs_plugin(bench)
    bench.funder.rpc("setconfig", config="multifundchannel-progress", val="true")
    try:
        destinations = bench.destinations(bench.peers[:2])
        json.loads(lightning_cli(bench, "multifundchannel", "-N", "none", destinations=destinations))
    finally:
        bench.funder.rpc("setconfig", config="multifundchannel-progress", val="false")


def test_nobody_hears_of_progress_unasked(bench):
    needs_plugin(bench)
    json.loads(lightning_cli(bench, "multifundchannel", destinations=bench.destinations(bench.peers[:2])))


def test_details_of_a_batch(bench):
    needs_plugin(bench)
    destinations = [*one_refuses(bench, bench.peers[:3]), unreachable()]
    result = bench.multifundchannel(destinations, minchannels=2, details=True, feerate="6000perkw")
    mempool = bench.bitcoind.call("getmempoolentry", result["txid"])
    assert result["fee_msat"] == round(mempool["fees"]["base"] * 1e8) * 1000, result
    weight = bench.weight(result["txid"])
    assert 0 <= result["weight"] - weight <= 4, (result["weight"], weight)  # short signatures
    assert result["feerate"] == {"perkw": 6000, "sat_per_vbyte": 24.0}, result["feerate"]
    change = bench.transaction(result["txid"])["vout"][int(result["change"]["outpoint"].split(":")[1])]
    assert round(change["value"] * 1e8) * 1000 == result["change"]["amount_msat"], change
    assert set(result["seconds"]) == {"prepare", "connect", "start", "complete", "send", "total"}
    for channel in result["channel_ids"]:
        assert set(channel["seconds"]) == {"connect", "fundchannel_start", "fundchannel_complete"}, channel
    causes = {failed["id"]: failed["cause"] for failed in result["failed"]}
    assert causes == {bench.peers[1].id: "refused", UNREACHABLE_IDS[0]: "unreachable"}, causes

    (batch,) = bench.funder.rpc("listmultifundchannels", batch=result["batch"])["batches"]
    listed = {d["id"]: d["cause"] for d in batch["destinations"] if d["state"] == "failed"}
    assert listed == causes, listed


def test_details_of_a_failed_batch(bench):
    needs_plugin(bench)
    destinations = one_refuses(bench, bench.peers[:3])
    error = error_of(bench.multifundchannel, destinations, details=True)
    assert error.data["cause"] == "refused" and error.data["id"] == bench.peers[1].id, error
    causes = sorted(failed["cause"] for failed in error.data["failed"])
    assert causes == ["given_up", "given_up", "refused"], causes
    bench.peers[1].set_fault("complete", "disconnect")
    error = error_of(bench.multifundchannel, destinations, details=True)
    assert error.data["cause"] == "disconnected", error
    error = error_of(bench.multifundchannel, bench.destinations(bench.peers[2:3], "20000000000"), details=True)
    assert error.data["cause"] == "funds", error


def test_a_trace_of_a_batch(bench):
    needs_plugin(bench)
    with traced(bench) as directory:
        result = bench.multifundchannel(one_refuses(bench, bench.peers[:3]), minchannels=2, details=True)
        path = only_file_in(directory)
        assert os.path.basename(path) == f"multifundchannel-{result['batch']}.json"
        with open(path, encoding="utf-8") as file:
            text = file.read()
        events = json.loads(text)["traceEvents"]
        slices = {event["name"] for event in events if event["ph"] == "X"}
        assert slices >= {"connect", "fundchannel_start", "fundchannel_complete", "fundpsbt", "signpsbt", "sendpsbt"}
        assert result["tx"] not in text and "cHNidP" not in text
        svg = subprocess.run([sys.executable, TIMELINE, path], stdout=subprocess.PIPE, check=True, text=True).stdout
        assert svg.count("fundchannel_start: ") == 3, svg
    bench.open(bench.destinations(bench.peers[3:4]))  # leaves none


def test_a_failed_batch_leaves_a_trace(bench):
    needs_plugin(bench)
    with traced(bench) as directory:
        error_of(bench.multifundchannel, one_refuses(bench, bench.peers[:2]))
        with open(only_file_in(directory), encoding="utf-8") as file:
            assert "out: refused" in file.read()


def test_trace_directories_that_are_no_good(bench):
    needs_plugin(bench)
    for directory, why in (("/nonexistent", "No such file or directory"), ("/dev/null", "Not a directory")):
        error = error_of(bench.funder.rpc, "setconfig", config="multifundchannel-trace-dir", val=directory)
        assert error.code == INVALID_PARAMS, error
        assert error.message == f"multifundchannel-trace-dir: cannot write in {directory}: {why}", error
    with traced(bench) as directory:
        os.rmdir(directory)
        bench.open(bench.destinations(bench.peers[:1]))  # all the same
        wait_for(lambda: f"trace: cannot write {directory}/" in bench.funder.log(), "a line in the log")
        os.mkdir(directory)
