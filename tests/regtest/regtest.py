"""A throw-away regtest network of real nodes: one bitcoind, lightningd nodes, and doors between them.

Everything listens on loopback only, lives in one temporary directory, and dies with the process that made it.
Needs `bitcoind`, `lightningd` and `bitcoin-cli` on PATH (lightningd itself calls bitcoin-cli).
"""
import asyncio
import base64
import contextlib
import ctypes
import functools
import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from leaks import leaks_of

PROGRAMS = ("lightningd", "lightning-cli", "bitcoind", "bitcoin-cli")
HERE = os.path.dirname(os.path.abspath(__file__))
FAULTY_OPENINGD = os.path.join(HERE, "faulty_openingd.py")
CHAIN_BACKEND = os.path.join(HERE, "chain_backend.py")

# Most of what comes with lightningd. A node here needs little more than a chain backend, and a plugin that stays must
# not need one that goes: cln-xpay asks cln-askrene for a layer at its start, and ends without it.
SPARE_PLUGINS = ("autoclean", "bookkeeper", "chanbackup", "cln-askrene", "cln-bip353", "cln-bwatch", "cln-currencyrate",
                 "cln-grpc", "cln-lsps-client", "cln-lsps-service", "cln-renepay", "cln-xpay", "clnrest", "commando",
                 "exposesecret", "fetchinvoice", "funder", "keysend", "offers", "pay", "recklessrpc", "recover",
                 "sql", "topology", "wss-proxy")
# Not txprepare: v25.12 never comes up with bcli as its only plugin.
PEER_SPARE_PLUGINS = SPARE_PLUGINS + ("spenderp", "bcli")

FOR_GOOD = 1_000_000  # what is reserved up to a block above this the plugin has reserved for good

AUTH = base64.b64encode(b"u:p").decode()  # bitcoind's user and password

_claims = []  # of ports
_libc = ctypes.CDLL(None, use_errno=True)


def missing_programs():
    return [name for name in PROGRAMS if not shutil.which(name)]


def installed_plugins():
    """Names of those that come with the lightningd on PATH; each version has others."""
    programs = os.path.dirname(os.path.realpath(shutil.which("lightningd")))
    for place in ("../libexec/c-lightning/plugins", "../plugins"):  # installed, or where it was built
        with contextlib.suppress(OSError):
            return set(os.listdir(os.path.join(programs, place)))
    return set(PEER_SPARE_PLUGINS)


@functools.cache
def lightningd_version():
    """(26, 6) of the lightningd on PATH; None without one, and of one from a clone without tags."""
    if not shutil.which("lightningd"):
        return None
    done = subprocess.run(["lightningd", "--version"], capture_output=True, text=True, check=True)
    found = re.match(r"v(\d+)\.(\d+)", done.stdout)
    return found and tuple(map(int, found.groups()))


def older_than(version):
    """Whether the lightningd on PATH is from before that: "25.12"."""
    known = lightningd_version()
    return known is not None and known < tuple(map(int, version.split(".")))


def free_port():
    return free_ports(1)


def free_ports(count):
    """The first of that many in a row. Outside the range from which the kernel draws the ports of outgoing connections:
    one of those could take it before the node listens there. No other process of these tests gets them as well."""
    while True:
        first = random.randrange(10_000, 32_000)
        with contextlib.ExitStack() as claims:
            if all(_claim(port, claims) for port in range(first, first + count)):
                _claims.append(claims.pop_all())
                return first


def _claim(port, claims):
    """Binds a unix socket whose name holds the port on this machine for as long as this process lives."""
    name, listener = claims.enter_context(socket.socket(socket.AF_UNIX)), socket.socket()
    with listener, contextlib.suppress(OSError):
        name.bind(f"\0multifundchannel-regtest-{port}")
        listener.bind(("127.0.0.1", port))
        return True
    return False


def patience(seconds):
    """The same, or longer on a machine with more to do than it has processors."""
    return seconds * min(max(1, os.getloadavg()[0] / os.cpu_count()), 10)


def wait_for(condition, what, timeout=60, interval=0.05):
    """Returns the first true value of condition()."""
    timeout = patience(timeout)
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited {timeout:.0f} s in vain for: {what}")
        time.sleep(interval)


def _die_with_parent():
    _libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG; spawn only from the main thread


def spawn(args, output, **environment):
    """In a process group of its own, so that killing it takes the subdaemons and plugins along."""
    with open(output, "ab") as out:
        return subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                                start_new_session=True, preexec_fn=_die_with_parent, env={**os.environ, **environment})


def kill_group(proc):
    if proc and proc.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(proc.pid, signal.SIGKILL)
        proc.wait()


