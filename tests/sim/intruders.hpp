#pragma once

#include <set>
#include <string>

#include "bitcoin/ids.hpp"
#include "ledger/ledger.hpp"
#include "sim/core.hpp"
#include "sim/datastore.hpp"
#include "sim/secrets.hpp"

namespace sim {

/// Whoever may write the datastore and means no good: puts records into it that the plugin should not believe, as the
/// setup says. A part of the node.
class Intruders {
 public:
  Intruders(Core& core, Datastore& datastore, const Secrets& secrets);

  /// Names of records that they made: those stay, whatever the plugin does.
  [[nodiscard]] const std::set<Datastore::Key>& planted() const { return planted_; }
  /// They have changed a record of the plugin's: what that knew of is lost.
  [[nodiscard]] bool tampered() const { return tampered_; }
  /// Coins that a record with a good mac claims, although no batch has them: it may keep them reserved.
  [[nodiscard]] const std::set<bitcoin::Outpoint>& claimed() const { return claimed_; }

 private:
  void intrude(const Intrusion& intrusion);
  void plant(const Intrusion& intrusion);
  void tamper(Forgery how);
  void replay();
  void remove();
  void collude();
  void give_up();
  void plant(const ledger::Ledger& ledger);

  /// A batch that never was, which claims the node's coins, and openings with all peers.
  [[nodiscard]] ledger::Ledger forged(Random& random) const;
  /// A payment to nobody we know, in a record that says it is ready to be sent.
  void add_theft(ledger::Ledger& ledger) const;
  [[nodiscard]] ledger::Ledger ready_to_send(const Coin& coin, const psbt::Psbt& psbt, const lightningd::NodeId& peer);
  /// One that is free, and that no channel waits for: it is never given back. `fresh`: nor has a batch tried to spend
  /// it, nor does a record with a good mac claim it. The plugin tells batches apart by the heights to which they have
  /// reserved.
  [[nodiscard]] Coin* coin_to_take(bool fresh);
  [[nodiscard]] bool funds_a_channel(const Coin& coin) const;
  void take(Coin& coin);

  Core& core_;
  Datastore& datastore_;
  const Secrets& secrets_;
  Random random_;
  std::set<Datastore::Key> planted_;
  bool tampered_ = false;
  std::set<bitcoin::Outpoint> claimed_;
};

}  // namespace sim
