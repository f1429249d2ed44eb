#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "json/writer.hpp"
#include "ledger/ledger.hpp"
#include "ledger/told_in_vain.hpp"
#include "lightningd/ids.hpp"
#include "report/states.hpp"
#include "util/result.hpp"

namespace report {

/// Why a peer dropped out: the RPC that failed, and its error as lightningd gave it (or ours, for a
/// deadline).
struct PeerFailure {
  PeerMethod method;
  util::Error error;
};

/// One destination as listmultifundchannels shows it.
struct DestinationReport {
  lightningd::NodeId id;
  bitcoin::Sat amount;
  DestinationState state = DestinationState::waiting;
  std::optional<bitcoin::Outpoint> outpoint;
  std::optional<PeerFailure> failure;
  std::optional<request::PolicyRecord> policy;  ///< of a channel in the transaction
  std::string memo;                             ///< the user's own words; empty when none
  bool is_gone = false;                         ///< `failure` is that a look has found no channel: another may find it
};

/// One batch as listmultifundchannels shows it.
struct BatchReport {
  std::string id;
  std::string label;       ///< its caller's name for it; empty when none
  std::int64_t begun = 0;  ///< Unix time, seconds
  BatchState state = BatchState::running;
  std::string phase;
  std::optional<bitcoin::Txid> txid;
  std::vector<DestinationReport> destinations;
  std::vector<ledger::PaymentRecord> payments;
  std::optional<std::uint32_t> deadline;  ///< block at which the peers of one that waits for its user forget it
  std::optional<util::Error> error;       ///< what the caller was told
  std::vector<std::string> recovery;      ///< what settling it has done and found, in order
  bool inquiry = false;                   ///< it only asks peers whether they would open

  /// The transaction is out: those that are in it are opened, others had dropped out.
  void opened();
  /// Nothing is left of it. `batch_state`: failed, when the caller was told so, or undone.
  void undone(BatchState batch_state);
  /// How far the channels' policies are.
  void take_policies(const ledger::Ledger& ledger);
  /// Adds what settling it has found, unless that was the last thing it found. Of a batch that is settled for
  /// months the first few lines and the last stay.
  void recovered(std::string line);
  /// What is never shown: errors' data, which may hold the signed transaction.
  void drop_data();
  /// About how many bytes of memory it takes.
  [[nodiscard]] std::size_t size() const;
};

/// What the ledger knows, with the batch's state left open.
[[nodiscard]] BatchReport report_on(const ledger::Ledger& ledger);

/// JSON text of one element of `batches`, see below.
[[nodiscard]] std::string to_json(const BatchReport& report);

/// The result of multifundchannel-finish: batch, txid and the channels.
[[nodiscard]] std::string finished_json(const BatchReport& report);

/// "policy": whether it is applied, and lightningd's error or warnings.
void write_policy(json::Writer& out, const request::PolicyRecord& policy);

/// Into an open object: "outputs", what a transaction pays beside its channels; nothing when there are none.
void write_outputs(json::Writer& out, const std::vector<ledger::PaymentRecord>& payments);

/// JSON text of the arrays `batches` and, when there are any, `told_in_vain` and `bumps`, which are JSON text already;
/// `code` and `message` of errors, but never their data: lightningd's error about a failed broadcast carries the signed
/// transaction.
[[nodiscard]] std::string to_json(const std::vector<BatchReport>& reports, const ledger::ToldInVain::Entries& told,
                                  std::string_view bumps);

}  // namespace report
