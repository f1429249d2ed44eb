#pragma once

#include <cstdint>
#include <span>
#include <utility>

#include "util/bytes.hpp"

namespace bitcoin {

/// Writes bytes in Bitcoin's serialisation: integers little-endian, counts as CompactSize.
class ByteWriter {
 public:
  ByteWriter& u8(std::uint8_t number);
  ByteWriter& u32(std::uint32_t number);
  ByteWriter& u64(std::uint64_t number);
  ByteWriter& compact_size(std::uint64_t number);
  ByteWriter& bytes(std::span<const std::uint8_t> bytes);
  /// A CompactSize and as many bytes.
  ByteWriter& sized_bytes(std::span<const std::uint8_t> bytes);

  /// What was written; the writer is empty afterwards.
  [[nodiscard]] util::Bytes take() { return std::exchange(out_, {}); }

 private:
  ByteWriter& little_endian(std::uint64_t number, std::size_t size);

  util::Bytes out_;
};

}  // namespace bitcoin