class RpcError(Exception):
    """The `error` object of a JSON-RPC reply."""

    def __init__(self, method, error):
        super().__init__(f"{method}: {json.dumps(error)}")
        self.error = error
        self.code = error.get("code")
        self.message = error.get("message", "")
        self.data = error.get("data")


class RpcSocket:
    """One call per connection on a lightning-rpc socket."""

    def __init__(self, directory, name="lightning-rpc"):
        self.directory, self.name = directory, name

    def call(self, method, params=None, timeout=300):
        request = {"jsonrpc": "2.0", "id": f"test:{method}", "method": method, "params": params or {}}
        reply = self.ask(request, timeout)
        if "error" in reply:
            raise RpcError(method, reply["error"])
        return reply["result"]

    def ask(self, request, timeout=300):
        """Sends what it gets and returns the whole reply."""
        # Through the directory's fd: a unix socket's path may only have 107 characters.
        directory = os.open(self.directory, os.O_RDONLY)
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.settimeout(patience(timeout))
                s.connect(f"/proc/self/fd/{directory}/{self.name}")
                s.sendall(json.dumps(request).encode())
                return self._read(s, request.get("method"))
        finally:
            os.close(directory)

    @staticmethod
    def _read(s, method):
        buffer = b""
        while not buffer.endswith(b"\n\n"):
            chunk = s.recv(1 << 16)
            if not chunk:
                raise ConnectionError(f"{method}: the node hung up: {buffer[-200:]!r}")
            buffer += chunk
        return json.loads(buffer)


class Bitcoind:
    ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"  # nobody's

    def __init__(self, root, cli=None):
        """cli: what nodes start to ask it, quick_cli or (by default) bitcoin-cli."""
        self.cli = cli or shutil.which("bitcoin-cli")
        self.dir = os.path.join(root, "bitcoind")
        os.makedirs(self.dir)
        self.rpcport = free_port()
        self.start()
        self.call("createwallet", "w", False, False, "", False, True, True)  # load it at each start
        # lightningd may choose a locktime up to 100 blocks back, and Bitcoin Knots refuses 21 (parasite-cat21).
        self.mine(240, self.call("getnewaddress"))

    def start(self, *options):
        self.proc = spawn(
            ["bitcoind", *options, f"-datadir={self.dir}", "-regtest", f"-rpcport={self.rpcport}", "-rpcuser=u", "-rpcpassword=p",
             "-listen=0", "-txindex=1", "-server=1", "-nodebug", "-printtoconsole=0", "-fallbackfee=0.00001",
             "-dnsseed=0", "-discover=0", "-rpcthreads=16", "-rpcworkqueue=256", "-maxtxfee=1"],
            os.path.join(self.dir, "out"))
        wait_for(self._answers, "bitcoind")

    def _answers(self):
        if self.proc.poll() is not None:
            with open(os.path.join(self.dir, "out")) as f:
                raise RuntimeError("bitcoind did not start: " + f.read()[-2000:])
        try:
            return self.call("getblockcount") is not None
        except (OSError, RpcError):
            return False

    def call(self, method, *params, wallet="w"):
        connection = http.client.HTTPConnection("127.0.0.1", self.rpcport, timeout=patience(60))
        with contextlib.closing(connection):
            body = json.dumps({"jsonrpc": "1.0", "id": 0, "method": method, "params": params})
            connection.request("POST", f"/wallet/{wallet}", body, {"Authorization": "Basic " + AUTH})
            reply = json.loads(connection.getresponse().read())
        if reply["error"]:
            raise RpcError(method, reply["error"])
        return reply["result"]

    def mine(self, blocks=1, address=ADDRESS):
        return self.call("generatetoaddress", blocks, address)

    def pay(self, outputs):
        """outputs: address -> sat. Returns the txid; unconfirmed."""
        return self.call("sendmany", "", {address: sat / 1e8 for address, sat in outputs.items()})

    def shut_down(self):
        """As a user does it: it keeps its mempool for the next start()."""
        self.proc.terminate()
        self.proc.wait(60)

    def write_down(self):
        """A bitcoind with so short a chain keeps most of it in memory, and would come back without it."""
        self.call("gettxoutsetinfo", "none")

    def kill(self):
        """As a crash does it: without its mempool in the next start()."""
        self.write_down()
        self.stop()

    def stop(self):
        kill_group(self.proc)


