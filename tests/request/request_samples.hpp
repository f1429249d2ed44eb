#pragma once

#include <string>
#include <string_view>

#include "json/value.hpp"
#include "request/request.hpp"
#include "util/str.hpp"

namespace request::test {

/// A node id that ends in the digit.
inline std::string node(char digit) { return "02" + std::string(63, '0') + digit; }

inline util::Result<Request> parse_text(std::string_view params) {
  const auto document = json::Document::parse(params, "params");
  if (!document) return document.error();
  return parse_request(document->root(), "regtest");
}

/// {"id": node('1'), <members>}
inline std::string destination(std::string_view members, char digit = '1') {
  return util::str(R"({"id":")", node(digit), R"(",)", members, "}");
}

/// Parameters with these destinations and, after them, `more`.
inline std::string with_destinations(std::string_view destinations, std::string_view more = "") {
  return util::str(R"({"destinations":[)", destinations, "]", more, "}");
}

/// Parses one destination with these members, and `more` parameters.
inline util::Result<Request> parse_members(std::string_view members, std::string_view more = "") {
  return parse_text(with_destinations(destination(members), more));
}

/// "<code>: <message>", or "" when it parses.
inline std::string error_of(const util::Result<Request>& request) {
  return request ? "" : util::str(request.error().code, ": ", request.error().message);
}

}  // namespace request::test
