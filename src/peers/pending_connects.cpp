#include "peers/pending_connects.hpp"

#include <chrono>

#include "util/str.hpp"

namespace peers {

namespace {

/// That lightningd gives to each address: its handshake, and before that the TCP connection as long as the system does.
constexpr std::chrono::seconds patience{60};

constexpr std::chrono::seconds through_tor{5};
constexpr spark::Duration at_once{20};
constexpr std::size_t most_remembered = 10'000;

std::int64_t whole_seconds(spark::Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

}  // namespace

PendingConnects::Held PendingConnects::begin(const lightningd::NodeId& peer, const std::string& address,
                                             spark::Duration now) {
  std::erase_if(attempts_, [](const auto& entry) { return entry.second.expired(); });
  auto attempt = std::make_shared<const Attempt>(Attempt{address, now});
  attempts_.emplace(peer, attempt);
  return attempt;
}

std::string PendingConnects::earlier(const lightningd::NodeId& peer, const Held& than, spark::Duration now) const {
  Held first;
  const auto [from, to] = attempts_.equal_range(peer);
  for (auto entry = from; entry != to; ++entry) {
    const auto attempt = entry->second.lock();
    if (attempt && attempt->since < than->since && (!first || attempt->since < first->since)) first = attempt;
  }
  if (!first) return {};
  const auto age = now - first->since;
  const auto left = age < patience ? whole_seconds(patience - age) + 1 : 0;
  return util::str("; an earlier attempt to connect to it",
                   first->address.empty() ? std::string() : util::str(", at ", first->address, ","),
                   " is under way for ", whole_seconds(age),
                   " seconds, and lightningd tries one address after the other, each for a minute: ",
                   left > 0 ? util::str("try again in ", left, " seconds") : std::string("try again in a while"),
                   ", or let the peer connect to this node");
}

// At once it answers for a peer that was connected already.
void PendingConnects::answered(const lightningd::NodeId& peer, Held attempt, spark::Duration now) {
  const auto took = now - attempt->since;
  attempt.reset();
  if (took_.size() >= most_remembered) took_.clear();
  if (took >= at_once) took_[peer] = took;
}

spark::Duration PendingConnects::expected(const lightningd::NodeId& peer, const std::string& address) const {
  if (const auto known = took_.find(peer); known != took_.end()) return known->second;
  return address.find(".onion") == std::string::npos ? spark::Duration{0} : spark::Duration{through_tor};
}

}  // namespace peers
