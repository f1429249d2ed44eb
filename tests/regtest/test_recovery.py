"""kill -9 of the plugin and of the whole node at every step of a batch: after a restart all is there, or nothing is.

The cases of a test run side by side, each on a node of its own (victims.py).
"""
from dataclasses import dataclass, field

from marks import builtin_fails, cases
from outcomes import EITHER, OPENED, ORPHAN, UNDONE
from regtest import in_parallel, older_than, wait_for
from victims import DESTINATIONS, victims_of

REFUSAL = ("complete", "refuse")

# test -> (method, n, when, outcome[, outcome when it is the node that is killed])
POINTS = {
    "before anything": [
        ("datastore", 1, "asked", UNDONE), ("datastore", 1, "forwarded", UNDONE), ("datastore", 1, "answered", UNDONE)],
    "reserving": [
        ("fundpsbt", 1, "asked", UNDONE), ("fundpsbt", 1, "forwarded", ORPHAN), ("fundpsbt", 1, "answered", ORPHAN)],
    "recording the reservation": [
        ("datastore", 2, "asked", ORPHAN), ("datastore", 2, "forwarded", UNDONE, ORPHAN),
        ("datastore", 2, "answered", UNDONE)],
    "starting": [
        ("fundchannel_start", 1, "asked", UNDONE), ("fundchannel_start", 3, "forwarded", UNDONE),
        ("fundchannel_start", 2, "answered", UNDONE)],
    "all started": [
        ("fundchannel_start", 3, "answered", UNDONE), ("fundchannel_start", 3, "delivered", UNDONE),
        ("datastore", 3, "asked", UNDONE)],
    "recording the transaction": [
        ("datastore", 3, "forwarded", UNDONE), ("datastore", 3, "answered", UNDONE), ("reserveinputs", 1, "asked", UNDONE)],
    "reserving for longer": [
        ("reserveinputs", 1, "forwarded", UNDONE), ("reserveinputs", 1, "answered", UNDONE),
        ("fundchannel_complete", 1, "asked", UNDONE)],
    "completing": [
        ("fundchannel_complete", 1, "forwarded", UNDONE), ("fundchannel_complete", 3, "forwarded", UNDONE),
        ("fundchannel_complete", 1, "answered", UNDONE)],
    "two and three complete": [
        ("fundchannel_complete", 2, "answered", UNDONE), ("fundchannel_complete", 3, "answered", UNDONE),
        ("datastore", 4, "asked", UNDONE)],
    "recording that all are secured": [
        # lightningd v24.08 leaves what it has not read of a plugin that dies.
        ("datastore", 4, "forwarded", EITHER if older_than("25.02") else OPENED, EITHER), ("datastore", 4, "answered", OPENED),
        ("listpeerchannels", 1, "asked", OPENED)],
    "signing": [
        ("signpsbt", 1, "asked", OPENED), ("signpsbt", 1, "answered", OPENED), ("listpeerchannels", 2, "answered", OPENED)],
    "sending": [
        ("sendpsbt", 1, "asked", OPENED), ("sendpsbt", 1, "forwarded", OPENED), ("sendpsbt", 1, "answered", OPENED)],
    "sending, a moment later": [
        ("sendpsbt", 1, "forwarded", OPENED, OPENED, 0.002), ("sendpsbt", 1, "forwarded", OPENED, OPENED, 0.005),
        ("sendpsbt", 1, "delivered", OPENED)],
    "removing the record": [
        ("deldatastore", 1, "asked", OPENED), ("deldatastore", 1, "forwarded", OPENED),
        ("deldatastore", 1, "answered", OPENED)],
}
# One peer refuses in complete: too few are left.
UNDO_POINTS = {
    "cancelling": [
        ("fundchannel_cancel", 1, "asked", UNDONE), ("fundchannel_cancel", 1, "forwarded", UNDONE),
        ("fundchannel_cancel", 2, "answered", UNDONE)],
    "unreserving": [
        ("unreserveinputs", 1, "asked", UNDONE), ("unreserveinputs", 1, "forwarded", UNDONE),
        ("unreserveinputs", 1, "answered", UNDONE)],
}
# One peer refuses in complete, and two are enough.
AGAIN_POINTS = {
    "forgetting the transaction": [
        ("datastore", 4, "asked", UNDONE), ("fundchannel_cancel", 1, "asked", UNDONE),
        ("fundchannel_cancel", 2, "answered", UNDONE)],
    "starting over": [
        ("datastore", 5, "answered", UNDONE), ("fundchannel_start", 5, "answered", UNDONE),
        ("datastore", 6, "answered", UNDONE)],
    "with the rest": [
        ("fundchannel_complete", 5, "answered", UNDONE), ("datastore", 7, "answered", OPENED),
        ("sendpsbt", 1, "forwarded", OPENED)],
}
# The rest runs with --slow.
QUICK = ("reserving", "starting", "completing", "recording that all are secured", "sending", "cancelling")


