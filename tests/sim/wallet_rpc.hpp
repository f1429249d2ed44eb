#pragma once

#include <vector>

#include "psbt/psbt.hpp"
#include "sim/coin_selection.hpp"
#include "sim/core.hpp"
#include "sim/feerates.hpp"
#include "sim/raw_psbt.hpp"

namespace sim {

/// The wallet's RPCs up to signing: fundpsbt, utxopsbt, reserveinputs, unreserveinputs, signpsbt,
/// listfunds, newaddr. A part of the node.
class WalletRpc {
 public:
  WalletRpc(Core& core, const Feerates& feerates);

  /// A psbt parameter; reports a bad one and gives nothing.
  [[nodiscard]] static std::optional<psbt::Psbt> psbt_param(Params& params, std::string_view name);
  /// The coins that the PSBT spends, in its order; null for inputs that are not ours.
  [[nodiscard]] static std::vector<Coin*> inputs_of(Wallet& wallet, const psbt::Psbt& psbt);

 private:
  void fundpsbt(Params& params, Reply reply);
  void utxopsbt(Params& params, Reply reply);
  void reserveinputs(Params& params, Reply reply);
  void unreserveinputs(Params& params, Reply reply);
  void signpsbt(Params& params, Reply reply);
  void listfunds(Params& params, Reply reply);
  void newaddr(Params& params, Reply reply);
  void listaddresses(Params& params, Reply reply);

  [[nodiscard]] util::Result<FundRequest> read_request(Params& params) const;
  [[nodiscard]] util::Result<std::vector<Coin*>> read_utxos(Params& params);
  [[nodiscard]] std::string fund(const FundRequest& request, const Selection& found);
  [[nodiscard]] std::string sign(const psbt::Psbt& psbt, RawPsbt raw, const std::vector<Coin*>& coins);

  Core& core_;
  const Feerates& feerates_;
};

}  // namespace sim
