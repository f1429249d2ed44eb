// What comes back from lightningd's datastore, where others may write as well.

#include <algorithm>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "bumps/bumps.hpp"
#include "fuzz/session.hpp"
#include "fuzz/targets.hpp"
#include "journal/journal.hpp"
#include "journal/journal_format.hpp"
#include "journal/record_seal.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "kept/told_record.hpp"
#include "labels/labels.hpp"
#include "util/str.hpp"

namespace fuzz {

namespace {

using Name = std::vector<std::string>;

/// Of our key.
constexpr char our_digit = '7';

/// Every kind of record: its name in the datastore, and what it is written as once it is read. Nothing when it is none.
struct Kind {
  Name name;
  util::Result<std::string> (*again)(std::string_view text);
};

/// Reads it, and writes what was read.
template <auto reader, auto writer>
util::Result<std::string> again(std::string_view text) {
  const auto read = reader(text);
  if (!read) return read.error();
  return writer(*read);
}

std::string write_shared(const std::shared_ptr<ledger::Ledger>& ledger) { return journal::write_ledger(*ledger); }

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {{"multifundchannel", "batch", std::string(32, 'a')}, again<journal::read_ledger, write_shared>},
      {{"multifundchannel", "bumps"}, again<bumps::read_bumps, bumps::write_bumps>},
      {{"multifundchannel", "labels"}, again<labels::read_labels, labels::write_labels>},
      {{"multifundchannel", "told_in_vain"}, again<kept::read_told, kept::write_told>},
  };
  return all;
}

journal::RecordSeal seal_of(char digit) { return journal::RecordSeal(*util::MacKey::from_hex(std::string(64, digit))); }

const journal::RecordSeal& ours() {
  static const auto seal = seal_of(our_digit);
  return seal;
}

/// What is written of what was read is read as the same. True when it can be read.
bool check_read(const Kind& kind, std::string_view text) {
  const auto once = kind.again(text);
  if (!once) {
    require(!once.error().message.empty(), "a record that cannot be read says why");
    return false;
  }
  const auto twice = kind.again(*once);
  require(twice.ok(), "a record that is written can be read");
  require(*twice == *once, "a record that is read again is written as the same");
  return true;
}

/// For choices that look random and follow from the bytes.
std::size_t sum_of(std::string_view bytes) { return std::accumulate(bytes.begin(), bytes.end(), std::size_t{0}); }

/// Somebody has changed one byte.
std::string changed(std::string record) {
  auto& byte = record[sum_of(record) % record.size()];
  byte = static_cast<char>(byte ^ 1);
  return record;
}

/// The bytes as the content of a record that this plugin has sealed: what is beyond the seal reads them.
void check_sealed(const Kind& kind, std::string_view content) {
  static const auto others = seal_of('8');
  const auto record = ours().close(kind.name, content);
  const auto opened = ours().open(kind.name, record);
  require(opened.ok() && *opened == content, "our own seal opens, and what it kept is the same");
  (void)check_read(kind, *opened);

  auto other_name = kind.name;
  other_name.back() += 'x';
  require(!ours().open(other_name, record), "a record is not another's");
  require(!others.open(kind.name, record), "a record of another node is not ours");
  require(!ours().open(kind.name, changed(record)), "a record that was changed is not ours");
  require(!ours().open(kind.name, record.substr(0, record.size() - 1)), "a record that was cut is not ours");
}

/// Calls that change nothing.
bool only_looks(const std::string& method) {
  static const std::set<std::string, std::less<>> all{
      "check",     "feerates",         "getchaininfo", "getinfo",       "getlog",    "getutxout",
      "help",      "listaddresses",    "listconfigs",  "listdatastore", "listfunds", "listpeerchannels",
      "listpeers", "listtransactions", "makesecret",   "parsefeerate"};
  return all.contains(method);
}

/// A batch's record is under the id that it has within.
Name name_of(const Kind& kind, std::string_view content) {
  auto name = kind.name;
  const auto document = json::Document::parse(content, "record");
  const auto id = document ? document->root().string("batch") : util::Result<std::string_view>(util::Error{});
  if (id && name.size() == 3 && journal::is_batch_id(*id)) name.back() = *id;
  return name;
}

/// The record of the kind that the call asks for, as listdatastore shows it.
std::string stored(const jsonrpc::Message& call, std::string_view content) {
  json::Writer out;
  out.object().key("datastore").array();
  const auto asked = call.params().find("key");
  const auto parts = asked ? asked->elements() : std::vector<json::Value>();
  for (const auto& kind : kinds()) {
    const bool is_asked = parts.size() > 1 && parts[1].string() && *parts[1].string() == kind.name[1];
    if (!is_asked) continue;
    out.object().key("key").array();
    const auto name = name_of(kind, content);
    for (const auto& part : name) out.value(part);
    out.end().field("generation", 3).field("string", ours().close(name, content)).end();
  }
  return out.end().end().take();
}

std::string answer_to(const jsonrpc::Message& call, std::string_view content) {
  const auto result = [](std::string_view json) {
    return util::str(R"(r {"jsonrpc":"2.0","id":$,"result":)", json, '}');
  };
  if (call.method() == "makesecret") return result(R"({"secret":")" + std::string(64, our_digit) + R"("})");
  if (call.method() == "listdatastore") return result(stored(call, content));
  return R"(r {"jsonrpc":"2.0","id":$,"error":{"code":-1,"message":"no"}})";
}

/// The plugin finds it when it starts, under each name, with its own seal. Of what it cannot read it says so, and that
/// is all.
void check_start(std::string_view content) {
  const bool readable =
      std::any_of(kinds().begin(), kinds().end(), [content](const auto& kind) { return kind.again(content).ok(); });
  Session session;
  session.play("t 1");
  for (int waits = 0, calls = 0; waits < 12 && calls < 100;) {
    if (const auto* call = session.oldest_call()) {
      require(readable || only_looks(call->method()), "nothing is done by a record that cannot be read");
      session.play(answer_to(*call, content));
      ++calls;
    } else {
      session.play("t 30");
      ++waits;
    }
  }
}

}  // namespace

void records(std::string_view bytes) {
  const bool is_content = bytes.size() > 2 && bytes.ends_with('}');
  for (const auto& kind : kinds()) {
    (void)check_read(kind, bytes);
    require(!ours().open(kind.name, bytes), "nobody else makes our seal");
    if (is_content) check_sealed(kind, bytes);
  }
  // The whole plugin takes a thousand times as long: one in sixteen.
  if (is_content && sum_of(bytes) % 16 == 0) check_start(bytes);
}

}  // namespace fuzz
