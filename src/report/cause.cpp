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

/// An empty method or text fits all. `text` may be anywhere in the message.
struct Rule {
  std::string_view method;
  int code;
  std::string_view text;
  std::string_view cause;

  [[nodiscard]] bool fits(std::string_view failed, const util::Error& error) const {
    return (method.empty() || method == failed) && (code == any || code == error.code) &&
           error.message.find(text) != std::string::npos;
  }
};

/// The first rule that fits decides. Texts are those of lightningd v23.08 to v26.06.6. What a peer wrote
/// comes behind "They sent", so that rule goes before all others that look for words.
constexpr std::array rules{
    Rule{"", jsonrpc::Caller::lost, "", "node"},
    Rule{"", jsonrpc::Caller::unsent, "", "node"},
    Rule{"", lightningd::unreadable_reply, "", "node"},
    Rule{"", -3, "", "node"},  // a plugin failed
    Rule{"", -4, "", "node"},  // a plugin died
    // LND's words (lnwire.ErrMaxPendingChannels), eclair's (PendingChannelsRateLimiter) and ours.
    Rule{"fundchannel_start", any, ": rate limit reached", "pending_limit"},
    Rule{"", any, "umber of pending channels exceed maximum", "pending_limit"},
    Rule{"", code::generic, "pending limit: the peer keeps channel ", "pending_limit"},
    Rule{"", any, "They sent ", "refused"},
    Rule{"", code::generic, "timeout: the peer did not answer", "timeout"},
    Rule{"", any, "given up, because ", given_up},

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
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [method, &error](const Rule& candidate) { return candidate.fits(method, error); });
  return rule == rules.end() ? "unknown" : rule->cause;
}

}  // namespace report
