#pragma once

#include <memory>
#include <string>
#include <vector>

#include "left/batch_params.hpp"
#include "left/left_batches.hpp"
#include "plugin/command.hpp"
#include "rivals/abort_offer.hpp"
#include "spark/scope.hpp"

namespace left {

/// multifundchannel-abort: shows what aborting an unsettled batch would send and, when confirmed, begins with it. Owned
/// by the Service, one for all of these commands.
class Aborting {
 public:
  explicit Aborting(LeftBatches& batches) : batches_(batches), scope_(batches.runtime(), nullptr) {}
  Aborting(const Aborting&) = delete;
  Aborting& operator=(const Aborting&) = delete;

  /// Of a batch that no command runs.
  void abort(plugin::Command command, const AbortRequest& request);

 private:
  void give_up(plugin::Command command, const AbortRequest& request, recovery::Settlement& settlement);
  void begin(plugin::Command command, const std::string& batch, const rivals::AbortTransaction& transaction);

  LeftBatches& batches_;
  std::vector<std::unique_ptr<rivals::AbortOffer>> offers_;
  spark::Scope scope_;  // last, so that it ends first
};

}  // namespace left
