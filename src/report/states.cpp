#include "report/states.hpp"

namespace report {

const char* name_of(BatchState state) {
  switch (state) {
    case BatchState::running:
      break;
    case BatchState::waiting:
      return "waiting";
    case BatchState::opened:
      return "opened";
    case BatchState::failed:
      return "failed";
    case BatchState::settling:
      return "settling";
    case BatchState::refused:
      return "refused";
    case BatchState::aborting:
      return "aborting";
    case BatchState::unsettled:
      return "unsettled";
    case BatchState::undone:
      return "undone";
    case BatchState::forgotten:
      return "forgotten";
  }
  return "running";
}

const char* name_of(DestinationState state) {
  switch (state) {
    case DestinationState::waiting:
      break;
    case DestinationState::starting:
      return "starting";
    case DestinationState::started:
      return "started";
    case DestinationState::completing:
      return "completing";
    case DestinationState::secured:
      return "secured";
    case DestinationState::opened:
      return "opened";
    case DestinationState::failed:
      return "failed";
    case DestinationState::undone:
      return "undone";
  }
  return "waiting";
}

const char* name_of(PeerMethod method) {
  switch (method) {
    case PeerMethod::connect:
      return "connect";
    case PeerMethod::fundchannel_start:
      return "fundchannel_start";
    case PeerMethod::fundchannel_complete:
      return "fundchannel_complete";
    case PeerMethod::check:
      break;
  }
  return "check";
}

}  // namespace report
