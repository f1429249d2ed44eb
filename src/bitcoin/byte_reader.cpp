#include "bitcoin/byte_reader.hpp"

namespace bitcoin {

std::span<const std::uint8_t> ByteReader::take(std::uint64_t size) {
  if (failed_ || size > left()) {
    failed_ = true;
    return {};
  }
  const auto taken = bytes_.subspan(position_, static_cast<std::size_t>(size));
  position_ += taken.size();
  return taken;
}

std::uint64_t ByteReader::little_endian(std::size_t size) {
  const auto taken = take(size);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < taken.size(); ++i) number |= std::uint64_t{taken[i]} << (8 * i);
  return number;
}

std::uint8_t ByteReader::u8() { return static_cast<std::uint8_t>(little_endian(1)); }

std::uint32_t ByteReader::u32() { return static_cast<std::uint32_t>(little_endian(4)); }

std::uint64_t ByteReader::u64() { return little_endian(8); }

std::uint64_t ByteReader::compact_size() {
  const std::uint8_t first = u8();
  if (first < 0xFD) return first;

  const std::size_t size = first == 0xFD ? 2 : first == 0xFE ? 4 : 8;
  const std::uint64_t least = first == 0xFD ? 0xFD : first == 0xFE ? 0x10000 : 0x100000000;
  const std::uint64_t number = little_endian(size);
  if (number < least) failed_ = true;
  return failed_ ? 0 : number;
}

util::Bytes ByteReader::bytes(std::uint64_t size) {
  const auto taken = take(size);
  return {taken.begin(), taken.end()};
}

util::Bytes ByteReader::sized_bytes() { return bytes(compact_size()); }

void ByteReader::skip(std::uint64_t size) { (void)take(size); }

}  // namespace bitcoin
