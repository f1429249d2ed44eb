#include "sending/policies.hpp"

#include <utility>
#include <vector>

#include "util/log.hpp"
#include "util/str.hpp"

namespace sending {

using request::PolicyRecord;
using util::str;
using Applied = util::Result<std::vector<std::string>>;

namespace {

void log(const std::string& channel, const PolicyRecord& policy) {
  switch (policy.state) {
    case PolicyRecord::State::applied:
      util::info(channel, ": its policy is set");
      for (const auto& warning : policy.warnings) util::warn(channel, ": ", warning);
      return;
    case PolicyRecord::State::refused:
      return util::warn(channel, ": its policy is not set, and setchannel is not tried again: ", policy.error->message);
    case PolicyRecord::State::pending:
      return util::info(channel, ": its policy is not set yet: ", policy.error->message);
  }
}

}  // namespace

void Policies::apply(spark::Duration deadline, util::Function<void()> then) {
  std::vector<spark::Spark> answered;
  for (std::size_t i = 0; i < ledger_->openings.size(); ++i) {
    if (!ledger_->policy_pending(i)) continue;
    answered.push_back(
        scope_.spark([this, i, deadline](spark::Completion completion) { apply(i, deadline, std::move(completion)); }));
  }
  if (answered.empty()) return then();
  scope_.wait(std::move(answered), std::move(then));
}

void Policies::apply(std::size_t index, spark::Duration deadline, spark::Completion completion) {
  const auto opening = ledger_->openings[index];
  const auto outpoint = *ledger_->outpoint_of(index);
  const auto channel = lightningd::v1_channel_id(outpoint.txid, static_cast<std::uint16_t>(outpoint.vout));
  const auto done = std::make_shared<spark::Completion>(std::move(completion));
  auto heard = scope_.expect<>(
      "setchannel", deadline, [done] { std::move(*done).done(); },
      [opening, deadline, done] {
        opening->policy_answered(
            util::Error{jsonrpc::Caller::lost,
                        str("lightningd did not answer setchannel within ", deadline.count() / 1000, " seconds"),
                        {}});
        std::move(*done).done();
      });
  opening->policy_sent();
  client_.setchannel(opening->peer, channel, opening->policy->wanted,
                     [opening, name = str(label_, ": channel ", channel.hex()),
                      heard = std::move(heard)](const Applied& answer) mutable {
                       opening->policy_answered(answer);
                       log(name, *opening->policy);
                       heard();
                     });
}

}  // namespace sending
