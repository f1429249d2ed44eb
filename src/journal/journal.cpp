#include "journal/journal.hpp"

#include <utility>

#include "context/calls.hpp"
#include "journal/journal_format.hpp"
#include "lightningd/codes.hpp"
#include "util/bytes.hpp"
#include "util/str.hpp"

namespace journal {

namespace code = lightningd::code;
using lightningd::Reply;
using util::Error;
using util::Result;

namespace {

/// lightningd v26.06.6 was seen to die of a text of 5 MB, and to take one of 4 MB.
constexpr std::size_t longest_record = 3'000'000;

Error unsafe(const Error& cause) {
  return Error{cause.code,
               util::str("the batch cannot be recorded in lightningd's datastore, so that a crash would lose it: ",
                         cause.message),
               cause.data};
}

}  // namespace

lightningd::DatastoreKey journal_key() { return {"multifundchannel", "batch"}; }

lightningd::DatastoreKey journal_key(const std::string& batch) {
  auto key = journal_key();
  key.push_back(batch);
  return key;
}

bool is_batch_id(std::string_view text) {
  const auto bytes = util::from_hex(text);
  return bytes && bytes->size() == 16;
}

std::string brief(const std::string& id) {
  constexpr std::size_t longest = 40;
  if (id.size() <= longest) return id;
  auto end = longest;
  while (end > 0 && (static_cast<unsigned char>(id[end]) & 0xC0) == 0x80) --end;  // within a character
  return id.substr(0, end) + "...";
}

Journal::Journal(lightningd::Client client, const context::Settings& settings, std::string batch, Seal seal)
    : client_(std::move(client)), settings_(settings), batch_(std::move(batch)), seal_(std::move(seal)) {}

Journal::Journal(Journal&& fresh, std::uint64_t generation, ledger::BatchPhase phase) : Journal(std::move(fresh)) {
  state_->exists = true;
  state_->generation = generation;
  state_->may_be_completed = state_->surely_completes = phase == ledger::BatchPhase::sending;
}

void Journal::save(spark::Scope& scope, const ledger::Ledger& ledger, Reply<void> then) {
  auto saved = context::Calls{scope, client_, settings_}.local<std::uint64_t>(
      "datastore", [then = std::move(then)](const Result<std::uint64_t>& answer) mutable {
        then(answer ? Result<void>() : Result<void>(unsafe(answer.error())));
      });
  const auto text = seal_->close(journal_key(batch_), write_ledger(ledger));
  if (text.size() > longest_record) {
    saved(Error{-1, util::str("the record would have ", text.size(), " bytes, more than ", longest_record), {}});
    return;
  }
  const bool exists = std::exchange(state_->exists, true);
  const bool completes = ledger.phase == ledger::BatchPhase::sending;
  state_->may_be_completed = state_->may_be_completed || completes;
  state_->surely_completes = false;
  auto noted = [state = state_, number = ++state_->saves, exists, completes,
                saved = std::move(saved)](Result<std::uint64_t> answer) mutable {
    if (answer && state->generation > *answer) {
      // lightningd answers out of order: a later write has its answer, and is what the record says.
    } else if (answer) {
      state->generation = *answer;
      const bool last = number == state->saves;  // else the record may say already what was sent since
      state->may_be_completed = completes || (!last && state->may_be_completed);
      state->surely_completes = completes && last;
    } else if (exists && answer.error().code == code::nothing_to_replace) {
      // Deleted by another program: what it said is gone with it, and the next one creates it.
      state->exists = false;
      state->deleted = true;
      state->may_be_completed = false;
    } else if (!exists && state->deleted && answer.error().code == code::key_is_there) {
      state->exists = true;  // an older one was put back: the next one replaces it
    } else if (!exists) {
      state->in_doubt = lightningd::in_doubt(answer.error());
      state->exists = state->in_doubt;
    }
    saved(std::move(answer));
  };
  const auto generation = std::exchange(state_->generation, std::nullopt);
  if (exists) {
    client_.datastore_replace(journal_key(batch_), text, generation, std::move(noted));
  } else {
    client_.datastore_create(journal_key(batch_), text, std::move(noted));
  }
}

void Journal::remove(spark::Scope& scope, Reply<void> then) {
  if (!state_->first) return remove_record(scope, std::move(then));
  state_->first(scope.guard<Result<void>>("before the record is removed",
                                          [this, &scope, then = std::move(then)](const Result<void>& done) mutable {
                                            if (!done) return then(done);
                                            remove_record(scope, std::move(then));
                                          }));
}

void Journal::remove_record(spark::Scope& scope, Reply<void> then) {
  if (!state_->exists && !state_->deleted) {
    scope.runtime().post(scope.guard<>("no record", [then = std::move(then)]() mutable { then({}); }));
    return;
  }
  client_.deldatastore(
      journal_key(batch_),
      context::Calls{scope, client_, settings_}.local<void>(
          "deldatastore", [state = state_, then = std::move(then)](const Result<void>& answer) mutable {
            if (!answer && answer.error().code != code::no_such_key) return then(answer);
            state->exists = false;
            then({});
          }));
}

}  // namespace journal
