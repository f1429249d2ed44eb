#!/usr/bin/env -S python3 -IS
"""Stands in for lightning_channeld at a peer (`--subdaemon=channeld:THIS`) and fails a channel on demand.

When the node's directory holds an error.json ({"channel_id", "text"}), the peer at the other end gets that error
message. The node itself does not know of it.
"""
import json
import os
import select
import sys

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from subdaemon import error_message, run  # noqa: E402

ORDER = "../error.json"  # subdaemons run in <lightning-dir>/<network>


def go_between(connectd, channeld):
    """Returns when one side hangs up."""
    while True:
        for ready in select.select([connectd, channeld], [], [], 0.02)[0]:
            data = ready.recv(1 << 16)
            if not data:
                return
            (channeld if ready is connectd else connectd).sendall(data)
        if os.path.exists(ORDER):
            with open(ORDER) as f:
                order = json.load(f)
            os.unlink(ORDER)
            connectd.sendall(error_message(bytes.fromhex(order["channel_id"]), order["text"]))


run("channeld", go_between)
