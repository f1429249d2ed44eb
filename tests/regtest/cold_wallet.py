"""A wallet that is not lightningd's: bitcoind's, in two parts. One part knows the public keys only and makes PSBTs, the
other has the keys and signs them, as a hardware wallet does."""
import contextlib
import itertools

NUMBERS = itertools.count()


class ColdWallet:
    """`kind`: bech32 or bech32m (taproot)."""

    def __init__(self, bitcoind, kind):
        self.bitcoind, self.kind = bitcoind, kind
        number = next(NUMBERS)
        self.signer, self.watcher = f"signer{number}", f"watcher{number}"
        self._call("createwallet", self.signer, False, False, "", False, True, False)
        self._call("createwallet", self.watcher, True, True, "", False, True, False)
        descriptors = self._of_signer("listdescriptors")["descriptors"]
        wanted = "tr(" if kind == "bech32m" else "wpkh("
        self._of_watcher("importdescriptors", [
            {"desc": d["desc"], "timestamp": "now", "active": True, "internal": d["internal"], "range": [0, 100]}
            for d in descriptors if d["desc"].startswith(wanted)])

    def _call(self, method, *params):
        return self.bitcoind.call(method, *params)

    def _of_signer(self, method, *params):
        return self.bitcoind.call(method, *params, wallet=self.signer)

    def _of_watcher(self, method, *params):
        return self.bitcoind.call(method, *params, wallet=self.watcher)

    def address(self):
        return self._of_watcher("getnewaddress", "", self.kind)

    def change_address(self):
        return self._of_watcher("getrawchangeaddress", self.kind)

    def receive(self, *amounts):
        """So many coins of these amounts (sat), confirmed."""
        for amount in amounts:
            self.bitcoind.pay({self.address(): amount})
        self.bitcoind.mine(1)

    def coins(self):
        return self._of_watcher("listunspent", 0)

    def all_coins(self):
        """Those that were mined just now, too."""
        return self._of_watcher("listunspent", 0, 9999999, [], True, {"include_immature_coinbase": True})

    def psbt(self, coins=None, change=True, version=0):
        """An unsigned PSBT that spends these coins (all that there are) and pays nobody but the change."""
        coins = coins or self.coins()
        inputs = [{"txid": c["txid"], "vout": c["vout"]} for c in coins]
        total = sum(round(c["amount"] * 1e8) for c in coins)
        outputs = [{self.change_address(): (total - 1000) / 1e8}] if change else []
        bare = self._call("createpsbt", inputs, outputs)
        return self.described(bare)

    def described(self, bare):
        """With what a signer has to know of it."""
        return self._of_watcher("walletprocesspsbt", bare, False, "ALL" if self.kind == "bech32" else "DEFAULT", True)["psbt"]

    def sign(self, psbt, finalize=True, sighash=None):
        usual = "ALL" if self.kind == "bech32" else "DEFAULT"
        done = self._of_signer("walletprocesspsbt", psbt, True, sighash or usual, True, finalize)
        assert done["complete"] or not finalize, done
        return done["psbt"]

    def transaction(self, signed):
        """In hex."""
        return self._call("finalizepsbt", signed)["hex"]

    def unload(self):
        for wallet in (self.signer, self.watcher):
            with contextlib.suppress(Exception):
                self._call("unloadwallet", wallet)
