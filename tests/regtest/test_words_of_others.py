"""What a peer writes into its error reaches the user as text and does nothing else, on real nodes: not to the terminal,
not to the answer's JSON, not to the log."""
import pytest

from marks import builtin_fails, cases

CUT = 2000  # bytes of a message that are shown, and how long it was
RAW = "\udcff\udcfe"  # bytes that are not UTF-8; see subdaemon.error_message

# label -> what the peer writes, what of it must be shown
WORDS = {
    "formats": ("100%, %d %x %% {} {0} $HOME `id` $(id)", "100%, %d %x %% {} {0} $HOME `id` $(id)"),
    "JSON": ('", "channel_ids": [], "x": {"code": -1}}\\u0000\\', '", "channel_ids": [], "x": {"code": -1}}\\u0000\\'),
    "line breaks": ("full\n2009-01-03T18:15:05.000Z UNUSUAL plugin-multifundchannel: forged\r\n\n{}\n\n",
                    "full 2009-01-03T18:15:05.000Z UNUSUAL plugin-multifundchannel: forged"),
    "escapes for terminals": ("\x1b[2J\x1b]0;title\x1b\\no \x1b[31mroom", "?[2J?]0;title?\\no ?[31mroom"),
    "the other direction": ("no \u202emoor\u202c, \u9593\u306b\u5408", "no ?moor?, \u9593\u306b\u5408"),
    "bytes that are no text": (f"no {RAW} room", "6e6f20fffe20726f6f6d"),
    "nothing": ("", ""),
    "as much as a message holds": ("no room " * 8100, "... ("),
    "what may be a transaction": ("deadbeef" * 1000, "(8000 characters cut)"),
}


def is_harmless(text):
    """No character that moves a cursor, begins an escape or turns the direction."""
    return not any(c < " " or "\x7f" <= c <= "\x9f" or c in "\u2028\u2029\u202e\u202c\u2066\u2067\u200e\u200f" for c in text)


@builtin_fails("passes on what a peer wrote, whole")
@pytest.mark.parametrize("phase", ["start", "complete"])
@cases(WORDS)
def test_a_peers_words(bench, phase, words, shown):
    bench.peers[0].set_fault(phase, "refuse", words)
    start = bench.funder.log_size()
    destinations = bench.destinations(bench.peers[:2])
    result = bench.multifundchannel(destinations, minchannels=1)
    bench.check_opened(result, destinations)
    failed, = result["failed"]
    message = failed["error"]["message"]
    assert failed["method"] == f"fundchannel_{phase}" and shown in message, message
    assert is_harmless(message) and len(message.encode()) < CUT + 200, message
    lines = bench.funder.log(start).split("\n")
    assert not any(line.startswith("2009") for line in lines), "a log entry that the peer made up"
    ours = [line for line in lines if "plugin-multifundchannel" in line]
    assert ours and all(is_harmless(line) for line in ours), ours
