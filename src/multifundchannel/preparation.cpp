#include "multifundchannel/preparation.hpp"

#include <utility>
#include <vector>

#include "multifundchannel/local_call.hpp"

namespace multifundchannel {

using lightningd::FeerateLimits;
using lightningd::Perkw;
using spark::Completion;
using spark::Spark;
using util::Error;
using util::Result;
using util::str;

void Preparation::run(lightningd::Reply<Prepared> then) {
  then_ = std::move(then);
  parse_feerates();
}

// Feerates are parsed once, so that every peer and every round gets the same number.
void Preparation::parse_feerates() {
  client_.parsefeerate(request_.feerate.value_or("opening"),
                       local_call<Perkw>(scope_, settings_, "parsefeerate", [this](const Result<Perkw>& feerate) {
                         if (!feerate) return fail(feerate.error());
                         prepared_.feerate = *feerate;
                         if (request_.feerate) prepared_.commitment_feerate = str(feerate->value, "perkw");
                         parse_commitment_feerate();
                       }));
}

void Preparation::parse_commitment_feerate() {
  if (!request_.commitment_feerate) return find_connected();
  client_.parsefeerate(*request_.commitment_feerate,
                       local_call<Perkw>(scope_, settings_, "parsefeerate", [this](const Result<Perkw>& feerate) {
                         if (!feerate) return fail(feerate.error());
                         prepared_.commitment_feerate = str(feerate->value, "perkw");
                         find_connected();
                       }));
}

void Preparation::find_connected() {
  std::vector<Spark> answered;
  for (std::size_t i = 0; i < request_.destinations.size(); ++i) {
    answered.push_back(scope_.spark([this, i](Completion completion) { ask_connected(i, std::move(completion)); }));
  }
  answered.push_back(scope_.spark([this](Completion completion) { ask_floor(std::move(completion)); }));
  scope_.wait(std::move(answered), [this] { std::exchange(then_, nullptr)(std::move(prepared_)); });
}

// Finds out as well about ids that only lightningd can tell to be wrong, before anything happens.
void Preparation::ask_connected(std::size_t index, Completion completion) {
  auto then = [this, index, c = std::move(completion)](const Result<bool>& connected) mutable {
    if (!connected) {
      const auto& error = connected.error();
      return fail(Error{error.code, str("destinations[", index, "].", error.message), error.data});
    }
    if (*connected) prepared_.connected_already.insert(index);
    std::move(c).done();
  };
  const auto& id = request_.destinations[index].id;
  client_.is_connected(id, local_call<bool>(scope_, settings_, "listpeers", std::move(then)));
}

// Without an answer it shows when the transaction is sent.
void Preparation::ask_floor(Completion completion) {
  auto then = [this, c = std::move(completion)](const Result<FeerateLimits>& feerates) mutable {
    if (feerates) prepared_.bounds.floor = feerates->floor;
    std::move(c).done();
  };
  client_.feerates(local_call<FeerateLimits>(scope_, settings_, "feerates", std::move(then)));
}

void Preparation::fail(Error error) { std::exchange(then_, nullptr)(std::move(error)); }

}  // namespace multifundchannel
