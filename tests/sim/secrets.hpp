#pragma once

#include <string>
#include <string_view>

#include "journal/record_seal.hpp"
#include "sim/core.hpp"

namespace sim {

/// lightningd's makesecret. A part of the node.
class Secrets {
 public:
  explicit Secrets(Core& core);

  /// What seals the plugin's records; nobody but the plugin, and who may call makesecret, can have it.
  [[nodiscard]] journal::RecordSeal seal() const;
  /// Whether the plugin has asked for its key.
  [[nodiscard]] bool asked() const { return !purpose_.empty(); }

 private:
  void makesecret(Params& params, Reply reply);
  /// In hex.
  [[nodiscard]] std::string derive(std::string_view purpose) const;

  Core& core_;
  std::string purpose_;  ///< the last that was asked for
};

}  // namespace sim
