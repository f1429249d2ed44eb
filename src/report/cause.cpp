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

/// A peer's error is "They sent ERROR channel <id>: <its words>", without " channel <id>" if it is about all channels
/// (openingd.c); or without "They sent " when a fundchannel_complete comes just after it (opening_common.c).
Message taken_apart(std::string_view message) {
  constexpr std::string_view they_sent = "They sent ", error = "ERROR";
  const auto at = message.find(they_sent);
  const bool bare = message.starts_with("ERROR channel ") || message.starts_with("ERROR: ");
  if (at == std::string_view::npos && !bare) return {message, {}};
  const auto words = bare ? error.size() : at + they_sent.size();
  const auto colon = message.find(": ", words);
  return {message.substr(0, words), colon == std::string_view::npos ? "" : message.substr(colon + 2)};
}

/// Where the text of a rule has to stand.
enum class Where {
  anywhere,  ///< in what lightningd says, or we
  first,     ///< at the beginning of the message
  peer,      ///< it is all that the peer wrote
};

/// An empty method or text fits all.
struct Rule {
  std::string_view method;
  int code;
  std::string_view text;
  std::string_view cause;
  Where where = Where::anywhere;

  [[nodiscard]] bool fits(std::string_view failed, int error, const Message& message) const {
    return (method.empty() || method == failed) && (code == any || code == error) && stands_in(message);
  }

  [[nodiscard]] bool stands_in(const Message& message) const {
    if (where == Where::anywhere) return message.own.find(text) != std::string_view::npos;
    if (where == Where::first) return message.own.starts_with(text);
    if (!message.peers.starts_with(text)) return false;
    const auto rest = message.peers.substr(text.size());
    return rest.empty() || rest.starts_with(our_note);
  }
};

/// The first rule that fits decides. Texts are those of lightningd v23.08 to v26.06.6.
constexpr std::array rules{
    Rule{"", jsonrpc::Caller::lost, "", "node"},
    Rule{"", jsonrpc::Caller::unsent, "", "node"},
    Rule{"", lightningd::unreadable_reply, "", "node"},
    Rule{"", -3, "", "node"},  // a plugin failed
    Rule{"", -4, "", "node"},  // a plugin died
    // LND's words (lnwire.ErrMaxPendingChannels), eclair's (PendingChannelsRateLimiter) and ours.
    Rule{"fundchannel_start", code::generic, "rate limit reached", "pending_limit", Where::peer},
    Rule{"", code::generic, "Number of pending channels exceed maximum", "pending_limit", Where::peer},
    Rule{"", code::generic, "pending limit: the peer keeps channel ", "pending_limit", Where::first},
    Rule{"", any, "They sent ", "refused"},
    Rule{"", code::generic, "ERROR", "refused", Where::first},
    Rule{"", code::generic, "timeout: the peer did not answer", "timeout", Where::first},
    Rule{"", any, "given up, because ", given_up, Where::first},

    Rule{"connect", 400, "", "unreachable"},  // no address known
    Rule{"connect", 401, "", "unreachable"},  // all addresses failed
    Rule{"connect", 402, "", "disconnected"},
    Rule{"connect", code::generic, "not valid", "unreachable"},  // the host's name
    Rule{"connect", code::invalid_params, "", "parameters"},

    Rule{"", code::max_exceeded, "", "limits"},
    Rule{"", code::cannot_afford, "is the largest that works", "limits"},
    Rule{"", code::cannot_afford, "push_msat", "parameters"},
    Rule{"", code::cannot_afford, "", "funds"},
    Rule{"", code::output_is_dust, "", "funds"},
    Rule{"", code::emergency_reserve, "", "funds"},
    Rule{"", code::invalid_params, "Insufficient funds", "funds"},
    Rule{"", code::invalid_params, "max_fee", "fees"},
    Rule{"", code::broadcast_fail, "", "broadcast"},
    Rule{"sendpsbt", any, "", "broadcast"},
    Rule{"", any, "Error broadcasting transaction", "broadcast"},
    Rule{"", code::still_syncing, "", "node"},
    Rule{"", code::not_connected, "", "disconnected"},
    Rule{"", code::unknown_peer, "", "disconnected"},
    Rule{"", code::v2_unsupported, "", "unsupported"},
    Rule{"", 312, "option_dual_fund", "unsupported"},
    Rule{"", 501, "", "fees"},
    Rule{"", any, "Cannot estimate fees", "fees"},

    Rule{"", any, "Owning subdaemon", "disconnected"},  // openingd's connection broke
    Rule{"", any, "isconnected", "disconnected"},
    Rule{"", any, "Already funding channel", "busy"},
    Rule{"", any, "Have in-progress", "busy"},
    Rule{"", any, "the channel vanished", "refused"},  // a peer's error takes a withheld channel away
    Rule{"", any, "channel_type not supported", "unsupported"},
    Rule{"", any, "Not opening because", "limits"},
    Rule{"", any, "channel_reserve_satoshis", "limits"},
    Rule{"", any, "below feerate floor", "limits"},
    Rule{"", any, "too large", "limits"},
    Rule{"", any, "too small", "limits"},
    Rule{"", any, "should be a valid address", "parameters"},
    Rule{"", code::invalid_params, "", "parameters"},
};

}  // namespace

std::string_view cause_of(std::string_view method, const util::Error& error) {
  const auto message = taken_apart(error.message);
  const auto rule = std::find_if(
      rules.begin(), rules.end(),
      [method, code = error.code, &message](const Rule& candidate) { return candidate.fits(method, code, message); });
  return rule == rules.end() ? "unknown" : rule->cause;
}

}  // namespace report
