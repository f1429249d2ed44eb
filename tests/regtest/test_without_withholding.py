"""lightningd before v25.12 cannot withhold a channel: what docs/recovery.md says of it."""
import contextlib

from bench import error_of
from marks import before, builtin_fails
from regtest import wait_for
from test_abort import a_batch_below_the_floor, abort, in_mempool, look_again, mine_until_undone
from test_refusals import set_floor
from test_sending import check_maybe_sent
from victims import settle_and_check

pytestmark = [before("25.12", "channels are withheld"), builtin_fails("has no records")]


@contextlib.contextmanager
def a_batch_in_doubt(bench):
    with a_batch_below_the_floor(bench) as (victim, call):
        data = check_maybe_sent(bench, victim, call)
        assert "refused" not in data, data
        yield victim, data["batch"]


def test_what_bitcoind_refuses_is_sent_once_it_is_taken(bench):
    with a_batch_in_doubt(bench) as (victim, _):
        set_floor(bench)
        look_again(victim)
        settle_and_check(bench, victim, opened=True)


def test_what_bitcoind_refuses_is_given_up(bench):
    with a_batch_in_doubt(bench) as (victim, batch):
        offer = abort(victim, batch)
        assert offer["aborting"] is False and set(offer["inputs"]) <= victim.node.reserved(), offer
        begun = abort(victim, batch, confirm=True)
        assert begun["aborting"] is True and begun["inputs"] == offer["inputs"], begun
        in_mempool(bench, begun["txid"])
        assert victim.batch(batch)["state"] == "aborting"
        mine_until_undone(bench, victim)


def test_a_secured_channel_stays_until_an_older_one_of_its_peer_is_locked_in(bench):
    failing, peer = bench.peers[:2]
    older, = bench.open(bench.destinations([peer]))["channel_ids"]
    failing.set_fault("complete", "refuse")
    reserved = bench.funder.reserved()
    error = error_of(bench.multifundchannel, bench.destinations([failing, peer]))
    assert error.data["id"] == failing.id, error
    assert bench.funder.reserved() - reserved
    states = {c["channel_id"]: c["state"] for c in bench.funder.channels(peer.id)}
    assert len(states) == 2 and set(states.values()) == {"CHANNELD_AWAITING_LOCKIN"}, states
    bench.net.mine(6)
    wait_for(lambda: [c["channel_id"] for c in bench.funder.channels(peer.id)] == [older["channel_id"]],
             "the younger channel to go", 150)
    wait_for(lambda: bench.funder.reserved() <= reserved, "its coins", 20)
    assert bench.channel(bench.funder, older["channel_id"])["state"] == "CHANNELD_NORMAL"
