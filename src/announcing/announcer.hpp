#pragma once

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <string>

#include "report/batch_report.hpp"

namespace announcing {

/// What there is to tell. The first two are ends.
enum class Event { opened, failed, unsettled };
inline constexpr std::array all_events{Event::opened, Event::failed, Event::unsettled};
/// The topic that other plugins subscribe to.
[[nodiscard]] const char* name_of(Event event);

/// Tells other plugins, through lightningd, what becomes of batches: each of them once, and nothing after a batch's
/// end. A batch is told of before its record is removed, so that a crash makes the next process tell it again, but
/// never keeps it from being told. Owned by the Service.
class Announcer {
 public:
  /// `content` is JSON text.
  using Send = std::function<void(const char* topic, const std::string& content)>;

  explicit Announcer(Send send) : send_(std::move(send)) {}
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  /// To be called with what is certain. One that is settling, refused or unsettled may have been sent. One that runs,
  /// waits for its user, is aborted or forgotten, or only asks peers, is not told of.
  void tell(const report::BatchReport& report);
  /// The transaction is proven to be impossible: if it was told of as opened, what is told next counts.
  void never_confirms(const std::string& batch);

 private:
  const Send send_;
  std::map<std::string, Event> told_;  ///< last, by batch; of those that have ended the last 1,000
  std::deque<std::string> ended_;      ///< among them, in that order
};

}  // namespace announcing
