#include "peers/peer_undo.hpp"

#include <utility>

#include "context/looks.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace peers {

using ledger::Stage;
using lightningd::ChannelState;
using lightningd::PeerChannel;
using util::Result;
using util::str;

namespace {

/// Cancel, then a harder way, then again; with growing pauses, since a subdaemon takes a while to die.
constexpr int max_tries = 5;
constexpr spark::Duration first_pause{250};

}  // namespace

PeerUndo::PeerUndo(context::Calls calls, ledger::Book& book, wallet::Holding& holding,
                   std::shared_ptr<ledger::OpeningRecord> record)
    : calls_(calls.while_undoing()),
      book_(book),
      holding_(holding),
      ledger_(holding.ledger()),
      record_(std::move(record)) {}

void PeerUndo::run(Done done) {
  done_ = std::move(done);
  record_->undoing_begins();
  if (!record_->untold) told_ = record_->outpoint;
  if (record_->stage == Stage::none) {
    finish(Outcome::gone);
  } else if (record_->in_flight) {
    await_answer();
  } else {
    look();
  }
}

// A call in flight cannot be cancelled: a start refuses it (307), a complete queues it and may
// never answer. A healthy peer answers soon; for the others only disconnecting helps.
void PeerUndo::await_answer() {
  if (record_->silent) {
    look();
    return;
  }
  record_->when_answered(calls_.scope.expect<>(
      "answer before undoing", calls_.settings.undo_patience, [this] { answered(); }, [this] { look(); }));
}

// A start that was refused leaves nothing, and what lightningd shows then is another program's.
void PeerUndo::answered() {
  if (record_->stage == Stage::none) {
    finish(Outcome::gone);
  } else {
    look();
  }
}

// Disconnecting fails a call in flight at once, but with a silent peer connectd takes seconds to answer
// the disconnect itself: who waits for the call need not wait for that.
void PeerUndo::drop_peer() {
  util::info(record_->label, ": disconnecting the peer");
  if (record_->in_flight) {
    record_->when_answered(calls_.scope.expect<>(
        "answer after disconnecting", calls_.settings.cleanup_timeout, [this] { answered(); }, [this] { look(); }));
    calls_.client.disconnect(record_->peer, true,
                             calls_.scope.guard<Result<void>>("disconnect", [](const Result<void>&) {}));
  } else {
    calls_.client.disconnect(record_->peer, true, then_look("disconnect"));
  }
}

void PeerUndo::look() {
  closing_.leave();
  list([this](const Result<std::vector<PeerChannel>>& channels) { judge(channels); });
}

void PeerUndo::list(lightningd::Reply<std::vector<PeerChannel>> then) {
  context::look_at_channels(calls_, record_->peer, std::move(then));
}

void PeerUndo::judge(const Result<std::vector<PeerChannel>>& channels) {
  if (!channels) {
    util::warn(record_->label, ": cannot see what is left of its opening: ", channels.error().message);
    give_up(record_->outpoint.has_value());
    return;
  }
  const Evidence evidence = find(*channels);
  if (!evidence.uncommitted && !evidence.committed) {
    nothing_left();
  } else if (!evidence.committed && book_.another_is_starting(*record_)) {
    wait_for_other();
  } else if (++tries_ > max_tries) {
    util::warn(record_->label, ": its opening could not be removed");
    give_up(evidence.committed != nullptr);
  } else if (tries_ <= 2) {
    remove(evidence);
  } else {
    pause();
  }
}

// Looks once more before the next blow: what was asked for may have happened meanwhile.
void PeerUndo::pause() {
  calls_.scope.after(first_pause * (1 << (tries_ - 3)), [this] {
    list([this](const Result<std::vector<PeerChannel>>& channels) {
      if (!channels) return judge(channels);
      const Evidence evidence = find(*channels);
      if (!evidence.uncommitted && !evidence.committed) return nothing_left();
      remove(evidence);
    });
  });
}

// Whose opening it is will show when the other's start is answered.
void PeerUndo::wait_for_other() {
  if (waited_ > calls_.settings.peer_timeout) {
    util::warn(record_->label, ": it does not show whether its opening is left, or another batch's");
    return give_up(false);
  }
  waited_ += first_pause;
  calls_.scope.after(first_pause, [this] { look(); });
}

void PeerUndo::remove(const Evidence& evidence) {
  found_ = true;
  if (evidence.committed) {
    remove_committed(evidence);
  } else {
    remove_uncommitted(evidence);
  }
}

