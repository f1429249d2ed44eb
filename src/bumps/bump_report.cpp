#include "bumps/bump_report.hpp"

namespace bumps {

const char* name_of(BumpState state) {
  switch (state) {
    case BumpState::sending:
      break;
    case BumpState::sent:
      return "sent";
  }
  return "sending";
}

std::optional<BumpState> bump_state_named(std::string_view name) {
  for (const auto state : {BumpState::sending, BumpState::sent}) {
    if (name == name_of(state)) return state;
  }
  return std::nullopt;
}

void write_bump(json::Writer& out, const BumpReport& bump) {
  out.object();
  if (!bump.batch.empty()) out.field("batch", bump.batch);
  out.field("txid", bump.parent.hex()).field("bump_txid", bump.txid.hex());
  out.field("fee_msat", bitcoin::to_msat(bump.fee).value).field("package_feerate_perkw", bump.feerate.value);
  out.field("state", name_of(bump.state)).end();
}

}  // namespace bumps
