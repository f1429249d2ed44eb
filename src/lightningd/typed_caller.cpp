#include "lightningd/typed_caller.hpp"

#include "jsonrpc/safe_error.hpp"
#include "util/str.hpp"

namespace lightningd {

void TypedCaller::send(Call call, util::Rope params, Handler handler, std::string_view filter) const {
  const auto number = observer_ ? observer_->sent(call.method, call.peer) : 0;
  auto answered = [method = call.method, handler = std::move(handler), observer = observer_,
                   number](util::Result<json::Value> reply) mutable {
    if (observer) observer->answered(number, reply.ok() ? nullptr : &reply.error());
    if (!reply.ok()) reply = jsonrpc::safe_error(std::move(reply.error()));
    handler.answer(handler.parse, std::move(handler.then), std::move(reply), method);
  };
  caller_->call(origin_, call.method, std::move(params), std::move(answered), filter);
}

util::Error TypedCaller::unreadable(const char* method, const util::Error& error) {
  return jsonrpc::safe_error({unreadable_reply, util::str("unexpected reply to ", method, ": ", error.message), {}});
}

}  // namespace lightningd
