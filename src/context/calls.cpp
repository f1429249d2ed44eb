#include "context/calls.hpp"

#include "util/str.hpp"

namespace context {

util::Function<void()> Calls::unanswered(const char* method, std::shared_ptr<util::AnyFunction> then,
                                         void (*fail)(util::AnyFunction then, util::Error error)) const {
  const auto seconds = settings.local_timeout.count() / 1000;
  return [method, seconds, then = std::move(then), fail] {
    fail(std::move(*then),
         {jsonrpc::Caller::lost, util::str("lightningd did not answer ", method, " within ", seconds, " seconds"), {}});
  };
}

}  // namespace context
