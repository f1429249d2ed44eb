#pragma once

#include "left/batch_params.hpp"
#include "left/left_batches.hpp"
#include "plugin/command.hpp"

namespace left {

/// multifundchannel-finish: sends the transaction of a batch that waits for its user. Owned by the Service, one for all
/// of these commands.
class Finishing {
 public:
  explicit Finishing(LeftBatches& batches) : batches_(batches) {}

  /// No batch can wait for its user on a lightningd that does not withhold channels.
  [[nodiscard]] static util::Error cannot_wait();

  /// Of a batch that no command runs. One that is opened already is answered in the same way.
  void finish(plugin::Command command, const FinishRequest& request);

 private:
  LeftBatches& batches_;
};

}  // namespace left
