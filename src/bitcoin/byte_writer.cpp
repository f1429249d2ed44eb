#include "bitcoin/byte_writer.hpp"

namespace bitcoin {

ByteWriter& ByteWriter::little_endian(std::uint64_t number, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out_.push_back(static_cast<std::uint8_t>(number >> (8 * i)));
  return *this;
}

ByteWriter& ByteWriter::u8(std::uint8_t number) { return little_endian(number, 1); }

ByteWriter& ByteWriter::u32(std::uint32_t number) { return little_endian(number, 4); }

ByteWriter& ByteWriter::u64(std::uint64_t number) { return little_endian(number, 8); }

ByteWriter& ByteWriter::compact_size(std::uint64_t number) {
  if (number < 0xFD) return little_endian(number, 1);
  if (number <= 0xFFFF) return u8(0xFD).little_endian(number, 2);
  if (number <= 0xFFFFFFFF) return u8(0xFE).little_endian(number, 4);
  return u8(0xFF).little_endian(number, 8);
}

ByteWriter& ByteWriter::bytes(std::span<const std::uint8_t> bytes) {
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  return *this;
}

ByteWriter& ByteWriter::sized_bytes(std::span<const std::uint8_t> bytes) {
  return compact_size(bytes.size()).bytes(bytes);
}

}  // namespace bitcoin
