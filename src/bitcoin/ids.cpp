#include "bitcoin/ids.hpp"

#include <charconv>

#include "util/str.hpp"

namespace bitcoin {

std::string Outpoint::str() const { return util::str(txid.hex(), ':', vout); }

std::optional<Outpoint> Outpoint::parse(std::string_view text) {
  constexpr std::size_t txid_digits = 64;
  if (text.size() < txid_digits + 2 || text[txid_digits] != ':') return std::nullopt;
  const auto txid = Txid::from_hex(text.substr(0, txid_digits));
  if (!txid) return std::nullopt;

  const auto number = text.substr(txid_digits + 1);
  // One text per outpoint: "txid:01" is none.
  if (number.size() > 1 && number.front() == '0') return std::nullopt;
  Outpoint outpoint{*txid, 0};
  const auto [rest, error] = std::from_chars(number.data(), number.data() + number.size(), outpoint.vout);
  if (error != std::errc() || rest != number.data() + number.size()) return std::nullopt;
  return outpoint;
}

}  // namespace bitcoin
