#pragma once

#include <cstdint>
#include <optional>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "json/value.hpp"
#include "util/bytes.hpp"
#include "util/result.hpp"

namespace lightningd {

/// What listfunds calls an output's status. `unknown`: one of a version that we do not know.
enum class OutputStatus { unknown, unconfirmed, confirmed, spent, immature };

/// lightningd's word for it.
[[nodiscard]] const char* name_of(OutputStatus status);

struct WalletOutput {
  bitcoin::Outpoint outpoint;
  bitcoin::Sat amount;
  util::Bytes scriptpubkey;
  OutputStatus status = OutputStatus::unknown;
  bool reserved = false;
  std::uint32_t reserved_to_block = 0;
  bool has_redeemscript = false;                ///< P2SH-wrapped
  std::optional<std::uint32_t> blockheight{};   ///< of its block
  std::optional<std::uint32_t> spendable_at{};  ///< of the output of a channel's close: the height
};

/// Blocks, nineteen years: what is reserved that never comes to be, since lightningd does not forget it.
inline constexpr std::uint32_t for_good = 1'000'000;
/// Whether it is reserved for so long, by anybody.
[[nodiscard]] inline bool is_reserved_for_good(const WalletOutput& output, std::uint32_t height) {
  return output.reserved && output.reserved_to_block > height + for_good / 2;
}

/// One of listfunds.
[[nodiscard]] util::Result<WalletOutput> read_wallet_output(const json::Value& object);

}  // namespace lightningd
