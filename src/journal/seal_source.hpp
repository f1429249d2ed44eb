#pragma once

#include <memory>
#include <vector>

#include "context/settings.hpp"
#include "journal/record_seal.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace journal {

/// The seal of this node's records. Its key is asked of lightningd once, before the first record is read or written,
/// and is nowhere else than in this process. Owned by the Service.
class SealSource {
 public:
  using Seal = std::shared_ptr<const RecordSeal>;

  SealSource(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings);
  SealSource(const SealSource&) = delete;
  SealSource& operator=(const SealSource&) = delete;

  /// `then` comes at once when the key is known. After an error (-1) whoever comes next asks again.
  void get(lightningd::Reply<Seal> then);

 private:
  void answered(util::Result<util::MacKey> key);

  lightningd::Client client_;
  const context::Settings& settings_;
  Seal seal_;
  std::vector<lightningd::Reply<Seal>> waiting_;  ///< for the answer that is on its way
  spark::Scope scope_;                            // last, so that it ends first
};

}  // namespace journal
