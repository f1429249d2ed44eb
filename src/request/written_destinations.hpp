#pragma once

#include <optional>
#include <vector>

#include "json/value.hpp"
#include "util/result.hpp"

namespace request {

/// One destination as a person writes it, "<node id>[@<host>[:<port>]]=<amount>", in its two parts. Each is a JSON
/// string whose path says where it stands.
struct WrittenDestination {
  json::Document id;  ///< with the address
  json::Document amount;
};

/// The destinations of one text, such as a file's, in their order: at least one. White space or commas separate them;
/// `#` begins a comment up to the end of the line. Blanks around the = do no harm. Errors (-32602) name line and
/// column, as the paths do; both count from 1, columns in characters.
[[nodiscard]] util::Result<std::vector<WrittenDestination>> read_destinations(const json::Value& text);

/// The only destination of one text, which is an element of a list. Errors (-32602) name the element.
[[nodiscard]] util::Result<WrittenDestination> read_destination(const json::Value& text);

/// lightning-cli takes a text with a = in it for name=value. Then the parameters are an object, and the text up to its
/// first = is the name of a member: here they are with the parameter `destinations` in place of such members, in the
/// order of these. Nothing when there are none. No parameter's name begins with a digit or a #. Errors (-32602): a
/// backslash in such a name.
[[nodiscard]] util::Result<std::optional<json::Document>> join_names(const json::Value& params);

}  // namespace request
