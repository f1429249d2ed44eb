#include "util/mac_key.hpp"

#include <sodium.h>

#include <algorithm>

#include "util/bytes.hpp"

namespace util {

static_assert(std::tuple_size_v<Mac> == crypto_auth_hmacsha256_BYTES);
static_assert(std::tuple_size_v<Mac> == crypto_auth_hmacsha256_KEYBYTES);

std::optional<MacKey> MacKey::from_hex(std::string_view hex) {
  auto bytes = util::from_hex(hex);
  if (!bytes || bytes->size() != crypto_auth_hmacsha256_KEYBYTES) return std::nullopt;
  MacKey key;
  std::copy(bytes->begin(), bytes->end(), key.bytes_.begin());
  sodium_memzero(bytes->data(), bytes->size());
  return key;
}

MacKey::MacKey(MacKey&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }

MacKey& MacKey::operator=(MacKey&& other) noexcept {
  if (this == &other) return *this;
  bytes_ = other.bytes_;
  other.wipe();
  return *this;
}

MacKey::~MacKey() { wipe(); }

void MacKey::wipe() { sodium_memzero(bytes_.data(), bytes_.size()); }

Mac MacKey::mac(std::string_view text) const {
  Mac mac;
  crypto_auth_hmacsha256(mac.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes_.data());
  return mac;
}

bool MacKey::made(const Mac& mac, std::string_view text) const {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  return crypto_auth_hmacsha256_verify(mac.data(), bytes, text.size(), bytes_.data()) == 0;
}

}  // namespace util
