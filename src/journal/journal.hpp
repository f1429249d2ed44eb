#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "context/settings.hpp"
#include "journal/record_seal.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace journal {

/// Where all records are: one child of this key for each batch.
[[nodiscard]] lightningd::DatastoreKey journal_key();
[[nodiscard]] lightningd::DatastoreKey journal_key(const std::string& batch);
/// 32 hex digits.
[[nodiscard]] bool is_batch_id(std::string_view text);
/// To show what another program may have written in its place: cut when it is longer.
[[nodiscard]] std::string brief(const std::string& id);

/// One batch's record in lightningd's datastore. A reply of the datastore means that the record is on
/// disk: whoever is about to do something with effects saves first and goes on in `then`. Shared by the
/// batch, its undo and its settlement, each of which uses it from its own scope.
class Journal {
 public:
  using Seal = std::shared_ptr<const RecordSeal>;

  Journal(lightningd::Client client, const context::Settings& settings, std::string batch, Seal seal);
  /// For a record that was found, in this phase.
  Journal(Journal&& fresh, std::uint64_t generation, ledger::BatchPhase phase);
  Journal(Journal&&) = default;

  /// Writes the ledger as it is now. After an error the record is as it was before, or as it should be.
  void save(spark::Scope& scope, const ledger::Ledger& ledger, lightningd::Reply<void> then);
  /// `what` comes before the record is removed, each time; after an error it stays.
  void before_removal(std::function<void(lightningd::Reply<void>)> what) { state_->first = std::move(what); }
  /// Removes the record; a record that is not there is no error.
  void remove(spark::Scope& scope, lightningd::Reply<void> then);

  /// Whether lightningd never said if it created the record: it may still do so.
  [[nodiscard]] bool in_doubt() const { return state_->in_doubt; }
  /// Whether the record may say that the transaction is ready to be sent: a crash then completes the batch.
  [[nodiscard]] bool may_be_completed() const { return state_->may_be_completed; }
  /// Whether the record surely says so: the last save has its answer.
  [[nodiscard]] bool surely_completes() const { return state_->surely_completes; }

 private:
  /// What replies that nobody waits for any more still update.
  struct State {
    bool exists = false;                      ///< a record was sent, or found
    std::optional<std::uint64_t> generation;  ///< when it is known
    bool deleted = false;                     ///< another program did that once, and may have put it back
    bool in_doubt = false;
    bool may_be_completed = false;
    bool surely_completes = false;
    std::uint64_t saves = 0;                             ///< that were sent
    std::function<void(lightningd::Reply<void>)> first;  ///< before the record is removed; may be empty
  };

  void remove_record(spark::Scope& scope, lightningd::Reply<void> then);

  lightningd::Client client_;
  context::Settings settings_;
  std::string batch_;
  Seal seal_;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// A batch's ledger, and where it is kept.
struct Kept {
  std::shared_ptr<ledger::Ledger> ledger;
  std::shared_ptr<Journal> journal;
};

}  // namespace journal
