#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "spark/runtime.hpp"

namespace sim {

/// The program that a peer runs.
enum class PeerKind { cln, lnd, eclair, ldk };

/// For so many blocks a peer waits for the funding transaction of a channel that it did not fund.
constexpr std::uint32_t funding_patience = 2'016;

/// What an opener meets of a program with its defaults. Read in LND (commit 90ea05d5a, between 0.21 and 0.22), eclair
/// (5b765e026) and LDK 0.1, not run.
struct Habits {
  std::string_view name;
  std::vector<std::size_t> features;  ///< BOLT 9 bits of its own
  std::size_t most_pending;           ///< channels of one opener that wait for their transaction; 0: as many as come
  std::string_view too_many;          ///< what it says to the next one
  bool keeps_told;                    ///< once it has funding_created, an error does not end the channel
  spark::Duration patience;           ///< from accept_channel to funding_created; 0: for ever
  std::string_view too_late;          ///< what it says then
};

[[nodiscard]] const Habits& habits_of(PeerKind kind);

}  // namespace sim
