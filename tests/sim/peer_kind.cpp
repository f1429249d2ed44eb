#include "sim/peer_kind.hpp"

namespace sim {
namespace {

constexpr std::size_t amp = 31, script_enforced_lease = 2023;
constexpr spark::Duration for_ever{0};

}  // namespace

const Habits& habits_of(PeerKind kind) {
  static const Habits cln{"cln", {}, 0, "", false, for_ever, ""};
  // An error after funding_created finds neither a reservation nor an active link (peer/brontide.go). A reservation
  // that is too old is found once a minute; the reason is not among those that are told (failFundingFlow).
  static const Habits lnd{"lnd",
                          {amp, script_enforced_lease},
                          1,
                          "Number of pending channels exceed maximum",
                          true,
                          std::chrono::minutes(10),
                          "funding failed due to internal error"};
  static const Habits eclair{"eclair", {}, 3, "rate limit reached", false, for_ever, ""};
  static const Habits ldk{"ldk",
                          {},
                          0,
                          "",
                          false,
                          std::chrono::minutes(60),
                          "Force closing pending channel due to timeout during establishment"};
  switch (kind) {
    case PeerKind::cln:
      break;
    case PeerKind::lnd:
      return lnd;
    case PeerKind::eclair:
      return eclair;
    case PeerKind::ldk:
      return ldk;
  }
  return cln;
}

}  // namespace sim
