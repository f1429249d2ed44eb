#include "psbt/psbt_locktime.hpp"

#include <algorithm>

#include "bitcoin/byte_reader.hpp"
#include "bitcoin/transaction.hpp"
#include "psbt/psbt_keys.hpp"
#include "util/str.hpp"

namespace psbt {

namespace {

std::optional<std::uint32_t> read(const PsbtMap& input, std::uint8_t type) {
  const util::Bytes* value = input.get({type});
  if (value == nullptr) return std::nullopt;
  return bitcoin::ByteReader(*value).u32();
}

/// One kind of locktime, over all inputs that require one.
struct Required {
  bool possible = true;  ///< no input requires the other kind only
  std::uint32_t latest = 0;

  void add(std::optional<std::uint32_t> locktime) {
    possible = possible && locktime;
    latest = std::max(latest, locktime.value_or(0));
  }
};

}  // namespace

util::Result<std::uint32_t> determine_locktime(const std::vector<PsbtMap>& inputs, std::uint32_t fallback) {
  Required height;
  Required time;
  bool any = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto at_height = read(inputs[i], psbt_key::in_required_height_locktime);
    const auto at_time = read(inputs[i], psbt_key::in_required_time_locktime);
    if (!at_height && !at_time) continue;
    if (at_height && (*at_height == 0 || *at_height >= bitcoin::first_time_locktime))
      return util::Error{.message = util::str("input ", i, ": required height locktime of ", *at_height)};
    if (at_time && *at_time < bitcoin::first_time_locktime)
      return util::Error{.message = util::str("input ", i, ": required time locktime of ", *at_time)};
    any = true;
    height.add(at_height);
    time.add(at_time);
  }
  if (!any) return fallback;
  if (height.possible) return height.latest;
  if (time.possible) return time.latest;
  return util::Error{.message = "some inputs require a locktime in blocks only, others one in seconds only"};
}

}  // namespace psbt
