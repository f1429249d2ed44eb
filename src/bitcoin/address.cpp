#include "bitcoin/address.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <span>
#include <vector>

#include "bitcoin/script_ops.hpp"

namespace bitcoin {

namespace {

constexpr std::size_t shortest_program = 2, longest_program = 40;
constexpr std::uint32_t bech32 = 1, bech32m = 0x2bc830a3;
constexpr std::string_view letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t checksum_letters = 6, longest_bech32 = 90;

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
  std::vector<std::uint8_t> groups{static_cast<std::uint8_t>(script[0] == op::zero ? 0 : script[0] - op::one + 1)};
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

std::uint32_t checksum_of(std::string_view human) {
  std::uint32_t checksum = 1;
  for (const char letter : human) add(checksum, static_cast<std::uint8_t>(letter) >> 5);
  add(checksum, 0);
  for (const char letter : human) add(checksum, static_cast<std::uint8_t>(letter) & 31);
  return checksum;
}

util::Error wrong(std::string_view what) { return util::Error{-1, std::string(what), {}}; }

/// The reverse of groups_of(), without the version; nothing when what fills up the last group is not zeros.
std::optional<util::Bytes> program_of(std::span<const std::uint8_t> groups) {
  util::Bytes program;
  std::uint32_t rest = 0;
  int bits = 0;
  for (const auto group : groups) {
    rest = ((rest << 5) | group) & 0xFFF;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    program.push_back(static_cast<std::uint8_t>(rest >> bits));
  }
  const bool filled_up = bits < 5 && (rest & ((1u << bits) - 1)) == 0;
  return filled_up ? std::optional(program) : std::nullopt;
}

util::Result<Address> to_witness_program(std::string_view human, const std::vector<std::uint8_t>& groups,
                                         std::uint32_t checksum) {
  const auto version = groups.empty() ? 0 : groups[0];
  const auto program = groups.empty() ? std::nullopt : program_of(std::span(groups).subspan(1));
  if (checksum != bech32 && checksum != bech32m) return wrong("has a wrong checksum: a character is missing or wrong");
  if (!program) return wrong("is not a segwit address");
  if (checksum != (version == 0 ? bech32 : bech32m)) {
    return wrong("has the checksum of another witness version (bech32 is for version 0, bech32m for taproot)");
  }
  if (version > 1) return wrong("is of a witness version that nobody can spend yet: take one of version 0 or 1");
  const auto size = program->size();
  if (size != 32 && !(version == 0 && size == 20)) return wrong("has a witness program of a wrong length");
  Address address{{version == 0 ? op::zero : op::one, static_cast<std::uint8_t>(size)}, human, human == "bc"};
  address.script.insert(address.script.end(), program->begin(), program->end());
  return address;
}

util::Result<Address> parse_bech32(std::string_view human, std::string_view text) {
  const auto is_upper = [](char letter) { return letter >= 'A' && letter <= 'Z'; };
  const auto is_lower = [](char letter) { return letter >= 'a' && letter <= 'z'; };
  if (std::any_of(text.begin(), text.end(), is_upper) && std::any_of(text.begin(), text.end(), is_lower)) {
    return wrong("mixes upper and lower case");
  }
  if (text.size() > longest_bech32 || text.size() < human.size() + 1 + checksum_letters) {
    return wrong("has a wrong length for a segwit address");
  }
  std::vector<std::uint8_t> groups;
  auto checksum = checksum_of(human);
  for (const char letter : text.substr(human.size() + 1)) {
    const auto group = letters.find(static_cast<char>(std::tolower(static_cast<unsigned char>(letter))));
    if (group == std::string_view::npos) return wrong("has a character that no segwit address has");
    groups.push_back(static_cast<std::uint8_t>(group));
    add(checksum, groups.back());
  }
  groups.resize(groups.size() - checksum_letters);
  return to_witness_program(human, groups, checksum);
}

constexpr std::size_t hash_size = 20, version_and_hash = 1 + hash_size, base58_checksum = 4;
constexpr std::uint8_t main_p2pkh = 0, main_p2sh = 5, test_p2pkh = 111, test_p2sh = 196;

constexpr std::string_view digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Version, hash and checksum. Nothing when it is not as long.
std::optional<util::Bytes> base58_bytes(std::string_view text) {
  util::Bytes bytes(version_and_hash + base58_checksum);
  for (const char digit : text) {
    auto carry = static_cast<std::uint32_t>(digits.find(digit));
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
      carry += 58u * *byte;
      *byte = static_cast<std::uint8_t>(carry & 0xFF);
      carry >>= 8;
    }
    if (carry != 0) return std::nullopt;
  }
  const auto zeros = std::min(text.find_first_not_of('1'), text.size());
  const auto first = std::find_if(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; });
  return zeros == static_cast<std::size_t>(first - bytes.begin()) ? std::optional(bytes) : std::nullopt;
}

