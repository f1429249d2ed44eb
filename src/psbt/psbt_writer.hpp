#pragma once

#include <cstdint>

#include "bitcoin/byte_writer.hpp"
#include "psbt/psbt.hpp"
#include "psbt/psbt_keys.hpp"
#include "util/bytes.hpp"

namespace psbt {

/// Writes one PSBT in one version. Lives as long as one call of Psbt::serialise.
class Psbt::Writer {
 public:
  Writer(const Psbt& psbt, std::uint32_t version) : psbt_(psbt), version_(version) {}

  [[nodiscard]] util::Bytes write();

 private:
  /// The fields of the transaction itself, by ascending type.
  [[nodiscard]] PsbtMap global_fields() const;
  [[nodiscard]] PsbtMap fields_of(const bitcoin::TxInput& input) const;
  [[nodiscard]] PsbtMap fields_of(const bitcoin::TxOutput& output) const;

  void write_map(const psbt_key::Kind& kind, const PsbtMap& fields, const PsbtMap& kept);

  const Psbt& psbt_;
  std::uint32_t version_;
  bitcoin::ByteWriter out_;
};

}  // namespace psbt
