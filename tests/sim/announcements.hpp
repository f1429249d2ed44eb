#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bitcoin/ids.hpp"

namespace sim {

/// What the plugin has told other plugins of one batch.
struct Announcement {
  std::string topic;
  std::string batch;
  std::string content;  ///< JSON text
  std::optional<bitcoin::Txid> txid;
  std::uint64_t life = 0;  ///< of the plugin's processes, which one

  [[nodiscard]] bool is(std::string_view what) const { return topic == what; }
  /// Whether nothing comes after it.
  [[nodiscard]] bool is_end() const { return is("multifundchannel_opened") || is("multifundchannel_failed"); }
};

/// What other plugins were told of batches. A part of the monitor.
class Announcements {
 public:
  /// Nothing when it cannot be read.
  [[nodiscard]] static std::optional<Announcement> read(std::string topic, std::string_view params, std::uint64_t life);

  /// What is wrong with telling it now; `aborted`: the user wants the transaction to be impossible.
  [[nodiscard]] std::optional<std::string> too_many(const Announcement& told, bool aborted) const;
  void add(Announcement told) { all_.push_back(std::move(told)); }
  /// The plugin has removed the batch's record, and lives: it has told how that has ended.
  void removed(const std::string& batch) { removed_.insert(batch); }
  /// The user has given up the record: nobody says how it ends.
  void forgotten(const std::string& batch) { forgotten_.insert(batch); }

  [[nodiscard]] const std::vector<Announcement>& all() const { return all_; }
  /// The last one that tells the batch's end; nullptr without one.
  [[nodiscard]] const Announcement* end_of(std::string_view batch) const;
  [[nodiscard]] bool must_have_ended(const std::string& batch) const {
    return removed_.contains(batch) && !forgotten_.contains(batch);
  }

 private:
  std::vector<Announcement> all_;
  std::set<std::string> removed_, forgotten_;
};

}  // namespace sim
