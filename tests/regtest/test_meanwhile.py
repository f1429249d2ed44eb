"""What happens between a crash and the plugin's next start: other users of the wallet take, free or spend the inputs,
and the node starts without us. What is not ours is left alone, and nothing is sent that is not complete."""
import json
from dataclasses import dataclass
from typing import Callable

from bench import NOT_FOUND, error_of
from marks import builtin_fails, since, slow
from outcomes import OPENED, UNDONE, check_batches, check_channels, check_coins
from regtest import older_than, wait_for
from test_recovery import Case, run_side_by_side

pytestmark = builtin_fails("has no journal")

BLOCKS = 30
ALL_BLOCKS = 5000  # more than any reservation
COMPLETE = ("fundchannel_complete", 3, "answered")
READY = ("signpsbt", 1, "asked")


def psbt_of(node, outpoints):
    return node.rpc("utxopsbt", satoshi=0, feerate="253perkw", startweight=0, utxos=outpoints, reserve=0,
                    reservedok=True, excess_as_change=True)["psbt"]


def unreserve(node, outpoints):
    node.rpc("unreserveinputs", psbt=psbt_of(node, outpoints), reserve=ALL_BLOCKS)


def reserved_to(node, outpoint):
    """0: not reserved."""
    return next((o.get("reserved_to_block", 0) for o in node.rpc("listfunds")["outputs"]
                 if f"{o['txid']}:{o['output']}" == outpoint), 0)


# --- The meddlers: each gets the node and the inputs. They return the outpoint that is theirs afterwards, if any. ---

def reserves_one_as_well(node, inputs):
    node.rpc("reserveinputs", psbt=psbt_of(node, inputs[:1]), exclusive=False, reserve=BLOCKS)
    return inputs[0]


def frees_all(node, inputs):
    unreserve(node, inputs)


def takes_one(node, inputs):
    unreserve(node, inputs[:1])
    node.rpc("reserveinputs", psbt=psbt_of(node, inputs[:1]), exclusive=True, reserve=BLOCKS)
    return inputs[0]


def spends_one(node, inputs):
    unreserve(node, inputs[:1])
    address = node.rpc("newaddr", addresstype="p2tr")["p2tr"]
    node.rpc("withdraw", destination=address, satoshi="all", utxos=inputs[:1])
    return inputs[0]


def does_nothing(_node, _inputs):
    return None


@dataclass
class Meanwhile(Case):
    """The node starts without the plugin, which starts after the meddler was there."""
    meddle: Callable = does_nothing
    theirs: str = ""  # the outpoint that is the meddler's
    theirs_until: int = 0

    def label(self):
        return f"{super().label()}, {self.meddle.__name__}"

    def crash(self):
        with_plugin, self.victim.node.options = self.victim.node.options, self.victim.options
        super().crash()
        self.with_plugin = with_plugin

    def restart(self):
        victim, node = self.victim, self.victim.node
        if self.deed == "node":
            node.wait_up().sync()  # it reads the last blocks again; a reservation counts from its height
        node.options = self.with_plugin
        stored, = victim.records()
        record = json.loads(stored["string"])
        inputs = sorted(record["inputs"])
        wait_for(lambda: all(reserved_to(node, i) for i in inputs), "the inputs", 20)
        self.check_not_sent(record["txid"])
        self.theirs = self.meddle(node, inputs) or ""
        if self.theirs:
            self.theirs_until = reserved_to(node, self.theirs)
            victim.coins_before.pop(self.theirs)
        victim.held = set() if self.theirs else set(inputs)
        victim.start_plugin()

    def check_not_sent(self, txid):
        victim = self.victim
        assert len(victim.node.channels()) == len(victim.peers)
        for channel in victim.node.channels():
            assert older_than("25.12") or channel["funding"]["withheld"] is True, channel["funding"]
        error = error_of(victim.bench.transaction, txid)
        assert error.code == NOT_FOUND, error

    def check_settled(self):
        victim = self.victim
        victim.wait_settled()
        check_batches(victim, {frozenset(p.id for p in victim.peers): self.outcome})
        if self.theirs:
            until = reserved_to(victim.node, self.theirs)
            assert until == self.theirs_until, f"theirs until block {self.theirs_until}, now {until}"

    def check_confirmed(self):
        if self.theirs and self.theirs in self.victim.node.reserved():
            unreserve(self.victim.node, [self.theirs])
        super().check_confirmed()


