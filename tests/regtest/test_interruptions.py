"""`plugin stop`, the node's own end, a broken RPC connection and lost replies, at every phase of a batch."""
import glob
import os
import time

from marks import builtin_fails, since, slow
from outcomes import EITHER, OPENED, ORPHAN, UNDONE
from regtest import RpcError, wait_for
from test_recovery import Case, run_side_by_side
from victims import Call, a_victim, settle_and_check

pytestmark = builtin_fails("has no journal")

STOP_LIMIT = 30  # seconds that lightningd grants
PATIENCE = 3  # seconds, for peers

# One message is on its way when it comes: (method, n, when, outcome)
PHASES = [("connect", 1, "asked", UNDONE), ("fundpsbt", 1, "answered", UNDONE),
          ("fundchannel_start", 2, "answered", UNDONE), ("fundchannel_complete", 2, "answered", UNDONE),
          ("signpsbt", 1, "answered", UNDONE), ("sendpsbt", 1, "answered", OPENED)]
MORE_PHASES = [("datastore", 1, "answered", UNDONE), ("datastore", 2, "asked", UNDONE),
               ("reserveinputs", 1, "answered", UNDONE), ("datastore", 4, "answered", UNDONE),
               ("listpeerchannels", 2, "answered", UNDONE), ("deldatastore", 1, "asked", OPENED)]


class PluginStopped(Case):
    """The message arrives a little later."""

    def crash(self):
        victim = self.victim
        victim.arm(self.method, self.when, "hold", self.n)
        batch = victim.begin()
        victim.wait_reached()
        victim.held = victim.node.reserved()
        started = time.monotonic()
        stop = Call(victim.stop_plugin)
        stop.join(0.3)
        victim.release()
        stop.wait(STOP_LIMIT + 10)
        assert not stop.error, stop.error
        seconds = time.monotonic() - started
        assert seconds < STOP_LIMIT, f"{seconds:.1f} s"
        batch.wait()
        if self.outcome == UNDONE:
            assert not victim.records(), victim.records()
            victim.check_left_clean()


class NodeStopped(Case):
    """lightningd must end well, with a plugin that waits for an answer which never comes."""

    def crash(self):
        victim = self.victim
        victim.arm(self.method, self.when, "hold", self.n)
        batch = victim.begin()
        victim.wait_reached()
        status = victim.node.stop(STOP_LIMIT + 15)
        assert status == 0, f"exit status {status}"
        for sign in ("FATAL SIGNAL", "BROKEN"):
            assert sign not in victim.node.log(victim.log_start), sign
        assert not glob.glob(os.path.join(victim.node.dir, "regtest", "crash*"))
        batch.wait()


class Graceful(NodeStopped):
    """Before the node is stopped `graceful` disconnects all peers, and keeps lightningd from reestablishing channels."""

    def crash(self):
        victim = self.victim
        victim.arm(self.method, self.when, "hold", self.n)
        batch = victim.begin()
        victim.wait_reached()
        victim.node.rpc("graceful", timeout=1)
        victim.release()
        batch.wait()
        status = victim.node.stop(STOP_LIMIT + 15)
        assert status == 0, f"exit status {status}"


class Broken(Case):
    """Nobody is killed: the batch itself has to cope."""

    def crash(self):
        victim = self.victim
        victim.arm(self.method, self.when, self.deed, self.n)
        batch = victim.begin(**self.options)
        victim.wait_reached()
        victim.held = victim.node.reserved()
        batch.wait(200)
        assert batch.result or isinstance(batch.error, RpcError), batch.error
        if batch.result:
            assert self.outcome in (OPENED, EITHER), "succeeded"

    def restart(self):
        pass


def interrupt(bench, phases, kind, deed, **options):
    run_side_by_side(bench, [kind(m, n, when, deed, outcome, 0.0, options) for m, n, when, outcome in phases])


def test_the_plugin_is_stopped_in_each_phase(bench):
    interrupt(bench, PHASES, PluginStopped, "plugin")


