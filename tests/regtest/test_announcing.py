"""What other plugins hear of batches: contrib/listener.py on real nodes."""
import contextlib
import itertools
import json
import os
import stat
import sys

import pytest

from bench import INVALID_PARAMS, error_of
from leaks import leaks
from marks import builtin_fails, cases, withheld
from regtest import wait_for
from test_abort import abort, in_mempool, look_again, mine_until_undone
from test_sending import bitcoind_down_for_sendpsbt
from victims import a_victim, settle_and_check

pytestmark = builtin_fails("tells nobody")

LISTENER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "contrib", "listener.py")
OPENED, FAILED, UNSETTLED = (f"multifundchannel_{what}" for what in ("opened", "failed", "unsettled"))
_numbers = itertools.count()


class Listener:
    def __init__(self, node, topics=()):
        number = next(_numbers)
        self.file = os.path.join(node.dir, f"told{number}")
        self.plugin = os.path.join(node.dir, f"listener{number}")
        with open(self.plugin, "w") as f:
            f.write(f'#!/bin/sh\nset -f\nexec {sys.executable} {LISTENER} {self.file} {" ".join(topics)}\n')
        os.chmod(self.plugin, stat.S_IRWXU)

    def told(self, batch=None):
        """Complete lines only."""
        with contextlib.suppress(FileNotFoundError), open(self.file, encoding="utf-8") as f:
            lines = [json.loads(line) for line in f.read().split("\n")[:-1]]
            return [one for one in lines if batch in (None, one["batch"])]
        return []

    def topics(self, batch=None):
        return [one["topic"] for one in self.told(batch)]

    def wait(self, *topics, batch=None, timeout=60):
        """Until that was told, and nothing else."""
        wait_for(lambda: self.topics(batch) == list(topics), f"{topics}, not {self.topics(batch)}", timeout)
        return self.told(batch)[-1]


@contextlib.contextmanager
def listening(node, topics=()):
    listener = Listener(node, topics)
    node.rpc("plugin", subcommand="start", plugin=listener.plugin)
    try:
        yield listener
        assert not leaks(json.dumps(listener.told()))
    finally:
        node.rpc("plugin", subcommand="stop", plugin=listener.plugin)


@cases({"their topics": ((),), "all topics": (("'*'",),)})
def test_opened_and_failed(bench, topics):
    peers, node = bench.peers[:3], bench.funder
    with listening(node, topics) as listener:
        peers[1].set_fault("start", "refuse")
        result = bench.multifundchannel(bench.destinations(peers), minchannels=2, details=True,
                                        label=f"told {next(_numbers)}")
        told = listener.wait(OPENED)
        assert told["batch"] == result["batch"] and told["txid"] == result["txid"], told
        assert told["state"] == "opened" and told["label"].startswith("told "), told
        opened = {d["id"]: (d["channel_id"], d["outnum"]) for d in told["destinations"] if d["state"] == "opened"}
        assert opened == {c["id"]: (c["channel_id"], c["outnum"]) for c in result["channel_ids"]}, told
        (failed,) = [d for d in told["destinations"] if d["state"] == "failed"]
        (expected,) = result["failed"]
        assert {name: failed[name] for name in ("id", "method", "cause")} == \
            {name: expected[name] for name in ("id", "method", "cause")}, failed
        assert failed["error"] == {name: expected["error"][name] for name in ("code", "message")}, failed
        listed, = node.rpc("listmultifundchannels", batch=result["batch"])["batches"]
        assert {**listed, "topic": OPENED} == told
        assert result["tx"] not in json.dumps(told) and "cHNidP" not in json.dumps(told)

        error = error_of(bench.multifundchannel, bench.destinations(peers))
        told = listener.wait(OPENED, FAILED)
        assert told["error"] == {"code": error.code, "message": error.message}, (told, error)
        assert sorted(d["state"] for d in told["destinations"]) == ["failed", "undone", "undone"], told
        # Neither what is refused at once nor a preview is a batch.
        assert error_of(bench.multifundchannel, bench.destinations(peers), minchannels="x").code == INVALID_PARAMS
        bench.multifundchannel(bench.destinations(peers[:1]), dryrun=True)
        peers[1].set_fault()
        bench.multifundchannel(bench.destinations(peers[:1]))
        listener.wait(OPENED, FAILED, OPENED)


def test_unsettled_and_then_opened(bench):
    with a_victim(bench) as victim, listening(victim.node) as listener:
        with bitcoind_down_for_sendpsbt(bench, victim) as data:
            told = listener.wait(UNSETTLED)
            assert (told["batch"], told["txid"]) == (data["batch"], data["txid"]), told
            assert told["error"]["code"] == 303 and told["state"] == "settling", told
            assert data["tx"] not in json.dumps(told)
        told = listener.wait(UNSETTLED, OPENED, timeout=120)
        assert told["txid"] == data["txid"], told
        settle_and_check(bench, victim, opened=True)
        listener.wait(UNSETTLED, OPENED, batch=data["batch"])


@withheld
def test_unsettled_and_then_failed(bench):
    """What is never sent, since its user aborts it."""
    with a_victim(bench) as victim, listening(victim.node) as listener:
        with bitcoind_down_for_sendpsbt(bench, victim) as data:
            listener.wait(UNSETTLED)
            begun = abort(victim, data["batch"], feerate="5000perkw", confirm=True)
        victim.node.sync()
        look_again(victim)
        in_mempool(bench, begun["txid"])
        assert listener.topics() == [UNSETTLED]
        mine_until_undone(bench, victim)
        told = listener.wait(UNSETTLED, FAILED)
        assert told["state"] == "undone" and told["batch"] == data["batch"], told


@withheld
@cases({"plugin, while peers start": ("plugin", "fundchannel_start", 2, "answered", FAILED),
        "plugin, while it sends": ("plugin", "sendpsbt", 1, "forwarded", OPENED),
        "plugin, before the record goes": ("plugin", "deldatastore", 1, "asked", OPENED),
        "plugin, when the record is gone": ("plugin", "deldatastore", 1, "answered", OPENED)})
def test_killed(bench, deed, method, n, when, end):
    """The end is told by one process or by the next, and perhaps by both."""
    with a_victim(bench) as victim, listening(victim.node) as listener:
        victim.crash(method, when, deed, n)
        victim.start_plugin()
        victim.wait_settled()
        wait_for(lambda: end in listener.topics(), f"{end}, not {listener.topics()}")
        assert set(listener.topics()) == {end} and len(listener.topics()) <= 2, listener.topics()
        assert len({one["batch"] for one in listener.told()}) == 1
        settle_and_check(bench, victim, opened=end == OPENED)


@withheld
@pytest.mark.parametrize("finishes", (True, False))
def test_waiting(bench, finishes):
    with listening(bench.funder) as listener:
        waiting = bench.multifundchannel(bench.destinations(bench.peers[:2]), send=False)
        error_of(bench.multifundchannel, bench.destinations(bench.peers[2:3]), max_fee=1)  # told after it, if it was
        assert listener.topics(waiting["batch"]) == []
        if finishes:
            bench.funder.rpc("multifundchannel-finish", batch=waiting["batch"])
        else:
            bench.funder.rpc("multifundchannel-abort", {"batch": waiting["batch"], "confirm": True})
        told = listener.wait(OPENED if finishes else FAILED, batch=waiting["batch"])
        assert told["txid"] == waiting["txid"], told
