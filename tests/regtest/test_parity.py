"""The same call on a node with the plugin and on one without: the answers have the same shape.

What may differ: the plugin's error data may hold `failed` besides; texts and numbers of the wallet's errors; what the
plugin already refuses for its parameters while the builtin asks peers (see test_failures.py).
"""
from bench import shape, without_hex
from marks import cases
from regtest import RpcError
from test_failures import FAULTS, faulty_destination


def outcome(node, params, method="multifundchannel"):
    try:
        return {"result": shape(node.rpc(method, params))}
    except RpcError as e:
        data = e.data
        if isinstance(data, dict):
            data = {k: v for k, v in data.items() if k != "failed"}
        return {"error": e.code, "data": shape(data)}


def check_same(bench, prepare):
    """prepare() makes the parameters, for each of the two nodes again."""
    reference = outcome(bench.reference, prepare())
    bench.behave()
    ours = outcome(bench.funder, prepare())
    assert ours == reference, f"plugin: {ours}\nbuiltin: {reference}"


@cases({"one peer": (1, {}), "three peers": (3, {}), "close_to": (2, {"close_to": None}),
        "private": (2, {"announce": False}), "channel_type": (1, {"channel_type": [12]})})
def test_same_success(bench, count, fields):
    if "close_to" in fields:
        fields = {"close_to": bench.funder.rpc("newaddr", addresstype="p2tr")["p2tr"]}
    check_same(bench, lambda: {"destinations": bench.destinations(bench.peers[:count], **fields)})


@cases({label: fault[:2] for label, fault in FAULTS.items()})
def test_same_failure(bench, phase, kind):
    def prepare():
        _, faulty = faulty_destination(bench, phase, kind)
        return {"destinations": [faulty, *bench.destinations(bench.peers[1:3])]}
    check_same(bench, prepare)


@cases({label: FAULTS[label][:2] for label in ("is unreachable", "refuses in start", "refuses in complete")})
def test_same_success_without_a_peer(bench, phase, kind):
    def prepare():
        _, faulty = faulty_destination(bench, phase, kind)
        return {"destinations": [faulty, *bench.destinations(bench.peers[1:3])], "minchannels": 1}
    check_same(bench, prepare)


@cases({"too little money": ({"amount": 40_000_000_000},),
        "bad close_to": ({"close_to": "nonsense"},),
        "channel_type not supported": ({"channel_type": [99]},),
        "tiny channel": ({"amount": 546},)})
def test_same_refusal(bench, fields):
    check_same(bench, lambda: {"destinations": bench.destinations(bench.peers[:1], **fields)})


@cases({"feerate unknown": ({"feerate": "quick"},),
        "utxos unknown": ({"utxos": ["00" * 32 + ":0"]},),
        "utxos empty": ({"utxos": []},),
        "minchannels more than destinations": ({"minchannels": 5},),
        "minchannels as text": ({"minchannels": "1"},)})
def test_same_answer(bench, options):
    check_same(bench, lambda: {"destinations": bench.destinations(bench.peers[:2]), **options})


@cases({label: FAULTS[label][:2] for label in ("is unreachable", "refuses in start", "refuses in complete")})
def test_same_message(bench, phase, kind):
    """The peer's words reach the user as they are."""
    def message(node):
        _, faulty = faulty_destination(bench, phase, kind)
        try:
            node.rpc("multifundchannel", {"destinations": [faulty]})
        except RpcError as e:
            bench.behave()
            return without_digits(without_hex(e.message))
        raise AssertionError("succeeded")
    assert message(bench.funder) == message(bench.reference)


def without_digits(text):
    """The ports of two runs differ."""
    return "".join(c for c in text if not c.isdigit())
