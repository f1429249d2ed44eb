#include "sim/script.hpp"

namespace sim {
namespace {

constexpr std::uint8_t op_0 = 0x00, op_1 = 0x51, op_equal = 0x87, op_hash160 = 0xa9;
constexpr const char* human_part = "bcrt";

util::Bytes script_of(std::uint8_t version, const util::Bytes& program) {
  util::Bytes script{version, static_cast<std::uint8_t>(program.size())};
  script.insert(script.end(), program.begin(), program.end());
  return script;
}

/// The 5-bit groups of a witness program, version first, padded with zero bits.
std::vector<std::uint8_t> five_bit_groups(const util::Bytes& script) {
  std::vector<std::uint8_t> groups{static_cast<std::uint8_t>(script[0] == op_0 ? 0 : script[0] - op_1 + 1)};
  std::uint32_t bits = 0;
  int count = 0;
  for (std::size_t i = 2; i < script.size(); ++i) {
    bits = (bits << 8 | script[i]) & 0xFFFFu;
    for (count += 8; count >= 5; count -= 5) groups.push_back(bits >> (count - 5) & 31u);
  }
  if (count > 0) groups.push_back(bits << (5 - count) & 31u);
  return groups;
}

std::uint32_t polymod(const std::vector<std::uint8_t>& values) {
  static constexpr std::uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  std::uint32_t checksum = 1;
  for (const auto value : values) {
    const std::uint32_t top = checksum >> 25;
    checksum = (checksum & 0x1ffffffu) << 5 ^ value;
    for (int i = 0; i < 5; ++i) checksum ^= (top >> i & 1u) != 0 ? generator[i] : 0u;
  }
  return checksum;
}

}  // namespace

util::Bytes make_script(Random& random, ScriptKind kind) {
  switch (kind) {
    case ScriptKind::p2wpkh:
      return script_of(op_0, random.bytes(20));
    case ScriptKind::p2tr:
      return script_of(op_1, random.bytes(32));
    case ScriptKind::p2sh_p2wpkh:
      break;
  }
  util::Bytes script = script_of(op_hash160, random.bytes(20));
  script.push_back(op_equal);
  return script;
}

util::Bytes make_funding_script(Random& random) { return script_of(op_0, random.bytes(32)); }

bool is_p2tr(const util::Bytes& script) { return script.size() == 34 && script[0] == op_1; }

bool is_p2sh(const util::Bytes& script) { return script.size() == 23 && script[0] == op_hash160; }

std::string segwit_address(const util::Bytes& script) {
  static constexpr const char* alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  if (script.size() < 4 || script[1] != script.size() - 2) return "";
  std::vector<std::uint8_t> values;
  const std::string human = human_part;
  for (const char c : human) values.push_back(static_cast<std::uint8_t>(c >> 5));
  values.push_back(0);
  for (const char c : human) values.push_back(c & 31);
  const auto data = five_bit_groups(script);
  values.insert(values.end(), data.begin(), data.end());
  values.insert(values.end(), 6, 0);
  const std::uint32_t checksum = polymod(values) ^ (data[0] == 0 ? 1u : 0x2bc830a3u);

  std::string address = human + "1";
  for (const auto group : data) address += alphabet[group];
  for (int i = 0; i < 6; ++i) address += alphabet[checksum >> 5 * (5 - i) & 31u];
  return address;
}

}  // namespace sim
