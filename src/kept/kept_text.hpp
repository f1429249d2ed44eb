#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "journal/seal_source.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace kept {

/// One text in lightningd's datastore, with the seal of this node's plugin: read once at the start, and written after
/// each change. A write names the record that it replaces, so that one which is carried out late never replaces a newer
/// one. Its owner outlives it.
class KeptText {
 public:
  struct Subject {
    lightningd::DatastoreKey key;
    const char* what;  ///< in warnings: the plural subject of "cannot be read"
    /// The text that was kept. Errors: not what we write.
    std::function<util::Result<void>(std::string_view text)> restore;
    /// The text to keep now.
    std::function<std::string()> text;
  };

  KeptText(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings,
           journal::SealSource& seals);
  KeptText(const KeptText&) = delete;
  KeptText& operator=(const KeptText&) = delete;

  /// Call once. Tries until it has read the record; what another program has put there is replaced at the next change.
  void read(Subject subject);
  /// Whether it has.
  [[nodiscard]] bool known() const { return seal_ != nullptr; }
  /// The text is another one now.
  void changed();
  /// The same. `then` comes, from the ready queue or a reply, when that is on disk; an error says why it is not yet.
  void changed(lightningd::Reply<void> then);

 private:
  using Records = std::vector<lightningd::StoredText>;

  void read();
  void list(lightningd::Reply<Records> then);
  void was_read(const Records& records);
  void note_generation(const Records& records);
  void later(util::Function<void()> again);
  void put();
  void written(const util::Result<std::uint64_t>& generation);

  lightningd::Client client_;
  const context::Settings& settings_;
  journal::SealSource& seals_;
  Subject subject_;
  journal::SealSource::Seal seal_;                ///< from the time on when it was read
  spark::Duration pause_;                         ///< before something is tried again
  std::optional<std::uint64_t> generation_;       ///< of the record; nothing when there is none
  bool sure_ = false;                             ///< of that: no write is in doubt
  std::vector<lightningd::Reply<void>> waiting_;  ///< for the next write
  std::vector<lightningd::Reply<void>> sent_;     ///< for the one that is on its way
  bool changed_ = false;                          ///< since that one
  bool writing_ = false;
  spark::Scope scope_;  // last, so that it ends first
};

}  // namespace kept
