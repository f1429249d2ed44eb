#pragma once

#include <functional>
#include <optional>
#include <string>

#include "bump/bump_offer.hpp"
#include "bumps/bumps.hpp"
#include "context/calls.hpp"
#include "lightningd/client.hpp"

namespace bump {

/// Sends the child that pays for a transaction: records it, reserves the change, signs and sends. What does not get as
/// far as bitcoind is taken back. What a crash leaves is a reservation of the change for 11 blocks, and the record,
/// which goes when the transaction confirms. The record tells our reservation from another program's.
///
/// One for each command; runs in the scope of its calls.
class BumpSend {
 public:
  /// Why the transaction must not be bumped any more.
  using WhyNot = std::function<std::optional<util::Error>()>;

  BumpSend(context::Calls calls, bumps::Bumps& bumps, std::string batch, BumpTransaction transaction);
  BumpSend(const BumpSend&) = delete;
  BumpSend& operator=(const BumpSend&) = delete;

  /// Call once. `why_not` is asked right before the child is signed. `then` comes from a reply. Errors: -1 when nothing
  /// was sent, and all is as before; 303 when it may be on its way.
  void run(WhyNot why_not, lightningd::Reply<void> then);
  /// The error when it ends now, while it may be on its way.
  [[nodiscard]] std::optional<util::Error> in_doubt() const;

 private:
  void reserve();
  void record(util::Function<void()> then);
  void look();
  void sign();
  void send(const psbt::Psbt& signed_psbt);
  void sent();
  void not_sent(const util::Error& error);
  [[nodiscard]] util::Error doubt(const std::string& why) const;
  void not_reserved(const util::Error& error);
  void take_back(const std::string& why);
  void forget(const util::Error& error);
  void end(util::Result<void> result);

  context::Calls calls_;
  bumps::Bumps& bumps_;
  const BumpTransaction transaction_;
  std::optional<bumps::Bump> before_;
  bumps::Bump bump_;
  bool reserved_ = false;  ///< by this
  bool asked_ = false;     ///< lightningd to send it
  WhyNot why_not_;
  lightningd::Reply<void> then_;
};

}  // namespace bump
