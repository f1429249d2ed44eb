#include "announcing/announcer.hpp"

#include <optional>

namespace announcing {

using report::BatchState;

namespace {

/// A record that comes late, of a batch that has ended, must not be told of.
constexpr std::size_t most_ended = 1000;

std::optional<Event> event_of(BatchState state) {
  switch (state) {
    case BatchState::opened:
      return Event::opened;
    case BatchState::failed:
    case BatchState::undone:
      return Event::failed;
    case BatchState::settling:
    case BatchState::refused:
    case BatchState::unsettled:
      return Event::unsettled;
    case BatchState::running:
    case BatchState::waiting:
    case BatchState::aborting:
    case BatchState::forgotten:
      break;
  }
  return std::nullopt;
}

}  // namespace

const char* name_of(Event event) {
  switch (event) {
    case Event::opened:
      return "multifundchannel_opened";
    case Event::failed:
      return "multifundchannel_failed";
    case Event::unsettled:
      break;
  }
  return "multifundchannel_unsettled";
}

void Announcer::tell(const report::BatchReport& report) {
  const auto event = event_of(report.state);
  if (!event || report.inquiry) return;
  const auto before = told_.find(report.id);
  if (before != told_.end() && (before->second == *event || before->second != Event::unsettled)) return;
  told_[report.id] = *event;
  if (*event != Event::unsettled) ended_.push_back(report.id);
  if (ended_.size() > most_ended) {
    told_.erase(ended_.front());
    ended_.pop_front();
  }
  send_(name_of(*event), report::to_json(report));
}

// What comes next is that it has failed.
void Announcer::never_confirms(const std::string& batch) {
  const auto told = told_.find(batch);
  if (told == told_.end() || told->second != Event::opened) return;
  std::erase(ended_, batch);
  told->second = Event::unsettled;
}

}  // namespace announcing
