#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "bitcoin/byte_reader.hpp"
#include "psbt/psbt.hpp"
#include "psbt/psbt_keys.hpp"
#include "util/bytes.hpp"
#include "util/result.hpp"

namespace psbt {

/// Reads one PSBT, front to back. Lives as long as one call of Psbt::parse.
class Psbt::Reader {
 public:
  explicit Reader(const util::Bytes& bytes) : in_(bytes) {}

  [[nodiscard]] util::Result<Psbt> read();

 private:
  util::Result<void> read_global();
  util::Result<void> read_unsigned_tx();
  util::Result<void> read_header_v2();
  util::Result<void> read_input(std::uint64_t index);
  util::Result<void> read_output(std::uint64_t index);

  /// Reads the next map; `name` is for errors.
  util::Result<PsbtMap> read_map(const psbt_key::Kind& kind, const std::string& name);
  /// Needs the version, which the global map itself holds: hence not a part of read_map.
  util::Result<void> check_versions(const psbt_key::Kind& kind, const std::string& name, const PsbtMap& map) const;

  bitcoin::ByteReader in_;
  Psbt psbt_;
  std::uint64_t input_count_ = 0;
  std::uint64_t output_count_ = 0;
};

}  // namespace psbt
