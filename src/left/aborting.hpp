#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
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
  /// The fee of the bump that pays for a transaction; 0: there is none. Errors: that is not known yet.
  using Bumped = std::function<util::Result<bitcoin::Sat>(const bitcoin::Txid&)>;

  Aborting(LeftBatches& batches, Bumped bumped)
      : batches_(batches), bumped_(std::move(bumped)), scope_(batches.runtime(), nullptr) {}
  Aborting(const Aborting&) = delete;
  Aborting& operator=(const Aborting&) = delete;

  /// Of a batch that no command runs.
  void abort(plugin::Command command, const AbortRequest& request);

 private:
  void give_up(plugin::Command command, const AbortRequest& request, recovery::Settlement& settlement);
  /// It outbids a bump that pays this much.
  void begin(plugin::Command command, const std::string& batch, const rivals::AbortTransaction& transaction,
             bitcoin::Sat bumped);

  LeftBatches& batches_;
  const Bumped bumped_;
  std::vector<std::unique_ptr<rivals::AbortOffer>> offers_;
  spark::Scope scope_;  // last, so that it ends first
};

}  // namespace left
