#include "rivals/unrecorded_rival.hpp"

#include <algorithm>
#include <utility>

#include "chain/chain_look.hpp"
#include "chain/depth.hpp"
#include "psbt/psbt.hpp"
#include "sending/found_channels.hpp"
#include "util/str.hpp"

namespace rivals {

using bitcoin::Outpoint;
using lightningd::WalletOutput;
using util::Result;

std::string UnrecordedRival::Found::str() const {
  return util::str("input ", input.str(), " is spent by a transaction that the wallet has not recorded, which is ",
                   depth, " of ", chain::deep_enough, " blocks deep at least");
}

void UnrecordedRival::look(std::uint32_t height, lightningd::Reply<std::optional<Found>> then) {
  height_ = height;
  then_ = std::move(then);
  auto listed = [this](const Result<Channels>& channels) {
    if (!channels) return end(channels.error());
    const auto waiting = sending::find_channels(*ledger_, *channels).waiting;
    waiting ? look_at_inputs(*waiting) : none();
  };
  calls_.client.listpeerchannels(std::nullopt, calls_.local<Channels>("listpeerchannels", std::move(listed)));
}

void UnrecordedRival::look_at_inputs(const Outpoint& funding) {
  auto listed = [this, funding](const Result<Outputs>& outputs) {
    if (!outputs) return end(outputs.error());
    const auto psbt = psbt::Psbt::from_base64(*ledger_->plan->psbt);
    if (!psbt) return end(psbt.error());
    for (const auto& input : psbt->inputs()) {
      const bool spent = std::any_of(outputs->begin(), outputs->end(), [&input](const WalletOutput& output) {
        return output.outpoint == input.outpoint && output.status == lightningd::OutputStatus::spent;
      });
      if (spent) return look_at_funding(funding, input.outpoint);
    }
    none();
  };
  calls_.client.listfunds_with_spent(calls_.local<Outputs>("listfunds", std::move(listed)));
}

void UnrecordedRival::look_at_funding(const Outpoint& funding, const Outpoint& input) {
  auto told = [this, input](const Result<bool>& unspent) { unspent && !*unspent ? found(input) : none(); };
  chain::ChainLook(calls_.client).is_unspent(funding, calls_.local<bool>("getutxout", std::move(told)));
}

// A block may have come since lightningd was asked for its height: the first look counts for none.
void UnrecordedRival::found(const Outpoint& input) {
  if (!first_seen_ || *first_seen_ > height_) first_seen_ = height_;
  end(std::optional(Found{input, height_ - *first_seen_}));
}

void UnrecordedRival::none() {
  first_seen_.reset();
  end(std::optional<Found>());
}

void UnrecordedRival::end(Result<std::optional<Found>> result) { std::exchange(then_, nullptr)(result); }

}  // namespace rivals
