#include "sending/own_script.hpp"

#include <string>
#include <utility>

#include "bitcoin/address.hpp"
#include "context/calls.hpp"
#include "lightningd/codes.hpp"

namespace sending {

using lightningd::NodeInfo;
using util::Result;

namespace {

Result<Ownership> judge(const Result<bool>& listed) {
  if (listed) return *listed ? Ownership::ours : Ownership::foreign;
  if (listed.error().code == lightningd::code::method_not_found) return Ownership::unknown;
  return listed.error();
}

}  // namespace

void ask_ownership(const context::Calls& calls, const util::Bytes& script, lightningd::Reply<Ownership> then) {
  auto told = [calls, script, then = std::move(then)](const Result<NodeInfo>& node) mutable {
    if (!node) return then(node.error());
    const auto address = bitcoin::segwit_address(script, node->network);
    if (!address) return then(Ownership::foreign);
    auto listed = [then = std::move(then)](const Result<bool>& found) mutable { then(judge(found)); };
    calls.client.is_address_ours(*address, calls.local<bool>("listaddresses", std::move(listed)));
  };
  calls.client.getinfo(calls.local<NodeInfo>("getinfo", std::move(told)));
}

}  // namespace sending
