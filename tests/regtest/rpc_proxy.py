#!/usr/bin/env python3
"""Stands between lightningd and a plugin, and does a deed at an exact point of the plugin's RPC traffic.

lightningd starts this in place of the plugin: `rpc_proxy.py DIRECTORY PLUGIN`. The process itself becomes the plugin,
so lightningd sees its end as it would without us; a child of it passes on what lightningd writes to the plugin, and
all RPC traffic, for which it tells the plugin a socket of its own in DIRECTORY. The plugin writes to lightningd directly.

DIRECTORY/point.json names a point and the deed, see arm() in victims.py:
    method, n   the n-th call of that method since the file came, or the n-th reply
    when        asked: before lightningd gets the request    forwarded: lightningd has it, and the plugin no reply
                answered: before the plugin gets the reply   delivered: the plugin has it
    deed        plugin: kill -9 of the plugin                node: kill -9 of lightningd and all its processes
                cut: breaks the RPC connections              lose: the message never arrives
                hold: the message waits for the file DIRECTORY/release, and all others go on
    delay       seconds to wait before the deed
The file vanishes just before the deed. Without the file there is no deed, and a new one takes the place of a point that
was not reached. DIRECTORY/calls gets a line for each request and reply.
"""
import codecs
import contextlib
import json
import os
import select
import signal
import socket
import sys
import time

PEEK = 0.005  # seconds between looks for the release


class Messages:
    """Cuts a stream of JSON texts into (bytes, value)."""

    def __init__(self):
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._buffer = ""

    def feed(self, data):
        self._buffer += self._decoder.decode(data)
        found = []
        while True:
            self._buffer = self._buffer.lstrip()
            try:
                value, end = json.JSONDecoder().raw_decode(self._buffer)
            except ValueError:
                return found
            found.append(value)
            self._buffer = self._buffer[end:]


def write(fd, message):
    data = json.dumps(message).encode() + b"\n\n"
    while data:
        data = data[os.write(fd, data):]


class Link:
    """One connection of the plugin and ours to lightningd for it."""

    def __init__(self, plugin, lightningd):
        self.plugin, self.lightningd = plugin, lightningd
        self.messages = {plugin: Messages(), lightningd: Messages()}
        self.methods = {}  # id -> method, of requests that are not answered

    def close(self):
        self.plugin.close()
        self.lightningd.close()


