#include "funding/commitment.hpp"

#include <algorithm>

#include "lightningd/codes.hpp"
#include "lightningd/features.hpp"
#include "util/str.hpp"

namespace funding {

using bitcoin::Msat;
using bitcoin::Sat;

namespace {

namespace feature = lightningd::feature;

/// BOLT 3: the weight of a commitment transaction without HTLCs, and two anchors of 330 sat.
constexpr std::uint64_t plain_weight = 724;
constexpr std::uint64_t anchors_weight = 1124;
constexpr Sat both_anchors{660};

Sat fee(bitcoin::Perkw feerate, std::uint64_t weight) { return Sat{feerate.value * weight / 1000}; }

}  // namespace

std::optional<Sat> Commitment::cost(Kind kind) const {
  std::optional<Sat> plain;
  std::optional<Sat> anchors;
  if (plain_feerate) plain = fee(*plain_feerate, plain_weight);
  if (anchor_feerate) anchors = fee(*anchor_feerate, anchors_weight) + both_anchors;
  switch (kind) {
    case Kind::plain:
      return plain;
    case Kind::anchors:
      return anchors;
    case Kind::unknown:
      break;
  }
  // Whichever it will be, it costs the smaller of them.
  if (!plain || !anchors) return std::nullopt;
  return std::min(*plain, *anchors);
}

std::optional<Msat> Commitment::most_push(Sat amount, Kind kind) const {
  const auto paid = cost(kind);
  if (!paid) return std::nullopt;
  return to_msat(amount > *paid ? amount - *paid : Sat{});
}

Sat Commitment::most_reserve(Sat amount, Kind kind) const {
  const Sat kept = cost(kind).value_or(Sat{}) + min_capacity.value_or(Sat{});
  return amount > kept ? Sat{(amount - kept).value / 2} : Sat{};
}

util::Result<void> Commitment::check(const request::Destination& destination, Sat amount, Kind kind) const {
  if (auto fits = check_push(destination, amount, kind); !fits) return fits;
  return check_reserve(destination, amount, kind);
}

util::Result<void> Commitment::check_push(const request::Destination& destination, Sat amount, Kind kind) const {
  if (destination.push.value == 0) return {};
  const auto most = most_push(amount, kind);
  if (!most || destination.push <= *most) return {};
  return util::Error{
      lightningd::code::cannot_afford,
      util::str("destinations[", destination.index, "].push_msat: ", destination.push.value, " of ",
                to_msat(amount).value, " msat leaves too little for the commitment transaction, which costs us ",
                cost(kind)->value, " sat: ", most->value,
                " msat is the largest that works (Funder cannot afford fee on initial commitment transaction)"),
      {}};
}

// With the beginning of what openingd says of it, which programs know.
util::Result<void> Commitment::check_reserve(const request::Destination& destination, Sat amount, Kind kind) const {
  if (!destination.reserve) return {};
  const auto most = most_reserve(amount, kind);
  if (*destination.reserve <= most) return {};
  return util::Error{
      lightningd::code::generic,
      util::str("destinations[", destination.index, "].reserve: ", destination.reserve->value, " sat is more than ",
                most.value, " sat, the largest that works: both sides keep it, and the rest of ", amount.value,
                " sat must pay for the commitment transaction and hold min-capacity-sat (Not opening because if they "
                "used the same setting as us)"),
      {}};
}

Commitment::Kind kind_of(const request::Destination& destination, const lightningd::Features& ours,
                         const std::optional<lightningd::Features>& peers) {
  using Kind = Commitment::Kind;
  if (destination.has_channel_type) {
    const auto& bits = destination.channel_type;
    const bool asked = std::any_of(bits.begin(), bits.end(),
                                   [](auto bit) { return bit / 2 == feature::anchors_zero_fee_htlc_tx / 2; });
    return asked ? Kind::anchors : Kind::plain;
  }
  if (!ours.offers(feature::anchors_zero_fee_htlc_tx)) return Kind::plain;
  if (!peers) return Kind::unknown;
  return peers->offers(feature::anchors_zero_fee_htlc_tx) ? Kind::anchors : Kind::plain;
}

}  // namespace funding
