"""`tx` is what is broadcast, whatever kind of coin it spends."""
from regtest import wait_for


def coin_of_a_close(bench, peer):
    """The funder's coin from the peer's unilateral close of an anchor channel: P2WSH, to be spent a block later."""
    bench.open(bench.destinations([peer], 1_000_000))
    bench.mine_until_normal(bench.funder, 6)
    peer.rpc("dev-fail", id=bench.funder.id)
    closing = wait_for(lambda: bench.bitcoind.call("getrawmempool"), "the close", 60)
    bench.net.mine(1)

    def coin():
        return next((o for o in bench.funder.rpc("listfunds")["outputs"]
                     if o["txid"] in closing and o["status"] == "confirmed"), None)
    found = wait_for(coin, "the coin of the close", 60)
    bench.net.mine(1)
    kind = bench.transaction(found["txid"])["vout"][found["output"]]["scriptPubKey"]["type"]
    assert kind == "witness_v0_scripthash", kind
    return f"{found['txid']}:{found['output']}", found["amount_msat"] // 1000


def test_a_coin_of_a_unilateral_close(bench):
    outpoint, amount = coin_of_a_close(bench, bench.peers[0])
    others = list(bench.funder.coins())
    other = next(o for o in others if o != outpoint)
    result = bench.open(bench.destinations(bench.peers[1:3], amount // 2 + 100_000), utxos=[outpoint, other])
    sent = bench.transaction(result["txid"])
    assert result["tx"] == sent["hex"]
    spent = {f"{i['txid']}:{i['vout']}": len(i["txinwitness"]) for i in sent["vin"]}
    assert spent == {outpoint: 2, other: 1}, spent
    # lightningd does not count the script of that coin; the fee pays for whole vbytes of all there is.
    values = {f"{i['txid']}:{i['vout']}": bench.transaction(i["txid"])["vout"][i["vout"]]["value"] for i in sent["vin"]}
    fee = round((sum(values.values()) - sum(o["value"] for o in sent["vout"])) * 10**8)
    assert fee * 1000 >= -(-sent["weight"] // 4) * 4 * 7500, (fee, sent["weight"])
