"""What can be told before any peer is asked is told then, with what to do; and what lightningd does without a word."""
import contextlib
import shlex
import shutil

import pytest

from bench import INVALID_PARAMS, UNREACHABLE_IDS, error_of
from marks import builtin_fails, cases, since

AMOUNT = 200_000
FEERATE = 7500  # forced, for every purpose
ANCHORS = FEERATE * 1124 // 1000 + 660  # what the first commitment transaction costs, in sat
OPEN_CHANNEL = "peer_in WIRE_OPEN_CHANNEL"
MIN_CAPACITY = 10_000  # min-capacity-sat, in sat
PLAIN = FEERATE * 724 // 1000


@contextlib.contextmanager
def nobody_is_asked(bench):
    before = {p.name: p.log_size() for p in bench.peers[:2]}
    yield
    for peer in bench.peers[:2]:
        assert OPEN_CHANNEL not in peer.log(before[peer.name])


def refused(bench, destinations, text, code=INVALID_PARAMS, **options):
    """The call and its preview; nothing happens."""
    with nobody_is_asked(bench):
        for dryrun in (False, True):
            error = error_of(bench.multifundchannel, destinations, dryrun=dryrun, **options)
            assert error.code == code and text in error.message, error


def with_first(bench, **fields):
    first, second = bench.destinations(bench.peers[:2], AMOUNT)
    return [{**first, **fields}, second]


@builtin_fails("finds it out after a minute")
@cases({"id alone": (lambda node: node.id,), "with its address": (lambda node: node.address(),),
        "in capitals": (lambda node: node.id.upper(),)})
def test_own_node(bench, written):
    refused(bench, with_first(bench, id=written(bench.funder)), "destinations[0].id: this is our own node")


@builtin_fails("asks the peers first")
@cases({"another network": ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "should be a valid address"),
        "p2pkh of another network": ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "is not on network regtest"),
        "bad checksum": ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt081", "should be a valid address"),
        "taproot with a bad checksum": ("bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma7",
                                        "should be a valid address"),
        "no address": ("nonsense", "should be a valid address")})
def test_close_to(bench, address, text):
    error = error_of(bench.reference.rpc, "multifundchannel", {"destinations": with_first(bench, close_to=address)})
    assert text in error.message, error
    refused(bench, with_first(bench, close_to=address), "destinations[0].close_to: ", error.code)
    refused(bench, with_first(bench, close_to=address), text, error.code)


@builtin_fails("says nothing")
def test_close_to_that_the_peer_does_not_keep_to(bench):
    """Opened as by the builtin, but told."""
    plain = bench.net.node("plain", ["--dev-force-features=-5"], lean=True)  # without option_upfront_shutdown_script
    plain.start()
    try:
        destination, = bench.destinations([plain], AMOUNT)
        destination["close_to"] = bench.bitcoind.ADDRESS
        warned, = bench.multifundchannel([destination], dryrun=True)["warnings"]
        assert "destinations[0].close_to: the peer does not offer option_upfront_shutdown_script" in warned, warned
        start = bench.funder.log_size()
        opened, = bench.multifundchannel([destination], details=True)["channel_ids"]
        assert opened["close_to_refused"] == bench.bitcoind.ADDRESS and "close_to" not in opened, opened
        assert warned in bench.funder.log(start)
        theirs, = bench.reference.rpc("multifundchannel", destinations=[destination])["channel_ids"]
        assert "close_to" not in theirs, theirs
    finally:
        bench.forget_channels()
        bench.net.remove(plain)


@builtin_fails("asks the peers first")
@cases({"unknown": ([12, 99],), "anchors without static_remotekey": ([22],), "taproot": ([80],)})
def test_channel_type(bench, bits):
    text = "destinations[0].channel_type: channel_type not supported"
    refused(bench, with_first(bench, channel_type=bits), text)


@builtin_fails("opens it")
def test_announced_alias(bench):
    refused(bench, with_first(bench, channel_type=[12, 22, 46]), "option_scid_alias")
    bench.open(with_first(bench, channel_type=[12, 22, 46], announce=False))
    assert OPEN_CHANNEL in bench.peers[0].log()  # so it is what `nobody_is_asked` looks for


@builtin_fails("names neither destination nor text")
@cases({"port no number": ("@127.0.0.1:port",), "port 0": ("@127.0.0.1:0",), "no end of the brackets": ("@[::1:9735",),
        "name with a bad port": ("@some.name:x",)})
def test_address(bench, behind):
    text = f"destinations[0].id: malformed host @part, got \"{behind}\""
    refused(bench, with_first(bench, id=UNREACHABLE_IDS[0] + behind), text)


@builtin_fails("is another program")
@cases({"IPv4": ("@127.0.0.1",), "IPv6": ("@[::1]:{port}",), "IPv6 without brackets": ("@::1",),
        "port beyond 16 bits": ("@127.0.0.1:{beyond}",), "name": ("@localhost:{port}",)})
def test_addresses_that_lightningd_takes(bench, behind):
    """For these, lightningd's own word decides: whatever it says of one that is connected already."""
    peer = bench.peers[0]
    bench.funder.rpc("connect", id=peer.address())
    address = peer.id + behind.format(port=peer.port, beyond=peer.port + 65_536)
    bench.funder.rpc("connect", id=address)
    preview = bench.multifundchannel([{"id": address, "amount": AMOUNT}], dryrun=True)
    assert preview["destinations"][0]["reachable"], preview


