#pragma once

#include <cstdint>

namespace chain {

/// In blocks. A transaction that is so deep in the chain is taken to be there for good, as lightningd and its peers do
/// with a channel of usual size.
constexpr std::uint32_t deep_enough = 6;

/// How deep a transaction of this block is when the last block is `height`: 1 in the last one, 0 in no block, which is
/// `block` 0. The wallet may have seen a block that lightningd does not count yet: that is 1 as well.
[[nodiscard]] constexpr std::uint32_t depth(std::uint32_t block, std::uint32_t height) {
  if (block == 0) return 0;
  return block <= height ? height - block + 1 : 1;
}

[[nodiscard]] constexpr bool is_deep(std::uint32_t block, std::uint32_t height) {
  return depth(block, height) >= deep_enough;
}

}  // namespace chain
