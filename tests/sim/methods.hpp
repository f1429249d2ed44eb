#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "sim/params.hpp"
#include "sim/reply.hpp"

namespace sim {

/// The RPCs that the node has of its own. Filled by its parts, owned by the node.
class Methods {
 public:
  using Handler = std::function<void(Params&, Reply)>;

  /// `usage` as lightningd writes it: "id amount [feerate]".
  void add(std::string name, std::string_view usage, Handler handler);

  /// The method and its parameters, as `help` shows them. The method must exist.
  [[nodiscard]] std::string usage(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return methods_.find(name) != methods_.end(); }
  /// The method must exist.
  void call(std::string_view name, const json::Value& params, const Filter& filter, Reply reply);
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& calls() const { return calls_; }

 private:
  struct Method {
    std::string usage;
    ParamNames names;
    Handler handler;
  };
  std::map<std::string, Method, std::less<>> methods_;
  std::map<std::string, std::uint64_t, std::less<>> calls_;  // how often each was called
};

}  // namespace sim
