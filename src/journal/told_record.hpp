#pragma once

#include <string>
#include <string_view>

#include "journal/seal_source.hpp"
#include "ledger/told_in_vain.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace journal {

/// As JSON text, and back. Errors (-1): not what we write.
[[nodiscard]] std::string write_told(const ledger::ToldInVain::Entries& entries);
[[nodiscard]] util::Result<ledger::ToldInVain::Entries> read_told(std::string_view text);

/// Who was told in vain, in lightningd's datastore: read at the start, and written after each change. It only makes
/// warnings, so no batch waits for it. Owned by the Service.
class ToldRecord {
 public:
  ToldRecord(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings, SealSource& seals);
  ToldRecord(const ToldRecord&) = delete;
  ToldRecord& operator=(const ToldRecord&) = delete;

  /// Call once. Adds what is kept to `told`, which outlives this, and keeps it from then on.
  void keep(ledger::ToldInVain& told);

 private:
  void read();
  void was_read(const util::Result<std::vector<lightningd::StoredText>>& records);
  void later(util::Function<void()> again);
  void ask_height();
  void write();
  void create(const std::string& text);
  void written(const util::Result<std::uint64_t>& generation);

  lightningd::Client client_;
  const context::Settings& settings_;
  SealSource& seals_;
  SealSource::Seal seal_;  ///< from the time on when it was read
  spark::Duration pause_;  ///< before something is tried again
  ledger::ToldInVain* told_ = nullptr;
  bool writing_ = false;
  bool changed_ = false;  ///< since it was written
  spark::Scope scope_;    // last, so that it ends first
};

}  // namespace journal
