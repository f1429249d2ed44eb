#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lightningd/types.hpp"
#include "sim/peers.hpp"
#include "sim/raw_psbt.hpp"
#include "sim/wallet.hpp"

namespace sim {

/// Watches what is done to the node and notes everything that breaks an invariant of the design, at
/// the moment it happens. Owned by the node; its other parts tell it.
class Monitor {
 public:
  Monitor(Wallet& wallet, Peers& peers) : wallet_(wallet), peers_(peers) {}

  void violation(std::string text) { violations_.push_back(std::move(text)); }
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

  /// fundchannel_start answered: this is what the peer was told.
  void told(const util::Bytes& script, lightningd::Sat amount) { told_[script] = amount; }
  /// fundpsbt or utxopsbt chose the coin, for a transaction of this feerate.
  void funding(const Coin& coin, std::uint32_t feerate);
  void signing(const RawPsbt& psbt);
  /// sendpsbt got past all that could refuse it: from here on it may be broadcast.
  void sending(const RawPsbt& psbt, std::uint32_t version);
  [[nodiscard]] bool send_attempted(const lightningd::Txid& txid) const { return attempted_.contains(txid); }

  [[nodiscard]] bool send_attempted(const Coin& coin) const { return attempted_inputs_.contains(coin.outpoint); }

  /// fundchannel_cancel or close takes the channel.
  void ending(const Channel& channel, const char* by);
  /// unreserveinputs has reduced the reservation.
  void unreserved(const Coin& coin);

  /// A signed PSBT or transaction, which must not show up in any log.
  void secret(std::string text) { secrets_.push_back(std::move(text)); }
  /// A line of the plugin's.
  void logged(std::string line);
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }

  /// What must not be left over when all batches have ended.
  [[nodiscard]] std::vector<std::string> leftovers() const;

 private:
  void check_commitments(const RawPsbt& psbt, const char* deed);
  void check_outputs(const RawPsbt& psbt);
  void check_fee(const RawPsbt& psbt);

  Wallet& wallet_;
  Peers& peers_;
  std::vector<std::string> violations_;
  std::map<util::Bytes, lightningd::Sat> told_;             // by funding script
  std::map<lightningd::Outpoint, std::uint32_t> feerates_;  // of the last transaction planned with it
  std::vector<std::string> secrets_;
  std::vector<std::string> log_;
  std::set<lightningd::Txid> attempted_;
  std::set<lightningd::Outpoint> attempted_inputs_;
};

}  // namespace sim
