"""The table of codes in docs/errors.md, row by row: each row's errors are made to happen in the simulated lightningd,
with every code and every text of the row, and what stands above the table is checked with each.

When this fails after a change: a row without a case, or a case without a row, goes by the row's first two cells. A case
gets a `Worlds` and yields the errors that it provoked; together they must show all codes and texts of the row, and
nothing else. What the simulation has no cause for (a peer that reconnects, another plugin) is put into lightningd's mouth
by "rpc_faults" of the scenario, in lightningd's words.
"""
import contextlib
import importlib
import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from regtest import RpcError, RpcSocket, in_parallel
from test_docs import PAYEE, Plugin, read

AMOUNT = 1_000_000
DUAL_FUNDING = "0898882a8a59a1"
NO_ANCHORS = "0898880a0a59a1"
ONLY_SMALL_CHANNELS = "0898880a8259a1"
PLAIN = [{"name": "a"}, {"name": "b"}]
SLOW = [{"name": "a"}, {"name": "b", "connected": True, "delay_ms": 500}]  # a second, in which others may act
RECORDS = ("multifundchannel", "batch")


class Row(NamedTuple):
    codes: str
    texts: str
    means: str

    def numbers(self):
        return {int(code) for code in re.findall(r"-?\d+", self.codes)}

    def quoted(self):
        return re.findall(r"`([^`]+)`", self.texts)


def rows():
    table = re.search(r"\n## Codes, .*?\n(\|.*?)\n\n", read("docs", "errors.md"), re.DOTALL)[1]
    return [Row(*(cell.strip() for cell in line.strip("|").split("|")[:3])) for line in table.splitlines()[2:]]


class Case(NamedTuple):
    provoke: object
    takes_long: bool
    real: tuple


CASES = {}


def case(codes, texts="", takes_long=False, real=()):
    """Of the row with these two cells. real: tests on real nodes that expect the same, as
    "module.function"."""
    def add(function):
        assert (codes, texts) not in CASES, function.__name__
        CASES[codes, texts] = Case(function, takes_long, (real,) if isinstance(real, str) else real)
        return function
    return add


class Worlds:
    """Simulated lightningds. When one ends, it must be as if nothing had happened, unless it is said what is left."""

    def __init__(self, make, plugin):
        self.make, self.plugin = make, plugin
        self.asked = 0  # peers

    @contextlib.contextmanager
    def __call__(self, peers=PLAIN, after=None, **scenario):
        """after: what is left, as check_after has it; False: not looked at."""
        with self.make({"peers": peers, **scenario}) as world:
            yield world
            if after is not False:
                world.check_after(after or {})
                self.asked += calls(world, "fundchannel_start")

    def faulty(self, method, what="refused", **fault):
        """The error of a batch when lightningd fails in this call, each time."""
        with self(rpc_faults=[{"what": what, "method": method, "count": 100, **fault}]) as w:
            return failure(w)


def destination(w, name, **fields):
    return {"id": f"{w.ids[name]}@{w.addresses[name]}", "amount": AMOUNT, **fields}


def failure(w, first=None, method="multifundchannel", **options):
    """The error of a batch to all peers. first: fields of the first destination."""
    destinations = [destination(w, name, **((first or {}) if i == 0 else {})) for i, name in enumerate(w.ids)]
    with pytest.raises(RpcError) as caught:
        w.rpc(method, {"destinations": destinations, **options})
    return caught.value


