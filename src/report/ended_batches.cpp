#include "report/ended_batches.hpp"

#include <algorithm>
#include <utility>

namespace report {
namespace {

constexpr std::size_t most = 1000;

/// A batch of 1,000 peers that all failed with the longest errors takes two megabytes.
constexpr std::size_t most_bytes = 16 << 20;

}  // namespace

void EndedBatches::add(BatchReport report) {
  report.drop_data();
  bytes_ += report.size();
  reports_.push_back(std::move(report));
  // The last one stays, however large.
  while (reports_.size() > 1 && (reports_.size() > most || bytes_ > most_bytes)) {
    bytes_ -= reports_.front().size();
    reports_.pop_front();
  }
}

const BatchReport* EndedBatches::find(const std::string& id) const {
  const auto found =
      std::find_if(reports_.begin(), reports_.end(), [&id](const BatchReport& report) { return report.id == id; });
  return found == reports_.end() ? nullptr : &*found;
}

}  // namespace report
