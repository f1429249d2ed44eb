#include "bitcoin/ripemd160.hpp"

#include <bit>
#include <cstddef>

#include "util/bytes.hpp"

namespace bitcoin {

namespace {

using Words = std::array<std::uint32_t, 5>;
using Block = std::array<std::uint32_t, 16>;
using Order = std::array<std::uint8_t, 80>;

constexpr std::size_t block_size = 64;

// One of the two lines that run beside each other: which word each of its 80 steps takes, by how much it rotates, and
// what it adds in each of its five rounds.
struct Line {
  Order words;
  Order shifts;
  Words constants;
  bool backwards;  ///< takes the round functions from the last one on
};

constexpr Line left{
    {0,  1, 2,  3,  4, 5,  6,  7,  8, 9, 10, 11, 12, 13, 14, 15, 7, 4,  13, 1, 10, 6, 15, 3,  12, 0, 9,
     5,  2, 14, 11, 8, 3,  10, 14, 4, 9, 15, 8,  1,  2,  7,  0,  6, 13, 11, 5, 12, 1, 9,  11, 10, 0, 8,
     12, 4, 13, 3,  7, 15, 14, 5,  6, 2, 4,  0,  5,  9,  7,  12, 2, 10, 14, 1, 3,  8, 11, 6,  15, 13},
    {11, 14, 15, 12, 5,  8,  7,  9, 11, 13, 14, 15, 6,  7,  9, 8,  7,  6,  8,  13, 11, 9,  7,  15, 7,  12, 15,
     9,  11, 7,  13, 12, 11, 13, 6, 7,  14, 9,  13, 15, 14, 8, 13, 6,  5,  12, 7,  5,  11, 12, 14, 15, 14, 15,
     9,  8,  9,  14, 5,  6,  8,  6, 5,  12, 9,  15, 5,  11, 6, 8,  13, 12, 5,  12, 13, 14, 11, 8,  5,  6},
    {0x00000000, 0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xa953fd4e},
    false};

constexpr Line right{
    {5,  14, 7, 0,  9, 2,  11, 4, 13, 6,  15, 8,  1,  10, 3, 12, 6, 11, 3, 7, 0,  13, 5, 10, 14, 15, 8,
     12, 4,  9, 1,  2, 15, 5,  1, 3,  7,  14, 6,  9,  11, 8, 12, 2, 10, 0, 4, 13, 8,  6, 4,  1,  3,  11,
     15, 0,  5, 12, 2, 13, 9,  7, 10, 14, 12, 15, 10, 4,  1, 5,  8, 7,  6, 2, 13, 14, 0, 3,  9,  11},
    {8, 9,  9,  11, 13, 15, 15, 5,  7,  7, 8, 11, 14, 14, 12, 6, 9,  13, 15, 7,  12, 8,  9,  11, 7,  7,  12,
     7, 6,  15, 13, 11, 9,  7,  15, 11, 8, 6, 6,  14, 12, 13, 5, 14, 13, 13, 7,  5,  15, 5,  8,  11, 14, 14,
     6, 14, 6,  9,  12, 9,  12, 5,  15, 8, 8, 5,  12, 9,  12, 5, 14, 6,  8,  13, 6,  5,  15, 13, 11, 11},
    {0x50a28be6, 0x5c4dd124, 0x6d703ef3, 0x7a6d76e9, 0x00000000},
    true};

std::uint32_t mix(std::size_t round, std::uint32_t x, std::uint32_t y, std::uint32_t z) {
  switch (round) {
    case 0:
      return x ^ y ^ z;
    case 1:
      return (x & y) | (~x & z);
    case 2:
      return (x | ~y) ^ z;
    case 3:
      return (x & z) | (y & ~z);
    default:
      return x ^ (y | ~z);
  }
}

Words run(const Line& line, const Block& block, Words state) {
  for (std::size_t step = 0; step < 80; ++step) {
    const std::size_t round = step / 16;
    const auto mixed = mix(line.backwards ? 4 - round : round, state[1], state[2], state[3]);
    const auto sum = state[0] + mixed + block[line.words[step]] + line.constants[round];
    const auto next = std::rotl(sum, line.shifts[step]) + state[4];
    state = {state[4], next, state[1], std::rotl(state[2], 10), state[3]};
  }
  return state;
}

Block read_block(std::span<const std::uint8_t> bytes) {
  Block block{};
  for (std::size_t i = 0; i < block_size; ++i) block[i / 4] |= std::uint32_t{bytes[i]} << (8 * (i % 4));
  return block;
}

void add_block(Words& state, const Block& block) {
  const auto one = run(left, block, state);
  const auto two = run(right, block, state);
  state = {state[1] + one[2] + two[3], state[2] + one[3] + two[4], state[3] + one[4] + two[0],
           state[4] + one[0] + two[1], state[0] + one[1] + two[2]};
}

/// A one bit, zeros, and the number of bits.
util::Bytes padded(std::span<const std::uint8_t> data) {
  util::Bytes bytes(data.begin(), data.end());
  bytes.push_back(0x80);
  while (bytes.size() % block_size != block_size - 8) bytes.push_back(0);
  const std::uint64_t bits = std::uint64_t{data.size()} * 8;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<std::uint8_t>(bits >> (8 * i)));
  return bytes;
}

}  // namespace

std::array<std::uint8_t, 20> ripemd160(std::span<const std::uint8_t> data) {
  Words state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const auto bytes = padded(data);
  for (std::size_t at = 0; at < bytes.size(); at += block_size) {
    add_block(state, read_block(std::span(bytes).subspan(at, block_size)));
  }
  std::array<std::uint8_t, 20> digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(state[i / 4] >> (8 * (i % 4)));
  }
  return digest;
}

std::array<std::uint8_t, 20> hash160(std::span<const std::uint8_t> data) {
  return ripemd160(util::sha256(data.data(), data.size()));
}

}  // namespace bitcoin
