#pragma once

#include <memory>
#include <string>
#include <vector>

#include "context/calls.hpp"
#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace peers {

/// Cancels a channel of a transaction that was handed to sendpsbt and never will confirm.
///
/// One that bitcoind has refused may still do so: sendpsbt has put the signed transaction into each of its channels,
/// and lightningd sends it again at its next start, as long as one of them is left. It can be taken back when it
/// has one channel only: when fundchannel_cancel has removed that, nobody has the transaction any more. With two, a
/// crash in between would leave a signed transaction that pays to a channel which is forgotten already.
///
/// Owned by whoever knows why it is safe, within whose scope it runs.
class Retraction {
 public:
  enum class Outcome {
    gone,   ///< lightningd shows nothing of it
    kept,   ///< lightningd will not cancel it, not later either: its wallet has recorded the transaction as sent
    later,  ///< another channel of the peer could be hit, or lightningd does not answer
  };
  /// `why` says what keeps it from being gone.
  using Done = util::Function<void(Outcome, const std::string& why)>;

  Retraction(context::Calls calls, ledger::Book& book);
  Retraction(const Retraction&) = delete;
  Retraction& operator=(const Retraction&) = delete;

  [[nodiscard]] static bool is_possible(const ledger::Ledger& ledger);
  /// Call one of these once. `done` comes from a reply. For a ledger for which it is possible, when sendpsbt was
  /// refused:
  void run(const std::shared_ptr<ledger::Ledger>& ledger, Done done);
  /// For any channel of a transaction that is impossible by now.
  void run(std::shared_ptr<ledger::OpeningRecord> opening, const bitcoin::Outpoint& funding, Done done);

 private:
  using Channels = std::vector<lightningd::PeerChannel>;

  void list(util::Function<void(const Channels*)> then);
  void judge(const Channels* channels);
  void gone();
  void cancel();
  void cancelled(const util::Result<void>& answer);
  [[nodiscard]] bool is_ours(const lightningd::PeerChannel& channel) const;
  [[nodiscard]] std::string in_the_way(const Channels& channels) const;
  [[nodiscard]] bool has_left_lockin(const Channels& channels) const;
  [[nodiscard]] bool is_there(const Channels& channels) const;

  context::Calls calls_;
  ledger::Book& book_;
  std::shared_ptr<ledger::OpeningRecord> opening_;
  bitcoin::Outpoint funding_;
  Done done_;
};

}  // namespace peers
