#include "sim/settled.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "journal/journal_format.hpp"
#include "json/value.hpp"
#include "sim/answers.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

using util::str;

/// The record that is not one batch's.
constexpr const char* told_in_vain = "told_in_vain";

/// What is left on the node.
class Leftovers {
 public:
  Leftovers(Node& node, const std::optional<Outcome>& listed)
      : core_(node.core()),
        journal_(node.datastore().entries()),
        history_(node.datastore().history()),
        intruders_(node.intruders()),
        seal_(node.secrets().seal()),
        listed_(listed) {}

  std::vector<std::string> find() {
    if (!core_.can_withhold()) find_doubtful();
    find_waiting();
    find_prepared();
    for (const auto& [txid, transaction] : core_.monitor.attempted()) look_at(txid, transaction);
    for (const auto& [txid, transaction] : core_.monitor.sent_by_user()) {
      if (core_.chain.has(txid) && !core_.monitor.attempted().contains(txid)) look_at(txid, transaction);
    }
    // What only a record knew is left with it: its label, too, so that the same call may pay again.
    if (intruders_.tampered()) return std::move(found_);
    find_paid_twice();
    find_channels();
    find_reservations();
    find_dead_outputs();
    find_records();
    find_labels();
    find_announcements();
    if (nothing_was_lost()) find_forgotten();
    return std::move(found_);
  }

 private:
  void note(Invariant invariant, std::string_view text) { found_.push_back(describe(invariant, text)); }