class StartsAlone(Meanwhile):
    """Beside spenderp, which sends at its start what is unsent and not withheld; lightningd does so at each block.
    And the first batch after the start finds peers that hold channels which we have lost."""

    def restart(self):
        self.victim.node.wait_up().sync()
        self.victim.bench.net.mine(1)
        super().restart()

    def check_again(self):
        self.victim.open_again()
        self.victim.check_peers()


class RightAway(Case):
    """The first batch comes before the one that was hit is settled, and meets peers that hold channels of that."""

    def restart(self):
        victim = self.victim
        victim.node.wait_up().sync()
        destinations = victim.destinations()
        self.result = victim.bench.multifundchannel(destinations, victim.node)
        victim.bench.check_opened(self.result, destinations, victim.node)

    def check_settled(self):
        victim, txid = self.victim, self.result["txid"]
        victim.wait_settled()
        assert victim.opened() == txid, f"not only {txid}"
        check_channels(victim, txid, {p.id for p in victim.peers})
        inputs = {f"{i['txid']}:{i['vout']}" for i in victim.bench.transaction(txid)["vin"]}
        check_coins(victim.node, victim.coins_before.keys() - inputs)

    def check_again(self):
        self.victim.check_peers()


def meanwhile(point, outcome, *meddlers, deeds=("plugin", "node")):
    return [lambda deed=deed, m=m: Meanwhile(*point, deed, outcome, meddle=m) for m in meddlers for deed in deeds]


EARLY = meanwhile(COMPLETE, UNDONE, reserves_one_as_well, frees_all, takes_one, spends_one)
LATE = [*meanwhile(READY, OPENED, frees_all), *meanwhile(READY, UNDONE, reserves_one_as_well, takes_one, spends_one)]
ALONE = [lambda p=p, o=o: StartsAlone(*p, "node", o) for p, o in
         ((COMPLETE, UNDONE), (("datastore", 4, "asked"), UNDONE), (READY, OPENED), (("sendpsbt", 1, "asked"), OPENED))]
RIGHT_AWAY = [lambda p=p: RightAway(*p, "node", UNDONE) for p in
              (COMPLETE, ("fundchannel_complete", 1, "answered"), ("fundchannel_complete", 3, "forwarded"),
               ("datastore", 4, "asked"))]


NOT_KNOWN = since("25.12", "a batch that was ready to be sent stays unsettled when a coin of it is gone")


def hit(bench, table):
    run_side_by_side(bench, [make() for make in table])


def test_somebody_meddles_with_the_inputs_after_a_crash(bench):
    hit(bench, [EARLY[0], EARLY[5], EARLY[6]])


@NOT_KNOWN
def test_somebody_meddles_with_the_inputs_of_what_was_ready_after_a_crash(bench):
    hit(bench, [LATE[1], LATE[4], LATE[7]])


def test_the_node_starts_without_us_after_a_crash(bench):
    hit(bench, ALONE)


@slow("more of the same")
def test_somebody_meddles_with_the_inputs_of_what_was_not_ready(bench):
    hit(bench, EARLY)


@NOT_KNOWN
@slow("more of the same")
def test_somebody_meddles_with_the_inputs_of_what_was_ready(bench):
    hit(bench, LATE)


@slow("more of the same")
def test_a_batch_right_after_a_crash(bench):
    hit(bench, RIGHT_AWAY)
