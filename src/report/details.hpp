#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bitcoin/fees.hpp"
#include "funding/economy.hpp"
#include "funding/funding_transaction.hpp"
#include "json/writer.hpp"
#include "report/batch_report.hpp"
#include "report/timeline.hpp"

namespace report {

/// Into an open object: fee, weight and feerate.
void write_cost(json::Writer& out, const bitcoin::Cost& cost);
/// Likewise `left_out`, when there are any.
void write_left_out(json::Writer& out, const std::vector<funding::Coin>& coins);

/// What `details=true` adds to the result or the error of a batch, beside what the builtin has. Owned by
/// the batch; exists only when it was asked for.
class Details {
 public:
  Details(std::string batch, std::shared_ptr<const Timeline> timeline)
      : batch_(std::move(batch)), timeline_(std::move(timeline)) {}

  /// For the result: coins that were left out, since they would have cost more than they bring.
  void left_out(std::vector<funding::Coin> coins) { left_out_ = std::move(coins); }
  /// For the result, too: what the user may not have expected.
  void warn(std::string text) { warnings_.push_back(std::move(text)); }

  /// Into the result's object: fee, feerate, weight, change, the batch and its seconds.
  void write_batch(json::Writer& out, const funding::FundingTransaction& transaction) const;
  /// Into a channel's object: the peer's seconds, and what became of its policy.
  void write_channel(json::Writer& out, std::size_t destination, const ledger::OpeningRecord& opening) const;
  /// Into the object of a peer that failed: its cause and its seconds.
  void write_failed(json::Writer& out, std::size_t destination, const PeerFailure& failure) const;
  /// The error with the batch, the cause and the seconds in its data.
  [[nodiscard]] util::Error added_to(util::Error error) const;

 private:
  void write_peer(json::Writer& out, std::size_t destination) const;
  void write_seconds(json::Writer& out) const;

  std::string batch_;
  std::vector<funding::Coin> left_out_;
  std::vector<std::string> warnings_;
  std::shared_ptr<const Timeline> timeline_;
};

}  // namespace report
