#pragma once

#include <string>

#include "util/rope.hpp"

namespace util {

/// The whole text in one string.
inline std::string flat(const Rope& rope) {
  std::string out;
  for (const auto& piece : rope.pieces()) out += *piece;
  return out;
}

}  // namespace util
