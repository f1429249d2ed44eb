#include "report/cause.hpp"

#include <doctest/doctest.h>

#include <string>

#include "jsonrpc/caller.hpp"
#include "lightningd/client.hpp"

using report::Cause;
using report::cause_of;

namespace {

struct Case {
  const char* cause;
  const char* method;
  int code;
  const char* message;
};

constexpr auto connect = "connect";
constexpr auto start = "fundchannel_start";
constexpr auto complete = "fundchannel_complete";

}  // namespace

TEST_CASE("the cause of every error that lightningd was seen to give") {
  const Case cases[] = {
      {"unreachable", connect, 400, "Unable to connect, no address known for peer"},
      {"unreachable", connect, 401,
       "All addresses failed: 127.0.0.1:1: Connection establishment: Connection refused. "},
      {"unreachable", connect, 401,
       "All addresses failed: 127.0.0.1:1: Cryptographic handshake: peer closed connection (wrong key?). "},
      {"unreachable", connect, -1, "Host no such host:19846 not valid: Name or service not known"},
      {"disconnected", connect, 402, "disconnected during connection"},
      {"parameters", connect, -32602, "id: should be a node id: invalid token '\"x\"'"},
      {"timeout", connect, -1, "timeout: the peer did not answer connect within 60 seconds"},

      {"refused", start, -1, "They sent ERROR channel 8b47: I do not want that channel"},
      {"refused", start, -1, "They sent WARNING channel 8b47: too large for funding"},
      {"refused", start, -1, "They sent ERROR channel 8b47: Multiple simultaneous opens not supported"},
      {"refused", start, -1, "They sent ERROR channel 42c5: You gave bad parameters: You required zeroconf"},
      {"refused", complete, -1, "ERROR channel 8b47: Internal error"},
      {"refused", complete, -1, "warning channel 8b47: the channel is too large, Peer disconnected"},  // v23.08
      {"pending_limit", complete, -1, "error channel 8b47: Number of pending channels exceed maximum"},
      {"unknown", start, -1, "Unacceptable upfront_shutdown_script 69736f6e6e6563746564c3bc697363c3bc"},
      {"pending_limit", start, -1, "They sent ERROR channel 8b47: Number of pending channels exceed maximum"},
      {"pending_limit", start, -1,
       "They sent ERROR channel 8b47: Number of pending channels exceed maximum (the peer keeps channel 02aa:0 "
       "pending, "
       "whose transaction was never sent, for 2016 blocks; its operator can remove it)"},
      {"pending_limit", start, -1, "They sent ERROR channel 8b47: rate limit reached"},
      {"pending_limit", start, -1, "They sent ERROR: rate limit reached"},
      {"pending_limit", start, -1, "pending limit: the peer keeps channel 02aa:0 pending, and LND takes no other"},
      {"disconnected", start, -1, "Owning subdaemon openingd died (62208)"},
      {"disconnected", start, 305, "Peer not connected"},
      {"disconnected", start, 306, "Unknown peer"},
      {"busy", start, -1, "Already funding channel"},
      {"busy", start, -1, "Have in-progress `open_channel` from peer"},
      {"limits", start, 300, "Amount exceeded 16777215sat"},
      {"limits", start, -1,
       "Not opening because if they used the same setting as us channel_reserve_satoshis 546sat and 546sat too large "
       "for funding 546sat"},
      {"limits", start, -1, "channel_reserve_satoshis 546sat and 10000sat too large for funding 600sat"},
      {"limits", start, -1, "max_accepted_htlcs 0 too small"},
      {"limits", start, -1, "Feerate for non-anchor (10 perkw) below feerate floor 253 perkw"},
      {"unsupported", start, 312,
       "Peer negotiated `option_dual_fund`, must use `openchannel_init` not `fundchannel_start`."},
      {"unsupported", start, -32602, "channel_type not supported"},
      {"unsupported", start, 310, "v2 openchannel not supported by peer"},
      {"parameters", start, -1, "Could not parse destination address, close_to should be a valid address"},
      {"parameters", start, 301,
       "Requested to push_msat of 200000000msat is greater than available funding amount 100000sat"},
      {"parameters", start, -32602, "Cannot set non-zero mindepth for zero-conf channel_type"},
      {"fees", start, -1, "Cannot estimate fees"},
      {"fees", "parsefeerate", 501, "Cannot estimate fees"},
      {"node", start, 304, "Still syncing with bitcoin network"},

      {"timeout", complete, -1, "timeout: the peer did not answer fundchannel_complete within 10 seconds"},
      {"refused", complete, -1, "the channel vanished before the transaction was signed"},
      {"disconnected", complete, -1, "Owning subdaemon openingd died (9)"},
      {"given_up", complete, -1, "given up, because 02aa failed and too few were left"},

      {"funds", "fundpsbt", 301, "Could not afford 3600000000sat using all 15 available UTXOs: 3450028770sat short"},
      {"funds", "fundpsbt", 313, "We would not have enough left for min-emergency-msat 25000sat"},
      {"funds", "", -32602, "Insufficient funds for `all` output: 5000 sat are there after the fee"},
      {"broadcast", "sendpsbt", -1, "Error broadcasting transaction: error code: -26. Unsent tx discarded 02"},
      {"broadcast", "", 303, "The funding transaction was signed, but sending it was not confirmed"},
      {"node", complete, jsonrpc::Caller::lost, "the connection was lost"},
      {"node", complete, jsonrpc::Caller::unsent, "no connection"},
      {"node", "signpsbt", lightningd::unreadable_reply, "unexpected reply to signpsbt: psbt: missing"},
      {"node", start, -4, "Plugin terminated before replying to RPC call."},
      {"unknown", start, -1, "a text that nobody has seen yet"},
      {"unknown", "", -1, ""},
  };
  for (const auto& expected : cases) {
    CAPTURE(expected.message);
    CHECK(name_of(cause_of(expected.method, util::Error{expected.code, expected.message, {}})) ==
          std::string(expected.cause));
  }
}

TEST_CASE("a peer cannot choose the cause of its error by our words, or lightningd's") {
  const std::string texts[] = {"pending limit: the peer keeps channel x",
                               "the channel's rate: rate limit reached",
                               "rate limit reached, or not",
                               "Number of pending channels exceed maximum, or not",
                               "number of pending channels exceed maximum: 9",
                               "They sent ERROR: rate limit reached",
                               "timeout: the peer did not answer ping",
                               "given up, because 02aa failed",
                               "Already funding channel",
                               "Peer disconnected",
                               "Owning subdaemon openingd died (9)",
                               "Error broadcasting transaction: error code: -26",
                               "Cannot estimate fees"};
  for (const auto& text : texts) {
    for (const auto* before : {"They sent ERROR channel 8b47: ", "They sent ERROR: ",
                               "They sent WARNING channel 8b47: ", "ERROR channel 8b47: ", "ERROR: "}) {
      CAPTURE(before + text);
      for (const auto* method : {start, complete}) {
        CHECK(cause_of(method, util::Error{-1, before + text, {}}) == Cause::refused);
      }
    }
  }
}
