#include "labels/labels.hpp"

#include <algorithm>
#include <utility>

#include "json/value.hpp"
#include "json/writer.hpp"

namespace labels {

using lightningd::DatastoreKey;
using lightningd::Reply;
using request::UserLabel;
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
  const auto waits = value.boolean("waits");
  return Holder{UserLabel{std::string(*label), std::string(*digest)}, std::string(*batch), std::string(*result),
                waits && *waits};
}

}  // namespace

std::string write_labels(const std::deque<Holder>& holders) {
  json::Writer out;
  out.object().key("labels").array();
  for (const auto& holder : holders) {
    if (!holder.result) continue;
    out.object().field("label", holder.label.text).field("digest", holder.label.digest);
    out.field("batch", holder.batch).field("result", *holder.result);
    if (holder.waits) out.field("waits", true);
    out.end();
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

// The answer of one with a record may be the PSBT to sign, so those of batches that have opened are cleared first; that
// of the last batch goes last.
void fit(std::deque<Holder>& holders, const std::function<bool(const std::string& batch)>& has_record) {
  std::vector<Holder*> opened, others;
  const Holder* last = nullptr;
  std::size_t count = 0, bytes = 0;
  for (auto& holder : holders) {
    if (!holder.result) continue;
    count += holder.waits ? 0 : 1;
    bytes += holder.result->size();
    (has_record(holder.batch) ? others : opened).push_back(&holder);
    last = &holder;
  }
  const auto dropped = std::min(count > most ? count - most : 0, opened.size());
  for (std::size_t i = 0; i < dropped; ++i) {
    bytes -= std::exchange(*opened[i]->result, "").size();
    opened[i]->batch.clear();
  }
  opened.insert(opened.end(), others.begin(), others.end());
  std::stable_partition(opened.begin(), opened.end(), [last](const Holder* holder) { return holder != last; });
  for (auto* const holder : opened) {
    if (bytes > most_bytes) bytes -= std::exchange(*holder->result, "").size();
  }
  std::erase_if(holders, [](const Holder& holder) { return holder.batch.empty(); });
}

Labels::Labels(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings,
               journal::SealSource& seals)
    : kept_(runtime, std::move(client), settings, seals) {}

void Labels::read(std::function<bool(const std::string& batch)> has_record) {
  has_record_ = std::move(has_record);
  auto restore_text = [this](std::string_view text) {
    auto kept = read_labels(text);
    if (!kept) return Result<void>(kept.error());
    restore(std::move(*kept));
    return Result<void>();
  };
  kept_.read({labels_key(), "the labels of batches that have opened", std::move(restore_text),
              [this] { return write_labels(holders_); }});
}

void Labels::restore(std::deque<Holder> kept) {
  std::erase_if(kept, [this](const Holder& holder) { return taken_back_.contains(holder.batch); });
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
  if (find(batch) == nullptr) holders_.push_back({label, batch, {}});
}

void Labels::free(const std::string& batch) {
  if (find(batch) == nullptr) return;
  take_back(batch, [](const Result<void>&) {});
  std::erase_if(holders_, [&batch](const Holder& one) { return one.batch == batch; });
}

void Labels::free_orphans() {
  std::vector<std::string> orphans;
  for (const auto& holder : holders_) {
    if (holder.waits && !has_record_(holder.batch)) orphans.push_back(holder.batch);
  }
  for (const auto& batch : orphans) free(batch);
}

void Labels::keep(const std::string& batch, const std::string& result, bool waits, Reply<void> then) {
  if (auto* const holder = find(batch)) {
    holder->result = result;
    holder->waits = waits;
    taken_back_.erase(batch);
    fit(holders_, has_record_);
  }
  kept_.changed(std::move(then));
}

// As long as the record was not read, it may have an answer that nobody knows of.
void Labels::take_back(const std::string& batch, Reply<void> then) {
  auto* const holder = find(batch);
  if (holder != nullptr && (holder->result || !known())) {
    holder->result.reset();
    taken_back_.insert(batch);
  }
  if (!taken_back_.contains(batch)) return then({});
  kept_.changed([this, batch, then = std::move(then)](const Result<void>& written) mutable {
    if (written) taken_back_.erase(batch);
    then(written);
  });
}

const Holder* Labels::holder(std::string_view label) const {
  const Holder* found = nullptr;
  for (const auto& holder : holders_) {
    const bool before = found != nullptr && found->result && !found->waits;
    if (holder.label.text == label && !before) found = &holder;
  }
  return found;
}

const Holder* Labels::of_batch(std::string_view batch) const {
  const auto found =
      std::find_if(holders_.begin(), holders_.end(), [batch](const Holder& holder) { return holder.batch == batch; });
  return found == holders_.end() ? nullptr : &*found;
}

Holder* Labels::find(std::string_view batch) { return const_cast<Holder*>(of_batch(batch)); }

}  // namespace labels
