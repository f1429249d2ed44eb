#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace util {

/// HMAC-SHA256 (RFC 2104): whoever does not have the key can neither make a mac nor change a text that has one.
using Mac = std::array<std::uint8_t, 32>;

/// A key for it. Neither copied nor shown; its bytes are overwritten when it goes.
class MacKey {
 public:
  /// From 64 hex digits.
  [[nodiscard]] static std::optional<MacKey> from_hex(std::string_view hex);

  MacKey(MacKey&& other) noexcept;
  MacKey& operator=(MacKey&& other) noexcept;
  ~MacKey();

  [[nodiscard]] Mac mac(std::string_view text) const;
  /// Takes as long for a wrong mac as for the right one.
  [[nodiscard]] bool made(const Mac& mac, std::string_view text) const;

 private:
  MacKey() = default;
  void wipe();

  std::array<std::uint8_t, 32> bytes_{};
};

}  // namespace util
