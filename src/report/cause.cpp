#include "report/cause.hpp"

#include <algorithm>
#include <array>

#include "lightningd/client.hpp"
#include "lightningd/codes.hpp"

namespace report {

namespace {

namespace code = lightningd::code;

/// Stands for every code.
constexpr int any = 0;

/// What peers::explain_refusal adds to a peer's words begins so.
constexpr std::string_view our_note = " (the peer keeps channel ";

/// A message taken apart, so that a peer cannot choose words of lightningd's or ours.
struct Message {
  std::string_view own;    ///< what lightningd says, or we: all, or what comes before the peer's words
  std::string_view peers;  ///< what the peer wrote
};

/// How long the tag of a peer's error is that begins the message; 0: it begins with none.
std::size_t tag_at_the_beginning(std::string_view message) {
  for (const std::string_view tag : {"ERROR", "WARNING", "error", "warning"}) {
    const auto rest = message.starts_with(tag) ? message.substr(tag.size()) : "";
    if (rest.starts_with(" channel ") || rest.starts_with(": ")) return tag.size();
  }
  return 0;
}

/// A peer's error is "They sent ERROR channel <id>: <its words>", without " channel <id>" if it is about all channels
/// (openingd.c); or without "They sent " when a fundchannel_complete comes just after it (opening_common.c). v23.08
/// writes "error", and a "warning" ends an opening there, too.
Message taken_apart(std::string_view message) {
  constexpr std::string_view they_sent = "They sent ";
  const auto at = message.find(they_sent);
  const auto bare = tag_at_the_beginning(message);
  if (at == std::string_view::npos && bare == 0) return {message, {}};
  const auto words = bare > 0 ? bare : at + they_sent.size();
  const auto colon = message.find(": ", words);
  return {message.substr(0, words), colon == std::string_view::npos ? "" : message.substr(colon + 2)};
}

/// Where the text of a rule has to stand.
enum class Where {
  anywhere,  ///< in what lightningd says, or we
  first,     ///< at the beginning of the message
  peer,      ///< it is all that the peer wrote
  any_peer,  ///< anywhere, and a peer wrote anything
};

/// An empty method or text fits all.
struct Rule {
  std::string_view method;
  int code;
  std::string_view text;
  Cause cause;
  Where where = Where::anywhere;

  [[nodiscard]] bool fits(std::string_view failed, int error, const Message& message) const {
    return (method.empty() || method == failed) && (code == any || code == error) && stands_in(message);
  }

