#include "sim/situations.hpp"

#include <algorithm>

namespace sim {

const std::vector<Situation>& situations() {
  using enum Situation::Seen;
  static const std::vector<Situation> all = {
      {"a peer: connect fails", in_the_log, ": connect failed: "},
      {"a peer: fundchannel_start fails", in_the_log, ": fundchannel_start failed: "},
      {"a peer: fundchannel_complete fails", in_the_log, ": fundchannel_complete failed: "},
      {"a peer: does not answer in time", in_the_log, "timeout: the peer did not answer"},
      {"a peer: hangs up while it waits for the others", in_the_log, "the peer hung up while it waited"},
      {"a peer: its channel vanishes before the signature", in_the_log, "the channel vanished before"},
      {"the others go on: the transaction is proposed again", in_the_log, "proposing the transaction again"},
      {"the others go on: peers must forget a transaction", in_the_log, " peers must forget transaction"},
      {"undoing: a silent peer is disconnected", in_the_log, ": disconnecting the peer"},
      {"undoing: fundchannel_cancel before complete", in_the_log, ": fundchannel_cancel (not completed)"},
      {"undoing: fundchannel_cancel after complete", in_the_log, ": fundchannel_cancel (completed)"},
      {"undoing: a withheld channel is closed", in_the_log, ": close "},
      {"undoing: a close would free another program's input", in_the_log, ", which another program has reserved"},
      {"undoing: an opening could not be removed", in_the_log, ": its opening could not be removed"},
      {"undoing: its transaction may have been sent", in_the_log, " may have been sent"},
      {"undoing: lightningd does not answer", in_the_log, "; its opening may still come"},
      {"undoing: inputs stay reserved for a channel that is left", in_the_log, ": its inputs stay reserved, because"},
      {"wallet: another program reserves an input", in_the_log, " is reserved by another program now"},
      {"wallet: a reservation is in doubt", in_the_log, "in doubt whether inputs were reserved"},
      {"wallet: coins that are not worth their fee", in_the_log, " coins would cost more than they bring"},
      {"wallet: a reservation is extended", in_the_log, ": extending the reservation of its inputs"},
      {"wallet: txprepare reserves", in_the_log, "txprepare has made "},
      {"wallet: txprepare's reservation is in doubt", in_the_log, "whether txprepare has reserved"},
      {"sending: sendpsbt is refused, nothing was sent", in_the_log, ": sendpsbt refused, nothing was sent"},
      {"sending: bitcoind refuses, all is undone", in_the_log, ": bitcoind refused the transaction, nothing was sent"},
      {"sending: 303, it may have been sent", in_an_answer, "303 "},
      {"sending: refused, and kept to be sent again", in_an_answer, "bitcoind refused the funding transaction"},
      {"recovery: left before it reserved", in_the_log, ": left in the phase begun, "},
      {"recovery: left while it opened", in_the_log, ": left in the phase opening, "},
      {"recovery: left while it completed", in_the_log, ": left in the phase completing, "},
      {"recovery: left while it was being sent", in_the_log, ": left in the phase sending, "},
      {"recovery: left while it waited for its user", in_the_log, ": left in the phase waiting, "},
      {"recovery: a record is not acted on", in_the_log, ": its record is kept but not acted on: "},
      {"recovery: the journal cannot be read yet", in_the_log, "cannot read the journal yet"},
      {"recovery: a record could not be removed", in_the_log, ": its record could not be removed"},
      {"recovery: the policy of a channel is not set yet", in_the_log, "the policy of a channel is not set yet"},
      {"policy: set", in_the_log, ": its policy is set"},
      {"policy: refused", in_the_log, ": its policy is not set, and setchannel is not tried again"},
      {"connection: lost", in_the_log, "connection to lightningd lost"},
      {"connection: a reply that cannot be read", in_the_log, ": unexpected reply: "},
      {"shutdown: batches are undone first", in_the_log, " batches are undone first"},
      {"abort: told what it would do", in_an_answer, "the batch's transaction is not sent any more"},
      {"abort: its transaction is sent", in_the_log, "the abort's transaction"},
      {"waiting: until it is signed", in_the_log, "its transaction waits to be signed"},
      {"waiting: until it is sent", in_the_log, "its transaction waits to be sent"},
      {"waiting: its user sends it", in_the_log, "sent by another program"},
      {"bump: sent", in_an_answer, "\"bumped\":true"},
      {"bump: shown only", in_an_answer, "\"bumped\":false"},
      {"bump: replaces the one before", in_an_answer, "\"replaces\":"},
      {"bump: bitcoind refuses it", in_an_answer, "bitcoind refuses the bump"},
      {"label: it is another call's", in_an_answer, "-32602 label: "},
      {"asking for too much: 301", in_an_answer, "301 "},
      {"a parameter is wrong", in_an_answer, "-32602 "},
      {"a preview", in_an_answer, "\"dryrun\":true"},
      {"payments beside the channels", in_an_answer, "\"outputs\":[{"},
  };
  return all;
}

void SituationCount::add(const ChaosResult& world) {
  const auto holds = [](const std::vector<std::string>& texts, std::string_view part) {
    return std::any_of(texts.begin(), texts.end(),
                       [part](const std::string& text) { return text.find(part) != std::string::npos; });
  };
  lived_ += world.lived;
  kills_ += world.kills;
  faults_ += world.faults;
  for (std::size_t i = 0; i < worlds_.size(); ++i) {
    const auto& situation = situations()[i];
    const auto& texts = situation.where == Situation::Seen::in_the_log ? world.log : world.answers;
    if (holds(texts, situation.text)) ++worlds_[i];
  }
}

}  // namespace sim