PeerUndo::Evidence PeerUndo::find(const std::vector<PeerChannel>& channels) const {
  Evidence evidence;
  const PeerChannel* first_awaiting = nullptr;
  bool opening_shown = false;  // whoever's it is, a cancel would take that first
  for (const auto& channel : channels) {
    if (channel.awaits_lockin() && !first_awaiting) first_awaiting = &channel;
    if (channel.state == ChannelState::opening) opening_shown = true;
    if (record_->outpoint && channel.opened_by_us && channel.funding == record_->outpoint) {
      if (channel.is_dead()) {
        util::warn(record_->label, ": lightningd keeps its dead channel ", channel.funding->str());
      } else {
        evidence.committed = &channel;
      }
    } else if (channel.awaits_lockin()) {
      // lightningd refuses to cancel what the peer has opened.
      evidence.other_awaits_lockin = evidence.other_awaits_lockin || channel.opened_by_us;
    } else if (channel.state == ChannelState::opening && channel.opened_by_us && channel.total &&
               record_->may_be(*channel.total) && !book_.belongs_to_another(*record_, *channel.total)) {
      evidence.uncommitted = &channel;
    }
  }
  evidence.cancel_hits_committed = evidence.committed && evidence.committed == first_awaiting && !opening_shown;
  return evidence;
}

// Should our opening vanish just before a cancel arrives, the cancel would hit another channel of
// the peer that awaits lock-in. With such a channel around, and after a cancel that did not help,
// disconnecting is the only safe way: it ends an uncommitted opening and nothing else.
void PeerUndo::remove_uncommitted(const Evidence& evidence) {
  const bool beside = evidence.other_awaits_lockin || book_.another_is_opening(*record_);
  if (tries_ > 1 || beside || record_->in_flight) {
    drop_peer();
    return;
  }
  util::debug(record_->label, ": fundchannel_cancel (not completed)");
  cancel();
}

// Another batch waits for its answer before it starts with this peer: see PeerOpening.
void PeerUndo::cancel() {
  auto on_its_way = book_.cancelling(record_->peer, calls_.scope.runtime().now());
  calls_.client.fundchannel_cancel(
      record_->peer,
      [on_its_way = std::move(on_its_way), then = then_look("fundchannel_cancel")](const Result<void>& answer) mutable {
        on_its_way.reset();
        then(answer);
      });
}

void PeerUndo::remove_committed(const Evidence& evidence) {
  const PeerChannel& channel = *evidence.committed;
  // Before that phase nothing was sent, but lightningd may be newer than when it made the channel. Of one that was
  // withheld the phase tells nothing: an older record may have been put back.
  const bool was_withheld = ledger_->plan && ledger_->plan->withheld;
  const bool may_be_out = channel.released && (was_withheld || ledger_->phase == ledger::BatchPhase::sending);
  if (may_be_out) {
    util::warn(record_->label, ": the transaction of its channel ", channel.funding->str(), " may have been sent");
    return give_up(true);
  }
  // Should it vanish by the peer's error just before, a cancel would take the peer's next one: so there must be
  // no next one, nor one under way, be it another batch's. Where channels cannot be withheld there is no other way.
  const bool alone = !evidence.other_awaits_lockin && !book_.another_is_opening(*record_);
  const bool starting = book_.another_is_starting(*record_);
  if (evidence.cancel_hits_committed && tries_ == 1 && !starting && (alone || !channel.withheld)) {
    util::debug(record_->label, ": fundchannel_cancel (completed)");
    cancel();
  } else if (channel.withheld && channel.channel_id) {
    close(*channel.channel_id);
  } else {
    util::warn(record_->label, ": its channel ", channel.funding->str(), " is in state ", name_of(channel.state),
               " and cannot be cancelled without touching another channel of the peer");
    look();  // that other one may go away
  }
}

// lightningd never sent the transaction, so closing makes it forget just this channel. But it frees all its
// inputs as well, whoever has reserved them.
void PeerUndo::close(const lightningd::ChannelId& channel) {
  holding_.before_closing([this, channel](const Result<wallet::Holding::Taken>& taken, spark::Gate::Pass pass) {
    if (taken && !*taken) {
      util::debug(record_->label, ": close ", channel.hex());
      closing_ = std::move(pass);
      return calls_.client.close(channel, 1, then_look("close"));
    }
    util::info(record_->label, ": its channel ", channel.hex(), " is not closed: ",
               taken ? str("that would free input ", (*taken)->str(), ", which another program has reserved")
                     : taken.error().message);
    look();  // they may end it, or what keeps us from cancelling may go away
  });
}

lightningd::Reply<void> PeerUndo::then_look(const char* what) {
  return calls_.scope.expect<Result<void>>(
      what, calls_.settings.cleanup_timeout, [this](const Result<void>&) { look(); }, [this] { look(); });
}

// A call that is still not answered, or was lost, may have its effect later.
void PeerUndo::nothing_left() {
  if (!record_->in_flight && !record_->doubtful) return finish(Outcome::gone);
  util::info(record_->label, ": lightningd has not answered a call; its opening may still come");
  give_up(record_->stage == Stage::completing);
}

void PeerUndo::give_up(bool channel) {
  record_->not_undone();
  finish(channel ? Outcome::channel_remains : Outcome::opening_remains);
}

void PeerUndo::finish(Outcome outcome) {
  record_->undoing_ends();
  if (outcome == Outcome::gone) {
    if (told_) book_.undone(*record_, *told_);
    record_->gone();
  }
  std::exchange(done_, nullptr)(outcome);
}

}  // namespace peers
