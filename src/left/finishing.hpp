#pragma once

#include <functional>
#include <string>
#include <utility>

#include "left/batch_params.hpp"
#include "left/left_batches.hpp"
#include "plugin/command.hpp"
#include "spark/scope.hpp"

namespace left {

/// multifundchannel-finish: sends the transaction of a batch that waits for its user. Owned by the Service, one for all
/// of these commands.
class Finishing {
 public:
  /// Of a batch, before its user is told that it is sent.
  using Sent = std::function<void(const std::string& batch)>;

  Finishing(LeftBatches& batches, Sent sent)
      : batches_(batches), sent_(std::move(sent)), scope_(batches.runtime(), nullptr) {}
  Finishing(const Finishing&) = delete;
  Finishing& operator=(const Finishing&) = delete;

  /// No batch can wait for its user on a lightningd that does not withhold channels.
  [[nodiscard]] static util::Error cannot_wait();

  /// Of a batch that no command runs. One that is opened already is answered in the same way, also when only lightningd
  /// knows its transaction any more.
  void finish(plugin::Command command, const FinishRequest& request);

 private:
  void look_for_finished(plugin::Command command, const FinishRequest& request);

  LeftBatches& batches_;
  const Sent sent_;
  spark::Scope scope_;  ///< of the calls; a failed one answers its command and no more
};

}  // namespace left
