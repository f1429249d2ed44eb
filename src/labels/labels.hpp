#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "journal/seal_source.hpp"
#include "kept/kept_text.hpp"
#include "lightningd/client.hpp"
#include "request/request.hpp"

namespace labels {

/// A batch that has a label.
struct Holder {
  request::UserLabel label;
  std::string batch;
  /// The answer to its call, once it has opened, or is to wait for its user; empty then when it was too long to be
  /// kept.
  std::optional<std::string> result;
  bool waits = false;  ///< `result` is from before its transaction was sent
};

/// As JSON text: those with an answer. And back. Errors (-1): not what we write.
[[nodiscard]] std::string write_labels(const std::deque<Holder>& holders);
[[nodiscard]] util::Result<std::deque<Holder>> read_labels(std::string_view text);

/// Leaves what can be kept: the last 100 of batches that have opened, and those with a record; and 2 MB of answers. The
/// others' answers become empty, the oldest first.
void fit(std::deque<Holder>& holders, const std::function<bool(const std::string& batch)>& has_record);

/// Which batch has which label. Those that run or are not settled are known from their own records; those that have
/// opened are in one record of lightningd's datastore: the last 100, with as many of their answers as fit. It is read
/// at the start and written before the record of a batch is removed, so that one of the two always has the label. It
/// has the answers of batches that wait for their user as well. Owned by the Service.
class Labels {
 public:
  Labels(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings,
         journal::SealSource& seals);
  Labels(const Labels&) = delete;
  Labels& operator=(const Labels&) = delete;

  /// Call once. Tries until it has read them. No label is forgotten whose batch has a record still.
  void read(std::function<bool(const std::string& batch)> has_record);
  /// Whether it has.
  [[nodiscard]] bool known() const { return kept_.known(); }

  /// The batch has the label from now on.
  void begin(const std::string& batch, const request::UserLabel& label);
  /// The batch is over, and nothing of it was sent.
  void free(const std::string& batch);
  /// So are batches that are to wait for their user, and have no record any more: another program has removed it.
  void free_orphans();
  /// The batch has opened, or is to wait for its user, and this is the answer. `then` comes, from the ready queue or a
  /// reply, when that is on disk; an error says why it is not yet.
  void keep(const std::string& batch, const std::string& result, lightningd::Reply<void> then) {
    keep(batch, result, false, std::move(then));
  }
  void keep_waiting(const std::string& batch, const std::string& result, lightningd::Reply<void> then) {
    keep(batch, result, true, std::move(then));
  }
  /// The answer holds no more. The batch keeps the label until free(), but only its own record says so. `then` comes as
  /// that of keep(), or at once when there is no answer on disk.
  void take_back(const std::string& batch, lightningd::Reply<void> then);

  /// nullptr when nobody has it. One that has opened comes first, and then the latest: another may have failed, and is
  /// being undone.
  [[nodiscard]] const Holder* holder(std::string_view label) const;
  /// nullptr when the batch has no label.
  [[nodiscard]] const Holder* of_batch(std::string_view batch) const;

 private:
  void restore(std::deque<Holder> kept);
  void keep(const std::string& batch, const std::string& result, bool waits, lightningd::Reply<void> then);
  [[nodiscard]] Holder* find(std::string_view batch);

  kept::KeptText kept_;
  std::function<bool(const std::string& batch)> has_record_;
  std::deque<Holder> holders_;        ///< in the order in which they came
  std::set<std::string> taken_back_;  ///< batches whose answer may be on disk still
};

}  // namespace labels
