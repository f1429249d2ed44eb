#include "sim/rpc_faults.hpp"

namespace sim {
namespace {

constexpr std::uint64_t faults_stream = 0x5DEECE66Dull;

}  // namespace

RpcFaults::RpcFaults(const Setup& setup)
    : random_(setup.seed ^ faults_stream), schedule_(setup.rpc_faults), read_delay_(setup.read_delay) {}

std::optional<RpcFault> RpcFaults::next(const std::string& method) {
  if (schedule_.empty()) return std::nullopt;
  const auto of_method = ++calls_[method], of_all = ++calls_[""];
  std::optional<RpcFault> found;
  for (const auto& fault : schedule_) {
    if (!fault.method.empty() && fault.method != method) continue;
    const auto number = fault.method.empty() ? of_all : of_method;
    const bool due = number >= fault.from && number - fault.from < fault.count;
    if (due && (fault.one_in <= 1 || random_.one_in(fault.one_in)) && !found) found = fault;
  }
  if (found && (found->what == Mishap::stuck || found->what == Mishap::reply_lost)) swallowed_ = true;
  return found;
}

std::string RpcFaults::nonsense() {
  static constexpr const char* texts[] = {
      "{}",
      R"({"a":})",
      R"(["psbt":8])",
      R"("\x")",
      R"({"psbt":nope,"channels":[,],"outputs":-,"txid":"\ud800",})",
      "[]",
      "7",
      "null",
      R"("yes")",
      R"({"channels":7,"outputs":{},"psbt":null,"channel_id":[],"peers":"none"})",
      R"({"channels":[7],"outputs":[{}],"psbt":"","reservations":[[]],"peers":[{"connected":0}],"txid":"","perkw":-1})"};
  return texts[random_.below(std::size(texts))];
}

spark::Duration RpcFaults::reading() {
  const auto limit = static_cast<std::uint64_t>(read_delay_.count());
  return spark::Duration(limit == 0 ? 0 : random_.below(limit + 1));
}

void RpcFaults::stop() {
  schedule_.clear();
  read_delay_ = {};
}

}  // namespace sim
