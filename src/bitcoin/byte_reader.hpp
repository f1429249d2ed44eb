#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "util/bytes.hpp"

namespace bitcoin {

/// A cursor over bytes in Bitcoin's serialisation, written by peers or lightningd. The first read
/// that does not fit makes it fail for good: that read and all later ones give zeros or nothing, so
/// a whole structure can be read before failed() is looked at. Loops over counts must look at it in
/// every round. Must not outlive the bytes.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] std::size_t position() const { return position_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - position_; }
  /// Everything was read and nothing was missing.
  [[nodiscard]] bool finished() const { return !failed_ && left() == 0; }

  [[nodiscard]] std::uint8_t u8();
  /// Little-endian.
  [[nodiscard]] std::uint32_t u32();
  [[nodiscard]] std::uint64_t u64();
  /// Fails on an encoding longer than needed: two byte strings for one PSBT would be two identities.
  [[nodiscard]] std::uint64_t compact_size();
  [[nodiscard]] util::Bytes bytes(std::uint64_t size);
  /// A CompactSize and as many bytes.
  [[nodiscard]] util::Bytes sized_bytes();
  void skip(std::uint64_t size);

 private:
  [[nodiscard]] std::span<const std::uint8_t> take(std::uint64_t size);
  [[nodiscard]] std::uint64_t little_endian(std::size_t size);

  std::span<const std::uint8_t> bytes_;
  std::size_t position_ = 0;
  bool failed_ = false;
};

}  // namespace bitcoin
