#pragma once

#include <memory>
#include <vector>

#include "funding/ledger.hpp"
#include "lightningd/client.hpp"
#include "multifundchannel/settings.hpp"
#include "spark/scope.hpp"

namespace multifundchannel {

/// Takes back a transaction that bitcoind has refused. sendpsbt has put the signed transaction into each of its
/// channels by then, and lightningd sends it again at its next start, as long as one of them is left. So this is
/// possible for a transaction with one channel only: when fundchannel_cancel has removed that, nobody has the
/// transaction any more. With two, a crash in between would leave a signed transaction that pays to a channel which
/// is forgotten already.
///
/// Owned by whoever was told the refusal, within whose scope it runs.
class Retraction {
 public:
  /// `gone`: nobody has the transaction any more.
  using Done = util::Function<void(bool gone)>;

  Retraction(spark::Scope& scope, const lightningd::Client& client, const Settings& settings, funding::Book& book);
  Retraction(const Retraction&) = delete;
  Retraction& operator=(const Retraction&) = delete;

  [[nodiscard]] static bool is_possible(const funding::Ledger& ledger);
  /// Call once, for a ledger for which it is possible, when sendpsbt was refused. `done` comes from a reply.
  void run(const std::shared_ptr<funding::Ledger>& ledger, Done done);

 private:
  using Channels = std::vector<lightningd::PeerChannel>;

  void list(util::Function<void(const Channels*)> then);
  void judge(const Channels* channels);
  void cancel();
  [[nodiscard]] bool may_cancel(const Channels& channels) const;
  [[nodiscard]] bool is_there(const Channels& channels) const;

  spark::Scope& scope_;
  lightningd::Client client_;
  Settings settings_;
  funding::Book& book_;
  std::shared_ptr<funding::OpeningRecord> opening_;
  lightningd::Outpoint funding_;
  Done done_;
};

}  // namespace multifundchannel
