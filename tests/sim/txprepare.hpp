#pragma once

#include <map>

#include "psbt/psbt.hpp"
#include "sim/core.hpp"

namespace sim {

/// lightningd's plugin txprepare: txprepare, txdiscard and txsend. It calls fundpsbt, utxopsbt and
/// unreserveinputs as any plugin does, and its list of transactions dies with it. A part of the node.
class Txprepare {
 public:
  explicit Txprepare(Core& core);

  /// How many transactions it keeps.
  [[nodiscard]] std::size_t kept() const { return unreleased_.size(); }
  /// lightningd was killed.
  void killed() { unreleased_.clear(); }

 private:
  void txprepare(Params& params, Reply reply);
  void note_unforeseen(const psbt::Psbt& psbt);
  void funded(Params& params, const json::Value& funded, Reply reply);
  void txdiscard(Params& params, Reply reply);
  void txsend(Reply reply);

  Core& core_;
  std::map<std::string, psbt::Psbt> unreleased_;  ///< by txid
};

}  // namespace sim
