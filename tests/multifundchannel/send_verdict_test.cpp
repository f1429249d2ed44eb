#include "sending/send_verdict.hpp"

#include <doctest/doctest.h>

#include <string>

#include "jsonrpc/caller.hpp"
#include "lightningd/client.hpp"

using sending::refusal_text;
using sending::SendVerdict;
using sending::verdict_on;
using util::Error;

namespace {

/// What lightningd makes of bitcoin-cli's output.
Error sendpsbt_error(const std::string& output) {
  return Error{-1, "Error broadcasting transaction: " + output + ". Unsent tx discarded 0200000000010142", {}};
}

Error said(const std::string& code, const std::string& reason) {
  return sendpsbt_error("error code: " + code + "\\nerror message:\\n" + reason + "\\n");
}

struct Row {
  const char* code;
  const char* reason;
  SendVerdict verdict;
};

constexpr Row rows[] = {
    // Seen on Bitcoin Knots 29.4 through lightningd v26.06.6.
    {"-26", "min relay fee not met, 236 < 1970", SendVerdict::refused},
    {"-25", "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)", SendVerdict::refused},
    {"-26",
     "insufficient fee, rejecting replacement "
     "1c5b8830220f92a165d81343a42973e2cc9b41529b7c2773bcc676fc841fa835; new feerate 0.00002000 BTC/kvB <= old feerate "
     "0.00004000 BTC/kvB",
     SendVerdict::refused},
    {"-26",
     "insufficient fee, rejecting replacement "
     "e625832c3eb9ae7b73a04511179d3b2c691a8d0e939e773cdf681d3b80785291, not enough additional fees to relay; "
     "0.00000006 "
     "< 0.00000154",
     SendVerdict::refused},
    {"-25", "bad-txns-inputs-missingorspent", SendVerdict::inputs_gone},
    // bitcoind's known words, not provoked here.
    {"-27", "Transaction outputs already in utxo set", SendVerdict::known},
    {"-27", "Transaction already in block chain", SendVerdict::known},
    {"-27", "transaction already in block chain", SendVerdict::known},
    {"-26", "txn-already-known", SendVerdict::known},
    {"-26", "txn-already-in-mempool", SendVerdict::known},
    {"-26", "257: txn-already-known", SendVerdict::known},
    {"-26", "txn-same-nonwitness-data-in-mempool", SendVerdict::known},
    {"-25", "Missing inputs", SendVerdict::inputs_gone},
    {"-26", "bad-txns-inputs-spent", SendVerdict::inputs_gone},
    {"-26", "66: min relay fee not met", SendVerdict::refused},
    {"-26", "66: mempool min fee not met", SendVerdict::refused},
    {"-26", "mempool min fee not met, 197 < 1650", SendVerdict::refused},
    {"-26", "256: absurdly-high-fee", SendVerdict::refused},
    {"-26", "absurdly-high-fee, 1000000 > 10000000", SendVerdict::refused},
    {"-26", "258: txn-mempool-conflict", SendVerdict::refused},
    {"-26", "txn-mempool-conflict", SendVerdict::refused},
    {"-26", "too many potential replacements, rejecting replacement 12ab; too many potential replacements (123 > 100)",
     SendVerdict::refused},
    {"-26", "too-long-mempool-chain, too many descendants for tx 12ab [limit: 25]", SendVerdict::refused},
    {"-26", "mempool full", SendVerdict::refused},
    {"-26", "64: scriptpubkey", SendVerdict::refused},
    {"-26", "scriptpubkey", SendVerdict::refused},
    {"-26", "64: dust", SendVerdict::refused},
    {"-26", "dust, tx with dust output must be 0-fee", SendVerdict::refused},
    {"-26", "tx-size", SendVerdict::refused},
    {"-26", "version", SendVerdict::refused},
    {"-26", "64: non-final", SendVerdict::refused},
    {"-26", "non-final", SendVerdict::refused},
    {"-26", "64: non-BIP68-final", SendVerdict::refused},
    {"-26", "bad-witness-nonstandard", SendVerdict::refused},
    {"-26", "mandatory-script-verify-flag-failed (Invalid Schnorr signature), input 0", SendVerdict::refused},
    {"-26", "mempool-script-verify-flag-failed (Witness program hash mismatch)", SendVerdict::refused},
    {"-26", "block-script-verify-flag-failed (Invalid Schnorr signature), input 0 of 12ab (wtxid 34cd)",
     SendVerdict::refused},
    {"-26", "64: non-mandatory-script-verify-flag (No error)", SendVerdict::refused},
    {"-25", "max-fee-exceeded", SendVerdict::refused},
    {"-25", "max feerate exceeded", SendVerdict::refused},
    {"-25", "Unspendable output exceeds maximum configured by user (maxburnamount)", SendVerdict::refused},
    {"-26", "66: insufficient priority", SendVerdict::refused},
    {"-26", "bad-txns-spends-conflicting-tx, 12ab spends conflicting transaction 34cd", SendVerdict::refused},
    {"-26", "replacement-adds-unconfirmed, replacement 12ab adds unconfirmed input, idx 0", SendVerdict::refused},
    {"-26", "replacement-failed, insufficient feerate: does not improve feerate diagram", SendVerdict::refused},
    {"-26", "bip125-replacement-disallowed", SendVerdict::refused},
    {"-26", "TRUC-violation, tx 12ab (wtxid=34cd) would have too many ancestors", SendVerdict::refused},
    {"-26", "v3-rule-violation, tx 12ab would have too many ancestors", SendVerdict::refused},
    {"-26", "too-large-cluster, exceeds cluster size limit", SendVerdict::refused},
    {"-26", "missing-ephemeral-spends, tx 12ab did not spend parent's ephemeral dust", SendVerdict::refused},
    {"-26", "tx-size-small", SendVerdict::refused},
    {"-26", "bare-multisig", SendVerdict::refused},
    {"-26", "datacarrier", SendVerdict::refused},
    {"-26", "multi-op-return", SendVerdict::refused},
    {"-26", "scriptsig-size", SendVerdict::refused},
    {"-26", "scriptsig-not-pushonly", SendVerdict::refused},
    {"-26", "coinbase", SendVerdict::refused},
    {"-26", "bad-txns-nonstandard-inputs, input 0: script unknown", SendVerdict::refused},
    {"-26", "bad-txns-too-many-sigops, 16001", SendVerdict::refused},
    {"-26", "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 99", SendVerdict::refused},
    {"-26", "bad-txns-in-belowout, value in (0.01) < value out (0.02)", SendVerdict::refused},
    {"-26", "bad-txns-fee-outofrange", SendVerdict::refused},
    {"-26", "bad-txns-inputvalues-outofrange", SendVerdict::refused},
    {"-26", "bad-txns-inputs-duplicate", SendVerdict::refused},
    {"-26", "bad-txns-vin-empty", SendVerdict::refused},
    {"-26", "bad-txns-vout-empty", SendVerdict::refused},
    {"-26", "bad-txns-oversize", SendVerdict::refused},
    {"-26", "bad-txns-vout-negative", SendVerdict::refused},
    {"-26", "bad-txns-vout-toolarge", SendVerdict::refused},
    {"-26", "bad-txns-txouttotal-toolarge", SendVerdict::refused},
    {"-26", "bad-txns-prevout-null", SendVerdict::refused},
    // A doubt: bitcoind is away, not ready, or says what nobody knows.
    {"-28", "Loading block index...", SendVerdict::doubt},
    {"-28", "Verifying blocks...", SendVerdict::doubt},
    {"-28", "Rewinding blocks...", SendVerdict::doubt},
    {"-9", "Node is not connected", SendVerdict::doubt},
    {"-31", "Error: Peer-to-peer functionality missing or disabled", SendVerdict::doubt},
    {"-8", "min relay fee not met", SendVerdict::doubt},
    {"-26", "dustbin", SendVerdict::doubt},
    // Of packages, which nobody sends here: one of them may have entered without the others.
    {"-26", "package-mempool-limits", SendVerdict::doubt},
    {"-26", "package-not-child-with-unconfirmed-parents", SendVerdict::doubt},
    {"-25", "transaction failed", SendVerdict::doubt},
    {"-25", "Mempool internal error", SendVerdict::doubt},
    {"-26", "Transaction rejected by mempool", SendVerdict::doubt},
    {"-26", "something that a later version says", SendVerdict::doubt},
    {"-26", "", SendVerdict::doubt},
    {"-25", "", SendVerdict::doubt},
    {"x", "min relay fee not met", SendVerdict::doubt},
    {"-32601", "Method not found", SendVerdict::doubt},
};

}  // namespace