/// The reverse, with the checksum added. Each zero byte in front is a digit of its own.
std::string to_base58(util::Bytes bytes) {
  const auto checksum = util::sha256d(bytes);
  bytes.insert(bytes.end(), checksum.begin(), checksum.begin() + base58_checksum);
  const auto first = std::find_if(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; });
  const std::string zeros(static_cast<std::size_t>(first - bytes.begin()), digits[0]);
  std::string text;
  while (std::any_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0; })) {
    std::uint32_t rest = 0;
    for (auto& byte : bytes) {
      rest = rest << 8 | byte;
      byte = static_cast<std::uint8_t>(rest / 58);
      rest %= 58;
    }
    text.insert(text.begin(), digits[rest]);
  }
  return zeros + text;
}

/// The hash that the script names, with what a base58 address of a network has in front of it. Nothing for another
/// script.
std::optional<util::Bytes> version_and_hash_of(const util::Bytes& script, bool main) {
  const util::Bytes key_begin{op::dup, op::hash160, hash_size}, key_end{op::equal_verify, op::check_signature};
  const util::Bytes script_begin{op::hash160, hash_size}, script_end{op::equal};
  const auto hash_in = [&script](const util::Bytes& begin, const util::Bytes& end, std::uint8_t version) {
    util::Bytes bytes{version};
    const bool fits = script.size() == begin.size() + hash_size + end.size() &&
                      std::equal(begin.begin(), begin.end(), script.begin()) &&
                      std::equal(end.rbegin(), end.rend(), script.rbegin());
    if (!fits) return util::Bytes();
    bytes.insert(bytes.end(), script.begin() + static_cast<std::ptrdiff_t>(begin.size()),
                 script.end() - static_cast<std::ptrdiff_t>(end.size()));
    return bytes;
  };
  auto bytes = hash_in(key_begin, key_end, main ? main_p2pkh : test_p2pkh);
  if (bytes.empty()) bytes = hash_in(script_begin, script_end, main ? main_p2sh : test_p2sh);
  return bytes.empty() ? std::nullopt : std::optional(bytes);
}

util::Result<Address> parse_base58(std::string_view text) {
  if (text.empty() || text.find_first_not_of(digits) != std::string_view::npos) return wrong("is not an address");
  const auto bytes = base58_bytes(text);
  if (!bytes) return wrong("is not an address: its length is wrong");
  const util::Bytes content(bytes->begin(), bytes->begin() + version_and_hash);
  const auto checksum = util::sha256d(content);
  if (!std::equal(bytes->begin() + version_and_hash, bytes->end(), checksum.begin())) {
    return wrong("has a wrong checksum: a character is missing or wrong");
  }
  const auto version = content[0];
  Address address{{}, {}, version == main_p2pkh || version == main_p2sh};
  const bool key = version == main_p2pkh || version == test_p2pkh;
  if (!key && version != main_p2sh && version != test_p2sh) return wrong("is not an address of Bitcoin");
  address.script = key ? util::Bytes{op::dup, op::hash160, hash_size} : util::Bytes{op::hash160, hash_size};
  address.script.insert(address.script.end(), content.begin() + 1, content.end());
  const auto end = key ? util::Bytes{op::equal_verify, op::check_signature} : util::Bytes{op::equal};
  address.script.insert(address.script.end(), end.begin(), end.end());
  return address;
}

}  // namespace

bool is_witness_program(const util::Bytes& script) {
  if (script.size() < 2 + shortest_program || script.size() > 2 + longest_program) return false;
  const bool version = script[0] == op::zero || (script[0] >= op::one && script[0] <= op::sixteen);
  return version && script[1] == script.size() - 2;
}

bool Address::is_of(std::string_view network) const {
  const auto human = human_part(network);
  if (human.empty()) return false;
  return prefix.empty() ? is_main == (human == "bc") : prefix == human;
}

util::Result<Address> parse_address(std::string_view text) {
  static constexpr std::array<std::string_view, 3> prefixes{"bc", "tb", "bcrt"};
  std::string lower(text.substr(0, 5));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char letter) { return std::tolower(letter); });
  for (const auto human : prefixes) {
    if (lower.starts_with(std::string(human) + '1')) return parse_bech32(human, text);
  }
  return parse_base58(text);
}

std::optional<std::string> segwit_address(const util::Bytes& script, std::string_view network) {
  const auto human = human_part(network);
  if (human.empty() || !is_witness_program(script)) return std::nullopt;
  auto checksum = checksum_of(human);
  std::string address = std::string(human) + '1';
  for (const auto group : groups_of(script)) {
    add(checksum, group);
    address += letters[group];
  }
  for (int i = 0; i < 6; ++i) add(checksum, 0);
  checksum ^= script[0] == op::zero ? bech32 : bech32m;
  for (int i = 5; i >= 0; --i) address += letters[(checksum >> (5 * i)) & 31];
  return address;
}

std::optional<std::string> address_of(const util::Bytes& script, std::string_view network) {
  if (is_witness_program(script)) return segwit_address(script, network);
  const auto human = human_part(network);
  const auto bytes = human.empty() ? std::nullopt : version_and_hash_of(script, human == "bc");
  return bytes ? std::optional(to_base58(*bytes)) : std::nullopt;
}

bool is_native_segwit(const util::Bytes& script) {
  if (script.size() == 22) return script[0] == op::zero && script[1] == 20;
  return script.size() == 34 && (script[0] == op::zero || script[0] == op::one) && script[1] == 32;
}

}  // namespace bitcoin
