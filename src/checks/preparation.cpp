#include "checks/preparation.hpp"

#include <utility>
#include <vector>

#include "context/calls.hpp"
#include "util/str.hpp"

namespace checks {

using bitcoin::Perkw;
using lightningd::FeerateLimits;
using spark::Completion;
using spark::Spark;
using util::Error;
using util::Result;
using util::str;

namespace {

Error explained(const Error& error) {
  if (error.message.find("Cannot estimate fees") == std::string::npos) return error;
  return Error{error.code, str(error.message, Preflight::remedy_without_estimates), error.data};
}

/// lightningd knows it as `feerate` only.
Error under_its_name(const Error& error) {
  return Error{error.code, str("commitment_feerate: ", explained(error).message), error.data};
}

}  // namespace

void Preparation::run(lightningd::Features features, lightningd::Reply<Prepared> then) {
  features_ = std::move(features);
  then_ = std::move(then);
  parse_feerates();
}

// Feerates are parsed once, so that every peer and every round gets the same number.
void Preparation::parse_feerates() {
  calls_.client.parsefeerate(request_.feerate.value_or("opening"),
                             calls_.local<Perkw>("parsefeerate", [this](const Result<Perkw>& feerate) {
                               if (!feerate) return fail(explained(feerate.error()));
                               prepared_.feerate = prepared_.plain_feerate = *feerate;
                               if (request_.feerate) prepared_.commitment_feerate = str(feerate->value, "perkw");
                               parse_commitment_feerate();
                             }));
}

void Preparation::parse_commitment_feerate() {
  if (!request_.commitment_feerate) return find_connected();
  calls_.client.parsefeerate(*request_.commitment_feerate,
                             calls_.local<Perkw>("parsefeerate", [this](const Result<Perkw>& feerate) {
                               if (!feerate) return fail(under_its_name(feerate.error()));
                               prepared_.plain_feerate = *feerate;
                               prepared_.commitment_feerate = str(feerate->value, "perkw");
                               find_connected();
                             }));
}

void Preparation::find_connected() {
  std::vector<Spark> answered;
  for (std::size_t i = 0; i < request_.destinations.size(); ++i) {
    answered.push_back(
        calls_.scope.spark([this, i](Completion completion) { ask_connected(i, std::move(completion)); }));
  }
  answered.push_back(calls_.scope.spark([this](Completion completion) { ask_floor(std::move(completion)); }));
  auto judged = preflight_.ask({features_, prepared_.commitment_feerate, prepared_.plain_feerate});
  for (auto& one : judged) answered.push_back(std::move(one));
  calls_.scope.wait(std::move(answered), [this] { this->asked(); });
}

void Preparation::asked() {
  preflight_.judge_amounts();
  if (const auto& refusal = preflight_.refusal()) return fail(*refusal);
  prepared_.commitment = preflight_.commitment();
  std::exchange(then_, nullptr)(std::move(prepared_));
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
  calls_.client.is_connected(id, calls_.local<bool>("listpeers", std::move(then)));
}

// Without an answer it shows when the transaction is sent.
void Preparation::ask_floor(Completion completion) {
  auto then = [this, c = std::move(completion)](const Result<FeerateLimits>& feerates) mutable {
    if (feerates) {
      prepared_.bounds.floor = feerates->floor;
      preflight_.take(*feerates);
    }
    std::move(c).done();
  };
  calls_.client.feerates(calls_.local<FeerateLimits>("feerates", std::move(then)));
}

void Preparation::fail(Error error) { std::exchange(then_, nullptr)(std::move(error)); }

}  // namespace checks
