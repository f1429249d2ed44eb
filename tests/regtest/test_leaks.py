"""That leaks.py finds what it looks for: no test after another would, if it did not."""
from leaks import leaks, leaks_of, sanitizer_reports


def signed(bench):
    """A PSBT of the wallet's: as it was, and with its signature; nothing is reserved afterwards."""
    node = bench.reference
    psbt = node.rpc("fundpsbt", satoshi=10_000, feerate="1000perkw", startweight=200, excess_as_change=True)["psbt"]
    try:
        return psbt, node.rpc("signpsbt", psbt=psbt)["signed_psbt"]
    finally:
        node.rpc("unreserveinputs", psbt=psbt)


def test_a_signature_in_a_psbt(bench):
    unsigned, with_signature = signed(bench)
    assert not leaks(f"psbt {unsigned}")
    assert any(leak.endswith("in a PSBT") for leak in leaks(f'{{"psbt":"{with_signature}"}}'))


def test_a_signed_transaction(bench):
    txid = bench.reference.rpc("withdraw", destination=bench.bitcoind.ADDRESS, satoshi=10_000)["txid"]
    raw = bench.bitcoind.call("getrawtransaction", txid)
    assert leaks(f"sending {raw}") and not leaks(f"sending {txid}")
    bench.net.mine(1)


def test_a_key_and_a_record(bench):
    assert leaks("a 00ff", ["00ff"]) == ["a key"]
    node = bench.funder
    assert not leaks_of(node.dir)
    _, with_signature = signed(bench)
    node.rpc("datastore", key=["multifundchannel", "leak"], string=with_signature)
    try:
        assert leaks_of(node.dir)
    finally:
        node.rpc("deldatastore", key=["multifundchannel", "leak"])


def test_a_sanitizers_report():
    assert sanitizer_reports("==7==ERROR: AddressSanitizer: heap-use-after-free on address 0x6020000000f0\n  #0 main\n")
    assert sanitizer_reports("src/a.cpp:3:5: runtime error: signed integer overflow\n")
    assert not sanitizer_reports("lightningd: FATAL: an error at runtime\n")
