"""Tests of contrib/benchmark: what it compares with, and the delay that it puts between nodes. It measures real nodes."""
import contextlib
import importlib.machinery
import importlib.util
import os
import socket
import sys
import threading
import time

import pytest

from regtest import Doors

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                       "contrib", "benchmark")
LOADER = importlib.machinery.SourceFileLoader("benchmark", PROGRAM)
benchmark = importlib.util.module_from_spec(importlib.util.spec_from_loader("benchmark", LOADER))
sys.modules["benchmark"] = benchmark
LOADER.exec_module(benchmark)

DELAY = 0.05


def case(peers, connected=0, delay=0.1, **seconds):
    destinations = [{"id": str(i), "amount": 1} for i in range(peers)]
    return benchmark.Case(f"{peers} peers", destinations, benchmark.CONTENDERS, destinations[:connected], delay=delay,
                          seconds={name: [figure] for name, figure in seconds.items()})


@pytest.mark.parametrize("peers, connected, physical, window", [
    (1, 0, 10, 10), (10, 0, 10, 10), (11, 0, 10, 16), (40, 0, 10, 28), (10, 10, 4, 4), (21, 20, 10, 10)])
def test_the_bounds_count_crossings(peers, connected, physical, window):
    assert case(peers, connected, 1).bounds() == {"physical": physical, "window": window}
    assert case(peers, connected, 0).bounds() == {}


def test_the_table_has_the_bounds_beside_the_contenders():
    head, far, near = benchmark.table([case(40, builtin=30, plugin=3, floor=2.9), case(10, 10, 0, plugin=0.2)], [])
    assert head.split() == ["case", "builtin", "plugin", "floor", "physical", "window", "ratios"]
    assert far.startswith("40 peers") and "30.00 s    3.00 s    2.90 s    1.00 s    2.80 s   builtin" in far
    assert "-    0.20 s         -         -         -" in near


def test_the_picture_says_what_the_line_takes():
    drawn = benchmark.svg([case(40, plugin=3), case(10, 10, plugin=0.5), case(10, 10, 0, plugin=0.2)], [], 100)
    assert "100 ms away each way; the line alone takes 1.0 s, or 2.8 s with 10 connects in flight" in drawn
    assert "the line alone takes 0.4 s<" in drawn and "10 near peers" in drawn


@pytest.mark.parametrize("half_lnd, met", [(0.25, True), (0.26, False)])
def test_a_mixed_batch_is_held_to_one_of_a_kind(half_lnd, met):
    well, mixed = case(10, 10, 0, plugin=0.2), case(10, 10, 0, plugin=half_lnd)
    well.name, mixed.name, mixed.compare = "all well", "half LND", "all well"
    assert [goal[1] for goal in benchmark.check_goals([well, mixed], [])] == [met]


@pytest.fixture
def delayed_echo():
    """An address, one delay away from a server that repeats what it is told."""
    def serve():
        with contextlib.suppress(OSError):
            while True:
                line, _ = server.accept()
                with line:
                    while said := line.recv(100):
                        line.sendall(said)
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield "127.0.0.1", Doors().delayed(server.getsockname()[1], DELAY)


def test_a_delayed_connect_costs_six_crossings(delayed_echo):
    """The SYN and its answer, Noise's acts one and two, then act three with both inits. Later messages cost no more. A busy
    machine takes longer now and then, so the shortest of some attempts counts."""
    attempts = [crossings_taken(delayed_echo) for _ in range(5)]
    for number, crossings in enumerate((4, 6, 8)):
        took = min(attempt[number] for attempt in attempts)
        assert crossings - 0.01 <= took < crossings + 2, attempts


def crossings_taken(address):
    """From the connect to each of three answers, in delays."""
    began, taken = time.monotonic(), []
    with socket.create_connection(address) as line:
        for _ in range(3):
            line.sendall(b"act")
            assert line.recv(100) == b"act"
            taken.append((time.monotonic() - began) / DELAY)
    return taken
