#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "context/calls.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace rivals {

/// Looks for a rival that the wallet has not recorded: one that pays only others, sent by another program with the same
/// seed. lightningd shows the input as spent once the rival is in a block, but neither by what nor at which height, so
/// its depth counts from the first look. That it is not the batch's own transaction which spends the input is proven by
/// a channel: lightningd shows one that waits for its funding output, and bitcoind does not have that output.
///
/// Lives as long as the batch is settled; owned by the Impossibility, runs in the Settlement's scope.
class UnrecordedRival {
 public:
  struct Found {
    bitcoin::Outpoint input;
    std::uint32_t depth = 0;  ///< in blocks, at least

    [[nodiscard]] std::string str() const;
  };

  UnrecordedRival(context::Calls calls, std::shared_ptr<const ledger::Ledger> ledger)
      : calls_(std::move(calls)), ledger_(std::move(ledger)) {}
  UnrecordedRival(const UnrecordedRival&) = delete;
  UnrecordedRival& operator=(const UnrecordedRival&) = delete;

  /// `height`: lightningd's, asked for before. `then` comes from a reply; nothing is found when no input is spent in a
  /// block, or when the batch's own transaction may have spent it. Errors: those of listpeerchannels and listfunds.
  void look(std::uint32_t height, lightningd::Reply<std::optional<Found>> then);

 private:
  using Channels = std::vector<lightningd::PeerChannel>;
  using Outputs = std::vector<lightningd::WalletOutput>;

  void look_at_inputs(const bitcoin::Outpoint& funding);
  void look_at_funding(const bitcoin::Outpoint& funding, const bitcoin::Outpoint& input);
  void found(const bitcoin::Outpoint& input);
  void none();
  void end(util::Result<std::optional<Found>> result);

  context::Calls calls_;
  std::shared_ptr<const ledger::Ledger> ledger_;
  std::uint32_t height_ = 0;
  std::optional<std::uint32_t> first_seen_;  ///< the height then
  lightningd::Reply<std::optional<Found>> then_;
};

}  // namespace rivals