  [[nodiscard]] bool stands_in(const Message& message) const {
    if (where == Where::anywhere) return message.own.find(text) != std::string_view::npos;
    if (where == Where::first) return message.own.starts_with(text);
    if (where == Where::any_peer) return !message.peers.empty();
    if (!message.peers.starts_with(text)) return false;
    const auto rest = message.peers.substr(text.size());
    return rest.empty() || rest.starts_with(our_note);
  }
};

/// The first rule that fits decides. Texts are those of lightningd v23.08 to v26.06.6.
constexpr std::array rules{
    Rule{"", jsonrpc::Caller::lost, "", Cause::node},
    Rule{"", jsonrpc::Caller::unsent, "", Cause::node},
    Rule{"", lightningd::unreadable_reply, "", Cause::node},
    Rule{"", -3, "", Cause::node},  // a plugin failed
    Rule{"", -4, "", Cause::node},  // a plugin died
    // LND's words (lnwire.ErrMaxPendingChannels), eclair's (PendingChannelsRateLimiter) and ours.
    Rule{"fundchannel_start", code::generic, "rate limit reached", Cause::pending_limit, Where::peer},
    Rule{"", code::generic, "Number of pending channels exceed maximum", Cause::pending_limit, Where::peer},
    Rule{"", code::generic, "pending limit: the peer keeps channel ", Cause::pending_limit, Where::first},
    Rule{"", any, "They sent ", Cause::refused},
    Rule{"", code::generic, "", Cause::refused, Where::any_peer},
    Rule{"", code::generic, "timeout: the peer did not answer", Cause::timeout, Where::first},
    Rule{"", any, "given up, because ", Cause::given_up, Where::first},

    Rule{"connect", 400, "", Cause::unreachable},  // no address known
    Rule{"connect", 401, "", Cause::unreachable},  // all addresses failed
    Rule{"connect", 402, "", Cause::disconnected},
    Rule{"connect", code::generic, "not valid", Cause::unreachable},  // the host's name
    Rule{"connect", code::invalid_params, "", Cause::parameters},

    Rule{"", code::max_exceeded, "", Cause::limits},
    Rule{"", code::cannot_afford, "is the largest that works", Cause::limits},
    Rule{"", code::cannot_afford, "push_msat", Cause::parameters},
    Rule{"", code::cannot_afford, "", Cause::funds},
    Rule{"", code::output_is_dust, "", Cause::funds},
    Rule{"", code::emergency_reserve, "", Cause::funds},
    Rule{"", code::invalid_params, "Insufficient funds", Cause::funds},
    Rule{"", code::invalid_params, "max_fee", Cause::fees},
    Rule{"", code::broadcast_fail, "", Cause::broadcast},
    Rule{"sendpsbt", any, "", Cause::broadcast},
    Rule{"", any, "Error broadcasting transaction", Cause::broadcast},
    Rule{"", code::still_syncing, "", Cause::node},
    Rule{"", code::not_connected, "", Cause::disconnected},
    Rule{"", code::unknown_peer, "", Cause::disconnected},
    Rule{"", code::v2_unsupported, "", Cause::unsupported},
    Rule{"", 312, "option_dual_fund", Cause::unsupported},
    Rule{"", 501, "", Cause::fees},
    Rule{"", any, "Cannot estimate fees", Cause::fees},

    Rule{"", any, "Owning subdaemon", Cause::disconnected},  // openingd's connection broke
    Rule{"", any, "isconnected", Cause::disconnected},
    Rule{"", any, "Already funding channel", Cause::busy},
    Rule{"", any, "Have in-progress", Cause::busy},
    Rule{"", any, "the channel vanished", Cause::refused},  // a peer's error takes a withheld channel away
    Rule{"", any, "channel_type not supported", Cause::unsupported},
    Rule{"", any, "Not opening because", Cause::limits},
    Rule{"", any, "channel_reserve_satoshis", Cause::limits},
    Rule{"", any, "below feerate floor", Cause::limits},
    Rule{"", any, "too large", Cause::limits},
    Rule{"", any, "too small", Cause::limits},
    Rule{"", any, "should be a valid address", Cause::parameters},
    Rule{"", code::invalid_params, "", Cause::parameters},
};

}  // namespace

const char* name_of(Cause cause) {
  switch (cause) {
    case Cause::unreachable:
      return "unreachable";
    case Cause::disconnected:
      return "disconnected";
    case Cause::timeout:
      return "timeout";
    case Cause::refused:
      return "refused";
    case Cause::pending_limit:
      return "pending_limit";
    case Cause::busy:
      return "busy";
    case Cause::limits:
      return "limits";
    case Cause::unsupported:
      return "unsupported";
    case Cause::parameters:
      return "parameters";
    case Cause::funds:
      return "funds";
    case Cause::fees:
      return "fees";
    case Cause::broadcast:
      return "broadcast";
    case Cause::node:
      return "node";
    case Cause::given_up:
      return "given_up";
    case Cause::unknown:
      break;
  }
  return "unknown";
}

Cause cause_of(std::string_view method, const util::Error& error) {
  const auto message = taken_apart(error.message);
  const auto rule = std::find_if(
      rules.begin(), rules.end(),
      [method, code = error.code, &message](const Rule& candidate) { return candidate.fits(method, code, message); });
  return rule == rules.end() ? Cause::unknown : rule->cause;
}

}  // namespace report
