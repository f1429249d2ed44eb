#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lightningd/channel.hpp"
#include "util/result.hpp"

namespace request {

/// One channel's policy on its way to lightningd. It is set by a call of its own (setchannel) when the
/// channel's transaction was sent, so it can fail when the channel is there already.
struct PolicyRecord {
  enum class State {
    pending,  ///< not asked for yet, or without an answer that decides it
    applied,
    refused,  ///< for good
  };
  /// Calls without a deciding answer, before that counts as a refusal.
  static constexpr std::uint32_t most_attempts = 10;

  lightningd::ChannelPolicy wanted;
  State state = State::pending;
  std::uint32_t attempts = 0;           ///< of this process
  std::optional<util::Error> error;     ///< of the last attempt
  std::vector<std::string> warnings{};  ///< lightningd's, when it has set another value than was asked for

  /// What setchannel answered: its warnings, or an error. An answer may come after a later call was sent.
  void answered(const util::Result<std::vector<std::string>>& answer);
};

}  // namespace request
