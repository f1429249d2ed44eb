"""Real LDK nodes as peers: ldk_peer/peer.mjs, run by node, each for one test.

An LdkPeer answers what the bench asks a peer: id, address(), channels() in lightningd's words, log(). It can be stopped,
woken, killed, and started again with its state kept.
"""
import contextlib
import json
import os
import shutil
import signal

from regtest import kill_group, spawn, free_port, wait_for

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ldk_peer")
MISSING = "node or its package lightningdevkit is missing: contrib/setup"


def available():
    return bool(shutil.which("node")) and os.path.exists(os.path.join(HERE, "node_modules", "lightningdevkit"))


class LdkPeer:
    """channels: which it accepts, "private" (as LDK does by default), "public" or "both"."""

    def __init__(self, net, name, channels="private", minimum_sat=None):
        self.name, self.port = name, free_port()
        self.dir = os.path.join(net.root, name)
        self.proc = self.id = None
        self.log_before = 0
        os.makedirs(self.dir)
        bitcoind = {"port": net.bitcoind.rpcport, "user": "u", "password": "p"}
        with open(self._path("config.json"), "w") as f:
            json.dump({"port": self.port, "bitcoind": bitcoind, "channels": channels, "minimum_sat": minimum_sat}, f)

    def spawn(self):
        self.log_before = self.log_size()
        self.proc = spawn(["node", os.path.join(HERE, "peer.mjs"), self.dir], self._path("log"))
        return self

    def wait_up(self):
        self.id = wait_for(self._said_id, f"{self.name} to start")
        return self

    def _said_id(self):
        if self.proc.poll() is not None:
            raise RuntimeError(f"{self.name} ended:\n{self.log(self.log_before)[-2000:]}")
        for line in self.log(self.log_before).splitlines(keepends=True):
            if line.startswith('{"id"') and line.endswith("\n"):
                return json.loads(line)["id"]
        return None

    def address(self):
        return f"{self.id}@127.0.0.1:{self.port}"

    def channels(self, peer_id=None):
        """What it showed last: nothing new while it is stopped."""
        try:
            with open(self._path("channels.json")) as f:
                return [c for c in json.load(f) if peer_id in (None, c["peer_id"])]
        except FileNotFoundError:
            return []

    def log(self, since=0):
        with open(self._path("log"), "rb") as f:
            f.seek(since)
            return f.read().decode(errors="replace")

    def log_size(self):
        with contextlib.suppress(FileNotFoundError):
            return os.path.getsize(self._path("log"))
        return 0

    def fall_silent(self):
        os.kill(self.proc.pid, signal.SIGSTOP)

    def wake(self):
        os.kill(self.proc.pid, signal.SIGCONT)

    def kill(self):
        kill_group(self.proc)

    def kill_when_saved(self):
        """LDK closes a channel whose monitor it finds ahead of its manager, which it saves a moment later."""
        def saved():
            monitors = [entry.stat().st_mtime_ns for entry in os.scandir(self._path("monitors"))]
            return os.stat(self._path("manager")).st_mtime_ns > max(monitors)

        wait_for(saved, "LDK to have saved its manager")
        self.kill()

    def restart(self):
        """After kill()."""
        return self.spawn().wait_up()

    def can_forget(self):
        """Whether it may be asked to have forgotten what was cancelled."""
        return self.proc.poll() is None

    def _path(self, name):
        return os.path.join(self.dir, name)