class Node:
    """One lightningd. `lean`: with nothing but what a peer needs. `faulty`: its openingd can be told to misbehave, see
    set_fault()."""

    def __init__(self, root, name, bitcoind, options=(), lean=False, faulty=False):
        self.name, self.bitcoind = name, bitcoind
        self.dir = os.path.join(root, name)
        os.makedirs(self.dir)
        self.port = free_port()
        self.socket = RpcSocket(os.path.join(self.dir, "regtest"))
        self.options = [
            "--network=regtest", f"--lightning-dir={self.dir}", f"--addr=127.0.0.1:{self.port}", "--disable-dns",
            "--log-level=debug", f"--log-file={self.dir}/log",
            # v23.08 has its developer's options only when it was built with --enable-developer, and then always.
            *([] if older_than("23.11") else ["--developer"]), "--dev-fast-gossip", "--dev-bitcoind-poll=1",
            "--dev-no-reconnect", "--ignore-fee-limits=true", "--force-feerates=7500", f"--alias={name}"]
        self.options += [f"--plugin={CHAIN_BACKEND}"] if lean else [
            f"--bitcoin-cli={bitcoind.cli}", f"--bitcoin-rpcport={bitcoind.rpcport}",
            "--bitcoin-rpcuser=u", "--bitcoin-rpcpassword=p", f"--bitcoin-datadir={bitcoind.dir}"]
        spare = installed_plugins() & set(PEER_SPARE_PLUGINS if lean else SPARE_PLUGINS)
        self.options += [f"--disable-plugin={p}" for p in sorted(spare)]
        if faulty:
            self.options.append(f"--subdaemon=openingd:{FAULTY_OPENINGD}")
        self.options += options
        self.proc = self.id = self.fault = None
        self.log_before = 0

    def spawn(self):
        self.log_before = self.log_size()
        # Its programs in Python run on this one: the first on PATH may be a script that looks for the right one.
        path = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
        self.proc = spawn([shutil.which("lightningd"), *self.options], os.path.join(self.dir, "out"), PATH=path,
                          MFC_BITCOIN_CLI=shutil.which("bitcoin-cli"), MFC_BITCOIN_AUTH=AUTH,
                          MFC_BITCOIN_PORT=str(self.bitcoind.rpcport))
        return self

    def wait_up(self, timeout=120):
        """The socket answers before start-up is over; only afterwards is getinfo's answer complete, and peers can connect."""
        wait_for(self._answers, f"{self.name} to start", timeout)
        return self

    def start(self):
        return self.spawn().wait_up()

    def _answers(self):
        if self.proc.poll() is not None:
            raise RuntimeError(f"{self.name} did not start:\n{self.output()[-2000:]}\n{self.log()[-3000:]}")
        try:
            self.id = self.rpc("getinfo")["id"]
            return "Server started with public key" in self.log(self.log_before)
        except (OSError, RpcError, ValueError):
            return False

    def rpc(self, method, params=None, timeout=300, **named):
        return self.socket.call(method, params if params is not None else named, timeout)

    def set_option(self, config, value):
        """Until its next start; before v25.02 lightningd writes it down in any case."""
        self.rpc("setconfig", {"config": config, "val": value, **({} if older_than("25.02") else {"transient": True})})

    def address(self):
        return f"{self.id}@127.0.0.1:{self.port}"

    # --- what it did ---

    def log(self, since=0):
        return self._text("log", since)

    def log_size(self):
        path = os.path.join(self.dir, "log")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def output(self):
        return self._text("out")

    def _text(self, name, since=0):
        try:
            with open(os.path.join(self.dir, name), "rb") as f:
                f.seek(since)
                return f.read().decode(errors="replace")
        except OSError:
            return ""

    def channels(self, peer_id=None):
        return self.rpc("listpeerchannels", {"id": peer_id} if peer_id else {})["channels"]

    def reserved(self):
        """Outpoints that are reserved and not yet spent by a transaction in a block; but not those that never come to
        be, which the plugin keeps reserved for good."""
        return {f"{o['txid']}:{o['output']}" for o in self.rpc("listfunds")["outputs"]
                if o["reserved"] and o["status"] != "spent" and o["reserved_to_block"] < FOR_GOOD}

    def coins(self):
        """Outpoint -> sat of what can be spent now."""
        return {f"{o['txid']}:{o['output']}": o["amount_msat"] // 1000 for o in self.rpc("listfunds")["outputs"]
                if not o["reserved"] and o["status"] == "confirmed"}

    def children(self):
        """Pids of its plugins and subdaemons."""
        with open(f"/proc/{self.proc.pid}/task/{self.proc.pid}/children") as f:
            return f.read().split()

    # --- what the network does to it ---

    def set_fault(self, phase=None, kind=None, text="I do not want that channel", once=False):
        """Of this (faulty) node as the peer of an opening; no phase: behave from now on."""
        self.fault = kind
        path = os.path.join(self.dir, "fault.json")
        with open(path + ".new", "w") as f:
            json.dump({"phase": phase, "kind": kind, "text": text, "once": once}, f)
        os.replace(path + ".new", path)

    def sync(self, timeout=60):
        height = self.bitcoind.call("getblockcount")

        def synced():
            info = self.rpc("getinfo")
            return info["blockheight"] >= height and not any(key.startswith("warning_") for key in info)
        wait_for(synced, f"{self.name} at block {height}", timeout)
        return self

    def stop(self, timeout=30):
        """As a user does it. Returns the exit code."""
        self.rpc("stop", timeout=timeout)
        return self.proc.wait(timeout)

    def kill(self):
        kill_group(self.proc)