TEST_CASE("bitcoind's answers are told apart") {
  for (const auto& row : rows) {
    CAPTURE(row.code);
    CAPTURE(row.reason);
    CHECK(std::string(name_of(verdict_on(said(row.code, row.reason)))) == name_of(row.verdict));
  }
}

TEST_CASE("line breaks may be real ones") {
  const auto error = sendpsbt_error("error code: -26\nerror message:\nmin relay fee not met, 236 < 1970\n");
  CHECK(verdict_on(error) == SendVerdict::refused);
  CHECK(refusal_text(error) == "min relay fee not met, 236 < 1970");
}

TEST_CASE("what bitcoind did not say is a doubt") {
  CHECK(verdict_on(sendpsbt_error("error: timeout on transient error: Could not connect to the server "
                                  "127.0.0.1:18443\\n\\nMake sure the bitcoind server is running and that you are "
                                  "connecting to the correct RPC port.\\n")) == SendVerdict::doubt);
  CHECK(verdict_on(sendpsbt_error("error: timeout on transient error: Could not connect to the server 127.0.0.1:18443 "
                                  "(error code 0 - \\\"timeout reached\\\")\\n")) == SendVerdict::doubt);
  CHECK(verdict_on(sendpsbt_error("min relay fee not met")) == SendVerdict::doubt);  // another backend's words
  CHECK(verdict_on(sendpsbt_error("")) == SendVerdict::doubt);
  CHECK(verdict_on(Error{-1, "PSBT not finalizeable cHNi", {}}) == SendVerdict::doubt);
  CHECK(verdict_on(Error{}) == SendVerdict::doubt);
  auto lost = said("-26", "min relay fee not met, 236 < 1970");
  lost.code = jsonrpc::Caller::lost;
  CHECK(verdict_on(lost) == SendVerdict::doubt);
  lost.code = lightningd::unreadable_reply;
  CHECK(verdict_on(lost) == SendVerdict::doubt);
  lost.code = -32602;
  CHECK(verdict_on(lost) == SendVerdict::doubt);
}

TEST_CASE("the user is told bitcoind's own words, without the transaction") {
  CHECK(refusal_text(said("-26", "66: min relay fee not met")) == "min relay fee not met");
  CHECK(refusal_text(Error{-1, "Error broadcasting transaction: away. Unsent tx discarded 0200", {}}) ==
        "Error broadcasting transaction: away.");
}

TEST_CASE("a channel that is withheld still shows that nothing was broadcast; without any channel the error has to") {
  const auto txid = bitcoin::Txid::from_hex(std::string(64, '1'));
  REQUIRE(txid);
  lightningd::PeerChannel channel;
  channel.opened_by_us = true;
  channel.funding = {*txid, 0};
  channel.withheld = true;
  const Error refused_by_lightningd{-32602, "UTXO is not reserved", {}};
  const auto failed = said("-25", "bad-txns-inputs-missingorspent");
  CHECK(sending::is_before_broadcast(failed, {channel}, *txid));
  CHECK(sending::is_before_broadcast(refused_by_lightningd, {}, *txid));
  CHECK(!sending::is_before_broadcast(failed, {}, *txid));
  channel.withheld = false;
  CHECK(!sending::is_before_broadcast(refused_by_lightningd, {channel}, *txid));
}
