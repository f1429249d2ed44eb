"""kill -9 of the plugin and of the whole node at every step of a batch that another wallet pays for: while it is prepared
either all channels are secured and it waits, or nothing is left; while it is finished it can be finished again, whatever
was reached, with the same transaction.

The cases of a test run side by side, each on a node of its own (victims.py).
"""
from dataclasses import dataclass

import pytest

from cold_wallet import ColdWallet
from marks import builtin_fails, cases
from regtest import RpcError, in_parallel, older_than, wait_for
from test_recovery import one_each
from victims import Call, victims_of

pytestmark = pytest.mark.skipif(older_than("25.12"), reason="since v25.12 channels can be withheld")
UNDONE, WAITS, EITHER = "undone", "waits", "undone or waits"

# test -> (method, n, when, what is left)
PREPARE = {
    "before anything": [("getutxout", 1, "answered", UNDONE), ("datastore", 1, "forwarded", UNDONE)],
    "recording the coins": [("datastore", 2, "asked", UNDONE), ("datastore", 2, "answered", UNDONE)],
    "starting": [("fundchannel_start", 1, "asked", UNDONE), ("fundchannel_start", 2, "answered", UNDONE)],
    "recording the transaction": [("datastore", 3, "asked", UNDONE), ("datastore", 3, "answered", UNDONE)],
    "completing": [("fundchannel_complete", 1, "forwarded", UNDONE), ("fundchannel_complete", 3, "answered", UNDONE)],
    "recording that it waits": [("datastore", 4, "forwarded", EITHER), ("datastore", 4, "answered", WAITS)],
}
FINISH = {
    "looking": [("listpeerchannels", 1, "answered", WAITS), ("getutxout", 1, "forwarded", WAITS)],
    "asking for the floor": [("feerates", 1, "asked", WAITS), ("feerates", 1, "answered", WAITS)],
    "recording that it is sent": [("datastore", 1, "forwarded", WAITS), ("datastore", 1, "answered", WAITS)],
    "looking once more": [("listpeerchannels", 2, "asked", WAITS), ("listpeerchannels", 2, "answered", WAITS)],
    "sending": [("sendpsbt", 1, "asked", WAITS), ("sendpsbt", 1, "forwarded", WAITS), ("sendpsbt", 1, "answered", WAITS)],
    "removing the record": [("deldatastore", 1, "asked", WAITS), ("deldatastore", 1, "answered", WAITS)],
}
QUICK = ("completing", "recording that it waits", "recording that it is sent", "sending")


@dataclass
class Case:
    method: str
    n: int
    when: str
    left: str
    deed: str
    in_finish: bool
    victim: object = None
    wallet: object = None
    prepared: dict = None
    signed: str = ""
    psbt: str = ""
    error: str = ""

    def guarded(self, step):
        """A case that failed does not disturb the others."""
        if self.error:
            return
        try:
            step()
        except Exception as e:
            self.error = (f"{self.deed} killed, {self.method} #{self.n} {self.when}: {type(e).__name__}: {e}\n"
                          f"{self.victim.story()}")

    def prepare(self):
        return self.victim.node.rpc("multifundchannel-prepare",
                                    {"psbt": self.psbt, "destinations": self.victim.destinations()})

    def finish(self):
        return self.victim.node.rpc("multifundchannel-finish", {"batch": self.prepared["batch"], "psbt": self.signed})

    def begin(self):
        victim = self.victim
        victim.earlier = {b["batch"] for b in victim.node.rpc("listmultifundchannels")["batches"]}
        victim.coins_before, victim.log_start = victim.node.coins(), victim.node.log_size()
        if self.in_finish:
            self.sign(self.prepare())
        victim.arm(self.method, self.when, self.deed, self.n)
        call = Call(self.finish if self.in_finish else self.prepare)
        victim.wait_reached()
        if self.deed == "node":
            victim.node.proc.wait(30)
        call.wait()

    def sign(self, prepared):
        self.prepared, self.signed = prepared, self.wallet.sign(prepared["psbt"])

    def restart(self):
        self.victim.node.wait_up() if self.deed == "node" else self.victim.start_plugin()
        self.victim.node.sync()

    def go_on(self):
        """Nothing is sent that was not finished; what is left waits, or is nothing."""
        victim = self.victim
        if self.in_finish:
            return self.finish_again()
        def waiting():
            return [b["batch"] for b in victim.batches() if b["state"] == "waiting"]
        wait_for(lambda: waiting() or victim.settled(), "the batch to be settled", 40)
        waits = bool(waiting())
        assert self.left == EITHER or waits == (self.left == WAITS), victim.batches()
        if waits:
            assert all(c["funding"]["withheld"] for c in victim.node.channels())
            victim.node.rpc("multifundchannel-abort", {"batch": waiting()[0], "confirm": True})
            wait_for(lambda: not victim.node.channels(), "the channels to be cancelled", 30)
        assert not victim.node.channels(), victim.node.channels()
        if self.deed == "node":
            victim.meet_peers()
        self.sign(self.prepare())
        assert self.finish()["txid"] == self.prepared["txid"]
        return None

    def finish_again(self):
        """Until it is done: the same transaction each time."""
        def finished():
            try:
                return self.finish()
            except RpcError as e:
                assert e.code in (-1, 303), e
                return None
        first = wait_for(finished, "the batch to be finished", 60)
        assert first["txid"] == self.prepared["txid"]
        assert len(first["channel_ids"]) == len(self.prepared["channel_ids"])
        assert self.finish()["txid"] == self.prepared["txid"]

    def check_sent(self):
        channels = self.victim.node.channels()
        assert len(channels) == len(self.prepared["channel_ids"])
        assert {c["funding_txid"] for c in channels} == {self.prepared["txid"]}
        assert not any(c["funding"]["withheld"] for c in channels), channels
        assert self.victim.bench.transaction(self.prepared["txid"])
        for peer in self.victim.peers:
            self.victim.node.rpc("connect", [peer.address()])

    def check_confirmed(self):
        self.victim.check_normal()
        self.victim.wait_settled()


def run_side_by_side(bench, points, in_finish):
    lives = [Case(*point, deed, in_finish) for point in points for deed in ("plugin", "node")]
    for case, victim in zip(lives, victims_of(bench).take(len(lives))):
        case.victim, case.wallet = victim, ColdWallet(bench.bitcoind, "bech32")
        case.wallet.receive(600_000)
        case.psbt = case.wallet.psbt()
    for case in lives:
        case.victim.node.sync()

    def all_do(step):
        in_parallel([lambda c=c: c.guarded(getattr(c, step)) for c in lives])
    all_do("begin")
    for case in lives:  # here, because a node dies with the thread that started it
        if case.deed == "node":
            case.guarded(case.victim.node.spawn)
    for step in ("restart", "go_on", "check_sent"):
        all_do(step)
    bench.net.mine(6)
    all_do("check_confirmed")
    for case in lives:
        case.wallet.unload()
        victims_of(bench).give_back(case.victim, not case.error)
    errors = [c.error for c in lives if c.error]
    assert not errors, f"{len(errors)} of {len(lives)}:\n" + "\n".join(errors)


@builtin_fails("has no such command")
@cases(one_each(PREPARE), quick=QUICK, usual=["completing"])
def test_killed_while_it_is_prepared(bench, points):
    run_side_by_side(bench, points, False)


@builtin_fails("has no such command")
@cases(one_each(FINISH), quick=QUICK, usual=["sending"])
def test_killed_while_it_is_finished(bench, points):
    run_side_by_side(bench, points, True)
