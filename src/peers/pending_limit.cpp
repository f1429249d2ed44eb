#include "peers/pending_limit.hpp"

#include <utility>

#include "util/str.hpp"

namespace peers {

using ledger::ToldInVain;
using util::Error;
using util::str;

namespace {

std::string kept(const ToldInVain::Entry& told) {
  const auto until = told.until();
  return str("the peer keeps channel ", told.channel.str(), " pending, whose transaction was never sent, ",
             until ? str("until block ", *until) : str("for ", ToldInVain::kept_for, " blocks"));
}

std::string remedy(const ToldInVain::Entry& told) {
  return str("its operator can remove it: lncli abandonchannel --i_know_what_i_am_doing ", told.channel.txid.hex(), " ",
             told.channel.vout);
}

}  // namespace

Error pending_limit(const ToldInVain::Entry& told) {
  return Error{-1, str("pending limit: ", kept(told), ", and LND takes no other meanwhile; ", remedy(told)), {}};
}

Error explain_refusal(Error refusal, const ToldInVain::Entry* told) {
  if (told != nullptr) refusal.message += str(" (", kept(*told), "; ", remedy(*told), ")");
  return refusal;
}

std::string caution_of_told(const request::Destination& destination, const ToldInVain::Entry& told) {
  return str("destinations[", destination.index, "]: ", kept(told), ", so it may refuse another; ", remedy(told));
}

}  // namespace peers
