#pragma once

#include <set>
#include <string>
#include <vector>

#include "left/batch_params.hpp"
#include "left/left_batches.hpp"
#include "lightningd/client.hpp"
#include "plugin/command.hpp"
#include "spark/scope.hpp"

namespace left {

/// multifundchannel-forget: shows what removing an unsettled record gives up and, when confirmed, removes it. Owned by
/// the Service, one for all of these commands.
class Forgetting {
 public:
  explicit Forgetting(LeftBatches& batches) : batches_(batches), scope_(batches.runtime(), nullptr) {}
  Forgetting(const Forgetting&) = delete;
  Forgetting& operator=(const Forgetting&) = delete;

  /// Of a batch that no command runs.
  void forget(plugin::Command command, const ForgetRequest& request);
  /// Whether its record is being removed for that, whatever has become of it.
  [[nodiscard]] bool forgets(const std::string& batch) const { return forgotten_.contains(batch); }

 private:
  void forget_settling(plugin::Command command, recovery::Settlement& settlement,
                       const std::vector<lightningd::WalletOutput>& outputs);
  void forget_unreadable(plugin::Command command, const ForgetRequest& request, const std::string& why);

  LeftBatches& batches_;
  std::set<std::string> forgotten_;  ///< their records are being removed
  spark::Scope scope_;               // last, so that it ends first
};

}  // namespace left