@dataclass
class Case:
    method: str
    n: int
    when: str
    deed: str
    outcome: str
    delay: float = 0.0
    options: dict = field(default_factory=dict)
    victim: object = None
    error: str = ""

    def label(self):
        return f"{self.deed} killed, {self.method} #{self.n} {self.when} +{self.delay:g}"

    def guarded(self, step):
        """A case that failed does not disturb the others."""
        if not self.error:
            try:
                step()
            except Exception as e:
                self.error = f"{self.label()}: {type(e).__name__}: {e}\n{self.victim.story()}"

    def crash(self):
        self.victim.crash(self.method, self.when, self.deed, self.n, self.delay, **self.options)

    def restart(self):
        if self.deed == "node":
            self.victim.node.wait_up()
            self.victim.held = self.victim.node.reserved()
        else:
            self.victim.start_plugin()

    def check_settled(self):
        victim = self.victim
        victim.wait_settled()
        opened = victim.opened()
        assert self.outcome == EITHER or bool(opened) == (self.outcome == OPENED), f"{opened}, not {self.outcome}"
        if opened:
            victim.check_opened(self.options.get("minchannels", DESTINATIONS))
        else:
            victim.check_undone(self.outcome == ORPHAN)

    def check_again(self):
        if self.deed == "node":
            self.victim.meet_peers()
        self.victim.open_again()
        self.victim.check_peers()

    def check_confirmed(self):
        victim = self.victim
        victim.check_normal()
        wait_for(lambda: len(victim.node.coins()) > 0, "coins", 10)


def run_side_by_side(bench, lives, fault=None):
    for case, victim in zip(lives, victims_of(bench).take(len(lives))):
        case.victim = victim
        if fault:
            victim.peers[0].set_fault(*fault)

    def all_do(step):
        in_parallel([lambda c=c: c.guarded(getattr(c, step)) for c in lives])

    all_do("crash")
    bench.behave()
    for case in lives:  # here, because a node dies with the thread that started it
        if case.deed == "node":
            case.guarded(case.victim.node.spawn)
    all_do("restart")
    all_do("check_settled")
    all_do("check_again")
    bench.net.mine(13 if any(c.outcome == ORPHAN for c in lives) else 6)
    all_do("check_confirmed")
    for case in lives:
        victims_of(bench).give_back(case.victim, not case.error)
    errors = [c.error for c in lives if c.error]
    assert not errors, f"{len(errors)} of {len(lives)}:\n" + "\n".join(errors)


def cases_of(points, **options):
    """Each point once for the plugin and once for the node."""
    for method, n, when, outcome, *more in points:
        at_node = more[0] if more else outcome
        delay = more[1] if len(more) > 1 else 0.0
        yield Case(method, n, when, "plugin", outcome, delay, options)
        yield Case(method, n, when, "node", at_node, delay, options)


def one_each(points):
    """For `cases`: one argument a test."""
    return {label: (of_one_test,) for label, of_one_test in points.items()}


@builtin_fails("has no journal")
@cases(one_each(POINTS), quick=QUICK, usual=["completing", "sending"])
def test_killed(bench, points):
    run_side_by_side(bench, list(cases_of(points)))


@builtin_fails("has no journal")
@cases(one_each(UNDO_POINTS), quick=QUICK)
def test_killed_while_undoing(bench, points):
    run_side_by_side(bench, list(cases_of(points)), REFUSAL)


@builtin_fails("has no journal")
@cases(one_each(AGAIN_POINTS), quick=QUICK)
def test_killed_while_starting_over(bench, points):
    run_side_by_side(bench, list(cases_of(points, minchannels=2)), REFUSAL)
