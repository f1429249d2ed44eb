#include "sim/params.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "lightningd/codes.hpp"
#include "params/amount.hpp"
#include "request/request.hpp"
#include "util/str.hpp"

namespace sim {

using lightningd::code::invalid_params;

ParamNames::ParamNames(std::string_view usage) {
  while (!usage.empty()) {
    const auto space = usage.find(' ');
    std::string_view word = usage.substr(0, space);
    usage = space == std::string_view::npos ? std::string_view() : usage.substr(space + 1);
    if (word.front() == '[') {
      word = word.substr(1, word.size() - 2);
    } else {
      ++required;
    }
    names.emplace_back(word);
  }
}

Params::Params(const ParamNames& names, const json::Value& params, Filter filter) : filter_(std::move(filter)) {
  if (params.is_array()) {
    by_position(names, params);
  } else if (params.is_object()) {
    by_name(names, params);
  } else {
    fail("Expected array or object for params");
  }
  for (std::size_t i = 0; i < names.required; ++i) {
    if (!given_.contains(names.names[i])) fail(util::str("missing required parameter: ", names.names[i]));
  }
}

void Params::by_position(const ParamNames& names, const json::Value& params) {
  const auto elements = params.elements();
  if (elements.size() > names.names.size()) {
    fail(util::str("too many parameters: got ", elements.size(), ", expected ", names.names.size()));
    return;
  }
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (!elements[i].is_null()) given_.emplace(names.names[i], elements[i]);
  }
}

void Params::by_name(const ParamNames& names, const json::Value& params) {
  for (const auto& [name, value] : params.members()) {
    if (std::find(names.names.begin(), names.names.end(), name) == names.names.end()) {
      fail(util::str("unknown parameter: ", name,
                     ", this may be caused by a failure to autodetect key=value-style parameters. Please try using "
                     "the -k flag and explicit key=value pairs of parameters."));
    } else if (!given_.emplace(std::string(name), value).second) {
      fail(util::str("duplicate json names: ", name));
    }
  }
}

std::optional<json::Value> Params::find(std::string_view name) const {
  const auto found = given_.find(name);
  if (found == given_.end()) return std::nullopt;
  return found->second;
}

std::string Params::text(std::string_view name, std::string_view otherwise) {
  const auto value = find(name);
  return value ? token_text(*value) : std::string(otherwise);
}

std::uint32_t Params::number(std::string_view name, std::uint32_t otherwise) {
  const auto value = find(name);
  if (!value) return otherwise;
  const auto number = parse_number(token_text(*value));
  if (number && *number <= 0xFFFFFFFFu) return static_cast<std::uint32_t>(*number);
  bad(name, "should be an integer");
  return otherwise;
}

bool Params::flag(std::string_view name, bool otherwise) {
  const auto value = find(name);
  if (!value) return otherwise;
  const std::string text = token_text(*value);
  if (text == "true") return true;
  if (text != "false") bad(name, "should be 'true' or 'false'");
  return false;
}

lightningd::NodeId Params::node_id(std::string_view name) {
  const auto id = lightningd::NodeId::from_hex(text(name));
  if (!id) bad(name, "should be a node id");
  return id.value_or(lightningd::NodeId());
}

bitcoin::Sat Params::sat(std::string_view name) {
  const auto value = find(name);
  if (!value) return {};
  const auto amount = params::parse_sat(*value);
  if (amount) return *amount;
  bad(name, "should be a satoshi amount");
  return {};
}

bitcoin::Msat Params::msat(std::string_view name) {
  const auto value = find(name);
  if (!value) return {};
  const auto amount = params::parse_msat(*value);
  if (amount) return *amount;
  bad(name, "should be a millisatoshi amount");
  return {};
}

std::optional<bitcoin::Sat> Params::sat_or_all(std::string_view name) {
  if (text(name) == "all") return std::nullopt;
  return sat(name);
}

void Params::bad(std::string_view name, std::string_view message) {
  fail(util::str(name, ": ", message, ": invalid token '", text(name), "'"));
}

void Params::fail(std::string message) {
  if (!error_) error_ = util::Error{invalid_params, std::move(message), ""};
}

std::string token_text(const json::Value& value) {
  const auto text = value.string();
  return text ? std::string(*text) : value.as_typed();
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

}  // namespace sim
