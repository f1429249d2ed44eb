#!/usr/bin/env -S python3 -IS
"""Stands in for lightning_openingd at a peer (`--subdaemon=openingd:THIS`) and spoils openings on demand.

The node's directory may hold a fault.json, see Node.set_fault(): {"phase", "kind", "text", "once"}. Without a fault
the real openingd simply takes over. With one, a small process between connectd and the real openingd reads what the
opener sends (that link is plain text) and, instead of passing on
    start:     open_channel
    complete:  funding_created
    accepted:  nothing, for accept_channel went out just before (only with the kind disconnect)
it answers with an error message (refuse), makes the node drop the connection (disconnect), or does nothing (silent).
The phase "cancel" with the kind "late" holds back the opener's error message for half a second, so that the node still
believes in an opening which the opener has cancelled already.
"""
import json
import os
import select
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from subdaemon import ERROR, error_message, message_type, read_message, run  # noqa: E402

FAULT = "../fault.json"  # subdaemons run in <lightning-dir>/<network>
OPEN_CHANNEL, ACCEPT_CHANNEL, FUNDING_CREATED = 32, 33, 34
SPOILED = {"start": OPEN_CHANNEL, "accepted": ACCEPT_CHANNEL, "complete": FUNDING_CREATED, "cancel": ERROR}
LATE = 0.5  # seconds


def read_fault():
    try:
        with open(FAULT) as f:
            return json.load(f)
    except OSError:
        return {}


def refusal(spoiled, text):
    """For the channel id of the spoiled message (in open_channel it comes after the chain hash)."""
    at = 38 if message_type(spoiled) == OPEN_CHANNEL else 6
    return error_message(spoiled[at:at + 32], text)


def rpc(method, params, wait=True):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect("lightning-rpc")
        s.sendall(json.dumps({"jsonrpc": "2.0", "id": "fault", "method": method, "params": params}).encode())
        buffer = b""
        while wait and not buffer.endswith(b"\n\n"):
            buffer += s.recv(1 << 16)
        return json.loads(buffer)["result"] if wait else None


def drop_connections():
    """openingd is not told whom it talks to: all of them. Not waited for: connectd first waits for us to hang up."""
    for peer in rpc("listpeers", {})["peers"]:
        if peer["connected"]:
            rpc("disconnect", {"id": peer["id"], "force": True}, wait=False)


def spoil(fault, message, connectd):
    if fault["once"]:
        os.unlink(FAULT)
    if fault["kind"] == "refuse":
        connectd.sendall(refusal(message, fault["text"]))
    elif fault["kind"] == "disconnect":
        drop_connections()
    else:
        while connectd.recv(1 << 16):  # until the opener gives up
            pass


def go_between(fault, connectd, openingd):
    """Returns when one side hangs up or the opening has been spoiled."""
    while True:
        for ready in select.select([connectd, openingd], [], [])[0]:
            if ready is openingd:
                data = openingd.recv(1 << 16)
                if not data:
                    return
                connectd.sendall(data)
                if fault["phase"] == "accepted" and message_type(data) == ACCEPT_CHANNEL:
                    return spoil(fault, data, connectd)
                continue
            message = read_message(connectd)
            if not message:
                return
            if message_type(message) == SPOILED[fault["phase"]]:
                if fault["kind"] != "late":
                    return spoil(fault, message, connectd)
                time.sleep(LATE)
            openingd.sendall(message)


def main():
    fault = read_fault()
    spoils = fault.get("phase") in SPOILED
    run("openingd", (lambda connectd, openingd: go_between(fault, connectd, openingd)) if spoils else None)


if __name__ == "__main__":
    main()
