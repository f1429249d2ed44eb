#include "given/finality.hpp"

#include "bitcoin/transaction.hpp"
#include "util/str.hpp"

namespace given {

using util::str;

namespace {

/// BIP 113: the median of the last eleven blocks' times counts, which is behind by an hour or so.
constexpr std::int64_t most_behind = 2 * 3600;
/// lightningd asks bitcoind for blocks twice a minute, and wallets write the height into the transactions that they
/// make.
constexpr std::uint32_t ahead = 6;
constexpr std::uint32_t maturity = 100;

std::optional<std::string> why_immature(const psbt::Psbt& transaction, std::uint32_t height) {
  for (std::size_t i = 0; i < transaction.inputs().size(); ++i) {
    const auto mined = transaction.coinbase_height(i);
    if (!mined || *mined + maturity <= height + 1) continue;
    return str("input ", i, " (", transaction.inputs()[i].outpoint.str(), ") was mined in block ", *mined,
               ", and can be spent from block ", *mined + maturity, " on: the chain is at ", height);
  }
  return std::nullopt;
}

std::optional<std::string> why_locked(std::uint32_t locktime, std::uint32_t height) {
  if (locktime >= bitcoin::first_time_locktime || locktime <= height) return std::nullopt;
  return str("its locktime is ", locktime, ", and the chain is at block ", height,
             ": bitcoind would refuse the transaction before");
}

}  // namespace

std::optional<std::string> why_not_at(const psbt::Psbt& transaction, std::uint32_t height) {
  const auto immature = why_immature(transaction, height);
  return immature ? immature : why_locked(transaction.locktime(), height);
}

std::optional<std::string> why_not_soon(const psbt::Psbt& transaction, std::uint32_t height, std::int64_t now) {
  if (auto immature = why_immature(transaction, height)) return immature;
  const auto locktime = transaction.locktime();
  if (locktime >= bitcoin::first_time_locktime && locktime + most_behind > now) {
    return str("its locktime is ", locktime, ", a time that is not two hours past: it is ", now,
               ", and bitcoind would refuse the transaction before");
  }
  return why_locked(locktime, height + ahead) ? why_locked(locktime, height) : std::nullopt;
}

}  // namespace given
