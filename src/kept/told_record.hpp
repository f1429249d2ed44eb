#pragma once

#include <string>
#include <string_view>

#include "kept/kept_text.hpp"
#include "ledger/told_in_vain.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace kept {

/// As JSON text, and back. Errors (-1): not what we write.
[[nodiscard]] std::string write_told(const ledger::ToldInVain::Entries& entries);
[[nodiscard]] util::Result<ledger::ToldInVain::Entries> read_told(std::string_view text);

/// Who was told in vain, in lightningd's datastore. It only makes warnings, so no batch waits for it. Owned by the
/// Service.
class ToldRecord {
 public:
  ToldRecord(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings,
             journal::SealSource& seals);
  ToldRecord(const ToldRecord&) = delete;
  ToldRecord& operator=(const ToldRecord&) = delete;

  /// Call once. Adds what is kept to `told`, which outlives this, and keeps it from then on.
  void keep(ledger::ToldInVain& told);

 private:
  void ask_height(ledger::ToldInVain& told);

  lightningd::Client client_;
  const context::Settings& settings_;
  spark::Scope scope_;
  KeptText kept_;
};

}  // namespace kept