def until(found):
    """What `found` returns as soon as it is something."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    return pytest.fail("in vain")


def failure_while(w, meddle, **more):
    """The error of a batch while this is done."""
    error, done = in_parallel([lambda: failure(w, **more), meddle])
    assert not isinstance(done, Exception), done
    return error


def calls(w, method):
    return w.rpc("sim-state", {})["calls"].get(method, 0)


def running_batch(w):
    """Its id, once a batch runs."""
    return until(lambda: w.rpc("listmultifundchannels", {})["batches"])[0]["batch"]


# --- Parameters ---


@case("-32602", "the parameter's name first")
def parameter(worlds):
    with worlds() as w:
        for name, value in {"amount": "nope", "announce": "maybe", "push_msat": "x"}.items():
            error = failure(w, {name: value})
            assert error.message.startswith(f"destinations[0].{name}: "), error
            yield error
        for name, value in {"feerate": "quick", "commitment_feerate": "quick", "minchannels": 0}.items():
            error = failure(w, **{name: value})
            # lightningd's own words about a feerate begin with 'feerate'.
            assert re.match(f"'?{name}\\b", error.message), error
            yield error


@case("-32602", "`cannot be read: at byte`")
def nested(worlds):
    value = []
    for _ in range(150):
        value = [value]
    with Plugin(worlds.plugin) as plugin:  # the simulation's socket takes nothing of that kind
        answer = plugin.ask("check", {"command_to_check": "multifundchannel-spark", "destinations": value})
        yield RpcError("check", answer["error"])


@case("-32602", "`outputs[0].address: `", real="test_payments.test_addresses_are_judged_as_bitcoind_does")
def payment_address(worlds):
    with worlds() as w:
        for address in (PAYEE[:-1] + "q", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "me"):
            yield failure(w, outputs=[{"address": address, "amount": 1000}])


@case("-32602", "`Insufficient funds for`")
def shares(worlds):
    with worlds(wallet={"coins": [{"sat": AMOUNT + 10_000}]}) as w:
        yield failure(w, {"amount": "all"})
        yield failure(w, {"amount": "0.1%"})


@case("-32602", "`max_fee: `, `max_feerate: `", real="test_amounts.test_fee_cap")
def caps(worlds):
    with worlds() as w:
        yield failure(w, max_fee=1)
        yield failure(w, max_feerate=253)


@case("-32602", "`feerate: the fee would be`", real=("test_refusals.test_above_the_limit_of_bitcoind",
                                                     "test_refusals.test_below_and_at_the_floor"))
def bounds(worlds):
    with worlds(floor=2500) as w:
        for feerate, bound in (("3000000perkw", "0.1 BTC for 1,000 vbytes"), ("300perkw", "floor of 2500 perkw")):
            error = failure(w, feerate=feerate)
            assert bound in error.message, error
            yield error
        named = re.search(r"ask for (\d+perkw)", error.message)[1]
        w.rpc("multifundchannel", {"destinations": [destination(w, name) for name in w.ids], "feerate": named})


@case("-32602", "`this is our own node`", real="test_early_errors.test_own_node")
def own_node(worlds):
    with worlds() as w:
        yield failure(w, {"id": w.rpc("getinfo", {})["id"]})


@case("-32602", "`channel_type not supported`", real="test_early_errors.test_channel_type")
def channel_type(worlds):
    with worlds() as w:
        yield failure(w, {"channel_type": [12, 99]})


@case("-1", "`close_to: `", real="test_early_errors.test_close_to")
def close_to(worlds):
    with worlds() as w:
        yield failure(w, {"close_to": "nonsense"})
        yield failure(w, {"close_to": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"})


@case("-32602, -1", "`malformed host`, `not valid`", real="test_early_errors.test_address")
def address(worlds):
    with worlds() as w:
        yield failure(w, {"id": w.ids["a"] + "@127.0.0.1:0"})
    yield worlds.faulty("connect", text="Host some.name:9735 not valid: Unable to resolve some.name")


@case("-32602, 301", "`is the largest that works`", real=("test_early_errors.test_push_that_no_peer_can_take",
                                                          "test_early_errors.test_largest_push"))
def push(worlds):
    with worlds() as w:
        yield failure(w, {"push_msat": AMOUNT * 1000})
    # At these feerates an opening without anchors is the dearer one: only that peer takes less.
    with worlds([{"name": "a", "features": NO_ANCHORS}, {"name": "b"}]) as w:
        yield failure(w, {"push_msat": (AMOUNT - 5000) * 1000})


@case("302")
def dust(worlds):
    """The row says that this code does not come."""
    with worlds() as w:
        error = failure(w, {"amount": 545})
        assert error.code == -32602 and "destinations[0].amount: " in error.message, error
        w.rpc("check", {"command_to_check": "multifundchannel-spark",
                        "destinations": [destination(w, "a", amount=546)]})
    yield from ()


@case("310", "`v2 (dual funding) is not supported`")
def liquidity_ads(worlds):
    with worlds() as w:
        yield failure(w, {"request_amt": 1000, "compact_lease": "029a00"})
        yield failure(w, {"compact_lease": "029a00"})


# --- Coins and fees ---


@case("301", "`Could not afford`, `could not afford fees`", real="test_failures.test_not_enough_money")
def too_little(worlds):
    with worlds(wallet={"coins": [{"sat": AMOUNT}, {"sat": AMOUNT * 9, "confirmed": False},
                                  {"sat": AMOUNT * 9, "reserved_by_others": 100}]},
                after={"reserved": 1}) as w:
        error = failure(w)
        assert re.search(r"unconfirmed|confirmation", error.message) and "reserved" in error.message, error
        yield error
    with worlds(wallet={"coins": [{"sat": AMOUNT}, {"sat": AMOUNT * 9}]}) as w:
        coin = next(c for c in w.rpc("listfunds", {})["outputs"] if c["amount_msat"] == AMOUNT * 1000)
        error = failure(w, utxos=[f"{coin['txid']}:{coin['output']}"])
        assert "could be given, too" in error.message, error
        yield error
    with worlds(PLAIN[:1], wallet={"coins": [{"sat": 400}]}) as w:
        yield failure(w, {"amount": "all"}, feerate="253perkw")


@case("313", "`min-emergency-msat`")
def emergency(worlds):
    with worlds(wallet={"coins": [{"sat": 2 * AMOUNT + 20_000}, {"sat": AMOUNT, "confirmed": False}]}) as w:
        error = failure(w)
        assert f"1 coins ({AMOUNT} sat) unconfirmed" in error.message, error
        yield error


@case("304", "`still syncing`")
def syncing(worlds):
    yield worlds.faulty("fundpsbt", code=304, text="Cannot afford: still syncing with bitcoin network...")


@case("-1", "`Cannot estimate fees`", real="test_early_errors.test_no_estimates")
def no_estimates_for_commitments(worlds):
    with worlds(feerate=0) as w:
        yield failure(w, feerate="7500perkw")


@case("501", "`Cannot estimate fees`")
def no_estimates(worlds):
    with worlds(feerate=0) as w:
        yield failure(w)


@case("-1", "`was taken by another program meanwhile`")
def coin_taken(worlds):
    def take():
        until(lambda: calls(w, "fundchannel_start") == 2)
        coin = w.rpc("listfunds", {})["outputs"][0]
        psbt = w.rpc("utxopsbt", {"satoshi": 1000, "feerate": "253perkw", "startweight": 0, "reserve": 0,
                                  "reservedok": True, "utxos": [f"{coin['txid']}:{coin['output']}"]})["psbt"]
        w.rpc("unreserveinputs", {"psbt": psbt, "reserve": 1000})
        w.rpc("reserveinputs", {"psbt": psbt, "reserve": 5})

    with worlds(SLOW, after={"reserved": 1}) as w:
        yield failure_while(w, take)


# --- Peers ---


@case("-1", "`timeout: the peer did not answer`")
def silent(worlds):
    with worlds([{"name": "a", "fault": {"phase": "start", "kind": "silent"}}, {"name": "b"}]) as w:
        yield failure(w, peer_timeout=1)
    with worlds([{"name": "a", "fault": {"phase": "connect", "kind": "silent"}}, {"name": "b"}]) as w:
        yield failure(w, peer_timeout=1)
        error = failure(w, peer_timeout=1)
        assert "earlier" in error.message, error
        yield error


@case("-1", "`They sent`", real="test_failures.test_one_peer")
def refused(worlds):
    for phase in ("start", "complete"):
        with worlds([{"name": "a", "fault": {"phase": phase, "kind": "refuse", "text": "too small for me"}},
                     {"name": "b"}]) as w:
            error = failure(w)
            assert error.message.endswith("too small for me"), error
            yield error


@case("-1", "`Owning subdaemon`, `isconnected`")
def connection_lost(worlds):
    with worlds([{"name": "a", "fault": {"phase": "start", "kind": "disconnect"}}, {"name": "b"}]) as w:
        yield failure(w)
    yield worlds.faulty("fundchannel_start", text="Disconnected")  # when the peer has connected again


@case("-1", "`Already funding channel`, `Have in-progress`")
def busy(worlds):
    with worlds(after={"opening": 1}) as w:
        w.rpc("connect", {"id": w.ids["a"]})
        w.rpc("fundchannel_start", {"id": w.ids["a"], "amount": AMOUNT})
        yield failure(w)
    yield worlds.faulty("fundchannel_start", text="Have in-progress `open_channel` from peer")


@case("-32602, -1", "`Not opening because`", real="test_early_errors.test_largest_reserve")
def reserve(worlds):
    with worlds() as w:
        error = failure(w, {"reserve": AMOUNT // 2})
        assert error.code == -32602 and error.message.startswith("destinations[0].reserve: "), error
        yield error
    yield worlds.faulty("fundchannel_start", text="Not opening because if they used the same setting as us (reserve of "
                        "500000sat), this channel's capacity would be below the minimum")


@case("-1", "`the channel vanished`")
def vanished(worlds):
    with worlds([{**SLOW[0], "fault": {"phase": "opened", "kind": "refuse"}}, SLOW[1]]) as w:
        yield failure(w)


@case("300", "`Amount exceeded`")
def too_large(worlds):
    with worlds([{"name": "a", "features": ONLY_SMALL_CHANNELS}, {"name": "b"}]) as w:
        yield failure(w, {"amount": 16_777_216})


@case("301", "`keep_change: `", real="test_payments.test_change_that_is_to_stay")
def change_to_keep(worlds):
    with worlds(wallet={"coins": [{"sat": 2 * AMOUNT + 50_000}]}) as w:
        yield failure(w, keep_change=AMOUNT)


@case("301", "`Requested to push_msat of`")
def push_above_the_amount(worlds):
    with worlds() as w:
        yield failure(w, {"push_msat": AMOUNT * 1000 + 1})


@case("305, 306, -1", "`not connected`, `Unknown peer`, `No channel funding in progress`")
def left(worlds):
    """In the moment in which it was to complete: who leaves before is noticed."""
    for code, text in ((305, "Peer not connected"), (306, "Unknown peer"), (-1, "No channel funding in progress.")):
        error = worlds.faulty("fundchannel_complete", code=code, text=text)
        assert error.code == code, error
        yield error


@case("305", "`hung up while it waited`", real="test_failures.test_one_peer")
def hung_up(worlds):
    for channels in ([], [{}]):  # lightningd remembers a peer that it has a channel with
        with worlds([{"name": "a", "connected": True, "channels": channels, "fault": {"phase": "started", "kind": "disconnect"}},
                     {"name": "b", "connected": True, "delay_ms": 300}], after=False if channels else None) as w:
            yield failure(w)


@case("-1", "`Number of pending channels exceed`, `pending limit: `")
def pending_limit(worlds):
    lnd = [{"name": name, "kind": "lnd"} for name in "ab"]
    lnd[1]["fault"] = {"phase": "complete", "kind": "refuse", "once": True}
    with worlds([*lnd, {"name": "c"}, {"name": "d"}], after=False) as w:
        error = failure(w, minchannels=3)
        assert "until block" in error.message, error
        yield error
        error = failure(w, minchannels=4)
        assert "They sent" in error.message and "lncli abandonchannel" in error.message, error
        yield error


@case("309", "`to open channel`")
def bad_transaction(worlds):
    def begin_in_its_place():
        until(lambda: calls(w, "fundchannel_start") == 2)
        w.rpc("fundchannel_cancel", {"id": w.ids["a"]})
        w.rpc("fundchannel_start", {"id": w.ids["a"], "amount": AMOUNT + 1})

    with worlds(SLOW, after=False) as w:
        yield failure_while(w, begin_in_its_place)


@case("312", "`option_dual_fund`")
def dual_funding(worlds):
    """Under the own name only: what is called multifundchannel is left to the builtin on such a node."""
    with worlds([{"name": "a", "features": DUAL_FUNDING}, {"name": "b"}], features=DUAL_FUNDING) as w:
        yield failure(w, method="multifundchannel-spark")


@case("400", "`no address known`", real="test_failures.test_one_peer")
def no_address(worlds):
    with worlds([{"name": "a", "address_known": False}, {"name": "b"}]) as w:
        yield failure(w, {"id": w.ids["a"]})


@case("401", "`All addresses failed`", real="test_failures.test_one_peer")
def unreachable(worlds):
    with worlds([{"name": "a", "fault": {"phase": "connect", "kind": "refuse"}}, {"name": "b"}]) as w:
        error = failure(w)
        assert "Connection refused" in error.message, error
        yield error


@case("402", "`disconnected during connection`")
def hung_up(worlds):
    yield worlds.faulty("connect", code=402, text="disconnected during connection")


# --- Sending ---


@case("303", "`was signed, but sending it was not confirmed`", real="test_sending.test_bitcoind_is_down_for_sendpsbt")
def in_doubt(worlds):
    with worlds(broadcast="fails", after=False) as w:
        yield failure(w)
        state = w.rpc("sim-state", {})
        assert len(state["channels"]) == 2 and not state["sent"] and not state["violations"], state


@case("303", "`bitcoind refused the funding transaction`",
      real=("test_refusals.test_refused_with_one_channel_is_undone",
            "test_refusals.test_refused_with_several_channels_is_kept_and_sent_in_the_end"))
def not_taken(worlds):
    with worlds(PLAIN[:1], broadcast="refused") as w:
        yield failure(w)
    with worlds(broadcast="refused", after=False) as w:
        error = failure(w)
        assert "multifundchannel-abort" in error.message, error
        yield error
        assert len(w.rpc("sim-state", {})["channels"]) == 2


# --- Labels ---


@case("-32602", "`label: batch`", real="test_labels.test_asked_twice")
def label_of_another(worlds):
    with worlds(after=False) as w:
        asked = {"destinations": [destination(w, "a")], "label": "rent"}
        w.rpc("multifundchannel", asked)
        for change in ({"minconf": 0}, {"dryrun": True}):
            with pytest.raises(RpcError) as caught:
                w.rpc("multifundchannel", {**asked, **change})
            yield caught.value


@case("303", "`label: batch`")
def label_in_doubt(worlds):
    with worlds(broadcast="fails", after=False) as w:
        assert failure(w, label="rent").code == 303
        yield failure(w, label="rent")


@case("-1", "`label: `", takes_long=True)
def label_not_known(worlds):
    with worlds(rpc_faults=[{"what": "refused", "method": "listdatastore", "count": 100}]) as w:
        yield failure(w, label="rent")


# --- lightningd and its plugins ---


@case("-1", "`lightningd is shutting down`")
def node_stopped(worlds):
    """It takes no new connections then: so the plugin knows that not only itself is stopped."""
    def stop():
        until(lambda: calls(w, "fundchannel_start") == 2)
        os.rename(os.path.join(w.directory, "lightning-rpc"), os.path.join(w.directory, "elsewhere"))
        with contextlib.suppress(ConnectionError):
            RpcSocket(w.directory, "elsewhere").call("sim-shutdown")

    with worlds(SLOW, after=False) as w:
        error = failure_while(w, stop)
        assert "settled when it starts again" in error.message, error
        yield error


@case("-1", "`the plugin was stopped`")
def plugin_stopped(worlds):
    def stop():
        until(lambda: calls(w, "fundchannel_start") == 2)
        with contextlib.suppress(ConnectionError):  # the simulation ends with the plugin
            w.rpc("sim-shutdown", {})

    with worlds(SLOW, after=False) as w:
        error = failure_while(w, stop)
        assert error.message.endswith(" is undone"), error
        yield error


@case("-3")
def other_plugin(worlds):
    yield worlds.faulty("fundchannel_start", code=-3, text="somewhat.py: failed")


@case("-4", "`Plugin terminated`")
def plugin_ended(worlds):
    def kill():
        until(lambda: calls(w, "fundchannel_start") == 2)
        with open(f"/proc/{w.proc.pid}/task/{w.proc.pid}/children", encoding="ascii") as f:
            os.kill(int(f.read().split()[0]), signal.SIGKILL)

    with worlds(SLOW, after=False) as w:
        yield failure_while(w, kill)


@case("-1", "`makesecret`", takes_long=True)
def no_key(worlds):
    yield worlds.faulty("makesecret", text="hsmd said no")


@case("1202, 1203, 1204, 1205, 1206", "`cannot be recorded in lightningd's datastore`")
def not_recorded(worlds):
    def put(w, *key, **more):
        w.rpc("datastore", {"key": list(key), "string": "x", **more})

    def remove(w, *key):
        w.rpc("deldatastore", {"key": list(key)})

    def first(w, *below):
        put(w, *RECORDS, running_batch(w), *below)

    def later(w, *deeds):
        key = [*RECORDS, running_batch(w)]
        until(lambda: calls(w, "fundchannel_start") == 2)
        for deed in deeds:
            deed(w, key)

    with worlds() as w:
        put(w, *RECORDS[:1])
        yield failure(w)
    for below in ([], ["below"]):
        with worlds(rpc_faults=[{"what": "held-up", "method": "parsefeerate", "delay_ms": 1000}]) as w:
            yield failure_while(w, lambda: first(w, *below))
    for deeds in ([lambda w, key: remove(w, *key)], [lambda w, key: put(w, *key, mode="must-replace")],
                  [lambda w, key: remove(w, *key), lambda w, key: put(w, *key, "below")]):
        with worlds(SLOW) as w:
            yield failure_while(w, lambda: later(w, *deeds))


@case("-32090, -32091, -32092",
      "`did not answer`, `connection to lightningd lost`, `cannot connect to`, `unexpected reply`", takes_long=True)
def no_answer(worlds):
    yield worlds.faulty("parsefeerate", what="stuck")
    with worlds(rpc_faults=[{"what": "unreadable", "method": "fundpsbt"}], after={"reserved": 1}) as w:
        yield failure(w)
        coin, = w.rpc("listfunds", {})["outputs"]
        assert coin["reserved_to_block"] == w.rpc("getinfo", {})["blockheight"] + 12, coin
    with worlds(rpc_faults=[{"what": "cut", "method": "parsefeerate"}]) as w:
        os.rename(os.path.join(w.directory, "lightning-rpc"), os.path.join(w.directory, "elsewhere"))
        w.socket.name = "elsewhere"  # the plugin does not know
        yield failure(w)
        yield failure(w)


# --- The tests ---


def key_of(row):
    return row.codes, row.texts


@pytest.fixture(scope="module")
def long_ones(world, request, pytestconfig):
    """What waits for a minute runs beside the others."""
    wanted = {item.callspec.params.get("row") for item in request.session.items
              if item.path == request.path and hasattr(item, "callspec")}
    with ThreadPoolExecutor() as pool:
        yield {row: pool.submit(provoke, row, world, pytestconfig.option.plugin) for row in wanted
               if row and key_of(row) in CASES and CASES[key_of(row)].takes_long}


def provoke(row, world, plugin):
    """The errors, and how many peers were asked."""
    worlds = Worlds(world, plugin)
    return list(CASES[key_of(row)].provoke(worlds)), worlds.asked


def test_every_row_has_one_case():
    assert [key_of(row) for row in rows() if key_of(row) not in CASES] == [], "rows without a case"
    assert sorted(CASES.keys() - {key_of(row) for row in rows()}) == [], "cases without a row"
    assert len(rows()) == len(CASES)


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.codes} {row.texts}".replace("`", ""))
def test_row(row, world, long_ones, pytestconfig):
    plugin = pytestconfig.option.plugin
    errors, asked = long_ones[row].result() if row in long_ones else provoke(row, world, plugin)
    if re.search(r"No peer was asked|Nothing (has happened|was done)", row.means):
        assert not asked
    for error in errors:
        print(error)
        if "failed" in (error.data or {}):
            assert error.data["id"] and error.data["method"], error
        assert error.code in row.numbers(), error
        assert not row.quoted() or any(text in error.message for text in row.quoted()), error
    if row.codes == "302":
        assert not errors and "here that is -32602" in row.means
        return
    assert {error.code for error in errors} == row.numbers()
    assert not [text for text in row.quoted() if not any(text in error.message for error in errors)]


@pytest.mark.parametrize("name", sorted({name for one in CASES.values() for name in one.real}))
def test_on_real_nodes_is_there(name):
    module, function = name.split(".")
    assert callable(getattr(importlib.import_module(module), function))
