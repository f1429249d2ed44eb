#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "json/value.hpp"

namespace sim {

/// What a caller wants to see of a result (lightningd-rpc(7), FILTERS). Cheap to copy.
class Filter {
 public:
  /// Everything.
  Filter() = default;
  /// As a request has it: {"channels":[{"state":true}]}.
  explicit Filter(const json::Value& wanted);

  /// Whether the member at this path, through objects and arrays alike, is wanted. For large members
  /// that need not be made only to be left out.
  [[nodiscard]] bool wants(std::initializer_list<std::string_view> path) const;
  /// The result without what is not wanted.
  [[nodiscard]] std::string apply(std::string result_json) const;

 private:
  std::shared_ptr<const json::Document> wanted_;
};

}  // namespace sim
