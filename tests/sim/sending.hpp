#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/core.hpp"
#include "sim/raw_psbt.hpp"

namespace sim {

/// sendpsbt, setpsbtversion, listtransactions, getutxout, and what lightningd learns from blocks. A part of the
/// node.
class Sending {
 public:
  explicit Sending(Core& core);

  /// Transactions of ours that reached the mempool, in order.
  [[nodiscard]] const std::vector<bitcoin::Txid>& sent() const { return sent_; }
  /// One block, which holds all of the mempool.
  void mine();
  /// The last block is replaced by an empty one: what it held is in the mempool again.
  void replace_block();
  /// What lightningd does at its next start: broadcast again what is final and not withheld.
  void rebroadcast();
  /// Another user of the wallet spends the coin. Nothing happens when it is spent already.
  void spend_for_others(const Coin& coin);
  /// From now on every broadcast works.
  void recover();

 private:
  struct Recorded {
    bitcoin::Txid txid;
    std::string hex;
    bitcoin::Transaction transaction;
    std::uint32_t height = 0;
  };
  /// One sendpsbt under way.
  struct Attempt {
    RawPsbt psbt;
    std::vector<Coin*> coins;
    std::uint32_t reserve;
    Reply reply;
  };

  void sendpsbt(Params& params, Reply reply);
  void setpsbtversion(Params& params, Reply reply);
  void getutxout(Params& params, Reply reply);
  void listtransactions(Reply reply);
  [[nodiscard]] Broadcast next_kind();
  void broadcast(Attempt attempt);
  void to_bitcoind(Attempt attempt);
  void failed(Attempt attempt, const std::string& why);
  void store_in_channels(const psbt::Psbt& psbt);
  Chain::Verdict to_mempool(const bitcoin::Transaction& transaction);
  [[nodiscard]] std::optional<std::uint64_t> fee_of(const bitcoin::Transaction& transaction) const;
  /// What bitcoind says of its fee; nothing when it takes it.
  [[nodiscard]] std::optional<std::string> refusal(const RawPsbt& psbt) const;
  void record(const bitcoin::Transaction& transaction, std::string hex);
  void confirmed(const bitcoin::Transaction& transaction, std::uint32_t height);

  Core& core_;
  std::vector<bitcoin::Txid> sent_;
  std::vector<Recorded> recorded_;  // lightningd's own table
  std::size_t attempts_ = 0;
};

}  // namespace sim