class Doors:
    """TCP ports in front of nodes: they add a delay, shut the door or let the caller wait for ever."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def delayed(self, port, seconds):
        """A port that leads to `port`, `seconds` later each way: TCP's SYN, too. The system here answers that one at once,
        so what the caller says first waits for as long as it would have waited for the answer."""
        async def serve(reader, writer):
            await asyncio.sleep(2 * seconds)
            try:
                far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(self._pump(reader, far_writer, seconds), self._pump(far_reader, writer, seconds))
        return self._listen(serve)

    def closing(self):
        """A port that accepts and hangs up."""
        async def serve(_reader, writer):
            writer.close()
        return self._listen(serve)

    def silent(self):
        """A port that accepts and never says a word."""
        async def serve(reader, _writer):
            with contextlib.suppress(OSError):
                while await reader.read(1 << 16):
                    pass
        return self._listen(serve)

    def _listen(self, serve):
        async def start():
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            return server.sockets[0].getsockname()[1]
        return asyncio.run_coroutine_threadsafe(start(), self._loop).result()

    async def _pump(self, reader, writer, seconds):
        queue = asyncio.Queue()
        sender = asyncio.ensure_future(self._send_later(queue, writer))
        data = True
        while data:
            try:
                data = await reader.read(1 << 16)
            except OSError:
                data = b""
            await queue.put((self._loop.time() + seconds, data))
        await sender

    async def _send_later(self, queue, writer):
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - self._loop.time()))
            if not data:
                writer.close()
                return
            with contextlib.suppress(OSError):
                writer.write(data)
                await writer.drain()


class Network:
    """Owns the bitcoind, the nodes and the directory; a context manager."""

    def __init__(self, keep=False, bitcoin_cli=None):
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that __exit__ runs
        self.keep, self.bitcoin_cli = keep, bitcoin_cli
        self.root = tempfile.mkdtemp(prefix="mfc-regtest-")
        self.nodes, self.doors, self.leaked = [], Doors(), []  # the last: of nodes that are gone
        self.bitcoind = None

    def __enter__(self):
        try:
            self.bitcoind = Bitcoind(self.root, self.bitcoin_cli)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for node in self.nodes:
            node.kill()
        if self.bitcoind:
            self.bitcoind.stop()
        if not self.keep:
            shutil.rmtree(self.root, ignore_errors=True)

    def node(self, name, options=(), lean=False, faulty=False):
        """Made, not started."""
        return self.add(Node(self.root, name, self.bitcoind, options, lean, faulty))

    def add(self, node):
        self.nodes.append(node)
        return node

    def remove(self, node):
        node.kill()
        self.nodes.remove(node)
        if os.path.exists(os.path.join(node.dir, "regtest", "hsm_secret")):
            self.leaked += [f"{node.name}: {leak}" for leak in leaks_of(node.dir)]
        if not self.keep:
            shutil.rmtree(node.dir, ignore_errors=True)

    @staticmethod
    def start(nodes):
        for node in nodes:
            node.spawn()
        for node in nodes:
            node.wait_up()

    def fund(self, node, amounts):
        """Gives the node one confirmed coin for each amount (sat)."""
        outputs = {node.rpc("newaddr", addresstype="p2tr")["p2tr"]: sat for sat in amounts}
        txid = self.bitcoind.pay(outputs)
        self.mine()
        wait_for(lambda: any(o["txid"] == txid for o in node.rpc("listfunds")["outputs"]), f"{node.name}'s coins")

    def mine(self, blocks=1):
        """And waits until every running node has seen them."""
        self.bitcoind.mine(blocks)
        for node in self.running():
            node.sync()

    def running(self):
        return [node for node in self.nodes if node.proc and node.proc.poll() is None]


def in_parallel(calls):
    """Runs the functions at the same time; the list of what each returned or raised (RpcError only)."""
    def run(call):
        try:
            return call()
        except RpcError as e:
            return e
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
