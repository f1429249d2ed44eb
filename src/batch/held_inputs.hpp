#pragma once

#include <cstdint>

#include "context/calls.hpp"
#include "util/function.hpp"
#include "util/result.hpp"
#include "wallet/holding.hpp"

namespace batch {

/// The inputs of a batch that waits for its peers: they must stay reserved by it. Each `then` comes only while that is
/// so; else `lost` comes, with why. Owned by the Batch, and runs in its scope.
class HeldInputs {
 public:
  using Lost = util::Function<void(const util::Error&)>;

  HeldInputs(context::Calls calls, wallet::Holding& holding, Lost lost)
      : calls_(std::move(calls)), holding_(holding), lost_(std::move(lost)) {}
  HeldInputs(const HeldInputs&) = delete;
  HeldInputs& operator=(const HeldInputs&) = delete;

  /// Looks at them, and reserves again what has become free.
  void hold(util::Function<void()> then);
  /// For as long as peers need to complete, once; Holding::announce_extension() comes first.
  void extend(util::Function<void()> then);

  /// From now on nothing else deals with them, and they are extended when they would end soon.
  void wait() { waiting_ = true; }
  void stop_waiting(util::Function<void()> then);
  /// The first reservation is a short one, and peers may take longer than it lasts.
  void block_added(std::uint32_t height);

 private:
  [[nodiscard]] bool still_ours(const util::Result<wallet::Holding::Taken>& taken);
  [[nodiscard]] lightningd::Reply<wallet::Holding::Taken> if_ours(util::Function<void()> then);

  context::Calls calls_;
  wallet::Holding& holding_;
  Lost lost_;
  bool waiting_ = false;
  bool extending_ = false;  ///< while it waits
  util::Function<void()> when_extended_;
};

}  // namespace batch
