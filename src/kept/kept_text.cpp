#include "kept/kept_text.hpp"

#include <algorithm>
#include <utility>

#include "context/calls.hpp"
#include "util/log.hpp"

namespace kept {

using lightningd::Reply;
using util::Error;
using util::Result;

KeptText::KeptText(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings,
                   journal::SealSource& seals)
    : client_(std::move(client)),
      settings_(settings),
      seals_(seals),
      pause_(settings.settle_pause),
      scope_(runtime, nullptr) {}

// --- Reading ---

void KeptText::read(Subject subject) {
  subject_ = std::move(subject);
  read();
}

void KeptText::read() {
  seals_.get([this](const Result<journal::SealSource::Seal>& seal) {
    if (!seal) return later([this] { read(); });
    list([this, seal = *seal](const Result<Records>& records) {
      if (!records) return later([this] { read(); });
      seal_ = seal;
      was_read(*records);
    });
  });
}

void KeptText::list(Reply<Records> then) {
  client_.listdatastore(subject_.key,
                        context::Calls{scope_, client_, settings_}.local<Records>("listdatastore", std::move(then)));
}

void KeptText::note_generation(const Records& records) {
  sure_ = true;
  generation_.reset();
  for (const auto& record : records) {
    if (record.key == subject_.key) generation_ = record.generation;
  }
}

void KeptText::later(util::Function<void()> again) {
  scope_.after(pause_, std::move(again));
  pause_ = std::min(2 * pause_, settings_.longest_settle_pause);
}

void KeptText::was_read(const Records& records) {
  note_generation(records);
  for (const auto& record : records) {
    if (record.key != subject_.key) continue;
    const auto text = record.text ? seal_->open(subject_.key, *record.text) : Error{-1, "no text", {}};
    const auto restored = text ? subject_.restore(*text) : Result<void>(text.error());
    if (!restored) util::warn(subject_.what, " cannot be read: ", restored.error().message);
  }
  if (changed_) changed();
}

// --- Writing ---

void KeptText::changed(Reply<void> then) {
  waiting_.push_back(std::move(then));
  changed();
}

void KeptText::changed() {
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

void KeptText::put() {
  const auto text = seal_->close(subject_.key, subject_.text());
  auto answered = context::Calls{scope_, client_, settings_}.local<std::uint64_t>(
      "datastore", [this](const Result<std::uint64_t>& generation) { written(generation); });
  if (generation_) {
    client_.datastore_replace(subject_.key, text, generation_, std::move(answered));
  } else {
    client_.datastore_create(subject_.key, text, std::move(answered));
  }
}

void KeptText::written(const Result<std::uint64_t>& generation) {
  writing_ = false;
  sure_ = generation.ok();
  if (generation) {
    generation_ = *generation;
    pause_ = settings_.settle_pause;
  } else {
    util::warn(subject_.what, " are not recorded yet: ", generation.error().message);
    changed_ = true;
    later([this] {
      if (changed_) changed();
    });
  }
  auto told = std::exchange(sent_, {});
  if (!generation) std::move(waiting_.begin(), waiting_.end(), std::back_inserter(told));
  if (!generation) waiting_.clear();
  for (auto& then : told) then(generation ? Result<void>() : Result<void>(generation.error()));
  if (generation && changed_) changed();
}

}  // namespace kept
