#pragma once

#include <deque>
#include <string>

#include "report/batch_report.hpp"

namespace report {

/// What listmultifundchannels shows of batches that have ended, in that order: 1,000 of them, or as many as fit into
/// 16 MB. The oldest go first. Owned by the LeftBatches.
class EndedBatches {
 public:
  /// Errors' data is dropped: it is never shown, and may hold the signed transaction.
  void add(BatchReport report);
  /// Null when there is none of this id.
  [[nodiscard]] const BatchReport* find(const std::string& id) const;
  [[nodiscard]] const std::deque<BatchReport>& all() const { return reports_; }

 private:
  std::deque<BatchReport> reports_;
  std::size_t bytes_ = 0;
};

}  // namespace report
