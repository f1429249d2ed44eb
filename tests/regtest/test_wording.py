"""What the builtin refuses, the plugin refuses with the same code and with the builtin's words in its message:
programs look for these. It may say more, and sooner."""
import re

from bench import error_of
from marks import cases
from regtest import wait_for
from test_parity import without_digits

TXID = "ab" * 32
TOO_MUCH = {"amount": 100_000, "push_msat": 100_000_001}

# label -> fields of the first of two destinations, other parameters
REFUSED = {
    "push above the amount": (TOO_MUCH, {}),
    "push above the amount, in sat": ({"amount": 100_000, "push_msat": "100001sat"}, {}),
    "push no amount": ({"push_msat": "x"}, {}),
    "amount no amount": ({"amount": "nope"}, {}),
    "amount in msat": ({"amount": "100000001msat"}, {}),
    "amount is dust": ({"amount": 545}, {}),
    "amount is missing": ({"amount": None}, {}),
    "id no id": ({"id": "02"}, {}),
    "announce no bool": ({"announce": "maybe"}, {}),
    "mindepth negative": ({"mindepth": -1}, {}),
    "mindepth no number": ({"mindepth": "soon"}, {}),
    "reserve no amount": ({"reserve": "some"}, {}),
    "channel_type no array": ({"channel_type": 12}, {}),
    "channel_type too large": ({"channel_type": [65536]}, {}),
    "request_amt alone": ({"request_amt": 1000}, {}),
    "unknown field": ({"colour": "red"}, {}),
    "utxos empty": ({}, {"utxos": []}),
    "utxos no array": ({}, {"utxos": "all"}),
    "utxos without a vout": ({}, {"utxos": [TXID]}),
    "utxos without a txid": ({}, {"utxos": ["x:0"]}),
    "utxos with a bad vout": ({}, {"utxos": [TXID + ":x"]}),
    "utxos unknown": ({}, {"utxos": [TXID + ":0"]}),
    "minconf no number": ({}, {"minconf": "x"}),
    "minchannels 0": ({}, {"minchannels": 0}),
    "minchannels no number": ({}, {"minchannels": "x"}),
    "feerate unknown": ({}, {"feerate": "quick"}),
    "unknown parameter": ({}, {"colour": "red"}),
    "no destination": (None, {"destinations": []}),
    "destinations no array": (None, {"destinations": 3}),
    "no destinations": (None, {}),
    "too little money": ({"amount": 40_000_000_000}, {}),
    "all, and too little money": ({"amount": "all"}, {"second": 40_000_000_000}),
}


def words(message):
    """The builtin's message without the parameter in front, what was given behind and the hint about the command line."""
    message = re.sub(r": invalid token .*", "", message)
    message = re.sub(r", this may be caused by .*", "", message)
    message = re.sub(r"^(destinations|[a-z_]+): ", "", message)
    return without_digits(message)


def refusal(node, peers, fields, options):
    options = dict(options)
    params = options
    if fields is not None:
        first, second = ({"id": p.address(), "amount": 100_000} for p in peers)
        second["amount"] = options.pop("second", 100_000)
        first = {k: v for k, v in {**first, **fields}.items() if v is not None}
        params = {"destinations": [first, second], **options}
    return error_of(node.rpc, "multifundchannel", params)


@cases(REFUSED)
def test_same_words(bench, fields, options):
    builtin = refusal(bench.reference, bench.peers[:2], fields, options)
    ours = refusal(bench.funder, bench.peers[:2], fields, options)
    assert ours.code == builtin.code and words(builtin.message) in without_digits(ours.message), f"{builtin}\n{ours}"


@cases({"all twice": [("all", 0), ("all", 1)], "one peer twice": [(100_000, 0), (100_000, 0)]})
def test_same_words_about_two(bench, one, two):
    params = {"destinations": [{"id": bench.peers[i].address(), "amount": amount} for amount, i in (one, two)]}
    builtin, ours = (error_of(node.rpc, "multifundchannel", params) for node in (bench.reference, bench.funder))
    assert ours.code == builtin.code and words(builtin.message) in ours.message, f"{builtin}\n{ours}"


def test_same_words_through_fundchannel(bench):
    """fundchannel calls multifundchannel; lightningd's own tests look for these texts."""
    for fields in (TOO_MUCH, {"amount": 100_000, "utxos": []}, {"amount": 100_000, "minconf": "x"}):
        builtin, ours = (error_of(node.rpc, "fundchannel", {"id": bench.peers[0].address(), **fields})
                         for node in (bench.reference, bench.funder))
        assert ours.code == builtin.code and words(builtin.message) in without_digits(ours.message), f"{builtin}\n{ours}"


def test_trimmed_all_is_logged_in_the_builtins_words(bench):
    small = bench.net.node("small", ["--dev-force-features=-19"], lean=True)
    small.start()
    try:
        lines = []
        for node in (bench.reference, bench.funder):
            start = node.log_size()
            node.rpc("fundchannel", {"id": small.address(), "amount": "all"})
            wait_for(lambda node=node, start=start: "trimming" in node.log(start), "the line", 5)
            lines.append(re.search(r"'all' was too large.*", node.log(start)).group())
        assert without_digits(lines[0]) == without_digits(lines[1]), lines
    finally:
        bench.forget_channels()
        bench.net.remove(small)

