"""Every scenario file on real nodes: with the builtin where it is expected to agree, then with the plugin; and once more
with the plugin's other dry run.
"""
from bench import TESTS, shape
from regtest import RpcError
from scenarios import RealWorld, confirmed_coins, files, load, name_of, run


def outline(outcome):
    if isinstance(outcome, RpcError):
        return {"code": outcome.code, "data": shape({k: v for k, v in (outcome.data or {}).items() if k != "failed"})}
    return shape(outcome)


def run_on_real_nodes(bench, scenario):
    builtin_agrees = all(c.get("builtin_agrees", True) for c in scenario["calls"])
    outlines = []
    for node in [bench.reference] * builtin_agrees + [bench.funder]:
        with RealWorld(bench, scenario, node) as world:
            outlines.append([outline(o) for o in run(scenario, world)])
    assert outlines[0] == outlines[-1], f"builtin: {outlines[0]}\nplugin: {outlines[-1]}"


def run_with_txprepare(bench, scenario):
    options = {**scenario.get("options", {}), "multifundchannel-dry-run": "txprepare"}
    log_start = bench.funder.log_size()
    with RealWorld(bench, {**scenario, "options": options}, bench.funder) as world:
        outcomes = run(scenario, world)
    made = bench.funder.log(log_start).count("txprepare has made")
    assert made >= sum(not isinstance(o, RpcError) for o in outcomes), f"{made} by txprepare"


def coins():
    """What the wallets need for all of them."""
    return [c["sat"] for path in files() for c in confirmed_coins(load(path))]


def register():
    for path in files():
        scenario = load(path)
        agrees = all(c.get("builtin_agrees", True) for c in scenario["calls"])
        TESTS.append((f"scenario: {name_of(path)}",
                      lambda bench, scenario=scenario: run_on_real_nodes(bench, scenario),
                      "" if agrees else "does not do this"))
        TESTS.append((f"scenario with txprepare: {name_of(path)}",
                      lambda bench, scenario=scenario: run_with_txprepare(bench, scenario), "has no such option"))


register()
