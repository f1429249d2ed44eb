#pragma once

#include <memory>
#include <string>

#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace sending {

/// Sets the policies of a batch's channels (setchannel), each by its channel id and none before the transaction
/// was sent: until then a channel may have to be cancelled, and a call more would only lie between its
/// commitment and the send. That a call fails changes nothing for the batch: its outcome is noted in the
/// ledger, also when it comes late. Owned by whoever has sent or settles the batch, and runs in its scope.
class Policies {
 public:
  Policies(spark::Scope& scope, const lightningd::Client& client, std::shared_ptr<ledger::Ledger> ledger,
           const std::string& label)
      : scope_(scope), client_(client), ledger_(std::move(ledger)), label_(label) {}
  Policies(const Policies&) = delete;
  Policies& operator=(const Policies&) = delete;

  /// Asks once for each policy that is pending; `then` comes when all are answered, but not later than after
  /// `deadline`, and at once when there is none.
  void apply(spark::Duration deadline, util::Function<void()> then);

 private:
  void apply(std::size_t opening, spark::Duration deadline, spark::Completion completion);

  spark::Scope& scope_;
  const lightningd::Client& client_;
  const std::shared_ptr<ledger::Ledger> ledger_;
  const std::string label_;
};

}  // namespace sending
