#pragma once

#include <optional>

#include "bitcoin/amounts.hpp"
#include "lightningd/features.hpp"
#include "request/request.hpp"
#include "util/result.hpp"

namespace funding {

/// What the first commitment transaction of a channel costs. We pay it, out of what is left of the amount after
/// push_msat, and beside what both sides reserve, so it bounds both (BOLT 3; lightningd judges it when the peer has
/// been asked already). What is not known here bounds nothing.
struct Commitment {
  /// Without anchors the opening chooses the feerate; with them lightningd does (its `unilateral_anchor_close`).
  std::optional<bitcoin::Perkw> plain_feerate;
  std::optional<bitcoin::Perkw> anchor_feerate;
  /// lightningd's min-capacity-sat: so much must be left of a channel.
  std::optional<bitcoin::Sat> min_capacity;

  /// Which of the two a channel will be, or that it cannot be told yet.
  enum class Kind { plain, anchors, unknown };

  /// Nothing when it is not known.
  [[nodiscard]] std::optional<bitcoin::Sat> cost(Kind kind) const;
  /// The most that can be pushed out of `amount`; nothing when it is not known.
  [[nodiscard]] std::optional<bitcoin::Msat> most_push(bitcoin::Sat amount, Kind kind) const;
  /// The most that `reserve` can be: both sides keep it, and what is left must pay the commitment transaction and be
  /// large enough for a channel.
  [[nodiscard]] bitcoin::Sat most_reserve(bitcoin::Sat amount, Kind kind) const;
  /// Whether the destination's push and reserve fit into `amount`. The error says the largest that does.
  [[nodiscard]] util::Result<void> check(const request::Destination& destination, bitcoin::Sat amount, Kind kind) const;

 private:
  [[nodiscard]] util::Result<void> check_push(const request::Destination& destination, bitcoin::Sat amount,
                                              Kind kind) const;
  [[nodiscard]] util::Result<void> check_reserve(const request::Destination& destination, bitcoin::Sat amount,
                                                 Kind kind) const;
};

/// The kind that two nodes with these features make, when the destination asks for no channel_type of its own. A peer
/// without features is not known yet.
[[nodiscard]] Commitment::Kind kind_of(const request::Destination& destination, const lightningd::Features& ours,
                                       const std::optional<lightningd::Features>& peers);

}  // namespace funding
