#!/usr/bin/env -S python3 -IS
"""Stands in for lightning_channeld at a peer (`--subdaemon=channeld:THIS`) and fails a channel on demand.

When the node's directory holds an error.json ({"channel_id", "text"}), the peer at the other end gets that error
message. The node itself does not know of it.
"""
import json
import os
import select
import shutil
import socket
import struct
import sys

PEER_FD = 3  # what lightningd gives to channeld: 0 = lightningd, 3 = the peer by way of connectd, 4 = hsmd
ORDER = "../error.json"  # subdaemons run in <lightning-dir>/<network>
ERROR = 17


def error_message(channel_id, text):
    body = struct.pack(">H", ERROR) + bytes.fromhex(channel_id) + struct.pack(">H", len(text)) + text.encode()
    return struct.pack(">I", len(body)) + body


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
            connectd.sendall(error_message(order["channel_id"], order["text"]))


def main():
    if "--version" not in sys.argv:
        inner, outer = socket.socketpair()
        if os.fork() == 0:
            inner.close()
            os.close(0)
            os.close(4)
            go_between(socket.socket(fileno=PEER_FD), outer)
            os._exit(0)
        outer.close()
        os.dup2(inner.fileno(), PEER_FD)
    binaries = os.path.dirname(os.path.realpath(shutil.which("lightningd")))
    real = os.path.join(binaries, "../libexec/c-lightning/lightning_channeld")
    os.execv(real, [real, *sys.argv[1:]])


main()
