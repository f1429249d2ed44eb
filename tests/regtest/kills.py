"""kill -9 of the plugin, of lightningd or of bitcoind at random moments of a batch on real nodes: see contrib/kills."""
import argparse
import contextlib
import os
import random
import signal
import sys
import time

from bench import Bench, default_plugin, plugin_pid
from outcomes import ORPHAN
from regtest import Network, RpcError, in_parallel, missing_programs, wait_for
from victims import DESTINATIONS, Victim, Victims

SIDE_BY_SIDE = 6
LONGEST = 0.4  # seconds: about as long as a batch takes
WHAT = ["plugin"] * 2 + ["node"] * 2 + ["bitcoind"]


class Killed(Victim):
    """One whose plugin runs without the proxy, so that nothing but the clock says when it dies."""

    def __init__(self, bench):
        super().__init__(bench)
        with open(self.plugin, "w") as f:
            f.write(f"#!/bin/sh\nexec {bench.plugin}\n")
        self.outcome = self.error = self.call = None
        self.hit = False  # while its batch ran
        self.restarted = False  # its node, in this round

    def story(self):
        return "\n".join(line for line in self.node.log(self.log_start).splitlines() if "multifundchannel" in line)[-4000:]

    def guarded(self, step):
        if self.error is None:
            try:
                step()
            except Exception as e:  # told of when all are done
                self.error = f"{self.node.name}: {type(e).__name__}: {e}\n{self.story()}"

    def batch_dies(self, what, moment):
        self.hit, self.restarted, self.call = False, False, self.begin()
        time.sleep(moment)
        if what == "plugin":
            self.held = self.node.reserved()
            self.hit = self.runs()
            os.kill(plugin_pid(self.node, self.bench.plugin), signal.SIGKILL)
        elif what == "node":
            self.hit = self.runs()
            self.node.kill()
        self.call.wait()

    def start_again(self):
        """Also a lightningd that has ended by itself, because bitcoind was away: who operates a node has it started again."""
        if self.node.proc.poll() is None:
            return
        self.restarted = True
        self.node.start()

    def runs(self):
        return bool(self.call) and self.call.is_alive()

    def check(self, what):
        self.wait_settled(120 if what == "bitcoind" else 40)
        txid = self.opened()
        self.outcome = "opened" if txid else "undone"
        if not txid:
            self.check_undone(ORPHAN)
        elif what == "bitcoind":
            self.check_known(txid)
        else:
            self.check_opened()

    def check_known(self, txid):
        """bitcoind has lost its mempool: lightningd sends the transaction again with the next blocks."""
        assert len(self.node.channels()) == DESTINATIONS, self.node.channels()

        def known():
            with contextlib.suppress(Exception):
                return self.bench.transaction(txid)
            self.bench.net.bitcoind.mine()
        wait_for(known, "the transaction to be sent again", 60, 2)

    def check_again(self, what):
        if self.restarted:
            self.meet_peers()
        if what != "bitcoind":
            self.open_again()
        self.check_peers()

    def clean(self):
        """On both sides: a peer would go on showing what only our node has forgotten."""
        super().clean()
        for peer in self.peers:
            for channel in peer.channels(self.node.id):
                with contextlib.suppress(RpcError):
                    peer.rpc("dev-forget-channel", id=self.node.id, channel_id=channel["channel_id"], force=True)

    def check_end(self):
        """After 13 blocks what was reserved and not recorded yet has lapsed."""
        self.check_normal()


class AllKilled(Victims):
    def take(self, count):
        new = [Killed(self.bench) for _ in range(count - len(self.ready))]
        self.bench.net.start([v.node for v in new])
        for victim in new:
            self.bench.net.fund(victim.node, [200_000] * 100)
        self.ready += new
        taken, self.ready = self.ready[:count], self.ready[count:]
        return taken


def one_round(bench, killed, rng, count):
    what = rng.choice(WHAT)
    victims = killed.take(1 if count == 1 else min(count, SIDE_BY_SIDE))
    moments = [rng.uniform(0, LONGEST) for _ in victims]

    def all_do(step):
        in_parallel([lambda v=v: v.guarded(lambda: step(v)) for v in victims])

    if what == "bitcoind":
        def die():
            time.sleep(moments[0])
            for victim in victims:
                victim.hit = victim.runs()
            bench.bitcoind.kill()
            time.sleep(rng.uniform(0, 2))
        in_parallel([die, *[lambda v=v: v.guarded(lambda: v.batch_dies(what, 0)) for v in victims]])
        bench.bitcoind.start()  # here, because it dies with the thread that started it
    else:
        in_parallel([lambda v=v, m=m: v.guarded(lambda: v.batch_dies(what, m)) for v, m in zip(victims, moments)])
    for victim in victims:
        if what == "plugin":
            victim.guarded(victim.start_plugin)
    all_do(Killed.start_again)
    all_do(lambda v: v.check(what))
    all_do(lambda v: v.check_again(what))
    bench.net.mine(13)
    all_do(Killed.check_end)
    hits = sum(v.hit for v in victims)
    kills = min(1, hits) if what == "bitcoind" else hits
    errors = [v.error for v in victims if v.error]
    outcomes = [v.outcome for v in victims]
    for victim in victims:
        killed.give_back(victim, not victim.error)
        victim.outcome = victim.error = victim.call = None
    return what, kills, outcomes, errors


def main():
    parser = argparse.ArgumentParser(prog="contrib/kills", description=__doc__)
    parser.add_argument("kills", nargs="?", type=int, default=1000, help="how many (1000); those count that come while a batch runs")
    parser.add_argument("--seed", type=int, default=None, help="of the moments; printed when none is given")
    parser.add_argument("--plugin", default=default_plugin())
    options = parser.parse_args()
    if missing := missing_programs():
        print(f"not on PATH: {', '.join(missing)}\n0 passed, 0 failed, 1 skipped")
        return 0
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    print(f"seed {seed}")
    rng, begin = random.Random(seed), time.time()
    counts, outcomes, failed, done = {}, {}, 0, 0
    with Network() as net:
        bench = Bench(net, os.path.abspath(options.plugin))
        killed = AllKilled(bench)
        while done < options.kills:
            what, kills, ends, errors = one_round(bench, killed, rng, options.kills - done)
            done += kills
            failed += len(errors)
            counts[what] = counts.get(what, 0) + kills
            for end in ends:
                outcomes[end] = outcomes.get(end, 0) + 1
            for error in errors:
                print(f"killed: {what}: {error}", flush=True)
            print(f"{done} kills, {time.time() - begin:.0f} s: {counts}, batches {outcomes}", flush=True)
    print(f"{max(0, done - failed)} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
