#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/core.hpp"

namespace sim {

/// lightningd's datastore: datastore, listdatastore, deldatastore. A part of the node.
class Datastore {
 public:
  using Key = std::vector<std::string>;
  struct Entry {
    util::Bytes data;
    std::uint64_t generation = 0;
  };

  explicit Datastore(Core& core);

  [[nodiscard]] const std::map<Key, Entry>& entries() const { return entries_; }
  /// What another program does with create-or-replace.
  void put(const Key& key, util::Bytes data);
  /// What another program does with deldatastore.
  void erase(const Key& key) { entries_.erase(key); }
  /// All that the plugin has written, the oldest first: also what is not there any more.
  [[nodiscard]] const std::vector<std::pair<Key, util::Bytes>>& history() const { return history_; }

 private:
  void datastore(Params& params, Reply reply);
  void listdatastore(Params& params, Reply reply);
  void deldatastore(Params& params, Reply reply);
  [[nodiscard]] std::optional<util::Error> check_family(const Key& key) const;
  /// The parameter `generation`, where it is given, is that of the entry.
  [[nodiscard]] static bool same_generation(Params& params, const Entry& entry);

  Core& core_;
  std::map<Key, Entry> entries_;
  std::vector<std::pair<Key, util::Bytes>> history_;
};

}  // namespace sim
