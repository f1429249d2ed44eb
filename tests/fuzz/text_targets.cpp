// What arrives as text: framing, JSON, parameters.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "bump/bump_params.hpp"
#include "fuzz/targets.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "jsonrpc/framer.hpp"
#include "jsonrpc/message.hpp"
#include "jsonrpc/safe_error.hpp"
#include "left/batch_params.hpp"
#include "params/amount.hpp"
#include "params/params.hpp"
#include "request/fee_cap.hpp"
#include "request/payment.hpp"
#include "request/request.hpp"
#include "request/share.hpp"
#include "request/written_destinations.hpp"

namespace fuzz {

namespace {

constexpr std::size_t limit = 4'096;  // of a message, so that inputs get there

struct Cut {
  std::vector<std::string> texts;
  bool fine = true;
};

void feed(jsonrpc::Framer& framer, std::string_view piece, Cut& into) {
  into.fine = framer
                  .feed(piece,
                        [&into](std::string_view text) {
                          into.texts.emplace_back(text);
                          return true;
                        })
                  .ok();
}

Cut cut_whole(std::string_view bytes) {
  Cut result;
  jsonrpc::Framer framer(limit);
  feed(framer, bytes, result);
  return result;
}

/// In pieces that look random; the seed chooses them.
Cut cut_to_pieces(std::string_view bytes, std::size_t seed) {
  Cut result;
  jsonrpc::Framer framer(limit);
  std::minstd_rand random(static_cast<std::minstd_rand::result_type>(seed));
  while (!bytes.empty() && result.fine) {
    const auto length = std::min<std::size_t>(bytes.size(), random() % 17 + 1);
    feed(framer, bytes.substr(0, length), result);
    bytes.remove_prefix(length);
  }
  return result;
}

bool is_object(const std::string& text) { return text.starts_with('{'); }

/// Reading a text that the writer has made gives the same text again. A name is what stands between its quotes, so that
/// a backslash in one becomes two.
void check_same_again(const json::Document& document, const char* what) {
  const auto text = document.root().dump();
  const auto again = json::Document::read(text, "again");
  require(again.ok(), what);
  require(again->root().dump() == text || text.find('\\') != std::string::npos, what);
}

/// An error that a user sees: one line, which a JSON text can hold.
template <class T>
void check_error(const util::Result<T>& result) {
  if (result.ok()) return;
  const auto& message = result.error().message;
  require(!message.empty(), "an error has a message");
  const auto shown = jsonrpc::error_text("1", result.error());
  require(jsonrpc::Message::parse(shown).ok(), "an error can be answered");
  require(std::find(shown.begin(), shown.end(), '\0') == shown.end(), "an error has no zero byte");
}

void check_values(const json::Value& value) {
  check_error(params::parse_sat(value));
  check_error(params::parse_msat(value));
  check_error(request::parse_share(value));
  check_error(request::parse_amount_or_share(value));
  check_error(request::parse_perkw(value));
  // A feerate by its name is a token, which lightningd reads.
  check_error(params::parse_token(value));
  check_error(params::parse_u32(value));
  check_error(params::parse_unsigned(value));
  check_error(params::parse_u16(value));
  check_error(params::parse_bool(value));
  check_error(params::parse_short_text(value));
  check_error(request::parse_address_text(value));
}

/// The messages that are found, which are the same however the bytes come.
std::vector<std::string> check_pieces(std::string_view bytes, std::size_t seed) {
  const auto whole = cut_whole(bytes), pieces = cut_to_pieces(bytes, seed);
  require(whole.fine == pieces.fine, "pieces do not matter for whether there is a limit");
  // Of garbage the beginning is told, which depends on how it comes.
  std::vector<std::string> some, others;
  std::copy_if(whole.texts.begin(), whole.texts.end(), std::back_inserter(some), is_object);
  std::copy_if(pieces.texts.begin(), pieces.texts.end(), std::back_inserter(others), is_object);
  require(some == others, "pieces do not matter for what is found");
  for (const auto& text : some) require(text.size() <= limit, "a message is within the limit");
  return some;
}

void read_message(std::string_view text) {
  const auto parsed = jsonrpc::Message::parse(text);
  check_error(parsed);
  if (!parsed) return;
  (void)parsed->flaw();
  if (parsed->is_reply()) {
    const auto result = parsed->result();
    if (!result) require(!jsonrpc::safe_error(result.error()).message.empty(), "an error that is shown has a message");
    return;
  }
  const auto params = parsed->params();
  (void)parsed->filter();
  (void)params.dump();
  if (parsed->raw_id().empty()) return;
  const auto answer = jsonrpc::Message::parse(jsonrpc::reply_text(parsed->raw_id(), "{}"));
  require(answer.ok() && answer->raw_id() == parsed->raw_id(), "an answer has the id of its request");
}

}  // namespace

void frames(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto seed = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0]));
  bytes.remove_prefix(1);
  (void)check_pieces(bytes, seed);
}

void message(std::string_view bytes) {
  read_message(bytes);
  const auto seed = std::accumulate(bytes.begin(), bytes.end(), bytes.size());
  for (const auto& text : check_pieces(bytes, seed)) read_message(text);
}

void json_strict(std::string_view bytes) {
  const auto document = json::Document::parse(bytes, "text");
  check_error(document);
  if (document) check_same_again(*document, "JSON that is written is read as the same");
}

void json_lenient(std::string_view bytes) {
  const auto document = json::Document::read(bytes, "text");
  check_error(document);
  if (!document) return;
  check_same_again(*document, "what is read leniently is written as JSON");
}

void parameters(std::string_view bytes) {
  const auto document = json::Document::read(bytes, "params");
  if (!document) return;
  const auto params = document->root();
  for (const auto* network : {"bitcoin", "regtest"}) {
    const auto request = request::parse_request(params, network);
    check_error(request);
    if (request) {
      require(!request->destinations.empty(), "a request has destinations");
      require(request->minchannels <= request->destinations.size(), "no more channels are asked for than there are");
    }
    check_error(request::parse_prepare(params, network));
  }
  check_error(left::parse_list(params));
  check_error(left::parse_finish(params));
  check_error(left::parse_forget(params));
  check_error(left::parse_abort(params));
  check_error(bump::parse_bump(params));
}

void written(std::string_view bytes) {
  const auto text = json::Document::parse(json::Writer().value(bytes).take(), "destinations");
  if (!text) return;
  const auto destinations = request::read_destinations(text->root());
  check_error(destinations);
  check_error(request::read_destination(text->root()));
  if (destinations) require(!destinations->empty(), "a text of destinations has one");
}

void amounts(std::string_view bytes) {
  const auto text = json::Document::parse(json::Writer().value(bytes).take(), "amount");
  if (text) check_values(text->root());
  const auto bare = json::Document::read(bytes, "amount");
  if (bare) check_values(bare->root());
}

}  // namespace fuzz
