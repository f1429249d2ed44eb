"""Every scenario file on real nodes: with the builtin where it is expected to agree, then with the plugin; and once more
with the plugin's other dry run.
"""
import contextlib

import pytest

from bench import UNREACHABLE_IDS, shape
from marks import builtin_fails, cases
from regtest import RpcError, free_port
from scenarios import confirmed_coins, files, load, name_of, run, wallet_coins


class RealWorld:
    """A scenario's wallet, peers and faults on the bench's real nodes. A context manager."""

    def __init__(self, bench, scenario, node):
        self.bench, self.scenario, self.node = bench, scenario, node
        self.ids, self.addresses = {}, {}
        self._cleanup = contextlib.ExitStack()

    def __enter__(self):
        with self._cleanup as cleanup:
            self._set_options(cleanup)
            strangers = iter(UNREACHABLE_IDS)
            for peer, real in zip(self.scenario["peers"], self.bench.peers):
                if peer.get("fault", {}).get("phase") == "connect":
                    self._add_unreachable(peer, next(strangers))
                else:
                    self._add(peer, real)
            cleanup.callback(self.bench.forget_channels)
            cleanup.callback(self.bench.behave)
            cleanup.enter_context(self._wallet())
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *_):
        self._cleanup.close()

    def rpc(self, method, params):
        return self.node.rpc(method, params)

    def settle(self):
        """A peer that has not seen yet that its opening was cancelled would refuse the next one."""
        self.bench.check_nothing_left(30)

    def check_after(self, after):
        """settle() has looked at everything."""
        assert set(after.values()) <= {0}, f"on real nodes nothing may be left: {after}"

    def _set_options(self, cleanup):
        if self.node is not self.bench.funder:
            return
        for option, value in self.scenario.get("options", {}).items():
            old = self._option(option)
            self.node.set_option(option, value)
            cleanup.callback(self.node.set_option, option, old)

    def _option(self, name):
        try:
            config = self.node.rpc("listconfigs", config=name)["configs"][name]
        except RpcError as e:
            pytest.skip(e.message)
        return next(config[key] for key in ("value_int", "value_str", "value_bool") if key in config)

    def _add_unreachable(self, peer, node_id):
        ports = {"refuse": free_port, "unreachable": free_port, "disconnect": self.bench.net.doors.closing,
                 "silent": self.bench.net.doors.silent}
        if peer["fault"].get("once"):
            pytest.skip("a peer that can be reached the second time is not made here")
        self.ids[peer["name"]] = node_id
        self.addresses[peer["name"]] = f"127.0.0.1:{ports[peer['fault']['kind']]()}"

    def _add(self, peer, real):
        port = real.port
        if peer.get("delay_ms"):
            port = self.bench.net.doors.delayed(port, peer["delay_ms"] / 1000)
        self.ids[peer["name"]] = real.id
        self.addresses[peer["name"]] = f"127.0.0.1:{port}"
        with contextlib.suppress(RpcError):  # not connected
            self.node.rpc("disconnect", id=real.id, force=True)
        if peer.get("connected"):
            self.node.rpc("connect", id=f"{real.id}@127.0.0.1:{port}")
        if "fault" in peer:
            real.set_fault(peer["fault"]["phase"], peer["fault"]["kind"], once=peer["fault"].get("once", False))

    def _wallet(self):
        """Only the scenario's coins can be spent."""
        have = list(self.node.coins().values())
        missing = []
        for coin in confirmed_coins(self.scenario):
            if coin["sat"] in have:
                have.remove(coin["sat"])
            else:
                missing.append(coin["sat"])
        if missing:
            self.bench.net.fund(self.node, missing)
        for coin in wallet_coins(self.scenario):
            if not coin.get("confirmed", True):
                address = self.node.rpc("newaddr", addresstype="p2tr")["p2tr"]
                self.node.rpc("withdraw", destination=address, satoshi=coin["sat"])
        return self.bench.only(self._pick(), self.node)

    def _pick(self):
        outputs = [o for o in self.node.rpc("listfunds")["outputs"] if not o["reserved"]]
        picked = []
        for coin in wallet_coins(self.scenario):
            status = "confirmed" if coin.get("confirmed", True) else "unconfirmed"
            match = next(o for o in outputs if o["amount_msat"] == coin["sat"] * 1000 and o["status"] == status)
            outputs.remove(match)
            picked.append(f"{match['txid']}:{match['output']}")
        return picked


def outline(outcome):
    if isinstance(outcome, RpcError):
        return {"code": outcome.code, "data": shape({k: v for k, v in (outcome.data or {}).items() if k != "failed"})}
    return shape(outcome)


def agrees(scenario):
    """The builtin, in every call."""
    return all(c.get("builtin_agrees", True) for c in scenario["calls"])


def cases_of_files():
    for path in files():
        scenario = load(path)
        yield pytest.param(scenario, id=name_of(path), marks=() if agrees(scenario) else builtin_fails("does not do this"))


@pytest.mark.parametrize("scenario", cases_of_files())
def test_scenario(bench, scenario):
    outlines = []
    for node in [bench.reference] * agrees(scenario) + [bench.funder]:
        with RealWorld(bench, scenario, node) as world:
            outlines.append([outline(o) for o in run(scenario, world)])
    assert outlines[0] == outlines[-1], f"builtin: {outlines[0]}\nplugin: {outlines[-1]}"


@builtin_fails("has no such option")
@cases({name_of(path): (load(path),) for path in files()})
def test_scenario_with_txprepare(bench, scenario):
    options = {**scenario.get("options", {}), "multifundchannel-dry-run": "txprepare"}
    log_start = bench.funder.log_size()
    with RealWorld(bench, {**scenario, "options": options}, bench.funder) as world:
        outcomes = run(scenario, world)
    made = bench.funder.log(log_start).count("txprepare has made")
    assert made >= sum(not isinstance(o, RpcError) for o in outcomes), f"{made} by txprepare"