@slow("takes a minute")
def test_the_plugin_is_stopped_between_the_phases(bench):
    interrupt(bench, MORE_PHASES, PluginStopped, "plugin")


def test_the_node_is_stopped_in_each_phase(bench):
    def outcome(method, of_the_plugin):
        """Reserving runs beside the connects: it may be done, and not recorded yet."""
        if method in ("connect", "fundpsbt"):
            return ORPHAN
        return of_the_plugin if of_the_plugin == UNDONE and method != "signpsbt" else OPENED
    interrupt(bench, [(m, n, when, outcome(m, o)) for m, n, when, o in PHASES], NodeStopped, "node")


@since("26.06", "lightningd has no `graceful`")
def test_the_peers_are_disconnected_before_the_node_stops(bench):
    """What is secured by then is sent all the same. Before that a peer may be connected again in time, or not; either way
    nothing is left."""
    interrupt(bench, [
        ("connect", 1, "asked", EITHER), ("fundchannel_start", 2, "answered", EITHER),
        ("fundchannel_complete", 2, "answered", EITHER), ("signpsbt", 1, "answered", OPENED)], Graceful, "node")


def test_the_RPC_connection_breaks_in_each_phase(bench):
    interrupt(bench, [
        ("datastore", 1, "forwarded", UNDONE), ("fundpsbt", 1, "forwarded", ORPHAN),
        ("fundchannel_start", 3, "forwarded", UNDONE), ("fundchannel_complete", 3, "forwarded", UNDONE),
        ("sendpsbt", 1, "forwarded", OPENED), ("deldatastore", 1, "forwarded", OPENED)], Broken, "cut")


def test_the_RPC_connection_breaks_between_the_phases(bench):
    interrupt(bench, [
        ("datastore", 2, "answered", UNDONE), ("reserveinputs", 1, "answered", UNDONE),
        ("fundchannel_complete", 2, "answered", UNDONE), ("datastore", 4, "forwarded", UNDONE),
        ("signpsbt", 1, "asked", UNDONE), ("sendpsbt", 1, "asked", EITHER)], Broken, "cut")


# A start, a complete, a reservation or a sendpsbt that is never answered is waited for as long as the plugin runs
# (its batch stays `settling`, whatever shows meanwhile): the simulation has those, with the restart that ends it.
def test_a_reply_is_lost(bench):
    interrupt(bench, [("connect", 2, "answered", UNDONE)], Broken, "lose", peer_timeout=PATIENCE)


@slow("takes a minute")
def test_a_reply_of_lightningd_is_lost(bench):
    interrupt(bench, [
        ("datastore", 2, "answered", UNDONE), ("datastore", 4, "answered", UNDONE), ("signpsbt", 1, "answered", UNDONE)],
        Broken, "lose")


def test_the_plugin_is_stopped_while_a_peer_is_silent(bench):
    with a_victim(bench) as victim:
        victim.peers[0].set_fault("complete", "silent")
        victim.arm("fundchannel_complete", "answered", "hold", 2)
        batch = victim.begin()
        victim.wait_reached()
        victim.release()
        started = time.monotonic()
        victim.stop_plugin()
        assert time.monotonic() - started < STOP_LIMIT
        batch.wait()
        assert not victim.records(), victim.records()
        victim.check_left_clean()
        bench.behave()
        victim.start_plugin()
        victim.meet_peers()
        settle_and_check(bench, victim, opened=False)


def test_a_client_hangs_up(bench):
    """The batch goes on: its journal and its channels are as complete as with a client."""
    with a_victim(bench) as victim:
        victim.arm("fundchannel_complete", "answered", "hold", 1)
        call = victim.begin(timeout=1)
        victim.wait_reached()
        call.wait()
        assert isinstance(call.error, OSError), call.error or call.result
        victim.release()
        wait_for(lambda: victim.node.channels() and victim.settled(), "the batch to end", 20)
        settle_and_check(bench, victim, opened=bool(victim.opened()))
