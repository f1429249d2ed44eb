#include "checks/cautions.hpp"

#include <charconv>
#include <string_view>

#include "lightningd/features.hpp"
#include "util/str.hpp"

namespace checks {

using lightningd::Features;
using request::Destination;
using util::str;

namespace {

namespace feature = lightningd::feature;

/// "10", "10perkb" or "10perkw" in sat per 1,000 weight, as lightningd rounds it; nothing for the name of an estimate.
std::optional<std::uint64_t> literal(std::string_view text) {
  std::uint64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  const std::string_view rest(unit, static_cast<std::size_t>(end - unit));
  if (rest == "perkw") return number;
  if (rest.empty() || rest == "perkb") return number / 4 + (number % 4 == 0 ? 0 : 1);
  return std::nullopt;
}

bool negotiated(const Features& ours, const Features& peers, std::size_t feature) {
  return ours.offers(feature) && peers.offers(feature);
}

/// P2PKH or P2SH; lightningd has looked at the rest of the address already.
bool is_base58(std::string_view address) {
  return !address.empty() && std::string_view("123mn").find(address.front()) != std::string_view::npos;
}

/// Witness version 1 and above: the letter behind the separator is the version, and q is 0.
bool is_taproot_or_later(std::string_view address) {
  const auto separator = address.find('1');
  return !is_base58(address) && separator + 1 < address.size() && address[separator + 1] != 'q' &&
         address[separator + 1] != 'Q';
}

}  // namespace

std::optional<std::string> caution_of_feerate(const request::Request& request, bitcoin::Perkw used) {
  const auto asked = request.feerate ? literal(*request.feerate) : std::nullopt;
  if (!asked || *asked >= used.value) return std::nullopt;
  return str("feerate: ", *request.feerate, " is below the least that lightningd takes; ", used.value,
             " perkw is used. A bare number is per 1,000 bytes: 1 sat/vbyte is 1000, or 250perkw");
}

std::optional<std::string> caution_of_commitment_feerate(const request::Request& request, std::size_t anchor_channels) {
  if (!request.commitment_feerate || anchor_channels == 0) return std::nullopt;
  return str("commitment_feerate: does not count for the ", anchor_channels,
             " channels with anchors, for which lightningd takes its own estimate (unilateral_anchor_close)");
}

std::optional<std::string> caution_of_close_to(const Destination& destination, const Features& ours,
                                               const Features& peers) {
  if (!destination.close_to) return std::nullopt;
  const auto where = str("destinations[", destination.index, "].close_to: ");
  if (!negotiated(ours, peers, feature::upfront_shutdown_script)) {
    return where +
           "the peer does not offer option_upfront_shutdown_script: the address will not be kept to, and a close pays "
           "to this wallet unless `close` is given a destination";
  }
  if (is_base58(*destination.close_to) && negotiated(ours, peers, feature::anchors_zero_fee_htlc_tx)) {
    return where + "a peer with anchors may refuse P2PKH and P2SH addresses (lightningd does); take a bech32 address";
  }
  if (is_taproot_or_later(*destination.close_to) && !negotiated(ours, peers, feature::shutdown_anysegwit)) {
    return where +
           "the peer does not offer option_shutdown_anysegwit and may refuse a taproot address; take one of witness "
           "version 0";
  }
  return std::nullopt;
}

}  // namespace checks
