#include "journal/record_seal.hpp"

#include <algorithm>
#include <optional>

#include "journal/journal_format.hpp"
#include "json/value.hpp"
#include "util/bytes.hpp"
#include "util/str.hpp"

namespace journal {

using util::Error;
using util::Result;
using util::str;

namespace {

constexpr std::string_view before = R"(,"mac":")";
constexpr std::string_view after = R"("})";
constexpr std::size_t hex_digits = 2 * std::tuple_size_v<util::Mac>;

/// Each part with its length, so that no other name and content come to the same text.
std::string sealed_text(const std::vector<std::string>& name, std::string_view content) {
  std::string text = "multifundchannel record";
  for (const auto& part : name) text += str(' ', part.size(), ':', part);
  return str(text, '\n', content);
}

struct SealedParts {
  std::string content;
  util::Mac mac;
};

std::optional<SealedParts> split_record(std::string_view record) {
  constexpr auto tail = before.size() + hex_digits + after.size();
  if (record.size() <= tail || !record.ends_with(after)) return std::nullopt;
  const auto at = record.size() - tail;
  if (record.substr(at, before.size()) != before) return std::nullopt;
  const auto bytes = util::from_hex(record.substr(at + before.size(), hex_digits));
  if (!bytes) return std::nullopt;
  SealedParts parts{str(record.substr(0, at), '}'), {}};
  std::copy(bytes->begin(), bytes->end(), parts.mac.begin());
  return parts;
}

/// By what it says of itself, which is no proof: the user is to know what to do.
Error not_ours(std::string_view record) {
  const auto document = json::Document::parse(record, "record");
  const auto version = document ? document->root().u64("version") : Result<std::uint64_t>(Error{});
  if (version && *version > format_version) {
    return Error{
        -1, str("written by a newer version of this plugin (format ", *version, ", known: ", format_version, ")"), {}};
  }
  if (version && *version < format_version) {
    return Error{-1,
                 str("not written by this node's plugin, or by a version that did not sign its records yet (format ",
                     *version, "): anybody who may write the datastore could have written it"),
                 {}};
  }
  return Error{-1, "not written by this node's plugin", {}};
}

}  // namespace

std::string RecordSeal::close(const std::vector<std::string>& name, std::string_view content) const {
  const auto mac = key_.mac(sealed_text(name, content));
  return str(content.substr(0, content.size() - 1), before, util::to_hex(mac.data(), mac.size()), after);
}

Result<std::string> RecordSeal::open(const std::vector<std::string>& name, std::string_view record) const {
  auto parts = split_record(record);
  const bool ours = parts && key_.made(parts->mac, sealed_text(name, parts->content));
  if (!ours) return not_ours(record);
  return std::move(parts->content);
}

}  // namespace journal
