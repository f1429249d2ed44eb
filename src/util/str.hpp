#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace util {

/// What str() and the log put together: a text, a character or an integer. The text must outlive it.
class Piece {
 public:
  explicit Piece(std::string_view text) : kind_(Kind::text), text_(text) {}
  explicit Piece(char character) : kind_(Kind::character), character_(character) {}
  explicit Piece(std::signed_integral auto number) : kind_(Kind::signed_number), signed_(number) {}
  explicit Piece(std::unsigned_integral auto number) : kind_(Kind::number), number_(number) {}

  void append_to(std::string& out) const;

 private:
  enum class Kind { text, character, signed_number, number };

  Kind kind_;
  union {
    std::string_view text_;
    char character_;
    std::int64_t signed_;
    std::uint64_t number_;
  };
};

/// The pieces, one after the other.
[[nodiscard]] std::string join(std::initializer_list<Piece> pieces);

/// The texts and integers, one after the other.
template <class... Parts>
[[nodiscard]] std::string str(const Parts&... parts) {
  return join({Piece(parts)...});
}

}  // namespace util
