"""Many batches in one life of the plugin, in a row and side by side: its memory and its file descriptors stay flat."""
import os

from bench import plugin_pid
from marks import builtin_fails, cases, slow
from regtest import in_parallel
from victims import a_victim

BATCHES = 200
AMOUNT = 28_000  # sat, of each channel
A_ROUND = 20  # batches; then a block comes, and the channels are forgotten: many would make the nodes slow
WARM = 60  # batches, until the plugin has what it keeps of ended batches, and lightningd its connections
GROWTH = 1.1


def resident(pid):
    """In KiB."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@builtin_fails("has no name of its own process")
@slow("takes minutes")
@cases({"in a row": (False,), "20 at a time": (True,)})
def test_memory_and_descriptors_stay_flat(bench, at_once):
    with a_victim(bench) as victim:
        node, peers = victim.node, bench.peers
        pid = plugin_pid(node, bench.plugin)
        seen = []

        def one(number):
            chosen = [peers[number % len(peers)]] if at_once else [peers[(number + i) % len(peers)] for i in range(3)]
            result = bench.multifundchannel(bench.destinations(chosen, AMOUNT), node, feerate="1000perkw")
            assert len(result["channel_ids"]) == len(chosen), result
        for first in range(0, BATCHES, A_ROUND):
            numbers = range(first, first + A_ROUND)
            if at_once:
                in_parallel([lambda n=n: one(n) for n in numbers])
            else:
                for number in numbers:
                    one(number)
            bench.net.mine(1)
            node.sync()
            victim.clean()
            bench.forget_channels()
            seen.append((first + A_ROUND, resident(pid), descriptors(pid)))
        print("batches, KiB, descriptors:", seen)
        warm = next(figures for figures in seen if figures[0] >= WARM)
        assert plugin_pid(node, bench.plugin) == pid, "the plugin was started again"
        assert seen[-1][1] <= warm[1] * GROWTH and seen[-1][2] <= warm[2], seen
