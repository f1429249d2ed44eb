#pragma once

#include <memory>
#include <string>
#include <vector>

#include "journal/journal.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "peers/retraction.hpp"
#include "wallet/holding.hpp"

namespace recovery {

/// Clears up after a transaction that is impossible: cancels its channels, one after the other, and then frees the
/// inputs that are reserved still, whatever has become of the channels. The record stays as it is but for these: a
/// crash finds the proof again. Owned by the Impossibility; runs in the Settlement's scope.
class Removal {
 public:
  /// What lightningd keeps for good, for the user to know; an error says why it is to be tried again.
  using Done = util::Function<void(const util::Result<std::vector<std::string>>& kept)>;

  /// `last_try`: a channel that cannot be cancelled now is left for good.
  Removal(context::Calls calls, ledger::Book& book, bool last_try)
      : calls_(std::move(calls)), book_(book), last_try_(last_try) {}
  Removal(const Removal&) = delete;
  Removal& operator=(const Removal&) = delete;

  /// Call once. `done` comes from a reply.
  void run(std::shared_ptr<ledger::Ledger> ledger, std::shared_ptr<journal::Journal> journal, Done done);

 private:
  void next();
  void done_with(std::size_t opening, peers::Retraction::Outcome outcome, const std::string& why);
  void ended();
  void release();
  void released(const util::Result<bool>& done);

  context::Calls calls_;
  ledger::Book& book_;
  std::shared_ptr<ledger::Ledger> ledger_;
  std::shared_ptr<journal::Journal> journal_;
  std::unique_ptr<wallet::Holding> holding_;
  Done done_;
  std::vector<std::unique_ptr<peers::Retraction>>
      channels_;  ///< one for each opening so far; empty: not in the transaction
  std::vector<std::string> kept_;
  const bool last_try_;
  std::string waits_for_;  ///< what keeps a channel from being cancelled now
};

}  // namespace recovery
