#include "ledger/told_in_vain.hpp"

#include <algorithm>

namespace ledger {

std::optional<std::uint32_t> ToldInVain::Entry::until() const {
  return height > 0 ? std::optional(height + kept_for) : std::nullopt;
}

void ToldInVain::add(const lightningd::NodeId& peer, const bitcoin::Outpoint& channel) {
  const auto known = entries_.find(peer);
  if (known != entries_.end() && known->second.channel == channel) return;
  entries_[peer] = {channel, height_};
  if (entries_.size() > most) {
    entries_.erase(std::min_element(entries_.begin(), entries_.end(), [](const auto& one, const auto& other) {
      return one.second.height < other.second.height;
    }));
  }
  change();
}

void ToldInVain::remove(const lightningd::NodeId& peer) {
  if (entries_.erase(peer) > 0) change();
}

void ToldInVain::restore(const Entries& entries) {
  entries_.insert(entries.begin(), entries.end());
  if (height_ > 0) set_height(height_);
}

void ToldInVain::set_height(std::uint32_t height) {
  height_ = height;
  bool changed = std::erase_if(entries_, [height](const auto& entry) {
                   return entry.second.height > 0 && entry.second.height + kept_for <= height;
                 }) > 0;
  for (auto& [peer, entry] : entries_) {
    if (entry.height > 0) continue;
    entry.height = height;
    changed = true;
  }
  if (changed) change();
}

const ToldInVain::Entry* ToldInVain::find(const lightningd::NodeId& peer) const {
  const auto found = entries_.find(peer);
  return found == entries_.end() ? nullptr : &found->second;
}

void ToldInVain::change() const {
  if (changed_) changed_();
}

}  // namespace ledger
