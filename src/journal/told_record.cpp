#include "journal/told_record.hpp"

#include <algorithm>
#include <utility>

#include "context/calls.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace journal {

using ledger::ToldInVain;
using lightningd::DatastoreKey;
using lightningd::StoredText;
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
                       SealSource& seals)
    : client_(std::move(client)),
      settings_(settings),
      seals_(seals),
      pause_(settings.settle_pause),
      scope_(runtime, nullptr) {}

void ToldRecord::keep(ToldInVain& told) {
  told_ = &told;
  told.when_changed([this] { write(); });
  read();
}

void ToldRecord::read() {
  using Records = std::vector<StoredText>;
  seals_.get([this](const Result<SealSource::Seal>& seal) {
    if (!seal) return later([this] { read(); });
    client_.listdatastore(told_key(), context::Calls{scope_, client_, settings_}.local<Records>(
                                          "listdatastore", [this, seal = *seal](const Result<Records>& records) {
                                            if (!records) return later([this] { read(); });
                                            seal_ = seal;
                                            was_read(records);
                                          }));
  });
}

void ToldRecord::later(util::Function<void()> again) {
  scope_.after(pause_, std::move(again));
  pause_ = std::min(2 * pause_, settings_.longest_settle_pause);
}

// What another program has put there is replaced at the next change.
void ToldRecord::was_read(const Result<std::vector<StoredText>>& records) {
  for (const auto& record : *records) {
    if (record.key != told_key()) continue;
    const auto text = record.text ? seal_->open(told_key(), *record.text) : Error{-1, "no text", {}};
    const auto entries = text ? read_told(*text) : text.error();
    if (entries) {
      told_->restore(*entries);
    } else {
      util::warn("who was told in vain cannot be read: ", entries.error().message);
    }
  }
  ask_height();
  if (std::exchange(changed_, false)) write();
}

// Blocks are told from now on; the present one is not.
void ToldRecord::ask_height() {
  client_.getinfo(context::Calls{scope_, client_, settings_}.local<lightningd::NodeInfo>(
      "getinfo", [this](const Result<lightningd::NodeInfo>& info) {
        if (info) told_->set_height(info->blockheight);
      }));
}

void ToldRecord::write() {
  if (!seal_ || writing_) {
    changed_ = true;
    return;
  }
  writing_ = true;
  changed_ = false;
  const auto text = seal_->close(told_key(), write_told(told_->all()));
  client_.datastore_replace(told_key(), text, std::nullopt,
                            context::Calls{scope_, client_, settings_}.local<std::uint64_t>(
                                "datastore", [this, text](const Result<std::uint64_t>& generation) {
                                  if (!generation && generation.error().code == lightningd::code::nothing_to_replace)
                                    return create(text);
                                  written(generation);
                                }));
}

void ToldRecord::create(const std::string& text) {
  client_.datastore_create(told_key(), text,
                           context::Calls{scope_, client_, settings_}.local<std::uint64_t>(
                               "datastore", [this](const Result<std::uint64_t>& made) { written(made); }));
}

void ToldRecord::written(const Result<std::uint64_t>& generation) {
  writing_ = false;
  if (!generation) {
    util::warn("who was told in vain is not recorded yet: ", generation.error().message);
    return later([this] { write(); });
  }
  pause_ = settings_.settle_pause;
  if (std::exchange(changed_, false)) write();
}

}  // namespace journal
