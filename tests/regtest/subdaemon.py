"""For programs that stand in for a subdaemon of lightningd, between it and its peer."""
import os
import shutil
import socket
import struct
import sys

PEER_FD = 3  # what lightningd gives to a subdaemon: 0 = lightningd, 3 = the peer by way of connectd, 4 = hsmd
ERROR = 17  # BOLT 1


def error_message(channel_id, text):
    """As connectd and its subdaemons pass it on: with its length in front. The text may hold bytes that are not UTF-8, as
    lone surrogates ("\\udcff" is the byte ff)."""
    words = text.encode(errors="surrogateescape")
    body = struct.pack(">H", ERROR) + channel_id + struct.pack(">H", len(words)) + words
    return struct.pack(">I", len(body)) + body


def read_message(stream):
    """With its length in front, as it came; b'' at the end."""
    header = stream.recv(4, socket.MSG_WAITALL)
    return header and header + stream.recv(struct.unpack(">I", header)[0], socket.MSG_WAITALL)


def message_type(message):
    return struct.unpack(">H", message[4:6])[0]


def run(name, go_between):
    """Becomes lightning_NAME. With a `go_between(connectd, subdaemon)` a child of it passes on what they say."""
    if go_between and "--version" not in sys.argv:
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
    real = os.path.join(binaries, "../libexec/c-lightning/lightning_" + name)
    os.execv(real, [real, *sys.argv[1:]])
