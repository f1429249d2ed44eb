#include "chain/transaction_look.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace chain {

namespace {

struct Found {
  bool output = false;
  bool failed = false;
  std::vector<std::optional<bitcoin::TxOutput>> inputs;
};

// What was found is there, whatever else failed.
Seen judge(const Found& found) {
  if (found.output) return Seen::broadcast;
  if (found.failed) return Seen::unknown;
  const auto there =
      std::count_if(found.inputs.begin(), found.inputs.end(), [](const auto& i) { return i.has_value(); });
  if (there == 0) return Seen::nothing;
  return static_cast<std::size_t>(there) == found.inputs.size() ? Seen::unsent : Seen::impossible;
}

}  // namespace

void TransactionLook::look(const psbt::Psbt& transaction, const bitcoin::Outpoint& output, Then then) const {
  const auto found = std::make_shared<Found>();
  found->inputs.resize(transaction.inputs().size());
  std::vector<spark::Spark> looks{look_at(output, [found](const util::Result<Output>& answer) {
    found->failed = found->failed || !answer;
    found->output = answer && *answer;
  })};
  for (std::size_t i = 0; i < found->inputs.size(); ++i) {
    looks.push_back(look_at(transaction.inputs()[i].outpoint, [found, i](const util::Result<Output>& answer) {
      found->failed = found->failed || !answer;
      if (answer) found->inputs[i] = *answer;
    }));
  }
  calls_.scope.wait(std::move(looks), [found, then = std::move(then)]() mutable {
    then(Sight{judge(*found), std::move(found->inputs)});
  });
}

spark::Spark TransactionLook::look_at(const bitcoin::Outpoint& outpoint, Answer answer) const {
  return calls_.scope.spark([this, outpoint, answer = std::move(answer)](spark::Completion completion) mutable {
    auto answered = [answer = std::move(answer),
                     c = std::move(completion)](const util::Result<Output>& output) mutable {
      answer(output);
      std::move(c).done();
    };
    ask(outpoint, [this, outpoint, answered = std::move(answered)](const util::Result<Output>& output) mutable {
      output ? answered(output) : ask(outpoint, std::move(answered));
    });
  });
}

void TransactionLook::ask(const bitcoin::Outpoint& outpoint, lightningd::Reply<Output> then) const {
  ChainLook(calls_.client).unspent(outpoint, calls_.local<Output>("getutxout", std::move(then)));
}

}  // namespace chain
