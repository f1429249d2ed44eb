#pragma once

#include <string_view>

#include "util/result.hpp"

namespace report {

/// Why a peer or a batch failed, as a word that stays the same whatever lightningd's texts become.
enum class Cause {
  unreachable,    ///< no connection could be made, or no address is known
  disconnected,   ///< the connection was lost on the way
  timeout,        ///< the peer did not answer in time
  refused,        ///< the peer said no
  pending_limit,  ///< the peer keeps a channel pending that was never funded, and takes no other meanwhile (LND)
  busy,           ///< another opening with this peer is under way
  limits,         ///< the amount or the terms are outside of what one of the two sides allows
  unsupported,    ///< the node or the peer lacks what was asked for
  parameters,     ///< what was asked for is wrong
  funds,          ///< the wallet cannot pay
  fees,           ///< there is no estimate of fees, or they are above max_fee or max_feerate
  broadcast,      ///< the transaction could not be sent
  node,           ///< lightningd itself failed: syncing, a stuck call, a lost connection, another plugin
  given_up,       ///< nothing failed here, but too few others were left
  unknown,        ///< none of these is known to fit
};

[[nodiscard]] const char* name_of(Cause cause);

/// `method` is the RPC that failed, its error as lightningd gave it, or ours.
[[nodiscard]] Cause cause_of(std::string_view method, const util::Error& error);

}  // namespace report
