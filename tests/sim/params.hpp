#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "json/value.hpp"
#include "lightningd/ids.hpp"
#include "sim/filter.hpp"
#include "util/result.hpp"

namespace sim {

/// The names of one RPC's parameters, from its usage: "id amount [feerate]".
struct ParamNames {
  explicit ParamNames(std::string_view usage);
  std::vector<std::string> names;
  std::size_t required = 0;  ///< the first so many
};

/// The parameters of one call, given by name or by position, read as lightningd reads them: numbers
/// and booleans may be quoted, the first bad parameter decides the error. A handler reads all it
/// wants and then asks once for error(). Lives during the handler only.
class Params {
 public:
  Params(const ParamNames& names, const json::Value& params, Filter filter = {});

  [[nodiscard]] const std::optional<util::Error>& error() const { return error_; }

  [[nodiscard]] std::optional<json::Value> find(std::string_view name) const;
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise = "");
  [[nodiscard]] std::uint32_t number(std::string_view name, std::uint32_t otherwise = 0);
  [[nodiscard]] bool flag(std::string_view name, bool otherwise);
  [[nodiscard]] lightningd::NodeId node_id(std::string_view name);
  [[nodiscard]] bitcoin::Sat sat(std::string_view name);
  [[nodiscard]] bitcoin::Msat msat(std::string_view name);
  /// Nothing for "all".
  [[nodiscard]] std::optional<bitcoin::Sat> sat_or_all(std::string_view name);

  /// What the caller wants to see of the result; whoever answers need not apply it.
  [[nodiscard]] const Filter& filter() const { return filter_; }

  /// Reports a parameter as lightningd does: "name: message: invalid token '...'".
  void bad(std::string_view name, std::string_view message);

 private:
  void by_position(const ParamNames& names, const json::Value& params);
  void by_name(const ParamNames& names, const json::Value& params);
  void fail(std::string message);

  std::map<std::string, json::Value, std::less<>> given_;
  Filter filter_;
  std::optional<util::Error> error_;
};

/// A string's text, or any other value's JSON: lightningd looks at tokens only.
[[nodiscard]] std::string token_text(const json::Value& value);
/// A whole number that fills the text.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text);

}  // namespace sim
