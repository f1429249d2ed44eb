#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "json/value.hpp"
#include "json/writer.hpp"
#include "util/result.hpp"

namespace plugin {

/// What a caller wants to see of a result: `filter` in its request (lightningd-rpc(7), FIELD FILTERING). lightningd
/// filters the results of its own commands and leaves those of plugins to them, so this does what it does there
/// (common/json_filter.c of v26.06.6, seen from outside), the odd parts too:
///
///   - a field that is an object shows of its plain members only those that are named: {"error":true} shows
///     {"error":{}}, with the objects and arrays within; a field that is an array shows all
///   - an object where the filter has an array, or the other way round, is left out, and the result tells of it in
///     `warning_parameter_filter`; plain values in the place of either are shown
///
/// Made for one result.
class Filter {
 public:
  /// Errors are -32602 with lightningd's words. (lightningd has looked at it before; other programs may not.)
  [[nodiscard]] static util::Result<Filter> parse(const json::Value& filter);

  /// The part of the result (an object) that is wanted, as JSON text.
  [[nodiscard]] std::string apply(std::string_view result_json);

 private:
  [[nodiscard]] util::Result<void> read(const json::Value& filter);
  [[nodiscard]] bool is_leaf() const { return !elements_ && members_.empty(); }
  void write_object(json::Writer& out, const json::Value& object);
  void write_array(json::Writer& out, const json::Value& array);
  void write_container(json::Writer& out, const json::Value& container);
  /// Where the result had another form, and which: ".channel_ids is an array". Empty if nowhere.
  [[nodiscard]] std::string misuse() const;

  std::unique_ptr<Filter> elements_;       ///< of an array; then there are no members
  std::map<std::string, Filter> members_;  ///< in the order in which lightningd looks for misuse
  bool misused_ = false;
};

}  // namespace plugin
