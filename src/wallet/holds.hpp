#pragma once

#include <map>
#include <optional>
#include <vector>

#include "ledger/book.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"
#include "util/rope.hpp"

namespace wallet {

/// How an input that we reserved stands in the wallet now.
enum class Hold { ours, free, anothers, spent };

/// How each input of a batch stands, by an answer of listfunds: of those that it does not show, that they are spent.
class Holds {
 public:
  Holds(const std::vector<lightningd::WalletOutput>& outputs, const ledger::Ledger& ledger, const ledger::Book& book);

  [[nodiscard]] std::vector<bitcoin::Outpoint> those(Hold hold) const;
  [[nodiscard]] std::optional<bitcoin::Outpoint> first(Hold hold) const;
  [[nodiscard]] bool is_ours(const bitcoin::Outpoint& input) const { return is(input, Hold::ours); }
  /// One that nobody has reserved any more.
  [[nodiscard]] bool is_free(const bitcoin::Outpoint& input) const { return is(input, Hold::free); }

 private:
  [[nodiscard]] bool is(const bitcoin::Outpoint& input, Hold hold) const;

  std::map<bitcoin::Outpoint, Hold> holds_;
};

/// What reserveinputs and unreserveinputs want.
[[nodiscard]] util::SharedText psbt_of(const std::vector<bitcoin::Outpoint>& outpoints);

}  // namespace wallet
