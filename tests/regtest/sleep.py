"""Peers that fall silent: all processes of a node are stopped, at a certain moment, and perhaps go on later."""
import os
import re
import signal
import threading

# The message of the funder that a peer does not read any more, by phase; none: it sleeps from the beginning.
STOPPED_BY = {"connect": None, "start": "WIRE_OPEN_CHANNEL", "complete": "WIRE_FUNDING_CREATED"}
# What the funder logs when it begins to clean up after a silent peer.
CLEANING_UP = r"disconnecting the peer|connect failed"


class Sleep:
    """Stops a peer's processes, now or as soon as the funder has sent it a certain message, which then is under way
    (that is what the delay is for) and not read before the peer wakes up. A context manager; wakes it at the end."""

    DEED = signal.SIGSTOP

    def __init__(self, funder, peer, message=None, wake_at=None):
        self.funder, self.peer, self.message, self.wake_at = funder, peer, message, wake_at
        self.done = False
        self._position = funder.log_size()
        self._over = threading.Event()

    def __enter__(self):
        if not self.message:
            self._signal(self.DEED)
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()
        self._signal(signal.SIGCONT)

    def _watch(self):
        if self.message and self._await(rf"{self.peer.id}-\S*: peer_out {self.message}\b"):
            self._signal(self.DEED)
        if isinstance(self.wake_at, str) and self._await(self.wake_at):
            self._signal(signal.SIGCONT)
        elif isinstance(self.wake_at, float) and not self._over.wait(self.wake_at):
            self._signal(signal.SIGCONT)

    def _await(self, pattern):
        text = ""
        while not self._over.wait(0.002):
            new = self.funder.log(self._position)
            self._position += len(new.encode())
            text = text[-1000:] + new
            if re.search(pattern, text):
                return True
        return False

    def _signal(self, number):
        os.killpg(self.peer.proc.pid, number)
        self.done = self.done or number == self.DEED


class Death(Sleep):
    """The same, and the peer does not wake up."""

    DEED = signal.SIGKILL
