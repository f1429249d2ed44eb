#include "context/local_call.hpp"

#include "util/str.hpp"

namespace context {

util::Function<void()> unanswered(const char* method, const Settings& settings, std::shared_ptr<util::AnyFunction> then,
                                  void (*fail)(util::AnyFunction then, util::Error error)) {
  const auto seconds = settings.local_timeout.count() / 1000;
  return [method, seconds, then = std::move(then), fail] {
    fail(std::move(*then),
         {jsonrpc::Caller::lost, util::str("lightningd did not answer ", method, " within ", seconds, " seconds"), {}});
  };
}

}  // namespace context
