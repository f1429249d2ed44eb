#include "chain/transaction_look.hpp"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace chain {

namespace {

using Output = std::optional<bitcoin::TxOutput>;

struct Found {
  bool output = false;
  std::size_t inputs = 0;
};

Seen judge(const Found& found, std::size_t inputs) {
  if (found.output) return Seen::broadcast;
  if (found.inputs == 0) return Seen::nothing;
  return found.inputs == inputs ? Seen::unsent : Seen::impossible;
}

}  // namespace

void TransactionLook::look(const psbt::Psbt& transaction, const bitcoin::Outpoint& output, Then then) const {
  const auto found = std::make_shared<Found>();
  std::vector<spark::Spark> looks{look_at(output, [found] { found->output = true; })};
  for (const auto& input : transaction.inputs()) looks.push_back(look_at(input.outpoint, [found] { ++found->inputs; }));
  calls_.scope.wait(std::move(looks), [found, inputs = transaction.inputs().size(), then = std::move(then)]() mutable {
    then(judge(*found, inputs));
  });
}

spark::Spark TransactionLook::look_at(const bitcoin::Outpoint& outpoint, util::Function<void()> is_there) const {
  return calls_.scope.spark([this, outpoint, is_there = std::move(is_there)](spark::Completion completion) mutable {
    auto seen = [is_there = std::move(is_there),
                 c = std::move(completion)](const util::Result<Output>& output) mutable {
      if (output && *output) is_there();
      std::move(c).done();
    };
    ChainLook(calls_.client).unspent(outpoint, calls_.local<Output>("getutxout", std::move(seen)));
  });
}

}  // namespace chain
