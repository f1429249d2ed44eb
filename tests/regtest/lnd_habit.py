#!/usr/bin/env -S python3 -IS
"""Stands in for lightning_openingd and lightning_channeld at a peer, and gives it the habit of LND that does harm.

Under which name it was started says for which of the two (Node: a link to this file for each, see lnd_peers.py). Read in
LND's source (August 2026, commit 90ea05d5, between 0.21 and 0.22), and not run:
  - It writes a channel down as pending before it sends funding_signed, and forgets the reservation
    (funding/manager.go, fundeeProcessFundingCreated). An `error` for a channel that is neither a reservation nor in use
    is dropped (peer/brontide.go, handleWarningOrError). So the channel stays pending, for 2,016 blocks.
  - With one pending channel of a peer (maxpendingchannels) every further open_channel gets an `error` with the
    words below (fundeeProcessOpenChannel, lnwire/error.go; up to 0.7 that was a single byte, 0x01).
  - When the peer connects again, nothing is sent for a pending channel (loadActiveChannels).
A pending channel is a file in PENDING, with its id as name. It stops being one with channel_ready. Unlike LND, this knows
nothing of who the opener is: all of them together may have one.

fault.json is as for faulty_openingd.py, and such a fault comes first.
"""
import os
import select
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from faulty_openingd import SPOILED, read_fault, refusal, spoil  # noqa: E402
from subdaemon import ERROR, message_type, read_message, run  # noqa: E402

PENDING = "../pending"  # subdaemons run in <lightning-dir>/<network>
TOO_MANY = "Number of pending channels exceed maximum"
OPEN_CHANNEL, FUNDING_SIGNED, CHANNEL_READY, REESTABLISH = 32, 35, 36, 136


def file_of(message):
    """For a message that begins with a channel id."""
    return os.path.join(PENDING, message[6:38].hex())


class Habit:
    def __init__(self, opener, subdaemon):
        self.opener, self.subdaemon = opener, subdaemon
        self.held = b""  # our channel_reestablish, until the opener shows that it knows the channel

    def go_between(self):
        """Returns when one side hangs up or an opening has been refused."""
        while True:
            for ready in select.select([self.opener, self.subdaemon], [], [])[0]:
                message = read_message(ready)
                if not message:
                    return
                if ready is self.subdaemon:
                    self._said(message)
                elif not self._heard(message):
                    return

    def _said(self, message):
        kind = message_type(message)
        if kind == FUNDING_SIGNED:
            os.makedirs(PENDING, exist_ok=True)
            with open(file_of(message), "w"):
                pass
        elif kind == CHANNEL_READY and os.path.exists(file_of(message)):
            os.unlink(file_of(message))
        elif kind == REESTABLISH and os.path.exists(file_of(message)):
            self.held = message
            return
        self.opener.sendall(message)

    def _heard(self, message):
        """Whether to go on."""
        kind, fault = message_type(message), read_fault()
        if kind == SPOILED.get(fault.get("phase")):
            spoil(fault, message, self.opener)
            return False
        if kind == OPEN_CHANNEL and os.path.isdir(PENDING) and os.listdir(PENDING):
            self.opener.sendall(refusal(message, TOO_MANY))
            return False
        if kind == ERROR and os.path.exists(file_of(message)):
            return True
        if kind == REESTABLISH and self.held:
            self.opener.sendall(self.held)
            self.held = b""
        self.subdaemon.sendall(message)
        return True


run(os.path.basename(sys.argv[0]), lambda opener, subdaemon: Habit(opener, subdaemon).go_between())
