#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chain/transaction_look.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/channel.hpp"
#include "util/result.hpp"

/// What a batch that waits for its user says of itself.
namespace waiting {

inline constexpr auto not_answered = "lightningd has not answered sendpsbt yet";
/// Of a finish whose record may have been written.
inline constexpr auto after_doubt = "; until it waits again, a crash may send it";

/// Why a transaction that is not sent cannot be.
[[nodiscard]] std::string why_not(chain::Seen seen);
[[nodiscard]] util::Error busy();
[[nodiscard]] util::Error no_more();
/// That it waits for 1,000 blocks already, and until when its peers do.
[[nodiscard]] std::optional<std::string> waits_long(const ledger::FundingPlan& plan, std::uint32_t height);
/// At a height of the chain; 0: lightningd did not tell.
[[nodiscard]] bool is_too_late(const ledger::FundingPlan& plan, std::uint32_t height);
[[nodiscard]] std::string too_late(const ledger::FundingPlan& plan, std::uint32_t height);
/// Whether lightningd shows none of its channels, in any state, although it may have been sent.
[[nodiscard]] bool has_vanished(const ledger::Ledger& ledger, const std::vector<lightningd::PeerChannel>& channels);

inline constexpr const char* in_the_mempool =
    "its transaction is in the mempool, sent by another program. Its channels are not released yet: until then do not "
    "close them. Call multifundchannel-finish with the signed transaction, or wait until it is in a block";

}  // namespace waiting
