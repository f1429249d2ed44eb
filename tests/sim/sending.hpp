#pragma once

#include <string>
#include <vector>

#include "sim/core.hpp"
#include "sim/raw_psbt.hpp"

namespace sim {

/// sendpsbt, setpsbtversion, listtransactions, and the chain that takes what is sent. A part of the
/// node.
class Sending {
 public:
  explicit Sending(Core& core);

  /// Transactions that reached the mempool.
  [[nodiscard]] const std::vector<lightningd::Txid>& sent() const { return sent_; }
  /// `blocks` more, the first of which holds all of the mempool.
  void mine(std::uint32_t blocks);
  /// What lightningd does at its next start: broadcast again what is final and not withheld.
  void rebroadcast();

 private:
  struct Recorded {
    lightningd::Txid txid;
    std::string hex;
    funding::Transaction transaction;
    std::uint32_t height = 0;
  };

  void sendpsbt(Params& params, Reply reply);
  void setpsbtversion(Params& params, Reply reply);
  void listtransactions(Reply reply);
  void broadcast(const RawPsbt& psbt, const std::vector<Coin*>& coins, std::uint32_t reserve, Reply reply);
  void store_in_channels(const funding::Psbt& psbt);
  void to_mempool(const funding::Transaction& transaction);
  void record(const RawPsbt& psbt);

  Core& core_;
  std::vector<lightningd::Txid> sent_;
  std::vector<Recorded> recorded_;  // lightningd's own table
  std::vector<funding::Transaction> unconfirmed_;
};

}  // namespace sim
