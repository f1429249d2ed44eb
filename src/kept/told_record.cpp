#include "kept/told_record.hpp"

#include <utility>

#include "context/calls.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "util/str.hpp"

namespace kept {

using ledger::ToldInVain;
using lightningd::DatastoreKey;
using util::Error;
using util::Result;
using util::str;

namespace {

/// Beside the batches' records.
const DatastoreKey& told_key() {
  static const DatastoreKey key{"multifundchannel", "told_in_vain"};
  return key;
}

Result<std::pair<lightningd::NodeId, ToldInVain::Entry>> read_entry(const json::Value& value) {
  const auto id = value.string("id");
  const auto channel = value.string("channel");
  const auto height = value.u64("height");
  if (!id) return id.error();
  if (!channel) return channel.error();
  if (!height) return height.error();
  const auto peer = lightningd::NodeId::from_hex(*id);
  const auto outpoint = bitcoin::Outpoint::parse(*channel);
  if (!peer || !outpoint || *height > INT32_MAX) return Error{-1, str(value.path(), ": no entry of ours"), {}};
  return std::pair{*peer, ToldInVain::Entry{*outpoint, static_cast<std::uint32_t>(*height)}};
}

}  // namespace

std::string write_told(const ToldInVain::Entries& entries) {
  json::Writer out;
  out.object().key("told_in_vain").array();
  for (const auto& [peer, entry] : entries) {
    out.object().field("id", peer.hex()).field("channel", entry.channel.str()).field("height", entry.height).end();
  }
  return out.end().end().take();
}

Result<ToldInVain::Entries> read_told(std::string_view text) {
  const auto document = json::Document::parse(text, "told_in_vain");
  if (!document) return document.error();
  const auto list = document->root().field("told_in_vain");
  if (!list) return list.error();
  ToldInVain::Entries entries;
  for (const auto& value : list->elements()) {
    auto entry = read_entry(value);
    if (!entry) return entry.error();
    entries.insert(*entry);
  }
  return entries;
}

ToldRecord::ToldRecord(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings,
                       journal::SealSource& seals)
    : client_(client),
      settings_(settings),
      scope_(runtime, nullptr),
      kept_(runtime, std::move(client), settings, seals) {}

void ToldRecord::keep(ToldInVain& told) {
  told.when_changed([this] { kept_.changed(); });
  auto restore = [&told](std::string_view text) {
    const auto entries = read_told(text);
    if (!entries) return Result<void>(entries.error());
    told.restore(*entries);
    return Result<void>();
  };
  kept_.read(
      {told_key(), "the peers that were told in vain", std::move(restore), [&told] { return write_told(told.all()); }});
  ask_height(told);
}

// Blocks are told from now on; the present one is not.
void ToldRecord::ask_height(ToldInVain& told) {
  auto answered = [&told](const Result<lightningd::NodeInfo>& info) {
    if (info) told.set_height(info->blockheight);
  };
  client_.getinfo(
      context::Calls{scope_, client_, settings_}.local<lightningd::NodeInfo>("getinfo", std::move(answered)));
}

}  // namespace kept
