#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "util/result.hpp"

namespace json {

/// One token of a text as lightningd's reader sees it.
struct LooseToken {
  enum class Kind { object, array, string, primitive };
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  Kind kind = Kind::primitive;
  std::size_t begin = 0;   ///< of a string: the first character after its quote
  std::size_t end = none;  ///< one past the last character (of a string: its closing quote); none: still open
  std::size_t size = 0;    ///< tokens directly in it: elements, names of members, or the value of a name
  std::size_t parent = none;
  unsigned depth = 0;  ///< objects and arrays around it

  [[nodiscard]] bool is_container() const { return kind == Kind::object || kind == Kind::array; }
};

/// Cuts a text into tokens by the rules of lightningd's own reader (jsmn, which is not strict), in the order of the
/// text, and refuses what lightningd refuses: a message of its caller's that lightningd passes on passes here with the
/// same meaning. Commas are as good as white space, a colon makes the token before it the parent of the next, and
/// whatever has no quotes is a primitive up to the next space, comma or closing bracket (07ab:0 is one).
///
/// Other than there: a primitive may begin with any letter, as with older builds of that reader; nesting deeper than
/// 100 levels is an error, strings need not be UTF-8, and nothing may follow the one value. Errors say at which byte.
/// Iterative, in linear time.
[[nodiscard]] util::Result<std::vector<LooseToken>> loose_tokens(std::string_view text);

}  // namespace json
