#include "sim/feerates.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

/// The text without the ending; nothing when it does not end so.
std::optional<std::string_view> without(std::string_view text, std::string_view ending) {
  if (!text.ends_with(ending)) return std::nullopt;
  return text.substr(0, text.size() - ending.size());
}

}  // namespace

Feerates::Feerates(Core& core) : core_(core) {
  core.methods.add("parsefeerate", "feerate", [this](Params& params, Reply reply) {
    const auto feerate = parse(params.text("feerate"));
    if (!feerate) return reply.finish(feerate.error());
    reply.succeed(json::Writer().object().field("perkw", *feerate).end().take());
  });
  core.methods.add("feerates", "style",
                   [this](Params& params, Reply reply) { reply.succeed(all(params.text("style") == "perkw")); });
}

util::Result<std::uint32_t> Feerates::parse(std::string_view text) const {
  const auto name = named(text);
  const auto feerate = name ? util::Result<std::uint32_t>(*name) : literal(text);
  if (feerate && *feerate == 0) return util::Error{no_estimates, "Cannot estimate fees (yet)", ""};
  return feerate;
}

/// Estimates stand in the proportions of lightningd's own tests.
std::uint32_t Feerates::for_deadline(std::uint64_t blocks) const {
  const std::uint32_t opening = core_.setup.opening_feerate;
  if (blocks <= 2) return opening * 2;
  if (blocks <= 6) return opening / 15 * 22;
  return blocks < 100 ? opening : opening / 2;
}

std::uint32_t Feerates::anchor_commitment() const {
  constexpr std::uint32_t least = 1250;
  const auto estimate = for_deadline(100);
  return estimate == 0 ? 0 : std::max(estimate, least);
}

std::optional<std::uint32_t> Feerates::named(std::string_view text) const {
  if (text == "opening" || text == "normal" || text == "penalty") return for_deadline(12);
  if (text == "slow" || text == "mutual_close" || text == "unilateral_anchor_close") return for_deadline(100);
  if (text == "urgent" || text == "unilateral_close") return for_deadline(6);
  if (text == "minimum") return floor;
  const auto blocks = without(text, "blocks");
  const auto number = blocks ? parse_number(*blocks) : std::nullopt;
  return number ? std::optional(for_deadline(*number)) : std::nullopt;
}

util::Result<std::uint32_t> Feerates::literal(std::string_view text) const {
  const auto perkw = without(text, "perkw");
  const auto perkb = without(text, "perkb");
  const auto number = parse_number(perkw ? *perkw : perkb ? *perkb : text);
  if (!number || *number > 0xFFFFFFFFu) {
    return util::Error{lightningd::code::invalid_params,
                       util::str("'feerate' should be an integer with optional perkw/perkb, not '", text, "'"), ""};
  }
  const auto feerate = static_cast<std::uint32_t>(perkw ? *number : (*number + 3) / 4);
  return std::max(feerate, floor);
}

std::string Feerates::all(bool perkw) const {
  const std::uint32_t unit = perkw ? 1 : 4;
  json::Writer writer;
  writer.object().key(perkw ? "perkw" : "perkb").object();
  writer.field("opening", for_deadline(12) * unit).field("mutual_close", for_deadline(100) * unit);
  writer.field("unilateral_close", for_deadline(6) * unit);
  if (anchor_commitment() > 0) writer.field("unilateral_anchor_close", anchor_commitment() * unit);
  writer.field("penalty", for_deadline(12) * unit);
  const auto least = std::max(core_.setup.feerate_floor, for_deadline(100) / 2);
  writer.field("min_acceptable", least * unit).field("max_acceptable", for_deadline(2) * 10 * unit);
  writer.field("floor", core_.setup.feerate_floor * unit).key("estimates").array();
  for (const std::uint32_t blocks : {2, 6, 12, 100}) {
    writer.object().field("blockcount", blocks).field("feerate", for_deadline(blocks) * unit);
    writer.field("smoothed_feerate", for_deadline(blocks) * unit).end();
  }
  return writer.end().end().end().take();
}

}  // namespace sim
