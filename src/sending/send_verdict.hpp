#pragma once

#include <string>
#include <vector>

#include "bitcoin/ids.hpp"
#include "lightningd/channel.hpp"
#include "util/result.hpp"

namespace sending {

/// What an error of sendpsbt says about the transaction.
enum class SendVerdict {
  doubt,        ///< it may have been sent: bitcoind did not answer, is away or not ready, or said something unknown
  known,        ///< bitcoind has it already, in a block or in its mempool
  inputs_gone,  ///< an input is not there or spent: perhaps by this very transaction
  refused,      ///< bitcoind did not take it, and so nobody has it; later it may take it all the same
};

[[nodiscard]] const char* name_of(SendVerdict verdict);

/// Goes by the wordings of bitcoind (0.18 to 30) in lightningd's error. Whatever is not known is a doubt.
[[nodiscard]] SendVerdict verdict_on(const util::Error& error);

/// Whether sendpsbt, of channels that were withheld, was refused by lightningd before it began to broadcast. `channels`
/// are those that it shows after the error.
[[nodiscard]] bool is_before_broadcast(const util::Error& error, const std::vector<lightningd::PeerChannel>& channels,
                                       const bitcoin::Txid& txid);

/// bitcoind's own words in it, for the user; all of it when they cannot be told.
[[nodiscard]] std::string refusal_text(const util::Error& error);

}  // namespace sending