class Proxy:
    def __init__(self, directory, to_plugin):
        self.directory, self.to_plugin = directory, to_plugin
        self.from_lightningd = Messages()
        self.rpc_path = self.listener = None
        self.links, self.held = [], []
        self.point, self.point_file, self.counts = None, None, {}
        self.calls = open(os.path.join(directory, "calls"), "a", buffering=1)

    def serve(self):
        poll = select.poll()
        poll.register(self.to_plugin, 0)  # an error when the plugin is gone
        while not poll.poll(0):
            self._let_go()
            sockets = {s: link for link in self.links for s in link.messages}
            readable = [0, *sockets, *([self.listener] if self.listener else [])]
            for ready in select.select(readable, [], [], PEEK)[0]:
                if ready == 0:
                    self._lightningd_said(os.read(0, 1 << 16))
                elif ready is self.listener:
                    self._accept()
                elif sockets[ready] in self.links:
                    self._rpc_said(sockets[ready], ready)

    # --- stdin ---

    def _lightningd_said(self, data):
        if not data:
            os._exit(0)
        for message in self.from_lightningd.feed(data):
            if message.get("method") == "init":
                self._take_rpc(message["params"]["configuration"])
            if message.get("method") == "shutdown" and not self._lightningd_listens():
                self.listener.close()  # so that the plugin is refused as well
                self.listener = None
            with contextlib.suppress(BrokenPipeError):
                write(self.to_plugin, message)

    def _take_rpc(self, configuration):
        self.rpc_path = os.path.join(configuration["lightning-dir"], configuration["rpc-file"])
        ours = os.path.join(self.directory, "rpc")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ours)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(ours)
        self.listener.listen()
        configuration["rpc-file"] = ours

    def _lightningd_listens(self):
        with socket.socket(socket.AF_UNIX) as s, contextlib.suppress(OSError):
            s.connect(self.rpc_path)
            return True
        return False

    # --- RPC ---

    def _accept(self):
        plugin, _ = self.listener.accept()
        lightningd = socket.socket(socket.AF_UNIX)
        try:
            lightningd.connect(self.rpc_path)
        except OSError:
            plugin.close()
            return
        self.links.append(Link(plugin, lightningd))

    def _rpc_said(self, link, source):
        try:
            data = source.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self._drop(link)
        for message in link.messages[source].feed(data):
            if link not in self.links:
                return
            if source is link.plugin:
                self._asked(link, message)
            else:
                self._answered(link, message)

    def _drop(self, link):
        link.close()
        self.links.remove(link)

    def _asked(self, link, message):
        self._look_for_point()
        method = message["method"]
        link.methods[message["id"]] = method
        n = self._count("asked", method)
        if self._reached("asked", method, n) and not self._do(link, link.lightningd, message):
            return
        self._send(link, link.lightningd, message)
        if self._reached("forwarded", method, n):
            self._do(link, None, None)

    def _answered(self, link, message):
        self._look_for_point()
        method = link.methods.pop(message.get("id"), None)
        n = self._count("answered", method)
        if self._reached("answered", method, n) and not self._do(link, link.plugin, message):
            return
        self._send(link, link.plugin, message)
        if self._reached("delivered", method, n):
            self._do(link, None, None)

    def _send(self, link, target, message):
        if link in self.links:
            with contextlib.suppress(OSError):
                write(target.fileno(), message)

    # --- the point ---

    def _look_for_point(self):
        try:
            with open(self._point_path()) as f:
                found = os.fstat(f.fileno())
                file = (found.st_ino, found.st_mtime_ns)
                if file != self.point_file:
                    self.point, self.point_file, self.counts = json.load(f), file, {}
        except FileNotFoundError:
            self.point = self.point_file = None

    def _point_path(self):
        return os.path.join(self.directory, "point.json")

    def _count(self, side, method):
        key = (side, method)
        self.counts[key] = self.counts.get(key, 0) + 1
        self.calls.write(f"{time.time():.3f} {side} {method} {self.counts[key]}\n")
        return self.counts[key]

    def _reached(self, when, method, n):
        point = self.point
        return point and (point["when"], point["method"], point["n"]) == (when, method, n)

    def _do(self, link, target, message):
        """Whether the message, if there is one, still has to be sent."""
        point, self.point = self.point, None
        with contextlib.suppress(FileNotFoundError):  # the test has just taken it back
            os.unlink(self._point_path())
        self.calls.write(f"{time.time():.3f} {point}\n")
        time.sleep(point.get("delay", 0))
        if point["deed"] == "node":
            os.killpg(0, signal.SIGKILL)
        if point["deed"] == "plugin":
            os.kill(os.getppid(), signal.SIGKILL)
            os._exit(0)
        if point["deed"] == "cut":
            for each in list(self.links):
                self._drop(each)
        if point["deed"] == "hold":
            self.held.append((link, target, message))
        return False

    def _let_go(self):
        if self.held and os.path.exists(os.path.join(self.directory, "release")):
            held, self.held = self.held, []
            for link, target, message in held:
                self._send(link, target, message)


def main():
    directory, plugin = sys.argv[1:]
    read, to_plugin = os.pipe()
    if os.fork():
        os.close(to_plugin)
        os.dup2(read, 0)
        os.close(read)
        os.execv(plugin, [plugin])
    os.close(read)
    os.close(1)  # only the plugin may keep lightningd waiting for more
    Proxy(directory, to_plugin).serve()
    os._exit(0)


main()
