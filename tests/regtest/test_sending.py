"""Trouble around sendpsbt: bitcoind or the peers stop, or a peer gives up its channel when all are secured."""
import contextlib
import json
import os
import signal

import pytest

from bench import NOT_FOUND, error_of, plugin_pid
from marks import builtin_fails, cases, since, slow
from regtest import RpcError, older_than, wait_for
from victims import a_victim, settle_and_check

FAULTY_CHANNELD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "faulty_channeld.py")
MAYBE_SENT = 303
BUILTIN_FAILS = "unreserves the inputs of what may be sent"


@contextlib.contextmanager
def held_at(victim, method, when="asked", n=1, **options):
    """A batch waits at that point inside, and goes on afterwards."""
    victim.arm(method, when, "hold", n)
    call = victim.begin(**options)
    victim.wait_reached()
    try:
        yield call
    finally:
        victim.release()


@contextlib.contextmanager
def frozen(*processes):
    """Stopped with everything they started."""
    for proc in processes:
        os.killpg(proc.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for proc in processes:
            with contextlib.suppress(ProcessLookupError):  # it was killed
                os.killpg(proc.pid, signal.SIGCONT)


def check_maybe_sent(bench, victim, call):
    """What the user is told names the batch and the transaction; nothing is given up meanwhile. Returns the txid."""
    error = call.wait().error
    assert isinstance(error, RpcError) and error.code == MAYBE_SENT, error
    data = error.data
    assert data["txid"] in error.message and data["batch"] in error.message, error.message
    batch = wait_for(lambda: victim.batch(data["batch"]).get("recovery") and victim.batch(data["batch"]), "recovery", 10)
    assert batch["txid"] == data["txid"] and batch["state"] == "settling", batch
    assert len(victim.node.channels()) == len(victim.peers)
    assert victim.node.reserved(), "the inputs were unreserved"
    return data


@contextlib.contextmanager
def bitcoind_down_for_sendpsbt(bench, victim):
    """A batch in doubt; bitcoind runs again afterwards."""
    with held_at(victim, "sendpsbt") as call:
        bench.bitcoind.shut_down()
    try:
        yield check_maybe_sent(bench, victim, call)
    finally:
        bench.bitcoind.start()


def check_tx(bench, data):
    """Once bitcoind answers again."""
    decoded = bench.bitcoind.call("decoderawtransaction", data["tx"])
    assert decoded["txid"] == data["txid"], data["txid"]
    # With other witnesses than those that are there, or with bad ones, it would be said something else.
    verdict, = bench.bitcoind.call("testmempoolaccept", [data["tx"]])
    assert verdict["allowed"] or verdict["reject-reason"] in ("txn-already-in-mempool", "txn-already-known"), verdict


def check_success(bench, victim, call):
    result = call.wait().result
    assert result, call.error
    bench.check_opened(result, victim.destinations(), victim.node)
    settle_and_check(bench, victim, opened=True)


# --- bitcoind ---

@builtin_fails(BUILTIN_FAILS)
def test_bitcoind_hangs_for_five_seconds(bench):
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt") as call, frozen(bench.bitcoind.proc):
            victim.release()
            call.join(5)
            assert call.is_alive(), call.result or call.error
            batch = victim.batch()
            assert batch["state"] == "running" and batch["phase"] == "sending", batch
        check_success(bench, victim, call)


@slow("takes a minute")
@builtin_fails(BUILTIN_FAILS)
def test_bitcoind_hangs_for_longer_than_the_deadline(bench):
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt") as call, frozen(bench.bitcoind.proc):
            victim.release()
            data = check_maybe_sent(bench, victim, call)
        check_tx(bench, data)
        settle_and_check(bench, victim, opened=True)


@builtin_fails(BUILTIN_FAILS)
def test_bitcoind_is_down_for_sendpsbt(bench):
    with a_victim(bench) as victim:
        with bitcoind_down_for_sendpsbt(bench, victim) as data:
            held = victim.node.reserved()
            wait_for(lambda: any("sendpsbt" in line for line in victim.batch(data["batch"])["recovery"]), "a second try", 20)
            assert victim.node.reserved() == held and len(victim.node.channels()) == len(victim.peers)
        check_tx(bench, data)
        settle_and_check(bench, victim, opened=True)


@builtin_fails(BUILTIN_FAILS)
def test_bitcoind_restarts_before_the_answer(bench):
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt", "answered") as call:
            bench.bitcoind.shut_down()
            bench.bitcoind.start()
        check_success(bench, victim, call)


@builtin_fails(BUILTIN_FAILS)
@cases({"the plugin": ("plugin",), "the node": ("node",)}, usual=["the node"])
def test_killed_while_bitcoind_hangs(bench, deed):
    """sendpsbt is under way; what bitcoind has not read yet it will read later."""
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt") as call, frozen(bench.bitcoind.proc):
            victim.release()
            call.join(1)
            if deed == "node":
                victim.node.kill()
            else:
                os.kill(plugin_pid(victim.node, bench.plugin), signal.SIGKILL)
            call.wait()
        if deed == "node":
            victim.node.start()
        else:
            victim.start_plugin()
        settle_and_check(bench, victim, opened=True)


@builtin_fails(BUILTIN_FAILS)
@cases({"the plugin": ("plugin",), "the node": ("node",)}, usual=["the plugin"])
def test_killed_while_bitcoind_is_down(bench, deed):
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt") as call:
            bench.bitcoind.shut_down()
        try:
            check_maybe_sent(bench, victim, call)
            if deed == "node":
                victim.node.kill()
            else:
                os.kill(plugin_pid(victim.node, bench.plugin), signal.SIGKILL)
        finally:
            bench.bitcoind.start()
        if deed == "node":
            victim.node.start()
        else:
            victim.start_plugin()
        settle_and_check(bench, victim, opened=True)


# --- bitcoind is killed, and with it goes its mempool ---

@slow("more of the same")
@builtin_fails(BUILTIN_FAILS)
def test_bitcoind_is_killed_before_sendpsbt(bench):
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt") as call:
            bench.bitcoind.kill()
        try:
            data = check_maybe_sent(bench, victim, call)
        finally:
            bench.bitcoind.start()
        check_tx(bench, data)
        settle_and_check(bench, victim, opened=True)


@builtin_fails(BUILTIN_FAILS)
def test_bitcoind_is_killed_during_sendpsbt(bench):
    """Whether or not it had taken the transaction: lightningd has no answer."""
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt") as call:
            bench.bitcoind.write_down()
            with frozen(bench.bitcoind.proc):
                victim.release()
                call.join(1)
                bench.bitcoind.stop()
        try:
            data = check_maybe_sent(bench, victim, call)
        finally:
            bench.bitcoind.start()
        check_tx(bench, data)
        settle_and_check(bench, victim, opened=True)


@slow("more of the same")
@builtin_fails(BUILTIN_FAILS)
def test_bitcoind_is_killed_after_sendpsbt(bench):
    """lightningd was told that it is sent; it does so again at its next start."""
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt", "answered") as call:
            bench.bitcoind.kill()
            bench.bitcoind.start()
        result = call.wait().result
        assert result, call.error
        assert error_of(bench.transaction, result["txid"]).code == NOT_FOUND
        assert victim.node.stop() == 0
        victim.node.start().sync()
        wait_for(lambda: result["txid"] in bench.bitcoind.call("getrawmempool"), "lightningd to send it again", 20)
        bench.check_opened(result, victim.destinations(), victim.node)
        settle_and_check(bench, victim, opened=True)


# --- Peers ---

@builtin_fails("waits for ever")
def test_peers_hang_during_sendpsbt(bench):
    """They have nothing to say any more."""
    with a_victim(bench) as victim:
        with held_at(victim, "sendpsbt") as call, frozen(*(p.proc for p in victim.peers)):
            victim.release()
            assert call.wait(10).result, call.error
        check_success(bench, victim, call)


def an_angry_peer(bench, victim):
    """The first peer of the victim from now on: one that can give up a channel."""
    angry = next((p for p in bench.peers if p.name == "angry"), None)
    if not angry:
        angry = bench.net.node("angry", [f"--subdaemon=channeld:{FAULTY_CHANNELD}"], lean=True)
        bench.peers.append(angry.start())
        angry.sync()
    victim.peers = [angry, *victim.peers[1:]]
    return angry


def give_up_channel(angry, node):
    """And waits until our side has lost it, and with it the reservations."""
    channel, = node.channels(angry.id)
    with open(os.path.join(angry.dir, "error.new"), "w") as f:
        json.dump({"channel_id": channel["channel_id"], "text": "changed my mind"}, f)
    os.replace(os.path.join(angry.dir, "error.new"), os.path.join(angry.dir, "error.json"))
    wait_for(lambda: not node.channels(angry.id), "the peer's error to take effect", 10)


KEEPS_DEAD = since("25.12", "lightningd keeps the channel that its peer has given up")

# The last check before signing, the signature, the last check before sending, and after that.
ERROR_POINTS = {"before the first check": ("listpeerchannels", 1), "before signing": ("signpsbt", 1),
                "before the second check": ("listpeerchannels", 2), "before sending": ("sendpsbt", 1)}


def skip_the_gap(method):
    """docs/recovery.md, "lightningd v25.12"."""
    if method == "sendpsbt" and older_than("26.06"):
        pytest.skip("before v26.06 a peer's error frees no inputs, and sendpsbt sends all the same")


@KEEPS_DEAD
@builtin_fails("sends all the same")
@cases(ERROR_POINTS, usual=["before the first check", "before sending"])
def test_a_peer_gives_up_its_channel(bench, method, n):
    """All are wanted: nothing is sent and nothing is left."""
    skip_the_gap(method)
    with a_victim(bench) as victim:
        before = bench.bitcoind.call("getrawmempool")
        angry = an_angry_peer(bench, victim)
        with held_at(victim, method, n=n) as call:
            give_up_channel(angry, victim.node)
        error = call.wait().error
        assert isinstance(error, RpcError), error or call.result
        victim.wait_settled()
        victim.check_undone()
        assert set(bench.bitcoind.call("getrawmempool")) <= set(before), "something was sent"
        victim.meet_peers()
        settle_and_check(bench, victim, opened=False)


@KEEPS_DEAD
@builtin_fails("sends all the same")
@cases(ERROR_POINTS, usual=["before signing", "before the second check"])
def test_a_peer_gives_up_its_channel_and_the_others_go_on(bench, method, n):
    skip_the_gap(method)
    with a_victim(bench) as victim:
        angry = an_angry_peer(bench, victim)
        with held_at(victim, method, n=n, minchannels=2) as call:
            give_up_channel(angry, victim.node)
        result = call.wait().result
        assert result, call.error
        bench.check_opened(result, victim.destinations(), victim.node)
        assert [f["id"] for f in result["failed"]] == [angry.id], result["failed"]
        victim.wait_settled()
        victim.check_opened(len(victim.peers) - 1)
        victim.meet_peers()
        bench.net.mine(6)
        victim.check_normal()
