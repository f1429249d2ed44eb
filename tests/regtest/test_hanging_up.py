"""Peers that hang up in their first fundchannel_start: as with the builtin they have failed, unless lightningd hung up
for the sake of a channel that our node has lost."""
from bench import NOT_CONNECTED, UNKNOWN_PEER, error_of
from marks import builtin_fails, cases
from regtest import older_than, wait_for
from test_silence import leave


@cases({"before accept_channel": ("start",), "after accept_channel": ("accepted",)})
def test_hanging_up_once_in_the_first_start_is_a_failure(bench, phase):
    """Tried again it would open, where the builtin does not."""
    for node in (bench.reference, bench.funder):
        leave(node, bench.peers[0])
        bench.peers[0].set_fault(phase, "disconnect", once=True)
        params = {"destinations": bench.destinations(bench.peers[:2])}
        try:
            error = error_of(node.rpc, "multifundchannel", params, timeout=20 if node is bench.reference else 120)
        except TimeoutError:
            # lightningd may lose the answer of a start whose peer hangs up right then; the builtin waits for it for ever.
            assert node is bench.reference, "no answer"
            bench.behave()
            bench.free(node)
            continue
        assert error.data["id"] == bench.peers[0].id, error
        # After accept_channel it may be the next call that fails, with what lightningd then says of the peer; this plugin
        # may have noticed it before, while the peer was waiting for the other one.
        started = error.data["method"] == "fundchannel_start"
        assert error.code == -1 if started else phase == "accepted" and error.code in (-1, NOT_CONNECTED, UNKNOWN_PEER), error
        bench.behave()


def lose_a_channel(node, peer):
    """Our node forgets it for good while the peer is away, as in a crash before it was written down."""
    node.rpc("connect", id=peer.address())
    address = node.rpc("fundchannel_start", id=peer.id, amount=100_000)["funding_address"]
    prepared = node.rpc("txprepare", outputs=[{address: "100000sat"}])
    withhold = {} if older_than("25.12") else {"withhold": True}
    node.rpc("fundchannel_complete", {"id": peer.id, "psbt": prepared["psbt"], **withhold})
    wait_for(lambda: peer.channels(node.id), "the peer's side of the channel", 10)
    leave(node, peer)
    node.rpc("fundchannel_cancel", id=peer.id)
    node.rpc("txdiscard", txid=prepared["txid"])


@builtin_fails("takes it for the peer's fault")
def test_a_connection_that_ends_for_a_lost_channel_is_tried_again(bench):
    """The peer wants to go on with a channel that our node has lost, and is told so in the middle of the start."""
    lose_a_channel(bench.funder, bench.peers[0])
    since = bench.funder.log_size()
    result = bench.multifundchannel(bench.destinations(bench.peers[:2]))
    log = bench.funder.log(since)
    assert ("Unknown channel" in log or "long-closed channel" in log) and "died" not in str(result["failed"]), log
    assert len(result["channel_ids"]) == 2 and result["failed"] == [], result
