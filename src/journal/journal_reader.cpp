#include "journal/journal_reader.hpp"

#include <algorithm>
#include <utility>

#include "context/calls.hpp"
#include "journal/journal.hpp"
#include "journal/journal_format.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace journal {

using lightningd::StoredText;
using util::Error;
using util::Result;
using util::str;

namespace {

/// Then it counts as one that nobody can read, and the others are gone on with.
constexpr int most_failures = 5;

}  // namespace

util::Result<std::shared_ptr<ledger::Ledger>> open_record(const lightningd::StoredText& record,
                                                          const RecordSeal& seal) {
  if (!record.text) return util::Error{-1, "no text: not written by this node's plugin", {}};
  const auto content = seal.open(record.key, *record.text);
  if (!content) return content.error();
  auto ledger = read_ledger(*content);
  if (ledger && (*ledger)->id != record.key.back()) return util::Error{-1, "it is the record of another batch", {}};
  return ledger;
}

JournalReader::JournalReader(spark::Runtime& runtime, Owner& owner, const context::Settings& settings,
                             SealSource& seals)
    : owner_(owner), settings_(settings), seals_(seals), scope_(runtime, nullptr) {}

void JournalReader::read(lightningd::Client client) {
  if (client_) {
    once_more_ = true;
    return;
  }
  client_ = std::move(client);
  get_seal();
}

// Without the key nothing is known of a record: it is neither acted on nor called another's.
void JournalReader::get_seal() {
  seals_.get([this](const Result<SealSource::Seal>& seal) {
    if (!seal) return again_later(&JournalReader::get_seal, seal.error().message);
    seal_ = *seal;
    list();
  });
}

void JournalReader::list() {
  auto answered = [this](const Result<Records>& names) {
    if (!names) return again_later(&JournalReader::list, names.error().message);
    listed(*names);
  };
  client_->listdatastore_names(
      journal_key(), context::Calls{scope_, *client_, settings_}.local<Records>("listdatastore", std::move(answered)));
}

void JournalReader::listed(const Records& names) {
  ids_.clear();
  for (const auto& [key, generation, text] : names) {
    if (key.size() != journal_key().size() + 1 || owner_.is_taken_care_of(key.back())) continue;
    if (is_batch_id(key.back())) {
      ids_.push_back(key.back());
    } else {
      owner_.unreadable(key.back(),
                        "not written by this node's plugin: its name is no batch's id. To remove it: "
                        "deldatastore");
    }
  }
  next();
}

void JournalReader::next() {
  while (!ids_.empty()) {
    const auto id = std::move(ids_.front());
    ids_.pop_front();
    if (!owner_.is_taken_care_of(id)) return fetch(id);
  }
  failures_.clear();
  auto client = *std::exchange(client_, std::nullopt);
  owner_.journal_read();
  if (std::exchange(once_more_, false)) read(std::move(client));
}

void JournalReader::fetch(const std::string& id) {
  auto answered = [this, id](const Result<Records>& records) {
    if (!records) return not_fetched(id, records.error());
    fetched(id, *records);
  };
  client_->listdatastore(journal_key(id), context::Calls{scope_, *client_, settings_}.local<Records>(
                                              "listdatastore", std::move(answered)));
}

void JournalReader::fetched(const std::string& id, const Records& records) {
  const auto key = journal_key(id);
  const auto record = std::find_if(records.begin(), records.end(), [&key](const auto& one) { return one.key == key; });
  if (record != records.end()) {
    owner_.found(*record, seal_);
  } else if (!records.empty()) {  // else it was removed meanwhile
    owner_.unreadable(id, "no text: not written by this node's plugin");
  }
  next();
}

// The others first: its mere size may be what breaks the connection.
void JournalReader::not_fetched(const std::string& id, const Error& error) {
  if (++failures_[id] < most_failures) {
    ids_.push_back(id);
  } else {
    owner_.unreadable(id, str("lightningd does not tell it: ", error.message));
  }
  again_later(&JournalReader::next, error.message);
}

void JournalReader::again_later(void (JournalReader::*what)(), const std::string& why) {
  util::warn("cannot read the journal yet: ", why);
  scope_.after(settings_.settle_delay, [this, what] { (this->*what)(); });
}

}  // namespace journal
