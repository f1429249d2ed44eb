"""Peers that look like LND and have its worst habit: lightningd with lnd_habit.py and lnd_features.py."""
import os

from regtest import Node

HERE = os.path.dirname(os.path.abspath(__file__))
HABIT = os.path.join(HERE, "lnd_habit.py")
FEATURES = os.path.join(HERE, "lnd_features.py")
BITS = (31, 2023)
TOO_MANY = "Number of pending channels exceed maximum"


class LndPeer(Node):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.options.append(f"--plugin={FEATURES}")
        for name in ("openingd", "channeld"):
            link = os.path.join(self.dir, name)
            os.symlink(HABIT, link)
            self.options.append(f"--subdaemon={name}:{link}")

    def pending(self):
        """Ids of the channels that it signed and that have not opened."""
        directory = os.path.join(self.dir, "pending")
        return sorted(os.listdir(directory)) if os.path.isdir(directory) else []

    def can_forget(self):
        return False

    def abandon(self):
        """As its operator does it: lncli abandonchannel, for all of them. As long as a channel is pending, no error of its
        opener can end it: lightningd (v26.06.6) aborts when a channel dies in the middle of dev-forget-channel."""
        for channel in self.channels():
            if channel["state"] != "OPENINGD":
                self.rpc("dev-forget-channel", id=channel["peer_id"], channel_id=channel["channel_id"], force=True)
        for channel_id in self.pending():
            os.unlink(os.path.join(self.dir, "pending", channel_id))


class LndPeers:
    """Made when they are needed, and used again in the next test."""

    def __init__(self, bench):
        self.bench, self.made = bench, []

    def take(self, count):
        net = self.bench.net
        new = [net.add(LndPeer(net.root, f"lnd{i}", net.bitcoind, lean=True)) for i in range(len(self.made), count)]
        net.start(new)
        for peer in new:
            peer.sync()
        self.made += new
        return self.made[:count]

    def give_back(self, peers):
        for peer in peers:
            peer.set_fault()
            peer.abandon()


def lnd_peers_of(bench):
    if not hasattr(bench, "lnd_peers"):
        bench.lnd_peers = LndPeers(bench)
    return bench.lnd_peers
