#include "util/str.hpp"

#include <charconv>

namespace util {
namespace {

void append(std::string& out, std::integral auto number) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

}  // namespace

void Piece::append_to(std::string& out) const {
  switch (kind_) {
    case Kind::text:
      out += text_;
      break;
    case Kind::character:
      out += character_;
      break;
    case Kind::signed_number:
      append(out, signed_);
      break;
    case Kind::number:
      append(out, number_);
      break;
  }
}

std::string join(std::initializer_list<Piece> pieces) {
  std::string out;
  for (const auto& piece : pieces) piece.append_to(out);
  return out;
}

}  // namespace util
