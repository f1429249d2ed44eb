"""The dry run with lightningd's txprepare. That it opens what the other one opens is for the scenarios (test_scenarios.py)."""
import contextlib

from bench import INVALID_PARAMS, error_of
from marks import builtin_fails, cases
from test_names import commands
from test_observing import needs_plugin
from victims import a_victim, settle_and_check

OPTION = "multifundchannel-dry-run"
UNKNOWN_TO_BUILTIN = "has no such option"


@contextlib.contextmanager
def with_txprepare(node):
    node.set_option(OPTION, "txprepare")
    try:
        yield
    finally:
        node.set_option(OPTION, "fundpsbt")


@builtin_fails(UNKNOWN_TO_BUILTIN)
def test_a_dry_run_that_is_none(bench):
    needs_plugin(bench)
    for value in ("txsend", "FUNDPSBT", "txprepare "):
        error = error_of(bench.funder.rpc, "setconfig", config=OPTION, val=value)
        assert error.code == INVALID_PARAMS, error
        assert error.message == f'{OPTION}: must be fundpsbt or txprepare, not {value}', error
    bench.open(bench.destinations(bench.peers[:1]))


@builtin_fails(UNKNOWN_TO_BUILTIN)
def test_a_dry_run_that_is_none_at_the_start(bench, start_node):
    """The plugin says why it does not serve, and the builtin goes on."""
    node = start_node(f"--{OPTION}=txsend")
    assert f"{OPTION}: must be fundpsbt or txprepare, not txsend" in node.log()
    assert "multifundchannel-spark" not in commands(node)


@builtin_fails(UNKNOWN_TO_BUILTIN)
def test_a_batch_with_txprepare(bench):
    """Its transaction has placeholders, is not sent, and is discarded."""
    with with_txprepare(bench.funder):
        result = bench.open(bench.destinations(bench.peers[:2], 200_000))
    log = bench.funder.log()
    assert "txprepare has made" in log
    placeholders = [line for line in log.splitlines() if "txprepare has made" in line][-1]
    assert placeholders.endswith("with 2 placeholders"), placeholders
    # The transaction with the placeholders is none that was sent, and is forgotten.
    txid = placeholders.split("has made ")[1].split()[0]
    assert txid != result["txid"]
    error = error_of(bench.funder.rpc, "txdiscard", txid=txid)
    assert "not an unreleased txid" in error.message, error


# (deed, method, n, when)
KILLS = {
    "before txprepare": ("plugin", "txprepare", 1, "asked"),
    "while txprepare is carried out": ("plugin", "txprepare", 1, "forwarded"),
    "after txprepare": ("plugin", "txprepare", 1, "answered"),
    "before the inputs are kept": ("plugin", "reserveinputs", 1, "asked"),
    "while they are kept": ("plugin", "reserveinputs", 1, "forwarded"),
    "before txdiscard": ("plugin", "txdiscard", 1, "asked"),
    "while txdiscard is carried out": ("plugin", "txdiscard", 1, "forwarded"),
    "after txdiscard": ("plugin", "txdiscard", 1, "answered"),
    "with the node, after txprepare": ("node", "txprepare", 1, "answered"),
    "with the node, before txdiscard": ("node", "txdiscard", 1, "asked"),
    "with the node, after txdiscard": ("node", "txdiscard", 1, "answered"),
}
QUICK = ("while txprepare is carried out", "before txdiscard", "with the node, before txdiscard")


@builtin_fails("has no journal")
@cases(KILLS, quick=QUICK)
def test_killed_in_the_dry_run(bench, deed, method, n, when):
    with a_victim(bench) as victim:
        victim.node.set_option(OPTION, "txprepare")
        victim.crash(method, when, deed, n)
        if deed == "node":
            victim.node.start()
        else:
            victim.start_plugin()
        # Nothing has to lapse: neither its 72 blocks nor ours.
        settle_and_check(bench, victim, opened=False)
        # lightningd gives it to a plugin that is started again, too, and the next test has this victim.
        victim.node.set_option(OPTION, "fundpsbt")