@builtin_fails("fails in fundchannel_complete")
@cases({"everything": (AMOUNT * 1000,), "all but one": (AMOUNT * 1000 - 1,), "98 %": (AMOUNT * 980,)})
def test_push_that_no_peer_can_take(bench, push):
    most = (AMOUNT - min(PLAIN, ANCHORS)) * 1000
    refused(bench, with_first(bench, push_msat=push), f"{most} msat is the largest that works")


@builtin_fails("fails in fundchannel_complete")
@cases({"anchors": ([12, 22], ANCHORS), "no anchors": ([12], PLAIN)})
def test_largest_push(bench, channel_type, cost):
    """It works on real nodes; one millisatoshi more does not, and lightningd agrees."""
    most = (AMOUNT - cost) * 1000
    fields = {"channel_type": channel_type}
    refused(bench, with_first(bench, push_msat=most + 1, **fields),
            f"{most} msat is the largest that works (Funder cannot afford fee on initial commitment transaction)")
    result = bench.open(with_first(bench, push_msat=most, **fields))
    channel = bench.channel(bench.funder, result["channel_ids"][0]["channel_id"])
    assert channel["to_us_msat"] == AMOUNT * 1000 - most, channel
    error = error_of(bench.multifundchannel, with_first(bench, push_msat=most + 1, **fields), node=bench.reference)
    assert "Funder cannot afford fee on initial commitment transaction" in error.message, error


@builtin_fails("asks the peers")
def test_reserve(bench):
    refused(bench, with_first(bench, reserve=AMOUNT), "destinations[0].reserve: is more than half")


@since("25.09", "lightningd opens with a reserve that is larger")
@builtin_fails("asks the peers")
@cases({"anchors": ([12, 22], ANCHORS), "no anchors": ([12], PLAIN)})
def test_largest_reserve(bench, channel_type, cost):
    """Our number is lightningd's, to the satoshi."""
    most = (AMOUNT - cost - MIN_CAPACITY) // 2
    fields = {"channel_type": channel_type}
    refused(bench, with_first(bench, reserve=most + 1, **fields),
            f"destinations[0].reserve: {most + 1} sat is more than {most} sat, the largest that works")
    error = error_of(bench.multifundchannel, with_first(bench, reserve=most + 1, **fields), node=bench.reference)
    assert "Not opening because if they used the same setting as us" in error.message, error
    assert bench.multifundchannel(with_first(bench, reserve=most, **fields), dryrun=True)["destinations"][0]["fits"]
    bench.open(with_first(bench, reserve=most, **fields))


@builtin_fails("says feerate")
def test_commitment_feerate(bench):
    refused(bench, bench.destinations(bench.peers[:2]), "commitment_feerate: ", commitment_feerate="quick")


@builtin_fails("has no preview")
def test_what_lightningd_does_without_a_word(bench):
    options = {"feerate": 10, "commitment_feerate": "2000perkw"}
    destinations = bench.destinations(bench.peers[:2])
    warnings = bench.multifundchannel(destinations, dryrun=True, **options)["warnings"]
    assert any(w.startswith("feerate: 10 is below") and "253 perkw is used" in w for w in warnings), warnings
    assert any(w.startswith("commitment_feerate: does not count for the 2 ") for w in warnings), warnings
    result = bench.multifundchannel(destinations, details=True, **options)
    assert result["feerate"]["perkw"] == 253, result["feerate"]
    assert [w.split(":")[0] for w in result["warnings"]] == ["feerate", "commitment_feerate"], result["warnings"]
    ours = bench.channel(bench.funder, result["channel_ids"][0]["channel_id"])
    assert ours["feerate"]["perkw"] == FEERATE, ours["feerate"]  # not the 2000 that were asked for


@builtin_fails("knows no shares")
@cases({word: (word,) for word in ("All", "ALL", "max", "MAX")})
def test_all_in_other_words(bench, amount):
    refused(bench, with_first(bench, amount=amount), '("all", "40%" and "*2" are shares')


@builtin_fails("asks peers first")
@pytest.mark.parametrize("forced", (False, True), ids=("without estimates", "with the remedy"))
def test_no_estimates(bench, tmp_path, forced):
    """A node of its own: the funders have their feerates forced. The remedy that the message names works."""
    poor = tmp_path / "bitcoin-cli"  # it has no estimates; where bitcoind has none on regtest, lightningd makes them up
    poor.write_text('#!/bin/sh\ncase "$*" in *estimatesmartfee*) exit 1;; esac\n'
                    f'exec {shlex.quote(shutil.which("bitcoin-cli"))} "$@"\n')
    poor.chmod(0o755)
    node = bench.net.node(f"poor{forced:d}", [f"--plugin={bench.plugin}"])
    node.options = [o for o in node.options if not o.startswith("--bitcoin-cli")] + [f"--bitcoin-cli={poor}"]
    if not forced:
        node.options = [o for o in node.options if not o.startswith("--force-feerates")]
    bench.net.start([node])
    try:
        bench.net.fund(node, [1_000_000])
        destinations = bench.destinations(bench.peers[:1])
        call = {"node": node, "feerate": "7500perkw", "commitment_feerate": "7500perkw"}
        if forced:
            bench.check_opened(bench.multifundchannel(destinations, **call), destinations, node)
            return
        with nobody_is_asked(bench):
            for dryrun in (False, True):
                error = error_of(bench.multifundchannel, destinations, dryrun=dryrun, **call)
                assert error.message.startswith("Cannot estimate fees") and "force-feerates" in error.message, error
            assert not node.reserved()
    finally:
        bench.net.remove(node)
