#include "bitcoin/address.hpp"

#include <cstdint>
#include <vector>

namespace bitcoin {

namespace {

constexpr std::uint8_t op_0 = 0x00, op_1 = 0x51, op_16 = 0x60;
constexpr std::size_t shortest_program = 2, longest_program = 40;
constexpr std::uint32_t bech32 = 1, bech32m = 0x2bc830a3;

std::string_view human_part(std::string_view network) {
  if (network == "bitcoin") return "bc";
  if (network == "regtest") return "bcrt";
  if (network == "testnet" || network == "testnet4" || network == "signet") return "tb";
  return {};
}

void add(std::uint32_t& checksum, std::uint8_t value) {
  static constexpr std::uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  const auto top = checksum >> 25;
  checksum = ((checksum & 0x1ff'ffff) << 5) ^ value;
  for (std::uint32_t bit = 0; bit < 5; ++bit) {
    if ((top >> bit) & 1) checksum ^= generator[bit];
  }
}

/// The version, then the program in groups of five bits, the last one filled up with zeros.
std::vector<std::uint8_t> groups_of(const util::Bytes& script) {
  std::vector<std::uint8_t> groups{static_cast<std::uint8_t>(script[0] == op_0 ? 0 : script[0] - op_1 + 1)};
  std::uint32_t rest = 0;
  int bits = 0;
  for (std::size_t i = 2; i < script.size(); ++i) {
    rest = ((rest << 8) | script[i]) & 0xFFF;
    bits += 8;
    for (; bits >= 5; bits -= 5) groups.push_back((rest >> (bits - 5)) & 31);
  }
  if (bits > 0) groups.push_back((rest << (5 - bits)) & 31);
  return groups;
}

bool is_witness_program(const util::Bytes& script) {
  if (script.size() < 2 + shortest_program || script.size() > 2 + longest_program) return false;
  const bool version = script[0] == op_0 || (script[0] >= op_1 && script[0] <= op_16);
  return version && script[1] == script.size() - 2;
}

}  // namespace

std::optional<std::string> segwit_address(const util::Bytes& script, std::string_view network) {
  static constexpr std::string_view letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  const auto human = human_part(network);
  if (human.empty() || !is_witness_program(script)) return std::nullopt;
  std::uint32_t checksum = 1;
  for (const char letter : human) add(checksum, static_cast<std::uint8_t>(letter) >> 5);
  add(checksum, 0);
  for (const char letter : human) add(checksum, static_cast<std::uint8_t>(letter) & 31);
  std::string address = std::string(human) + '1';
  for (const auto group : groups_of(script)) {
    add(checksum, group);
    address += letters[group];
  }
  for (int i = 0; i < 6; ++i) add(checksum, 0);
  checksum ^= script[0] == op_0 ? bech32 : bech32m;
  for (int i = 5; i >= 0; --i) address += letters[(checksum >> (5 * i)) & 31];
  return address;
}

}  // namespace bitcoin