  /// A transaction that may have been sent: either it is on its way, with all its channels, or it is
  /// plain why it cannot be, and its record is kept.
  void look_at(const bitcoin::Txid& txid, const bitcoin::Transaction& transaction) {
    for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i) {
      if (!core_.monitor.was_told(transaction.outputs[i].script)) continue;
      const Channel* channel = core_.peers.find_channel(bitcoin::Outpoint{txid, i});
      if (core_.monitor.lost_in_between({txid, i})) continue;
      if (channel == nullptr && (core_.monitor.misled() || core_.monitor.is_users_loss({txid, i}))) continue;
      if (core_.chain.has(txid) && channel == nullptr) {
        note(Invariant::nothing_undone_after_sending, str("the channel of ", txid.hex(), ":", i, " is gone"));
      } else if (core_.chain.has(txid) && channel->withheld && !intruders_.tampered()) {
        note(Invariant::nothing_undone_after_sending, str("the channel of ", txid.hex(), ":", i, " is withheld"));
      }
    }
    if (core_.chain.has(txid)) return;
    if (!listed_ || has_record(txid)) kept_.emplace(txid, transaction);
    if (!listed_) return;
    // A damaged record is not acted on.
    if (can_be_sent(transaction) && !intruders_.tampered() && !prepared_.contains(txid)) {
      note(Invariant::nothing_left, str("nothing keeps ", txid.hex(), " from being sent, yet it is not"));
    }
  }

  /// Whatever was sent, and sent again: each payment goes out once.
  void find_paid_twice() {
    std::map<util::Bytes, bitcoin::Txid> paid;
    for (const auto& [txid, transaction] : core_.monitor.attempted()) {
      if (!core_.chain.has(txid)) continue;
      for (const auto& output : transaction.outputs) {
        if (!core_.monitor.is_payment(output.script) || paid.emplace(output.script, txid).second) continue;
        note(Invariant::transaction_is_right, str("paid twice: ", util::to_hex(output.script), " by ", txid.hex()));
      }
    }
  }

  /// Before v25.12 no channel tells whether sendpsbt was carried out. So what was ready to be sent, and can
  /// not be sent any more, is kept and shown, although nothing was ever sent.
  void find_doubtful() {
    for (const auto& [key, entry] : journal_) {
      const auto content = seal_.open(key, std::string(entry.data.begin(), entry.data.end()));
      const auto ledger = journal::read_ledger(content ? *content : std::string());
      if (!ledger || (*ledger)->phase != ledger::BatchPhase::sending) continue;
      const auto psbt = psbt::Psbt::from_base64(*(*ledger)->plan->psbt);
      const auto raw = psbt ? RawPsbt::from(*psbt) : std::nullopt;
      if (raw && !can_be_sent(raw->transaction())) kept_.emplace(psbt->txid(), raw->transaction());
    }
  }

  /// fundchannel_cancel takes the peer's first channel that awaits lock-in: an aborted batch waits until that is its
  /// own, and until no younger one could be hit. Its coins do not wait.
  void find_waiting() {
    for (const auto& [key, entry] : journal_) {
      const auto content = seal_.open(key, std::string(entry.data.begin(), entry.data.end()));
      const auto ledger = journal::read_ledger(content ? *content : std::string());
      if (!ledger || !(*ledger)->plan) continue;
      const auto psbt = psbt::Psbt::from_base64(*(*ledger)->plan->psbt);
      const auto raw = psbt ? RawPsbt::from(*psbt) : std::nullopt;
      const auto txid = (*ledger)->plan->txid;
      const bool waits = std::any_of(core_.peers.all().begin(), core_.peers.all().end(),
                                     [&](const Peer& peer) { return is_in_the_way(peer, txid); });
      if (raw && waits && core_.monitor.is_impossible(raw->transaction())) kept_.emplace(txid, raw->transaction());
    }
  }

  /// Its user has given it up, and the plugin was killed before that was on record, where it came late: the next life
  /// has read that it waits, and shows it. He can give it up again.
  [[nodiscard]] bool is_shown_as_waiting(const std::string& batch) const {
    if (!listed_ || !listed_->result) return false;
    const auto document = json::Document::parse(*listed_->result, "result");
    const auto batches = document ? document->root().field("batches") : util::Result<json::Value>(document.error());
    if (!batches) return false;
    const auto all = batches->elements();
    return std::any_of(all.begin(), all.end(), [&batch](const json::Value& one) {
      const auto id = one.string("batch"), state = one.string("state");
      return id && state && *id == batch && *state == "waiting";
    });
  }

  /// What waits for its user waits on: for his word, or, when bitcoind has refused what he has signed, for him to sign
  /// again.
  void find_prepared() {
    for (const auto& [key, entry] : journal_) {
      const auto content = seal_.open(key, std::string(entry.data.begin(), entry.data.end()));
      const auto ledger = journal::read_ledger(content ? *content : std::string());
      if (!ledger || !(*ledger)->plan) continue;
      const bool refused = (*ledger)->plan->is_users && (*ledger)->phase == ledger::BatchPhase::sending;
      if (!(*ledger)->waits() && !refused && !is_shown_as_waiting(key.back())) continue;
      const auto psbt = psbt::Psbt::from_base64(*(*ledger)->plan->psbt);
      const auto raw = psbt ? RawPsbt::from(*psbt) : std::nullopt;
      if (raw) kept_.emplace((*ledger)->plan->txid, raw->transaction());
      prepared_.insert((*ledger)->plan->txid);
    }
  }

  [[nodiscard]] bool is_in_the_way(const Peer& peer, const bitcoin::Txid& txid) const {
    bool ours = false, others = peer.opening.has_value();
    for (const auto& channel : peer.channels) {
      if (channel.state != "CHANNELD_AWAITING_LOCKIN") continue;
      const bool mine = channel.funding.txid == txid;
      others = others || (!mine && (!ours || channel.opened_by_us));
      ours = ours || mine;
    }
    return ours && others;
  }

  /// An aborted batch has waited for a day after the six blocks for another channel of the peer to go: cancelling its
  /// own could take that one. It names what is left, and is over. Its transaction may not have been sent at all, when
  /// its fee was below the floor.
  [[nodiscard]] bool is_given_up(const Peer& peer, const Channel& channel) const {
    const auto& txid = channel.funding.txid;
    if (!core_.monitor.any_aborted() && !core_.monitor.attempted().contains(txid)) return false;
    const auto psbt = channel.psbt ? psbt::Psbt::from_base64(*channel.psbt) : util::Error{-1, "none", {}};
    const auto raw = psbt ? RawPsbt::from(*psbt) : std::nullopt;
    return raw && core_.monitor.is_impossible(raw->transaction(), 6 + 144) && is_in_the_way(peer, txid);
  }

  /// As the plugin can see it: by a transaction that the wallet has recorded.
  [[nodiscard]] bool is_plainly_impossible(const bitcoin::Transaction& transaction) const {
    return core_.monitor.is_impossible(transaction) &&
           std::any_of(transaction.inputs.begin(), transaction.inputs.end(), [&](const auto& input) {
             const auto spender = core_.chain.spender(input.outpoint);
             return spender && *spender != transaction.txid() && core_.known.contains(*spender);
           });
  }

  [[nodiscard]] bool can_be_sent(const bitcoin::Transaction& transaction) const {
    return has_all_channels(transaction) && !core_.monitor.is_dead(transaction);
  }

  /// lightningd does not cancel what its wallet has recorded as sent, nor what a peer has ended by an error.
  [[nodiscard]] bool is_kept_for_good(const Channel& channel) const {
    const auto& txid = channel.funding.txid;
    const auto found = core_.monitor.attempted().find(txid);
    const bool ended = !channel.is_live() && !core_.monitor.closed(channel);
    return found != core_.monitor.attempted().end() && (core_.known.contains(txid) || ended) &&
           core_.monitor.is_impossible(found->second);
  }

  [[nodiscard]] bool has_all_channels(const bitcoin::Transaction& transaction) const {
    const auto txid = transaction.txid();
    for (std::uint32_t i = 0; i < transaction.outputs.size(); ++i) {
      if (!core_.monitor.was_told(transaction.outputs[i].script)) continue;
      const Channel* channel = core_.peers.find_channel(bitcoin::Outpoint{txid, i});
      if (channel == nullptr || !channel->is_live()) return false;
    }
    return true;
  }

  [[nodiscard]] bool has_record(const bitcoin::Txid& txid) const {
    const auto hex = txid.hex();
    return std::any_of(journal_.begin(), journal_.end(), [&hex](const auto& item) {
      const auto& data = item.second.data;
      return std::search(data.begin(), data.end(), hex.begin(), hex.end()) != data.end();
    });
  }

  void find_channels() {
    for (const Peer& peer : core_.peers.all()) {
      if (peer.opening && !peer.opening->others) {
        note(Invariant::nothing_left, str("an opening with ", peer.setup.name, " is left"));
      }
      for (const Channel& channel : peer.channels) {
        const auto& txid = channel.funding.txid;
        if (channel.others || channel.forged || core_.chain.has(txid) || kept_.contains(txid) ||
            is_kept_for_good(channel))
          continue;
        if (is_given_up(peer, channel)) continue;
        note(Invariant::nothing_left,
             str("a channel with ", peer.setup.name, " is left, state ", channel.state, ", of ", txid.hex()));
      }
    }
  }

  void find_reservations() {
    std::set<bitcoin::Outpoint> allowed;
    const auto allow = [&allowed](const bitcoin::Transaction& transaction) {
      for (const auto& input : transaction.inputs) allowed.insert(input.outpoint);
    };
    for (const auto& [txid, transaction] : core_.monitor.attempted()) {
      if (core_.chain.has(txid)) allow(transaction);
    }
    for (const auto& [txid, transaction] : kept_) {
      // What waits for its user waits on, also for him to see that it can only be aborted.
      const bool waits = core_.monitor.waits_for_answer(txid) || prepared_.contains(txid);
      if (waits || !is_plainly_impossible(transaction)) allow(transaction);
    }
    for (const Coin& coin : core_.wallet.coins()) {
      const auto until = std::max(coin.others_until, core_.wallet.height);
      if (!core_.wallet.is_reserved(coin) || coin.reserved_until <= until || allowed.contains(coin.outpoint)) continue;
      if (coin.unforeseen || intruders_.claimed().contains(coin.outpoint)) continue;
      if (is_gone(coin)) continue;  // lightningd does not forget it
      note(Invariant::nothing_left, str("still reserved: ", coin.outpoint.str(), " until block ", coin.reserved_until));
    }
  }

  /// Of a transaction that the wallet has sent, and that is in neither mempool nor chain.
  [[nodiscard]] bool is_gone(const Coin& coin) const {
    return core_.known.contains(coin.outpoint.txid) && !core_.chain.has(coin.outpoint.txid);
  }

  /// lightningd might pay for an anchor with the change of a batch that never confirms.
  void find_dead_outputs() {
    for (const Coin& coin : core_.wallet.coins()) {
      const auto& txid = coin.outpoint.txid;
      const auto attempted = core_.monitor.attempted().find(txid);
      if (attempted == core_.monitor.attempted().end() || !is_gone(coin) || kept_.contains(txid)) continue;
      if (coin.meddled || core_.wallet.is_reserved(coin) || !is_plainly_impossible(attempted->second)) continue;
      note(Invariant::nothing_left, str("the change ", coin.outpoint.str(), " never comes to be, and is free"));
    }
  }

  /// Records are left of what cannot be settled, and of nothing else; and the user is told of them.
  void find_records() {
    for (const auto& [key, entry] : journal_) {
      if (key.size() < 2 || key[0] != "multifundchannel" || key[1] != "batch" || intruders_.planted().contains(key))
        continue;
      const std::string text(entry.data.begin(), entry.data.end());
      const bool needed = std::any_of(kept_.begin(), kept_.end(), [&text](const auto& kept) {
        return text.find(kept.first.hex()) != std::string::npos;
      });
      if (!needed) note(Invariant::nothing_left, str("a record is left: ", key.back(), " ", text));
      const bool shown = listed_ && listed_->ok() && listed_->result->find(key.back()) != std::string::npos;
      if (listed_ && !shown) note(Invariant::nothing_left, str("listmultifundchannels does not show ", key.back()));
    }
  }

  /// By all that the plugin has ever written, whatever it has kept.
  void find_labels() {
    std::map<std::string, std::set<std::string>> sent;
    for (const auto& [key, data] : history_) {
      if (key.size() < 3 || key[1] != "batch") continue;
      const auto record = json::Document::parse(std::string(data.begin(), data.end()), "record");
      const auto label = record ? record->root().string("label") : util::Result<std::string_view>(util::Error{});
      const auto txid = record ? record->root().string("txid") : util::Result<std::string_view>(util::Error{});
      if (!label || !txid || !core_.chain.has(*bitcoin::Txid::from_hex(*txid))) continue;
      sent[std::string(*label)].insert(std::string(*txid));
    }
    for (const auto& [label, txids] : sent) {
      if (txids.size() > 1) note(Invariant::label_opens_once, str(label, " has ", txids.size(), " transactions"));
    }
  }

  /// By all that the plugin has ever written, too.
  void find_announcements() {
    std::map<std::string, std::vector<std::string>> records;
    for (const auto& [key, data] : history_) {
      if (key.size() < 3 || key[1] != "batch" || intruders_.planted().contains(key)) continue;
      records[key[2]].emplace_back(data.begin(), data.end());
    }
    for (const auto& [batch, texts] : records) look_at_announcements(batch, texts);
  }

  void look_at_announcements(const std::string& batch, const std::vector<std::string>& records) {
    const auto& announcements = core_.monitor.announcements();
    const auto* const end = announcements.end_of(batch);
    if (records.front().find(R"("inquiry":true)") != std::string::npos) {
      const auto& all = announcements.all();
      const bool told = std::any_of(all.begin(), all.end(), [&](const auto& one) { return one.batch == batch; });
      if (told) note(Invariant::announced_rightly, str(batch, " opens nothing, and was announced"));
      return;
    }
    const bool left = journal_.contains({"multifundchannel", "batch", batch});
    if (!left && announcements.must_have_ended(batch) && end == nullptr) {
      note(Invariant::announced_rightly, str("nobody was told how ", batch, " has ended"));
    }
    // One that was told as opened, and then made impossible, is told as failed when nothing is left of it.
    if (end == nullptr || (left && core_.monitor.is_aborted(batch))) return;
    bool sent = false, by_user = false;
    for (const auto& text : records) {
      const auto record = json::Document::parse(text, "record");
      const auto hex = record ? record->root().string("txid") : util::Result<std::string_view>(util::Error{});
      const auto txid = hex ? bitcoin::Txid::from_hex(*hex) : std::nullopt;
      sent = sent || (txid && core_.chain.has(*txid));
      by_user = by_user || (txid && core_.monitor.sent_by_user().contains(*txid));
    }
    if (by_user || sent == end->is("multifundchannel_opened")) return;
    note(Invariant::announced_rightly,
         str(end->topic, " told of ", batch, sent ? ", which was" : ", which was not", " sent"));
  }

  /// No call of the plugin's, and no process.
  [[nodiscard]] bool nothing_was_lost() const {
    const auto& setup = core_.setup;
    const bool as_asked = setup.rpc_faults.empty() && setup.intrusions.empty();
    return as_asked && !core_.monitor.was_restarted() && listed_;
  }

  /// A peer has a channel whose transaction nobody has tried to send, and the plugin has no note of it: the user is not
  /// warned before it is asked again.
  void find_forgotten() {
    const auto record = std::find_if(journal_.begin(), journal_.end(), [](const auto& item) {
      return item.first.size() > 1 && item.first[0] == "multifundchannel" && item.first.back() == told_in_vain;
    });
    const std::string text =
        record == journal_.end() ? std::string() : std::string(record->second.data.begin(), record->second.data.end());
    for (const auto& telling : core_.monitor.tellings().told()) {
      const Peer& peer = *core_.peers.find(telling.peer);
      const auto& txid = telling.funding.txid;
      const bool kept = std::any_of(peer.kept.begin(), peer.kept.end(),
                                    [&](const KeptChannel& channel) { return channel.funding == telling.funding; });
      if (!kept || core_.chain.has(txid) || core_.monitor.attempted().contains(txid)) continue;
      if (prepared_.contains(txid)) continue;
      // A channel with the peer strikes it off, and lightningd does not tell who has opened that.
      if (std::any_of(peer.channels.begin(), peer.channels.end(), [](const Channel& c) { return !c.opened_by_us; }))
        continue;
      if (text.find(peer.id.hex()) != std::string::npos) continue;
      note(Invariant::told_in_vain_is_known, str(peer.setup.name, " keeps the channel ", telling.funding.str()));
    }
  }

  Core& core_;
  const std::map<Datastore::Key, Datastore::Entry>& journal_;
  const std::vector<std::pair<Datastore::Key, util::Bytes>>& history_;
  const Intruders& intruders_;
  const journal::RecordSeal seal_;
  const std::optional<Outcome>& listed_;
  std::map<bitcoin::Txid, bitcoin::Transaction> kept_;  // neither sent nor undone, for a good reason
  std::set<bitcoin::Txid> prepared_;                    // among them, those that wait for their user
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> broken_invariants(Node& node, const std::vector<std::shared_ptr<Outcome>>& calls,
                                           const std::optional<Outcome>& listed) {
  auto found = node.core().monitor.violations();
  for (auto& left : Leftovers(node, listed).find()) found.push_back(std::move(left));
  for (const auto& call : calls) {
    for (auto& wrong : wrong_answers(*call)) found.push_back(str(wrong, " [", call->method, "]"));
  }
  return found;
}

}  // namespace sim
