#include "multifundchannel/holds.hpp"

#include <utility>

#include "funding/psbt.hpp"
#include "multifundchannel/local_call.hpp"

namespace multifundchannel {

using lightningd::Outpoint;
using lightningd::WalletOutput;

namespace {

/// Longer than lightningd takes for it, and shorter than other users need to come in between by chance.
constexpr spark::Duration freshness{1000};

}  // namespace

Hold hold_on(const WalletOutput& output, const funding::ReservationRecord& record) {
  if (output.status == "spent") return Hold::spent;
  if (!output.reserved) return Hold::free;
  return record.explains(output.outpoint, output.reserved_to_block) ? Hold::ours : Hold::somebody_elses;
}

std::map<Outpoint, Hold> holds_on(const std::vector<WalletOutput>& outputs, const funding::ReservationRecord& record) {
  std::map<Outpoint, Hold> holds;
  for (const auto& [outpoint, height] : record.heights) holds[outpoint] = Hold::spent;
  for (const auto& output : outputs) {
    const auto input = holds.find(output.outpoint);
    if (input != holds.end()) input->second = hold_on(output, record);
  }
  return holds;
}

void look_at_coins(spark::Scope& scope, const lightningd::Client& client, const Settings& settings,
                   lightningd::Reply<std::vector<WalletOutput>> then, int tries) {
  using Answer = util::Result<std::vector<WalletOutput>>;
  auto judge = [&scope, &client, &settings, asked = scope.runtime().now(), tries,
                then = std::move(then)](const Answer& outputs) mutable {
    const bool stale = scope.runtime().now() - asked > freshness;
    if (!outputs || !stale || tries <= 1) return then(outputs);
    look_at_coins(scope, client, settings, std::move(then), tries - 1);
  };
  client.listfunds(local_call<std::vector<WalletOutput>>(scope, settings, "listfunds", std::move(judge)));
}

util::SharedText psbt_of(const std::vector<Outpoint>& outpoints) {
  return util::share(funding::Psbt::spending(outpoints).base64(0));
}

}  // namespace multifundchannel
