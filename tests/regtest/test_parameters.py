"""Wrong parameters: -32602, the field is named, and nothing was asked of anybody."""
from bench import INVALID_PARAMS, error_of
from marks import cases

# label -> what to put into a good call, and what the message must contain
WRONG = {
    "destinations missing": ({"destinations": None}, "destinations"),
    "destinations no array": ({"destinations": "x"}, "destinations"),
    "destinations an object": ({"destinations": {}}, "destinations"),
    "destinations empty": ({"destinations": []}, "destinations"),
    "utxos no array": ({"utxos": "x"}, "utxos"),
    "utxos no outpoint": ({"utxos": ["x"]}, "utxos"),
    "utxos empty": ({"utxos": []}, ""),
    "minconf no number": ({"minconf": "x"}, "minconf"),
    "minconf negative": ({"minconf": -1}, "minconf"),
    "minchannels zero": ({"minchannels": 0}, "minchannels"),
    "minchannels no number": ({"minchannels": "x"}, "minchannels"),
    "feerate unknown": ({"feerate": "quick"}, "feerate"),
    "unknown parameter": ({"colour": "red"}, "colour"),
}
# label -> what to put into the first of two destinations, and what the message must contain
WRONG_DESTINATION = {
    "no id": ({"id": None}, "id"),
    "bad id": ({"id": "zz"}, "node id"),
    "id not on the curve": ({"id": "02" + "ff" * 32}, "node id"),
    "no amount": ({"amount": None}, "amount"),
    "bad amount": ({"amount": "abc"}, "amount"),
    "negative amount": ({"amount": -5}, "amount"),
    "amount not whole": ({"amount": "100001msat"}, "amount"),
    "amount a fraction": ({"amount": 100000.5}, "amount"),
    "zero": ({"amount": 0}, "dust"),
    "dust": ({"amount": 545}, "dust"),
    "announce no boolean": ({"announce": "perhaps"}, "announce"),
    "push_msat no amount": ({"push_msat": "x"}, "push_msat"),
    "mindepth no number": ({"mindepth": "x"}, "mindepth"),
    "mindepth negative": ({"mindepth": -1}, "mindepth"),
    "reserve no amount": ({"reserve": "x"}, "reserve"),
    "channel_type no array": ({"channel_type": "x"}, "channel_type"),
    "channel_type no bits": ({"channel_type": ["x"]}, "channel_type"),
    "unknown field": ({"colour": "red"}, "colour"),
}


def check_refused(bench, params, word):
    before = {p.name: p.log_size() for p in bench.peers[:2]}
    error = error_of(bench.funder.rpc, "multifundchannel", params)
    assert error.code == INVALID_PARAMS and word in error.message, error
    reference = error_of(bench.reference.rpc, "multifundchannel", params)
    assert reference.code == error.code, reference
    for peer in bench.peers[:2]:
        assert "openingd" not in peer.log(before[peer.name])


def with_changes(good, changes):
    """None takes a field away."""
    return {key: value for key, value in {**good, **changes}.items() if value is not None}


@cases(WRONG)
def test_wrong(bench, changes, word):
    check_refused(bench, with_changes({"destinations": bench.destinations(bench.peers[:2])}, changes), word)


@cases(WRONG_DESTINATION)
def test_wrong_destination(bench, changes, word):
    one, two = bench.destinations(bench.peers[:2])
    check_refused(bench, {"destinations": [with_changes(one, changes), two]}, word)


def test_wrong_two_all(bench):
    check_refused(bench, {"destinations": bench.destinations(bench.peers[:2], "all")}, "all")


def test_wrong_duplicate(bench):
    peer = bench.peers[0]
    destinations = [{"id": peer.address(), "amount": 100_000}, {"id": peer.id, "amount": 200_000}]
    check_refused(bench, {"destinations": destinations}, "uplicate")
