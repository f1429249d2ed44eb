#include "sim/methods.hpp"

#include "util/str.hpp"

namespace sim {

void Methods::add(std::string name, std::string_view usage, Handler handler) {
  methods_.emplace(std::move(name), Method{std::string(usage), ParamNames(usage), std::move(handler)});
}

std::string Methods::usage(std::string_view name) const {
  const auto found = methods_.find(name);
  return util::str(found->first, found->second.usage.empty() ? "" : " ", found->second.usage);
}

void Methods::call(std::string_view name, const json::Value& params, const Filter& filter, Reply reply) {
  const auto found = methods_.find(name);
  ++calls_[found->first];
  Params given(found->second.names, params, filter);
  if (given.error()) return reply.finish(*given.error());
  found->second.handler(given, std::move(reply));
}

}  // namespace sim
