#include "lightningd/fields.hpp"

#include <charconv>

#include "lightningd/codes.hpp"
#include "util/str.hpp"

namespace lightningd {
namespace {

std::optional<std::uint64_t> parse_msat(std::string_view text) {
  constexpr std::string_view unit = "msat";
  if (!text.ends_with(unit)) return std::nullopt;
  text.remove_suffix(unit.size());
  std::uint64_t amount = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), amount);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  return amount;
}

}  // namespace

Fields::Fields(const json::Value& object) : object_(object) {
  if (!object.is_object()) {
    error_ = util::Error{code::generic, util::str(object.path(), ": expected an object, got ", object.excerpt()), {}};
  }
}

std::string Fields::text(std::string_view name) { return std::string(value(object_.string(name))); }

bool Fields::boolean(std::string_view name) { return value(object_.boolean(name)); }

std::uint64_t Fields::u64(std::string_view name) { return value(object_.u64(name)); }

std::uint32_t Fields::u32(std::string_view name) {
  const auto member = object_.field(name);
  return member.ok() ? value(member->u32()) : value(util::Result<std::uint32_t>(member.error()));
}

util::Bytes Fields::bytes(std::string_view name) {
  auto parsed = util::from_hex(text(name));
  if (!parsed) wrong(name, "hex");
  return std::move(parsed).value_or(util::Bytes());
}

bitcoin::Msat Fields::msat(std::string_view name) {
  const auto member = object_.find(name);
  if (!member || !member->is_string()) return {u64(name)};
  const auto amount = parse_msat(*member->string());
  if (!amount) wrong(name, "an amount in msat");
  return {amount.value_or(0)};
}

bitcoin::Sat Fields::sat(std::string_view name) {
  const auto amount = msat(name);
  if (amount.value % 1000 != 0) wrong(name, "a whole number of satoshi");
  return {amount.value / 1000};
}

/// What was read; on an error an empty value, and the first error is kept.
template <class T>
T Fields::value(util::Result<T> read) {
  if (read.ok()) return std::move(*read);
  if (!error_) error_ = std::move(read.error());
  return T();
}

void Fields::wrong(std::string_view name, std::string_view expected) {
  if (error_) return;
  const auto member = object_.find(name);
  const auto got = member ? member->excerpt() : std::string("nothing");
  error_ = util::Error{code::generic, util::str(object_.path(), '.', name, ": expected ", expected, ", got ", got), {}};
}

}  // namespace lightningd
