#include "multifundchannel/journal.hpp"

#include <utility>

#include "funding/journal_format.hpp"
#include "multifundchannel/local_call.hpp"
#include "util/bytes.hpp"
#include "util/mutation.hpp"

namespace multifundchannel {

using lightningd::Reply;
using util::Error;
using util::Result;

namespace {

/// lightningd's "no such key" of deldatastore.
constexpr int no_such_key = 1200;

/// lightningd v26.06.6 was seen to die of a text of 5 MB, and to take one of 4 MB.
constexpr std::size_t longest_record = 3'000'000;

Error unsafe(const Error& cause) {
  return Error{cause.code,
               util::str("the batch can not be recorded in lightningd's datastore, so that a crash would lose it: ",
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

Journal::Journal(lightningd::Client client, const Settings& settings, std::string batch, Seal seal)
    : client_(std::move(client)), settings_(settings), batch_(std::move(batch)), seal_(std::move(seal)) {}

Journal::Journal(Journal&& fresh, std::uint64_t generation) : Journal(std::move(fresh)) {
  state_->exists = true;
  state_->generation = generation;
}

void Journal::save(spark::Scope& scope, const funding::Ledger& ledger, Reply<void> then) {
  auto saved = local_call<std::uint64_t>(scope, settings_, "datastore",
                                         [then = std::move(then)](const Result<std::uint64_t>& answer) mutable {
                                           then(answer ? Result<void>() : Result<void>(unsafe(answer.error())));
                                         });
  const auto text = seal_->close(journal_key(batch_), funding::write_ledger(ledger));
  if (text.size() > longest_record) {
    saved(Error{-1, util::str("the record would have ", text.size(), " bytes, more than ", longest_record), {}});
    return;
  }
  const bool exists = std::exchange(state_->exists, true);
  const bool completes = ledger.phase == funding::BatchPhase::sending;
  state_->may_be_completed = state_->may_be_completed || completes;
  auto noted = [state = state_, exists, completes, saved = std::move(saved)](Result<std::uint64_t> answer) mutable {
    if (answer) {
      state->generation = *answer;
      state->may_be_completed = completes;
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
  if (!state_->exists || util::mutated("keeps-the-record")) {
    scope.runtime().post(scope.guard<>("no record", [then = std::move(then)]() mutable { then({}); }));
    return;
  }
  client_.deldatastore(journal_key(batch_),
                       local_call<void>(scope, settings_, "deldatastore",
                                        [state = state_, then = std::move(then)](const Result<void>& answer) mutable {
                                          if (!answer && answer.error().code != no_such_key) return then(answer);
                                          state->exists = false;
                                          then({});
                                        }));
}

}  // namespace multifundchannel
