"""Fixtures of the tests of what is in contrib/.

A test that runs regtest.sh says @pytest.mark.needs("bash", "nodes").
"""
import contextlib
import json
import os
import shutil
import subprocess
import tempfile

import pytest

from regtest import free_ports
from scenarios import SimulatedWorld

CONTRIB = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "contrib")
PORTS = 10  # for bitcoind and the nodes


class Bench:
    """One test's directory and the plugin under test. The network in `dir`/net ends with the test."""

    def __init__(self, plugin, directory):
        self.plugin, self.dir = plugin, directory
        self.net = os.path.join(directory, "net")
        self.environment = {**os.environ, "REGTEST_DIR": self.net, "REGTEST_PORT": str(free_ports(PORTS)),
                            "MULTIFUNDCHANNEL": plugin, "HOME": directory}

    def run(self, *command, status=0, **more):
        """Returns what it printed."""
        done = subprocess.run(command, cwd=self.dir, env={**self.environment, **more}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
        assert (done.returncode == 0) == (status == 0), f"status {done.returncode}: {done.stdout}"
        return done.stdout

    def shell(self, script, shell="bash", **more):
        """With regtest.sh sourced, as CI runs a script: the first failure ends it."""
        return self.run(shell, "-euc", f". {CONTRIB}/regtest.sh\n{script}", **more)

    def close(self):
        self.shell("destroy_ln")


@pytest.fixture
def bench(pytestconfig):
    directory = tempfile.mkdtemp(prefix="mfc-contrib-")
    made = Bench(pytestconfig.option.plugin, directory)
    try:
        yield made
    finally:
        made.close()
        if not pytestconfig.option.keep:
            shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def world(pytestconfig):
    """Makes simulated lightningds. Each run has its own: what one leaves must not matter to the next."""
    @contextlib.contextmanager
    def make(scenario):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump(scenario, f)
            f.flush()
            with SimulatedWorld(pytestconfig.option.sim, pytestconfig.option.plugin, f.name) as w:
                yield w
    return make
