#include "sim/judgement.hpp"

#include <set>

#include "lightningd/codes.hpp"
#include "sim/params.hpp"
#include "util/str.hpp"

namespace sim {

namespace code = lightningd::code;

std::optional<util::Error> judge_close_to(std::string_view address) {
  for (const auto* other : {"bc1", "tb1", "1", "3"}) {
    if (address.starts_with(other))
      return util::Error{code::generic, "Destination address is not on network regtest", ""};
  }
  const bool witness = address.starts_with("bcrt1") && (address.size() == 44 || address.size() == 64);
  const bool old = !address.empty() && std::string_view("2mn").find(address.front()) != std::string_view::npos &&
                   (address.size() == 34 || address.size() == 35);
  if (witness || old) return std::nullopt;
  return util::Error{code::generic, "Could not parse destination address, close_to should be a valid address", ""};
}

std::optional<util::Error> judge_channel_type(const json::Value& bits, const lightningd::Features& ours) {
  const util::Error refused{code::invalid_params, "channel_type not supported", ""};
  std::set<std::uint64_t> asked;
  for (const auto& element : bits.elements()) asked.insert(parse_number(token_text(element)).value_or(0));
  for (const std::uint64_t even : {12, 22, 46, 50}) {
    const bool wanted = asked.contains(even) || asked.contains(even + 1);
    if (wanted ? !ours.offers(even) : ours.has(even)) return refused;
  }
  for (const std::uint64_t variant : {46, 47, 50, 51}) asked.erase(variant);
  if (asked == std::set<std::uint64_t>{12} || asked == std::set<std::uint64_t>{12, 22}) return std::nullopt;
  return refused;
}

std::optional<util::Error> judge_address(std::string_view address) {
  const auto colon = address.find(':');
  if (colon == std::string_view::npos || colon != address.rfind(':')) return std::nullopt;
  const auto port = parse_number(address.substr(colon + 1));
  if (port && *port % 65'536 != 0) return std::nullopt;
  return util::Error{code::invalid_params, "malformed host @part", ""};
}

bitcoin::Sat commitment_cost(bool anchors, std::uint32_t perkw) {
  const std::uint64_t feerate = perkw;
  return bitcoin::Sat{anchors ? feerate * 1124 / 1000 + 660 : feerate * 724 / 1000};
}

}  // namespace sim
