"""What our codec reads and writes, against independent decoders: bitcoind, and lightningd's libwally.

On the corpus of the fuzzing, which has the vectors of BIP 174 and BIP 370. bitcoind 29 reads no PSBT of version 2.
"""
import base64
import json
import os
import subprocess

import pytest

from marks import thorough
from regtest import RpcError

CORPUS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fuzz", "corpus")
FINAL = 0xFFFFFFFF  # a sequence
INSERTED = {"sat": 12_345, "script": "07" * 34}
DAMAGED_PLACES = 16  # of each file
FILES_AT_ONCE = 500

bitcoind_alone = pytest.mark.needs("bitcoind")


@pytest.fixture
def ours(pytestconfig):
    """ours(kind, paths): what our codec says of these files, by their names."""
    program = os.path.join(os.path.dirname(pytestconfig.option.plugin), "tests", "psbt", "decode")
    if not os.access(program, os.X_OK):
        pytest.skip("no tests/psbt/decode beside the plugin")

    def ask(kind, paths):
        done = subprocess.run([program, kind, *paths], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
        return {os.path.basename(said["file"]): said for said in map(json.loads, done.stdout.splitlines())}
    return ask


def corpus(kind):
    folder = os.path.join(CORPUS, kind)
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


def read(path):
    with open(path, "rb") as f:
        return f.read()


def theirs(bitcoind, method, encoded):
    """bitcoind's answer, or None when it refuses."""
    try:
        return bitcoind.call(method, encoded)
    except RpcError:
        return None


def decoded(bitcoind, path):
    return theirs(bitcoind, "decodepsbt", base64.b64encode(read(path)).decode())


def sat(value):
    return round(value * 1e8)


def spent(known, vin):
    """What bitcoind knows of an input's coin, as our codec shows it: nothing where the PSBT contradicts itself."""
    coins = [{"sat": sat(known["witness_utxo"]["amount"]), "script": known["witness_utxo"]["scriptPubKey"]["hex"]}
             ] if "witness_utxo" in known else []
    if "non_witness_utxo" in known:
        coin = known["non_witness_utxo"]["vout"][vin["vout"]]
        coins.append({"sat": sat(coin["value"]), "script": coin["scriptPubKey"]["hex"]})
    return coins[0] if coins and coins[0] == coins[-1] else {}


def check_same(said, psbt):
    """said: by our codec; psbt: bitcoind's answer."""
    tx = psbt["tx"]
    assert said["txid"] == tx["txid"] and said["version"] == tx["version"]
    counts = any(vin["sequence"] != FINAL for vin in tx["vin"])  # BIP 65
    assert said["locktime"] == (tx["locktime"] if counts else 0)
    assert said["inputs"] == [{"txid": vin["txid"], "vout": vin["vout"], "sequence": vin["sequence"], **spent(known, vin)}
                              for vin, known in zip(tx["vin"], psbt["inputs"])]
    assert said["outputs"] == [{"sat": sat(vout["value"]), "script": vout["scriptPubKey"]["hex"]} for vout in tx["vout"]]


@bitcoind_alone
def test_bitcoind_reads_what_we_write(network, ours):
    """Unknown keys included: bitcoind says the same of a file and of what we have made of it."""
    seen = 0
    for path in corpus("psbt"):
        said = ours("psbt", [path])[os.path.basename(path)]
        if "refused" in said:
            continue
        written = network.bitcoind.call("decodepsbt", said["read"]["v0"])
        check_same(said["read"], written)
        assert decoded(network.bitcoind, path) in (written, None), path
        assert network.bitcoind.call("decodepsbt", said["read"]["through_v2"]) == written, path
        seen += 1
    assert seen > 40


@bitcoind_alone
def test_an_inserted_output(network, ours):
    """The other outputs keep what the PSBT says of them."""
    for name, said in ours("psbt", corpus("psbt")).items():
        if "refused" in said:
            continue
        before, after = (network.bitcoind.call("decodepsbt", said[which]["v0"]) for which in ("read", "inserted"))
        check_same(said["inserted"], after)
        assert said["inserted"]["outputs"] == [INSERTED, *said["read"]["outputs"]], name
        assert after["outputs"] == [{}, *before["outputs"]] and after["inputs"] == before["inputs"], name
        assert network.bitcoind.call("decodepsbt", said["inserted"]["through_v2"]) == after, name


@bitcoind_alone
def test_who_refuses_what(network, ours):
    """BIP 370 wants a PSBT of version 0 refused that has keys of version 2; bitcoind keeps them as unknown ones."""
    we_read = {name for name, said in ours("psbt", corpus("psbt")).items() if "refused" not in said}
    bitcoind_reads = {os.path.basename(path) for path in corpus("psbt") if decoded(network.bitcoind, path)}
    with_keys_of_2 = {os.path.basename(path) for path in corpus("psbt") if "0370_invalid_PSBTv0_but" in path}
    of_2 = {os.path.basename(path) for path in corpus("psbt") if "0370_valid" in path}
    assert bitcoind_reads - we_read == with_keys_of_2 - {"0370_invalid_PSBTv0_but_with_PSBT_GLOBAL_VERSION_set_"}
    assert we_read - bitcoind_reads in (of_2, set())  # none: a bitcoind that reads version 2


def in_version_0(node, psbt):
    """lightningd's answer, or None when it refuses."""
    try:
        return node.rpc("setpsbtversion", psbt=psbt, version=0)["psbt"]
    except RpcError:
        return None


def test_lightningd_reads_version_2(bench, ours):
    """libwally makes version 0 of ours, but where it refuses what ours was made of, and where the transaction's version is
    below 2, which BIP 370 does not allow."""
    refused = []
    for path in corpus("psbt"):
        said = ours("psbt", [path])[os.path.basename(path)]
        if "refused" in said or said["read"]["version"] < 2:
            continue
        for form in (said["read"], said["inserted"]):
            psbt = in_version_0(bench.reference, form["v2"])
            if psbt:
                check_same(form, bench.bitcoind.call("decodepsbt", psbt))
            else:
                refused.append(path)
                assert not in_version_0(bench.reference, base64.b64encode(read(path)).decode()), path
    assert len(refused) < 5, refused


def damaged(raw):
    step = max(1, len(raw) // DAMAGED_PLACES)
    for at in range(0, len(raw), step):
        yield raw[:at] + bytes([raw[at] ^ 0x15]) + raw[at + 1:]
        yield raw[:at] + raw[at + 1:]
        yield raw[:at] + raw[at:at + 1] + raw[at:]


@bitcoind_alone
@thorough("more of the same")
def test_damaged_ones(network, ours, tmp_path):
    """What both read is the same."""
    paths = []
    for path in corpus("psbt"):
        for raw in damaged(read(path)):
            paths.append(str(tmp_path / str(len(paths))))
            with open(paths[-1], "wb") as f:
                f.write(raw)
    both = 0
    for first in range(0, len(paths), FILES_AT_ONCE):
        some = paths[first:first + FILES_AT_ONCE]
        for path, said in zip(some, ours("psbt", some).values()):
            psbt = None if "refused" in said else decoded(network.bitcoind, path)
            if psbt:
                check_same(said["read"], psbt)
                assert network.bitcoind.call("decodepsbt", said["read"]["v0"]) == psbt, read(path).hex()
                both += 1
    assert both > 100


@bitcoind_alone
def test_transactions(network, ours):
    """Each of the forms in which the plugin reads one, where that form is meant for it."""
    for path in corpus("transaction"):
        raw = read(path)
        said = ours("transaction", [path])[os.path.basename(path)]
        tx = network.bitcoind.call("decoderawtransaction", raw.hex())
        witnesses = [vin.get("txinwitness", []) for vin in tx["vin"]]
        scripts = any("coinbase" in vin or vin["scriptSig"]["hex"] for vin in tx["vin"])
        assert ("signed" in said) == (any(witnesses) and not scripts), path
        assert ("bare" in said) == (not any(witnesses) and not scripts), path
        assert said["previous"] == {"txid": tx["txid"], "sats": [sat(vout["value"]) for vout in tx["vout"]],
                                    "scripts": [vout["scriptPubKey"]["hex"] for vout in tx["vout"]]}
        if "bare" in said:
            assert said["bare"] == {"txid": tx["txid"], "hex": raw.hex()}
        if "signed" in said:
            assert said["signed"]["weight"] == tx["weight"]
            psbt = network.bitcoind.call("decodepsbt", said["signed"]["psbt"]["v0"])
            check_same(said["signed"]["psbt"], psbt)
            assert [known.get("final_scriptwitness", []) for known in psbt["inputs"]] == witnesses
