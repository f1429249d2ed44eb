#include "labels/labels.hpp"

#include <algorithm>
#include <utility>

#include "context/calls.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace labels {

using lightningd::DatastoreKey;
using lightningd::Reply;
using lightningd::StoredText;
using request::UserLabel;
using util::Error;
using util::Result;

namespace {

constexpr std::size_t most = 100;
/// Of all answers together: lightningd v26.06.6 was seen to die of a text of 5 MB in the datastore.
constexpr std::size_t most_bytes = 2'000'000;

/// Beside the batches' records.
const DatastoreKey& labels_key() {
  static const DatastoreKey key{"multifundchannel", "labels"};
  return key;
}

Result<Holder> read_holder(const json::Value& value) {
  const auto label = value.string("label");
  const auto digest = value.string("digest");
  const auto batch = value.string("batch");
  const auto result = value.string("result");
  for (const auto* member : {&label, &digest, &batch, &result}) {
    if (!*member) return member->error();
  }
  return Holder{UserLabel{std::string(*label), std::string(*digest)}, std::string(*batch), std::string(*result)};
}

}  // namespace

std::string write_labels(const std::deque<Holder>& holders) {
  json::Writer out;
  out.object().key("labels").array();
  for (const auto& holder : holders) {
    if (!holder.result) continue;
    out.object().field("label", holder.label.text).field("digest", holder.label.digest);
    out.field("batch", holder.batch).field("result", *holder.result).end();
  }
  return out.end().end().take();
}

Result<std::deque<Holder>> read_labels(std::string_view text) {
  const auto document = json::Document::parse(text, "labels");
  if (!document) return document.error();
  const auto list = document->root().field("labels");
  if (!list) return list.error();
  std::deque<Holder> holders;
  for (const auto& value : list->elements()) {
    auto holder = read_holder(value);
    if (!holder) return holder.error();
    holders.push_back(std::move(*holder));
  }
  return holders;
}

Labels::Labels(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings,
               journal::SealSource& seals)
    : client_(std::move(client)),
      settings_(settings),
      seals_(seals),
      pause_(settings.settle_pause),
      scope_(runtime, nullptr) {}

// --- Reading ---

void Labels::read() {
  seals_.get([this](const Result<journal::SealSource::Seal>& seal) {
    if (!seal) return later([this] { read(); });
    list([this, seal = *seal](const Result<Records>& records) {
      if (!records) return later([this] { read(); });
      seal_ = seal;
      was_read(*records);
    });
  });
}

void Labels::list(Reply<Records> then) {
  client_.listdatastore(labels_key(),
                        context::Calls{scope_, client_, settings_}.local<Records>("listdatastore", std::move(then)));
}

void Labels::note_generation(const Records& records) {
  sure_ = true;
  generation_.reset();
  for (const auto& record : records) {
    if (record.key == labels_key()) generation_ = record.generation;
  }
}

void Labels::later(util::Function<void()> again) {
  scope_.after(pause_, std::move(again));
  pause_ = std::min(2 * pause_, settings_.longest_settle_pause);
}

// What another program has put there is replaced at the next change.
void Labels::was_read(const Records& records) {
  note_generation(records);
  for (const auto& record : records) {
    if (record.key != labels_key()) continue;
    const auto text = record.text ? seal_->open(labels_key(), *record.text) : Error{-1, "no text", {}};
    auto kept = text ? read_labels(*text) : text.error();
    if (!kept) util::warn("the labels of batches that have opened cannot be read: ", kept.error().message);
    if (kept) restore(std::move(*kept));
  }
  if (changed_) write();
}

void Labels::restore(std::deque<Holder> kept) {
  for (const auto& now : holders_) {
    std::erase_if(kept, [&now](const Holder& holder) { return now.result && holder.batch == now.batch; });
  }
  for (const auto& holder : kept) {
    std::erase_if(holders_, [&holder](const Holder& now) { return now.batch == holder.batch; });
  }
  holders_.insert(holders_.begin(), std::make_move_iterator(kept.begin()), std::make_move_iterator(kept.end()));
}

// --- Who has which ---

void Labels::begin(const std::string& batch, const UserLabel& label) {
  if (of_batch(batch) == nullptr) holders_.push_back({label, batch, {}});
}

void Labels::free(const std::string& batch) {
  const auto* const holder = of_batch(batch);
  if (holder == nullptr) return;
  const bool on_disk = holder->result.has_value();
  std::erase_if(holders_, [&batch](const Holder& one) { return one.batch == batch; });
  if (on_disk) write();
}

void Labels::keep(const std::string& batch, const std::string& result, Reply<void> then) {
  const auto found =
      std::find_if(holders_.begin(), holders_.end(), [&batch](const Holder& holder) { return holder.batch == batch; });
  if (found != holders_.end() && !found->result) {
    found->result = result;
    drop_oldest();
  }
  waiting_.push_back(std::move(then));
  write();
}

// The last one stays, if need be without its answer.
void Labels::drop_oldest() {
  std::size_t count = 0, bytes = 0;
  for (auto holder = holders_.rbegin(); holder != holders_.rend(); ++holder) {
    if (!holder->result) continue;
    ++count;
    bytes += holder->result->size();
    if (count == 1 && bytes > most_bytes) bytes = (holder->result = "")->size();
    if (count > 1 && (count > most || bytes > most_bytes)) holder->batch.clear();
  }
  std::erase_if(holders_, [](const Holder& holder) { return holder.batch.empty(); });
}

const Holder* Labels::holder(std::string_view label) const {
  const Holder* found = nullptr;
  for (const auto& holder : holders_) {
    if (holder.label.text == label && (found == nullptr || !found->result)) found = &holder;
  }
  return found;
}

const Holder* Labels::of_batch(std::string_view batch) const {
  const auto found =
      std::find_if(holders_.begin(), holders_.end(), [batch](const Holder& holder) { return holder.batch == batch; });
  return found == holders_.end() ? nullptr : &*found;
}

// --- Writing ---

void Labels::write() {
  changed_ = true;
  if (!seal_ || writing_) return;
  writing_ = true;
  changed_ = false;
  sent_ = std::exchange(waiting_, {});
  if (sure_) return put();
  list([this](const Result<Records>& records) {
    if (!records) return written(records.error());
    note_generation(*records);
    put();
  });
}

// A write without an answer may be carried out late. It must not replace a newer one: so each names what it replaces.
void Labels::put() {
  const auto text = seal_->close(labels_key(), write_labels(holders_));
  auto answered = context::Calls{scope_, client_, settings_}.local<std::uint64_t>(
      "datastore", [this](const Result<std::uint64_t>& generation) { written(generation); });
  if (generation_) {
    client_.datastore_replace(labels_key(), text, generation_, std::move(answered));
  } else {
    client_.datastore_create(labels_key(), text, std::move(answered));
  }
}

void Labels::written(const Result<std::uint64_t>& generation) {
  writing_ = false;
  sure_ = generation.ok();
  if (generation) {
    generation_ = *generation;
  } else {
    util::warn("the labels of batches that have opened are not recorded yet: ", generation.error().message);
    changed_ = true;
    later([this] {
      if (changed_) write();
    });
  }
  for (auto& then : std::exchange(sent_, {})) then(generation ? Result<void>() : Result<void>(generation.error()));
  if (generation && changed_) write();
}

}  // namespace labels
