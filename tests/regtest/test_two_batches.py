"""Two batches of one node are in flight when the plugin or the node is killed: neither costs the other anything."""
from dataclasses import dataclass

from marks import builtin_fails, cancels_one_of_two, slow
from outcomes import OPENED, UNDONE, check_batches
from test_recovery import Case, run_side_by_side

pytestmark = builtin_fails("has no journal")

# The first is held there: nothing of it is under way but this message, which never arrives.
ALL_STARTED = ("datastore", 3, "asked", UNDONE)
SECURED = ("datastore", 4, "asked", UNDONE)
READY = ("signpsbt", 1, "asked", OPENED)


@dataclass
class TwoBatches(Case):
    """method, n, when and outcome are the second's."""
    first: tuple = READY
    shared: bool = True  # one peer is in both

    def label(self):
        return f"first at {self.first}, {super().label()}, {'shared' if self.shared else 'other'} peer"

    def peers(self):
        one, two, three = self.victim.peers
        return ([one, two] if self.shared else [one]), [two, three]

    def crash(self):
        victim = self.victim
        method, n, when, _ = self.first
        first_peers, second_peers = self.peers()
        victim.arm(method, when, "hold", n)
        first = victim.begin(victim.destinations(first_peers))
        victim.wait_reached()
        victim.arm(self.method, self.when, self.deed, self.n)
        second = victim.begin_another(victim.destinations(second_peers))
        victim.wait_reached()
        if self.deed == "node":
            victim.node.proc.wait(30)
        else:
            victim.held = victim.node.reserved()
        first.wait()
        second.wait()

    def check_settled(self):
        self.victim.wait_settled()
        first, second = (frozenset(p.id for p in peers) for peers in self.peers())
        check_batches(self.victim, {first: self.first[3], second: self.outcome})


def two(first, method, n, when, outcome, shared=True):
    return [lambda deed=deed: TwoBatches(method, n, when, deed, outcome, first=first, shared=shared)
            for deed in ("plugin", "node")]


# Both channels with the shared peer may await lock-in, and lightningd's cancel takes whichever came first.
SHARING = [*two(READY, "fundchannel_complete", 2, "answered", UNDONE),
           *two(SECURED, "sendpsbt", 1, "forwarded", OPENED),
           *two(SECURED, "fundchannel_complete", 2, "answered", UNDONE)]
MORE_SHARING = [*two(READY, "fundchannel_start", 2, "answered", UNDONE),
                *two(READY, "signpsbt", 1, "answered", OPENED),
                *two(SECURED, "fundchannel_start", 2, "forwarded", UNDONE)]
APART = [*two(ALL_STARTED, "fundchannel_complete", 2, "answered", UNDONE, shared=False),
         *two(ALL_STARTED, "sendpsbt", 1, "forwarded", OPENED, shared=False),
         *two(READY, "fundchannel_start", 2, "answered", UNDONE, shared=False)]


def hit(bench, table):
    run_side_by_side(bench, [make() for make in table])


@cancels_one_of_two
def test_two_batches_with_a_shared_peer_are_hit(bench):
    hit(bench, SHARING)


@cancels_one_of_two
@slow("more of the same")
def test_two_batches_with_a_shared_peer_are_hit_at_other_points(bench):
    hit(bench, MORE_SHARING)


@slow("more of the same")
def test_two_batches_with_different_peers_are_hit(bench):
    hit(bench, APART)
