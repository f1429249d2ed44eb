#include "sending/send_verdict.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "lightningd/client.hpp"
#include "sending/found_channels.hpp"
#include "sending/result.hpp"

namespace sending {

using util::Error;

namespace {

constexpr std::string_view from_bitcoind = "Error broadcasting transaction";
constexpr std::string_view before_code = "Error broadcasting transaction: error code: ";
constexpr std::string_view before_reason = "error message:";

/// bitcoind's error codes (rpc/protocol.h).
constexpr int transaction_error = -25;
constexpr int rejected = -26;
constexpr int already_there = -27;

constexpr std::array known_reasons{std::string_view("txn-already-known"), std::string_view("txn-already-in-mempool"),
                                   std::string_view("txn-same-nonwitness-data-in-mempool"),
                                   std::string_view("transaction already in block chain")};

constexpr std::array gone_reasons{std::string_view("bad-txns-inputs-missingorspent"),
                                  std::string_view("bad-txns-inputs-spent"), std::string_view("Missing inputs")};

/// All of them are said before the transaction enters the mempool, and nothing of it is relayed.
constexpr std::array refusals{std::string_view("Fee exceeds maximum configured by user"),
                              std::string_view("max-fee-exceeded"),
                              std::string_view("max feerate exceeded"),
                              std::string_view("Unspendable output exceeds maximum configured by user"),
                              std::string_view("absurdly-high-fee"),
                              std::string_view("min relay fee not met"),
                              std::string_view("mempool min fee not met"),
                              std::string_view("insufficient fee"),
                              std::string_view("insufficient priority"),
                              std::string_view("mempool full"),
                              std::string_view("txn-mempool-conflict"),
                              std::string_view("bad-txns-spends-conflicting-tx"),
                              std::string_view("too many potential replacements"),
                              std::string_view("replacement-adds-unconfirmed"),
                              std::string_view("replacement-failed"),
                              std::string_view("bip125-replacement-disallowed"),
                              std::string_view("TRUC-violation"),
                              std::string_view("v3-rule-violation"),
                              std::string_view("missing-ephemeral-spends"),
                              std::string_view("too-long-mempool-chain"),
                              std::string_view("too-large-cluster"),
                              std::string_view("version"),
                              std::string_view("scriptpubkey"),
                              std::string_view("dust"),
                              std::string_view("tx-size"),
                              std::string_view("tx-size-small"),
                              std::string_view("non-final"),
                              std::string_view("non-BIP68-final"),
                              std::string_view("bare-multisig"),
                              std::string_view("datacarrier"),
                              std::string_view("multi-op-return"),
                              std::string_view("scriptsig-size"),
                              std::string_view("scriptsig-not-pushonly"),
                              std::string_view("bad-txns-nonstandard-inputs"),
                              std::string_view("bad-txns-too-many-sigops"),
                              std::string_view("bad-txns-premature-spend-of-coinbase"),
                              std::string_view("bad-txns-in-belowout"),
                              std::string_view("bad-txns-fee-outofrange"),
                              std::string_view("bad-txns-inputvalues-outofrange"),
                              std::string_view("bad-txns-inputs-duplicate"),
                              std::string_view("bad-txns-vin-empty"),
                              std::string_view("bad-txns-vout-empty"),
                              std::string_view("bad-txns-oversize"),
                              std::string_view("bad-txns-vout-negative"),
                              std::string_view("bad-txns-vout-toolarge"),
                              std::string_view("bad-txns-txouttotal-toolarge"),
                              std::string_view("bad-txns-prevout-null"),
                              std::string_view("coinbase"),
                              std::string_view("bad-witness-nonstandard"),
                              std::string_view("mandatory-script-verify-flag-failed"),
                              std::string_view("mempool-script-verify-flag-failed"),
                              std::string_view("block-script-verify-flag-failed"),
                              std::string_view("non-mandatory-script-verify-flag")};

/// bitcoin-cli's output, in the words of bitcoind.
struct ErrorOutput {
  int code = 0;
  std::string reason;
};

/// lightningd passes the line breaks on as they are, or as two characters, by its version.
std::string with_line_breaks(std::string text) {
  for (auto at = text.find("\\n"); at != std::string::npos; at = text.find("\\n", at)) text.replace(at, 2, "\n");
  return text;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \n.");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \n.") - first + 1);
}

/// bitcoind before 0.19 puts a number in front: "66: min relay fee not met".
std::string_view without_number(std::string_view reason) {
  const auto digits = reason.find_first_not_of("0123456789");
  const bool numbered = digits != 0 && digits != std::string_view::npos && reason.substr(digits).starts_with(": ");
  return numbered ? reason.substr(digits + 2) : reason;
}

/// lightningd adds "Unsent tx discarded <tx>", and the transaction is cut out where its errors come in.
std::string without_tail(const std::string& message) { return message.substr(0, message.find(" Unsent tx discarded")); }

std::optional<ErrorOutput> read_output(const Error& error) {
  const auto text = with_line_breaks(without_tail(error.message));
  if (!text.starts_with(before_code)) return std::nullopt;
  const std::string_view rest = std::string_view(text).substr(before_code.size());
  ErrorOutput answer;
  const auto [end, wrong] = std::from_chars(rest.data(), rest.data() + rest.size(), answer.code);
  if (wrong != std::errc()) return std::nullopt;
  const auto after = trimmed(rest.substr(static_cast<std::size_t>(end - rest.data())));
  if (!after.starts_with(before_reason)) return std::nullopt;
  answer.reason = without_number(trimmed(after.substr(before_reason.size())));
  return answer;
}

/// The word stands alone: "dust" is none of "dustbin".
bool begins_with(std::string_view reason, std::string_view word) {
  if (!reason.starts_with(word)) return false;
  const auto rest = reason.substr(word.size());
  return rest.empty() || std::string_view(" ,;:(-\n").find(rest.front()) != std::string_view::npos;
}

template <class Words>
bool is_one_of(const Words& words, std::string_view reason) {
  return std::any_of(words.begin(), words.end(), [reason](std::string_view word) { return begins_with(reason, word); });
}

}  // namespace

const char* name_of(SendVerdict verdict) {
  switch (verdict) {
    case SendVerdict::doubt:
      break;
    case SendVerdict::known:
      return "known";
    case SendVerdict::inputs_gone:
      return "inputs gone";
    case SendVerdict::refused:
      return "refused";
  }
  return "doubt";
}

SendVerdict verdict_on(const Error& error) {
  if (lightningd::in_doubt(error) || error.code != -1) return SendVerdict::doubt;
  const auto answer = read_output(error);
  if (!answer) return SendVerdict::doubt;
  if (answer->code == already_there) return SendVerdict::known;
  if (answer->code != rejected && answer->code != transaction_error) return SendVerdict::doubt;
  if (is_one_of(known_reasons, answer->reason)) return SendVerdict::known;
  if (is_one_of(gone_reasons, answer->reason)) return SendVerdict::inputs_gone;
  if (is_one_of(refusals, answer->reason)) return SendVerdict::refused;
  return SendVerdict::doubt;
}

// lightningd marks the channels as no longer withheld before it broadcasts, and says so when bitcoind has failed.
bool is_before_broadcast(const Error& error, const std::vector<lightningd::PeerChannel>& channels,
                         const bitcoin::Txid& txid) {
  if (!all_withheld(channels, txid)) return false;
  return any_shown(channels, txid) || !error.message.starts_with(from_bitcoind);
}

std::string refusal_text(const Error& error) {
  const auto answer = read_output(error);
  return answer ? answer->reason : without_tail(error.message);
}

}  // namespace sending
