#pragma once

#include <string>

#include "ledger/told_in_vain.hpp"
#include "request/destination.hpp"
#include "util/result.hpp"

namespace peers {

/// Why a peer that keeps such a channel is not asked again in the same batch (-1; the cause `pending_limit`), and what
/// its operator can do.
[[nodiscard]] util::Error pending_limit(const ledger::ToldInVain::Entry& told);
/// The refusal of fundchannel_start, with what we know of its reason added.
[[nodiscard]] util::Error explain_refusal(util::Error refusal, const ledger::ToldInVain::Entry* told);
/// For a preview and for the details of a batch.
[[nodiscard]] std::string caution_of_told(const request::Destination& destination,
                                          const ledger::ToldInVain::Entry& told);

}  // namespace peers
