#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "util/mac_key.hpp"
#include "util/result.hpp"

namespace journal {

/// Tells the plugin's own records from what others write into lightningd's datastore, where every holder of a rune
/// for `datastore` may write: each record ends with a mac over its name and its text, made with a key that only this
/// node's lightningd can derive. It does not tell an old record from the newest.
class RecordSeal {
 public:
  explicit RecordSeal(util::MacKey key) : key_(std::move(key)) {}

  /// The record: `content`, a JSON object that is not empty, with one member more. `name` is its key in the datastore.
  [[nodiscard]] std::string close(const std::vector<std::string>& name, std::string_view content) const;
  /// Reverses close(). Errors (-1), for the user: not written by this node's plugin, under this name.
  [[nodiscard]] util::Result<std::string> open(const std::vector<std::string>& name, std::string_view record) const;

 private:
  util::MacKey key_;
};

}  // namespace journal
